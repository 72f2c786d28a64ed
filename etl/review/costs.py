"""What the batch comes to: its lines, added up by type, period, tax code, vendor and day.

These figures come from the lines, so they are the same whatever shape the file has, and an
invoice and its payment count once.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import polars as pl

from etl.frames import ITEM_KEY, LINE_KEY
from etl.money import AMOUNT
from etl.review.given import BatchFrames
from etl.review.model import DayTotal, GroupTotal, TaxTotal
from etl.review.totals import NOTHING, share_of

#: More days than this are shown by month.
MAX_DAYS = 62
Unit = Literal["day", "month"]

TYPE = pl.col("item.type").str.replace_all("_", " ", literal=True)
_YEAR, _NUMBER = pl.col("voucher.period.year"), pl.col("voucher.period.number")
_POSTED = pl.col("voucher.date").dt
# Period 12 of a year that begins in April is no December, so it must not look like one.
_IS_MONTH = (_POSTED.year() == _YEAR) & (_POSTED.month() == _NUMBER)
PERIOD = pl.coalesce(
    pl.when(~_IS_MONTH).then(
        pl.format("{}, period {}", _YEAR, _NUMBER.cast(pl.String).str.zfill(2))
    ),
    _POSTED.to_string("%Y-%m"),
)


def booked_lines(frames: BatchFrames, *, is_reversal: bool = False) -> pl.DataFrame:
    """Give the lines of the items that are in the batch.

    Gives: one row per line; item.key, line.key, tax_code, currency, date, period (of the item's
    first voucher), type, merchant, base, tax, notional, gross; is_cost, whether the posting rule
    has the role expense (or is not known).
    Units: in the currency of the item's postings, its own or the company's under
    `currency: single`. Lines whose account is credited (refunds) count the other way, and
    in a reversal all that is no cost; notional tax (reverse charge) is no part of the gross.
    """
    currency = frames.postings.group_by(ITEM_KEY, maintain_order=True).agg(
        pl.first("posting.currency").alias("currency")
    )
    first = frames.vouchers.group_by(ITEM_KEY, maintain_order=True).agg(
        pl.first(
            "voucher.date", "voucher.vendor.name", "voucher.period.year", "voucher.period.number"
        )
    )
    facts = ("item.type", "item.currency", "item.vendor.name", "item.supplier.name")
    roles = ("rule.debit_role", "rule.credit_role")
    amounts = [
        f"line.{prefix}{name}" for prefix in ("", "book_") for name in ("base", "tax", "gross")
    ]
    rows = (
        frames.lines.select(ITEM_KEY, LINE_KEY, "tax_code", "line.tax.type", *amounts)
        .join(currency, on=ITEM_KEY, how="inner", validate="m:1")
        .join(first, on=ITEM_KEY, how="left", validate="m:1")
        .join(
            frames.items.select(ITEM_KEY, *facts, *roles), on=ITEM_KEY, how="left", validate="m:1"
        )
    )
    is_expense = pl.any_horizontal(
        pl.col(role).eq_missing(pl.lit("expense")) for role in roles
    ) | pl.all_horizontal(pl.col(role).is_null() for role in roles)
    is_notional = pl.col("line.tax.type").eq_missing(pl.lit("reverse"))
    tax = _signed("tax")
    zero = pl.lit(NOTHING, AMOUNT)
    merchant = pl.coalesce("voucher.vendor.name", "item.vendor.name", "item.supplier.name")
    is_credited = pl.col("rule.credit_role").eq_missing(pl.lit("expense"))
    is_turned = is_credited | (pl.lit(is_reversal) & ~is_expense)
    return rows.with_columns(is_turned.alias("is_turned")).select(
        ITEM_KEY,
        LINE_KEY,
        "tax_code",
        "currency",
        pl.col("voucher.date").alias("date"),
        PERIOD.alias("period"),
        TYPE.alias("type"),
        is_expense.alias("is_cost"),
        merchant.alias("merchant"),
        _signed("base").alias("base"),
        pl.when(is_notional).then(zero).otherwise(tax).alias("tax"),
        pl.when(is_notional).then(tax).otherwise(zero).alias("notional"),
        _signed("gross").alias("gross"),
    )


def _signed(name: str) -> pl.Expr:
    is_own = pl.col("currency").eq_missing(pl.col("item.currency"))
    amount = pl.when(is_own).then(f"line.{name}").otherwise(f"line.book_{name}")
    known = amount.fill_null(pl.lit(NOTHING, AMOUNT))
    return pl.when("is_turned").then(-known).otherwise(known).cast(AMOUNT)


def tax_totals(costs: pl.DataFrame) -> tuple[TaxTotal, ...]:
    """Add up base, tax and gross per tax code and currency."""
    added = (
        costs.group_by("currency", pl.col("tax_code").fill_null("").alias("code"))
        .agg(
            pl.col("base", "tax", "notional", "gross").sum(),
            pl.len().alias("lines"),
        )
        .sort("currency", "code")
    )
    return tuple(TaxTotal(**row) for row in added.iter_rows(named=True))


def group_totals(lines: pl.DataFrame, label: str) -> tuple[GroupTotal, ...]:
    """Count items and add up their gross, once each, per label (type or period) and currency."""
    added = (
        lines.group_by(pl.col(label).fill_null("(unknown)"), "currency")
        .agg(pl.col(ITEM_KEY).n_unique().alias("items"), pl.col("gross").sum())
        .sort("currency", label)
    )
    return tuple(
        GroupTotal(row[label], row["currency"], row["items"], row["gross"])
        for row in added.iter_rows(named=True)
    )


def vendor_totals(costs: pl.DataFrame) -> tuple[GroupTotal, ...]:
    """Add up the costs per vendor or merchant, the largest first."""
    added = (
        costs.group_by(pl.col("merchant").fill_null("(no merchant)"), "currency")
        .agg(pl.col(ITEM_KEY).n_unique().alias("items"), pl.col("gross").sum())
        .with_columns(pl.col("gross").abs().alias("size"))
        .sort("size", "currency", "merchant", descending=[True, False, False])
    )
    return tuple(
        GroupTotal(row["merchant"], row["currency"], row["items"], row["gross"])
        for row in added.iter_rows(named=True)
    )


def day_totals(costs: pl.DataFrame) -> tuple[Sequence[DayTotal], Unit, str]:
    """Add up the costs by posting date, in the currency in which most is spent.

    Gives: the days or, when they are many, the months; which of the two; the currency.
    """
    spent = (
        costs.group_by("currency")
        .agg(pl.col("gross").abs().sum())
        .sort("gross", "currency", descending=[True, False])
    )
    if spent.is_empty():
        return (), "day", ""
    currency: str = spent["currency"][0]
    dated = costs.filter((pl.col("currency") == currency) & pl.col("date").is_not_null())
    unit: Unit = "month" if dated["date"].n_unique() > MAX_DAYS else "day"
    label = pl.col("date").dt.to_string("%Y-%m" if unit == "month" else "%Y-%m-%d")
    added = dated.group_by(label.alias("label")).agg(pl.col("gross").sum()).sort("label")
    amounts: list[Decimal] = added["gross"].to_list()
    largest = max((abs(amount) for amount in amounts), default=NOTHING)
    days = tuple(
        DayTotal(name, amount, share_of(amount, largest))
        for name, amount in zip(added["label"].to_list(), amounts, strict=True)
    )
    return days, unit, currency
