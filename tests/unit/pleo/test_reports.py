"""Reporting items: each on its own, at most 100, and what is final stays."""

from __future__ import annotations

from typing import Any

import pytest

from etl.pleo.sandbox import Pleo
from tests.fakes.pleo_client import Scene, report

DEEP = b'[{"x":' + b"[" * 100_000
NOBODY = "00000000-0000-4000-8000-000000000000"


def states(scene: Scene) -> dict[str, str]:
    data = scene.client.items(scene.job).json()["data"]
    return {item["accountingEntryId"]: item["status"] for item in data}


def test_what_was_reported_is_read_back(scene: Scene) -> None:
    entry = scene.entries[0]
    given = scene.client.report(
        scene.job,
        report(entry, exportedAt="2026-04-01T10:00:00+02:00", externalId="V-17"),
    ).json()
    assert given["errors"] == []
    stored = given["data"][0]
    assert (stored["status"], stored["externalId"]) == ("successful", "V-17")
    assert stored["exportedAt"] == "2026-04-01T08:00:00Z"
    (read,) = scene.client.items(scene.job, status="successful").json()["data"]
    assert read == stored
    assert len(scene.client.items(scene.job, status="pending").json()["data"]) == 30


def test_one_wrong_item_does_not_disturb_the_others(scene: Scene) -> None:
    first, second = scene.entries[:2]
    answer = scene.client.report(scene.job, report(first), report(NOBODY), report(second))
    assert answer.status_code == 200
    assert [stored["accountingEntryId"] for stored in answer.json()["data"]] == [first, second]
    (error,) = answer.json()["errors"]
    assert (error["accountingEntryId"], error["type"]) == (
        NOBODY, "ACCOUNTING_ENTRY_DOES_NOT_EXIST",
    )  # fmt: skip


def test_an_item_can_be_made_to_fail_a_few_times(scene: Scene) -> None:
    first, second = scene.entries[:2]
    scene.pleo.refuse_item(first, *["ACCOUNTING_ENTRY_UPDATE_FAILED"] * 2)
    for _ in range(2):
        answer = scene.client.report(scene.job, report(first), report(second)).json()
        assert [error["type"] for error in answer["errors"]] == ["ACCOUNTING_ENTRY_UPDATE_FAILED"]
    assert states(scene)[first] == "pending"
    assert scene.client.report(scene.job, report(first)).json()["errors"] == []


def test_the_same_may_be_sent_again_but_a_final_state_does_not_change(scene: Scene) -> None:
    entry = scene.entries[0]
    scene.client.report(scene.job, report(entry, externalId="V-1"))
    assert scene.client.report(scene.job, report(entry, externalId="V-1")).json()["errors"] == []
    (error,) = scene.client.report(scene.job, report(entry, "failed")).json()["errors"]
    assert error["type"] == "EXPORT_ENTRY_STATUS_UPDATE_FAILED"
    assert states(scene)[entry] == "successful"


def test_a_hundred_are_taken_and_one_more_is_not(scene: Scene) -> None:
    hundred = [report(scene.entries[0])] * 100
    assert scene.client.report(scene.job, *hundred).status_code == 200
    refused = scene.client.report(scene.job, *hundred, report(scene.entries[1]))
    assert refused.status_code == 413
    assert refused.json()["type"] == "EXPORT_JOB_ITEMS_UPDATE_LIMIT"
    assert states(scene)[scene.entries[1]] == "pending"


@pytest.mark.parametrize(
    "wrong",
    [
        {"externalId": None},
        {"failureReason": None},
        {"failureReasonType": "unknown_reason"},
        {"exportedAt": "2026-04-01T08:00:00"},
        {"exportedAt": "yesterday"},
        {"accountingEntryId": "1"},
        {"status": "done"},
    ],
)
def test_a_report_against_the_description_is_refused_whole(
    scene: Scene, wrong: dict[str, Any]
) -> None:
    right = report(scene.entries[1])
    answer = scene.client.report(scene.job, right, report(scene.entries[0]) | wrong)
    assert answer.status_code == 400
    assert set(states(scene).values()) == {"pending"}


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"\xff", b"[1]", DEEP], ids=range(6))
def test_a_body_that_is_no_list_of_reports_is_refused(scene: Scene, body: bytes) -> None:
    path = f"/v3/export-jobs/{scene.job.id}/items"
    assert scene.client.http.put(path, content=body).status_code == 400


def test_companies_are_apart(scene: Scene) -> None:
    other = scene.pleo.add_sample("example-uk")
    theirs = scene.pleo.add_job(other)
    for answer in (
        scene.client.report(theirs, report(next(iter(theirs.items)))),
        scene.client.items(theirs),
        scene.client.entries(theirs),
        scene.client.event(theirs, "started"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (404, "EXPORT_NOT_FOUND")
    assert theirs.status == "pending"
    assert scene.entries[0] not in theirs.items


def test_what_reached_the_sandbox_can_be_asked(scene: Scene) -> None:
    pleo: Pleo = scene.pleo
    scene.client.jobs()
    scene.client.report(scene.job, report(scene.entries[0]))
    assert [(seen.call.operation, seen.status) for seen in pleo.seen] == [
        ("list-jobs", 200), ("report-items", 200),
    ]  # fmt: skip
    assert scene.entries[0].encode() in pleo.seen[1].call.body
    assert scene.key not in repr(pleo.seen)
