"""Read from Pleo: which jobs there are, and all of one job before anything is made of it.

    jobs ─> the job ─> control layer, all pages ─> data layer, all pages ─> do they agree?

Only GET. What is wrong with a job as a whole is a refusal: nothing of it is ever rendered, and
Pleo is told so when the batch is released (transition 5c).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from etl.batches.ledger import Batch
from etl.batches.states import State
from etl.errors import HeldElsewhere, Problem, TryLater
from etl.live.desk import Desk
from etl.live.hours import minutes_left
from etl.live.stored import strip_links
from etl.pleo.failures import JobNotFound, MissingContraAccounts
from etl.pleo.links import FileLink
from etl.pleo.shapes import Job, JobItem
from etl.sentences import counted, some_of

RUNNING = ("pending", "in_progress")
EXPORTED = ("completed", "completed_with_errors")
#: How many items a message names before it only counts them.
NAMED = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a job is refused as a whole: for Pleo (reason, type), and for the person (problem)."""

    problem: Problem
    failure_type: str

    @property
    def reason(self) -> str:
        """Give the sentence that Pleo shows to the company."""
        return f"{self.problem.what} – {self.problem.fix}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A job as Pleo lists it: items as they were sent but for their links.

    entries  ids as the items spell them, in Pleo's order
    skipped  the entries that had a verdict before: they are not ours
    """

    job: Job
    entries: tuple[str, ...] = ()
    skipped: frozenset[str] = frozenset()
    items: tuple[bytes, ...] = ()
    links: tuple[FileLink, ...] = ()
    shown: tuple[JobItem, ...] = ()
    refusal: Refusal | None = None


class _Head(msgspec.Struct, rename="camel"):
    """What tells an item from others, and whose it is; everything else is read by the line."""

    accounting_entry_id: str | None = None
    company_id: str | None = None


def running_jobs(desk: Desk) -> list[Job]:
    """Give the company's jobs that have not ended, oldest first."""
    return desk.pleo.list_jobs(desk.company_id, statuses=RUNNING)


def jobs_and_ended(desk: Desk) -> tuple[list[Job], list[Job]]:
    """Give the jobs that have not ended, and those that ended well before the ledger released any.

    The ended ones are asked for in the same request, as long as the ledger has released nothing.
    """
    if any(batch.state is State.CLOSED for batch in desk.ledger.batches(desk.company_id)):
        return running_jobs(desk), []
    jobs = desk.pleo.list_jobs(desk.company_id, statuses=(*RUNNING, *EXPORTED))
    running = [job for job in jobs if job.status in RUNNING]
    return running, [job for job in jobs if job.status in EXPORTED]


def unknown_exports(ended: Sequence[Job]) -> str:
    """Say that Pleo knows ended exports and the ledger none.

    They may be of the ERP that was used before, or of a ledger that is lost and would know what is
    in the books. Nothing on this machine can tell, so that the person is told.
    """
    last = max(job.completed_at or job.created_at for job in ended)
    return (
        f"Pleo has {counted(len(ended), 'ended export')} of this company, the last of"
        f" {last.strftime('%Y-%m-%d')}, and this ledger has released none. Were they released"
        " with pleo-etl, on another computer or before a ledger was lost? Then bring that"
        " workspace here, or say `pleo-etl ledger rebuild` beside its outbox, before you release:"
        " without it nothing tells that an item is in the books already"
    )


def is_waited_for(desk: Desk, batch: Batch) -> bool:
    """Say whether a staged batch can still be released: Pleo's job waits for it, or it has none."""
    if batch.job_id is None:
        return True
    try:
        job = desk.pleo.get_job(batch.job_id)
    except JobNotFound:
        return False
    return job.is_pending or (job.is_running and bool(batch.facts.get("adopted")))


def refuse_foreign(desk: Desk, job: Job) -> HeldElsewhere:
    """Say that somebody else has started a job: another integration, or another machine."""
    started = job.started_at.strftime("%Y-%m-%d %H:%M UTC") if job.started_at else "before"
    left = minutes_left(desk, job)
    return HeldElsewhere(
        Problem(
            "JOB-1",
            f"export job {job.id} is in progress and was not started here: started {started},"
            f" {counted(left, 'minute')} left",
            f"company {desk.name}",
            "wait until it has ended; if nobody works on it any more, take it over with"
            f" `pleo-etl adopt {job.id}`",
        )
    )


