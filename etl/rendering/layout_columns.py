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
from etl.frames import FILE_KEY
from etl.rendering.layout_lines import (
    TRACKED,
    LaidOut,
    Printed,
    lines_before,
    posting_lines,
)
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
    Part,
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


@dataclass
class _Frame:
    """The rows of a loop while its body is written; `printed` knows where they stand.

    `pairs` keeps what was joined once: two loops over one list are common.
    """

    rows: pl.DataFrame
    number: int
    printed: Printed | None = None
    pairs: dict[tuple[str, int], pl.DataFrame] = field(default_factory=dict)


@dataclass
class Lines:
    """A number of line ends: a fixed part and what depends on the row."""

    fixed: int = 0
    varying: list[pl.Expr] = field(default_factory=list)

    def expr(self) -> pl.Expr:
        return reduce(lambda a, b: a + b, self.varying, pl.lit(self.fixed, pl.Int64))

    def plus(self, other: Lines) -> Lines:
        return Lines(self.fixed + other.fixed, [*self.varying, *other.varying])


def lay_out(block: Block, lists: Mapping[str, pl.DataFrame]) -> LaidOut:
    """Lay out a checked layout.

    Needs: lists, one frame per list in output order, as design section 4 and layout_names say;
    the cells are finished text without line ends, null is empty.
    Gives: one text per row of lists["file"], and the lines of postings.
    """
    run = _Run(lists)
    wanted = {column for part in block for loop, column in columns_read(part) if loop == FILE_LOOP}
    wanted.add(FILE_KEY)
    rows = run.listed(FILE_LIST, sorted(wanted))
    frame = _Frame(rows.rename({column: _name(FILE_LOOP, column) for column in wanted}), FILE_LOOP)
    text, _lines = run.block(block, frame, guard=None, before=Lines())
    texts = frame.rows.select(
        pl.col(_name(FILE_LOOP, FILE_KEY)).alias(FILE_KEY), text.alias("text")
    )
    return LaidOut(texts, posting_lines(run.printed, lists))


