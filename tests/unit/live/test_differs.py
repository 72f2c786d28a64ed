"""What Pleo lists at the release is not what was approved (rows 5, 5a, 5c; design 12.16)."""

from __future__ import annotations

import pytest

from etl.batches.states import State
from etl.errors import EtlError
from etl.live.publishing import Difference
from tests.unit.live.scene import BY, Scene

HOUR = 3600


def change(scene: Scene) -> None:
    """Let Pleo give another content for an item than when the batch was staged."""
    entry = scene.company.entries[scene.entries[0]]
    entry["accountingEntryLines"][0]["account"]["code"] = "6999"


def text_of(scene: Scene) -> str:
    return next(scene.released()[0].glob("*.csv")).read_text()


def test_without_a_terminal_a_new_revision_waits_and_nothing_is_released(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    change(scene)
    outcome = scene.release()
    assert (outcome.word, outcome.exit_code) == ("waiting", 4)
    assert [problem.code for problem in outcome.problems] == ["REL-14"]
    assert outcome.minutes_left == 60
    batch = scene.batch()
    assert (batch.revision, batch.state, batch.is_started, batch.approvals) == (
        2, State.STAGED, True, (),
    )  # fmt: skip
    assert scene.released() == []
    assert job.status == "in_progress"
    assert scene.requests("report-items") == []


def test_the_new_revision_is_released_once_it_is_approved(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    change(scene)
    scene.release()
    scene.approve()
    assert scene.release().word == "closed"
    assert "6999" in text_of(scene)
    assert job.status == "completed"
    assert scene.events() == ["started", "completed"]


def test_past_the_margin_the_next_command_refuses_the_job(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    change(scene)
    scene.release()
    scene.pleo.advance(HOUR - 300)
    (outcome,) = scene.finish()
    assert (outcome.word, outcome.exit_code) == ("voided", 4)
    assert (job.status, job.failure_type) == ("failed", "validation_failure")
    assert scene.released() == []
    assert scene.batch().state == State.VOIDED


def test_before_the_margin_the_next_command_leaves_it_waiting(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    change(scene)
    scene.release()
    scene.pleo.advance(HOUR - 301)
    (outcome,) = scene.finish()
    assert (outcome.word, outcome.minutes_left) == ("waiting", 5)
    assert job.status == "in_progress"
    with pytest.raises(EtlError, match="JOB-2"):
        scene.run()


def test_a_waiting_revision_whose_job_ended_is_void(scene: Scene) -> None:
    scene.export()
    scene.run()
    change(scene)
    scene.release()
    scene.pleo.advance(HOUR)
    (outcome,) = scene.finish()
    assert (outcome.word, outcome.exit_code) == ("voided", 4)
    assert "job_expired" in outcome.says


def test_attended_the_person_sees_both_and_approves_the_new(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    change(scene)
    seen: list[Difference] = []

    def ask(difference: Difference) -> str:
        seen.append(difference)
        return BY

    assert scene.release(ask=ask).word == "closed"
    (difference,) = seen
    assert (difference.before.revision, difference.after.revision) == (1, 2)
    assert difference.before.content != difference.after.content
    assert difference.seconds_left == HOUR - 300
    assert "6999" in text_of(scene)
    assert job.status == "completed"


def test_attended_and_not_approved_it_waits(scene: Scene) -> None:
    scene.export()
    scene.run()
    change(scene)
    outcome = scene.release(ask=lambda _: None)
    assert (outcome.word, outcome.exit_code) == ("waiting", 4)
    assert scene.released() == []


def test_attended_and_answered_too_late_the_job_is_refused(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    change(scene)

    def ask(_: Difference) -> str:
        scene.pleo.advance(HOUR - 299)
        return BY

    outcome = scene.release(ask=ask)
    assert (outcome.word, outcome.exit_code) == ("voided", 4)
    assert job.status == "failed"
    assert scene.released() == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("effect", ["tx staged", "write_private", "write_atomic"])
def test_stopped_while_the_new_revision_is_made(scene: Scene, when: str, effect: str) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "tx started")
    change(scene)
    scene.stopped(scene.release, when, effect)
    assert scene.released() == []
    scene.finish()
    assert scene.batch().revision == 2
    assert scene.released() == []
    scene.approve()
    assert scene.release().word == "closed"
    assert "6999" in text_of(scene)
    assert job.status == "completed"


def test_entries_that_were_added_to_a_started_job_refuse_it(scene: Scene) -> None:
    """Their claims are not this batch's, so it can hold no revision with them."""
    from etl.pleo.sandbox.jobs import JobItem
    from tests.fakes.items import item

    job = scene.export()
    scene.run()
    entry = scene.company.add(item(n=77))
    job.items[entry] = JobItem(entry, job.id)
    outcome = scene.release()
    assert (outcome.word, outcome.exit_code) == ("voided", 4)
    assert job.status == "failed"
    assert scene.run().word == "nothing"


@pytest.mark.parametrize("external", [None, "foreign-1"])
def test_items_that_somebody_else_has_touched_stop_the_release(
    scene: Scene, external: str | None
) -> None:
    job = scene.export()
    scene.run()
    shown = job.items[scene.entries[0]]
    if external is None:
        shown.status = "successful"
    shown.external_id = external
    with pytest.raises(EtlError, match="REL-8") as caught:
        scene.release()
    assert caught.value.exit_code == 4
    assert scene.released() == []
    scene.pleo.advance(HOUR)
    assert scene.release().word == "voided"


def test_the_same_content_needs_no_new_approval_though_the_mapping_changed(scene: Scene) -> None:
    """A release uses the batch's own recipe, not the workspace as it is now."""
    scene.export()
    scene.run()
    scene.settings["text"] = "other"
    assert scene.release().word == "closed"
    assert "other" not in text_of(scene)


def test_too_little_time_after_the_start_refuses_the_job(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "tx started")
    scene.pleo.advance(HOUR - 300)
    outcome = scene.release()
    assert (outcome.word, outcome.exit_code) == ("voided", 4)
    assert scene.events() == ["started", "failed"]
    assert (job.status, job.failure_type) == ("failed", "validation_failure")
    assert "within the hour" in str(job.failure_reason)
