"""Seams: each effect before and after. A stop at a seam ends the process: nothing happens after it.

An effect is a call to Pleo, a commit of the ledger, or a function of etl/files.py that changes
something. A stop is simulated: it raises at its seam, and from then on every further effect raises
too, so that no tidying up of ours runs which a killed process would not have run.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import filelock
import httpx
import pytest
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from etl import files
from tests.fault.live.disk import Disk

#: Functions of etl/files.py that change nothing.
PURE = frozenset({"is_safe_name", "temporary_name", "is_temporary", "cannot_write", "shown_path",
                  "sha256", "list_folder"})  # fmt: skip
#: What tidying up would call; all of it raises once the process is gone.
SYSTEM = ("open", "fsync", "replace", "rename", "unlink", "remove", "mkdir", "rmdir",
          "link")  # fmt: skip


class Stop(BaseException):
    """The process is gone."""


class Seams:
    """Counts the seams that are passed, and stops at those that are planned.

    `plan` are the lengths of the lives to come: stop at the n-th seam of the first life, then at
    the n-th of the second; after that nothing stops.
    """

    def __init__(self, plan: Sequence[int] = ()) -> None:
        self.plan = list(plan)
        self.passed: list[str] = []
        self.stopped: list[str] = []
        self.is_dead = False
        self.is_deep = False
        self.is_unnoticed = False
        self.depth = 0
        #: Changes of the disk so far, and the one that fails, with its error number.
        self.effects: list[str] = []
        self.fails_at, self.fails_with = 0, 0
        #: The name of a seam to stop at when it is passed next.
        self.stops_at = ""
        #: Seams at which somebody else comes in, and what they do.
        self.meetings: dict[int, Callable[[], None]] = {}
        self.named_meetings: dict[str, Callable[[], None]] = {}
        #: Rows that each open ledger has changed so far.
        self.stored: dict[int, int] = {}
        self._locks: list[filelock.BaseFileLock] = []

    def at(self, name: str) -> None:
        """Pass a seam, or stop at it."""
        if self.is_unnoticed:
            return
        if self.is_dead:
            raise Stop(name)
        self.passed.append(name)
        meeting = self.meetings.pop(len(self.passed), None) or self.named_meetings.pop(name, None)
        if meeting is not None:
            depth, self.depth = self.depth, 0
            with self.unnoticed():
                meeting()
            self.depth = depth
        is_named = bool(self.stops_at) and name == self.stops_at
        if is_named or (self.plan and len(self.passed) == self.plan[0]):
            if is_named:
                self.stops_at = ""
            else:
                self.plan.pop(0)
            self.stopped.append(name)
            self.is_dead = True
            raise Stop(name)

    def forget_meetings(self) -> None:
        """Let nobody come in any more."""
        self.meetings.clear()
        self.named_meetings.clear()
        self.stops_at = ""

    def begin_life(self) -> None:
        """Start the process again; the operating system has let go of the old one's locks."""
        if self.is_dead:
            self.passed = []
        self.is_dead = False
        self.stored.clear()
        for lock in self._locks:
            lock.release(force=True)
        self._locks.clear()

    def noting(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """Remember who locks, so that the lock can be let go of when the process is gone."""

        def acquire(lock: filelock.BaseFileLock, *args: Any, **named: Any) -> Any:
            given = real(lock, *args, **named)
            self._locks.append(lock)
            return given

        return acquire

    @contextmanager
    def unnoticed(self) -> Iterator[None]:
        """Let effects pass that are the test's own."""
        self.is_unnoticed = True
        try:
            yield
        finally:
            self.is_unnoticed = False


class SeamTransport(httpx.BaseTransport):
    """Calls Pleo, with a seam before the request leaves and one after its answer has come."""

    def __init__(self, inner: httpx.BaseTransport, seams: Seams) -> None:
        self._inner, self._seams = inner, seams

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = f"{request.method} {_place(request.url.path)}"
        self._seams.at(f"before {name}")
        answer = self._inner.handle_request(request)
        self._seams.at(f"after {name}")
        return answer


def _place(path: str) -> str:
    """Give a path without its ids."""
    parts = path.strip("/").split("/")
    return "/".join("*" if any(c.isdigit() for c in part) and part != "v3" else part
                    for part in parts)  # fmt: skip


def effects() -> list[str]:
    """Give the functions of etl/files.py that change something."""
    return [
        name
        for name, _function in inspect.getmembers(files, inspect.isfunction)
        if _function.__module__ == files.__name__ and name not in PURE and not name.startswith("_")
    ]


@contextmanager
def hooked(seams: Seams, disk: Disk | None = None) -> Iterator[None]:
    """Put seams around every file effect and every commit of a ledger; a disk follows on."""
    with pytest.MonkeyPatch.context() as patch:
        for name in effects():
            patch.setattr(files, name, _around(seams, f"files.{name}", getattr(files, name)))
        for name in SYSTEM:
            real = getattr(os, name)
            followed = disk.wrap(name, real) if disk else real
            patch.setattr(os, name, _alive(seams, f"os.{name}", followed))
        lock = filelock.BaseFileLock.acquire
        patch.setattr(filelock.BaseFileLock, "acquire", seams.noting(lock))
        commit = SQLiteDialect_pysqlite.do_commit
        patch.setattr(SQLiteDialect_pysqlite, "do_commit", _committing(seams, commit))
        yield


def _around(seams: Seams, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    """Put seams around a function; what it calls of its own module is inside of it."""

    def effect(*args: Any, **named: Any) -> Any:
        if seams.depth and not seams.is_deep:
            return real(*args, **named)
        seams.at(f"before {name}")
        seams.depth += 1
        try:
            given = real(*args, **named)
        finally:
            seams.depth -= 1
        seams.at(f"after {name}")
        return given

    return effect


def _alive(seams: Seams, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    """Let a call of the operating system through while the process lives."""

    def effect(*args: Any, **named: Any) -> Any:
        if seams.is_deep:
            seams.at(f"before {name}")
        elif seams.is_dead:
            raise Stop(name)
        if _changes(name, args) and not seams.is_unnoticed:
            seams.effects.append(name)
            if len(seams.effects) == seams.fails_at:
                raise OSError(seams.fails_with, os.strerror(seams.fails_with))
        return real(*args, **named)

    return effect


def _changes(name: str, args: tuple[Any, ...]) -> bool:
    """Say whether a call changes the disk: opening to read does not."""
    return name != "os.open" or bool(args[1] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _committing(seams: Seams, real: Callable[..., None]) -> Callable[..., None]:
    """Put seams around the commits that store something; reading stores nothing."""

    def do_commit(dialect: Any, connection: Any) -> None:
        raw = getattr(connection, "driver_connection", connection)
        changes = raw.total_changes
        if changes == seams.stored.get(id(raw), 0):
            return real(dialect, connection)
        seams.at("before commit")
        real(dialect, connection)
        seams.stored[id(raw)] = changes
        seams.at("after commit")
        return None

    return do_commit
