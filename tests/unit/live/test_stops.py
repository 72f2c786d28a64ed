"""A stop before and after every effect, and what the next command finds and does.

The transitions of design section 8, row by row. Every story ends with each item in exactly one
released file or reported as failed, and Pleo shows what the ledger says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from etl.batches.manifest import EMPTY_SEAL, MANIFEST
from etl.batches.states import State
from etl.errors import EtlError
from etl.files import sha256
from etl.live.folders import content_in
from etl.live.publishing import check_stored
from etl.pleo.sandbox.jobs import Job
from tests.fakes.items import COMPANY
from tests.unit.live.scene import Scene

WHEN = ["before", "after"]
STAGING = ["tx reserved", "write_private", "write_atomic", "tx staged"]
RELEASING = [
    "tx approved", "tx start_intended", "send started", "tx started", "tx publish_intended",
    "move_folder", "tx published", "tx report_intended", "report", "tx acknowledged",
    "tx reported", "tx final_intended", "send completed", "tx closed",
]  # fmt: skip


def check_all_well(scene: Scene, job: Job) -> None:
    assert job.status == "completed"
    assert scene.booked() == sorted(scene.entries)
    assert len(scene.released()) == 1
    with scene.desk() as desk:
        (closed,) = desk.ledger.batches(COMPANY, states=[State.CLOSED])
        verdicts = {one.entry_id: one for one in desk.ledger.verdicts(closed.id)}
        assert desk.ledger.verify() == []
    for entry, shown in job.items.items():
        assert shown.status == "successful"
        assert shown.external_id == verdicts[entry].external_id
    assert list(dict.fromkeys(scene.events())) == ["started", "completed"]
    assert not list(scene.root.rglob(".pleo-etl.*.part"))


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("effect", STAGING)
def test_row_1_stopped_while_staging(scene: Scene, when: str, effect: str) -> None:
    job = scene.export()
    scene.stopped(scene.run, when, effect)
    assert scene.released() == []
    assert scene.run().word == "staged"
    assert scene.batch().number == 1
    scene.release()
    check_all_well(scene, job)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("effect", RELEASING)
def test_rows_3_to_7_stopped_while_releasing(scene: Scene, when: str, effect: str) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, when, effect)
    scene.release()
    if when == "before" and effect == "tx approved":
        assert scene.batch().approvals
    check_all_well(scene, job)
    assert scene.finish() == []


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("effect", RELEASING[3:])
def test_any_writing_command_finishes_what_was_begun(scene: Scene, when: str, effect: str) -> None:
    """Also one that was not asked to release: `run` finds nothing new and has finished the old."""
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, when, effect)
    assert scene.run().word == "nothing"
    check_all_well(scene, job)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("effect", ["tx staged", "write_atomic", "write_private"])
def test_row_2_stopped_before_the_switch_leaves_the_old_revision(
    scene: Scene, when: str, effect: str
) -> None:
    job = scene.export()
    scene.run()
    before = scene.approve()
    scene.settings["text"] = "other"
    # the lock and its note are written first, so the stop comes at one of those files or later
    scene.stopped(scene.run, when, effect)
    there = scene.batch()
    if (when, effect) != ("after", "tx staged"):
        assert (there.revision, there.content, there.state) == (1, before.content, "approved")
    scene.release()
    check_all_well(scene, job)
    text = next(scene.released()[0].glob("*.csv")).read_text()
    assert ("other" in text) == ((when, effect) == ("after", "tx staged"))


@pytest.mark.parametrize("fault", ["lost-request", "lost-answer", "late=1", "late=3", "error=500"])
@pytest.mark.parametrize("operation", ["send-event:1", "send-event:2", "report-items:1"])
def test_a_write_whose_outcome_is_unknown_is_read_back(
    scene: Scene, fault: str, operation: str
) -> None:
    job = scene.export()
    scene.run()
    scene.pleo.faults.add(f"{fault}@{operation}")
    assert scene.release().word == "closed"
    check_all_well(scene, job)


@pytest.mark.parametrize("fault", ["lost-answer", "late=2"])
@pytest.mark.parametrize("operation", ["send-event:1", "send-event:2", "report-items:1"])
@pytest.mark.parametrize("effect", ["send started", "report", "send completed"])
def test_unknown_and_then_stopped(scene: Scene, fault: str, operation: str, effect: str) -> None:
    job = scene.export()
    scene.run()
    scene.pleo.faults.add(f"{fault}@{operation}")
    scene.stopped(scene.release, "before", effect)
    scene.release()
    check_all_well(scene, job)


def test_the_same_bytes_are_sent_again(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.pleo.faults.add("lost-request@report-items")
    scene.release()
    sent = [request.read() for request in scene.transport.sent if request.method == "PUT"]
    assert len(sent) == 2
    assert sent[0] == sent[1]


def test_a_folder_that_a_person_has_taken_is_not_offered_twice(scene: Scene) -> None:
    """Stopped after the rename; the bookkeeper moves the folder away before the next command."""
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "move_folder")
    scene.released()[0].rename(scene.root / "taken")
    assert scene.release().word == "closed"
    assert scene.released() == []
    assert job.status == "completed"
    assert any("has been taken from the outbox" in said for said in scene.said)


def test_a_foreign_folder_in_the_outbox_is_not_overwritten(scene: Scene) -> None:
    job = scene.export()
    batch = scene.run().batch
    assert batch is not None
    scene.stopped(scene.release, "after", "tx publish_intended")
    other = scene.root / "outbox" / "acme" / f"0001-{batch.id}"
    other.mkdir(parents=True)
    (other / "mine.txt").write_text("mine")
    with pytest.raises(EtlError, match="REL-9"):
        scene.release()
    assert [path.name for path in other.iterdir()] == ["mine.txt"]
    (other / "mine.txt").unlink()
    other.rmdir()
    assert scene.release().word == "closed"
    check_all_well(scene, job)


def test_files_that_were_changed_in_the_private_folder_are_never_released(scene: Scene) -> None:
    job = scene.export()
    batch = scene.run().batch
    assert batch is not None
    scene.approve()
    with scene.desk() as desk:
        folder = desk.stored(batch).revision_folder(1)
    path = next(folder.glob("*.csv"))
    path.write_text(path.read_text().replace("10.00", "99.00"))
    scene.release()
    assert "99.00" not in next(scene.released()[0].glob("*.csv")).read_text()
    check_all_well(scene, job)


def _seal_again(folder: Path) -> None:
    """Change a booked amount, and make the manifest fit as anybody can: its seal is no secret."""
    path = next(folder.glob("*.csv"))
    before, after = path.read_bytes(), path.read_bytes().replace(b"10.00", b"99.00")
    path.write_bytes(after)
    raw = (folder / MANIFEST).read_bytes().replace(sha256(before).encode(), sha256(after).encode())
    unsealed = re.sub(rb'\n "seal": "[0-9a-f]{64}"', EMPTY_SEAL, raw)
    sealed = unsealed.replace(EMPTY_SEAL, f'\n "seal": "{sha256(unsealed)}"'.encode())
    (folder / MANIFEST).write_bytes(sealed)
    assert b"99.00" in after
    assert content_in(folder) is not None


def _add_file(folder: Path) -> None:
    (folder / "second.csv").write_text("99.00")


def _add_folder(folder: Path) -> None:
    (folder / "attachments").mkdir()


def _add_link(folder: Path) -> None:
    (folder / "second.csv").symlink_to(folder.parent / "items.ndjson")


def _put_link(folder: Path) -> None:
    path = next(folder.glob("*.csv"))
    path.rename(folder.parent / "elsewhere.csv")
    path.symlink_to(folder.parent / "elsewhere.csv")


@pytest.mark.parametrize("harm", [_seal_again, _add_file, _add_folder, _add_link, _put_link])
def test_only_what_was_rendered_reaches_the_outbox(
    scene: Scene, harm: Callable[[Path], None]
) -> None:
    job = scene.export()
    batch = scene.run().batch
    assert batch is not None
    scene.approve()
    with scene.desk() as desk:
        folder = desk.stored(batch).revision_folder(1)
    names = sorted(path.name for path in folder.iterdir())
    harm(folder)
    scene.release()
    (released,) = scene.released()
    assert sorted(path.name for path in released.iterdir()) == names
    assert not any(path.is_symlink() for path in released.iterdir())
    assert "99.00" not in next(released.glob("*.csv")).read_text()
    check_all_well(scene, job)


@pytest.mark.parametrize("harm", [_seal_again, _add_file, _add_folder, _add_link, _put_link])
def test_a_batch_without_a_job_is_only_released_as_it_was_made(
    scene: Scene, harm: Callable[[Path], None]
) -> None:
    scene.export()
    batch = scene.run().batch
    assert batch is not None
    with scene.desk() as desk:
        check_stored(desk, batch)
        harm(desk.stored(batch).revision_folder(1))
        with pytest.raises(EtlError, match="REL-10"):
            check_stored(desk, batch)
