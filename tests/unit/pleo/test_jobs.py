"""Export jobs of the sandbox: what moves them, and what time does to them."""

from __future__ import annotations

import pytest

from etl.pleo.sandbox import Manners, Pleo
from tests.fakes.pleo_client import Scene, report, scene_of

EVENTS = ("started", "completed", "completed_with_errors", "failed")


def test_a_job_waits_then_runs_then_ends(scene: Scene) -> None:
    waiting = scene.client.job(scene.job)
    assert (waiting["status"], waiting["startedAt"]) == ("pending", None)
    assert (waiting["numberOfItems"], waiting["expiresIn"]) == (31, 3600)
    scene.pleo.advance(60)
    assert scene.client.event(scene.job, "started").status_code == 202
    running = scene.client.job(scene.job)
    assert (running["status"], running["startedAt"]) == ("in_progress", "2026-04-01T08:01:00Z")
    scene.pleo.advance(60)
    assert scene.client.event(scene.job, "completed").status_code == 202
    ended = scene.client.job(scene.job)
    assert (ended["status"], ended["completedAt"]) == ("completed", "2026-04-01T08:02:00Z")
    assert "failureReasonType" not in ended


@pytest.mark.parametrize("event", EVENTS[1:])
def test_a_waiting_job_can_only_be_started(scene: Scene, event: str) -> None:
    assert scene.client.event(scene.job, event).status_code == 422
    assert scene.job.status == "pending"


@pytest.mark.parametrize("end", EVENTS[1:])
@pytest.mark.parametrize("event", EVENTS)
def test_an_ended_job_takes_no_event(scene: Scene, end: str, event: str) -> None:
    scene.pleo.move_job(scene.job, "started")
    scene.pleo.move_job(scene.job, end)
    refused = scene.client.event(scene.job, event)
    assert refused.status_code == 422
    assert refused.json()["type"] == "INVALID_EXPORT_JOB_STATUS_CHANGE"
    assert scene.job.status == end


def test_a_job_is_started_once(scene: Scene) -> None:
    assert scene.client.event(scene.job, "started").status_code == 202
    assert scene.client.event(scene.job, "started").status_code == 422


def test_one_job_of_a_company_runs_at_a_time(scene: Scene) -> None:
    second = scene.pleo.add_job(scene.company)
    scene.client.event(scene.job, "started")
    assert scene.client.event(second, "started").status_code == 422
    scene.client.event(scene.job, "completed")
    assert scene.client.event(second, "started").status_code == 202


def test_a_failed_job_says_why(scene: Scene) -> None:
    scene.client.event(scene.job, "started")
    reason = {"failureReason": "No mapping.", "failureReasonType": "missing_configuration"}
    scene.client.event(scene.job, "failed", **reason)
    assert scene.client.job(scene.job).items() >= reason.items()


@pytest.mark.parametrize(
    ("event", "more"),
    [
        ("completed_with_errors", {"failureReason": "x"}),
        ("failed", {"failureReasonType": "accounting_system_validation_failure"}),
        ("canceled", {}),
    ],
)
def test_an_event_against_the_description_is_refused(
    scene: Scene, event: str, more: dict[str, str]
) -> None:
    """The failure type is one of items, not of jobs."""
    scene.pleo.move_job(scene.job, "started")
    assert scene.client.event(scene.job, event, **more).status_code == 400
    assert scene.job.status == "in_progress"


def test_an_event_needs_the_field_job_id(scene: Scene) -> None:
    body = {"event": "started", "exportJobId": scene.job.id}
    assert scene.client.http.post("/v3/export-job-events", json=body).status_code == 400


@pytest.mark.parametrize("is_started", [False, True])
def test_an_hour_after_the_last_update_a_job_expires(scene: Scene, is_started: bool) -> None:
    if is_started:
        scene.pleo.advance(600)
        scene.client.event(scene.job, "started")
    scene.pleo.advance(3599)
    assert scene.client.job(scene.job)["status"] in ("pending", "in_progress")
    assert scene.client.entries(scene.job).status_code == 200
    scene.pleo.advance(1)
    assert scene.client.entries(scene.job).status_code == 422
    scene.pleo.advance(500)
    expired = scene.client.job(scene.job)
    assert (expired["status"], expired["failureReasonType"]) == ("failed", "job_expired")
    hour = "2026-04-01T09:10:00Z" if is_started else "2026-04-01T09:00:00Z"
    assert expired["expiredAt"] == hour
    assert scene.client.entries(scene.job).status_code == 422
    assert scene.client.report(scene.job, report(scene.entries[0])).status_code == 422


