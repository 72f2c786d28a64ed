"""Transitions 8 and 10: a batch ends without having been exported.

void        tx voided (claims and numbers given back)                   nothing was published
quarantine  tx quarantined ─> DO-NOT-IMPORT.txt into the released folder
                           └> tx settled (not imported), where no folder was ever put out

stopped in between   the next command writes the note, or settles; both may be done again

A job that Pleo does not know any more has ended: what is out is quarantined, all else is void.
"""

from __future__ import annotations

from etl.batches.ledger import Batch
from etl.batches.states import Kind, State
from etl.live.desk import Desk
from etl.live.folders import forbid_import
from etl.live.jobs import running_jobs
from etl.pleo.failures import JobNotFound
from etl.pleo.shapes import Job

#: Who settles a batch of which no file is out.
NOBODY = "pleo-etl"


def void(desk: Desk, batch: Batch, *, why: str, by: str | None = None, how: str = "") -> Batch:
    """Give up a batch of which nothing was published: discarded, lapsed, refused or replaced."""
    return desk.ledger.append(batch, Kind.VOIDED, {"why": why, "by": by, "how": how})


def lapse(desk: Desk, batch: Batch, job: Job) -> Batch:
    """Give up a batch whose job ended, or was started by somebody else, before it was released."""
    return void(desk, batch, why="lapsed", how=how_it_ended(job))


def how_it_ended(job: Job) -> str:
    """Say in a few words what Pleo shows of a job."""
    if not job.is_over:
        return f"Pleo shows the job as {job.status}"
    reason = f" ({job.failure_type})" if job.failure_type else ""
    return f"Pleo shows the job as {job.status}{reason}"


def vanish(desk: Desk, batch: Batch, missing: JobNotFound) -> Batch:
    """Give up a batch whose job Pleo does not know any more, wherever it stands.

    Raises: `missing`, while Pleo lists the job as running; AUTH-* where the credential does not
    open the company, which is why the job was not found.
    """
    if any(job.id.casefold() == (batch.job_id or "").casefold() for job in running_jobs(desk)):
        raise missing
    how = "Pleo does not know the export job any more"
    if batch.state in (State.PUBLISHED, State.REPORTED):
        return quarantine(desk, batch, how)
    return void(desk, batch, why="lapsed", how=how)


def quarantine(desk: Desk, batch: Batch, why: str) -> Batch:
    """Say of a released batch that its items are not exported in Pleo: do not import it."""
    return hold_back(desk, desk.ledger.append(batch, Kind.QUARANTINED, {"why": why}))


def hold_back(desk: Desk, batch: Batch) -> Batch:
    """Forbid the import of a quarantined batch; there is nothing to ask where no file is out."""
    if batch.renders_nothing:
        how = str(batch.facts.get("quarantined_why") or "")
        body = {"imported": False, "by": NOBODY, "how": how}
        return desk.ledger.append(batch, Kind.SETTLED, body)
    _mark(desk, batch)
    return batch


def _mark(desk: Desk, batch: Batch) -> None:
    """Put the note into the folder of a quarantined batch, unless it is there."""
    why = str(batch.facts.get("quarantined_why") or "Pleo ended the export job")
    option = desk.workspace.option(desk.name)
    forbid_import(desk.folders.released(batch), batch=batch, why=why, option=option)
