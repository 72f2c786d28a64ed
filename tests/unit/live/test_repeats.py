"""The same entry in a later job (design section 8), and jobs that are taken over."""

from __future__ import annotations

from typing import Any

import pytest

from etl.batches.states import State
from etl.errors import EtlError
from etl.live.answers import adopt
from etl.live.reviewing import answer
from tests.unit.live.scene import Scene


def released_once(scene: Scene) -> None:
    scene.export()
    scene.run()
    assert scene.release().word == "closed"


def said(scene: Scene, do: str, entries: list[str]) -> Any:
    with scene.desk() as desk:
        batch = desk.unsettled()
        assert batch is not None
        return answer(desk, batch, by="Ann", decisions={entry: {"do": do} for entry in entries})


def test_a_repeat_is_in_no_file_and_blocks_until_somebody_answers(scene: Scene) -> None:
    released_once(scene)
    scene.export()
    staged = scene.run()
    assert staged.batch is not None
    assert staged.batch.facts["blocking"] == ["JOB-9"]
    assert staged.counts["rendered"] == 0
    with pytest.raises(EtlError, match="REL-3"):
        scene.approve()
    with scene.desk() as desk:
        reasons = {one["failure_reason"] for one in desk.ledger.items(staged.batch)}
    assert len(reasons) == 3
    assert all("batch 1 of 2026-04-01, voucher " in reason for reason in reasons)


def test_unattended_a_repeat_is_failed_with_that_sentence(scene: Scene) -> None:
    released_once(scene)
    job = scene.export()
    assert scene.run_release().exit_code == 1
    assert (job.status, job.failure_type) == ("failed", "validation_failure")
    assert {one.failure_type for one in job.items.values()} == {"validation_failure"}
    reasons = [str(one.failure_reason) for one in job.items.values()]
    assert all("in the books already" in reason for reason in reasons)
    assert all("withdrawn first, or reversed if it was imported" in reason for reason in reasons)
    assert len(scene.released()) == 1
    assert scene.booked() == sorted(scene.entries)


def test_already_booked_is_successful_with_the_old_id_and_no_row(scene: Scene) -> None:
    released_once(scene)
    old = {one.entry_id: one.external_id for job in scene.pleo.jobs.values()
           for one in job.items.values()}  # fmt: skip
    job = scene.export()
    scene.run()
    staged = said(scene, "already_booked", scene.entries)
    assert staged.counts["already_booked"] == 3
    assert scene.release().word == "closed"
    assert job.status == "completed"
    assert {one.entry_id: one.external_id for one in job.items.values()} == old
    assert len(scene.released()) == 1


def test_again_is_rendered_again_and_takes_the_claim(scene: Scene) -> None:
    released_once(scene)
    scene.export()
    scene.run()
    staged = said(scene, "again", scene.entries[:1])
    assert staged.counts["rendered"] == 1
    said(scene, "already_booked", scene.entries[1:])
    assert scene.release().word == "closed"
    assert scene.booked() == sorted([*scene.entries, scene.entries[0]])
    third = scene.export()
    staged_again = scene.run()
    assert staged_again.batch is not None
    repeats = staged_again.batch.facts["repeats"]
    assert {entry: one["number"] for entry, one in repeats.items()} == {
        scene.entries[0]: 2, scene.entries[1]: 1, scene.entries[2]: 1,
    }  # fmt: skip
    assert third.status == "pending"


def test_a_repeat_with_other_postings_is_failed_and_names_the_reversal(scene: Scene) -> None:
    released_once(scene)
    entry = scene.entries[0]
    scene.company.entries[entry]["accountingEntryLines"][0]["account"]["code"] = "6999"
    job = scene.export([entry])
    staged = scene.run()
    assert staged.batch is not None
    assert staged.batch.facts["blocking"] == []
    with pytest.raises(EtlError, match="JOB-12"):
        said(scene, "again", [entry])
    scene.release()
    failed = job.items[entry]
    assert failed.failure_type == "validation_failure"
    assert "with other postings" in str(failed.failure_reason)
    assert "pleo-etl reverse" in str(failed.failure_reason)


