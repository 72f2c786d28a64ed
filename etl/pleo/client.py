"""The client of Pleo's Export API: jobs, job items, export items, events, reports.

    client ──> paging (lists) ──> calls (attempts, waits, credential) ──> exchange (HTTP)
       └─────> reading (answers become shapes)         └─────> refusing (failures in words)

Reads may be repeated and are. Writes are sent again only when they certainly had no effect;
otherwise OutcomeUnknown says that the caller has to read back first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import httpx
import msgspec

from etl.clock import Clock
from etl.pleo import paging, reading, refusing
from etl.pleo.addresses import Address
from etl.pleo.calls import Asking
from etl.pleo.exchange import Question, Reply, Wire
from etl.pleo.failures import AnswerTooLarge, PleoRefused
from etl.pleo.reading import Page, Unreadable
from etl.pleo.shapes import Job, JobItem, Reported
from etl.pleo.throttle import Throttle
from etl.pleo.waits import Patience, Waiting

if TYPE_CHECKING:
    from etl.pleo.credentials import Credential

#: What is asked for; Pleo does not state its largest page and grants what it grants.
LARGEST_PAGE = 1000
#: What is asked for where Pleo refuses the size: last of all none.
SMALLER_PAGES: tuple[int | None, ...] = (100, None)
#: Statuses that may mean that the size is refused.
SIZE_REFUSED = frozenset({400, 413, 422})
#: Reports in one call. Source: Export API, update export job items.
MAX_REPORTS = 100

_ID = re.compile(reading.UUID)

ShapeT = TypeVar("ShapeT")


class PleoClient:
    """Speaks with one Pleo with one credential."""

    def __init__(
        self,
        address: Address,
        *,
        credential: Credential,
        clock: Clock,
        transport: httpx.BaseTransport | None = None,
        patience: Patience | None = None,
        largest_page: int = LARGEST_PAGE,
        chance: Random | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        patience = patience or Patience()
        self._address = address
        self._wire = Wire(address, clock=clock, patience=patience, transport=transport)
        self._asking = Asking(
            self._wire, credential=credential, clock=clock, patience=patience, chance=chance,
            throttle=throttle,
        )  # fmt: skip
        smaller = [limit for limit in SMALLER_PAGES if limit is None or limit < largest_page]
        self._limits: tuple[int | None, ...] = (largest_page, *smaller)

    def __enter__(self) -> PleoClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"PleoClient({self._address.base_url})"

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def time(self) -> datetime:
        """Give Pleo's time now: the Date of its last answer, and what has passed since."""
        return self._asking.time()

    def subject(self) -> str:
        """Give for whom the credential was made, as a URN: urn:pleo:company:ID."""
        question = Question("GET", "/v1/introspect", "description of the credential")
        reply = self._get(question, self._asking.waiting())
        return self._understood(lambda: reading.read_subject(reply.body), question)

    def list_jobs(self, company_id: str, *, statuses: Sequence[str] = ()) -> list[Job]:
        """Give the export jobs of a company, oldest first; with statuses only those.

        Raises: EtlError of failures.py; BadAnswer PLEO-8 for a job of another company.
        """
        query = [("company_id", company_id), *(("statuses", status) for status in statuses)]
        question = Question("GET", "/v3/export-jobs", "list of export jobs", query)

        def read(element: bytes) -> Job:
            return reading.read_job(element, at=self.time())

        jobs = self._list(question, read, id_of=lambda job: job.id)
        if any(job.company_id.casefold() != company_id.casefold() for job in jobs):
            raise refusing.foreign(question)
        if len({job.id.casefold() for job in jobs}) < len(jobs):
            raise refusing.disagreeing("a job stands twice on them", question)
        wanted = [job for job in jobs if not statuses or job.status in statuses]
        return sorted(wanted, key=lambda job: (job.created_at, job.id))

    def get_job(self, job_id: str) -> Job:
        """Give an export job as it is now."""
        question = Question("GET", _job_path(job_id), f"export job {job_id}")
        reply = self._get(question, self._asking.waiting())
        at = self.time()
        job = self._understood(lambda: reading.read_one_job(reply.body, at=at), question)
        if job.id.casefold() != job_id.casefold():
            raise refusing.unreadable("it is about another job", question)
        return job

    def list_items(self, job_id: str) -> list[JobItem]:
        """Give how far each entry of a job has come: the control layer, all pages.

        An entry is there as often as Pleo lists it.
        """
        question = Question(
            "GET", f"{_job_path(job_id)}/items", f"state of the items of export job {job_id}"
        )
        items = self._list(question, reading.read_item, id_of=lambda item: item.entry_id)
        if any(item.job_id.casefold() != job_id.casefold() for item in items):
            raise refusing.unreadable("it has items of another job", question)
        return items

    def export_items(self, job_id: str) -> list[bytes]:
        """Give the entries of a job in full: the data layer, all pages, each as often as listed.

        Each is the bytes of one item as they came, never written again.
        """
        query = [("job_id", _job_id(job_id))]
        question = Question(
            "GET", "/v3/export-items", f"content of the items of export job {job_id}", query
        )
        return self._list(question, bytes, id_of=reading.entry_id_of)

    def send_event(
        self,
        job_id: str,
        event: str,
        *,
        reason: str | None = None,
        failure_type: str | None = None,
    ) -> None:
        """Move a job by an event; reason and type belong to the event failed.

        Raises: OutcomeUnknown when only reading the job again tells whether it moved.
        """
        said = {"failureReason": reason, "failureReasonType": failure_type}
        document = {"event": event, "jobId": _job_id(job_id)}
        document |= {name: text for name, text in said.items() if text is not None}
        body = msgspec.json.encode(document)
        about = f'event "{event}" for export job {job_id}'
        question = Question("POST", "/v3/export-job-events", about, body=body)
        self._write(question, accepted=(202, 204))

    def report_items(self, job_id: str, reports: Sequence[bytes]) -> Reported:
        """Report outcomes of items, each given as the exact bytes of its JSON object.

        Raises: OutcomeUnknown when only reading the items again tells which were taken.
        """
        if not 1 <= len(reports) <= MAX_REPORTS:
            raise ValueError(f"a report has 1 to {MAX_REPORTS} items, not {len(reports)}")
        body = b"[" + b",".join(reports) + b"]"
        about = f"report of {len(reports)} items of export job {job_id}"
        question = Question("PUT", f"{_job_path(job_id)}/items", about, body=body)
        reply = self._write(question, accepted=(200,))
        try:
            reported = reading.read_reported(reply.body)
        except Unreadable:
            reported = None
        if (
            not reply.is_json
            or reported is None
            or any(item.job_id.casefold() != job_id.casefold() for item in reported.items)
        ):
            raise refusing.unknown(question)
        return reported

    def _write(self, question: Question, *, accepted: Sequence[int]) -> Reply:
        reply = self._asking.ask(question, self._asking.waiting())
        if reply.status in accepted:
            return reply
        if reply.status < 400:
            raise refusing.unknown(question)
        raise self._asking.refuse(reply, question)

    def _get(self, question: Question, waiting: Waiting) -> Reply:
        reply = self._asking.ask(question, waiting)
        if reply.status != 200:
            raise self._asking.refuse(reply, question)
        if not reply.is_json:
            raise refusing.unreadable(f"it is {reply.content_type[:60]} and not JSON", question)
        return reply

    def _list(
        self, question: Question, read: Callable[[bytes], ShapeT], *, id_of: Callable[[ShapeT], str]
    ) -> list[ShapeT]:
        """Read all pages of a list."""
        waiting = self._asking.waiting()
        walk = paging.Walk(question)
        found: list[ShapeT] = []
        after: str | None = None
        while True:
            reply = self._page(question, waiting, after=after)
            page, records = self._understood(partial(_records, reply, read), question)
            after = walk.take(page, [id_of(record) for record in records])
            found += records
            if after is None:
                return found

    def _page(self, question: Question, waiting: Waiting, *, after: str | None) -> Reply:
        """Read one page; where Pleo refuses its size, ask for less, now and from now on."""
        failure: AnswerTooLarge | PleoRefused | None = None
        for place, limit in enumerate(self._limits):
            query = paging.page_query(question.query, limit=limit, after=after)
            try:
                reply = self._get(replace(question, query=query), waiting)
            except (AnswerTooLarge, PleoRefused) as error:
                if isinstance(error, PleoRefused) and error.status not in SIZE_REFUSED:
                    raise
                failure = failure or error
                continue
            self._limits = self._limits[place:]
            return reply
        assert failure is not None
        raise failure

    @staticmethod
    def _understood(read: Callable[[], ShapeT], question: Question) -> ShapeT:
        """Read an answer, and say in words where it cannot be read."""
        try:
            return read()
        except Unreadable as error:
            why = str(error)
        raise refusing.unreadable(why, question)


def _records(reply: Reply, read: Callable[[bytes], ShapeT]) -> tuple[Page, list[ShapeT]]:
    page = reading.read_page(reply.body)
    return page, [read(element) for element in page.elements]


def _job_path(job_id: str) -> str:
    return f"/v3/export-jobs/{_job_id(job_id)}"


def _job_id(job_id: str) -> str:
    """Give the id of a job as it is.

    Raises: JobNotFound for what is no such id, before it is sent anywhere.
    """
    if not _ID.fullmatch(job_id):
        raise refusing.no_job_id(job_id)
    return job_id
