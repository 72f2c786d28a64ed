"""Frames of a million rows in little memory: one value for a column that never changes.

A column that holds the same value in every row, or none, is kept as that one value. Its type
stays, and so does everything that can be seen of the frame.
"""

from __future__ import annotations

import polars as pl


def slim(frame: pl.DataFrame) -> pl.DataFrame:
    """Keep every column that never changes as one value."""
    if frame.height < 2:
        return frame
    # The first and the last row rule out most columns before any is read in full.
    ends = pl.concat([frame.head(1), frame.tail(1)])
    same = _unchanging(frame.select(_unchanging(ends)))
    first = frame.head(1)
    return frame.with_columns(
        pl.lit(first[name][0], frame.schema[name]).alias(name) for name in same
    )


def _unchanging(frame: pl.DataFrame) -> list[str]:
    """Name the columns with one value in all rows; of lists, those without any."""
    if not frame.width:
        return []
    found = frame.select(
        pl.col(name).is_null().all()
        if kind.is_nested()
        else pl.col(name).eq_missing(pl.col(name).first()).all()
        for name, kind in frame.schema.items()
    )
    return [name for name in found.columns if found[name][0]]
