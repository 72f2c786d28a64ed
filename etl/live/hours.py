"""How much is left of a job's hour, always by Pleo's clock.

A job lives some time after its last update (`expiresIn`); reads do not prolong it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from etl.live.desk import Desk
from etl.pleo.shapes import Job


@dataclass(frozen=True, slots=True)
class TooLate:
    """Why a batch whose files are not out cannot be released, and the one command that is left."""

    says: str
    command: str


def too_late(job: Job, *, at: datetime, margin: float) -> TooLate | None:
    """Say what to do where too little is left of a job, by Pleo's clock, to release its batch."""
    if job.seconds_left(at) > margin:
        return None
    what = (
        f"too little time is left to release it (more than {int(margin // 60)} minutes are needed)"
    )
    again = "export the items again; what was reviewed is remembered"
    if job.is_running:
        return TooLate(f"{what}: let it end, then {again}", "release")
    ends = "end the export in Pleo, or let it end by itself"
    return TooLate(f"{what}: {ends}, then {again}", "run")


def seconds_left(desk: Desk, job: Job) -> float:
    """Give the seconds that are left of a job now; negative when its time is over."""
    return job.seconds_left(desk.pleo.time())


def minutes_left(desk: Desk, job: Job) -> int:
    """Give the whole minutes that are left of a job now."""
    return max(0, int(seconds_left(desk, job) // 60))


def is_past_margin(desk: Desk, job: Job) -> bool:
    """Say whether too little is left of a job to begin what ends in released files."""
    return seconds_left(desk, job) <= desk.margin