class _Run:
    def __init__(self, lists: Mapping[str, pl.DataFrame]) -> None:
        self.lists = lists
        self.printed: list[Printed] = []

    def listed(self, frame: str, columns: list[str]) -> pl.DataFrame:
        """Give columns of a list, null as empty text."""
        rows = self.lists[frame].select(columns)
        with_nulls = [
            column.name for column in rows if column.dtype == pl.String and column.null_count()
        ]
        return rows.with_columns(pl.col(with_nulls).fill_null("")) if with_nulls else rows

    def block(
        self, block: Block, frame: _Frame, *, guard: pl.Expr | None, before: Lines
    ) -> tuple[pl.Expr, Lines]:
        """Give the text of a block and its line ends; `guard` says on which rows it is printed."""
        pieces: list[str | pl.Expr] = []
        lines = Lines()
        for part in _merge_texts(block):
            if isinstance(part, Text):
                pieces.append(part.text)
                lines = lines.plus(Lines(part.text.count("\n")))
            elif isinstance(part, Cell):
                pieces.append(pl.col(_name(part.loop, part.column)))
            elif isinstance(part, Counter):
                pieces.append(pl.col(_name(part.loop, part.which)).cast(pl.String))
            elif isinstance(part, Choice):
                text, added = self.choice(part, frame, guard=guard, before=before.plus(lines))
                pieces.append(text)
                lines = lines.plus(added)
            else:
                text, added = self.loop(part, frame, guard=guard, before=before.plus(lines))
                pieces.append(text)
                lines = lines.plus(added)
        return _join_pieces(pieces), lines

    def choice(
        self, choice: Choice, frame: _Frame, *, guard: pl.Expr | None, before: Lines
    ) -> tuple[pl.Expr, Lines]:
        results: list[tuple[pl.Expr, pl.Expr, Lines]] = []
        rest = guard
        for condition, block in choice.branches:
            holds = _condition(condition)
            text, lines = self.block(block, frame, guard=_and(rest, holds), before=before)
            results.append((holds, text, lines))
            rest = _and(rest, ~holds)
        text, lines = self.block(choice.otherwise, frame, guard=rest, before=before)
        same = all(not added.varying and added == lines for _holds, _text, added in results)
        line_expr = lines.expr()
        for holds, branch_text, added in reversed(results):
            text = pl.when(holds).then(branch_text).otherwise(text)
            line_expr = pl.when(holds).then(added.expr()).otherwise(line_expr)
        return text, lines if same else Lines(0, [line_expr])

    def loop(
        self, loop: Loop, frame: _Frame, *, guard: pl.Expr | None, before: Lines
    ) -> tuple[pl.Expr, Lines]:
        inner = self.open_loop(loop, frame, guard=guard)
        printed = None
        if any(each.frame in TRACKED for each in loops_of((loop,))):
            printed = Printed(
                loop.frame,
                frame.printed,
                inner.rows[_PARENT],
                frame.rows.with_columns(before.expr().alias("|before"))["|before"],
            )
            self.printed.append(printed)
            inner.printed = printed
        text, lines = self.block(loop.body, inner, guard=None, before=Lines())
        body = inner.rows.select(
            _PARENT, text.alias(_TEXT), *([lines.expr().alias(_LINES)] if lines.varying else [])
        )
        if printed is not None:
            each_lines = body[_LINES] if lines.varying else lines.fixed
            printed.lines_before_row = lines_before(body[_PARENT], each_lines)
            if loop.frame in TRACKED:
                printed.texts = None if _is_plain(loop.body) else body[_TEXT]
                keys = self.lists[loop.frame][TRACKED[loop.frame]]
                printed.keys = keys.gather(inner.rows[_ROW])
        return self.join_texts(loop, body, frame=frame, guard=guard, before=before, lines=lines)

    def join_texts(
        self, loop: Loop, body: pl.DataFrame, *,
        frame: _Frame, guard: pl.Expr | None, before: Lines, lines: Lines,
    ) -> tuple[pl.Expr, Lines]:  # fmt: skip
        """Join the texts of a loop per row of its parent, and add the else of the loop."""
        joined, joined_lines = _name(loop.number, _TEXT), _name(loop.number, _LINES)
        fixed = None if lines.varying else lines.fixed
        found = _join_per_parent(body, parents=frame.rows.height, fixed=fixed).select(
            pl.col(_TEXT).alias(joined), pl.col(_LINES).alias(joined_lines)
        )
        is_empty = pl.col(joined).is_null()
        if loop.otherwise:
            frame.rows = frame.rows.hstack(found)
            text, other = self.block(
                loop.otherwise, frame, guard=_and(guard, is_empty), before=before
            )
            return pl.when(is_empty).then(text).otherwise(pl.col(joined)), Lines(
                0, [pl.when(is_empty).then(other.expr()).otherwise(pl.col(joined_lines))]
            )
        if found[joined].null_count():
            found = found.with_columns(
                pl.col(joined).fill_null(""), pl.col(joined_lines).fill_null(0)
            )
        frame.rows = frame.rows.hstack(found)
        is_on_one_line = not lines.varying and lines.fixed == 0
        return pl.col(joined), Lines() if is_on_one_line else Lines(0, [pl.col(joined_lines)])

    def open_loop(self, loop: Loop, frame: _Frame, *, guard: pl.Expr | None) -> _Frame:
        """Make the rows of a loop: children of every row, in order, with what the body reads."""
        pairs = self.pair(loop, frame)
        fixed = sum(len(part.text) for part in loop.body if isinstance(part, Text))
        if fixed * pairs.height > MAX_FIXED_CHARACTERS:
            raise UserMustFix(_too_long(loop, fixed, rows=pairs.height))
        if guard is not None:
            mask = frame.rows.with_columns(guard.alias("|guard"))["|guard"]
            pairs = pairs.filter(mask.gather(pairs[_PARENT]))
        reads = sorted(set(columns_read(loop)))
        own = [column for number, column in reads if number == loop.number]
        outer = [_name(number, column) for number, column in reads if number < loop.number]
        rows = pairs
        if own:
            mine = self.listed(loop.frame, own)
            if pairs.height < mine.height or not pairs[_ROW].is_sorted():
                mine = mine[pairs[_ROW]]
            rows = rows.hstack(mine.rename({column: _name(loop.number, column) for column in own}))
        if outer:
            rows = rows.hstack(frame.rows.select(outer)[pairs[_PARENT]])
        if loop.only is not None:
            rows = rows.filter(_condition(loop.only))
        counters = {which for number, which in counters_read(loop) if number == loop.number}
        if counters:
            rows = rows.with_columns(
                expr.alias(_name(loop.number, which))
                for which, expr in _counters().items()
                if which in counters
            )
        return _Frame(rows, loop.number)

    def pair(self, loop: Loop, frame: _Frame) -> pl.DataFrame:
        """Give for each row of a loop the row of the parent frame and that of the list."""
        known = frame.pairs.get((loop.frame, loop.parent))
        if known is not None:
            return known
        key = _say_sorted(frame.rows[_name(loop.parent, loop.key)])
        parents = pl.DataFrame({loop.key: key, _PARENT: _places(key.len())})
        key = _say_sorted(self.lists[loop.frame][loop.key])
        children = pl.DataFrame({loop.key: key, _ROW: _places(key.len())})
        if loop.parent == frame.number:
            groups = key.rle().struct.field("value")
            if groups.equals(parents[loop.key]):  # every parent has children, in its order
                found = children.with_columns(key.rle_id().alias(_PARENT))
            else:
                found = children.join(
                    parents, on=loop.key, how="left", maintain_order="left", validate="m:1"
                ).drop_nulls(_PARENT)
            if not found[_PARENT].is_sorted():
                found = found.sort(_PARENT, maintain_order=True)
        else:  # the list of an outer row, once for each inner row
            found = parents.join(
                children, on=loop.key, how="inner", maintain_order="left_right", validate="m:m"
            )
        pairs = found.select(pl.col(_PARENT).set_sorted(), _ROW)
        frame.pairs[loop.frame, loop.parent] = pairs
        return pairs


