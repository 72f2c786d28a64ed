"""What becomes of each item: its verdict, the vouchers and the lines of files it stands in.

An item is `exported`, `failed` or `skipped`, never two of them and never none. An item without a
leg is exported without vouchers: there was nothing to book, or it was booked already.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from etl.frames import ITEM_KEY, KEY
from etl.sentences import SETTINGS

EXPORTED, FAILED, SKIPPED = "exported", "failed", "skipped"

#: One row per listed item, in the order of item ids.
VERDICTS = {
    "id": pl.String(),
    "verdict": pl.String(),
    "external_id": pl.String(),
    "failure_type": pl.String(),
    "failure_reason": pl.String(),
}


#: One row per attachment of an exported item; the hash is known where the file was fetched.
ATTACHED = {
    "bytes": pl.Int64(),
    "item": pl.String(),
    "name": pl.String(),
    "sha256": pl.String(),
    "type": pl.String(),
}
#: Where the file of an attachment lies in the folder; null inside of a zip, or where there is none.
ATTACHED_PATH = {"path": pl.String()}


#: Items that are not booked in this batch: exported in an earlier one, or skipped.
SETTLED = {ITEM_KEY: KEY, "verdict": pl.String(), "external_id": pl.String()}


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the listed items are. The five parts add up."""

    items: int
    rendered: int
    rejected: int
    already_booked: int
    nothing_to_book: int
    skipped: int
    vouchers: int
    postings: int

    def __post_init__(self) -> None:
        parts = self.rendered + self.rejected + self.already_booked
        assert self.items == parts + self.nothing_to_book + self.skipped, self


def decide_verdicts(
    items: pl.DataFrame,
    *,
    rejections: pl.DataFrame,
    external_ids: pl.DataFrame,
    settled: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Give every listed item its verdict.

    Needs: items (item.key, item.id), one row per listed item; external_ids (item.key,
    external_id), at most one row per item; settled (SETTLED), none of whose items is rejected.
    Gives: item.key and VERDICTS, sorted by item.key.
    """
    failures = _first_failures(rejections)
    settled = pl.DataFrame(schema=SETTLED) if settled is None else settled
    booked = pl.concat([external_ids, settled.select(external_ids.columns)])
    verdicts = (
        items.select(ITEM_KEY, pl.col("item.id").alias("id"))
        .join(failures, on=ITEM_KEY, how="left", validate="1:1")
        .join(booked, on=ITEM_KEY, how="left", validate="1:1")
        .join(settled.select(ITEM_KEY, "verdict"), on=ITEM_KEY, how="left", validate="1:1")
        .with_columns(
            verdict=pl.when(pl.col("failure_type").is_not_null())
            .then(pl.lit(FAILED))
            .otherwise(pl.col("verdict").fill_null(EXPORTED))
        )
        .with_columns(external_id=pl.when(pl.col("verdict") == EXPORTED).then("external_id"))
        .sort(ITEM_KEY)
    )
    assert verdicts.height == items.height
    assert failures.height == verdicts.filter(pl.col("verdict") == FAILED).height
    return verdicts.select(ITEM_KEY, *VERDICTS)


def _first_failures(rejections: pl.DataFrame) -> pl.DataFrame:
    """Give one reason per rejected item: the first problem, and how many more there are."""
    more = pl.len() - 1
    fix = pl.col("fix").first().str.replace_all(SETTINGS, "")
    reason = pl.col("message").first() + " – " + fix
    return (
        rejections.sort(ITEM_KEY, "line", "code", "message", nulls_last=False)
        .group_by(ITEM_KEY, maintain_order=True)
        .agg(
            pl.col("failure_type").first(),
            failure_reason=pl.when(more > 0)
            .then(reason + pl.format(" (and {} more)", more))
            .otherwise(reason),
        )
        .with_columns(pl.col(ITEM_KEY).cast(KEY))
    )


def list_items(
    verdicts: pl.DataFrame,
    *,
    items: pl.DataFrame,
    vouchers: pl.DataFrame,
    rows: pl.DataFrame,
) -> pl.Series:
    """Give each item as one line of JSON, in the order of item ids.

    Needs: verdicts with item.key; items with item.key and item.where; vouchers (item.key,
    voucher.id) in print order; rows (item.key, file, row), the lines that postings begin on.
    Units: rows count from 1.
    """
    by_file = (
        rows.sort(ITEM_KEY, "file", "row")
        .group_by(ITEM_KEY, "file", maintain_order=True)
        .agg(pl.col("row").alias("rows"))
        .group_by(ITEM_KEY, maintain_order=True)
        .agg(pl.struct("file", "rows").alias("rows"))
    )
    names = vouchers.group_by(ITEM_KEY, maintain_order=True).agg(
        pl.col("voucher.id").alias("vouchers")
    )
    joined = (
        verdicts.join(items.select(ITEM_KEY, "item.where"), on=ITEM_KEY, validate="1:1")
        .join(names, on=ITEM_KEY, how="left", validate="1:1")
        .join(by_file, on=ITEM_KEY, how="left", validate="1:1")
        .rename({"item.where": "where"})
        # Items that share an id, or have none, stand in an order that the input does not decide.
        .sort("id", "verdict", "failure_type", "failure_reason", "where", nulls_last=True)
        .with_columns(
            pl.col("vouchers").fill_null(pl.lit([], pl.List(pl.String))),
            pl.col("rows").fill_null(pl.lit([], by_file.schema["rows"])),
        )
    )
    exported = pl.struct("external_id", "id", "rows", "verdict", "vouchers").struct.json_encode()
    failed = pl.struct("failure_reason", "failure_type", "id", "rows", "verdict", "vouchers",
                       "where").struct.json_encode()  # fmt: skip
    skipped = pl.struct("id", "rows", "verdict", "vouchers").struct.json_encode()
    return joined.select(
        pl.when(pl.col("verdict") == EXPORTED)
        .then(exported)
        .when(pl.col("verdict") == SKIPPED)
        .then(skipped)
        .otherwise(failed)
        .alias("items")
    ).to_series()


def list_attachments(
    attachments: pl.DataFrame, items: pl.DataFrame, *, delivered: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Give the attachments of some items (ATTACHED), in the order of items and numbers.

    `delivered` (item.key, attachment.number, attachment.name) is what a template that delivers
    receipts chose, under the names that it gave them; without it all stand under Pleo's numbers.
    With a column `path` in it, each attachment says where it lies (ATTACHED_PATH).
    """
    shape = dict(ATTACHED)
    named = attachments.join(items.select(ITEM_KEY, "item.id"), on=ITEM_KEY, validate="m:1")
    if delivered is not None:
        key = [ITEM_KEY, "attachment.number"]
        if "path" in delivered.columns:
            shape |= ATTACHED_PATH
        chosen = delivered.select(*key, "attachment.name", *(shape.keys() & ATTACHED_PATH.keys()))
        named = named.drop("attachment.name").join(chosen, on=key, validate="1:1")
    return (
        named.sort(ITEM_KEY, "attachment.number")
        .select(
            pl.col("attachment.bytes").alias("bytes"),
            pl.col("item.id").alias("item"),
            *(pl.col(f"attachment.{name}").alias(name) for name in ("name", "sha256", "type")),
            *(shape.keys() & ATTACHED_PATH.keys()),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in sorted(shape.items()))
    )


def as_lines(frame: pl.DataFrame) -> pl.Series:
    """Give each row as one line of JSON."""
    return frame.select(pl.struct(frame.columns).struct.json_encode()).to_series()
