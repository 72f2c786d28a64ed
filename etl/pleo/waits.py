"""How often and how long a call to Pleo is tried: attempts, back-off, Retry-After, time-outs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random

_SECONDS = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Patience:
    """The limits of one call; seconds, unless it says otherwise."""

    #: How often one request is sent at most.
    attempts: int = 6
    #: How long a call may take for waits and for attempts that failed, all together.
    in_vain: float = 300
    #: The first back-off; each further one is twice as long.
    first_wait: float = 1
    #: The longest back-off. A Retry-After may ask for more.
    longest_wait: float = 60
    connect: float = 10
    #: Between two pieces of an answer, and of a request.
    silence: float = 30
    #: For a whole answer, however small its pieces.
    answer: float = 120


class Waiting:
    """The waits of one call: how many seconds are left, and how long the next one is."""

    def __init__(self, patience: Patience, chance: Random) -> None:
        self._patience = patience
        self._chance = chance
        self._left = patience.in_vain

    def spend(self, seconds: float) -> None:
        """Count the time of an attempt that failed."""
        self._left -= seconds

    def next(self, attempt: int, *, asked: float | None) -> float | None:
        """Give the seconds to wait after the attempt of this number, counted from 1.

        None: no further attempt is allowed, or Pleo asks for more time than is left. Never less
        than Pleo asks for.
        """
        if attempt >= self._patience.attempts:
            return None
        # the shift is bounded, so that no setting of attempts makes a number of any size
        grown = self._patience.first_wait * (1 << min(attempt - 1, 30))
        wait = min(self._patience.longest_wait, grown) * (0.5 + self._chance.random() / 2)
        if asked is not None:
            # a little more than asked, so that many who wait do not come back in one instant
            wait = asked + self._chance.random() * self._patience.first_wait
        if wait > self._left:
            return None
        self._left -= wait
        return wait


def asked_wait(header: str | None, *, at: datetime) -> float | None:
    """Give the seconds that Retry-After asks for; None where it says nothing usable.

    Needs: the moment of the answer by Pleo's clock, which a date is compared with. A date in the
    past, a negative or an unreadable value ask for nothing: the ordinary back-off stands.
    """
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text) or None
    moment = read_date(text)
    if moment is None:
        return None
    seconds = (moment - at).total_seconds()
    return seconds if seconds > 0 else None


def read_date(text: str | None) -> datetime | None:
    """Read a date as HTTP writes it; None where it is none."""
    try:
        moment = parsedate_to_datetime(text or "")
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
