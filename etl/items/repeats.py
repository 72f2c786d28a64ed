"""The same item twice in one input.

Copies that say the same are one item: the first stays, each further one is rejected. Copies that
differ are all rejected, because nobody can tell which of them is meant.
"""

from __future__ import annotations

import polars as pl

from etl.findings import join_findings, no_rejections, reject
from etl.frames import ITEM_KEY, ITEM_WHERE

_FIX_COPY = "nothing to do: the item is converted once"
_FIX_DIFFERENT = "fetch the items again, and give each item once"


def reject_repeats(
    items: pl.DataFrame, lines: pl.DataFrame, attachments: pl.DataFrame, order: pl.DataFrame
) -> pl.DataFrame:
    """Reject elements whose item id stands on another element too (whatever its case).

    Needs: order (item.key, item.id, item.where, is_readable) of all elements.
    """
    same_id = pl.col("item.id").str.to_lowercase()
    several = pl.len().over(same_id) > 1
    repeated = order.filter(pl.col("item.id").is_not_null() & several)
    if repeated.is_empty():
        return no_rejections()
    told = (
        repeated.select(ITEM_KEY, "item.id", ITEM_WHERE, "is_readable")
        .join(_contents(repeated, items, lines, attachments), on=ITEM_KEY, how="left",
              validate="1:1", maintain_order="left")
        .with_columns(
            (pl.col("content").n_unique().over(same_id) > 1).alias("differs"),
            pl.col("is_readable").all().over(same_id).alias("all_readable"),
            pl.col(ITEM_KEY).rank("ordinal").over(same_id).alias("copy"),
            pl.len().over(same_id).alias("copies"),
        )
    )  # fmt: skip
    is_different = pl.col("differs") | ~pl.col("all_readable")
    return join_findings([
        reject(
            told.filter(is_different),
            "ITEM-11",
            message=pl.format("the item stands {} times in the input, and not alike", "copies"),
            fix=_FIX_DIFFERENT,
        ),
        reject(
            told.filter(~is_different & (pl.col("copy") > 1)),
            "ITEM-11",
            message=pl.format("the item stands {} times in the input, always the same", "copies"),
            fix=_FIX_COPY,
        ),
    ])  # fmt: skip


def _contents(
    repeated: pl.DataFrame, items: pl.DataFrame, lines: pl.DataFrame, attachments: pl.DataFrame
) -> pl.DataFrame:
    """Give all that the frames hold of some items as one text, but for place and download links."""
    own = _as_text(items.join(repeated, on=ITEM_KEY, how="semi", maintain_order="left"),
                   without={ITEM_WHERE, "item.id"})  # fmt: skip
    for frame, without in (
        (lines, {"line.key"}),
        (attachments, {"attachment.url", "attachment.name", "attachment.guid"}),
    ):
        part = frame.join(repeated, on=ITEM_KEY, how="semi", maintain_order="left")
        text = _as_text(part, without=without)
        own = pl.concat([own, text])
    return own.group_by(ITEM_KEY, maintain_order=True).agg(pl.col("content").str.join("\n"))


def _as_text(frame: pl.DataFrame, *, without: set[str]) -> pl.DataFrame:
    told = [name for name in frame.columns if name not in {ITEM_KEY, *without}]
    return frame.select(ITEM_KEY, pl.struct(told).struct.json_encode().alias("content"))
