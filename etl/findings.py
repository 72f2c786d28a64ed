"""Rejections and notes: what a stage says about items, as frames.

A rejection takes its item out of the batch; a note is a remark that the reviewer must see.
"""

from __future__ import annotations

import polars as pl

from etl.codes import CODES
from etl.frames import ITEM_KEY, NOTES, REJECTIONS, empty, schema

_NO_REJECTIONS, _NO_NOTES = empty(REJECTIONS), empty(NOTES)


def reject(
    rows: pl.DataFrame,
    code: str,
    *,
    message: pl.Expr | str,
    fix: pl.Expr | str,
    where: pl.Expr | str | None = None,
    failure_type: str | None = None,
) -> pl.DataFrame:
    """Make one rejection per row.

    Needs: rows already filtered to the faulty ones, with item.key and item.id, and line.number
    where a line is to blame. Texts are literal strings or expressions over the rows.
    Gives: REJECTIONS; the failure type is the code's own unless one is given.
    """
    if rows.is_empty():
        return no_rejections()
    line = pl.col("line.number") if "line.number" in rows.columns else pl.lit(None, pl.Int64)
    place = (
        where
        if where is not None
        else (pl.col("item.where") if "item.where" in rows.columns else pl.lit(None, pl.String))
    )
    return rows.select(
        pl.col(ITEM_KEY),
        pl.col("item.id").alias("item_id"),
        line.cast(pl.Int64).alias("line"),
        pl.lit(code).alias("code"),
        _text(message).alias("message"),
        _text(fix).alias("fix"),
        _text(place).alias("where"),
        pl.lit(failure_type or CODES[code].failure_type).alias("failure_type"),
    ).cast(schema(REJECTIONS))  # type: ignore[arg-type]


def note(
    rows: pl.DataFrame, code: str, detail: pl.Expr | str, *, about: str | None = None
) -> pl.DataFrame:
    """Make one note per row (rows need item.key and item.id).

    Needs: about, where notes of the code are about several things: each is a remark by itself.
    """
    if rows.is_empty():
        return no_notes()
    assert code in CODES, code
    return rows.select(
        pl.col(ITEM_KEY),
        pl.col("item.id").alias("item_id"),
        pl.lit(code).alias("code"),
        _text(detail).alias("detail"),
        pl.lit(about, pl.String()).alias("about"),
    ).cast(schema(NOTES))  # type: ignore[arg-type]


def no_rejections() -> pl.DataFrame:
    """Give an empty frame of rejections."""
    return _NO_REJECTIONS.clone()


def no_notes() -> pl.DataFrame:
    """Give an empty frame of notes."""
    return _NO_NOTES.clone()


def join_findings(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Stack frames of rejections, or of notes (at least one frame)."""
    return pl.concat(frames)


def without(frame: pl.DataFrame, rejections: pl.DataFrame) -> pl.DataFrame:
    """Keep the rows whose item was not rejected."""
    if rejections.is_empty():
        return frame
    return frame.join(
        rejections.select(ITEM_KEY).unique(), on=ITEM_KEY, how="anti", maintain_order="left"
    )


def _text(value: pl.Expr | str) -> pl.Expr:
    return pl.lit(value) if isinstance(value, str) else value
