"""Files of export items, opened and read in blocks: plain or gzip, or standard input ("-").

Whatever is wrong with a file as a whole stops the command (IN-1 to IN-6); what is wrong with one
element is left to the items stage, which rejects that item alone.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from etl.errors import Problem, UserMustFix
from etl.sources.raw import Limits

STDIN = "-"
_GZIP = b"\x1f\x8b"


def read_blocks(path: str, name: str, limits: Limits) -> Iterator[bytes]:
    """Give the unpacked bytes of an input in blocks, never empty ones."""
    with ExitStack() as stack:
        try:
            plain = _open(path, stack)
            packed = plain.peek(len(_GZIP))[:2] == _GZIP
            yield from _read(plain, packed, name, limits)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise UserMustFix(
                Problem("IN-5", f"{name} is not whole: unpacking it failed", name,
                        "fetch or copy the file again")
            ) from None  # fmt: skip
        except OSError as error:
            raise UserMustFix(
                Problem("IN-1", f"cannot read {path}: {error.strerror or error}", path,
                        "check the name, and that you may read it")
            ) from None  # fmt: skip


def _open(path: str, stack: ExitStack) -> io.BufferedReader:
    if path != STDIN:
        return stack.enter_context(Path(path).open("rb"))
    raw: Any = sys.stdin.buffer
    return raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)


class _Counted:
    """Counts the bytes that are read through it; a pipe cannot tell its place."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self.stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        found = self.stream.read(size)
        self.count += len(found)
        return found


def _read(plain: io.BufferedReader, packed: bool, name: str, limits: Limits) -> Iterator[bytes]:
    counted: Any = _Counted(plain)
    stream: Any = gzip.GzipFile(fileobj=counted) if packed else plain
    total = 0
    while block := stream.read(limits.block):
        total += len(block)
        if total > limits.input:
            raise _too_large(f"{name} is more than {limits.input} bytes", name)
        if packed and total > max(limits.ratio_from, limits.unpacked_ratio * counted.count):
            raise _too_large(
                f"{name} unpacks to more than {limits.unpacked_ratio} times its size", name
            )
        yield block


def _too_large(what: str, name: str) -> UserMustFix:
    return UserMustFix(Problem("IN-4", what, name, "split the input into several files"))
