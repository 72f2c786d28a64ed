"""Cells: typed values become finished text, and what does not fit is found.

    value ─> text ─┬─ plain: printable ASCII that no rule mentions ───────────────┬─> limits, quotes
                   └─ odd: NFC, replacements, allowed characters, encoding, guard ┘

Only the odd texts are looked at closely; they are found by one pattern per column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, floor

import polars as pl

from etl.expressions import check_pattern
from etl.frames import DTYPES, Type
from etl.money import RATE
from etl.rendering.charsets import outside
from etl.rendering.columns import Cell
from etl.rendering.escapes import (
    Writing,
    bare_breaks,
    escape_odd,
    not_allowed,
    tame,
    wrap_cells,
)
from etl.rendering.formats import NUMBERS, PRINTS, fits_places, to_text
from etl.text import FORMULA

#: Types whose text can be anything; the others are made of digits and signs here.
_FREE = ("text", "digits", "flag")
#: A spreadsheet keeps 15 digits of a number (it stores doubles) and so many letters of a text.
MAX_SHEET_DIGITS = 15
MAX_SHEET_TEXT = 32_767
_DIGITS = r"\A[0-9]*\z"


@dataclass(frozen=True)
class Fault:
    """Rows (numbers, ascending) whose cell breaks a rule, with their text as it was then."""

    cell: Cell
    code: str
    rows: pl.Series
    texts: pl.Series


@dataclass
class Finished:
    """Finished cells of a frame, in its row order.

    texts   one text column per cell key, escaped and quoted; never null
    plain   the same before escaping, for the cells that were asked for
    faults  what rejects items; remarks, what was changed (TEXT-CUT, TEXT-REPLACED, TEXT-QUOTED)
    """

    texts: pl.DataFrame
    plain: dict[str, pl.Series] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    remarks: list[Fault] = field(default_factory=list)


def finish_cells(
    frame: pl.DataFrame, cells: Sequence[Cell], *, writing: Writing, keep: frozenset[str]
) -> Finished:
    """Finish the cells of one context.

    Needs: frame with the columns that the cells read (`let` values included); keep, the keys of
    cells whose text before escaping is wanted too.
    """
    if not cells:
        return Finished(frame.select())
    looks = frame.select(_looks(cells, writing))
    finished = Finished(pl.DataFrame())
    columns = []
    for cell in cells:
        text = looks[cell.key]
        work = _Work(cell, writing, text, finished)
        work.check_values(looks)
        plain, odd = work.finish(looks)
        if cell.key in keep:
            finished.plain[cell.key] = plain
        columns.append(work.written(plain, odd).alias(cell.key))
    finished.texts = pl.DataFrame(columns)
    return finished


def _looks(cells: Sequence[Cell], writing: Writing) -> list[pl.Expr]:
    """Give everything that is computed over all rows at once: texts and where rules break."""
    exprs: list[pl.Expr] = [pl.int_range(pl.len(), dtype=pl.UInt32).alias("#row")]
    for cell in cells:
        value, kind = _value_of(cell)
        made = to_text(value, kind, style=cell.style)
        blank = made.is_null() if cell.column.type not in _FREE else (made == "").fill_null(True)
        if cell.style.empty:
            text = pl.when(blank).then(pl.lit(cell.style.empty)).otherwise(made)
        else:
            text = made.fill_null("")
        exprs.append(text.alias(cell.key))
        if _asks_for_blanks(cell):
            exprs.append(blank.alias(f"{cell.key}!blank"))
        if cell.column.type == "digits":
            exprs.append((~made.str.contains(_DIGITS)).fill_null(False).alias(f"{cell.key}!digits"))
        elif cell.column.type in _FREE:
            exprs.append(text.str.contains(writing.odd(cell.column)).alias(f"{cell.key}!odd"))
        fits = fits_places(value, kind, style=cell.style)
        if fits is not None:
            exprs.append((~fits).alias(f"{cell.key}!places"))
        if cell.column.type in NUMBERS:
            exprs.extend(_limits(cell, value, kind=kind))
            if writing.kind == "xlsx":
                digits = text.str.replace_all("[^0-9]", "").str.strip_chars_start("0")
                too_many = digits.str.len_bytes() > MAX_SHEET_DIGITS
                exprs.append(too_many.alias(f"{cell.key}!digits"))
    return exprs


def _asks_for_blanks(cell: Cell) -> bool:
    """Say whether a rule of the column treats empty cells apart."""
    column = cell.column
    has_rule = column.min is not None or column.pattern is not None
    return column.required or (has_rule and column.type in _FREE)


def _value_of(cell: Cell) -> tuple[pl.Expr, Type]:
    """Give the value of a cell and its type; a column without value is always null."""
    if cell.compiled is not None:
        return cell.compiled.expr, cell.compiled.type
    kind = PRINTS[cell.column.type][0]
    return pl.lit(None, DTYPES[kind]), kind


def _limits(cell: Cell, value: pl.Expr, *, kind: Type) -> list[pl.Expr]:
    """Compare numbers with min and max; what prints as nothing is not compared."""
    found = []
    compared = pl.when(value != 0).then(value) if cell.style.blank_zero else value
    for limit, name in ((cell.column.min, "min"), (cell.column.max, "max")):
        if limit is not None:
            whole = ceil(limit) if name == "min" else floor(limit)
            bound = pl.lit(whole) if kind is Type.INTEGER else pl.lit(limit, RATE)
            breaks = compared < bound if name == "min" else compared > bound
            found.append(breaks.fill_null(value=False).alias(f"{cell.key}!{name}"))
    return found


@dataclass
class _Work:
    """One column on its way; faults and remarks go to `finished`."""

    cell: Cell
    writing: Writing
    text: pl.Series
    finished: Finished

    def check_values(self, looks: pl.DataFrame) -> None:
        """Note the rows that break a rule about values."""
        is_number = self.cell.column.type in NUMBERS
        digits = "CELL-15" if is_number else "CELL-9"
        codes = {"digits": digits, "places": "CELL-14", "min": "CELL-5", "max": "CELL-5"}
        for suffix, code in codes.items():
            name = f"{self.cell.key}!{suffix}"
            if name in looks.columns:
                self.fault(code, looks[name], texts=self.text)
        if self.cell.column.required:
            self.fault("CELL-2", looks[f"{self.cell.key}!blank"], texts=self.text)

    def finish(self, looks: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
        """Give the texts before escaping, and where they need escaping."""
        cell, text = self.cell, self.text
        name = f"{cell.key}!odd"
        if name in looks.columns:
            odd = looks[name]
            if odd.any():
                text = self.scrutinised(text, odd)
        else:
            odd = _none(text.len())
        if cell.column.type in _FREE:
            text = self.limited(text, looks)
        elif cell.column.width is not None:
            too_long = text.str.len_bytes() > cell.column.width
            self.fault("CELL-3", too_long, texts=text)
        return text, odd

    def written(self, plain: pl.Series, odd: pl.Series) -> pl.Series:
        """Escape, quote or pad."""
        cell, writing = self.cell, self.writing
        text = plain
        breaks = bare_breaks(writing, cell.column)
        if breaks is not None and cell.column.type in ("text", "flag"):
            self.fault("CELL-10", text.str.contains(breaks), texts=text)
        if odd.any():
            rows = odd.arg_true()
            text = put(
                text, rows, values=escape_odd(text.gather(rows), writing, column=cell.column)
            )
        elif writing.wrap(cell.column) == "needed" and cell.column.type not in _FREE:
            odd = text.str.contains(writing.csv.delimiter, literal=True)
        text = wrap_cells(text, writing, column=cell.column, odd=odd)
        if writing.kind == "fixed":
            text = padded(text, cell, writing=writing)
        return text

    def scrutinised(self, text: pl.Series, odd: pl.Series) -> pl.Series:
        """Replace, and check characters, in the odd rows."""
        cell, writing, column = self.cell, self.writing, self.cell.column
        rows = odd.arg_true()
        before = text.gather(rows)
        after = writing.replacing.texts(before)
        after = tame(after, writing.escape)
        if column.allow is not None:
            forbidden = not_allowed(column.allow)
            if column.instead is not None:
                after = after.str.replace_all(forbidden, _literal(column.instead))
            else:
                self.fault("CELL-7", after.str.contains(forbidden), texts=after, rows=rows)
        self.remark("TEXT-REPLACED", after != before, texts=before, rows=rows)
        self.fault("CELL-6", after.str.contains(outside(writing.encoding)), texts=after, rows=rows)
        guard = writing.guard(column)
        if guard != "off" and not (cell.compiled is not None and cell.compiled.constant):
            formula = after.str.contains(FORMULA)
            if guard == "refuse":
                self.fault("CELL-11", formula, texts=after, rows=rows)
            elif formula.any():
                self.remark("TEXT-QUOTED", formula, texts=after, rows=rows)
                quoted = pl.when(formula).then(pl.concat_str([pl.lit("'"), after]))
                after = pl.select(quoted.otherwise(after)).to_series()
        return put(text, rows, values=after)

    def limited(self, text: pl.Series, looks: pl.DataFrame) -> pl.Series:
        """Hold the limits of length and the pattern."""
        column = self.cell.column
        blank = f"{self.cell.key}!blank"
        if column.min is not None:
            short = text.str.len_chars() < int(column.min)
            self.fault("CELL-4", short & ~looks[blank], texts=text)
        if column.pattern is not None:
            wrong = ~text.str.contains(check_pattern(column.pattern))
            self.fault("CELL-8", wrong & ~looks[blank], texts=text)
        limit = length_limit(self.cell)
        if limit is None and self.writing.kind == "xlsx":
            limit = MAX_SHEET_TEXT
        if limit is None or not (text.str.len_bytes() > limit).any():
            return text
        in_bytes = self.counts_bytes()
        too_long = (text.str.len_bytes() if in_bytes else text.str.len_chars()) > limit
        if column.overflow == "refuse":
            self.fault("CELL-3", too_long, texts=text)
            return text
        self.remark("TEXT-CUT", too_long, texts=text)
        rows = too_long.arg_true()
        long = text.gather(rows)
        short = long.str.head(limit)
        if in_bytes:
            short = pl.Series([cut_bytes(one, limit) for one in long.to_list()], dtype=pl.String)
        return put(text, rows, values=short)

    def counts_bytes(self) -> bool:
        """Say whether lengths are bytes; in one-byte encodings a character is a byte."""
        fixed = self.writing.spec.fixed
        in_bytes = self.cell.column.bytes or (fixed is not None and fixed.bytes)
        return in_bytes and self.writing.encoding == "utf-8"

    def fault(
        self, code: str, breaks: pl.Series, *, texts: pl.Series, rows: pl.Series | None = None
    ) -> None:
        self._note(self.finished.faults, code, which=breaks, texts=texts, rows=rows)

    def remark(
        self, code: str, changed: pl.Series, *, texts: pl.Series, rows: pl.Series | None = None
    ) -> None:
        self._note(self.finished.remarks, code, which=changed, texts=texts, rows=rows)

    def _note(
        self,
        found: list[Fault],
        code: str,
        *,
        which: pl.Series,
        texts: pl.Series,
        rows: pl.Series | None,
    ) -> None:
        if not which.any():
            return
        at = which.arg_true()
        numbers = at if rows is None else rows.gather(at)
        found.append(Fault(self.cell, code, numbers, texts.gather(at)))


def put(texts: pl.Series, rows: pl.Series, *, values: pl.Series) -> pl.Series:
    """Give texts with other values in some rows; `scatter` alone would change the texts given."""
    return texts.clone().scatter(rows, values)


def length_limit(cell: Cell) -> int | None:
    """Give the most that a text column may hold: its max, its width, or the smaller one."""
    limits = [int(limit) for limit in (cell.column.max, cell.column.width) if limit is not None]
    return min(limits) if limits else None


def cut_bytes(text: str, limit: int) -> str:
    """Cut a text to some bytes of UTF-8, never through a character."""
    return text.encode()[:limit].decode(errors="ignore")


def padded(text: pl.Series, cell: Cell, *, writing: Writing) -> pl.Series:
    """Fill a cell up to its width; the sign of a number stays in front of filling zeros."""
    width = cell.column.width
    assert width is not None
    fill = cell.column.fill or " "
    to_right = cell.column.align == "right"
    if to_right and fill == "0" and cell.column.type in NUMBERS:
        return text.str.zfill(width)
    fixed = writing.spec.fixed
    if fixed is not None and fixed.bytes and writing.encoding == "utf-8":
        missing = width - text.str.len_bytes().cast(pl.Int64)
        fills = [fill * max(number, 0) for number in missing.to_list()]
        added = pl.Series(fills, dtype=pl.String)
        return added + text if to_right else text + added
    return text.str.pad_start(width, fill) if to_right else text.str.pad_end(width, fill)


def _none(length: int) -> pl.Series:
    return pl.repeat(value=False, n=length, eager=True, dtype=pl.Boolean)


def _literal(replacement: str) -> str:
    """Write a replacement so that the engine takes no $ for a group."""
    return replacement.replace("$", "$$")
