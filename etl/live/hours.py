"""How much is left of a job's hour, always by Pleo's clock.

A job lives some time after its last update (`expiresIn`); reads do not prolong it.
"""

from __future__ import annotations

from etl.live.desk import Desk
from etl.pleo.shapes import Job


def seconds_left(desk: Desk, job: Job) -> float:
    """Give the seconds that are left of a job now; negative when its time is over."""
    return job.seconds_left(desk.pleo.time())


def minutes_left(desk: Desk, job: Job) -> int:
    """Give the whole minutes that are left of a job now."""
    return max(0, int(seconds_left(desk, job) // 60))


def is_past_margin(desk: Desk, job: Job) -> bool:
    """Say whether too little is left of a job to begin what ends in released files."""
    return seconds_left(desk, job) <= desk.margin
