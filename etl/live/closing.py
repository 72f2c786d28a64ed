"""Transition 7: the job is ended with the one event that fits, and read back.

tx final_intended ─> POST event ─> GET job, GET job items ─> compare ─> tx closed
                                                         └─> otherwise: quarantine (8)

all successful  completed        mixed  completed_with_errors        none  failed, with a type

stopped after the intent, answer lost   GET job. ended as meant: closed · in progress: POST
                                        again · ended otherwise: quarantine
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from etl.batches.ledger import Batch
from etl.batches.states import Kind
from etl.errors import Problem, TryLater
from etl.live.desk import Desk
from etl.live.ending import how_it_ended, quarantine
from etl.live.history import story_of
from etl.live.outcomes import name_of
from etl.live.patience import TRIES, wait
from etl.live.reporting import is_as_meant
from etl.live.starting import unknown_state
from etl.pleo.failures import JobOver, OutcomeUnknown, StatusChangeRefused
from etl.pleo.shapes import SUCCESSFUL, Job
from etl.sentences import counted

COMPLETED, MIXED, NONE = "completed", "completed_with_errors", "failed"


@dataclass(frozen=True, slots=True)
class Final:
    """The event that ends a job; only `failed` has a reason and a type (export-rules C5)."""

    event: str
    reason: str | None = None
    failure_type: str | None = None


def choose_event(*, successful: int, failed: int) -> Final:
    """Give the event for what Pleo shows of a job's items. An empty job is completed."""
    if not failed:
        return Final(COMPLETED)
    if successful:
        return Final(MIXED)
    reason = "None of the items could be exported; each says why"
    return Final(NONE, reason, "validation_failure")


def close(desk: Desk, batch: Batch) -> Batch:
    """End the job of a reported batch; gives the batch closed, or quarantined."""
    if batch.final_intended_at is None:
        return _send(desk, _intend(desk, batch))
    job = desk.pleo.get_job(batch.job_id or "")
    return _compare(desk, batch, job) if job.is_over else _send(desk, batch)


def _intend(desk: Desk, batch: Batch) -> Batch:
    final = _final(desk, batch)
    body = {"event": final.event, "reason": final.reason, "type": final.failure_type}
    return desk.ledger.append(batch, Kind.FINAL_INTENDED, body)


def _final(desk: Desk, batch: Batch) -> Final:
    """Count what Pleo shows: every verdict was acknowledged; what was final before is looked up."""
    verdicts = desk.ledger.verdicts(batch.id)
    successful = sum(one.verdict == "exported" for one in verdicts)
    failed = len(verdicts) - successful
    if story_of(desk, batch).skipped:
        own = {one.entry_id.casefold() for one in verdicts}
        others = [
            item for item in desk.pleo.list_items(batch.job_id or "")
            if item.entry_id.casefold() not in own
        ]  # fmt: skip
        before = sum(item.status == SUCCESSFUL for item in others)
        successful, failed = successful + before, failed + len(others) - before
    return choose_event(successful=successful, failed=failed)


def _send(desk: Desk, batch: Batch) -> Batch:
    for attempt in range(TRIES):
        with suppress(OutcomeUnknown, StatusChangeRefused, JobOver):  # the job shows it
            desk.pleo.send_event(
                batch.job_id or "",
                str(batch.facts["final_event"]),
                reason=batch.facts.get("final_reason"),
                failure_type=batch.facts.get("final_type"),
            )
        job = desk.pleo.get_job(batch.job_id or "")
        if job.is_over:
            return _compare(desk, batch, job)
        if not job.is_running:
            raise unknown_state(batch, job)
        wait(desk, attempt)
    raise TryLater(
        Problem(
            "REL-12",
            f"Pleo has not ended the export job of {name_of(batch)}",
            f"job {batch.job_id}",
            "run `pleo-etl release` again soon, and do not import the files before: all is"
            " reported, and only the end is missing",
        )
    )


def _compare(desk: Desk, batch: Batch, job: Job) -> Batch:
    """Hold what Pleo shows in the end against what was meant."""
    meant = str(batch.facts["final_event"])
    shown = {item.entry_id.casefold(): item for item in desk.pleo.list_items(job.id)}
    other = [
        one.entry_id
        for one in desk.ledger.verdicts(batch.id)
        if (item := shown.get(one.entry_id.casefold())) is None or not is_as_meant(item, one)
    ]
    if job.status == meant and not other:
        return desk.ledger.append(batch, Kind.CLOSED, {"event": meant})
    why = how_it_ended(job)
    if other:
        why += f", and {counted(len(other), 'item')} otherwise than meant ({other[0]})"
    return quarantine(desk, batch, why)
