"""Reports item by item, and the end of a job (rows 6, 7, 8)."""

from __future__ import annotations

from typing import Any

import pytest

from etl.batches.states import State
from etl.errors import EtlError, Problem
from etl.live.closing import choose_event
from etl.pleo.client import PleoClient
from etl.pleo.failures import JobOver
from etl.pleo.sandbox import operations
from etl.pleo.sandbox.jobs import Job
from tests.fakes.items import item
from tests.unit.live.scene import Scene


@pytest.mark.parametrize(
    ("successful", "failed", "event", "failure_type"),
    [
        (0, 0, "completed", None), (3, 0, "completed", None),
        (1, 1, "completed_with_errors", None), (0, 2, "failed", "validation_failure"),
    ],
)  # fmt: skip
def test_the_event_that_fits(
    successful: int, failed: int, event: str, failure_type: str | None
) -> None:
    final = choose_event(successful=successful, failed=failed)
    assert (final.event, final.failure_type) == (event, failure_type)
    assert (final.reason is None) == (failure_type is None)


def test_an_item_that_pleo_refuses_for_a_while_is_sent_again_alone(scene: Scene) -> None:
    job = scene.export()
    entry = scene.entries[1]
    scene.pleo.refuse_item(entry, "ACCOUNTING_ENTRY_UPDATE_FAILED")
    scene.run()
    assert scene.release().word == "closed"
    first, second = scene.bodies("report-items")
    assert len(first) == 3
    assert [one["accountingEntryId"] for one in second] == [entry]
    assert second[0] in first
    assert job.status == "completed"


def test_an_item_that_pleo_never_takes_is_named_and_the_batch_goes_on_later(scene: Scene) -> None:
    job = scene.export()
    entry = scene.entries[1]
    scene.pleo.refuse_item(entry, *["EXPORT_ENTRY_STATUS_UPDATE_FAILED"] * 5)
    scene.run()
    with pytest.raises(EtlError, match="REL-11") as caught:
        scene.release()
    assert caught.value.exit_code == 3
    assert entry in str(caught.value)
    assert "EXPORT_ENTRY_STATUS_UPDATE_FAILED" in str(caught.value)
    assert scene.batch().state == State.PUBLISHED
    assert scene.release().word == "closed"
    assert job.status == "completed"


@pytest.mark.parametrize(("status", "external"), [("failed", None), ("successful", "other")])
def test_an_item_that_somebody_else_has_decided_quarantines(
    scene: Scene, status: str, external: str | None
) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "before", "report")
    shown = job.items[scene.entries[0]]
    shown.status, shown.external_id = status, external
    outcome = scene.release()
    assert (outcome.word, outcome.exit_code) == ("quarantined", 4)
    assert scene.entries[0] in outcome.says


