"""Ctrl-C and SIGTERM: both end a command from within, so that what was begun is left in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class Terminated(BaseException):
    """The system asks to end (SIGTERM): what was begun is undone on the way out."""


#: What ends a command though nothing is wrong.
INTERRUPTIONS = (KeyboardInterrupt, Terminated)


def exit_code_of(interruption: BaseException) -> int:
    """Give a shell's own number for a command that was ended."""
    return EXIT_TERMINATED if isinstance(interruption, Terminated) else EXIT_INTERRUPTED


@contextmanager
def ends_when_told() -> Iterator[None]:
    """Turn SIGTERM into an exception, as Python does with Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
