"""Another job of the company is in progress elsewhere: ours waits until it has ended."""

from __future__ import annotations

import pytest

from etl.batches.states import State
from etl.errors import HeldElsewhere
from tests.unit.live.scene import Scene


def test_the_job_that_is_in_the_way_is_named_and_ours_goes_on_after_it(scene: Scene) -> None:
    ours = scene.export(scene.entries[:1])
    scene.run()
    other = scene.export(scene.entries[1:])
    scene.pleo.move_job(other, "started")
    for _again in range(2):
        with pytest.raises(HeldElsewhere) as refused:
            scene.release()
        (problem,) = refused.value.problems
        assert problem.code == "JOB-1"
        assert problem.what.startswith(f"export job {other.id} is in progress")
        assert ours.status == "pending"
        assert scene.batch().state is State.APPROVED
    scene.pleo.move_job(other, "failed")
    assert scene.release().word == "closed"
    assert ours.status == "completed"
    assert scene.booked() == scene.entries[:1]