def test_other_postings_cannot_be_booked_again_by_way_of_a_rejection(scene: Scene) -> None:
    released_once(scene)
    entry = scene.entries[0]
    scene.company.entries[entry]["accountingEntryLines"][0]["account"]["code"] = "6999"
    scene.export([entry])
    scene.run()
    with scene.desk() as desk:
        batch = desk.unsettled()
        assert batch is not None
        answer(desk, batch, by="Ann", decisions={entry: {"do": "reject", "reason": "twice"}})
    with pytest.raises(EtlError, match="JOB-12"):
        said(scene, "again", [entry])


def test_what_failed_before_is_normal(scene: Scene) -> None:
    entry = scene.entries[0]
    account = scene.company.entries[entry]["accountingEntryLines"][0]["account"]
    scene.company.entries[entry]["accountingEntryLines"][0]["account"] = None
    released_once_with_errors = scene.export()
    scene.run()
    scene.release()
    assert released_once_with_errors.status == "completed_with_errors"
    scene.company.entries[entry]["accountingEntryLines"][0]["account"] = account
    scene.export([entry])
    staged = scene.run()
    assert staged.batch is not None
    assert staged.batch.facts["repeats"] == {}
    assert scene.release().exit_code == 0
    assert scene.booked() == sorted(scene.entries)


def test_what_was_voided_before_is_normal(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    scene.pleo.cancel_job(job)
    scene.run()
    scene.export()
    assert scene.run().exit_code == 0
    assert scene.release().word == "closed"


def test_an_answer_survives_a_second_run(scene: Scene) -> None:
    released_once(scene)
    scene.export()
    scene.run()
    said(scene, "already_booked", scene.entries)
    assert scene.run().counts["already_booked"] == 3


def test_again_survives_a_second_run(scene: Scene) -> None:
    released_once(scene)
    scene.export()
    scene.run()
    said(scene, "again", scene.entries)
    batch = scene.batch()
    staged = scene.run()
    assert staged.counts["rendered"] == 3
    assert staged.batch is not None
    assert (staged.batch.id, staged.batch.revision) == (batch.id, 2)


def test_again_is_given_back_when_the_batch_is_void(scene: Scene) -> None:
    released_once(scene)
    job = scene.export()
    scene.run()
    said(scene, "again", scene.entries)
    scene.pleo.cancel_job(job)
    scene.run()
    scene.export()
    staged = scene.run()
    assert staged.batch is not None
    assert staged.batch.facts["blocking"] == ["JOB-9"]
    assert {one["number"] for one in staged.batch.facts["repeats"].values()} == {1}


def test_an_entry_in_an_unsettled_batch_stops_the_run(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "tx published")
    scene.pleo.cancel_job(job)
    scene.release()
    scene.export()
    with pytest.raises(EtlError, match="JOB-2") as caught:
        scene.run()
    assert caught.value.exit_code == 4


def test_an_adopted_job_leaves_final_items_alone(scene: Scene) -> None:
    job = scene.export()
    scene.pleo.move_job(job, "started")
    done = job.items[scene.entries[0]]
    done.status, done.external_id = "successful", "other-7"
    with scene.desk() as desk:
        staged = adopt(desk, job.id)
    assert staged.counts["skipped"] == 1
    assert scene.release().word == "closed"
    assert scene.events() == ["completed"]
    assert done.external_id == "other-7"
    assert scene.booked() == sorted(scene.entries[1:])
    assert job.status == "completed"


def test_an_adopted_job_with_failed_items_ends_with_errors(scene: Scene) -> None:
    job = scene.export()
    scene.pleo.move_job(job, "started")
    job.items[scene.entries[0]].status = "failed"
    with scene.desk() as desk:
        adopt(desk, job.id)
    scene.release()
    assert job.status == "completed_with_errors"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "effect", ["tx start_intended", "tx started", "tx publish_intended", "report", "tx closed"]
)
def test_an_adopted_job_stopped_anywhere(scene: Scene, when: str, effect: str) -> None:
    job = scene.export()
    scene.pleo.move_job(job, "started")
    job.items[scene.entries[0]].status = "successful"
    with scene.desk() as desk:
        adopt(desk, job.id)
    scene.stopped(scene.release, when, effect)
    scene.release()
    assert scene.events() == ["completed"]
    assert job.status == "completed"
    assert scene.batch().state == State.CLOSED
    assert scene.booked() == sorted(scene.entries[1:])
