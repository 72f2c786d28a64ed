"""Amounts that a column may mean, and the books as the files say them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
_SIDES = ("debit_account", "credit_account")
#: Meanings of which a file needs one.
ACCOUNTS = frozenset({"account", "contra_account", *_SIDES})


def not_of_postings(meaning: str, read: pl.Series, *, postings: pl.DataFrame) -> int | None:
    """Give the first row whose amount is no such amount of its posting, in any of its currencies.

    Needs: `read` and postings in the same order. A row that prints nothing is left out, and a
    whole column of signed amounts may have the other sign: some programs count credit positive.
    """
    exact = read.cast(AMOUNT, strict=False)
    fits = read.is_null()
    turned = read.is_null()
    for prefix in _CURRENCIES:
        for amounts in _amounts(meaning, prefix, postings=postings):
            fits |= (exact == amounts).fill_null(False)
            turned |= (exact == -amounts).fill_null(False)
    fits &= (exact == read).fill_null(True)
    if fits.all() or (meaning == "signed" and turned.all()):
        return None
    return int(fits.not_().arg_true()[0])


def exchanged(meaning: str, read: pl.Series, *, postings: pl.DataFrame) -> int | None:
    """Give the first row that prints the other account of its posting than the meaning says."""
    other = "contra_account" if meaning == "account" else "account"
    is_other = (read == postings[f"posting.{other}"]) & (read != postings[f"posting.{meaning}"])
    rows = is_other.fill_null(False).arg_true()
    return int(rows[0]) if rows.len() else None


def _amounts(meaning: str, prefix: str, *, postings: pl.DataFrame) -> Iterator[pl.Series]:
    """Give the amounts of one currency that a meaning may stand for."""
    for name in MONEY[meaning]:
        if f"posting.{prefix}{name}" in postings.columns:
            yield postings[f"posting.{prefix}{name}"]
    net = f"posting.{prefix}net"
    if meaning == "signed" and net in postings.columns:
        # Programs that work out the tax themselves read one signed column without tax.
        is_credit = pl.col("posting.side") == "credit"
        signed = pl.when(is_credit).then(-pl.col(net)).otherwise(net)
        yield postings.select(signed.alias(net))[net]


def as_read(postings: pl.DataFrame, proved: pl.DataFrame) -> pl.DataFrame:
    """Give the postings of a batch with what the files say of them in place of our own values.

    Needs: proved, the `postings` of a proof. Control totals made from this are those of the files.
    Units: posting.signed is replaced where the files print an amount of the posting currency.
    """
    proved = _by_posting(postings, proved)
    said = [name for name in _TEXTS if name in proved.columns]
    printed: Sequence[str] = ("signed", "debit", "credit", "amount")
    money = [name for name in printed if name in proved.columns]
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


def _by_posting(postings: pl.DataFrame, proved: pl.DataFrame) -> pl.DataFrame:
    """Say account and contra account where a file has the account of each side instead."""
    if not set(_SIDES) <= set(proved.columns):
        return proved
    sides = postings.select(POSTING_KEY, (pl.col("posting.side") == "debit").alias("|debit"))
    debit, credit = (pl.col(name) for name in _SIDES)
    return (
        proved.join(sides, on=POSTING_KEY, how="left", validate="1:1", maintain_order="left")
        .with_columns(
            pl.when("|debit").then(debit).otherwise(credit).alias("account"),
            pl.when("|debit").then(credit).otherwise(debit).alias("contra_account"),
        )
        .drop("|debit")
    )


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
