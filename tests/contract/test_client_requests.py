"""N-13: the client's requests, and the sandbox's answers to them, are as Pleo describes them."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from etl.errors import EtlError
from tests.fakes import export_api
from tests.fakes.called import Called, answer, called

#: What the client calls; creating a job is the user's click in Pleo.
CALLED = {
    ("GET", "/v3/export-jobs"),
    ("GET", "/v3/export-jobs/{jobId}"),
    ("GET", "/v3/export-jobs/{jobId}/items"),
    ("PUT", "/v3/export-jobs/{jobId}/items"),
    ("GET", "/v3/export-items"),
    ("POST", "/v3/export-job-events"),
}


class Checked(httpx.BaseTransport):
    """Holds every request and every answer against the description."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner = inner
        self.answered: set[tuple[str, str, int]] = set()
        self.wrong: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.wrong += export_api.request_problems(request)
        given = self.inner.handle_request(request)
        body = given.read()
        self.answered.add(export_api.check(request, given))
        return answer(body=body, status=given.status_code, at=None, headers=given.headers)


def checked(scene: Called) -> Checked:
    http: Any = scene.client._wire._http
    http._transport = Checked(scene.transport)
    found: Checked = http._transport
    return found


def reports(scene: Called) -> list[bytes]:
    first, second, *rest = scene.entries
    failed = {
        "accountingEntryId": first, "status": "failed", "failureReasonType": "vendor_unknown",
        "failureReason": "Vendor 70045 is not in the list.",
    }  # fmt: skip
    full = {
        "accountingEntryId": second, "status": "successful", "externalId": "PLEO-1",
        "exportedAt": "2026-04-01T08:00:00Z", "externalUrl": "https://example.com/1",
    }  # fmt: skip
    plain = [{"accountingEntryId": one, "status": "successful"} for one in rest]
    return [msgspec.json.encode(one) for one in (failed, full, *plain)]


def whole_life(scene: Called) -> None:
    """Do all that is done with a job, over several pages."""
    client, job = scene.client, scene.job.id
    client.list_jobs(scene.company.id)
    client.list_jobs(scene.company.id, statuses=["pending", "in_progress"])
    client.get_job(job)
    client.list_items(job)
    client.export_items(job)
    client.send_event(job, "started")
    scene.pleo.refuse_item(scene.entries[5], "EXPORT_ENTRY_STATUS_UPDATE_FAILED")
    client.report_items(job, reports(scene))
    client.send_event(job, "completed_with_errors")


def refused_life(scene: Called) -> None:
    """Do all that Pleo refuses, and end a job that cannot be done."""
    client, job = scene.client, scene.job.id
    scene.company.has_contra_accounts = False
    attempts = [
        lambda: client.export_items(job),
        lambda: client.get_job("00000000-0000-4000-8000-000000000000"),
        lambda: client.list_items("00000000-0000-4000-8000-000000000000"),
        lambda: client.report_items("00000000-0000-4000-8000-000000000000", reports(scene)),
        lambda: client.send_event(job, "completed"),
    ]
    for attempt in attempts:
        with pytest.raises(EtlError):
            attempt()
    client.send_event(job, "started")
    client.send_event(job, "failed", reason="No.", failure_type="missing_configuration")
    for late in (
        lambda: client.export_items(job),
        lambda: client.report_items(job, reports(scene)),
    ):
        with pytest.raises(EtlError):
            late()


def test_every_request_and_every_answer_is_as_described() -> None:
    seen: set[tuple[str, str, int]] = set()
    for life in (whole_life, refused_life):
        scene = called(largest_page=10)
        transport = checked(scene)
        life(scene)
        assert transport.wrong == []
        seen |= transport.answered
    assert {(method, path) for method, path, _status in seen} == CALLED
    described = {one for one in export_api.documented() if one[:2] in CALLED}
    # more than a hundred reports are refused by the client itself
    assert described - seen == {("PUT", "/v3/export-jobs/{jobId}/items", 413)}


def test_drift_of_the_client_is_found() -> None:
    """Each of these differs from the description in one place only."""
    job = "00000000-0000-4000-8000-000000000001"
    base = "http://127.0.0.1:1/v3/export-"
    body = {"headers": {"content-type": export_api.MEDIA_TYPE}}
    odd = [
        httpx.Request("GET", f"{base}jobs?companyId={job}"),
        httpx.Request("GET", f"{base}jobs?company_id=acme"),
        httpx.Request("GET", f"{base}jobs?statuses=done"),
        httpx.Request("GET", f"{base}jobs?limit=-1"),
        httpx.Request("GET", f"{base}jobs?limit=all"),
        httpx.Request("GET", f"{base}jobs?after=lower"),
        httpx.Request("GET", f"{base}jobs/7"),
        httpx.Request("DELETE", f"{base}jobs"),
        httpx.Request("GET", f"{base}items?job_id={job}", content=b"{}"),
        httpx.Request("POST", f"{base}job-events", content=b'{"event":"begun"}', **body),
        httpx.Request("POST", f"{base}job-events", json={"event": "started", "jobId": job}),
        httpx.Request(
            "POST", f"{base}job-events", **body,
            content=msgspec.json.encode({"event": "started", "jobId": job, "failureReason": None}),
        ),
        httpx.Request("PUT", f"{base}jobs/{job}/items", content=b"{}", **body),
        httpx.Request("PUT", f"{base}jobs/{job}/items", content=b'[{"status":"failed"}]', **body),
    ]  # fmt: skip
    for request in odd:
        assert export_api.request_problems(request), request
