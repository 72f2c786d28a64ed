"""The sandbox's own clock: it stands still and is moved, or it runs from a given moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from etl.clock import now

#: Where a clock that stands still begins: after the last item of the sample data.
START = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)


class SandboxClock:
    """Tell the time of the sandbox; only `advance` moves it, unless it runs."""

    def __init__(self, start: datetime = START, *, is_running: bool = False) -> None:
        self._start = start
        self._moved = timedelta()
        self._since = now() if is_running else None

    def read(self) -> datetime:
        """Give the time, in UTC."""
        passed = now() - self._since if self._since else timedelta()
        return self._start + self._moved + passed

    def advance(self, seconds: float) -> datetime:
        """Move the clock, backwards too, and give the new time."""
        self._moved += timedelta(seconds=seconds)
        return self.read()


def stamp(moment: datetime | None) -> str | None:
    """Write a moment as Pleo does: UTC, whole seconds, Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def http_date(moment: datetime) -> str:
    """Write a moment for the header Date."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)
