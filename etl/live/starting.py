"""Transition 4: the job of an approved batch is started in Pleo.

    GET job (pending, enough time), recipe usable ─> tx start_intended ─> POST started ─> tx started

The job is read before the intent, so that the intent holds Pleo's time of a moment at which
nobody had started it: a start from before is somebody else's, one from after it may be ours.

    stopped after the intent   GET job. pending: POST again · in progress since: ours · ended: void
    answer lost                the same, at once
    refused, none lost         somebody else was quicker: void, exit 4
"""

from __future__ import annotations

from datetime import datetime, timedelta

from etl.batches.ledger import Batch
from etl.batches.states import Kind
from etl.errors import HeldElsewhere, Problem, TryLater
from etl.live.desk import Desk
from etl.live.ending import lapse
from etl.live.hours import is_past_margin, minutes_left
from etl.live.jobs import refuse_foreign, running_jobs
from etl.live.outcomes import name_of
from etl.live.patience import TRIES, wait
from etl.pleo.failures import OutcomeUnknown, StatusChangeRefused
from etl.pleo.shapes import Job
from etl.sentences import counted

#: Pleo's times have whole seconds.
GRAIN = timedelta(seconds=1)


def start(desk: Desk, batch: Batch) -> Batch:
    """Start the job of a batch; gives it started, or voided because the job has ended.

    Raises: HeldElsewhere JOB-1 (started by somebody else; the batch is void), REL-4 (too late).
    """
    if batch.is_started:  # by an earlier revision of this batch
        return desk.ledger.append(batch, Kind.STARTED, {"read_back": True})
    job = desk.pleo.get_job(batch.job_id or "")
    if not job.is_pending:
        return _started_before(desk, batch, job)
    if batch.start_intended_at is None:
        _check_time(desk, batch, job)
        _check_recipe(desk, batch)
        batch = _intend(desk, batch, job)
        return _send(desk, batch, is_first=True)
    return _send(desk, batch, is_first=False)


def _intend(desk: Desk, batch: Batch, job: Job) -> Batch:
    updated = job.last_updated_at
    body = {
        "pleo_time": job.read_at.isoformat(),
        "job_updated_at": None if updated is None else updated.isoformat(),
    }
    return desk.ledger.append(batch, Kind.START_INTENDED, body)


def _check_time(desk: Desk, batch: Batch, job: Job) -> None:
    if batch.facts.get("refusal") or not is_past_margin(desk, job):
        return
    raise HeldElsewhere(
        Problem(
            "REL-4",
            f"too little time is left to release {name_of(batch)}: Pleo ends the export job in"
            f" {counted(minutes_left(desk, job), 'minute')}, and a release needs more than"
            f" {counted(int(desk.margin // 60), 'minute')}",
            f"job {batch.job_id}",
            "end the export in Pleo and export the items again; what was reviewed is remembered",
        )
    )


def _check_recipe(desk: Desk, batch: Batch) -> None:
    """Make sure, while nobody waits for it yet, that the stored recipe can be used.

    Raises: UserMustFix LINE-1, LINE-2.
    """
    if not batch.facts.get("refusal"):
        recipe = desk.stored(batch).recipe_folder(batch.revision)
        desk.line.supports_vendor_bookkeeping(recipe)


def _send(desk: Desk, batch: Batch, *, is_first: bool) -> Batch:
    """Send the event until Pleo has it; is_first: no earlier sending can have had an effect."""
    for attempt in range(TRIES):
        try:
            desk.pleo.send_event(batch.job_id or "", "started")
        except OutcomeUnknown:
            is_first = False
        except StatusChangeRefused:
            refused = desk.pleo.get_job(batch.job_id or "")
            if refused.is_pending:
                _check_alone(desk)
            elif is_first:
                return _not_ours(desk, batch, refused)
        else:
            return desk.ledger.append(batch, Kind.STARTED, {"read_back": False})
        job = desk.pleo.get_job(batch.job_id or "")
        if not job.is_pending:
            return _started_before(desk, batch, job)
        wait(desk, attempt)
    raise TryLater(
        Problem(
            "REL-5",
            f"Pleo does not say whether it has started the export job of {name_of(batch)}",
            f"job {batch.job_id}",
            "run `pleo-etl release` again in a minute; it looks first",
        )
    )


def _check_alone(desk: Desk) -> None:
    """Name the job that keeps ours from being started: one may be in progress per company.

    Raises: HeldElsewhere JOB-1; the batch goes on once that job has ended.
    """
    other = next((job for job in running_jobs(desk) if not job.is_pending), None)
    if other is not None:
        raise refuse_foreign(desk, other)


def _started_before(desk: Desk, batch: Batch, job: Job) -> Batch:
    """Go on with a job that is in progress if it can only be by us."""
    if not job.is_running:
        return _ended(desk, batch, job)
    if batch.facts.get("adopted") and batch.start_intended_at is None:
        batch = _intend(desk, batch, job)
    elif not _is_ours(batch, job):
        return _not_ours(desk, batch, job)
    return desk.ledger.append(batch, Kind.STARTED, {"read_back": True})


def _is_ours(batch: Batch, job: Job) -> bool:
    """Say whether the job was started after we had stored that we would."""
    if batch.facts.get("adopted"):
        return True
    if batch.start_intended_at is None:
        return False
    intended = datetime.fromisoformat(str(batch.facts["start_pleo_time"]))
    return job.started_at is None or job.started_at >= intended - GRAIN


def _ended(desk: Desk, batch: Batch, job: Job) -> Batch:
    """Void a batch whose job has ended; a state that nobody knows is not decided upon."""
    if not job.is_over:
        raise unknown_state(batch, job)
    return lapse(desk, batch, job)


def unknown_state(batch: Batch, job: Job) -> TryLater:
    """Say that a job is in a state that this version does not know, or not where it should be."""
    return TryLater(
        Problem(
            "REL-6",
            f'Pleo shows the export job of {name_of(batch)} as "{job.status}"',
            f"job {batch.job_id}",
            "run it again in a minute; nothing was decided",
        )
    )


def _not_ours(desk: Desk, batch: Batch, job: Job) -> Batch:
    """Give the batch up: its job belongs to whoever has started it, or is over."""
    if not job.is_running:
        return _ended(desk, batch, job)
    lapse(desk, batch, job)
    raise refuse_foreign(desk, job)
