"""Transition 5c: a started job of which nothing was published is ended as failed, with a reason.

tx refuse_intended ─> POST failed (reason, type) ─> tx voided (refused)

stopped after the intent, answer lost   GET job. in progress: POST again · ended: voided
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from etl.batches.ledger import Batch
from etl.batches.states import Kind
from etl.errors import Problem, TryLater
from etl.live.approving import MAX_REASON
from etl.live.desk import Desk
from etl.live.ending import void
from etl.live.outcomes import name_of
from etl.live.patience import TRIES, wait
from etl.pleo.failures import OutcomeUnknown, StatusChangeRefused

#: Of the types that a job's failure may have (export-rules 12b, C5).
NOT_AS_APPROVED = "validation_failure"


def refuse(
    desk: Desk, batch: Batch, *, reason: str, failure_type: str, problem: Problem | None = None
) -> Batch:
    """End a job as failed; gives the batch voided.

    Needs: reason and type, as Pleo shows them; problem, what the person here can mend.
    """
    body: dict[str, Any] = {"reason": reason[:MAX_REASON], "type": failure_type}
    if problem is not None:
        body["problem"] = asdict(problem)
    return carry_out(desk, desk.ledger.append(batch, Kind.REFUSE_INTENDED, body), is_first=True)


def carry_out(desk: Desk, batch: Batch, *, is_first: bool = False) -> Batch:
    """Do what an intent to refuse says, as often as it takes."""
    job_id = batch.job_id or ""
    if not is_first and desk.pleo.get_job(job_id).is_over:
        return _refused(desk, batch)
    for attempt in range(TRIES):
        try:
            desk.pleo.send_event(
                job_id, "failed",
                reason=str(batch.facts["refuse_reason"]),
                failure_type=str(batch.facts["refuse_type"]),
            )  # fmt: skip
        except (OutcomeUnknown, StatusChangeRefused):
            if desk.pleo.get_job(job_id).is_over:
                return _refused(desk, batch)
            wait(desk, attempt)
        else:
            return _refused(desk, batch)
    raise TryLater(
        Problem(
            "REL-7",
            f"Pleo does not say whether it has ended the export job of {name_of(batch)}",
            f"job {batch.job_id}",
            "run `pleo-etl release` again in a minute; it looks first",
        )
    )


def _refused(desk: Desk, batch: Batch) -> Batch:
    return void(desk, batch, why="refused", how=str(batch.facts["refuse_reason"]))
