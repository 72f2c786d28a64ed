"""Look at the batches of a company: what waits, what it holds, what was before. No lock is taken.

The minutes left are asked of Pleo; without an answer everything else can be seen all the same.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from etl.batches.ledger import Batch
from etl.batches.ledger.failures import no_batch
from etl.batches.standing import relations
from etl.clock import Clock, SystemClock
from etl.comparing import Compared, compare_folders
from etl.errors import EtlError, UserMustFix
from etl.live import tracing
from etl.live.desk import folders_of
from etl.live.finding import find_files
from etl.live.history import last_look
from etl.live.situations import Hour, line_of, moments_of, nothing_waits, situation_of
from etl.live.viewing import (
    ReadingDesk,
    Viewed,
    folder_of,
    open_shelf,
    revisions,
    view_of,
)
from etl.pleo.addresses import address_of
from etl.pleo.client import PleoClient
from etl.pleo.credentials import find_credential
from etl.pleo.travel import Transport
from etl.pleo.waits import Patience
from etl.review.file_pages import FileBook
from etl.review.model import FileRows
from etl.review.situation import BatchLine, Moment, Situation
from etl.review.tracing import StoredReceipt, Trace
from etl.workspace import Workspace, in_force

#: Seconds for which what Pleo said of a job is taken to hold.
FRESH = 20.0
#: A look never waits long for Pleo: everything else can be seen without it.
HASTE = Patience(attempts=2, in_vain=10, connect=3, silence=5, answer=10)
_ENDED = "Pleo has ended the export"


@dataclass(frozen=True, slots=True)
class _Job:
    """What Pleo said of a job, and when (by the machine's running clock)."""

    hour: Hour
    at: float
    batch_id: str


@dataclass(frozen=True, slots=True)
class Changed:
    """What a revision has otherwise than the one that a person knows.

    by, does  who knows that one, and from what; empty where nobody is known to
    """

    before: int
    after: int
    by: str
    does: str
    compared: Compared


class Looking:
    """What is to be seen of one company's batches, as often as one likes."""

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        *,
        clock: Clock | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.workspace, self.name = workspace, name
        self.clock = clock or SystemClock()
        self._transport = transport
        self._asking = threading.Lock()
        self._job: _Job | None = None
        self._compared: tuple[tuple[str, int, int], Compared] | None = None

    @contextmanager
    def shelf(self) -> Iterator[ReadingDesk | None]:
        """Open what is stored, for reading; None where nothing was ever run."""
        with open_shelf(self.workspace, self.name, clock=self.clock) as shelf:
            yield shelf

    def state(self, batch: str | None = None) -> Situation:
        """Say how a batch stands (by default the one that waits), and what may be done now."""
        with self.shelf() as shelf:
            found = None if shelf is None else _found(shelf, batch)
            if shelf is None or found is None:
                return nothing_waits(self.name)
            hour = self._hour(found)
            return situation_of(shelf, found, name=self.name, hour=hour, needed=self.needed)

    def view(self, batch: str | None = None, *, revision: int | None = None) -> Viewed | None:
        """Give what is to be seen of a batch; None where nothing waits to be seen.

        Raises: UserMustFix LED-6, REL-1, LINE-1, LINE-2.
        """
        with self.shelf() as shelf:
            found = None if shelf is None else _found(shelf, batch)
            if shelf is None or found is None or not found.revision:
                return None
            if found.facts.get("refusal") and revision is None:
                return None
            return view_of(shelf, found, revision=revision)

    def history(self) -> list[BatchLine]:
        """Give all batches of the company, the newest first."""
        with self.shelf() as shelf:
            batches = [] if shelf is None else shelf.ledger.batches(shelf.company_id)
        related = relations(batches)
        return [line_of(batch, related.get(batch.id, "")) for batch in reversed(batches)]

    def moments(self, batch: str) -> list[Moment]:
        """Give what happened to a batch, oldest first."""
        with self.shelf() as shelf:
            if shelf is None:
                return []
            found = shelf.ledger.find(shelf.company_id, batch)
            return moments_of(shelf.ledger.events(shelf.company_id, found.id))

    def revisions(self, batch: str) -> list[int]:
        """Give the revisions of a batch that can be looked at, oldest first."""
        with self.shelf() as shelf:
            if shelf is None:
                return []
            found = shelf.ledger.find(shelf.company_id, batch)
            return [int(one.body["revision"]) for one in revisions(shelf, found)]

    def trace(
        self,
        seen: Viewed,
        item: str = "",
        *,
        file: str = "",
        row: int = 0,
        column: int | None = None,
    ) -> Trace | None:
        """Follow an item, or a line of a file, back to receipt; None for a line of no item.

        Raises: UserMustFix VER-1 to VER-3 where the folder is not as it was written, VER-5.
        """
        wanted = item or tracing.item_at(seen, file=file, row=row)
        if wanted is None:
            return None
        folders = folders_of(self.workspace, self.name)
        return tracing.trace(seen, folders, wanted, file=file, row=row, column=column)

    def places(self, seen: Viewed, items: Sequence[str]) -> dict[str, tuple[FileRows, ...]]:
        """Give the lines of files where the postings of some items stand."""
        return tracing.rows_of(seen.folder, items)

    def receipt(self, seen: Viewed, entry: str, number: int) -> StoredReceipt:
        """Give a receipt of an item of a batch, as it was fetched.

        Raises: UserMustFix LINE-2, VER-3.
        """
        folders = folders_of(self.workspace, self.name)
        return tracing.receipt_of(seen.batch, folders, entry=entry, number=number)

    def book(self, seen: Viewed, name: str) -> FileBook:
        """Give an output file taken apart, to turn its lines.

        Raises: UserMustFix VER-3.
        """
        return tracing.book_of(seen, name)

    def page_as_it_was(self, batch: str, revision: int) -> bytes:
        """Give review.html of a revision as it was written, for what cannot be made again.

        Raises: UserMustFix LED-6, VER-1, VER-2; VER-3 where it was changed or is not there.
        """
        with self.shelf() as shelf:
            if shelf is None:
                raise no_batch(batch)
            found = shelf.ledger.find(shelf.company_id, batch)
            return tracing.page_in(folder_of(shelf.folders, found, revision))

    def difference(self, batch: str, before: int, after: int) -> Compared:
        """Compare two revisions of a batch, cell by cell.

        Raises: UserMustFix LED-6, VER-1 to VER-3 where a revision is not as it was written.
        """
        with self.shelf() as shelf:
            if shelf is None:
                raise no_batch(batch)
            found = shelf.ledger.find(shelf.company_id, batch)
            folders = [folder_of(shelf.folders, found, number) for number in (before, after)]
        return compare_folders(*folders)

    def changed(self, batch: str, *, by: str = "") -> Changed | None:
        """Compare a batch with the revision of it that a person looked at or approved before.

        Gives: None where there is none, or where it has the same content.
        Raises: UserMustFix LED-6, VER-1 to VER-3 where that one is not as it was written.
        """
        with self.shelf() as shelf:
            if shelf is None:
                raise no_batch(batch)
            found = shelf.ledger.find(shelf.company_id, batch)
            look = last_look(shelf.ledger.events(shelf.company_id, found.id), by=by)
        if look is None:
            return None
        does = ("approved" if look.is_approved else "looked at") if look.by else ""
        key = (found.id, look.revision, found.revision)
        if self._compared is None or self._compared[0] != key:
            self._compared = key, self.difference(found.id, look.revision, found.revision)
        return Changed(look.revision, found.revision, look.by, does, self._compared[1])

    def compared(self, before: str, after: str) -> Compared:
        """Compare two batches as they are now, cell by cell.

        Raises: UserMustFix LED-6, REVIEW-2 where one has no files, VER-1 to VER-3.
        """
        with self.shelf() as shelf:
            if shelf is None:
                raise no_batch(before)
            found = [shelf.ledger.find(shelf.company_id, one) for one in (before, after)]
            folders = [find_files(shelf.folders, batch) for batch in found]
        return compare_folders(*folders)

    @property
    def needed(self) -> int:
        """Give how many persons must approve, as the settings want it now."""
        try:
            now = in_force(self.workspace, self.name)
        except UserMustFix:  # they cannot be read: an act says so, a look goes on
            now = self.workspace
        return now.companies[self.name].approvals

    def _hour(self, batch: Batch) -> Hour:
        """Ask Pleo how long its hour still is; what it said holds for some seconds."""
        if batch.job_id is None or not batch.is_unsettled:
            return Hour()
        with self._asking:
            known, now = self._job, self.clock.elapsed()
            if known is None or known.batch_id != batch.id or now - known.at >= FRESH:
                known = self._job = _Job(self._ask(batch.job_id), now, batch.id)
        left = known.hour.seconds
        if left is None:
            return known.hour
        left -= self.clock.elapsed() - known.at
        return Hour(seconds=left) if left > 0 else Hour(is_over=True, words=_ENDED)

    def _ask(self, job_id: str) -> Hour:
        try:
            address = address_of(self.workspace.settings.pleo)
            credential = find_credential(
                self.workspace, self.name, address=address, clock=self.clock
            )
            with PleoClient(
                address, credential=credential, clock=self.clock, transport=self._transport,
                patience=HASTE,
            ) as pleo:  # fmt: skip
                job = pleo.get_job(job_id)
                left = job.seconds_left(pleo.time())
        except EtlError as error:
            return Hour(words=f"the minutes left are not known: {error.problems[0].what}")
        if job.is_over or left <= 0:
            return Hour(is_over=True, words=_ENDED)
        return Hour(seconds=left)


def _found(shelf: ReadingDesk, batch: str | None) -> Batch | None:
    if batch is None:
        return shelf.ledger.unsettled(shelf.company_id)
    return shelf.ledger.find(shelf.company_id, batch)