def _join_pieces(pieces: list[str | pl.Expr]) -> pl.Expr:
    """Write fixed text and values one after the other.

    pl.format is faster than pl.concat_str; versions of Polars disagree on how it escapes braces,
    so text with braces is a value.
    """
    if not pieces:
        return pl.lit("")
    form, values = "", []
    for piece in pieces:
        if isinstance(piece, str) and not {"{", "}"} & set(piece):
            form += piece
        else:
            form += "{}"
            values.append(pl.lit(piece) if isinstance(piece, str) else piece)
    return pl.format(form, *values) if values else pl.lit(form)


def _join_per_parent(body: pl.DataFrame, *, parents: int, fixed: int | None) -> pl.DataFrame:
    """Join the texts and add up the line ends of the rows of each parent.

    Needs: `fixed` is the number of line ends of every row, where it is the same.
    Gives: one row per parent, null where the loop has no row for it.
    """
    ends = pl.col(_LINES).sum() if fixed is None else pl.len().cast(pl.Int64) * fixed
    if parents == 1 and body.height:
        return body.select(pl.col(_TEXT).str.join(""), ends.alias(_LINES))
    parent = pl.col(_PARENT)
    if body.select((parent == parent.shift(1)).any()).item():
        body = body.group_by(_PARENT, maintain_order=True).agg(_TEXT, ends.alias(_LINES))
        body = body.with_columns(pl.col(_TEXT).list.join(""))
    elif fixed is not None:
        body = body.with_columns(pl.lit(fixed, pl.Int64).alias(_LINES))
    if body.height == parents:
        return body
    return pl.DataFrame({_PARENT: _places(parents)}).join(
        body, on=_PARENT, how="left", maintain_order="left", validate="1:1"
    )


def _too_long(loop: Loop, fixed: int, *, rows: int) -> Problem:
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
    parts: list[Part] = []
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


def _is_plain(body: Block) -> bool:
    """Say whether a body surely prints something, beginning on the line where it stands."""
    first = body[0] if body else None
    return isinstance(first, Text) and first.text[:1] not in ("", "\n")


def _and(left: pl.Expr | None, right: pl.Expr) -> pl.Expr:
    return right if left is None else left & right


def _condition(condition: Condition) -> pl.Expr:
    """Give a boolean without nulls: cells have none, and a null boolean is false."""
    if isinstance(condition, Filled):
        return pl.col(_name(condition.loop, condition.column)) != ""
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


def _say_sorted(key: pl.Series) -> pl.Series:
    """Tell Polars where keys are sorted: it joins and groups such columns without hashing."""
    return key.set_sorted() if key.is_sorted() else key


def _places(height: int) -> pl.Series:
    return pl.int_range(height, dtype=pl.UInt32, eager=True).set_sorted()
