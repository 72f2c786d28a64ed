"""Atomic files: a reader sees the whole file or none of it.

temporary name in the same folder -> write -> sync file -> replace -> sync folder
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from etl.errors import Problem, UserMustFix

MAX_NAME_BYTES = 200
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{d}{n}" for d in ("COM", "LPT") for n in range(10))}
_TEMPORARY = re.compile(r"\.pleo-etl\..+\.[0-9a-f]{8}\.(part|old)\Z")
_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+()\-]*\Z")


def is_safe_name(name: str) -> bool:
    """Say whether a name may stand for a file we write: no path, no device, no odd character."""
    stem = name.split(".", 1)[0].rstrip(" ").upper()
    return (
        bool(_ALLOWED.match(name))
        and len(name.encode()) <= MAX_NAME_BYTES
        and not name.endswith((".", " "))
        and stem not in _DEVICES
    )


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file so that it is whole or absent, also after a power cut.

    Raises: UserMustFix OUT-2 when the disk or the folder refuses.
    """
    _put(write_part(path, content), path)


def _put(temporary: Path, path: Path) -> None:
    """Let a part take the place of the file, durably."""
    try:
        try:
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def temporary_name(path: Path, kind: Literal["part", "old"]) -> Path:
    """Give a hidden name beside a path that nothing but pleo-etl uses (see is_temporary)."""
    return path.with_name(f".pleo-etl.{path.name}.{secrets.token_hex(4)}.{kind}")


def is_temporary(name: str) -> bool:
    """Say whether a name is one of temporary_name: left by a run that was killed."""
    return bool(_TEMPORARY.match(name))


