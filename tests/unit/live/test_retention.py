"""What is stored of batches that ended long ago goes, where the workspace says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.errors import UserMustFix
from etl.live.finishing import finish
from etl.live.stored import StoredBatch
from tests.unit.live.scene import Scene, Stop

DAY = 24 * 60 * 60
KEPT = {"removed.json", "job.json"}


def keep(scene: Scene, days: int | None) -> None:
    """Write the setting into the workspace, or take it out."""
    path = scene.root / "pleo-etl.yaml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("retention")]
    lines += [f"retention: {{days: {days}}}"] if days else []
    path.write_text("\n".join(lines) + "\n")


def stored(scene: Scene) -> dict[str, set[str]]:
    """Give by batch what its private folder holds."""
    private = scene.root / ".pleo-etl" / "batches" / "acme"
    return {
        folder.name: {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
        for folder in private.iterdir()
    }


def released(scene: Scene) -> str:
    scene.export()
    scene.run()
    scene.release()
    return scene.batch().id


def test_without_the_setting_everything_is_kept(scene: Scene) -> None:
    batch = released(scene)
    before = stored(scene)[batch]
    scene.pleo.advance(4000 * DAY)
    with scene.desk() as desk:
        finish(desk)
    assert stored(scene)[batch] == before
    assert "items.ndjson" in before


def test_what_ended_longer_ago_goes_and_manifest_ledger_and_outbox_stay(scene: Scene) -> None:
    old = released(scene)
    outbox = sorted(path.name for path in (scene.root / "outbox").rglob("*"))
    keep(scene, 90)
    scene.pleo.advance(90 * DAY)  # not longer than 90 days: its job took some time
    with scene.desk() as desk:
        finish(desk)
        events = len(desk.ledger.events(desk.company_id, old))
    assert "items.ndjson" in stored(scene)[old]
    scene.pleo.advance(DAY)
    with scene.desk() as desk:
        finish(desk)
        assert len(desk.ledger.events(desk.company_id, old)) == events
    left = stored(scene)[old]
    assert left >= KEPT
    assert {name.split("/")[-1] for name in left - KEPT} <= {"manifest.json", "r1"}
    assert sorted(path.name for path in (scene.root / "outbox").rglob("*")) == outbox


def test_a_void_batch_leaves_its_manifest(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    void = scene.batch().id
    scene.pleo.cancel_job(job)
    scene.export()
    scene.run()  # finds that the first one was ended, and makes the next
    scene.pleo.advance(2 * DAY)
    keep(scene, 1)
    with scene.desk() as desk:
        finish(desk)
    assert stored(scene)[void] == {*KEPT, "r1", "r1/manifest.json"}


def test_what_waits_is_never_removed(scene: Scene) -> None:
    scene.export()
    scene.run()
    waiting = scene.batch().id
    before = stored(scene)[waiting]
    keep(scene, 1)
    scene.pleo.advance(30 * DAY)
    with scene.desk() as desk:
        finish(desk)
    assert stored(scene)[waiting] == before


def test_stopped_halfway_the_next_command_goes_on(scene: Scene) -> None:
    old = released(scene)
    keep(scene, 1)
    scene.pleo.advance(2 * DAY)
    scene.stop("after", "remove_folder")
    with pytest.raises(Stop), scene.desk() as desk:
        finish(desk)
    assert stored(scene)[old] > KEPT
    with scene.desk() as desk:
        finish(desk)
    assert stored(scene)[old] & {"items.ndjson", "attachments.json", "recipe-1"} == set()


def test_what_was_removed_is_said_so_and_not_called_damaged(scene: Scene) -> None:
    old = released(scene)
    keep(scene, 1)
    scene.pleo.advance(2 * DAY)
    with scene.desk() as desk:
        finish(desk)
        batch = StoredBatch(desk.folders.stored(old))
    with pytest.raises(UserMustFix) as caught:
        batch.read_items()
    assert caught.value.problems[0].code == "REVIEW-3"
    assert Path(caught.value.problems[0].where).name == old