def fetch_job(desk: Desk, job: Job) -> Fetched:
    """Read all of a job.

    Raises: TryLater JOB-4 when the layers do not agree; JobOver when it has ended meanwhile.
    """
    shown = tuple(desk.pleo.list_items(job.id))
    try:
        raw = desk.pleo.export_items(job.id)
    except MissingContraAccounts:
        return Fetched(job, shown=shown, refusal=_no_contra_accounts(desk))
    heads = [_head(item) for item in raw]
    refusal = _strangers(desk, heads) or _doubles(desk, heads, shown)
    if refusal is not None:
        return Fetched(job, shown=shown, refusal=refusal)
    entries = tuple(head.accounting_entry_id or "" for head in heads)
    _check_layers(desk, job, entries=entries, shown=shown)
    final = {item.entry_id.casefold() for item in shown if not item.is_open}
    stripped = [strip_links(item) for item in raw]
    return Fetched(
        job,
        entries,
        frozenset(entry for entry in entries if entry.casefold() in final),
        tuple(one.item for one in stripped),
        tuple(link for one in stripped for link in one.links),
        shown,
    )


def _head(item: bytes) -> _Head:
    try:
        return msgspec.json.decode(item, type=_Head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Head()


def _check_layers(
    desk: Desk, job: Job, *, entries: Sequence[str], shown: Sequence[JobItem]
) -> None:
    """Stop where the job, its job items and its export items are not about the same entries."""
    told = {entry.casefold() for entry in entries}
    listed = {item.entry_id.casefold() for item in shown}
    if told == listed and len(listed) == job.number_of_items:
        return
    what = (
        f"export job {job.id} has {job.number_of_items} items, but Pleo lists {len(shown)} of them"
        f" and gives the content of {len(entries)}"
    )
    missing = sorted(told ^ listed)
    where = f"company {desk.name}" + (f", items {some_of(missing, NAMED)}" if missing else "")
    fix = "run it again; if it stays so, end the export in Pleo and export again"
    raise TryLater(Problem("JOB-4", what, where, fix))


def _strangers(desk: Desk, heads: Sequence[_Head]) -> Refusal | None:
    own = desk.company_id.casefold()
    strange = [
        head for head in heads
        if head.company_id is not None and head.company_id.casefold() != own
    ]  # fmt: skip
    if not strange:
        return None
    items = some_of([head.accounting_entry_id or "without id" for head in strange], NAMED)
    return Refusal(
        Problem(
            "JOB-7",
            f"the job has items of another company: {items}",
            f"company {desk.name}",
            "tell Pleo's support; check that the company's id in pleo-etl.yaml is right",
        ),
        "invalid_configuration",
    )


def _doubles(desk: Desk, heads: Sequence[_Head], shown: Sequence[JobItem]) -> Refusal | None:
    told = Counter(head.accounting_entry_id.casefold() for head in heads
                   if head.accounting_entry_id)  # fmt: skip
    listed = Counter(item.entry_id.casefold() for item in shown)
    twice = sorted({entry for found in (told, listed) for entry, n in found.items() if n > 1})
    if not twice:
        return None
    return Refusal(
        Problem(
            "JOB-8",
            f"an item stands twice in the job: {some_of(twice, NAMED)}",
            f"company {desk.name}",
            "export the items again in Pleo; if it happens again, tell Pleo's support",
        ),
        "validation_failure",
    )


def _no_contra_accounts(desk: Desk) -> Refusal:
    return Refusal(
        Problem(
            "JOB-6",
            "contra accounts are missing in Pleo, so that Pleo does not give out the items",
            f"company {desk.name}",
            "in Pleo open Settings, Accounting, and choose a contra account for every wallet"
            " currency; then export again",
        ),
        "missing_configuration",
    )


def no_vendor_bookkeeping(desk: Desk) -> Refusal:
    """Refuse a job with vendor bookkeeping for a template that has no invoices of vendors."""
    return Refusal(
        Problem(
            "JOB-5",
            f"the job asks for vendor bookkeeping, and the template {desk.company.template} cannot"
            " hold invoices of vendors",
            f"company {desk.name}",
            "choose a template that supports accounts_payable, or turn vendor bookkeeping off"
            " in Pleo; then export again",
        ),
        "invalid_configuration",
    )
