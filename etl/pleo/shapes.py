"""What Pleo says of export jobs and their items, as the rest of the program knows it.

The data layer (export items) has no shape here: its bytes are handed on as they came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

PENDING = "pending"
IN_PROGRESS = "in_progress"
SUCCESSFUL = "successful"
FAILED = "failed"
#: The states in which a job can no longer be read or reported to. Pleo's lists are open: a state
#: that stands in none of these sets is neither pending nor running nor over.
OVER = frozenset({"failed", "completed", "completed_with_errors"})
OPEN = frozenset({PENDING, IN_PROGRESS})


@dataclass(frozen=True, slots=True)
class Job:
    """An export job, and the moment by Pleo's own clock at which this was true."""

    id: str
    company_id: str
    status: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    expired_at: datetime | None
    last_updated_at: datetime | None
    expires_in: int
    is_interactive: bool
    number_of_items: int
    failure_reason: str | None
    failure_type: str | None
    is_vendor_based: bool
    read_at: datetime

    @property
    def ends_at(self) -> datetime:
        """Give the moment at which the job expires unless it is updated before."""
        return (self.last_updated_at or self.created_at) + timedelta(seconds=self.expires_in)

    @property
    def is_pending(self) -> bool:
        """Say whether nobody has started the job yet."""
        return self.status == PENDING

    @property
    def is_running(self) -> bool:
        """Say whether the job was started and has not ended."""
        return self.status == IN_PROGRESS

    @property
    def is_over(self) -> bool:
        """Say whether the job has ended, well or not."""
        return self.status in OVER

    def seconds_left(self, at: datetime) -> float:
        """Give the seconds from a moment until the job expires; negative after it."""
        return (self.ends_at - at).total_seconds()


@dataclass(frozen=True, slots=True)
class JobItem:
    """How far one entry of one job has come, as Pleo has it."""

    entry_id: str
    job_id: str
    status: str
    external_id: str | None = None
    external_url: str | None = None
    failure_reason: str | None = None
    failure_type: str | None = None
    exported_at: str | None = None

    @property
    def is_open(self) -> bool:
        """Say whether the item has no verdict yet."""
        return self.status in OPEN


@dataclass(frozen=True, slots=True)
class ItemError:
    """Why Pleo did not take the report of one item."""

    entry_id: str
    type: str
    message: str


@dataclass(frozen=True, slots=True)
class Reported:
    """What Pleo answered to a report: the items as it has them now, and what it did not take."""

    items: tuple[JobItem, ...]
    errors: tuple[ItemError, ...]

    def strangers(self, entry_ids: Iterable[str]) -> tuple[str, ...]:
        """Give the ids that Pleo answered about though they were not in the report."""
        asked = {entry.casefold() for entry in entry_ids}
        answered = [item.entry_id for item in self.items]
        answered += [error.entry_id for error in self.errors]
        return tuple(dict.fromkeys(one for one in answered if one.casefold() not in asked))
