"""Staged files that somebody changed are made again at the release, and a stop loses nothing."""

from __future__ import annotations

import pytest

from etl.batches.states import State
from tests.unit.live.scene import Scene


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("effect", ["empty_folder", "write_atomic"])
def test_a_stop_while_changed_files_are_made_again_puts_them_out_later(
    scene: Scene, when: str, effect: str
) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "tx publish_intended")
    batch = scene.batch()
    with scene.desk() as desk:
        folder = desk.stored(batch).revision_folder(batch.revision)
    (folder / "beside.txt").write_text("put here by somebody")
    scene.stopped(scene.release, when, effect)
    assert scene.release().word == "closed"
    assert scene.batch().state is State.CLOSED
    assert scene.booked() == sorted(scene.entries)
    assert not list(scene.root.rglob("beside.txt"))
    assert job.status == "completed"
