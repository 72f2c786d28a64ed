"""Where postings begin: line numbers, added up from the loops that print them.

line of a row = line of its parent + line ends before the loop + line ends of earlier rows
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from etl.frames import POSTING_KEY, VOUCHER_KEY

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


@dataclass(eq=False)
class Printed:
    """One loop with everything that its rows' line numbers add up from."""

    frame: str
    parent: Printed | None
    parent_row: pl.Series
    lines_before_loop: pl.Series
    lines_before_row: pl.Series | None = None
    keys: pl.Series | None = None
    #: What each row prints; None where every row surely begins on its own line.
    texts: pl.Series | None = None


def lines_before(parent: pl.Series, lines: pl.Series | int) -> pl.Series:
    """Give the line ends of the earlier rows of the same parent.

    Needs: rows with equal parents stand together; `lines` of each row, or the same of all.
    """
    rows = pl.DataFrame({"parent": parent})
    if isinstance(lines, int):
        before = pl.int_range(pl.len(), dtype=pl.Int64) * lines
    else:
        rows = rows.with_columns(lines.alias("lines"))
        before = pl.col("lines").cum_sum() - pl.col("lines")
    is_first = (pl.col("parent") != pl.col("parent").shift(1)).fill_null(True)
    return rows.with_columns(before.alias("before")).select(
        pl.col("before") - pl.when(is_first).then("before").forward_fill()
    )["before"]


def posting_lines(loops: Sequence[Printed], lists: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Give posting.key and line of every printed posting; see first_lines."""
    starts: dict[Printed, pl.Series] = {}
    for printed in loops:  # outer loops stand before inner ones
        assert printed.lines_before_row is not None
        base = printed.lines_before_loop
        base = base + (1 if printed.parent is None else starts[printed.parent])
        starts[printed] = base.gather(printed.parent_row) + printed.lines_before_row
    found: dict[str, pl.DataFrame] = {}
    for frame in TRACKED:
        parts = [
            _printed_rows(pl.DataFrame({"key": printed.keys, "line": start}), printed.texts)
            for printed, start in starts.items()
            if printed.frame == frame and printed.keys is not None
        ]
        if parts:
            found[frame] = pl.concat(parts)
        if frame in found and found[frame].height:
            break
    return first_lines(found, lists)


def _printed_rows(rows: pl.DataFrame, texts: pl.Series | None) -> pl.DataFrame:
    """Keep rows that print something; line ends at their start belong to the line before."""
    if texts is None:
        return rows
    text = pl.col("text")
    rows = rows.with_columns(texts.alias("text"))
    odd = rows.select(
        blank=text.str.starts_with("\n").any(), empty=(text.str.len_bytes() == 0).any()
    )
    if odd["empty"][0]:
        rows = rows.filter(text.str.len_bytes() > 0)
    if odd["blank"][0]:
        blank = text.str.len_bytes() - text.str.strip_chars_start("\n").str.len_bytes()
        rows = rows.with_columns(pl.col("line") + blank.cast(pl.Int64))
    return rows.select("key", "line")


def first_lines(
    found: Mapping[str, pl.DataFrame], lists: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Give the first line of every posting; where no posting has one, that of its voucher.

    A layout may print a whole voucher in one record, and then no list of postings is looped over.
    """
    lines = found.get("postings")
    if (lines is None or lines.is_empty()) and "vouchers" in found and "postings" in lists:
        vouchers = found["vouchers"].group_by("key").agg(pl.col("line").min())
        lines = lists["postings"].select(POSTING_KEY, VOUCHER_KEY).join(
            vouchers, left_on=VOUCHER_KEY, right_on="key", how="inner", validate="m:1",
        ).select(pl.col(POSTING_KEY).alias("key"), "line")  # fmt: skip
    if lines is None:
        return pl.DataFrame(schema={POSTING_KEY: pl.UInt32, "line": pl.Int64})
    if not lines["key"].is_sorted():
        lines = lines.sort("key")
    if lines.select((pl.col("key") == pl.col("key").shift(1)).any()).item():
        lines = lines.group_by("key", maintain_order=True).agg(pl.col("line").min())
    return lines.select(pl.col("key").cast(pl.UInt32).alias(POSTING_KEY), "line")
