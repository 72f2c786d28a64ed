"""Amounts that a column may mean, and the books as the files say them."""

from __future__ import annotations

import polars as pl

from etl.frames import POSTING_KEY
from etl.money import AMOUNT

#: Meanings whose values are amounts of money, and which amounts of a posting they may be.
MONEY = {
    "amount": ("amount", "net"),
    "debit": ("debit",),
    "credit": ("credit",),
    "signed": ("signed",),
    "book_amount": ("amount", "signed"),
}
_CURRENCIES = ("", "book_", "original_")
_TEXTS = ("account", "contra_account", "tax_code")


def is_of_postings(meaning: str, read: pl.Series, *, postings: pl.DataFrame) -> bool:
    """Say whether amounts read back are one amount of their postings, all of them the same one.

    Needs: `read` and postings in the same order. Nothing where a column prints nothing, and a
    whole column may have the other sign: some programs count credit positive.
    """
    exact = read.cast(AMOUNT, strict=False)
    if (exact != read).any():
        return False
    for prefix in _CURRENCIES:
        for name in MONEY[meaning]:
            column = f"posting.{prefix}{name}"
            if column not in postings.columns:
                continue
            amounts = postings[column].fill_null(0)
            same = (exact == amounts).fill_null(True).all()
            if same or (meaning == "signed" and (exact == -amounts).fill_null(True).all()):
                return True
    return False


def as_read(postings: pl.DataFrame, proved: pl.DataFrame) -> pl.DataFrame:
    """Give the postings of a batch with what the files say of them in place of our own values.

    Needs: proved, the `postings` of a proof. Control totals made from this are those of the files.
    Units: posting.signed is replaced where the files print an amount of the posting currency.
    """
    said = [name for name in _TEXTS if name in proved.columns]
    money = [name for name in ("signed", "debit", "credit", "amount") if name in proved.columns]
    found = postings.join(
        proved.select(POSTING_KEY, *(pl.col(name).alias(f"|{name}") for name in (*said, *money))),
        on=POSTING_KEY, how="left", validate="1:1", maintain_order="left",
    )  # fmt: skip
    found = found.with_columns(
        pl.when(pl.col(f"|{name}") != "")
        .then(f"|{name}")
        .otherwise(f"posting.{name}")
        .alias(f"posting.{name}")
        for name in said
    )
    signed = _signed(found, money)
    if signed is not None:
        found = found.with_columns(signed.alias("posting.signed"))
    return found.select(postings.columns)


def _signed(found: pl.DataFrame, money: list[str]) -> pl.Expr | None:
    """Rebuild signed amounts from what was printed, if that was in the posting currency."""
    zero = pl.lit(0, AMOUNT)
    if "signed" in money:
        rebuilt = pl.col("|signed").cast(AMOUNT)
    elif "debit" in money and "credit" in money:
        debit, credit = pl.col("|debit").cast(AMOUNT), pl.col("|credit").cast(AMOUNT)
        rebuilt = debit.fill_null(zero) - credit.fill_null(zero)
    elif "amount" in money:
        amount = pl.col("|amount").cast(AMOUNT)
        rebuilt = pl.when(pl.col("posting.side") == "debit").then(amount).otherwise(-amount)
    else:
        return None
    is_same = found.select((rebuilt == pl.col("posting.signed")).fill_null(False).all()).item()
    return rebuilt if is_same else None
