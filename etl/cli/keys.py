"""Single keys and short answers of a person at the terminal."""

from __future__ import annotations

import os
import re
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from etl.cli import talk

#: What stands for the end of the input: nobody is there any more.
END = "\x04"
_ESCAPE = b"\x1b"
#: The byte that ends what a terminal sends for an arrow or the like: ESC [ 1 ; 5 A, ESC O P.
_LAST = re.compile(rb"[@-NP-Z^-~]")


def pressed(seconds: float | None = None) -> str:
    """Wait for a key, and give it; "" where none was pressed in time, or none that has a letter.

    Where input is no terminal, the next character of it is the key.
    """
    handle = _terminal()
    if handle is None:
        return sys.stdin.read(1) or END
    if sys.platform == "win32":
        import msvcrt

        return msvcrt.getwch()
    with _single_keys(handle):
        ready, _, _ = select.select([handle], [], [], seconds)
        if not ready:
            return ""
        key = os.read(handle, 1)
        if key == _ESCAPE:
            _skip_the_rest(handle)
            return ""
        for _ in range(_following(key)):
            key += os.read(handle, 1)
    return key.decode("utf-8", "replace") or END


def _following(first: bytes) -> int:
    """Give how many bytes of a letter follow its first one."""
    return sum(first >= beginning for beginning in (b"\xc0", b"\xe0", b"\xf0"))


def _skip_the_rest(handle: int) -> None:
    """Read what follows an escape: an arrow is no letter, and the next key is not part of it."""
    is_sequence = True
    while is_sequence and select.select([handle], [], [], 0)[0]:
        is_sequence = not _LAST.match(os.read(handle, 1))


def _terminal() -> int | None:
    try:
        return sys.stdin.fileno() if sys.stdin.isatty() else None
    except (OSError, ValueError):  # input that is no file
        return None


@contextmanager
def _single_keys(handle: int) -> Iterator[None]:
    """Let keys come one by one and unseen, for the time of a `with` block."""
    import termios
    import tty

    before: list[Any] = termios.tcgetattr(handle)
    tty.setcbreak(handle, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


def answered(question: str, *, default: str = "") -> str:
    """Ask for some words in a line; an empty line is the default."""
    shown = f"{question} [{default}] " if default else f"{question} "
    click.echo(talk.printable(shown), err=True, nl=False)
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        talk.say("")
    return line.strip() or (default if line else "")


def agreed(question: str) -> bool:
    """Ask for y or n with a single key; anything else is a no."""
    click.echo(f"{talk.printable(question)} [y/N] ", err=True, nl=False)
    is_agreed = pressed().casefold() == "y"
    talk.say("yes" if is_agreed else "no")
    return is_agreed
