"""A disk that loses power: what was not synced may be gone, from the last change backwards.

    create, write ---- sync of the file ----> its bytes are safe
    create, rename, remove, new folder ---- sync of the folder ----> the name is safe

The strictest reading of POSIX is taken: a name is safe when its own folder was synced, and bytes
when their own file was. A commit of the ledger is safe by itself (SQLite, synchronous FULL).
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

Undo = Callable[[], None]


@dataclass
class Change:
    """One change of a name, and how it is taken back."""

    folder: str
    what: str
    undo: Undo
    is_safe: bool = False


@dataclass
class Disk:
    """Follows every change below a folder."""

    #: False: nothing is ever synced, as in a program that forgets to.
    heeds_syncs: ClassVar[bool] = True

    root: str
    changes: list[Change] = field(default_factory=list)
    unsafe_bytes: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    #: What the last power cut took back.
    lost: list[str] = field(default_factory=list)
    _open: dict[int, str] = field(default_factory=dict)

    def wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function of `os` that is followed."""
        follow = getattr(self, "_open_file" if name == "open" else f"_{name}", None)
        if follow is None:
            return real

        def followed(*args: Any, **named: Any) -> Any:
            return follow(real, *args, **named)

        return followed

    def _inside(self, path: Any) -> str | None:
        if isinstance(path, int):
            return None
        whole = os.path.abspath(os.fspath(path))
        whole = whole.decode() if isinstance(whole, bytes) else whole
        return whole if (whole + os.sep).startswith(self.root + os.sep) else None

    def _note(self, path: str, what: str, undo: Undo) -> None:
        self.changes.append(Change(os.path.dirname(path), f"{what} {path}", undo))

    def _open_file(
        self, real: Callable[..., int], path: Any, flags: int, *more: Any, **named: Any
    ) -> int:
        inside = self._inside(path)
        is_new = inside is not None and bool(flags & os.O_CREAT) and not os.path.lexists(inside)
        descriptor = real(path, flags, *more, **named)
        self._open.pop(descriptor, None)
        if inside is not None:
            self._open[descriptor] = inside
            if is_new:
                self._note(inside, "create", lambda: _remove(inside))
            # SQLite syncs its own files, where nobody can follow it.
            if flags & (os.O_WRONLY | os.O_RDWR) and "ledger.db" not in inside:
                self.known.add(inside)
                self.unsafe_bytes.add(inside)
        return descriptor

    def _fsync(self, real: Callable[..., None], descriptor: int) -> None:
        real(descriptor)
        path = self._open.get(descriptor)
        if path is None or not self.heeds_syncs:
            return
        self.unsafe_bytes.discard(path)
        if os.path.isdir(path):
            for change in self.changes:
                change.is_safe |= change.folder == path

    def _replace(self, real: Callable[..., None], source: Any, target: Any, **named: Any) -> None:
        old, new = self._inside(source), self._inside(target)
        before = _content(new)
        real(source, target, **named)
        if old is None or new is None:
            return
        self._move(old, new)

        def undo() -> None:
            if os.path.lexists(new):
                os.makedirs(os.path.dirname(old), exist_ok=True)
                os.rename(new, old)
                self._move(new, old)
            if before is not None:
                Path(new).write_bytes(before)

        self._note(new, "rename", undo)

    _rename = _replace

    def _move(self, old: str, new: str) -> None:
        """Follow the bytes that are not safe under their new name."""

        def moved(path: str) -> str:
            return new + path[len(old) :] if path == old or path.startswith(old + os.sep) else path

        self.unsafe_bytes = {moved(path) for path in self.unsafe_bytes}
        self.known = {moved(path) for path in self.known}
        for change in self.changes:
            change.folder = moved(change.folder)

    def _unlink(self, real: Callable[..., None], path: Any, **named: Any) -> None:
        inside = self._inside(path)
        before = _content(inside)
        real(path, **named)
        if inside is not None:
            self.unsafe_bytes.discard(inside)
            self.known.discard(inside)

            def undo() -> None:
                if before is not None and os.path.isdir(os.path.dirname(inside)):
                    Path(inside).write_bytes(before)

            self._note(inside, "remove", undo)

    _remove = _unlink

    def _link(self, real: Callable[..., None], source: Any, target: Any, **named: Any) -> None:
        new = self._inside(target)
        real(source, target, **named)
        if new is not None:
            self._note(new, "link", lambda: _remove(new))

    def _mkdir(self, real: Callable[..., None], path: Any, *more: Any, **named: Any) -> None:
        inside = self._inside(path)
        real(path, *more, **named)
        if inside is not None:
            self._note(inside, "folder", lambda: shutil.rmtree(inside, ignore_errors=True))

    def _rmdir(self, real: Callable[..., None], path: Any, **named: Any) -> None:
        inside = self._inside(path)
        real(path, **named)
        if inside is not None:
            self._note(inside, "remove folder", lambda: os.makedirs(inside, exist_ok=True))

    def unsafe(self) -> list[str]:
        """Give what a power cut could take back now."""
        names = [change.what for change in self.changes if not change.is_safe]
        return names + [f"bytes of {path}" for path in sorted(self.unsafe_bytes)]

    def lose_power(self, chance: random.Random) -> int:
        """Take back some of the last changes that are not safe; give how many."""
        self.lost.clear()
        waiting = [change for change in self.changes if not change.is_safe]
        count = chance.randint(0, len(waiting))
        for path in sorted(self.unsafe_bytes):
            with suppress(OSError):
                size = os.path.getsize(path)
                os.truncate(path, chance.randint(0, size))
        for change in reversed(waiting[len(waiting) - count :]):
            self.lost.append(change.what)
            with suppress(FileNotFoundError):
                change.undo()
        self.forget()
        return count

    def forget(self) -> None:
        """Take everything as safe: the machine ran on, or was started again."""
        self.changes.clear()
        self.unsafe_bytes.clear()
        self._open.clear()


def _content(path: str | None) -> bytes | None:
    return Path(path).read_bytes() if path and os.path.isfile(path) else None


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
