"""The flow with the line of a company as it is: template, mapping, receipts, proofs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from etl.batches.states import State
from etl.errors import EtlError
from etl.live.desk import Desk, open_desk
from etl.verification import verify_folder
from etl.workspace import load_workspace
from tests.fakes.items import item
from tests.unit.live.scene import BY, Scene

BASE = Path(__file__).parents[2] / "errors" / "base"


class RealScene(Scene):
    """A scene whose desk has the company's own line."""

    @contextmanager
    def desk(self, **more: object) -> Iterator[Desk]:
        workspace = load_workspace(self.root / "pleo-etl.yaml")
        with open_desk(
            workspace, "acme", what="a test", clock=self.clock, transport=self.transport,
            tell=self.said.append,
        ) as desk:  # fmt: skip
            yield desk


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RealScene:
    found = RealScene(tmp_path / "work")
    monkeypatch.setenv("PLEO_API_KEY_ACME", found.key)
    found.hook(monkeypatch)
    shutil.copytree(BASE / "templates", found.root / "templates")
    shutil.copy(BASE / "mapping.yaml", found.root / "mappings" / "acme.yaml")
    settings = found.root / "pleo-etl.yaml"
    settings.write_text(settings.read_text().replace("template: generic", "template: plain"))
    return found


def test_a_job_is_released_and_proves_itself_from_its_files(real: RealScene) -> None:
    real.company.add(item(n=5, files=[{"url": "x", "type": "application/pdf", "size": 1}]))
    real.company.add(item(n=6, lines=[{"account": None}]))
    job = real.export()
    staged = real.run()
    assert (staged.word, staged.exit_code) == ("staged", 1)
    assert (staged.counts["rendered"], staged.counts["rejected"]) == (4, 1)
    assert staged.folder is not None
    assert (staged.folder / "review.html").is_file()
    outcome = real.release()
    assert (outcome.word, outcome.exit_code, job.status) == ("closed", 1, "completed_with_errors")
    (folder,) = real.released()
    proof = verify_folder(folder)
    assert not proof.problems
    assert len(list(folder.rglob("*.pdf"))) == 1
    assert job.items[item(n=6)["accountingEntryId"]].failure_type == "missing_configuration"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "effect",
    ["tx staged", "send started", "tx publish_intended", "move_folder", "report", "tx reported"],
)
def test_stopped_it_goes_on_to_the_same_files(real: RealScene, when: str, effect: str) -> None:
    real.company.add(item(n=5, files=[{"url": "x", "type": "application/pdf", "size": 1}]))
    job = real.export()
    if effect == "tx staged":
        real.stopped(real.run, when, effect)
    real.run()
    if effect != "tx staged":
        real.stopped(real.release, when, effect)
    real.release()
    assert job.status == "completed"
    (folder,) = real.released()
    assert not verify_folder(folder).problems
    assert real.batch().state == State.CLOSED


def test_a_recipe_that_is_gone_is_noticed_before_the_job_is_started(real: RealScene) -> None:
    real.export()
    batch = real.run().batch
    assert batch is not None
    real.approve(BY)
    with real.desk() as desk:
        shutil.rmtree(desk.stored(batch).recipe_folder(1))
    with pytest.raises(EtlError, match="LINE-") as caught:
        real.release()
    assert caught.value.exit_code == 2
    assert real.events() == []
    assert real.run().word == "staged"
    assert real.release().word == "closed"


def test_a_mapping_that_is_broken_later_does_not_disturb_a_release(real: RealScene) -> None:
    real.export()
    real.run()
    (real.root / "mappings" / "acme.yaml").write_text("company: [")
    assert real.release().word == "closed"


def test_a_mapping_that_is_broken_stops_the_run_and_a_mended_one_goes_on(real: RealScene) -> None:
    mapping = real.root / "mappings" / "acme.yaml"
    good = mapping.read_text()
    mapping.write_text(good.replace("map:", "mop:"))
    real.export()
    with pytest.raises(EtlError) as caught:
        real.run()
    assert caught.value.exit_code == 2
    mapping.write_text(good)
    assert real.run().word == "staged"
    assert real.batch().number == 1
    assert real.release().word == "closed"


def test_a_repeat_names_the_voucher_it_stands_in(real: RealScene) -> None:
    real.export()
    real.run()
    real.release()
    second = real.export()
    assert real.run_release().exit_code == 1
    reasons = {str(one.failure_reason) for one in second.items.values()}
    assert all("batch 1 of 2026-04-01, voucher " in reason for reason in reasons)
    assert len(real.released()) == 1
