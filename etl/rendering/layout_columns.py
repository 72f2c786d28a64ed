"""Lay out records at column speed: every loop is a frame, every body one expression.

files ──> voucher rows ──> posting rows      join the children of every row, keep order
  text <──── text <────────── text           write bodies, then join texts per parent
line 1 ────> line ──────────> line           add up the lines before each row
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce

import polars as pl

from etl.errors import Problem, UserMustFix
from etl.frames import FILE_KEY, POSTING_KEY, VOUCHER_KEY
from etl.rendering.layout_names import FILE_LIST
from etl.rendering.layout_tree import (
    FILE_LOOP,
    Block,
    Both,
    Cell,
    Choice,
    Condition,
    Counter,
    Filled,
    Flag,
    Loop,
    LoopFlag,
    Not,
    Text,
    columns_read,
    counters_read,
    loops_of,
)

#: The most that the fixed text of one loop may come to: a layout is small, a batch is not.
MAX_FIXED_CHARACTERS = 2**31

_PARENT = "|parent"
_ROW = "|row"
_TEXT = "|text"
_LINES = "|lines"
#: Lists whose rows have a line of their own in the file.
TRACKED: Mapping[str, str] = {"postings": POSTING_KEY, "vouchers": VOUCHER_KEY}


@dataclass(frozen=True, slots=True)
class LaidOut:
    """The text of every file, and where postings begin in it.

    `texts` has file.key and text, line ends are LF. `lines` has posting.key and line, from 1; a
    posting that is not printed has no row.
    """

    texts: pl.DataFrame
    lines: pl.DataFrame


@dataclass
class _Frame:
    """The rows of a loop while its body is written; `printed` knows where they stand."""

    rows: pl.DataFrame
    number: int
    printed: _Printed | None


@dataclass
class _Printed:
    """One loop with everything that its rows' line numbers add up from."""

    frame: str
    parent: _Printed | None
    parent_row: pl.Series
    lines_before_loop: pl.Series
    lines_before_row: pl.Series
    keys: pl.Series | None = None
    texts: pl.Series | None = None


@dataclass
class _Lines:
    """A number of line ends: a fixed part and what depends on the row."""

    fixed: int = 0
    varying: list[pl.Expr] = field(default_factory=list)

    def expr(self) -> pl.Expr:
        return reduce(lambda a, b: a + b, self.varying, pl.lit(self.fixed, pl.Int64))

    def plus(self, other: _Lines) -> _Lines:
        return _Lines(self.fixed + other.fixed, [*self.varying, *other.varying])


def lay_out(block: Block, lists: Mapping[str, pl.DataFrame]) -> LaidOut:
    """Lay out a checked layout.

    Needs: lists, one frame per list in output order, as design section 4 and layout_names say;
    the cells are finished text without line ends, null is empty.
    Gives: one text per row of lists["file"], and the lines of postings.
    """
    run = _Run(lists)
    files = lists[FILE_LIST]
    wanted = {column for part in block for loop, column in columns_read(part) if loop == FILE_LOOP}
    rows = files.select(
        pl.col(column).alias(_name(FILE_LOOP, column)) for column in sorted(wanted | {FILE_KEY})
    )
    frame = _Frame(rows, FILE_LOOP, None)
    text, _ = run.block(block, frame, None, _Lines())
    texts = frame.rows.select(
        pl.col(_name(FILE_LOOP, FILE_KEY)).alias(FILE_KEY), text.alias("text")
    )
    return LaidOut(texts, first_lines(run.found_lines(), lists))


