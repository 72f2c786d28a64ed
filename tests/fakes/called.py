"""The client in front of a sandbox without a socket, or of answers that a test wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx

from etl.pleo.client import PleoClient
from etl.pleo.credentials import ApiKey
from etl.pleo.sandbox import Company, Manners, Pleo
from etl.pleo.sandbox.clocks import http_date
from etl.pleo.sandbox.jobs import Job
from etl.pleo.waits import Patience
from etl.secret import Secret
from tests.fakes.transport import ADDRESS, SandboxClockOf, SandboxTransport

#: So much for every change; long runs take 1 and more.
SCALE = float(os.environ.get("PLEO_ETL_EXAMPLES", "0.6"))
START = datetime(2026, 3, 16, 8, 0, tzinfo=UTC)
COMPANY = "5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10"
JOB = "8c1f2a3b-4d5e-4f60-9172-8394a5b6c7d8"
KEY = "pleo-key-CANARY-5f3c9a-not-to-be-shown"


def scaled(count: int) -> int:
    """Give how many examples to run: PLEO_ETL_EXAMPLES times the count."""
    return max(1, int(count * SCALE))


@dataclass
class Called:
    """A client, the sandbox that it calls, and a job with all sample items."""

    pleo: Pleo
    company: Company
    job: Job
    transport: SandboxTransport
    clock: SandboxClockOf
    client: PleoClient

    @property
    def entries(self) -> list[str]:
        return list(self.job.items)

    def fault(self, *faults: str) -> None:
        for fault in faults:
            self.pleo.faults.add(fault)

    def sent(self, method: str = "") -> list[httpx.Request]:
        return [one for one in self.transport.sent if method in ("", one.method)]


def called(*, largest_page: int = 100, ask_for: int = 1000, patience: Patience | None = None,
           seed: int = 1) -> Called:  # fmt: skip
    """Give a client of a sandbox that grants pages of some size."""
    pleo = Pleo(seed=seed, manners=Manners(largest_page=largest_page))
    company = pleo.add_sample("example")
    key, job = pleo.add_key([company]), pleo.add_job(company)
    transport, clock = SandboxTransport(pleo), SandboxClockOf(pleo)
    client = PleoClient(
        ADDRESS, credential=ApiKey(Secret(key)), clock=clock, transport=transport,
        patience=patience, largest_page=ask_for, chance=Random(seed),
    )  # fmt: skip
    return Called(pleo, company, job, transport, clock, client)


class StillClock:
    """A clock that only waiting moves."""

    def __init__(self, start: datetime = START) -> None:
        self.start, self.passed = start, 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.passed)

    def elapsed(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.passed += seconds


Script = Callable[[httpx.Request], httpx.Response]


class Scripted(httpx.BaseTransport):
    """Answers what a test says, and notes what was asked and when."""

    def __init__(self, script: Script, clock: StillClock) -> None:
        self.script, self.clock = script, clock
        self.sent: list[httpx.Request] = []
        self.times: list[float] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.sent.append(request)
        self.times.append(self.clock.elapsed())
        return self.script(request)


class InOrder:
    """A script that gives one answer after the other, the last one for ever."""

    def __init__(self, *answers: httpx.Response | Exception | Script) -> None:
        self.answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        if not isinstance(found, httpx.Response):
            return found(request)
        # an answer can be read once only, so each one given is new
        return httpx.Response(found.status_code, headers=found.headers, stream=found.stream)


def scripted(script: Script, *, clock: StillClock | None = None, patience: Patience | None = None,
             seed: int = 1, ask_for: int = 1000) -> tuple[PleoClient, Scripted]:  # fmt: skip
    """Give a client of a script."""
    clock = clock or StillClock()
    transport = Scripted(script, clock)
    client = PleoClient(
        ADDRESS, credential=ApiKey(Secret(KEY)), clock=clock, transport=transport,
        patience=patience, chance=Random(seed), largest_page=ask_for,
    )  # fmt: skip
    return client, transport


class _Pieces(httpx.SyncByteStream):
    def __init__(self, pieces: Sequence[bytes] | Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces


def answer(
    document: Any = None,
    *,
    status: int = 200,
    body: bytes | Iterator[bytes] | None = None,
    at: datetime | None = START,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Give an answer as Pleo's, with a document or with any bytes."""
    given = json.dumps(document).encode() if body is None else body
    own = {"content-type": "application/json;charset=UTF-8"} if given else {}
    if at is not None:
        own["date"] = http_date(at)
    pieces = [given] if isinstance(given, bytes) else given
    return httpx.Response(status, headers={**own, **(headers or {})}, stream=_Pieces(pieces))


def page(records: Sequence[Any], *, after: str | None = None, **more: Any) -> dict[str, Any]:
    """Give a page as Pleo writes it; with `after`, more pages follow."""
    pagination = {
        "currentRequestPagination": {"parameters": {}}, "hasPreviousPage": False,
        "hasNextPage": after is not None, **more,
    }  # fmt: skip
    if after:
        pagination["endCursor"] = after
    return {"data": list(records), "pagination": pagination}


def job_document(**more: Any) -> dict[str, Any]:
    """Give a job as in Pleo's samples."""
    return {
        "id": JOB, "companyId": COMPANY, "status": "pending", "createdAt": "2026-03-16T07:58:12Z",
        "createdBy": None, "startedAt": None, "completedAt": None, "expiredAt": None,
        "lastUpdatedAt": "2026-03-16T07:59:00Z", "expiresIn": 3600, "isInteractive": True,
        "numberOfItems": 7, "failureReason": None, "vendorBasedBookkeeping": True, **more,
    }  # fmt: skip


def entry(number: int) -> str:
    """Give the id of an entry."""
    return f"00000000-0000-4000-8000-{number:012x}"


def item_document(number: int = 1, **more: Any) -> dict[str, Any]:
    """Give a job item."""
    return {
        "accountingEntryId": entry(number), "exportJobId": JOB, "status": "pending",
        "exportedAt": None, "externalId": None, "externalUrl": None, "failureReason": None,
        "failureReasonType": None, **more,
    }  # fmt: skip