def test_when_a_job_expires_what_is_open_is_abandoned_and_the_rest_stays(scene: Scene) -> None:
    scene.client.event(scene.job, "started")
    first, second, third, *rest = scene.entries
    scene.client.report(
        scene.job, report(first), report(second, "failed"), report(third, "in_progress")
    )
    scene.pleo.advance(3600)
    states = {
        i["accountingEntryId"]: i["status"] for i in scene.client.items(scene.job).json()["data"]
    }
    assert states == {first: "successful", second: "failed", third: "abandoned"} | dict.fromkeys(
        rest, "abandoned"
    )


@pytest.mark.parametrize("prolongs", [True, False])
def test_whether_a_report_prolongs_the_hour_can_be_chosen(prolongs: bool) -> None:
    with scene_of(Pleo(manners=Manners(reports_prolong=prolongs))) as scene:
        scene.client.event(scene.job, "started")
        scene.pleo.advance(3000)
        scene.client.report(scene.job, report(scene.entries[0]))
        scene.pleo.advance(3000)
        assert scene.client.job(scene.job)["status"] == ("in_progress" if prolongs else "failed")


def test_reading_prolongs_nothing(scene: Scene) -> None:
    scene.pleo.advance(3000)
    scene.client.jobs()
    scene.client.items(scene.job)
    scene.client.entries(scene.job)
    assert scene.client.job(scene.job)["lastUpdatedAt"] == "2026-04-01T08:00:00Z"


def test_a_user_can_cancel(scene: Scene) -> None:
    scene.pleo.cancel_job(scene.job)
    found = scene.client.job(scene.job)
    assert (found["status"], found["failureReasonType"]) == ("failed", "canceled_by_user")
    assert scene.client.event(scene.job, "started").status_code == 422


def test_what_has_ended_cannot_be_cancelled(scene: Scene) -> None:
    scene.pleo.move_job(scene.job, "started")
    scene.pleo.move_job(scene.job, "completed")
    scene.pleo.cancel_job(scene.job)
    assert scene.client.job(scene.job)["status"] == "completed"


def test_a_job_is_created_when_none_runs(scene: Scene) -> None:
    two = scene.entries[:2]
    refused = scene.client.create(scene.company, *two)
    assert refused.json()["type"] == "EXPORT_ALREADY_IN_PROGRESS"
    scene.pleo.cancel_job(scene.job)
    made = scene.client.create(
        scene.company, *two, isInteractive=False, options={"vendorBasedBookkeeping": True}
    ).json()["data"]
    assert (made["numberOfItems"], made["isInteractive"]) == (2, False)
    assert made["vendorBasedBookkeeping"] is True
    assert scene.client.create(scene.company, *two).status_code == 409
    scene.pleo.advance(3600)
    unknown = scene.client.create(scene.company, "00000000-0000-4000-8000-000000000000")
    assert unknown.json()["type"] == "export_entry_not_found"


def test_the_defaults_of_a_created_job_are_those_of_the_description(scene: Scene) -> None:
    scene.pleo.cancel_job(scene.job)
    made = scene.client.create(scene.company, scene.entries[0]).json()["data"]
    assert (made["isInteractive"], made["vendorBasedBookkeeping"]) == (True, False)


def test_missing_contra_accounts_are_told_until_they_are_mapped(scene: Scene) -> None:
    scene.company.has_contra_accounts = False
    assert scene.client.entries(scene.job).json()["type"] == "MISSING_CONTRA_ACCOUNTS"
    scene.company.has_contra_accounts = True
    assert scene.client.entries(scene.job).status_code == 200


def test_same_seed_same_ids_and_keys() -> None:
    def made(seed: int) -> tuple[str, str]:
        pleo = Pleo(seed=seed)
        company = pleo.add_sample("example")
        return pleo.add_key([company]), pleo.add_job(company).id

    assert made(7) == made(7)
    assert made(7) != made(8)


def test_a_job_expires_though_nobody_but_the_clock_moves(scene: Scene) -> None:
    scene.pleo.clock.advance(3600)
    assert scene.client.event(scene.job, "started").status_code == 422
    assert scene.client.jobs(statuses=["pending"]).json()["data"] == []
