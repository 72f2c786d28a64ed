"""A plain HTTP client of the sandbox, which holds every answer against Pleo's description."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from etl.pleo.sandbox import Company, Pleo, RunningSandbox
from etl.pleo.sandbox.jobs import Job
from tests.fakes import export_api

#: Made once: it takes longer than everything else here, and plain HTTP does not even use it.
_TLS = ssl.create_default_context()


class Client:
    """Calls the sandbox with one credential."""

    def __init__(self, base_url: str, authorization: str, *, is_checked: bool = True) -> None:
        self.answers: list[tuple[str, str, int]] = []
        self.http = httpx.Client(
            base_url=base_url, trust_env=False, verify=_TLS, timeout=10,
            headers={"authorization": authorization} if authorization else {},
            event_hooks={"response": [self._check]} if is_checked else {},
        )  # fmt: skip

    def _check(self, response: httpx.Response) -> None:
        if response.request.url.path.startswith("/v3/"):
            response.read()
            self.answers.append(export_api.check(response.request, response))

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(path, params=query or None)

    def jobs(self, **query: Any) -> httpx.Response:
        return self.get("/v3/export-jobs", **query)

    def job(self, job: Job) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/v3/export-jobs/{job.id}").json()["data"]
        return found

    def event(self, job: Job, event: str, **more: str) -> httpx.Response:
        return self.http.post(
            "/v3/export-job-events", json={"event": event, "jobId": job.id, **more}
        )

    def items(self, job: Job, **query: Any) -> httpx.Response:
        return self.get(f"/v3/export-jobs/{job.id}/items", **query)

    def entries(self, job: Job, **query: Any) -> httpx.Response:
        return self.get("/v3/export-items", job_id=job.id, **query)

    def report(self, job: Job, *reports: dict[str, Any]) -> httpx.Response:
        return self.http.put(f"/v3/export-jobs/{job.id}/items", json=list(reports))

    def create(self, company: Company, *entries: str, **more: Any) -> httpx.Response:
        body = {"companyId": company.id, "accountingEntryIds": list(entries), **more}
        return self.http.post("/v3/export-jobs", json=body)


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def report(entry: str, status: str = "successful", **more: Any) -> dict[str, Any]:
    return {"accountingEntryId": entry, "status": status, **more}


class Scene:
    """A running sandbox with the German company of the sample data, its key and one job."""

    def __init__(self, running: RunningSandbox) -> None:
        self.pleo: Pleo = running.pleo
        self.base_url = running.base_url
        self.company = self.pleo.add_sample("example")
        self.key = self.pleo.add_key([self.company])
        self.job = self.pleo.add_job(self.company)
        self.entries = list(self.job.items)
        self._clients: list[Client] = []
        self.client = self.open(basic(self.key))

    def open(self, authorization: str, *, is_checked: bool = True) -> Client:
        client = Client(self.base_url, authorization, is_checked=is_checked)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.http.close()


@contextmanager
def scene_of(pleo: Pleo) -> Iterator[Scene]:
    """Serve a Pleo, with a company and a client."""
    with RunningSandbox(pleo) as running:
        scene = Scene(running)
        try:
            yield scene
        finally:
            scene.close()
