"""What moves on the wallet accounts: the figures that a bookkeeper compares with Pleo."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from etl.frames import ITEM_KEY, VOUCHER_KEY
from etl.review.given import BatchFrames
from etl.review.model import WalletMovement
from etl.review.totals import positive


def wallet_movements(frames: BatchFrames, names: Mapping[str, str]) -> tuple[WalletMovement, ...]:
    """Add up what moves on wallet accounts, in the wallet's own currency and as booked.

    Pleo's amount of the item gives the size in wallet currency; the legs give the direction.
    """
    by_voucher = _wallet_sides(frames).join(
        frames.items.select(ITEM_KEY, "item.wallet_amount", "item.wallet_currency"),
        on=ITEM_KEY,
        how="left",
        validate="m:1",
    )
    is_booked_in_it = pl.col("item.wallet_amount").is_null() | pl.col(
        "item.wallet_currency"
    ).eq_missing(pl.col("posting.currency"))
    size = pl.col("item.wallet_amount").abs()
    direction = pl.when(pl.col("booked") < 0).then(-size).otherwise(size)
    moved = pl.when(is_booked_in_it).then("booked").otherwise(direction)
    currency = pl.when(is_booked_in_it).then("posting.currency").otherwise("item.wallet_currency")
    added = (
        by_voucher.with_columns(moved.alias("moved"), currency.alias("currency"))
        .group_by("account", "currency", "posting.currency")
        .agg(
            positive(pl.col("moved")).sum().alias("money_in"),
            positive(-pl.col("moved")).sum().alias("money_out"),
            pl.col("booked").sum(),
            pl.col(ITEM_KEY).n_unique().alias("items"),
        )
        .sort("account", "currency", "posting.currency")
    )
    return tuple(
        WalletMovement(
            account=row["account"] or "",
            name=names.get(row["account"], ""),
            currency=row["currency"],
            money_in=row["money_in"],
            money_out=row["money_out"],
            booked=row["booked"],
            booked_currency=row["posting.currency"],
            items=row["items"],
        )
        for row in added.iter_rows(named=True)
    )


def _wallet_sides(frames: BatchFrames) -> pl.DataFrame:
    """One row per voucher and wallet account: what is booked there, debit positive.

    A voucher moves a wallet by its legs with role wallet, or by the contra account of its pairs
    where that is the wallet.
    """
    wanted = ("role", "currency", "account", "contra_account", "signed")
    rows = frames.postings.select(
        VOUCHER_KEY, ITEM_KEY, *(f"posting.{name}" for name in wanted)
    ).join(
        frames.vouchers.select(VOUCHER_KEY, "voucher.contra_role", "voucher.contra_account"),
        on=VOUCHER_KEY,
        how="left",
        validate="m:1",
    )
    is_own = pl.col("posting.role") == "wallet"
    is_contra = (pl.col("voucher.contra_role") == "wallet") & (
        pl.col("posting.contra_account") == pl.col("voucher.contra_account")
    )
    sides = [
        rows.filter(chosen).select(
            VOUCHER_KEY,
            ITEM_KEY,
            "posting.currency",
            pl.col(f"posting.{account}").alias("account"),
            signed.alias("booked"),
        )
        for chosen, account, signed in (
            (is_own, "account", pl.col("posting.signed")),
            (is_contra, "contra_account", -pl.col("posting.signed")),
        )
    ]
    return (
        pl.concat(sides)
        .group_by(VOUCHER_KEY, "account", "posting.currency", maintain_order=True)
        .agg(pl.first(ITEM_KEY), pl.col("booked").sum())
    )
