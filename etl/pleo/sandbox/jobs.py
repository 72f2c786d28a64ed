"""Export jobs: their states, what moves them, and how they expire.

              started                completed | completed_with_errors | failed
  [pending] ----------> [in_progress] ----------> [the state of that name]
      |                      |
      +----------------------+---- an hour without an update, or a user cancels ----> [failed]

Pleo does not state all of it (export-api.md, section 9). Taken here: an end from `pending` is
refused, a second `started` too; what is open when a job ends becomes `abandoned`; events and
updates of items count as an update of the job, reads do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from etl.pleo.sandbox.clocks import stamp

EXPIRES_IN = 3600  # seconds after the last update
RUNNING = frozenset({"pending", "in_progress"})
OPEN = frozenset({"pending", "in_progress"})
TRANSITIONS: Mapping[tuple[str, str], str] = {
    ("pending", "started"): "in_progress",
    ("in_progress", "completed"): "completed",
    ("in_progress", "completed_with_errors"): "completed_with_errors",
    ("in_progress", "failed"): "failed",
}


@dataclass(slots=True)
class JobItem:
    """The progress of one entry in one job."""

    entry_id: str
    job_id: str
    status: str = "pending"
    exported_at: str | None = None
    external_id: str | None = None
    external_url: str | None = None
    failure_reason: str | None = None
    failure_type: str | None = None

    def document(self) -> dict[str, Any]:
        """Give it as ExportJobItemV3."""
        return {
            "accountingEntryId": self.entry_id,
            "exportJobId": self.job_id,
            "status": self.status,
            "exportedAt": self.exported_at,
            "externalId": self.external_id,
            "externalUrl": self.external_url,
            "failureReason": self.failure_reason,
            "failureReasonType": self.failure_type,
        }


@dataclass(slots=True)
class Job:
    """An export job and the progress of its items."""

    id: str
    company_id: str
    created_at: datetime
    created_by: str | None
    is_interactive: bool
    is_vendor_based: bool
    items: dict[str, JobItem] = field(default_factory=dict)
    status: str = "pending"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    expired_at: datetime | None = None
    failure_reason: str | None = None
    failure_type: str | None = None
    updated_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.updated_at = self.created_at

    @property
    def is_running(self) -> bool:
        """Say whether the job can still be read and reported to."""
        return self.status in RUNNING

    def apply(self, event: str, *, at: datetime) -> bool:
        """Move the job by an event; False when the event is not allowed now."""
        status = TRANSITIONS.get((self.status, event))
        if status is None:
            return False
        self.updated_at = at
        if status == "in_progress":
            self.status, self.started_at = status, at
        else:
            self.completed_at = at
            self._end(status)
        return True

    def expire(self, *, at: datetime) -> None:
        """End the job if an hour has passed since its last update."""
        end = self.updated_at + timedelta(seconds=EXPIRES_IN)
        if self.is_running and at >= end:
            self.expired_at = end
            self.fail("job_expired", "The export job was not updated in time.")

    def cancel(self, *, at: datetime) -> None:
        """End the job as a user does in Pleo."""
        if self.is_running:
            self.updated_at = at
            self.fail("canceled_by_user", "The export was cancelled.")

    def fail(self, failure_type: str, reason: str) -> None:
        """End the job as failed, with its reason."""
        self.failure_type, self.failure_reason = failure_type, reason
        self._end("failed")

    def _end(self, status: str) -> None:
        self.status = status
        for item in self.items.values():
            if item.status in OPEN:
                item.status = "abandoned"

    def document(self) -> dict[str, Any]:
        """Give it as ExportJobV3, where the type of a failure is absent rather than null."""
        document = {
            "id": self.id,
            "companyId": self.company_id,
            "status": self.status,
            "createdAt": stamp(self.created_at),
            "createdBy": self.created_by,
            "startedAt": stamp(self.started_at),
            "completedAt": stamp(self.completed_at),
            "expiredAt": stamp(self.expired_at),
            "lastUpdatedAt": stamp(self.updated_at),
            "expiresIn": EXPIRES_IN,
            "isInteractive": self.is_interactive,
            "numberOfItems": len(self.items),
            "failureReason": self.failure_reason,
            "vendorBasedBookkeeping": self.is_vendor_based,
        }
        if self.failure_type:
            document["failureReasonType"] = self.failure_type
        return document
