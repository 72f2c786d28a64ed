"""Totals of a batch, added up from its postings: by currency and account."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import polars as pl

from etl.frames import ROLES
from etl.money import AMOUNT
from etl.review.given import BatchFrames
from etl.review.model import AccountTotal, CurrencyTotal

NOTHING = Decimal("0.00")
FULL_SHARE = 1000


def account_names(frames: BatchFrames) -> dict[str, str]:
    """Give the name of every account, from the mapped lines and from the postings.

    A template that prints no account names leaves them out of the postings; the lines have them.
    """
    pairs = [
        (frames.lines, f"account.{role}", f"account_name.{role}") for role in ROLES
    ] + [
        (frames.postings, f"posting.{side}", f"posting.{side}_name")
        for side in ("account", "contra_account")
    ]  # fmt: skip
    names: dict[str, str] = {}
    for frame, account, name in pairs:
        if {account, name} <= set(frame.columns):
            known = frame.select(account, name).drop_nulls().unique().sort(account, name)
            names.update(dict(known.rows()))
    return names


def account_sides(postings: pl.DataFrame, company_currency: str = "") -> pl.DataFrame:
    """One row per posting and account: a pair also moves its contra account, the other way."""
    currency = pl.col("posting.currency").alias("currency")
    signed = pl.col("posting.signed")
    is_home = pl.col("posting.currency").eq_missing(pl.lit(company_currency))
    book = pl.when(is_home).then(signed).otherwise("posting.book_signed")
    contra = postings.filter(pl.col("posting.contra_account").is_not_null())
    sides = [
        rows.select(
            currency,
            pl.col(account).alias("account"),
            (signed * sign).cast(AMOUNT).alias("signed"),
            (book * sign).cast(AMOUNT).alias("book"),
        )
        for rows, account, sign in (
            (postings, "posting.account", 1),
            (contra, "posting.contra_account", -1),
        )
    ]
    return pl.concat(sides).with_columns(
        positive(pl.col("signed")).alias("debit"),
        positive(-pl.col("signed")).alias("credit"),
    )


def positive(amount: pl.Expr) -> pl.Expr:
    """Give an amount where it is above zero, else zero."""
    return pl.when(amount > 0).then(amount).otherwise(pl.lit(NOTHING, AMOUNT)).cast(AMOUNT)


def currency_totals(sides: pl.DataFrame) -> tuple[CurrencyTotal, ...]:
    """Add up both sides per currency."""
    added = sides.group_by("currency").agg(pl.col("debit", "credit").sum()).sort("currency")
    return tuple(CurrencyTotal(*row) for row in added.iter_rows())


def account_totals(sides: pl.DataFrame, names: Mapping[str, str]) -> tuple[AccountTotal, ...]:
    """Add up both sides per currency and account."""
    # A sum of some rows only would look like the whole.
    book = pl.when(pl.col("book").is_not_null().all()).then(pl.col("book").sum())
    added = (
        sides.group_by("currency", "account")
        .agg(pl.col("debit", "credit").sum(), pl.len().alias("rows"), book.alias("book"))
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
            name=names.get(row["account"], ""),
            currency=row["currency"],
            debit=row["debit"],
            credit=row["credit"],
            rows=row["rows"],
            share=share_of(row["debit"] - row["credit"], largest[row["currency"]]),
            book_balance=row["book"],
        )
        for row in rows
    )


def share_of(amount: Decimal, largest: Decimal) -> int:
    """Give the length of a bar, in thousandths of the longest."""
    return int(abs(amount) * FULL_SHARE / largest) if largest else 0
