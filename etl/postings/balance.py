"""The balance test: every voucher balances exactly in every amount that is printed.

A failure here is our bug, never the data's: what the data cannot balance is rejected before.
"""

from __future__ import annotations

import polars as pl

from etl.money import AMOUNT
from etl.postings.amounts import SETS

_ZERO = pl.lit(0, AMOUNT)
_SHOWN = 5


class Unbalanced(Exception):
    """Postings that contradict themselves; the program is wrong."""


def check_balance(postings: pl.DataFrame) -> None:
    """Test that the postings balance and that their amounts agree with each other.

    Needs: postings sorted by voucher.key.
    Raises: Unbalanced, naming the rule that is broken and the first vouchers.
    """
    for rule, is_broken in _rules(postings):
        broken = postings.filter(is_broken.fill_null(True))
        if not broken.is_empty():
            keys = broken.get_column("voucher.key").unique(maintain_order=True).head(_SHOWN)
            raise Unbalanced(f"{rule} (vouchers {', '.join(map(str, keys))})")


def _rules(postings: pl.DataFrame) -> list[tuple[str, pl.Expr]]:
    """Give each rule with the rows that break it."""
    is_pair = pl.col("posting.shape") == "pair"
    has_contra = pl.col("posting.contra_account").is_not_null()
    rules = [
        ("postings are sorted by voucher", pl.col("voucher.key") < pl.col("voucher.key").shift(1)),
        ("every posting has an account", pl.col("posting.account").is_null()),
        ("pairs, and only pairs, have a contra account", is_pair != has_contra),
        ("no posting is of zero amount", pl.col("posting.signed") == _ZERO),
    ]
    # The first row of a sort check has no row before it.
    rules[0] = (rules[0][0], rules[0][1].fill_null(False))
    for prefix in SETS:
        if f"posting.{prefix}signed" in postings.columns:
            rules += _rules_of_set(postings, prefix)
    return rules


def _rules_of_set(postings: pl.DataFrame, prefix: str) -> list[tuple[str, pl.Expr]]:
    name = f"posting.{prefix}"
    words = prefix.removesuffix("_") or "posting"
    signed = pl.col(f"{name}signed")
    is_debit = pl.col("posting.side") == "debit"
    is_leg = pl.col("posting.shape") == "legs"
    known = pl.when(is_leg).then(signed.fill_null(_ZERO)).otherwise(_ZERO)
    # Every voucher adds up to zero, hence so does the sum of all vouchers up to each one's end.
    is_last = (pl.col("voucher.key") != pl.col("voucher.key").shift(-1)).fill_null(True)
    is_partial = (signed.is_null() != signed.is_null().shift(1)).fill_null(False) & (
        pl.col("voucher.key") == pl.col("voucher.key").shift(1)
    ).fill_null(False)
    rules = [
        (f"{words} amounts are known for the whole voucher or not at all", is_partial),
        (f"{words} amounts of a voucher add up to zero", is_last & (known.cum_sum() != _ZERO)),
        (
            f"{words} amounts stand on their side",
            pl.when(is_debit).then(signed < _ZERO).otherwise(signed > _ZERO).fill_null(False),
        ),
    ]
    relations = {
        "amount": signed.abs(),
        "debit": pl.when(is_debit).then(signed).otherwise(_ZERO),
        "credit": pl.when(is_debit).then(_ZERO).otherwise(-signed),
    }
    for column, meant in relations.items():
        if f"{name}{column}" in postings.columns:
            differs = pl.col(f"{name}{column}").ne_missing(
                pl.when(signed.is_not_null()).then(meant)
            )
            rules.append((f"{words} {column} agrees with the signed amount", differs))
    if {f"{name}net", f"{name}tax"} <= set(postings.columns):
        whole = pl.col(f"{name}net") + pl.col(f"{name}tax")
        rules.append((f"{words} net and tax make the amount", whole.ne_missing(signed.abs())))
    return rules
