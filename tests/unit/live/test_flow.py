"""A job from the click on Export to the closed batch, and what a person sees of it."""

from __future__ import annotations

from typing import Any

import pytest

from etl.errors import EtlError
from etl.live.folders import DO_NOT_IMPORT
from etl.pleo.sandbox.pleo import Manners
from tests.fakes.items import item
from tests.unit.live.scene import Scene


def test_a_job_becomes_a_released_folder_and_a_completed_job(scene: Scene) -> None:
    job = scene.export()
    staged = scene.run()
    assert (staged.word, staged.exit_code, staged.minutes_left) == ("staged", 0, 60)
    assert scene.released() == []
    outcome = scene.release()
    assert (outcome.word, outcome.exit_code) == ("closed", 0), outcome
    assert job.status == "completed"
    assert {one.status for one in job.items.values()} == {"successful"}
    assert sorted(str(one.external_id) for one in job.items.values()) == ["1/1", "1/2", "1/3"]
    assert scene.booked() == sorted(scene.entries)
    assert [folder.name for folder in scene.released()] == [f"0001-{scene.batch().id}"]


def test_the_exact_order_of_effects(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.release()
    kept = [one for one in scene.effects if one.startswith(("tx", "send", "report", "move_folder"))]
    assert kept == [
        "tx reserved", "tx staged",
        "tx approved",
        "tx start_intended", "send started", "tx started",
        "tx publish_intended", "move_folder", "tx published",
        "tx report_intended", "report", "tx acknowledged", "tx reported",
        "tx final_intended", "send completed", "tx closed",
    ]  # fmt: skip
    files = [one for one in scene.effects if one.startswith(("write", "tx"))]
    assert set(files[files.index("tx reserved") + 1 : files.index("tx staged")]) == {
        "write_private", "write_atomic",
    }  # fmt: skip


def test_nothing_pending_is_nothing_to_do(scene: Scene) -> None:
    outcome = scene.run()
    assert (outcome.word, outcome.exit_code, outcome.batch) == ("nothing", 0, None)
    assert scene.requests() == ["list-jobs"]


def test_an_empty_job_is_started_and_completed_and_publishes_nothing(scene: Scene) -> None:
    job = scene.export([])
    assert scene.run().counts["items"] == 0
    outcome = scene.release()
    assert (outcome.word, job.status) == ("closed", "completed")
    assert scene.released() == []
    assert scene.requests("report-items") == []


def test_rejected_items_are_reported_as_failed_with_type_and_reason(scene: Scene) -> None:
    scene.company.add(item(n=9, lines=[{"account": None}]))
    job = scene.export()
    assert scene.run().exit_code == 1
    assert scene.release().exit_code == 1
    assert job.status == "completed_with_errors"
    failed = job.items[item(n=9)["accountingEntryId"]]
    assert (failed.status, failed.failure_type) == ("failed", "missing_configuration")
    assert "choose a category" in str(failed.failure_reason)
    assert failed.external_id is None
    assert len(scene.booked()) == 3


def test_a_batch_with_nothing_rendered_only_reports(scene: Scene) -> None:
    scene.company.entries.clear()
    scene.company.add(item(n=9, lines=[{"account": None}]))
    job = scene.export()
    scene.run()
    outcome = scene.release()
    assert (outcome.word, outcome.exit_code, job.status) == ("closed", 1, "failed")
    assert job.failure_type == "validation_failure"
    assert scene.released() == []
    assert {one.status for one in job.items.values()} == {"failed"}


def test_a_second_run_of_the_same_job_keeps_the_revision_and_its_approval(scene: Scene) -> None:
    scene.export()
    scene.run()
    approved = scene.approve()
    again = scene.run().batch
    assert again is not None
    assert (again.id, again.revision, again.state) == (approved.id, 1, "approved")


def test_a_changed_mapping_makes_a_new_revision_and_voids_the_approval(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.approve()
    scene.settings["text"] = "other"
    again = scene.run().batch
    assert again is not None
    assert (again.revision, again.state, again.approvals) == (2, "staged", ())
    scene.release()
    assert "other" in next(scene.released()[0].glob("*.csv")).read_text()


def test_two_persons_where_two_are_needed(scene: Scene) -> None:
    from etl.live.approving import approve

    scene.export()
    scene.run()
    with scene.desk(approvals=2) as desk:
        batch = desk.unsettled()
        assert batch is not None
        once = approve(desk, batch, by="Ann")
        assert once.state == "staged"
        same = approve(desk, once, by=" ann ")
        assert same.state == "staged"
        assert approve(desk, same, by="Ben").state == "approved"


def test_nothing_is_released_without_an_approval(scene: Scene) -> None:
    from etl.live.releasing import release

    scene.export()
    batch = scene.run().batch
    assert batch is not None
    with scene.desk() as desk, pytest.raises(EtlError, match="REL-1") as caught:
        release(desk, batch)
    assert caught.value.exit_code == 2
    assert scene.requests("send-event") == []


def test_an_approval_names_the_content_that_was_looked_at(scene: Scene) -> None:
    from etl.live.approving import approve

    scene.export()
    seen = scene.run().batch
    scene.settings["text"] = "other"
    now = scene.run().batch
    assert seen is not None
    assert now is not None
    with scene.desk() as desk, pytest.raises(EtlError, match="REL-2"):
        approve(desk, now, by="Ann", content=seen.content)


@pytest.mark.parametrize(
    ("items", "largest", "requests"),
    [(3, 100, 2 * 2 + 1 + 1 + 6), (250, 100, 2 * (3 + 3) + 3 + 3 + 6), (4, 2, 2 * 4 + 1 + 2 + 6)],
)
def test_requests_of_run_and_release_keep_to_the_law(
    scene: Scene, items: int, largest: int, requests: int
) -> None:
    """2 x pages of both layers + reports of 100 + pages of job items + 6 (design section 11)."""
    for n in range(4, items + 1):
        scene.company.add(item(n=n))
    scene.pleo.manners = Manners(largest_page=largest)
    scene.export()
    scene.run()
    scene.release()
    assert len(scene.requests()) == requests


def test_an_unattended_release_fails_what_a_person_would_have_to_answer(scene: Scene) -> None:
    scene.company.add(item(n=9, note="ask: is this private?"))
    job = scene.export()
    outcome = scene.run_release()
    assert (outcome.word, outcome.exit_code, job.status) == ("closed", 1, "completed_with_errors")
    failed = job.items[item(n=9)["accountingEntryId"]]
    assert (failed.status, failed.failure_type) == ("failed", "validation_failure")
    assert "a person must look" in str(failed.failure_reason)
    assert len(scene.booked()) == 3


def test_a_blocking_note_must_be_answered_before_an_approval(scene: Scene) -> None:
    from etl.live.reviewing import answer

    scene.company.add(item(n=9, note="ask: is this private?"))
    scene.export()
    batch = scene.run().batch
    with pytest.raises(EtlError, match="REL-3"):
        scene.approve()
    assert batch is not None
    with scene.desk() as desk:
        staged = answer(desk, batch, by="Ann", notes={"ASKED": "it was for work"})
    assert staged.batch is not None
    assert staged.batch.facts["blocking"] == []
    assert scene.release().word == "closed"
    assert len(scene.booked()) == 4


def test_what_a_reviewer_rejects_is_in_no_file(scene: Scene) -> None:
    from etl.live.reviewing import answer

    job = scene.export()
    batch, entry = scene.run().batch, scene.entries[0]
    assert batch is not None
    said: dict[str, Any] = {entry: {"do": "reject", "reason": "the receipt is of another month"}}
    with scene.desk() as desk:
        staged = answer(desk, batch, by="Ann", decisions=said)
    assert staged.batch is not None
    assert (staged.batch.revision, staged.exit_code) == (2, 1)
    scene.release()
    assert job.items[entry].failure_reason == "the receipt is of another month"
    assert entry not in scene.booked()


@pytest.mark.parametrize(
    "said",
    [
        {"11111111-1111-4111-8111-111111111111": {"do": "reject", "reason": "x"}},
        {"FIRST": {"do": "delete"}},
        {"FIRST": {"do": "reject", "reason": " "}},
        {"FIRST": {"do": "again"}},
        {"FIRST": {"do": "already_booked"}},
    ],
)
def test_answers_that_cannot_be_taken(scene: Scene, said: dict[str, Any]) -> None:
    from etl.live.reviewing import answer

    scene.export()
    batch = scene.run().batch
    assert batch is not None
    said = {key.replace("FIRST", scene.entries[0]): one for key, one in said.items()}
    with scene.desk() as desk, pytest.raises(EtlError, match="JOB-12"):
        answer(desk, batch, by="Ann", decisions=said)
    assert scene.batch().seq == batch.seq


def test_run_says_that_what_was_approved_still_stands(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.approve()
    again = scene.run()
    assert (again.word, again.next_step) == ("approved", "`pleo-etl release`")
    assert again.says.endswith("has not changed since A. Patel approved it")


def test_run_says_when_a_batch_gives_way_to_another_export(scene: Scene) -> None:
    first = scene.export(scene.entries[:1])
    scene.run()
    scene.pleo.cancel_job(first)
    scene.export(scene.entries[1:])
    assert scene.run().word == "staged"
    assert any("before it was released; the batch is void" in said for said in scene.said)


def test_run_says_that_an_approval_counts_no_longer(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.approve()
    scene.settings["text"] = "another mapping"
    assert scene.run().word == "staged"
    assert [said for said in scene.said if said.endswith("by A. Patel no longer counts")]


def test_the_note_in_a_quarantined_folder_names_the_company_where_it_must(scene: Scene) -> None:
    other = "  other: {id: b4d6f8a0-2c1e-4d3f-8a5b-7c9d1e3f5a12, template: generic, mapping: x}\n"
    with (scene.root / "pleo-etl.yaml").open("a") as workspace:
        workspace.write(other)
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "tx published")
    scene.pleo.cancel_job(job)
    scene.release()
    note = (scene.released()[0] / DO_NOT_IMPORT).read_text()
    assert "--not-imported --company acme\n" in note
    assert "--imported --company acme\n" in note


def test_what_pleo_shows_in_the_end_is_said_in_numbers(scene: Scene) -> None:
    scene.company.entries[scene.entries[0]]["accountingEntryLines"][0]["account"] = None
    scene.export()
    scene.run()
    assert scene.release().says.endswith("is released and reported: 2 items exported, 1 failed")
