"""What is checked of the client under a bad network, as functions that name every violation.

They are given the client to look at, so that broken variants of it can be held against them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import httpx
import msgspec

from etl.errors import EtlError
from etl.pleo.client import PleoClient
from etl.pleo.failures import OutcomeUnknown, PleoUnavailable, RateLimited
from etl.pleo.sandbox.clocks import http_date
from tests.fakes.called import (
    COMPANY,
    JOB,
    Called,
    InOrder,
    StillClock,
    answer,
    called,
    entry,
    item_document,
    job_document,
    page,
    scripted,
)

MOST_ATTEMPTS, MOST_WAITED = 6, 300.0
REPORT = msgspec.json.encode({"accountingEntryId": entry(1), "status": "successful"})

#: Call -> how it is made, and the answer that ends it well.
READS: dict[str, tuple[Callable[[PleoClient], object], httpx.Response]] = {
    "list_jobs": (lambda client: client.list_jobs(COMPANY), answer(page([job_document()]))),
    "get_job": (lambda client: client.get_job(JOB), answer({"data": job_document()})),
    "list_items": (lambda client: client.list_items(JOB), answer(page([item_document()]))),
    "export_items": (lambda client: client.export_items(JOB), answer(page([{}]))),
}
WRITES: dict[str, tuple[Callable[[PleoClient], object], httpx.Response]] = {
    "send_event": (lambda client: client.send_event(JOB, "started"), answer(status=202, body=b"")),
    "report_items": (
        lambda client: client.report_items(JOB, [REPORT]),
        answer({"data": [item_document()], "errors": []}),
    ),
}


@dataclass(frozen=True)
class Planned:
    """One failing answer: its status, its Retry-After, and how long that asks to wait."""

    status: int
    retry_after: str | None
    asked: float


def planned(chance: Random, at: float) -> Planned:
    """Make a failing answer at a moment; each kind of Retry-After is among them."""
    status = chance.choice([429, 429, 429, 500, 502, 503, 504])
    kind = chance.choice(
        ["absent", "absent", "seconds", "seconds", "date", "past", "zero", "negative", "absurd",
         "huge", "text", "empty", "fraction"]
    )  # fmt: skip
    if kind == "seconds":
        seconds = chance.choice([1, 2, 7, 30, 119, 299, 301, 3600])
        return Planned(status, str(seconds), seconds)
    if kind == "date":
        seconds = chance.choice([1, 5, 60, 290, 4000])
        moment = StillClock().start + timedelta(seconds=int(at) + seconds)
        return Planned(status, http_date(moment), seconds)
    fixed = {
        "absent": None, "past": http_date(StillClock().start - timedelta(days=1)), "zero": "0",
        "negative": "-30", "text": "soon", "empty": "", "fraction": "0.5",
    }  # fmt: skip
    if kind in fixed:
        return Planned(status, fixed[kind], 0)
    digits = 9 if kind == "absurd" else 10
    return Planned(status, "9" * digits, 10**digits - 1)


def check_schedule(seed: int) -> list[str]:
    """N-01: run one call against failing answers, and give what was not as promised."""
    chance = Random(seed)
    name = chance.choice([*READS, *WRITES])
    call, good = (READS | WRITES)[name]
    clock = StillClock()
    failures = chance.choice([0, 1, 2, 3, 5, 6, 12])
    given: list[Planned] = []

    def script(request: httpx.Request) -> httpx.Response:
        if len(given) >= failures:
            return InOrder(good)(request)
        given.append(planned(chance, clock.elapsed()))
        last = given[-1]
        headers = {} if last.retry_after is None else {"retry-after": last.retry_after}
        moment = clock.start + timedelta(seconds=int(clock.elapsed()))
        body = b"<html>" if last.status >= 502 else b'{"type":"x"}'
        return answer(body=body, status=last.status, at=moment, headers=headers)

    client, transport = scripted(script, clock=clock, seed=seed)
    error: EtlError | None = None
    try:
        call(client)
    except EtlError as caught:
        error = caught
    found = _timing(transport.times, given, clock)
    found += _outcome(name, error, given, transport.times)
    return [f"seed {seed}, {name}: {one}" for one in found]


def _timing(times: list[float], given: list[Planned], clock: StillClock) -> list[str]:
    found = []
    if len(times) > MOST_ATTEMPTS:
        found.append(f"{len(times)} attempts")
    if sum(clock.slept) > MOST_WAITED:
        found.append(f"waited {sum(clock.slept)} s")
    for before, after, plan in zip(times, times[1:], given, strict=False):
        # a date has whole seconds, so the time asked for may begin up to a second earlier
        if after - before < plan.asked - 1 * (plan.retry_after or "").endswith("GMT"):
            found.append(f"asked again after {after - before} s where {plan.asked} were asked")
        if after - before <= 0:
            found.append("asked again at once")
    return found


def _outcome(
    name: str, error: EtlError | None, given: list[Planned], times: list[float]
) -> list[str]:
    found = []
    if name in WRITES:
        unclear = [place for place, plan in enumerate(given) if plan.status >= 500]
        if unclear and len(times) > unclear[0] + 1:
            found.append("a write was sent again though it may have had an effect")
        if unclear and not isinstance(error, OutcomeUnknown):
            found.append(f"a write without an answer ended as {error!r}")
    if error is None and len(times) == len(given):
        found.append("ended well without a good answer")
    if error is not None and len(times) > len(given):
        found.append(f"ended as {error!r} after a good answer")
    if error is not None and not isinstance(error, PleoUnavailable | RateLimited | OutcomeUnknown):
        found.append(f"ended as {error!r}")
    is_patient = len(given) <= 5 and sum(plan.asked for plan in given) < 200
    is_repeated = name in READS or all(plan.status == 429 for plan in given)
    if error is not None and is_patient and is_repeated:
        found.append(f"gave up early: {error!r}")
    return found


#: N-02. What happens to a request; None: the connection is not made.
KINDS = (
    "lost-request", "lost-answer", "late=3", "truncated", "drip=9", "slow=31", "error=500",
    "error-after=502", "limited=3", "html", "wrong-type", "refused", "unknown-host",
    "no-certificate", "portal",
)  # fmt: skip
#: Kinds after which a write certainly had no effect, and may be sent again.
CERTAIN = {"limited=3", "refused", "unknown-host", "no-certificate"}
#: Kinds after which a second attempt of a read is of no use: the answer is there, but wrong.
WRONG = {"html", "wrong-type", "portal"}
CALLS = ("list-jobs", "get-job", "list-items", "export-items", "send-event", "report-items")


def _make(scene: Called, name: str) -> object:
    client, job = scene.client, scene.job.id
    report = msgspec.json.encode({"accountingEntryId": scene.entries[0], "status": "failed"})
    calls: dict[str, Callable[[], object]] = {
        "list-jobs": lambda: client.list_jobs(scene.company.id),
        "get-job": lambda: client.get_job(job),
        "list-items": lambda: client.list_items(job),
        "export-items": lambda: len(client.export_items(job)),
        "send-event": lambda: client.send_event(job, "started"),
        "report-items": lambda: client.report_items(job, [report]),
    }
    return calls[name]()


class _Elsewhere(httpx.BaseTransport):
    """Lets so many requests not reach Pleo: no connection, or a portal that wants a login."""

    def __init__(self, inner: httpx.BaseTransport, text: str, count: int) -> None:
        self.inner, self.text, self.count, self.tried = inner, text, count, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.tried += 1
        if self.tried <= self.count:
            if self.text == PORTAL:
                return answer(body=PORTAL.encode(), headers={"content-type": "text/html"})
            raise httpx.ConnectError(self.text)
        return self.inner.handle_request(request)


PORTAL = "<!doctype html><title>Welcome to the hotel</title>"
ELSEWHERE = {
    "portal": PORTAL,
    "refused": "[Errno 111] Connection refused",
    "unknown-host": "[Errno -2] Name or service not known",
    "no-certificate": "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
}


@contextmanager
def faulty(kind: str, name: str, *, times: int) -> Iterator[Called]:
    """Give a scene in which the first requests of a call meet a kind of failure."""
    scene = called()
    if kind in ELSEWHERE:
        http: Any = scene.client._wire._http
        http._transport = _Elsewhere(scene.transport, ELSEWHERE[kind], times)
    else:
        scene.fault(f"{kind}@{name}:1-{times}")
    yield scene


def effects(scene: Called, name: str) -> int:
    """Count how often a write took effect, by what the sandbox did."""
    return sum(one.call.operation == name and one.status < 300 for one in scene.pleo.seen)


def check_failure(kind: str, name: str, *, times: int) -> list[str]:
    """N-02: let a kind of failure meet a call, and give what was not as promised."""
    plain = called()
    plain.pleo.advance(1)
    with faulty(kind, name, times=times) as scene:
        error, result = None, None
        try:
            result = _make(scene, name)
        except EtlError as caught:
            error = caught
        if name in ("send-event", "report-items"):
            found = _written(scene, name, kind, error=error)
        else:
            found = _read(kind, times, error=error, result=result)
    return [f"{kind} x {times} at {name}: {one}" for one in found]


def _read(kind: str, times: int, *, error: EtlError | None, result: object) -> list[str]:
    is_well = error is None and bool(result)
    should = times < MOST_ATTEMPTS and kind not in WRONG
    if kind == "drip=9":
        # nine seconds between pieces of seven bytes: the whole takes longer than is waited for
        should = times < 3
    if is_well and not should:
        return ["ended well without a good answer"]
    if not is_well and should:
        return [f"gave up early: {error!r}"]
    if error is not None and error.exit_code != 3:
        return [f"ended as {error!r}"]
    return []


def _written(scene: Called, name: str, kind: str, *, error: EtlError | None) -> list[str]:
    found = []
    count = effects(scene, name)
    arrived = [one for one in scene.pleo.seen if one.call.operation == name]
    if error is None and count != 1:
        found.append(f"ended well, and took effect {count} times")
    if error is not None and not isinstance(error, OutcomeUnknown) and count:
        found.append(f"took effect and ended as {error!r}")
    if error is not None and error.exit_code != 3:
        found.append(f"ended as {error!r}")
    sent = sum(one.method != "GET" for one in scene.transport.sent)
    if kind not in CERTAIN and (sent > 1 or len(arrived) > 1):
        found.append(f"was sent {sent} times though the first may have had an effect")
    return found