def test_missing_and_strange_items_in_an_answer_are_looked_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pleo answers about one of three items, and about one that was not sent."""
    from etl.pleo.client import PleoClient
    from etl.pleo.shapes import JobItem, Reported

    job = scene.export()
    scene.run()
    real = PleoClient.report_items
    stranger = "11111111-1111-4111-8111-111111111111"

    def answers(client: PleoClient, job_id: str, reports: Any) -> Reported:
        given = real(client, job_id, reports)
        monkeypatch.setattr(PleoClient, "report_items", real)
        return Reported((given.items[0], JobItem(stranger, job_id, "successful")), ())

    monkeypatch.setattr(PleoClient, "report_items", answers)
    assert scene.release().word == "closed"
    assert len(scene.requests("report-items")) == 1
    assert any(stranger in said for said in scene.said)
    assert job.status == "completed"


def test_an_answer_that_shows_another_state_is_no_acknowledgement(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from etl.pleo.client import PleoClient
    from etl.pleo.shapes import Reported

    scene.export()
    scene.run()
    real = PleoClient.report_items

    def answers(client: PleoClient, job_id: str, reports: Any) -> Reported:
        given = real(client, job_id, reports)
        monkeypatch.setattr(PleoClient, "report_items", real)
        return Reported(tuple(replace(one, status="in_progress") for one in given.items), ())

    monkeypatch.setattr(PleoClient, "report_items", answers)
    assert scene.release().word == "closed"
    assert "list-items" in scene.requests()[scene.requests().index("report-items") :]


@pytest.mark.parametrize("code", [404, 422])
def test_a_report_that_is_refused_as_a_whole_quarantines(scene: Scene, code: int) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "tx published")
    if code == 404:
        del scene.pleo.jobs[job.id]
    else:
        scene.pleo.cancel_job(job)
    assert scene.release().word == "quarantined"


def _end_otherwise(scene: Scene, job: Job) -> None:
    scene.stopped(scene.release, "after", "tx final_intended")
    scene.pleo.move_job(job, "completed_with_errors")


def test_a_job_that_ended_otherwise_than_meant_quarantines(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    _end_otherwise(scene, job)
    outcome = scene.release()
    assert outcome.word == "quarantined"
    assert "completed_with_errors" in outcome.says


def test_a_final_event_that_comes_too_late_quarantines_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = scene.export()
    scene.run()
    send = PleoClient.send_event

    def too_late(self: PleoClient, job_id: str, event: str, **more: Any) -> None:
        if event != "started":
            scene.pleo.move_job(job, "completed_with_errors")
            raise JobOver(Problem("PLEO-4", "the export job has ended in Pleo", "Pleo", "export"))
        send(self, job_id, event, **more)

    monkeypatch.setattr(PleoClient, "send_event", too_late)
    outcome = scene.release()
    assert outcome.word == "quarantined"
    assert "completed_with_errors" in outcome.says


def test_the_final_event_is_sent_once(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.release()
    scene.run()
    scene.finish()
    assert scene.events() == ["started", "completed"]


def test_an_item_that_changed_after_its_acknowledgement_quarantines(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "send completed")
    job.items[scene.entries[2]].status = "failed"
    assert scene.release().word == "quarantined"


def test_all_failed_and_then_expired_is_what_was_meant(scene: Scene) -> None:
    """Nothing was published and every item shows its reason: there is nothing to settle."""
    scene.company.entries.clear()
    scene.company.add(item(n=9, lines=[{"account": None}]))
    scene.export()
    scene.run()
    scene.stopped(scene.release, "before", "send failed")
    scene.pleo.advance(3600)
    assert scene.release().word == "closed"


def test_a_reason_that_is_too_long_is_cut(scene: Scene) -> None:
    from etl.live.reviewing import answer

    job = scene.export()
    batch, entry = scene.run().batch, scene.entries[0]
    assert batch is not None
    with scene.desk() as desk:
        answer(desk, batch, by="Ann", decisions={entry: {"do": "reject", "reason": "ä" * 2000}})
    scene.release()
    reason = str(job.items[entry].failure_reason)
    assert (len(reason), reason[-1]) == (1000, "…")


def test_where_pleo_takes_fewer_items_in_a_call_fewer_are_sent(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MAX_REPORTS", 10)
    for n in range(4, 13):
        scene.company.add(item(n=n))
    job = scene.export()
    scene.run()
    assert scene.release().word == "closed"
    assert [len(body) for body in scene.bodies("report-items")] == [12, 10, 2]
    assert job.status == "completed"


OUT = "are out, but Pleo is not told all yet: do not import them"


@pytest.mark.parametrize(
    "fault", ["error=401@report-items:1-", "error=403@get-job:3-", "error=400@send-event:2-"]
)
def test_whatever_stops_a_release_once_files_are_out_it_is_said_that_they_must_wait(
    scene: Scene, fault: str
) -> None:
    job = scene.export()
    scene.run()
    scene.pleo.faults.add(fault)
    with pytest.raises(EtlError):
        scene.release()
    assert len(scene.released()) == 1
    assert sum(OUT in said for said in scene.said) == 1
    scene.pleo.faults.clear()
    assert scene.release().word == "closed"
    assert job.status == "completed"


def test_what_stops_a_release_before_files_are_out_speaks_of_none(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.pleo.faults.add("error=403@send-event:1-")
    with pytest.raises(EtlError):
        scene.release()
    assert not any(OUT in said for said in scene.said)
