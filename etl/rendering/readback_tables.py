"""Read back delimited and fixed-width lines: our own strict reader, at column speed.

A line whose delimiters and quotes are as many as its columns ask for holds nothing that needs
care, and its cells lie between the delimiters. Every other line goes through a strict reader
alone, so that a stray quote never swallows the next line.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from etl.rendering.cells import finish_cells
from etl.rendering.columns import Cell
from etl.rendering.contexts import Context
from etl.rendering.escapes import Writing
from etl.rendering.formats import NUMBERS
from etl.rendering.readback_wanted import LINE, ReadBack, Wanted, split_lines

#: Lines that are taken apart at a time.
SLICE = 1 << 17
_TEXT = "text"
_QUICK = "quick"
_MINE = "mine"
_QUOTE = '"'


def read_table(text: str, wanted: Wanted, *, writing: Writing, found: ReadBack) -> None:
    """Read the lines of a csv or fixed file into the records that they are."""
    lines = split_lines(text, wanted.plan, found=found)
    frame = pl.DataFrame(
        {LINE: pl.int_range(1, lines.len() + 1, dtype=pl.Int64, eager=True), _TEXT: lines}
    ).with_columns(pl.col(LINE) + found.before)
    reader = _Fixed if writing.kind == "fixed" else _Csv
    for record in (*wanted.rows, *wanted.single):  # most lines are rows
        asked = wanted.rows.get(record) or wanted.single[record]
        table = reader(record, asked, wanted, writing, found)
        if wanted.plan.layout is None:
            mine = table.without_head(frame)
        else:
            marked = table.marked(frame)
            mine = marked.filter(_MINE)
            frame = frame.filter(~marked[_MINE])
        parts = [
            table.cells(mine.slice(start, SLICE)) for start in range(0, max(mine.height, 1), SLICE)
        ]
        (found.rows if record in wanted.rows else found.single)[record] = pl.concat(parts)


@dataclass
class _Table:
    """How the lines of one record are recognised and taken apart."""

    record: str
    asked: Sequence[Cell]
    wanted: Wanted
    writing: Writing
    found: ReadBack

    def __post_init__(self) -> None:
        self.printed = self.wanted.printed(self.record)

    def without_head(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Take the line of column names away, if the file has one."""
        raise AssertionError("each kind of file says this")

    def marked(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Say which lines are of the record, in the column `mine`."""
        raise AssertionError("each kind of file says this")

    def constants(self) -> dict[str, str]:
        """Give the cells of the record that are always the same, by key."""
        cells = [
            cell
            for cell in self.printed
            if cell.context is Context.CONSTANT and cell.compiled and not cell.column.first_of
        ]
        keys = frozenset(cell.key for cell in cells)
        one_row = pl.DataFrame({"#": [None]})
        plain = finish_cells(one_row, cells, writing=self.writing, keep=keys).plain
        return {key: str(text[0]) for key, text in plain.items()}

    def has_constants(self, frame: pl.DataFrame, cells: pl.DataFrame) -> pl.Series:
        constants = self.constants()
        mine = pl.all_horizontal(
            pl.lit(True), *(pl.col(key) == text for key, text in constants.items())
        )
        return cells.with_columns(mine.fill_null(False).alias("|mine"))["|mine"]


class _Csv(_Table):
    """Delimited lines."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.delimiter = self.writing.csv.delimiter
        self.is_quoted = self.writing.csv.quoting != "none" and self.writing.escape == "csv"
        always = [cell for cell in self.printed if self.writing.wrap(cell.column) == "always"]
        self.quotes = 2 * len(always) if self.is_quoted else 0
        self.wrapped = {cell.key for cell in always} if self.is_quoted else set()
        self.place = {cell.key: number for number, cell in enumerate(self.printed)}

    def without_head(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self.writing.csv.header != "names" or not self.found.is_first:
            return frame
        if not self.is_head(str(frame[_TEXT][0]) if frame.height else ""):
            self.found.differs(1, "the line of column names is not that of the template")
        return frame.slice(1)

    def is_head(self, line: str) -> bool:
        return self.strictly(line) == [cell.name or "" for cell in self.printed]

    def marked(self, frame: pl.DataFrame) -> pl.DataFrame:
        frame = frame.with_columns(self.is_quick().alias(_QUICK))
        mine = frame[_QUICK]
        if not mine.all():
            rest = frame.filter(~mine).select(self.has_all_columns().alias(_MINE))[_MINE]
            mine = mine.scatter((~mine).arg_true(), rest)
        first = self.printed[0].name or ""
        like_head = mine & frame[_TEXT].str.contains(first, literal=True)
        for at in like_head.arg_true():
            if not self.is_head(frame[_TEXT][at]):
                break  # names stand above the rows, and rows may look alike
            mine[at] = False
        if self.shares_its_size():
            keys = list(self.constants())
            some = frame.filter(mine)
            kept = self.has_constants(some, self.taken_apart(some, keys))
            mine = mine.scatter(mine.arg_true(), kept)
        return frame.with_columns(mine.alias(_MINE))

    def has_all_columns(self) -> pl.Expr:
        """Count delimiters outside of quotes."""
        text = pl.col(_TEXT)
        outside = text.str.replace_all('"[^"]*"', "") if self.is_quoted else text
        return outside.str.count_matches(self.delimiter, literal=True) == len(self.printed) - 1

    def shares_its_size(self) -> bool:
        others = [*self.wanted.plan.records]
        sizes = [len(self.wanted.printed(other)) for other in others if other != self.record]
        return len(self.printed) in sizes

    def is_quick(self) -> pl.Expr:
        """Say of which lines the cells lie between the delimiters."""
        text = pl.col(_TEXT)
        delimiters = text.str.count_matches(self.delimiter, literal=True)
        quick = delimiters == len(self.printed) - 1
        if self.is_quoted:
            quick &= text.str.count_matches(_QUOTE, literal=True) == self.quotes
        return quick

    def cells(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Take lines apart into the cells that are asked for."""
        cells = self.taken_apart(lines, [cell.key for cell in self.asked])
        return pl.concat([lines.select(LINE), cells], how="horizontal")

    def taken_apart(self, lines: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
        if _QUICK not in lines.columns:
            lines = lines.with_columns(self.is_quick().alias(_QUICK))
        quick = lines[_QUICK]
        fast = self.by_delimiters(lines[_TEXT].filter(quick), keys)
        if quick.all():
            return fast
        slow_lines = lines.filter(~quick).select(LINE, _TEXT)
        rows = [self.by_reader(line, text, keys=keys) for line, text in slow_lines.iter_rows()]
        slow = pl.DataFrame(rows, dict.fromkeys(keys, pl.String), orient="row")
        at = pl.concat([quick.arg_true(), (~quick).arg_true()])
        return pl.concat([fast, slow]).with_columns(at.alias("|at")).sort("|at").drop("|at")

    def by_delimiters(self, texts: pl.Series, keys: Sequence[str]) -> pl.DataFrame:
        if not keys:
            return pl.DataFrame({_TEXT: texts}).select()
        last = max(self.place[key] for key in keys)
        parts = texts.str.splitn(self.delimiter, last + 2).struct.unnest()
        columns = []
        for key in keys:
            cell = parts[f"field_{self.place[key]}"].alias(key)
            if key in self.wrapped:
                # Not in quotes is not what the template says: the cell keeps what it has.
                bare = cell.str.strip_prefix(_QUOTE).str.strip_suffix(_QUOTE)
                is_whole = bare.str.len_bytes() + 2 == cell.str.len_bytes()
                cell = pl.select(pl.when(is_whole).then(bare).otherwise(cell).alias(key))[key]
            columns.append(cell)
        return pl.DataFrame(columns)

    def by_reader(self, line: int, text: str, *, keys: Sequence[str]) -> tuple[str | None, ...]:
        cells = self.strictly(text)
        if cells is None:
            self.found.differs(line, "the quotes of the line cannot be read")
            return (None,) * len(keys)
        if len(cells) != len(self.printed):
            what = f"the line has {len(cells)} columns, the record has {len(self.printed)}"
            self.found.differs(line, what)
            return (None,) * len(keys)
        return tuple(cells[self.place[key]] for key in keys)

    def strictly(self, text: str) -> list[str] | None:
        """Take one line apart as RFC 4180 says, or give None."""
        if not self.is_quoted or not text:
            return text.split(self.delimiter)
        try:
            (cells,) = (
                csv.reader([text], delimiter=self.delimiter, strict=True) if text else ([""],)
            )
        except csv.Error:
            return None
        return cells


class _Fixed(_Table):
    """Lines of one length, whose cells have places."""

    def without_head(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame

    def marked(self, frame: pl.DataFrame) -> pl.DataFrame:
        keys = self.constants()
        cells = [cell for cell in self.printed if cell.key in keys]
        mine = self.has_constants(frame, self.taken_apart(frame, cells))
        return frame.with_columns(mine.alias(_MINE))

    def cells(self, lines: pl.DataFrame) -> pl.DataFrame:
        fixed = self.writing.spec.fixed
        assert fixed is not None
        text = pl.col(_TEXT)
        length = text.str.len_bytes() if self.counts_bytes() else text.str.len_chars()
        odd = lines.filter(length != fixed.length)
        for line, content in odd.select(LINE, _TEXT).iter_rows():
            self.found.differs(line, f"the line has {len(content)} places, not {fixed.length}")
        return pl.concat(
            [lines.select(LINE), self.taken_apart(lines, self.asked)], how="horizontal"
        )

    def taken_apart(self, lines: pl.DataFrame, cells: Sequence[Cell]) -> pl.DataFrame:
        if not cells:
            return lines.select()
        return lines.select(_unpadded(self.piece(cell), cell).alias(cell.key) for cell in cells)

    def counts_bytes(self) -> bool:
        fixed = self.writing.spec.fixed
        return fixed is not None and fixed.bytes and self.writing.encoding == "utf-8"

    def piece(self, cell: Cell) -> pl.Expr:
        at, width = cell.column.at, cell.column.width
        assert at is not None
        assert width is not None
        text = pl.col(_TEXT)
        if not self.counts_bytes():
            return text.str.slice(at - 1, width)
        # A cut through a character gives null, which differs from everything that was rendered.
        return text.cast(pl.Binary).bin.slice(at - 1, width).cast(pl.String, strict=False)


def _unpadded(text: pl.Expr, cell: Cell) -> pl.Expr:
    """Take the filling of a cell away; leading zeros of a number are no harm."""
    fill = cell.column.fill or " "
    if cell.column.align != "right":
        return text.str.strip_chars_end(fill)
    if fill == "0" and cell.column.type in NUMBERS:
        return text
    return text.str.strip_chars_start(fill)
