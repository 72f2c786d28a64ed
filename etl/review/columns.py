"""The columns that a review reads; a batch with nothing rendered has fewer, so they are added."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from etl.frames import (
    CHECKED_LINES,
    ITEM,
    ITEM_KEY,
    ITEM_WIRE,
    KEY,
    LINE_KEY,
    NOTES,
    POSTING,
    REJECTIONS,
    ROLES,
    VOUCHER,
    VOUCHER_KEY,
    schema,
)
from etl.review.given import BatchFrames

_RULE = {
    "rule.id": pl.String(),
    "rule.debit_role": pl.String(),
    "rule.credit_role": pl.String(),
    "rule.confirmed": pl.Boolean(),
}
ITEM_COLUMNS: Mapping[str, pl.DataType] = {**schema(ITEM_WIRE, ITEM), **_RULE}
SETTLED_COLUMNS: Mapping[str, pl.DataType] = {
    ITEM_KEY: KEY,
    **ITEM_COLUMNS,
    "verdict": pl.String(),
    "external_id": pl.String(),
}
LINE_COLUMNS: Mapping[str, pl.DataType] = {
    **schema(CHECKED_LINES),
    "tax_code": pl.String(),
    "text": pl.String(),
    **{f"account.{role}": pl.String() for role in ROLES},
}
VOUCHER_COLUMNS: Mapping[str, pl.DataType] = {
    VOUCHER_KEY: KEY,
    ITEM_KEY: KEY,
    **schema(VOUCHER),
}
POSTING_COLUMNS: Mapping[str, pl.DataType] = {
    VOUCHER_KEY: KEY,
    ITEM_KEY: KEY,
    LINE_KEY: KEY,
    **schema(POSTING),
}


def complete(frames: BatchFrames) -> BatchFrames:
    """Add the columns that a frame lacks, as nulls; nothing else changes."""
    return BatchFrames(
        items=_with(frames.items, ITEM_COLUMNS),
        lines=_with(frames.lines, LINE_COLUMNS),
        vouchers=_with(frames.vouchers, VOUCHER_COLUMNS),
        postings=_with(frames.postings, POSTING_COLUMNS),
        rejections=_with(frames.rejections, schema(REJECTIONS)),
        notes=_with(frames.notes, schema(NOTES)),
        settled=_with(frames.settled, SETTLED_COLUMNS),
    )


def _with(frame: pl.DataFrame, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return frame.with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in columns.items()
        if name not in frame.columns
    )
