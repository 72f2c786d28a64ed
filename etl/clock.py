"""The only place that reads the time, and the only place that waits."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time and waits. Tests hand in one that they move themselves."""

    def now(self) -> datetime:
        """Give the time, in UTC; it may jump when somebody sets the machine's clock."""
        ...

    def elapsed(self) -> float:
        """Give seconds since some moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Give the time, in UTC."""
        return now()

    def elapsed(self) -> float:
        """Give seconds since some moment; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def now() -> datetime:
    """Give the time, in UTC."""
    return datetime.now(UTC)
