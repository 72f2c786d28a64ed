"""The parts of a checked layout, as both compilers and the proof see them.

Loops have numbers; number 0 is the file itself. A cell names the loop whose row holds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FILE_LOOP = 0


@dataclass(frozen=True, slots=True)
class Text:
    """Fixed text."""

    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A finished cell, or a whole record, of the row of a loop."""

    loop: int
    column: str


@dataclass(frozen=True, slots=True)
class Counter:
    """loop.index, loop.index0 or loop.length."""

    loop: int
    which: str


@dataclass(frozen=True, slots=True)
class Filled:
    """Whether a cell is not empty."""

    loop: int
    column: str


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean of the row of a loop; null counts as false."""

    loop: int
    column: str


@dataclass(frozen=True, slots=True)
class LoopFlag:
    """loop.first or loop.last."""

    loop: int
    which: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    of: Condition


@dataclass(frozen=True, slots=True)
class Both:
    """Two conditions that hold together."""

    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Either:
    """Two conditions of which one suffices."""

    left: Condition
    right: Condition


Condition = Filled | Flag | LoopFlag | Not | Both | Either


@dataclass(frozen=True, slots=True)
class Loop:
    """The rows of a list that belong to one row of the parent loop."""

    number: int
    parent: int
    frame: str
    key: str
    only: Condition | None
    body: Block
    otherwise: Block


@dataclass(frozen=True, slots=True)
class Choice:
    """The first branch whose condition holds."""

    branches: tuple[tuple[Condition, Block], ...]
    otherwise: Block


Part = Text | Cell | Counter | Loop | Choice
Block = tuple[Part, ...]


def columns_read(part: Part | Condition) -> Iterator[tuple[int, str]]:
    """Give (loop, column) for everything that a part reads from a row."""
    if isinstance(part, Cell | Filled | Flag):
        yield part.loop, part.column
    elif isinstance(part, Not):
        yield from columns_read(part.of)
    elif isinstance(part, Both | Either):
        yield from columns_read(part.left)
        yield from columns_read(part.right)
    elif isinstance(part, Loop):
        if part.only is not None:
            yield from columns_read(part.only)
        yield part.parent, part.key
        yield from _of_blocks(part.body, part.otherwise)
    elif isinstance(part, Choice):
        for condition, block in part.branches:
            yield from columns_read(condition)
            yield from _of_blocks(block)
        yield from _of_blocks(part.otherwise)


def counters_read(part: Part | Condition) -> Iterator[tuple[int, str]]:
    """Give (loop, name) for every loop counter and loop flag that a part reads."""
    if isinstance(part, Counter | LoopFlag):
        yield part.loop, part.which
    elif isinstance(part, Not):
        yield from counters_read(part.of)
    elif isinstance(part, Both | Either):
        yield from counters_read(part.left)
        yield from counters_read(part.right)
    elif isinstance(part, Loop):
        for inner in (*part.body, *part.otherwise):
            yield from counters_read(inner)
    elif isinstance(part, Choice):
        for condition, block in part.branches:
            yield from counters_read(condition)
            for inner in block:
                yield from counters_read(inner)
        for inner in part.otherwise:
            yield from counters_read(inner)


def loops_of(block: Block) -> Iterator[Loop]:
    """Give every loop in a block, outer ones first."""
    for part in block:
        if isinstance(part, Loop):
            yield part
            yield from loops_of(part.body)
            yield from loops_of(part.otherwise)
        elif isinstance(part, Choice):
            for _condition, branch in part.branches:
                yield from loops_of(branch)
            yield from loops_of(part.otherwise)


def _of_blocks(*blocks: Block) -> Iterator[tuple[int, str]]:
    for block in blocks:
        for part in block:
            yield from columns_read(part)
