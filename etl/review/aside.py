"""Listed items that are not in the file though nothing is wrong with them, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from etl.frames import ITEM_KEY
from etl.review.causes import MAX_CONCERNED, concerned_of, said_before
from etl.review.given import BatchFrames
from etl.review.model import AsideGroup

_BOOKED = "An earlier batch has booked them; Pleo is told so, with the voucher of then"
_NOTHING = "Every posting of them would be zero; Pleo is told that they are exported"
_SKIPPED = "They had their verdict in Pleo before this batch was made; it says nothing of them"
_WAITING = (
    "An earlier batch has booked them: say of each, or of all at once, whether that is in your"
    " books (already booked), or they are to be booked again"
)


def refused_and_waiting(
    frames: BatchFrames, asked: Collection[str]
) -> tuple[pl.DataFrame, AsideGroup | None]:
    """Tell rejections from what only waits until a person says what becomes of it.

    Needs: asked, the codes of what a person is asked about.
    Gives: the rejections; the items that wait, None where none does.
    """
    is_asked = pl.col("code").is_in(list(asked))
    refused = frames.rejections.filter(~is_asked)
    waiting = frames.rejections.filter(is_asked).unique(ITEM_KEY, maintain_order=True)
    waiting = waiting.join(refused, on=ITEM_KEY, how="anti", maintain_order="left")
    if waiting.is_empty():
        return refused, None
    first = waiting.head(MAX_CONCERNED).with_columns(pl.col("message").alias("detail"))
    concerned = concerned_of(first, frames.items, anchors={})
    return refused, AsideGroup("Waits for your answer", _WAITING, waiting.height, concerned)


def set_aside(frames: BatchFrames, *, before: Mapping[str, str]) -> tuple[AsideGroup, ...]:
    """Group what is booked already, books nothing, or was skipped.

    Needs: frames completed (etl.review.columns); before, by item what was said in an earlier batch.
    """
    settled, is_booked = frames.settled, pl.col("verdict") == "exported"
    nothing = frames.items.join(frames.postings, on=ITEM_KEY, how="anti", maintain_order="left")
    nothing = nothing.join(frames.rejections, on=ITEM_KEY, how="anti", maintain_order="left")
    voucher = pl.format("as voucher {}", pl.col("external_id"))
    as_voucher = pl.concat_str(voucher, said_before(before), separator="; ", ignore_nulls=True)
    groups = (
        ("Already booked", _BOOKED, settled.filter(is_booked), as_voucher),
        ("Nothing to book", _NOTHING, nothing, pl.lit("")),
        ("Skipped", _SKIPPED, settled.filter(~is_booked), pl.lit("")),
    )
    return tuple(
        AsideGroup(title, why, rows.height, concerned_of(_said(rows, detail), rows, anchors={}))
        for title, why, rows, detail in groups
        if rows.height
    )


def _said(rows: pl.DataFrame, detail: pl.Expr) -> pl.DataFrame:
    named = rows.head(MAX_CONCERNED).with_columns(pl.col("item.id").alias("item_id"))
    return named.select(
        ITEM_KEY,
        "item_id",
        detail.alias("detail"),
        pl.col("item.where").alias("where"),
    )
