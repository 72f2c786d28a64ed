"""A lost ledger is made again from the outbox and Pleo: nothing twice, nothing lost, no guess."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from etl import files
from etl.batches.ledger import Became
from etl.batches.states import State
from etl.errors import EtlError
from etl.live import answers, reviewing
from etl.live.desk import folders_of
from etl.live.rebuilding import Rebuilt, rebuild
from etl.live.verifying import verify_company
from etl.workspace import load_workspace
from tests.fakes.items import COMPANY, item
from tests.fakes.line import QuickLine
from tests.unit.live.scene import BY, Scene
from tests.unit.live.test_answers import give, quarantined, released

LEDGER = Path(".pleo-etl") / "ledger.db"


def made_again(scene: Scene, *, is_forced: bool = False) -> Rebuilt:
    return rebuild(
        load_workspace(scene.root / "pleo-etl.yaml"), clock=scene.clock, transport=scene.transport,
        is_forced=is_forced, line_of=lambda _workspace, _name: QuickLine(scene.settings),
    )  # fmt: skip


def lose(scene: Scene) -> None:
    for path in (scene.root / ".pleo-etl").glob("ledger.db*"):
        path.unlink()


def known(scene: Scene) -> dict[str, Any]:
    """Give what the next batch depends on."""
    with scene.desk() as desk:
        ledger = desk.ledger
        claims = ledger.claims(COMPANY, scene.entries)
        numbers = ledger.next_numbers(COMPANY, per_fiscal_year=False)
        assert ledger.verify() == []
        problems = verify_company(ledger, desk.folders, company_id=COMPANY, pleo=desk.pleo)
        return {
            "claims": {entry: (claim.batch.id, claim.became, claim.verdict and (
                claim.verdict.external_id, claim.verdict.fingerprint,
                bool(claim.verdict.vouchers)))
                for entry, claim in claims.items()},
            "batch": numbers.batch,
            "voucher": numbers.voucher(),
            "problems": [problem.code for problem in problems],
            "unsettled": (one := ledger.unsettled(COMPANY)) and (one.id, one.state),
        }  # fmt: skip


def states(scene: Scene) -> dict[str, State]:
    with scene.desk() as desk:
        return {batch.id: batch.state for batch in desk.ledger.batches(COMPANY)}


def two_parts(scene: Scene) -> tuple[list[str], list[str]]:
    return scene.entries[:1], scene.entries[1:]


def withdrawn_and_again(scene: Scene) -> None:
    released(scene)
    give(scene, answers.withdraw, by=BY)
    released(scene)


def not_imported_and_again(scene: Scene) -> None:
    quarantined(scene)
    give(scene, answers.settle, imported=False, by=BY)
    released(scene)


def imported_all_the_same(scene: Scene) -> None:
    one, rest = two_parts(scene)
    job = scene.export(one)
    scene.run()
    scene.stopped(scene.release, "after", "tx published")
    scene.pleo.cancel_job(job)
    scene.finish()
    give(scene, answers.settle, imported=True, by=BY)
    released(scene, rest)


def reversed_and_again(scene: Scene) -> None:
    released(scene)
    give(scene, answers.reverse, by=BY)
    released(scene)


def reversed_only(scene: Scene) -> None:
    released(scene)
    give(scene, answers.reverse, by=BY)


def wanted_again(scene: Scene) -> None:
    released(scene)
    scene.export()
    scene.run()
    said = {entry: {"do": "again", "reason": "lost"} for entry in scene.entries}
    give(scene, reviewing.answer, scene.batch(), by=BY, decisions=said)
    assert scene.release().word == "closed"
    assert len(scene.booked()) == 2 * len(scene.entries)


def one_after_the_other(scene: Scene) -> None:
    for part in two_parts(scene):
        released(scene, part)


def with_failed_items(scene: Scene) -> None:
    entries = scene.company.entries
    next(iter(entries.values()))["accountingEntryLines"][0]["account"] = None
    released(scene)


STORIES: list[Callable[[Scene], object]] = [
    released, one_after_the_other, withdrawn_and_again, not_imported_and_again,
    imported_all_the_same, reversed_and_again, reversed_only, wanted_again, with_failed_items,
    quarantined,
]  # fmt: skip


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_the_new_ledger_knows_what_the_old_one_knew(
    scene: Scene, story: Callable[[Scene], object]
) -> None:
    story(scene)
    before, old = known(scene), states(scene)
    lose(scene)
    (scene.root / "outbox" / "acme" / "statements of the bank").mkdir()
    seen = len(scene.events())
    rebuilt = made_again(scene)
    after, new = known(scene), states(scene)
    assert {entry: claim[:2] for entry, claim in after["claims"].items()} == {
        entry: claim[:2] for entry, claim in before["claims"].items()
    }
    assert after["claims"] == before["claims"]
    assert (after["batch"], after["voucher"]) == (before["batch"], before["voucher"])
    assert (after["problems"], after["unsettled"]) == ([], before["unsettled"])
    assert new == old
    assert len(scene.events()) == seen  # Pleo is told nothing
    assert rebuilt.batches == {"acme": len(new)}
    asks = any("pleo-etl settle" in sentence for sentence in rebuilt.unknown)
    assert asks == (State.QUARANTINED in new.values())
    assert rebuilt.old is None


def test_a_lost_ledger_stops_every_command_and_the_message_says_what_to_do(scene: Scene) -> None:
    released(scene)
    lose(scene)
    with pytest.raises(EtlError, match="LED-") as error:
        scene.run()
    assert "pleo-etl ledger rebuild" in str(error.value)
    made_again(scene)  # the empty ledger that the command has made is no obstacle
    scene.export()
    staged = scene.run()
    assert staged.batch is not None
    assert list(staged.batch.facts["blocking"]) == ["JOB-9"]  # in the books already


def test_a_job_in_progress_goes_on_without_a_second_start(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "tx published")
    first = sorted(scene.entries)[0]
    scene.pleo.refuse_item(first, "INTERNAL_ERROR", "INTERNAL_ERROR", "INTERNAL_ERROR")
    scene.stopped(scene.release, "after", "report")
    assert sorted(one.status for one in job.items.values()) == [
        "pending", "successful", "successful",
    ]  # fmt: skip
    lose(scene)
    made_again(scene)
    assert scene.batch().state is State.PUBLISHED
    (outcome,) = scene.finish()
    assert outcome.word == "closed"
    assert scene.events() == ["started", "completed"]
    assert [one.status for one in job.items.values()] == ["successful"] * 3
    assert len(scene.bodies("report-items")[-1]) == 1
    assert known(scene)["problems"] == []


def test_a_job_that_was_only_started_is_taken_over(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "tx started")
    lose(scene)
    made_again(scene)
    with pytest.raises(EtlError, match="pleo-etl adopt"):
        scene.run()
    give(scene, answers.adopt, job.id)
    assert scene.release().word == "closed"
    assert scene.events() == ["started", "completed"]
    assert scene.booked() == sorted(scene.entries)


def test_a_folder_that_was_moved_away_keeps_its_items_from_being_booked_again(
    scene: Scene,
) -> None:
    one, rest = two_parts(scene)
    released(scene, one)
    (folder,) = scene.released()
    released(scene, rest)
    shutil.rmtree(folder)
    lose(scene)
    rebuilt = made_again(scene)
    assert any("1 export jobs have exported items and no folder" in text
               for text in rebuilt.unknown)  # fmt: skip
    with scene.desk() as desk:
        claim = desk.ledger.claims(COMPANY, one)[one[0]]
        assert (claim.became, claim.batch.number) == (Became.BOOKED, 1)
        assert desk.ledger.next_numbers(COMPANY, per_fiscal_year=False).batch == 3
    scene.export(one)
    scene.run_release()
    assert scene.booked() == sorted(rest)


def test_without_the_private_folder_a_person_says_whether_a_repeated_item_is_booked(
    scene: Scene,
) -> None:
    """Nobody knows whether its postings are those of then: "other postings" would be a guess."""
    released(scene)
    shutil.rmtree(scene.root / ".pleo-etl")
    made_again(scene)
    scene.export()
    staged = scene.run().batch
    assert staged is not None
    assert staged.facts["blocking"] == ["JOB-9"]
    with pytest.raises(EtlError, match="REL-3"):
        scene.release()
    first, *others = scene.entries
    said = {entry: {"do": "already_booked", "reason": ""} for entry in others}
    said[first] = {"do": "again", "reason": "the ERP refused it"}
    give(scene, reviewing.answer, staged, by=BY, decisions=said)
    assert scene.release().word == "closed"
    assert scene.booked() == sorted([*scene.entries, first])


def test_without_the_private_folder_and_a_person_a_repeated_item_is_failed(scene: Scene) -> None:
    released(scene)
    shutil.rmtree(scene.root / ".pleo-etl")
    made_again(scene)
    scene.export()
    scene.run_release()
    assert scene.booked() == sorted(scene.entries)
    assert [one["status"] for one in scene.bodies("report-items")[-1]] == ["failed"] * 3


# ── what is refused ──


def test_a_good_ledger_is_not_made_again_unasked(scene: Scene) -> None:
    released(scene)
    before = known(scene)
    with pytest.raises(EtlError, match="ANS-7"):
        made_again(scene)
    rebuilt = made_again(scene, is_forced=True)
    assert rebuilt.old is not None
    assert rebuilt.old.name.startswith("ledger-before-")
    assert known(scene) == before
    other = made_again(scene, is_forced=True)  # in the same second
    assert other.old not in (None, rebuilt.old)
    assert rebuilt.old.exists()


@pytest.mark.parametrize("damage", [b"", b"no database", bytes(4096)])
def test_a_damaged_ledger_is_moved_aside(scene: Scene, damage: bytes) -> None:
    released(scene)
    before = known(scene)
    (scene.root / LEDGER).write_bytes(damage)
    rebuilt = made_again(scene)
    assert rebuilt.old is not None
    assert rebuilt.old.read_bytes() == damage
    assert known(scene) == before


def _changed(folder: Path) -> Path:
    (folder / "manifest.json").write_bytes((folder / "manifest.json").read_bytes() + b" ")
    return folder


def _renamed(folder: Path) -> Path:
    return folder.rename(folder.with_name("0009-" + folder.name[5:]))


def _copied(folder: Path) -> Path:
    copy = folder.parent / "withdrawn" / folder.name[5:]
    shutil.copytree(folder, copy)
    return copy


def _no_manifest(folder: Path) -> Path:
    (folder / "manifest.json").unlink()
    return folder


@pytest.mark.parametrize("change", [_changed, _renamed, _copied, _no_manifest])
def test_a_folder_that_says_two_things_is_left_to_a_person(
    scene: Scene, change: Callable[[Path], Path]
) -> None:
    released(scene)
    (folder,) = scene.released()
    lose(scene)
    changed = change(folder)
    with pytest.raises(EtlError, match="ANS-8"):
        made_again(scene)
    assert not (scene.root / LEDGER).exists()
    shutil.rmtree(changed)
    if change is _copied:
        made_again(scene)


def test_pleo_out_of_reach_changes_nothing(scene: Scene) -> None:
    released(scene)
    lose(scene)
    scene.transport.refuse_connections = 100
    with pytest.raises(EtlError, match="NET-"):
        made_again(scene)
    assert list((scene.root / ".pleo-etl").glob("*.db*")) == []
    scene.transport.refuse_connections = 0
    made_again(scene)


# ── stops ──


@pytest.mark.parametrize("then", [made_again, Scene.finish])
def test_what_a_stopped_rebuild_has_begun_is_swept(
    scene: Scene, then: Callable[[Scene], Any]
) -> None:
    """The new ledger is a part, and was itself being made from one."""
    released(scene)
    folder = scene.root / ".pleo-etl"
    first = files.temporary_name(folder / "ledger.db", "part")
    parts = [first, files.temporary_name(first, "part"), folder / f"{first.name}-wal"]
    if then is made_again:
        lose(scene)
    for part in parts:
        part.write_bytes(b"half")
    then(scene)
    assert not [part for part in parts if part.exists()]


def naming(name: str) -> Callable[..., str]:
    """Name an effect; of new files only the ledger's own place counts."""
    return lambda _old, new: name if name == "move_file" else f"{name} {new.name}"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "effect", ["tx closed", "write_atomic", "move_file", "place_new ledger.db"]
)
def test_a_stopped_rebuild_is_given_again(
    scene: Scene, when: str, effect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    released(scene)
    before = known(scene)
    (scene.root / LEDGER).write_bytes(b"damaged")
    for name in ("move_file", "place_new"):
        real = getattr(files, name)
        monkeypatch.setattr(files, name, scene._hooked(real, naming(name)))
    scene.stopped(lambda: made_again(scene), when, effect)
    if (when, effect) == ("after", "place_new ledger.db"):
        assert known(scene) == before
        return
    made_again(scene)
    assert known(scene) == before
    left = [path.name for path in (scene.root / ".pleo-etl").iterdir() if "part" in path.name]
    assert left == []


# ── verify ──


def verified(scene: Scene, *, is_online: bool = False) -> list[str]:
    with scene.desk() as desk:
        found = verify_company(
            desk.ledger, desk.folders, company_id=COMPANY, pleo=desk.pleo if is_online else None
        )
    return [str(problem) for problem in found]


def test_what_was_released_must_lie_there_unchanged(scene: Scene) -> None:
    released(scene)
    (folder,) = scene.released()
    assert verified(scene, is_online=True) == []
    (path,) = folder.glob("*.csv")
    path.write_text(path.read_text().replace("6640", "6641"))
    (said,) = verified(scene)
    assert "ANS-9" in said
    assert "is not as it was released" in said
    shutil.rmtree(folder)
    (said,) = verified(scene)
    assert "is not in the outbox" in said


def test_what_nobody_released_must_not_lie_there(scene: Scene) -> None:
    batch = released(scene)
    outbox = scene.root / "outbox" / "acme"
    (outbox / "statements of the bank").mkdir()
    shutil.copytree(outbox / f"0001-{batch}", outbox / "0001-copy")
    (said,) = verified(scene)
    assert "ANS-10" in said
    assert "do not import it" in said
    shutil.rmtree(outbox / "0001-copy")
    give(scene, answers.withdraw, by=BY)
    shutil.copytree(outbox / "withdrawn" / batch, outbox / f"0001-{batch}")
    (said,) = verified(scene)
    assert f"batch 1 ({batch}) is withdrawn" in said


def test_what_pleo_shows_must_be_what_it_was_told(scene: Scene) -> None:
    released(scene)
    job = next(iter(scene.pleo.jobs.values()))
    first = scene.entries[0]
    job.items[first].external_id = "other"
    assert verified(scene) == []
    (said,) = verified(scene, is_online=True)
    assert "ANS-3" in said
    assert first in said


def test_batches_without_files_need_no_folder(scene: Scene) -> None:
    for entry in scene.company.entries.values():
        entry["accountingEntryLines"][0]["account"] = None
    scene.export()
    scene.run()
    scene.release()
    assert verified(scene, is_online=True) == []
    assert folders_of(load_workspace(scene.root / "pleo-etl.yaml"), "acme").outbox.is_dir()


def test_a_reversal_of_a_lost_batch_is_told_without_it(scene: Scene) -> None:
    batch = released(scene)
    give(scene, answers.reverse, by=BY)
    shutil.rmtree(scene.root / "outbox" / "acme" / f"0001-{batch}")
    lose(scene)
    made_again(scene)
    assert sorted(states(scene).values()) == [State.CLOSED, State.CLOSED]
    manifest = json.loads((scene.released()[0] / "manifest.json").read_text())
    assert manifest["batch"]["reverses"] == batch
    assert item(n=1)["accountingEntryId"] in known(scene)["claims"]


def test_a_repeated_item_is_named_by_what_its_file_prints(scene: Scene) -> None:
    released(scene)
    lose(scene)
    made_again(scene)
    with scene.desk() as desk:
        claims = desk.ledger.claims(COMPANY, scene.entries)
    assert len(claims) == len(scene.entries)
    for claim in claims.values():
        assert claim.verdict is not None
        assert claim.verdict.vouchers == (claim.verdict.external_id,)