class _Run:
    def __init__(self, lists: Mapping[str, pl.DataFrame]) -> None:
        self.lists = lists
        self.printed: list[_Printed] = []

    def block(
        self, block: Block, frame: _Frame, guard: pl.Expr | None, before: _Lines
    ) -> tuple[pl.Expr, _Lines]:
        """Give the text of a block and its line ends; `guard` says on which rows it is printed."""
        pieces: list[pl.Expr] = []
        lines = _Lines()
        for part in _merge_texts(block):
            if isinstance(part, Text):
                pieces.append(pl.lit(part.text))
                lines = lines.plus(_Lines(part.text.count("\n")))
            elif isinstance(part, Cell):
                pieces.append(pl.col(_name(part.loop, part.column)))
            elif isinstance(part, Counter):
                pieces.append(pl.col(_name(part.loop, part.which)).cast(pl.String))
            else:
                handle = self.choice if isinstance(part, Choice) else self.loop
                text, added = handle(part, frame, guard, before.plus(lines))  # type: ignore[arg-type]
                pieces.append(text)
                lines = lines.plus(added)
        if not pieces:
            return pl.lit(""), lines
        return pl.concat_str(pieces, ignore_nulls=True), lines

    def choice(
        self, choice: Choice, frame: _Frame, guard: pl.Expr | None, before: _Lines
    ) -> tuple[pl.Expr, _Lines]:
        results: list[tuple[pl.Expr, pl.Expr, _Lines]] = []
        rest = guard
        for condition, block in choice.branches:
            holds = _condition(condition)
            text, lines = self.block(block, frame, _and(rest, holds), before)
            results.append((holds, text, lines))
            rest = _and(rest, ~holds)
        text, lines = self.block(choice.otherwise, frame, rest, before)
        all_lines = [*(added for _holds, _text, added in results), lines]
        same = all(not added.varying and added.fixed == lines.fixed for added in all_lines)
        line_expr = lines.expr()
        for holds, branch_text, added in reversed(results):
            text = pl.when(holds).then(branch_text).otherwise(text)
            line_expr = pl.when(holds).then(added.expr()).otherwise(line_expr)
        return text, lines if same else _Lines(0, [line_expr])

    def loop(
        self, loop: Loop, frame: _Frame, guard: pl.Expr | None, before: _Lines
    ) -> tuple[pl.Expr, _Lines]:
        inner, pairs = self.open_loop(loop, frame, guard)
        is_tracked = any(each.frame in TRACKED for each in loops_of((loop,)))
        if is_tracked:
            inner.printed = _Printed(
                loop.frame,
                frame.printed,
                pairs[_PARENT],
                frame.rows.with_columns(before.expr().alias("|before"))["|before"],
                pairs[_PARENT],
            )
            self.printed.append(inner.printed)
        fixed = sum(len(part.text) for part in loop.body if isinstance(part, Text))
        if fixed * pairs.height > MAX_FIXED_CHARACTERS:
            raise UserMustFix(_too_long(loop, fixed, pairs.height))
        text, lines = self.block(loop.body, inner, None, _Lines())
        body = inner.rows.select(
            pairs[_PARENT], text.alias(_TEXT), lines.expr().cast(pl.Int64).alias(_LINES)
        )
        if inner.printed is not None:
            inner.printed.lines_before_row = body.select(_before_in_group()).to_series()
            if loop.frame in TRACKED:
                inner.printed.texts = body[_TEXT]
                inner.printed.keys = self.lists[loop.frame][TRACKED[loop.frame]].gather(pairs[_ROW])
        joined_text, joined_lines = _name(loop.number, _TEXT), _name(loop.number, _LINES)
        grouped = (
            body.group_by(_PARENT, maintain_order=True)
            .agg(pl.col(_TEXT), pl.col(_LINES).sum())
            .select(
                _PARENT,
                pl.col(_TEXT).list.join("").alias(joined_text),
                pl.col(_LINES).alias(joined_lines),
            )
        )
        parents = pl.DataFrame(
            {_PARENT: pl.int_range(frame.rows.height, dtype=pl.UInt32, eager=True)}
        )
        found = parents.join(grouped, on=_PARENT, how="left", maintain_order="left", validate="1:1")
        frame.rows = frame.rows.hstack(found.drop(_PARENT))
        if not loop.otherwise:
            return pl.col(joined_text), _Lines(0, [pl.col(joined_lines).fill_null(0)])
        is_empty = pl.col(joined_text).is_null()
        text, lines = self.block(loop.otherwise, frame, _and(guard, is_empty), before)
        return (
            pl.when(is_empty).then(text).otherwise(pl.col(joined_text)),
            _Lines(0, [pl.when(is_empty).then(lines.expr()).otherwise(pl.col(joined_lines))]),
        )

    def open_loop(
        self, loop: Loop, frame: _Frame, guard: pl.Expr | None
    ) -> tuple[_Frame, pl.DataFrame]:
        """Make the rows of a loop: children of every row, in order, with what the body reads.

        Gives: the frame of the loop, and for each of its rows the row of the parent frame and
        of the list.
        """
        listed = self.lists[loop.frame]
        parents = frame.rows.select(
            pl.col(_name(loop.parent, loop.key)).alias(loop.key),
            pl.int_range(pl.len(), dtype=pl.UInt32).alias(_PARENT),
            pl.lit(True).alias("|guard") if guard is None else guard.alias("|guard"),
        ).filter("|guard")
        pairs = parents.drop("|guard").join(
            listed.select(loop.key, pl.int_range(pl.len(), dtype=pl.UInt32).alias(_ROW)),
            on=loop.key,
            how="inner",
            maintain_order="left_right",
            validate="1:m" if loop.parent == frame.number else "m:m",
        )
        reads = sorted(set(columns_read(loop)))
        own = [column for number, column in reads if number == loop.number]
        outer = [_name(number, column) for number, column in reads if number < loop.number]
        rows = pairs.select(_PARENT, _ROW)
        if own:
            mine = listed.select(pl.col(own).gather(pairs[_ROW]))
            rows = rows.hstack(mine.rename({column: _name(loop.number, column) for column in own}))
        if outer:
            rows = rows.hstack(frame.rows.select(pl.col(outer).gather(pairs[_PARENT])))
        if loop.only is not None:
            rows = rows.filter(_condition(loop.only))
        counters = {which for number, which in counters_read(loop) if number == loop.number}
        if counters:
            rows = rows.with_columns(
                expr.alias(_name(loop.number, which))
                for which, expr in _counters().items()
                if which in counters
            )
        return _Frame(rows, loop.number, None), rows.select(_PARENT, _ROW)

    def found_lines(self) -> dict[str, pl.DataFrame]:
        """Give key and line of every printed row of the tracked lists."""
        found: dict[str, list[pl.DataFrame]] = {frame: [] for frame in TRACKED}
        starts: dict[int, pl.Series] = {}
        for printed in self.printed:
            parent = (
                starts[id(printed.parent)].gather(printed.parent_row)
                if printed.parent is not None
                else 1
            )
            start = (
                printed.lines_before_loop.gather(printed.parent_row)
                + printed.lines_before_row
                + parent
            )
            starts[id(printed)] = start
            if printed.keys is not None and printed.texts is not None:
                text = pl.col("text")
                frame = pl.DataFrame(
                    {"key": printed.keys, "line": start, "text": printed.texts}
                ).filter(text.str.len_bytes() > 0)
                blank = text.str.len_bytes() - text.str.strip_chars_start("\n").str.len_bytes()
                found[printed.frame].append(
                    frame.select("key", (pl.col("line") + blank.cast(pl.Int64)).alias("line"))
                )
        return {frame: pl.concat(parts) for frame, parts in found.items() if parts}


