"""The rows of a form: pairs or legs, with tax by code or as rows of their own.

entry ──> main row ──┬─ pair: account and contra account in one row
                     └─ legs: one account per row, contra legs after the lines
      ──> tax rows (tax: separate) ── reverse: ingoing against outgoing tax
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from etl.forms import Form
from etl.money import AMOUNT
from etl.postings.amounts import sum_or_null
from etl.postings.rules import TAXED_ROLES

#: Places of the rows of one line; contra legs come last.
_MAIN, _TAX_IN, _TAX_OUT, _CONTRA = range(4)

#: Roles whose rows carry the line's tax code.
CODED_ROLES = (*TAXED_ROLES, "tax_in", "tax_out")

_ZERO = pl.lit(0, AMOUNT)


def shape_rows(rows: pl.DataFrame, form: Form, *, sets: Sequence[str]) -> pl.DataFrame:
    """Make the rows of a form out of entries with their amounts.

    Needs: rows of entry_amounts, payments summed, everything the form refuses taken out.
    Gives: one row per posting, zero rows included: keys, rank (place within the line), role,
    account, contra_account (null on legs), is_contra, has_code, shape, and per set: signed, vat
    and notional, all debit positive as seen from the account.
    """
    parts = [_main_rows(rows, form, sets=sets)]
    if form.tax == "separate":
        has_tax = pl.any_horizontal(pl.col(f"{prefix}tax") != _ZERO for prefix in sets)
        parts += _tax_rows(rows.filter(has_tax), form, sets=sets)
    if form.shape == "legs":
        parts.append(_contra_legs(rows, form, sets=sets))
    shaped = pl.concat(parts)
    if form.shape == "pair" and form.account_is is not None:
        shaped = _turned(shaped, form.account_is, sets=sets)
    return shaped.drop("contra_role").with_columns(pl.lit(form.shape).alias("shape"))


def _main_rows(rows: pl.DataFrame, form: Form, *, sets: Sequence[str]) -> pl.DataFrame:
    is_reverse = pl.col("tax_type") == "reverse"
    is_apart = form.tax == "separate"
    amounts: list[pl.Expr] = []
    for prefix in sets:
        gross, tax = pl.col(f"{prefix}gross"), pl.col(f"{prefix}tax")
        part = pl.when(is_reverse).then(_ZERO).otherwise(tax)
        shadow = pl.when(is_reverse).then(tax).otherwise(_ZERO)
        amounts += [
            (gross - part if is_apart else gross).alias(f"{prefix}signed"),
            (_ZERO if is_apart else part).alias(f"{prefix}vat"),
            (_ZERO if is_apart else shadow).alias(f"{prefix}notional"),
        ]
    return _laid_out(rows, form, rank=_MAIN, is_contra=False, amounts=amounts)


def _tax_rows(rows: pl.DataFrame, form: Form, *, sets: Sequence[str]) -> list[pl.DataFrame]:
    """Make the rows of tax: ingoing against the contra side, or against outgoing tax."""
    is_reverse = pl.col("tax_type") == "reverse"
    ingoing = rows.with_columns(
        pl.lit("tax_in").alias("role"),
        pl.col("tax_in").alias("account"),
        pl.when(is_reverse).then(pl.lit("tax_out")).otherwise("contra_role").alias("contra_role"),
        pl.when(is_reverse).then("tax_out").otherwise("contra_account").alias("contra_account"),
        *_renamed(rows, "account_name", value=pl.col("tax_in_name")),
        *_renamed(
            rows,
            "contra_account_name",
            value=pl.when(is_reverse).then("tax_out_name").otherwise("contra_account_name"),
        ),
    )
    parts = [
        _laid_out(ingoing, form, rank=_TAX_IN, is_contra=False, amounts=_plain("tax", sets)),
    ]
    if form.shape == "legs":
        outgoing = rows.filter(is_reverse).with_columns(
            pl.lit("tax_out").alias("role"),
            pl.col("tax_out").alias("account"),
            *_renamed(rows, "account_name", value=pl.col("tax_out_name")),
        )
        parts.append(
            _laid_out(
                outgoing,
                form,
                rank=_TAX_OUT,
                is_contra=False,
                amounts=_plain("tax", sets, minus=True),
            )
        )
    return parts


def _contra_legs(rows: pl.DataFrame, form: Form, *, sets: Sequence[str]) -> pl.DataFrame:
    """Make the legs of the contra side: one per voucher and account, or one per line.

    A payment has no lines of its own, so its contra legs are always summed.
    """
    names = [name for name in ("contra_account_name",) if name in rows.columns]
    columns = ["voucher.key", "item.key", "line.key", "contra_role", "contra_account", *names]
    is_summed = pl.lit(form.contra == "one") | (pl.col("voucher.kind") == "payment")
    summed = (
        rows.filter(is_summed)
        .group_by("voucher.key", "contra_account", maintain_order=True)
        .agg(
            pl.col("item.key", "contra_role", *names).first(),
            *(sum_or_null(f"{prefix}gross") for prefix in sets),
        )
        .with_columns(pl.lit(None, rows.schema["line.key"]).alias("line.key"))
    )
    amounts = [f"{prefix}gross" for prefix in sets]
    apart = rows.filter(~is_summed)
    legs = pl.concat([part.select(*columns, *amounts) for part in (apart, summed)]).with_columns(
        pl.col("contra_role").alias("role"),
        pl.col("contra_account").alias("account"),
        *_renamed(rows, "account_name", value=pl.col("contra_account_name")),
    )
    return _laid_out(
        legs, form, rank=_CONTRA, is_contra=True, amounts=_plain("gross", sets, minus=True)
    )


def _laid_out(
    rows: pl.DataFrame, form: Form, *, rank: int, is_contra: bool, amounts: Sequence[pl.Expr]
) -> pl.DataFrame:
    """Select the columns that all rows have."""
    is_pair = form.shape == "pair"
    nothing = pl.lit(None, pl.String)
    names = []
    if "contra_account_name" in rows.columns:
        contra_name = pl.col("contra_account_name") if is_pair else nothing
        names = [pl.col("account_name"), contra_name.alias("contra_account_name")]
    return rows.select(
        "voucher.key",
        "item.key",
        "line.key",
        pl.lit(rank, pl.UInt8).alias("rank"),
        pl.lit(is_contra).alias("is_contra"),
        pl.col("role").is_in(CODED_ROLES).and_(not is_contra).alias("has_code"),
        "role",
        "contra_role",
        "account",
        (pl.col("contra_account") if is_pair else nothing).alias("contra_account"),
        *names,
        *amounts,
    )


def _plain(source: str, sets: Sequence[str], *, minus: bool = False) -> list[pl.Expr]:
    """Give amounts that have no tax in them."""
    amounts = []
    for prefix in sets:
        amount = pl.col(f"{prefix}{source}")
        amounts += [
            (-amount if minus else amount).alias(f"{prefix}signed"),
            _ZERO.alias(f"{prefix}vat"),
            _ZERO.alias(f"{prefix}notional"),
        ]
    return amounts


def _renamed(rows: pl.DataFrame, name: str, *, value: pl.Expr) -> list[pl.Expr]:
    return [value.alias(name)] if "contra_account_name" in rows.columns else []


def _turned(rows: pl.DataFrame, account_is: str, *, sets: Sequence[str]) -> pl.DataFrame:
    """Put the account of a role into the account column of the pairs that have it as contra."""
    is_turned = pl.col("contra_role") == account_is
    swapped = [("account", "contra_account"), ("role", "contra_role")]
    if "contra_account_name" in rows.columns:
        swapped.append(("account_name", "contra_account_name"))
    exchanges = [
        pl.when(is_turned).then(other).otherwise(name).alias(name)
        for pair in swapped
        for name, other in (pair, pair[::-1])
    ]
    signs = [
        pl.when(is_turned).then(-pl.col(name)).otherwise(name).alias(name)
        for prefix in sets
        for name in (f"{prefix}signed", f"{prefix}vat", f"{prefix}notional")
    ]
    return rows.with_columns(*exchanges, *signs)
