"""Where the value of a cell comes from, as plain values: expression, rule, table row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LostRule:
    """A rule that did not give the value, where it stands, and why it did not."""

    rule: str
    place: str
    why: str


@dataclass(frozen=True, slots=True)
class TracedSource:
    """A value behind a cell: its name, what decided it, and the rule and table row that did."""

    name: str
    value: str | None
    origin: str
    rule: str | None
    place: str | None
    table: str | None
    table_row: int | None
    lost: tuple[LostRule, ...]


@dataclass(frozen=True, slots=True)
class TracedCell:
    """A column of a row: its text, the expression that made it, and what that reads.

    number counts the columns of the row's record from 0.
    """

    column: str
    value: str | None
    expression: str
    place: str
    sources: tuple[TracedSource, ...]
    is_asked: bool = False
    number: int = -1


@dataclass(frozen=True, slots=True)
class TracedRow:
    """A line of a file: which posting of which line of the item it is."""

    file: str
    row: int
    voucher: str
    line: int | None
    role: str
    rule: str
    rule_place: str
    printed: str | None
    cells: tuple[TracedCell, ...]
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class RowTrace:
    """A line of a file with the item behind it; `item_anchor` leads to its voucher on the page."""

    row: TracedRow
    anchor: str
    item_id: str
    title: str
    receipts: tuple[str, ...]
    item_anchor: str | None
    letters: tuple[str, ...]  # of each cell
