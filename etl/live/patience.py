"""How often a write whose outcome is unknown is tried, and how long is waited in between.

The client has its own patience inside each call. This is for asking, looking, and asking again.
"""

from __future__ import annotations

from etl.live.desk import Desk

TRIES = 5
#: Seconds before the second try; twice as many before each further one.
FIRST_WAIT = 1.0


def wait(desk: Desk, attempt: int) -> None:
    """Wait before the next try, unless this was the last."""
    if attempt + 1 < TRIES:
        desk.clock.sleep(FIRST_WAIT * 2**attempt)
