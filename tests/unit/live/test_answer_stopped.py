"""A stop between an answer and the revision that follows from it: the answer holds."""

from __future__ import annotations

from typing import Any

import pytest

from etl.live import reviewing
from tests.unit.live.scene import BY, Scene


def reject_first(scene: Scene) -> Any:
    with scene.desk() as desk:
        batch = desk.unsettled()
        assert batch is not None
        said = {scene.entries[0]: {"do": "reject", "reason": "private"}}
        return reviewing.answer(desk, batch, by=BY, decisions=said)


@pytest.mark.parametrize(
    ("when", "effect"),
    [("after", "tx answered"), ("before", "write_atomic"), ("before", "tx staged")],
)
def test_what_a_reviewer_rejected_is_never_released(scene: Scene, when: str, effect: str) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(lambda: reject_first(scene), when, effect)
    assert scene.release().word == "closed"
    assert scene.booked() == sorted(scene.entries[1:])
    assert job.items[scene.entries[0]].status == "failed"
    assert "private" in str(job.items[scene.entries[0]].failure_reason)
    assert scene.events() == ["started", "completed_with_errors"]
