"""Transition 6: Pleo is told of each item, at most 100 in a call, and each is acknowledged alone.

for the verdicts not yet acknowledged:
    tx report_intended (100 entries) ─> PUT (the stored bytes) ─> tx acknowledged (those taken)

stopped in between, answer lost   GET all job items; send only those not final, same bytes
an error for an item              that item again, a few times
413                               fewer items in a call
422                               Pleo has ended the job: quarantine
an item is final otherwise        somebody else has decided on it: quarantine
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from etl.batches.ledger import Batch, Verdict
from etl.batches.states import Kind, State
from etl.errors import Problem, TryLater
from etl.live.desk import Desk
from etl.live.ending import how_it_ended, lapse, quarantine, void
from etl.live.outcomes import name_of
from etl.live.patience import TRIES, wait
from etl.pleo.failures import JobOver, OutcomeUnknown, PleoRefused
from etl.pleo.shapes import FAILED, SUCCESSFUL, ItemError, JobItem
from etl.sentences import counted

#: Elements in one call (export-rules R110), and where Pleo does not take so many (C3).
MAX_REPORTS, FEWER = 100, 10
TOO_LARGE = 413


def report(desk: Desk, batch: Batch) -> Batch:
    """Report every verdict; gives the batch reported, or quarantined.

    Raises: TryLater REL-11 when items are not taken; the next command goes on.
    """
    must_look = batch.report_intended_at is not None
    errors: Mapping[str, ItemError] = {}
    size = MAX_REPORTS
    for attempt in range(TRIES):
        if must_look:
            batch = _look(desk, batch)
            if batch.state in (State.QUARANTINED, State.VOIDED):
                return batch
        left = _left(desk, batch)
        if not left:
            return desk.ledger.append(batch, Kind.REPORTED, {})
        try:
            batch, errors, must_look = _send(desk, batch, left, size=size)
            must_look = must_look or attempt > 0  # refused twice: perhaps it is final already
        except PleoRefused as refused:
            if refused.status != TOO_LARGE or size == FEWER:
                raise
            batch = desk.ledger.find(desk.company_id, batch.id)
            size, must_look = FEWER, True
        except JobOver:
            return _job_ended(desk, desk.ledger.find(desk.company_id, batch.id))
        if not _left(desk, batch):
            return desk.ledger.append(batch, Kind.REPORTED, {})
        wait(desk, attempt)
    raise _not_taken(batch, _left(desk, batch), errors)


def _left(desk: Desk, batch: Batch) -> list[Verdict]:
    return [one for one in desk.ledger.verdicts(batch.id) if not one.acknowledged]


def _send(
    desk: Desk, batch: Batch, left: Sequence[Verdict], *, size: int
) -> tuple[Batch, Mapping[str, ItemError], bool]:
    """Send verdicts in calls of some size.

    Gives: the batch; the errors of items; whether Pleo must be looked at before the next try.
    """
    errors: dict[str, ItemError] = {}
    must_look = False
    for begin in range(0, len(left), size):
        part = {one.entry_id.casefold(): one for one in left[begin : begin + size]}
        entries = [one.entry_id for one in part.values()]
        batch = desk.ledger.append(batch, Kind.REPORT_INTENDED, {"entries": entries})
        try:
            answer = desk.pleo.report_items(batch.job_id or "", [one.body for one in part.values()])
        except OutcomeUnknown:
            return batch, errors, True
        strange = answer.strangers(entries)
        if strange:
            desk.remark(f"Pleo answered about items that were not reported: {', '.join(strange)}")
        refused = {one.entry_id.casefold(): one for one in answer.errors}
        taken = {
            key: one for item in answer.items
            if (key := item.entry_id.casefold()) in part and key not in refused
            and is_as_meant(item, one := part[key])
        }  # fmt: skip
        batch = _acknowledge(desk, batch, list(taken.values()))
        errors |= refused
        must_look = must_look or len(taken) + len(refused.keys() & part.keys()) < len(part)
    return batch, errors, must_look


def _acknowledge(desk: Desk, batch: Batch, verdicts: Sequence[Verdict]) -> Batch:
    if not verdicts:
        return batch
    entries = [one.entry_id for one in verdicts]
    return desk.ledger.append(batch, Kind.ACKNOWLEDGED, {"entries": entries})


def _look(desk: Desk, batch: Batch) -> Batch:
    """Read back all job items, and acknowledge those that are final as meant."""
    shown = {item.entry_id.casefold(): item for item in desk.pleo.list_items(batch.job_id or "")}
    left = _left(desk, batch)
    final = [
        (one, item) for one in left
        if (item := shown.get(one.entry_id.casefold())) is not None and not item.is_open
    ]  # fmt: skip
    other = [one.entry_id for one, item in final if not is_as_meant(item, one)]
    batch = _acknowledge(desk, batch, [one for one, item in final if is_as_meant(item, one)])
    if other:
        job = desk.pleo.get_job(batch.job_id or "")
        why = f"{how_it_ended(job)}, and {counted(len(other), 'item')} otherwise than meant"
        why += f" ({other[0]})"
        return _give_up(desk, batch, why)
    return batch


def is_as_meant(item: JobItem, verdict: Verdict) -> bool:
    """Say whether Pleo shows an item as the verdict says.

    A reason may be shortened by Pleo, so it is not compared; the external id is what leads from
    Pleo into the books.
    """
    if verdict.verdict == "exported":
        return item.status == SUCCESSFUL and (item.external_id or None) == (
            verdict.external_id or None
        )
    return item.status == FAILED


def _job_ended(desk: Desk, batch: Batch) -> Batch:
    job = desk.pleo.get_job(batch.job_id or "")
    if batch.state is State.STARTED and job.is_over:
        return lapse(desk, batch, job)
    return _give_up(desk, batch, how_it_ended(job))


def _give_up(desk: Desk, batch: Batch, why: str) -> Batch:
    """Quarantine what was published; what published nothing is void."""
    if batch.state is State.STARTED:
        return void(desk, batch, why="lapsed", how=why)
    return quarantine(desk, batch, why)


def _not_taken(batch: Batch, left: Sequence[Verdict], errors: Mapping[str, ItemError]) -> TryLater:
    first = left[0].entry_id
    error = errors.get(first.casefold())
    said = f": {error.type} ({error.message})" if error else ""
    items = counted(len(left), "item")
    return TryLater(
        Problem(
            "REL-11",
            f"Pleo has not taken the report of {items} of {name_of(batch)}{said}",
            f"job {batch.job_id}, item {first}",
            "run `pleo-etl release` again soon, and do not import the files before: they are out,"
            " but Pleo does not know it yet",
        )
    )
