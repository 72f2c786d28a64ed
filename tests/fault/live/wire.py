"""What goes over the wire, watched from outside: rules that hold for every single request.

N-03    a write whose answer was lost is read back before anything is written to the job again
P4      verdicts never change: what is sent of an item is the same bytes every time
INV3    a verdict is sent only when its file is out, a final event only when every item is final
P1      nobody writes to a job that another integration, or another machine, works on
P3      a file is out only after its job was read once more while it was ours, and says the same
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from etl.pleo.sandbox import Pleo
from tests.fault.live import invariants

WELL = frozenset({"completed", "completed_with_errors"})


@dataclass
class Wire:
    """Watches all requests of a world; it outlives the processes."""

    pleo: Pleo
    released: Callable[[], Sequence[invariants.Released]]
    violations: list[str] = field(default_factory=list)
    writes: int = 0
    #: A ledger was lost: when an item was exported is told anew.
    is_forgetful: bool = False
    #: Jobs that another integration has started.
    foreign: set[str] = field(default_factory=set)
    #: job -> the machine that has told Pleo of it first
    _worker: dict[str, str] = field(default_factory=dict)
    _unknown: dict[tuple[str, str], bool] = field(default_factory=dict)
    _said: dict[tuple[str, str, bool], bytes] = field(default_factory=dict)
    #: job -> entry -> amount, as Pleo last showed it while the job was in progress
    _shown: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    def watch(self, inner: httpx.BaseTransport, machine: str = "") -> httpx.BaseTransport:
        return _Watched(self, inner, machine)

    def before(self, request: httpx.Request, machine: str) -> None:
        """Hold a request against the rules before it leaves."""
        job, kind = _job_and_kind(request)
        if request.method == "GET":
            for key in list(self._unknown):
                if key[0] == job and (kind in ("job", key[1]) or key[1] == "event"):
                    self._unknown.pop(key)
            if kind == "entries":
                self._remember(job)
            if kind == "jobs":
                self._unknown = {k: v for k, v in self._unknown.items() if k[1] != "event"}
            return
        self.writes += 1
        is_start = kind == "event" and json.loads(request.content)["event"] == "started"
        if job in self.foreign and not is_start:  # Pleo refuses a second start
            self.violations.append(f"P1 {kind} of job {job}, which somebody else has started")
        if self._unknown.get((job, kind)):
            self.violations.append(f"N-03 {kind} of job {job} was sent again without a look")
        if not is_start and self._worker.setdefault(job, machine) != machine:
            self.violations.append(f"P1 {kind} of job {job}, on which another machine works")
        if kind == "items":
            self._check_verdicts(job, json.loads(request.content), request.content)
        else:
            self._check_event(job, json.loads(request.content)["event"])

    def after(self, request: httpx.Request, *, is_known: bool) -> None:
        """Remember whether the outcome of a write is known."""
        if request.method != "GET":
            self._unknown[_job_and_kind(request)] = not is_known

    def _check_verdicts(self, job: str, reports: list[dict[str, Any]], body: bytes) -> None:
        for report in reports:
            entry = report["accountingEntryId"]
            told = {k: v for k, v in report.items() if k != "exportedAt" or not self.is_forgetful}
            raw = json.dumps(told, sort_keys=True).encode()
            known = self._said.setdefault((job, entry, self.is_forgetful), raw)
            if known != raw:
                self.violations.append(f"P4 {entry} was told as {known!r} and as {raw!r}")
            if report["status"] == "successful":
                self._check_file(job, entry, report["externalId"])
        if len(reports) > 100:
            self.violations.append(f"R110 {len(reports)} reports in one request")

    def _remember(self, job_id: str) -> None:
        job = self.pleo.jobs.get(job_id)
        if job is not None and job.status == "in_progress":
            entries = self.pleo.companies[job.company_id].entries
            self._shown[job_id] = {entry: _amount(entries[entry]) for entry in job.items}

    def _check_file(self, job: str, entry: str, external_id: str) -> None:
        if external_id == invariants.ELSEWHERE:
            return  # a ledger that was made again has it from Pleo, and a person says it is booked
        for batch in self.released():
            item = batch.items.get(entry)
            if item is None or item.get("external_id") != external_id:
                continue
            if batch.job_id == job and entry in batch.entries:
                self._check_amount(job, entry, batch)
            return
        self.violations.append(f"INV3 {entry} is reported, and no file holds it")

    def _check_amount(self, job: str, entry: str, batch: invariants.Released) -> None:
        rows = [row.amount for row in batch.rows if row.entry == entry]
        printed = sum((amount for amount in rows if amount > 0), Decimal(0))
        shown = self._shown.get(job, {}).get(entry)
        if shown != printed:
            self.violations.append(f"P3 {entry}: {printed} is out, Pleo showed {shown} at the end")

    def _check_event(self, job: str, event: str) -> None:
        known = self.pleo.jobs.get(job)
        if event in WELL and known is not None:
            items = known.items.values()
            is_running = known.is_running
            open_items = [item.entry_id for item in items if item.status not in invariants.FINAL]
            if open_items and is_running:
                self.violations.append(f"INV3 {event} is sent, and {open_items} are open")


class _Watched(httpx.BaseTransport):
    def __init__(self, wire: Wire, inner: httpx.BaseTransport, machine: str) -> None:
        self._wire, self._inner, self._machine = wire, inner, machine

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self._wire.before(request, self._machine)
        is_known = False
        try:
            answer = self._inner.handle_request(request)
            is_known = answer.status_code < 500
            return answer
        except httpx.ConnectError:
            is_known = True
            raise
        finally:
            self._wire.after(request, is_known=is_known)


def _amount(entry: Mapping[str, Any]) -> Decimal:
    """Give what an entry books: the sum of its lines."""
    lines = entry["accountingEntryLines"]
    return sum((Decimal(line["lineAmount"]["inWalletCurrency"]["value"]).scaleb(-2)
                for line in lines), Decimal(0))  # fmt: skip


def _job_and_kind(request: httpx.Request) -> tuple[str, str]:
    """Give the job that a request is about, and what of it."""
    parts = request.url.path.strip("/").split("/")
    if parts[1:] == ["export-job-events"]:
        return json.loads(request.content)["jobId"], "event"
    if parts[1:] == ["export-items"]:
        return request.url.params.get("job_id", ""), "entries"
    if len(parts) >= 4:
        return parts[2], "items"
    if len(parts) == 3:
        return parts[2], "job"
    return "", "jobs"
