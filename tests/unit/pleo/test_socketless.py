"""The transport without a socket does to a caller what the server does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from etl.pleo.sandbox import Pleo, RunningSandbox
from tests.fakes.pleo_client import basic, report
from tests.fakes.transport import BASE_URL, SandboxClockOf, SandboxTransport

FAULTS = (
    "lost-request", "lost-answer", "late=2", "error=500", "error=503", "error-after=502",
    "limited=7", "truncated", "wrong-type", "html", "page-loop", "page-repeat", "page-gap",
    "page-no-cursor", "slow=0",
)  # fmt: skip
CUT = (httpx.ReadError, httpx.RemoteProtocolError)


def _asked(http: httpx.Client, pleo: Pleo, fault: str) -> list[Any]:
    """Meet a fault with each kind of call, and give all that can be seen from outside."""
    company = pleo.add_sample("example")
    job = pleo.add_job(company)
    entry = next(iter(job.items))
    http.headers["authorization"] = basic(pleo.add_key([company]))
    seen: list[Any] = []
    calls = (
        ("list-jobs", "GET", "/v3/export-jobs", None),
        ("get-job", "GET", f"/v3/export-jobs/{job.id}", None),
        ("list-items", "GET", f"/v3/export-jobs/{job.id}/items?limit=10", None),
        ("export-items", "GET", f"/v3/export-items?job_id={job.id}&limit=3", None),
        ("send-event", "POST", "/v3/export-job-events", {"event": "started", "jobId": job.id}),
        ("report-items", "PUT", f"/v3/export-jobs/{job.id}/items", [report(entry)]),
        ("nothing", "GET", "/v3/nothing", None),
    )
    for name, method, path, body in calls:
        if name != "nothing":
            pleo.faults.add(f"{fault}@{name}")
        try:
            answer = http.request(method, path, json=body)
            headers = [answer.headers.get(one) for one in ("content-type", "retry-after", "date")]
            content = answer.text.replace(str(http.base_url).rstrip("/"), "")
            seen.append((name, answer.status_code, headers, content))
        except CUT:
            seen.append((name, "cut"))
        seen.append((job.status, job.items[entry].status))
    seen.append([(one.call.operation, one.status) for one in pleo.seen if one.call.operation])
    return seen


@pytest.mark.parametrize("fault", FAULTS)
def test_both_ways_look_the_same(fault: str) -> None:
    # each call on a connection of its own: a broken one would take the next call with it
    alone = httpx.Limits(max_keepalive_connections=0)
    with (
        RunningSandbox(Pleo()) as running,
        httpx.Client(base_url=running.base_url, limits=alone, trust_env=False) as http,
    ):
        by_socket = _asked(http, running.pleo, fault)
    pleo = Pleo()
    with httpx.Client(base_url=BASE_URL, transport=SandboxTransport(pleo)) as http:
        assert _asked(http, pleo, fault) == by_socket


def test_slow_and_dripping_answers_move_the_clock_and_end_patience() -> None:
    pleo = Pleo()
    clock = SandboxClockOf(pleo)
    pleo.faults.add("slow=7@list-jobs:1")
    pleo.faults.add("slow=31@list-jobs:2")
    pleo.faults.add("drip=1@list-jobs:3")
    company = pleo.add_sample("example")
    headers = {"authorization": basic(pleo.add_key([company]))}
    transport = SandboxTransport(pleo)
    with httpx.Client(base_url=BASE_URL, transport=transport, headers=headers, timeout=30) as http:
        assert http.get("/v3/export-jobs").status_code == 200
        assert clock.elapsed() == 7
        with pytest.raises(httpx.ReadTimeout):
            http.get("/v3/export-jobs")
        assert clock.elapsed() == 37
        answer = http.get("/v3/export-jobs")
    assert answer.json()["data"] == []
    assert clock.elapsed() == 37 + -(-len(answer.content) // 7)


def test_a_connection_that_is_not_made_reaches_nobody() -> None:
    transport = SandboxTransport(Pleo())
    transport.refuse_connections = 1
    with httpx.Client(base_url=BASE_URL, transport=transport) as http:
        with pytest.raises(httpx.ConnectError):
            http.get("/v3/export-jobs")
        assert http.get("/v3/export-jobs").status_code == 401
    assert len(transport.sent) == 1


def test_the_clock_of_a_sandbox_never_runs_back_for_a_caller() -> None:
    pleo = Pleo()
    clock = SandboxClockOf(pleo)
    clock.sleep(5)
    pleo.advance(-3600)
    assert clock.elapsed() == 5
    clock.sleep(2)
    assert clock.elapsed() == 7
    assert clock.slept == [5, 2]
