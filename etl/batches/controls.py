"""Control totals: what a bookkeeper compares with the ERP after the import.

A pair counts on both of its accounts, a leg on its own. All sums are exact, amounts are text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from etl.batches.manifest import Total
from etl.frames import ITEM_KEY, VOUCHER_KEY
from etl.money import AMOUNT

_ZERO = pl.lit(0, AMOUNT)


@dataclass(frozen=True, slots=True)
class Sides:
    """One row per account touched by a posting: two for a pair, one for a leg.

    Columns: item.key, role, account, tax_code, currency, debit, credit, is_own.
    """

    frame: pl.DataFrame


def make_sides(postings: pl.DataFrame, vouchers: pl.DataFrame) -> Sides:
    """Take every posting apart into the accounts that it moves.

    Needs: postings with signed, account, contra_account, currency, role, tax_code; vouchers with
    voucher.contra_role.
    """
    joined = postings.join(
        vouchers.select(VOUCHER_KEY, "voucher.contra_role"),
        on=VOUCHER_KEY, how="left", validate="m:1",
    )  # fmt: skip
    signed = pl.col("posting.signed")
    shared = (ITEM_KEY, pl.col("posting.currency").alias("currency"))
    own = joined.select(
        *shared,
        pl.col("posting.role").alias("role"),
        pl.col("posting.account").alias("account"),
        pl.col("posting.tax_code").alias("tax_code"),
        signed.alias("signed"),
        pl.lit(True).alias("is_own"),
    )
    # The role of a pair's contra account is that of the voucher, unless the pair is turned round.
    is_turned = pl.col("posting.role") == pl.col("voucher.contra_role")
    other_role = pl.when(~is_turned).then("voucher.contra_role").otherwise(pl.lit("expense"))
    contra = joined.filter(pl.col("posting.contra_account").is_not_null()).select(
        *shared,
        other_role.alias("role"),
        pl.col("posting.contra_account").alias("account"),
        pl.lit(None, pl.String).alias("tax_code"),
        (-signed).alias("signed"),
        pl.lit(False).alias("is_own"),
    )
    split = pl.concat([own, contra]).with_columns(
        pl.when(pl.col("signed") > 0).then("signed").otherwise(_ZERO).alias("debit"),
        pl.when(pl.col("signed") < 0).then(-pl.col("signed")).otherwise(_ZERO).alias("credit"),
    )
    return Sides(split)


def batch_totals(sides: Sides) -> list[Total]:
    """Sum debits and credits by currency."""
    return [
        Total(row["currency"], row["debit"], row["credit"])
        for row in _sums(sides.frame, ["currency"])
    ]


def control_totals(sides: Sides, items: pl.DataFrame) -> dict[str, Any]:
    """Sum by account, tax code, item type and wallet account."""
    frame = sides.frame
    typed = frame.join(
        items.select(ITEM_KEY, pl.col("item.type").alias("type")),
        on=ITEM_KEY, how="left", validate="m:1",
    )  # fmt: skip
    wallets = frame.filter(pl.col("role") == "wallet").rename({"account": "wallet"})
    coded = frame.filter(pl.col("tax_code").is_not_null())
    return {
        "accounts": _sums(frame, ["account", "currency"]),
        "tax_codes": _sums(coded, ["tax_code", "currency"]),
        "types": _sums(typed, ["type", "currency"], items=True),
        "wallets": _sums(wallets, ["wallet", "currency"], items=True),
    }


def _sums(frame: pl.DataFrame, by: Sequence[str], *, items: bool = False) -> list[dict[str, Any]]:
    counted = [pl.col(ITEM_KEY).n_unique().alias("items")] if items else []
    table = (
        frame.group_by(by)
        .agg(
            pl.col("debit").sum().cast(pl.String),
            pl.col("credit").sum().cast(pl.String),
            pl.col("is_own").sum().alias("rows"),
            *counted,
        )
        .sort(by, nulls_last=True)
    )
    return table.to_dicts()
