"""One lock per company: two commands never work on the same outbox and Pleo jobs at once.

The operating system holds the lock and lets go of it when the process ends, however it ends. The
note beside it only says who has it: one that a dead process left behind keeps nobody out.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import filelock

from etl import files
from etl.batches.ledger.sealing import write_json
from etl.clock import Clock
from etl.documents import read_json
from etl.errors import HeldElsewhere, Problem
from etl.workspace import PRIVATE_FOLDER

#: Where locks lie, below the folder of pleo-etl.yaml.
FOLDER = (PRIVATE_FOLDER, "locks")
#: A holder that has just begun writes its note within this time.
_NOTE_TRIES, _NOTE_SECONDS = 5, 0.1
_MAX_NOTE = 4096


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a lock, since when, and for what."""

    pid: int
    host: str
    since: str
    command: str

    def __str__(self) -> str:
        return f"`{self.command}` (process {self.pid} on {self.host}, since {self.since})"


@contextmanager
def company_lock(root: Path, company_name: str, *, clock: Clock, what: str) -> Iterator[None]:
    """Work on a company as the only one; whoever comes second is told who has it.

    Needs: root, the folder of pleo-etl.yaml; what, the command as the user knows it.
    Raises: HeldElsewhere LOCK-1; UserMustFix OUT-2.
    """
    folder = root.joinpath(*FOLDER)
    files.make_private_folder(folder.parent)
    files.make_private_folder(folder)
    place = folder / f"{company_name}.lock"
    lock = filelock.FileLock(place, timeout=0, mode=0o600)
    note = folder / f"{company_name}.json"
    try:
        lock.acquire()
    except filelock.Timeout:
        raise _held(company_name, _read_note(note, clock=clock)) from None
    except OSError as error:
        raise files.cannot_write(place, error) from error
    try:
        for left in folder.glob(f".pleo-etl.{note.name}.*.part"):
            _drop(left)  # of a holder that was killed while it wrote its note
        _write_note(note, clock=clock, what=what)
        yield
    finally:
        _drop(note)
        lock.release()


def _drop(note: Path) -> None:
    """Remove a note if the disk lets us: one that stays behind keeps nobody out."""
    with suppress(OSError):
        note.unlink(missing_ok=True)


def _write_note(note: Path, *, clock: Clock, what: str) -> None:
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": f"{clock.now().astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "command": what,
    }
    files.write_private(note, write_json(holder).encode())


def _read_note(note: Path, *, clock: Clock) -> Holder | None:
    """Give the note of the one who has the lock; wait a moment for one that has just begun."""
    for _ in range(_NOTE_TRIES):
        holder = _holder(note)
        if holder is not None:
            return holder
        clock.sleep(_NOTE_SECONDS)
    return None


def _holder(note: Path) -> Holder | None:
    try:
        with note.open("rb") as handle:
            found = read_json(handle.read(_MAX_NOTE))
        return Holder(
            int(found["pid"]), str(found["host"]), str(found["since"]), str(found["command"])
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _held(company: str, holder: Holder | None) -> HeldElsewhere:
    who = "another command" if holder is None else str(holder)
    return HeldElsewhere(
        Problem(
            "LOCK-1",
            f'{who} works on company "{company}"',
            "",
            "wait until it has ended, then run the command again",
        )
    )
