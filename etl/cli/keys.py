"""Single keys and short answers of a person at the terminal."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from etl.cli import talk

#: What stands for the end of the input: nobody is there any more.
END = "\x04"
_ESCAPE = "\x1b"


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
        if key == _ESCAPE.encode() or key >= b"\x80":  # an arrow, or a letter of several bytes
            rest, _, _ = select.select([handle], [], [], 0)
            key += os.read(handle, 16) if rest else b""
    text = key.decode("utf-8", "replace")
    return (text if len(text) == 1 and text != _ESCAPE else "") if key else END


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
