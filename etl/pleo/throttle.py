"""Keeps requests under Pleo's limit before Pleo has to say so."""

from __future__ import annotations

from collections import deque

from etl.clock import Clock

#: Pleo's limit is 600 a minute, and it asks integrations to stay at 500.
#: Source: developers.pleo.io, integration design, tags periodicity.
PER_MINUTE = 500
MINUTE = 60.0


class Throttle:
    """Lets at most so many requests through in any minute; the next one waits."""

    def __init__(self, clock: Clock, *, per_minute: int = PER_MINUTE) -> None:
        self._clock = clock
        self._sent: deque[float] = deque(maxlen=per_minute)

    def let_through(self) -> None:
        """Wait until one more request may be sent, and count it."""
        if len(self._sent) == self._sent.maxlen:
            pause = self._sent[0] + MINUTE - self._clock.elapsed()
            if pause > 0:
                self._clock.sleep(pause)
        self._sent.append(self._clock.elapsed())
