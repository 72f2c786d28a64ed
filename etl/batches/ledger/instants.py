"""Times as the ledger stores them: UTC, to the microsecond, with Z."""

from __future__ import annotations

from datetime import UTC, datetime


def write_instant(at: datetime) -> str:
    """Give a time as text that sorts as it follows."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_instant(text: str) -> datetime:
    """Read a time that `write_instant` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