def write_private(path: Path, content: bytes) -> None:
    """Write a file as write_atomic does, which only its owner may read (0600).

    Raises: UserMustFix OUT-2 when the disk or the folder refuses.
    """
    _put(write_part(path, content, mode=0o600), path)


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter (0700); one that is there is left as it is.

    Raises: UserMustFix OUT-2 when the disk or the folder above refuses.
    """
    try:
        _make_durably(folder, mode=0o700)
    except OSError as error:
        raise cannot_write(folder, error) from error


def make_folder(folder: Path) -> None:
    """Make a folder that people work in; one that is there is left as it is.

    Raises: UserMustFix OUT-2 when the disk or the folder above refuses.
    """
    try:
        _make_durably(folder)
    except OSError as error:
        raise cannot_write(folder, error) from error


def _make_durably(folder: Path, *, mode: int = 0o777) -> None:
    """Make a folder and those above it; a name is durable when the folder it is in was synced."""
    above = folder.parent
    if not above.is_dir():
        _make_durably(above)
    folder.mkdir(mode=mode, exist_ok=True)
    sync_folder(above)


def place_new(part: Path, path: Path) -> bool:
    """Let a finished part become a file that is not there yet; False when somebody was first.

    Raises: UserMustFix OUT-2 when the disk or the folder refuses.
    """
    try:
        os.link(part, path)
        part.unlink()
        sync_folder(path.parent)
    except FileExistsError:
        part.unlink()
        return False
    except OSError as error:
        raise cannot_write(path, error) from error
    return True


def remove_file(path: Path) -> bool:
    """Remove a file, durably; False when there was none.

    Raises: UserMustFix OUT-2 when the disk or the folder refuses.
    """
    try:
        path.unlink()
        sync_folder(path.parent)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise cannot_write(path, error) from error
    return True


def remove_folder(folder: Path) -> bool:
    """Remove a folder with everything in it, durably; False when there was none.

    Raises: UserMustFix OUT-2 when the disk or the folder refuses.
    """
    try:
        shutil.rmtree(folder)
        sync_folder(folder.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot_write(folder, error) from error
    return True


def empty_folder(folder: Path) -> None:
    """Remove everything in a folder, durably, and keep the folder: that it is there says something.

    Raises: UserMustFix OUT-2 when the disk or the folder refuses, or it is no folder of its own.
    """
    try:
        if folder.is_symlink():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        sync_folder(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(folder, error) from error


def move_file(old: Path, new: Path) -> None:
    """Give a file or folder another name, durably; a file of that name gives way.

    Raises: UserMustFix OUT-2 when the disk or the folder refuses.
    """
    try:
        os.replace(old, new)
        sync_folder(new.parent)
        if old.parent != new.parent:
            sync_folder(old.parent)
    except OSError as error:
        raise cannot_write(new, error) from error


def move_folder(old: Path, new: Path) -> None:
    """Rename a folder as a whole, durably; nothing may be there under the new name.

    On another disk it is copied beside the new name first, so that it appears there as a whole.
    Raises: UserMustFix OUT-2 when the disk or a folder refuses.
    """
    try:
        _make_durably(new.parent)
        if new.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(new))
        try:
            os.rename(old, new)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy(old, new)
            sync_folder(new.parent)  # the copy is safe before the original goes
            shutil.rmtree(old)
        sync_folder(new.parent)
        sync_folder(old.parent)
    except OSError as error:
        raise cannot_write(new, error) from error


def copy_folder(old: Path, new: Path) -> None:
    """Copy a folder under a new name, durably; it is whole there or absent.

    Raises: UserMustFix OUT-2 when the disk or a folder refuses.
    """
    try:
        _copy(old, new)
        sync_folder(new.parent)
    except OSError as error:
        raise cannot_write(new, error) from error


def _copy(old: Path, new: Path) -> None:
    part = temporary_name(new, "part")
    try:
        shutil.copytree(old, part)
        for path in (*part.rglob("*"), part):
            if path.is_dir():
                sync_folder(path)
            else:
                with path.open("rb") as handle:
                    os.fsync(handle.fileno())
        os.rename(part, new)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def write_part(path: Path, content: bytes, *, mode: int = 0o644) -> Path:
    """Write and sync the whole content under a temporary name beside the path; give that name.

    Raises: UserMustFix OUT-2 when the disk or the folder refuses; no part is left then.
    """
    return _write_part(path, [content], mode=mode)


def write_pieces(path: Path, pieces: Iterable[bytes], *, mode: int = 0o600) -> None:
    """Write a file (private unless told) piece by piece, whole or absent as with write_atomic.

    Raises: UserMustFix OUT-2 when the disk or the folder refuses; and whatever making the next
    piece raises. There is no file then.
    """
    _put(_write_part(path, pieces, mode=mode), path)


def _write_part(path: Path, pieces: Iterable[bytes], *, mode: int) -> Path:
    temporary = temporary_name(path, "part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    flags |= getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(temporary, flags, mode)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                for piece in pieces:
                    handle.write(piece)
                handle.flush()
                os.fsync(handle.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise cannot_write(path, error) from error
    return temporary


def cannot_write(path: Path, error: OSError) -> UserMustFix:
    """Say that the disk or the folder refuses a file."""
    return UserMustFix(
        Problem(
            "OUT-2",
            f"cannot write {path.name}: {_reason(error)}",
            str(path.parent),
            "check the path, free space and your right to write there, then run it again",
        )
    )


def _reason(error: OSError) -> str:
    """Say why the system refused; the copy of a folder has a reason for each file."""
    if isinstance(error, shutil.Error):
        found = re.search(r"\[Errno [0-9]+\] ([^:\]]+)", str(error))
        return found[1].rstrip("'\"") if found else "a file could not be copied"
    return str(error.strerror or error)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable (not possible, and not needed, on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def shown_path(path: Path, *, root: Path | None = None) -> str:
    """Name a file in messages and in the output: from here (or a root) on, else by its name alone.

    Output is the same bytes in every folder, and never tells where somebody's home is.
    """
    here = root or Path.cwd()
    whole = here / path
    if whole.is_relative_to(here) and ".." not in path.parts:
        return whole.relative_to(here).as_posix()
    return path.name


def sha256(content: bytes) -> str:
    """Give the SHA-256 of some bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
