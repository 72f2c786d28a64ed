"""Frames of a million rows in little memory: one value for a column that never changes.

A column that holds the same value in every row, or none, is kept as that one value. Its type
stays, and so does everything that can be seen of the frame.
"""

from __future__ import annotations

import polars as pl
import polars.selectors as cs


def slim(frame: pl.DataFrame) -> pl.DataFrame:
    """Keep every column that never changes as one value."""
    if frame.height < 2:
        return frame
    # The first and the last row rule out most columns before any is read in full.
    ends = pl.concat([frame.head(1), frame.tail(1)])
    same = _unchanging(frame.select(_unchanging(ends)))
    return frame.with_columns(pl.col(same).first())


def _unchanging(frame: pl.DataFrame) -> list[str]:
    """Name the columns with one value in all rows; of lists, those without any."""
    if not frame.width:
        return []
    found = frame.select(
        cs.nested().is_null().all(), (~cs.nested()).eq_missing((~cs.nested()).first()).all()
    )
    return [name for name, same in found.row(0, named=True).items() if same]
