"""Totals of a batch, added up from its frames: by account, tax code, group and day."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import polars as pl

from etl.frames import ITEM_KEY, LINE_KEY, VOUCHER_KEY
from etl.money import AMOUNT
from etl.review.model import (
    AccountTotal,
    BatchFrames,
    CurrencyTotal,
    DayTotal,
    GroupTotal,
    TaxTotal,
)

NOTHING = Decimal("0.00")
FULL_SHARE = 1000
#: More days than this are shown by month.
MAX_DAYS = 62

MERCHANT = pl.coalesce("voucher.vendor.name", "item.vendor.name", "item.supplier.name")
PERIOD = pl.coalesce(
    pl.format(
        "{}-{}",
        "voucher.period.year",
        pl.col("voucher.period.number").cast(pl.String).str.zfill(2),
    ),
    pl.col("voucher.date").dt.to_string("%Y-%m"),
)


def account_sides(postings: pl.DataFrame) -> pl.DataFrame:
    """One row per posting and account: a pair also moves its contra account, the other way."""
    shared = (VOUCHER_KEY, pl.col("posting.currency").alias("currency"))
    own = postings.select(
        *shared,
        pl.col("posting.account").alias("account"),
        pl.col("posting.account_name").alias("name"),
        pl.col("posting.signed").alias("signed"),
    )
    contra = postings.filter(pl.col("posting.contra_account").is_not_null()).select(
        *shared,
        pl.col("posting.contra_account").alias("account"),
        pl.col("posting.contra_account_name").alias("name"),
        (-pl.col("posting.signed")).alias("signed"),
    )
    return pl.concat([own, contra]).with_columns(
        positive(pl.col("signed")).alias("debit"),
        positive(-pl.col("signed")).alias("credit"),
    )


def positive(amount: pl.Expr) -> pl.Expr:
    return pl.when(amount > 0).then(amount).otherwise(pl.lit(NOTHING, AMOUNT)).cast(AMOUNT)


def currency_totals(sides: pl.DataFrame) -> tuple[CurrencyTotal, ...]:
    added = sides.group_by("currency").agg(pl.col("debit", "credit").sum()).sort("currency")
    return tuple(CurrencyTotal(*row) for row in added.iter_rows())


def account_totals(sides: pl.DataFrame) -> tuple[AccountTotal, ...]:
    added = (
        sides.group_by("currency", "account")
        .agg(
            pl.col("name").drop_nulls().min().alias("name"),
            pl.col("debit", "credit").sum(),
            pl.len().alias("rows"),
        )
        .sort("currency", "account")
    )
    largest: dict[str, Decimal] = {}
    rows = list(added.iter_rows(named=True))
    for row in rows:
        size = abs(row["debit"] - row["credit"])
        largest[row["currency"]] = max(size, largest.get(row["currency"], NOTHING))
    return tuple(
        AccountTotal(
            account=row["account"] or "",
            name=row["name"] or "",
            currency=row["currency"],
            debit=row["debit"],
            credit=row["credit"],
            rows=row["rows"],
            share=share_of(row["debit"] - row["credit"], largest[row["currency"]]),
        )
        for row in rows
    )


def share_of(amount: Decimal, largest: Decimal) -> int:
    """Give the length of a bar, in thousandths of the longest."""
    return int(abs(amount) * FULL_SHARE / largest) if largest else 0


def tax_totals(frames: BatchFrames) -> tuple[TaxTotal, ...]:
    """Add up base, tax and gross per tax code from the lines, whatever shape the file has.

    Amounts are in the currency of the item's postings: its own, or the company's under
    `currency: single`. Lines whose account is credited (refunds) count the other way.
    """
    currency = frames.postings.group_by(ITEM_KEY, maintain_order=True).agg(
        pl.first("posting.currency").alias("currency")
    )
    rows = frames.lines.join(
        currency, on=ITEM_KEY, how="inner", validate="m:1", maintain_order="left"
    ).join(
        frames.items.select(ITEM_KEY, "item.currency", "rule.credit_role"),
        on=ITEM_KEY, how="left", validate="m:1", maintain_order="left",
    )  # fmt: skip
    is_own = pl.col("currency").eq_missing(pl.col("item.currency"))
    sign = pl.when(pl.col("rule.credit_role").eq_missing(pl.lit("expense"))).then(-1).otherwise(1)

    def signed(name: str) -> pl.Expr:
        amount = pl.when(is_own).then(f"line.{name}").otherwise(f"line.book_{name}")
        return (amount.fill_null(NOTHING) * sign.cast(pl.Int32)).cast(AMOUNT)

    is_notional = pl.col("line.tax.type").eq_missing(pl.lit("reverse"))
    zero = pl.lit(NOTHING, AMOUNT)
    added = (
        rows.group_by(pl.col("tax_code").fill_null(""), "currency")
        .agg(
            signed("base").sum().alias("base"),
            pl.when(is_notional).then(zero).otherwise(signed("tax")).sum().alias("tax"),
            pl.when(is_notional).then(signed("tax")).otherwise(zero).sum().alias("notional"),
            signed("gross").sum().alias("gross"),
            pl.col(LINE_KEY).len().alias("lines"),
        )
        .sort("currency", "tax_code")
    )
    return tuple(
        TaxTotal(**{"code" if key == "tax_code" else key: value for key, value in row.items()})
        for row in added.iter_rows(named=True)
    )


def group_totals(frames: BatchFrames, label: pl.Expr) -> tuple[GroupTotal, ...]:
    """Count items and add up their debits per label and currency."""
    debits = frames.postings.group_by(VOUCHER_KEY, "posting.currency").agg(
        _debits().alias("amount")
    )
    rows = (
        debits.join(
            frames.vouchers.select(
                VOUCHER_KEY, ITEM_KEY, "voucher.date", "voucher.vendor.name",
                "voucher.period.year", "voucher.period.number",
            ),
            on=VOUCHER_KEY, how="left", validate="m:1",
        )
        .join(
            frames.items.select(ITEM_KEY, "item.type", "item.vendor.name", "item.supplier.name"),
            on=ITEM_KEY, how="left", validate="m:1",
        )
    )  # fmt: skip
    added = (
        rows.group_by(label.fill_null("(unknown)").alias("label"), "posting.currency")
        .agg(pl.col(ITEM_KEY).n_unique().alias("items"), pl.col("amount").sum())
        .sort("posting.currency", "label")
    )
    return tuple(
        GroupTotal(row["label"], row["posting.currency"], row["items"], row["amount"])
        for row in added.iter_rows(named=True)
    )


def _debits() -> pl.Expr:
    """What a voucher puts on the debit side; a pair has both sides in one row."""
    is_pair = pl.col("posting.contra_account").is_not_null()
    row = pl.when(is_pair).then(pl.col("posting.signed").abs())
    return row.otherwise(positive(pl.col("posting.signed"))).cast(AMOUNT).sum()


def day_totals(
    frames: BatchFrames, totals: Sequence[CurrencyTotal]
) -> tuple[tuple[DayTotal, ...], Literal["day", "month"], str]:
    """Add up the debits by posting date in the currency that most of the batch is in."""
    if not totals:
        return (), "day", ""
    currency = max(totals, key=lambda total: total.debit).currency
    by_day = (
        frames.postings.filter(pl.col("posting.currency") == currency)
        .group_by(VOUCHER_KEY)
        .agg(_debits().alias("amount"))
        .join(frames.vouchers.select(VOUCHER_KEY, "voucher.date"), on=VOUCHER_KEY, validate="1:1")
        .filter(pl.col("voucher.date").is_not_null())
        .group_by("voucher.date")
        .agg(pl.col("amount").sum())
    )
    unit: Literal["day", "month"] = "month" if by_day.height > MAX_DAYS else "day"
    label = pl.col("voucher.date").dt.to_string("%Y-%m" if unit == "month" else "%Y-%m-%d")
    added = by_day.group_by(label.alias("label")).agg(pl.col("amount").sum()).sort("label")
    largest = max(added["amount"].to_list(), default=NOTHING)
    days = (DayTotal(name, sum_, share_of(sum_, largest)) for name, sum_ in added.iter_rows())
    return tuple(days), unit, currency
