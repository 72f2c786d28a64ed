"""Inputs, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from etl.errors import Problem, UserMustFix
from etl.sources.files import STDIN, read_blocks
from etl.sources.forms import split
from etl.sources.raw import Limits, RawItems


def read_sources(paths: Sequence[str], *, limits: Limits | None = None) -> Iterator[RawItems]:
    """Give the elements of all inputs, in chunks.

    Needs: paths of files, or "-" for standard input.
    Raises: UserMustFix IN-1 to IN-6.
    """
    limits = limits or Limits()
    names = _names(paths)
    for path, name in zip(paths, names, strict=True):
        yield from split(read_blocks(path, name, limits), name=name, limits=limits)


def _names(paths: Sequence[str]) -> list[str]:
    """Give what messages call each input: its file name, or its path where names repeat."""
    seen: dict[str, str] = {}
    for path in paths:
        real = path if path == STDIN else str(Path(path).resolve())
        if real in seen:
            raise UserMustFix(
                Problem("IN-6", f"{path} is named twice", path, "name each input once")
            )
        seen[real] = path
    short = ["stdin" if path == STDIN else Path(path).name for path in paths]
    return [
        name if short.count(name) == 1 else path for name, path in zip(short, paths, strict=True)
    ]
