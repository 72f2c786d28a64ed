"""Faults on purpose: which requests they hit, what the caller sees, what took effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from etl.pleo.sandbox import KINDS, Fault, land, parse_fault
from etl.pleo.sandbox.faults import FaultPlan
from tests.fakes.pleo_client import Client, Scene, basic, report


@pytest.fixture
def client(scene: Scene) -> Client:
    return scene.open(basic(scene.key), is_checked=False)


def test_a_lost_request_has_no_effect(scene: Scene, client: Client) -> None:
    scene.pleo.faults.add("lost-request@send-event")
    with pytest.raises(httpx.TransportError):
        client.event(scene.job, "started")
    assert scene.job.status == "pending"
    assert scene.pleo.seen == []
    assert client.event(scene.job, "started").status_code == 202


def test_a_lost_answer_had_its_effect(scene: Scene, client: Client) -> None:
    scene.pleo.faults.add("lost-answer@send-event")
    with pytest.raises(httpx.TransportError):
        client.event(scene.job, "started")
    assert scene.job.status == "in_progress"
    assert client.event(scene.job, "started").status_code == 422


def test_a_late_request_lands_after_others(scene: Scene, client: Client) -> None:
    entry = scene.entries[0]
    scene.pleo.faults.add("late=2@report-items")
    with pytest.raises(httpx.TransportError):
        client.report(scene.job, report(entry))
    item = scene.job.items[entry]
    assert (client.items(scene.job).status_code, item.status) == (200, "pending")
    client.items(scene.job)
    assert item.status == "successful"


def test_a_late_request_lands_when_the_test_says(scene: Scene, client: Client) -> None:
    scene.pleo.faults.add("late=9@send-event")
    with pytest.raises(httpx.TransportError):
        client.event(scene.job, "started")
    assert scene.job.status == "pending"
    land(scene.pleo)
    land(scene.pleo)
    assert scene.job.status == "in_progress"
    assert [seen.status for seen in scene.pleo.seen] == [202]


def test_a_late_request_can_land_after_the_job_ended(scene: Scene, client: Client) -> None:
    scene.pleo.faults.add("late@report-items")
    with pytest.raises(httpx.TransportError):
        client.report(scene.job, report(scene.entries[0]))
    scene.pleo.advance(3600)
    land(scene.pleo)
    assert scene.pleo.seen[-1].status == 422
    assert scene.job.items[scene.entries[0]].status == "abandoned"


def test_an_error_before_and_after_the_effect(scene: Scene, client: Client) -> None:
    scene.pleo.faults.add("error=500@send-event")
    assert client.event(scene.job, "started").json()["type"] == "unexpected_error"
    assert scene.job.status == "pending"
    scene.pleo.faults.add("error-after=502@send-event")
    answer = client.event(scene.job, "started")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    assert scene.job.status == "in_progress"


def test_a_schedule_of_errors_hits_just_those(scene: Scene, client: Client) -> None:
    scene.pleo.faults.add("error=503@list-jobs:2-3")
    assert client.items(scene.job).status_code == 200
    assert [client.jobs().status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    scene.pleo.faults.clear()
    scene.pleo.faults.add("error=504:1-")
    assert [client.jobs().status_code, client.items(scene.job).status_code] == [504, 504]


def test_a_limit_says_how_long_to_wait(scene: Scene, client: Client) -> None:
    scene.pleo.faults.add("limited=7")
    answer = client.jobs()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_a_truncated_answer_breaks_off_in_the_middle(scene: Scene, client: Client) -> None:
    scene.pleo.faults.add("truncated@export-items")
    with pytest.raises(httpx.RemoteProtocolError):
        client.entries(scene.job)
    assert client.entries(scene.job).status_code == 200


def test_a_dripping_answer_is_whole_but_too_slow_for_a_time_out(
    scene: Scene, client: Client
) -> None:
    whole = client.jobs().content
    scene.pleo.faults.add("drip=0.001@list-jobs")
    assert client.jobs().content == whole
    scene.pleo.faults.add("drip=9@list-jobs")
    with pytest.raises(httpx.ReadTimeout):
        client.http.get("/v3/export-jobs", timeout=0.2)
    assert client.jobs().status_code == 200


def test_a_slow_answer_runs_into_a_time_out(scene: Scene, client: Client) -> None:
    scene.pleo.faults.add("slow=9@list-jobs")
    with pytest.raises(httpx.ReadTimeout):
        client.http.get("/v3/export-jobs", timeout=0.2)
    assert client.jobs().status_code == 200


def test_other_content_than_expected(scene: Scene, client: Client) -> None:
    whole = client.jobs().content
    scene.pleo.faults.add("wrong-type")
    answer = client.jobs()
    assert (answer.headers["content-type"], answer.content) == ("text/html", whole)
    scene.pleo.faults.add("html")
    answer = client.jobs()
    assert (answer.status_code, answer.text[:15]) == (200, "<!doctype html>")


def test_pages_that_lie(scene: Scene, client: Client) -> None:
    right = client.items(scene.job, limit=10).json()

    def page(kind: str, **query: str) -> tuple[list[str], dict[str, Any]]:
        scene.pleo.faults.add(f"{kind}@list-items")
        found = client.items(scene.job, limit=10, **query).json()
        return [one["accountingEntryId"] for one in found["data"]], found["pagination"]

    ids = [one["accountingEntryId"] for one in right["data"]]
    end = right["pagination"]["endCursor"]
    assert page("page-gap")[0] == ids[1:]
    assert page("page-repeat")[0] == [*ids, ids[-1]]
    no_cursor = page("page-no-cursor")[1]
    assert no_cursor["hasNextPage"]
    assert "endCursor" not in no_cursor
    loop = page("page-loop", after=end)[1]
    assert (loop["hasNextPage"], loop["endCursor"]) == (True, end)


def test_a_download_can_fail_twice_and_then_work(scene: Scene) -> None:
    entries = scene.client.entries(scene.job).json()["data"]
    url = next(entry["files"][0]["url"] for entry in entries if entry["files"])
    scene.pleo.faults.add("error=503@download:1-2")
    stranger = scene.open("")
    assert [stranger.get(url).status_code for _ in range(3)] == [503, 503, 200]


def test_the_next_connection_works_after_a_broken_one(scene: Scene, client: Client) -> None:
    for kind in ("lost-request", "lost-answer", "late", "truncated"):
        scene.pleo.faults.add(f"{kind}@list-jobs")
        with pytest.raises(httpx.TransportError):
            client.jobs()
        assert client.jobs().status_code == 200


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("lost-answer", Fault("lost-answer", 0, None, 1, 1)),
        ("error=503@list-jobs:1-3", Fault("error", 503, "list-jobs", 1, 3)),
        ("error", Fault("error", 500, None, 1, 1)),
        ("slow=0.25:4", Fault("slow", 0.25, None, 4, 4)),
        ("limited@download:2-", Fault("limited", 5, "download", 2, None)),
        ("late", Fault("late", 1, None, 1, 1)),
        ("lost-request:2-2", Fault("lost-request", 0, None, 2, 2)),
    ],
)
def test_faults_are_read_as_they_are_written(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is not KIND"),
        ("lost answer", "is not KIND"),
        ("error=x", "is not KIND"),
        ("lose", 'there is no fault "lose"'),
        ("lost-answer=3", "takes no value"),
        ("error=200", "from 400 to 599"),
        ("error=503.5", "from 400 to 599"),
        ("slow@jobs", 'there is no operation "jobs"'),
        ("slow:0", "counted from 1"),
        ("slow:3-2", "not before the first"),
    ],
)
def test_a_fault_that_is_not_understood_says_why(text: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        parse_fault(text)


def test_faults_count_their_own_requests() -> None:
    plan = FaultPlan()
    plan.add("error@list-jobs:2")
    plan.add("slow@get-job")
    hits = [sorted(plan.take(name)) for name in ("list-jobs", "get-job", "list-jobs", "get-job")]
    assert hits == [[], ["slow"], ["error"], []]


def test_every_kind_is_tried_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f'"{kind}' not in text] == []
