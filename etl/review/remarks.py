"""Remarks that the review itself makes, about items that no check refuses.

They never stop anything; each says what was compared, so that a person can judge it.
"""

from __future__ import annotations

import polars as pl

from etl.findings import no_notes, note
from etl.frames import ITEM_KEY
from etl.review.given import Earlier

#: What the remarks read of an item.
READS = (
    ITEM_KEY, "item.id", "item.type", "item.sub_type", "item.amount", "item.currency",
    "item.attachments", "item.invoice.number", "item.vendor.code", "item.vendor.name",
    "item.supplier.code", "item.supplier.name",
)  # fmt: skip

#: Types of items for which an employee uploads a receipt.
TYPES_WITH_RECEIPT = ("card_purchase", "card_invoice", "out_of_pocket", "invoice")

#: An item is unusually large from this multiple of the median of its type and currency on,
#: where there are enough of them for a median to mean something.
LARGE_MULTIPLE = 10
LARGE_LEAST_ITEMS = 5


def find_remarks(items: pl.DataFrame) -> pl.DataFrame:
    """Find missing receipts, unusually large items and invoices that stand there twice.

    Needs: items that are in the batch (item.type, item.amount, item.currency, the supplier, the
    invoice number; item.attachments once they were attached).
    Gives: notes REV-1, REV-2, REV-3.
    """
    found = [_without_receipt(items), _large(items), _same_invoice(items)]
    return pl.concat([no_notes(), *found])


def _without_receipt(items: pl.DataFrame) -> pl.DataFrame:
    if "item.attachments" not in items.columns:
        return no_notes()
    is_missing = pl.col("item.attachments").list.len().fill_null(0) == 0
    wants_one = pl.col("item.type").is_in(TYPES_WITH_RECEIPT)
    return note(items.filter(is_missing & wants_one), "REV-1", "no receipt in Pleo")


def _large(items: pl.DataFrame) -> pl.DataFrame:
    group = ("item.type", "item.currency")
    size = pl.col("item.amount").abs()
    # A middle item, not a mean of two: an amount that is really there, and exact.
    ranked = size.sort().get(pl.len() // 2)
    medians = (
        items.filter(size > 0)
        .group_by(group)
        .agg(ranked.alias("median"), pl.len().alias("count"))
        .filter(pl.col("count") >= LARGE_LEAST_ITEMS)
    )
    large = items.join(
        medians, on=group, how="inner", validate="m:1", maintain_order="left"
    ).filter(size >= pl.col("median") * pl.lit(LARGE_MULTIPLE, pl.Int32))
    detail = pl.format(
        f"{{}} {{}} is at least {LARGE_MULTIPLE} times the median of its type ({{}} {{}})",
        "item.currency", "item.amount", "item.currency", "median",
    )  # fmt: skip
    return note(large, "REV-2", detail)


def _same_invoice(items: pl.DataFrame) -> pl.DataFrame:
    supplier = pl.coalesce(
        "item.vendor.code", "item.vendor.name", "item.supplier.code", "item.supplier.name"
    ).str.to_lowercase()
    number = pl.col("item.invoice.number").str.strip_chars()
    # A payment and its return name one invoice; that is as it should be.
    group = (supplier, number, pl.col("item.type"), pl.col("item.sub_type"))
    named = items.filter(supplier.is_not_null() & (number.str.len_chars() > 0))
    twice = named.filter(pl.len().over(group) > 1).sort(ITEM_KEY)
    detail = pl.format("invoice {} of this supplier stands on another item too", number)
    return note(twice, "REV-3", detail)


def sightings(earlier: Earlier, items: pl.DataFrame, *, vouchers: pl.DataFrame) -> pl.DataFrame:
    """Give what earlier batches say of the items that are in the batch: notes REV-4 to REV-6.

    Needs: items (item.key, item.id); vouchers, which say what is in the batch.
    """
    seen = pl.DataFrame(
        [(one.code, one.item_id.lower(), one.detail) for one in earlier.sightings],
        schema={"seen": pl.String(), "same": pl.String(), "said": pl.String()},
        orient="row",
    )
    in_batch = items.select(ITEM_KEY, "item.id").join(
        vouchers.select(ITEM_KEY).unique(), on=ITEM_KEY, how="semi", maintain_order="left"
    )
    rows = in_batch.with_columns(pl.col("item.id").str.to_lowercase().alias("same")).join(
        seen, on="same", how="inner", validate="m:m", maintain_order="left_right"
    )
    kinds = [
        note(rows.filter(pl.col("seen") == code), code, pl.col("said"))
        for code in dict.fromkeys(one.code for one in earlier.sightings)
    ]
    return pl.concat([no_notes(), *kinds])