def first_lines(
    found: Mapping[str, pl.DataFrame], lists: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Give the first line of every posting; where no posting has one, that of its voucher.

    A layout may print a whole voucher in one record, and then no list of postings is looped over.
    """
    lines = found.get("postings")
    if (lines is None or lines.is_empty()) and "vouchers" in found and "postings" in lists:
        lines = lists["postings"].select(POSTING_KEY, VOUCHER_KEY).join(
            found["vouchers"].group_by("key").agg(pl.col("line").min()),
            left_on=VOUCHER_KEY, right_on="key", how="inner", validate="m:1",
        ).select(pl.col(POSTING_KEY).alias("key"), "line")  # fmt: skip
    if lines is None:
        return pl.DataFrame(schema={POSTING_KEY: pl.UInt32, "line": pl.Int64})
    return (
        lines.group_by("key")
        .agg(pl.col("line").min())
        .select(pl.col("key").cast(pl.UInt32).alias(POSTING_KEY), pl.col("line").cast(pl.Int64))
        .sort(POSTING_KEY)
    )


def _too_long(loop: Loop, fixed: int, rows: int) -> Problem:
    return Problem(
        "LAY-5",
        f"{fixed} characters of fixed text for each of {rows} rows of {loop.frame}",
        "the layout",
        "shorten the text inside of the loop, or split the file",
    )


def _name(loop: int, column: str) -> str:
    return f"{loop}|{column}"


def _merge_texts(block: Block) -> Block:
    merged: list[Text] = []
    parts = []
    for part in block:
        if isinstance(part, Text):
            merged.append(part)
            continue
        if merged:
            parts.append(Text("".join(text.text for text in merged)))
            merged = []
        parts.append(part)
    if merged:
        parts.append(Text("".join(text.text for text in merged)))
    return tuple(parts)


def _and(left: pl.Expr | None, right: pl.Expr) -> pl.Expr:
    return right if left is None else left & right


def _condition(condition: Condition) -> pl.Expr:
    """Give a boolean without nulls: a null cell is empty, a null boolean is false."""
    if isinstance(condition, Filled):
        return pl.col(_name(condition.loop, condition.column)).str.len_bytes().fill_null(0) > 0
    if isinstance(condition, Flag):
        return pl.col(_name(condition.loop, condition.column)).fill_null(False)
    if isinstance(condition, LoopFlag):
        return pl.col(_name(condition.loop, condition.which))
    if isinstance(condition, Not):
        return ~_condition(condition.of)
    left, right = _condition(condition.left), _condition(condition.right)
    return left & right if isinstance(condition, Both) else left | right


def _is_first() -> pl.Expr:
    return (pl.col(_PARENT) != pl.col(_PARENT).shift(1)).fill_null(True)


def _is_last() -> pl.Expr:
    return (pl.col(_PARENT) != pl.col(_PARENT).shift(-1)).fill_null(True)


def _counters() -> dict[str, pl.Expr]:
    """Give loop.* over rows whose parents stand together: no grouping is needed."""
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    index0 = place - pl.when(_is_first()).then(place).forward_fill()
    return {
        "index": index0 + 1,
        "index0": index0,
        "length": pl.when(_is_last()).then(index0 + 1).backward_fill(),
        "first": _is_first(),
        "last": _is_last(),
    }


def _before_in_group() -> pl.Expr:
    """Give the lines of the earlier rows of the same parent."""
    before = pl.col(_LINES).cum_sum() - pl.col(_LINES)
    return before - pl.when(_is_first()).then(before).forward_fill()
