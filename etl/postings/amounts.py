"""What each entry amounts to in every currency, with its tax, and which entries cannot be posted.

Amounts come in sets: the posting amount (no prefix), the company's (`book_`) and the other
currency's (`original_`). They are signed as seen from the lines' side: debit positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from etl.findings import join_findings, reject
from etl.forms import Form
from etl.frames import ROLES
from etl.money import AMOUNT
from etl.postings.rules import TAXED_ROLES
from etl.postings.vouchers import account_of, place_of

SETS: Sequence[str] = ("", "book_", "original_")

_ZERO = pl.lit(0, AMOUNT)


@dataclass(frozen=True, slots=True)
class Basis:
    """What postings are made from, and which of their columns are wanted."""

    items: pl.DataFrame
    lines: pl.DataFrame
    company_currency: str
    is_single: bool
    columns: frozenset[str] | None

    def wants(self, name: str) -> bool:
        return self.columns is None or name in self.columns

    @property
    def sets(self) -> tuple[str, ...]:
        """Give the sets of amounts that are wanted; the posting amount always is."""
        names = self.columns
        return tuple(
            prefix
            for prefix in SETS
            if not prefix
            or names is None
            or any(name.startswith(f"posting.{prefix}") for name in names)
        )

    @property
    def has_names(self) -> bool:
        return self.wants("posting.account_name") or self.wants("posting.contra_account_name")


def entry_amounts(entries: pl.DataFrame, basis: Basis) -> pl.DataFrame:
    """Give each entry its accounts by side, its tax kind, and its amounts.

    Needs: entries with voucher.kind.
    Gives: one row per entry: keys, voucher.kind, role, contra_role, account, contra_account,
    tax_in, tax_out (each with its name beside it where names are wanted), tax_type (null where no
    tax is posted), and gross and tax of every set. A set that is not known for every line of a
    voucher is null for all of it. Under `currency: single` the posting amount is the book amount,
    null where there is none.
    """
    sets = basis.sets
    wide = entries.join(
        _line_amounts(basis), on="line.key", how="left", validate="m:1", maintain_order="left"
    )
    is_debit = pl.col("entry.side") == "debit"
    is_taxed = pl.col("entry.role").is_in(TAXED_ROLES)
    debit, credit = pl.col("entry.debit_account"), pl.col("entry.credit_account")
    names = _account_names() if basis.has_names else ()
    rows = wide.select(
        "voucher.key",
        "item.key",
        "line.key",
        "voucher.kind",
        pl.col("entry.role").alias("role"),
        pl.col("entry.contra_role").alias("contra_role"),
        pl.when(is_debit).then(debit).otherwise(credit).alias("account"),
        pl.when(is_debit).then(credit).otherwise(debit).alias("contra_account"),
        pl.when(is_taxed).then("line.tax.type").alias("tax_type"),
        pl.col("account.tax_in").alias("tax_in"),
        pl.col("account.tax_out").alias("tax_out"),
        *names,
        *(_signed(f"{prefix}gross") for prefix in sets),
        *(pl.when(is_taxed).then(_signed(f"{prefix}tax")).otherwise(_ZERO).alias(f"{prefix}tax")
          for prefix in sets),
    )  # fmt: skip
    for prefix in sets[1:]:
        rows = _null_where_incomplete(rows, prefix)
    return rows


def refuse_unknown_amounts(rows: pl.DataFrame, basis: Basis) -> pl.DataFrame:
    """Reject items without an amount in the company's currency (CUR-1)."""
    unknown = rows.filter(pl.col("gross").is_null() | pl.col("tax").is_null())
    faulty = unknown.select("item.key").unique(maintain_order=True)
    if faulty.is_empty():
        return reject(faulty, "CUR-1", message="", fix="")
    heads = basis.items.select(
        "item.key", "item.id", "item.where", "item.currency", "item.original_currency"
    )
    faulty = faulty.join(heads, on="item.key", how="left", validate="1:1", maintain_order="left")
    sent = pl.concat_str(
        pl.col("item.currency"),
        pl.when(pl.col("item.original_currency") != pl.col("item.currency")).then(
            "item.original_currency"
        ),
        separator=" and ",
        ignore_nulls=True,
    )
    return reject(
        faulty,
        "CUR-1",
        message=pl.format(
            f"the template books in {basis.company_currency} only, and Pleo gives this item's"
            " amounts in {}",
            sent,
        ),
        fix='use a template with "currency: foreign", or book the item by hand; an amount is'
        " never computed from a rate",
    )


def refuse_unpostable(rows: pl.DataFrame, form: Form, *, basis: Basis) -> pl.DataFrame:
    """Reject items whose lines the form cannot post (POST-7, POST-8, POST-10)."""
    found = [_misfits(rows, form, basis=basis)]
    if form.tax == "separate":
        has_tax = pl.col("tax") != _ZERO
        is_reverse = pl.col("tax_type") == "reverse"
        for role, is_needed in (("tax_in", has_tax), ("tax_out", has_tax & is_reverse)):
            missing = is_needed & (pl.col(role).is_null() | (pl.col(role) == ""))
            found.append(
                _no_tax_account(
                    place_of(rows.filter(missing), items=basis.items, lines=basis.lines),
                    role=role,
                    form=form,
                )
            )
    if form.mixed_signs == "refuse":
        found.append(_mixed_signs(rows, form=form, items=basis.items))
    return join_findings(found)


def _line_amounts(basis: Basis) -> pl.DataFrame:
    """Name the amounts of each line by set, and choose what else a row needs of it."""
    lines, single = basis.lines, basis.is_single
    if single and "original_" in basis.sets:
        is_foreign = pl.col("item.currency") != basis.company_currency
        heads = basis.items.select("item.key", is_foreign.alias("is_foreign"))
        lines = lines.join(heads, on="item.key", how="left", validate="m:1", maintain_order="left")
    has_tax = pl.col("line.tax").fill_null(_ZERO) != _ZERO
    amounts = []
    for prefix in basis.sets:
        for name in ("gross", "tax"):
            amount = pl.col(f"line.{'book_' if single and not prefix else prefix}{name}")
            if single and prefix == "original_":
                amount = pl.when("is_foreign").then(f"line.{name}").otherwise(amount)
            if name == "tax":
                # A line without tax has none in any currency; one that is unknown stays null.
                amount = pl.when(has_tax).then(amount).otherwise(amount.fill_null(_ZERO))
            amounts.append(amount.alias(f"{prefix}{name}"))
    names = [f"account_name.{role}" for role in ROLES] if basis.has_names else []
    kept = ("line.key", "line.tax.type", "account.tax_in", "account.tax_out", *names)
    return lines.select(*kept, *amounts)


def _account_names() -> tuple[pl.Expr, ...]:
    """Choose the names that stand beside the accounts."""
    return (
        account_of("entry.role", ROLES, prefix="account_name").alias("account_name"),
        account_of("entry.contra_role", ROLES, prefix="account_name").alias("contra_account_name"),
        pl.col("account_name.tax_in").alias("tax_in_name"),
        pl.col("account_name.tax_out").alias("tax_out_name"),
    )


def _signed(name: str) -> pl.Expr:
    return pl.when(pl.col("entry.sign") > 0).then(pl.col(name)).otherwise(-pl.col(name)).alias(name)


def _null_where_incomplete(rows: pl.DataFrame, prefix: str) -> pl.DataFrame:
    """Forget a set of amounts for a voucher that lacks one of them, so that none is partial."""
    gross, tax = f"{prefix}gross", f"{prefix}tax"
    is_missing = pl.col(gross).is_null() | pl.col(tax).is_null()
    if rows.select(is_missing.any()).item():
        is_partial = is_missing.any().over("voucher.key")
        rows = rows.with_columns(
            pl.when(~is_partial).then(pl.col(name)).alias(name) for name in (gross, tax)
        )
    return rows


def _misfits(rows: pl.DataFrame, form: Form, *, basis: Basis) -> pl.DataFrame:
    """Reject tax without type, and tax that cannot be a part of its row in some currency."""
    kind = pl.col("tax_type").fill_null("missing")
    found = []
    for prefix in basis.sets:
        tax, gross = pl.col(f"{prefix}tax"), pl.col(f"{prefix}gross")
        misfit = kind == "missing"
        if form.tax != "separate":
            other_sign = (tax > _ZERO) != (gross > _ZERO)
            too_much = (kind != "reverse") & (tax.abs() > gross.abs())
            misfit = misfit | (gross == _ZERO) | other_sign | too_much
        faulty = rows.filter((tax != _ZERO) & misfit)
        found.append(faulty.select("item.key", "line.key", "tax_type", tax=tax, gross=gross))
    faulty = pl.concat(found).unique(["item.key", "line.key"], keep="first", maintain_order=True)
    return reject(
        place_of(faulty, items=basis.items, lines=basis.lines),
        "POST-8",
        message=pl.format(
            "the tax {} does not fit the amount {} (tax type {})",
            pl.col("tax").abs().cast(pl.String),
            pl.col("gross").abs().cast(pl.String),
            kind,
        ),
        fix="correct the tax of the line in Pleo, or book the item by hand",
    )


def _no_tax_account(rows: pl.DataFrame, *, role: str, form: Form) -> pl.DataFrame:
    return reject(
        rows,
        "POST-7",
        message=f"the form {form.name} posts tax separately, and the line has no account for the"
        f" role {role}",
        fix=f"map account.{role} in the mapping",
    )


def _mixed_signs(rows: pl.DataFrame, *, form: Form, items: pl.DataFrame) -> pl.DataFrame:
    gross = pl.col("gross")
    mixed = (
        rows.filter(pl.col("voucher.kind") != "payment")
        .group_by("voucher.key", "item.key", maintain_order=True)
        .agg((gross.min() < _ZERO) & (gross.max() > _ZERO))
        .filter("gross")
        .select("item.key")
        .unique(maintain_order=True)
    )
    heads = items.select("item.key", "item.id", "item.where")
    return reject(
        mixed.join(heads, on="item.key", how="left", validate="1:1", maintain_order="left"),
        "POST-10",
        message=f"the form {form.name} takes no voucher with lines of both signs",
        fix="book the item by hand, or split it in Pleo",
    )


def payments_as_one(rows: pl.DataFrame, sets: Sequence[str]) -> pl.DataFrame:
    """Make one row per payment and pair of accounts out of a payment's lines."""
    is_payment = pl.col("voucher.kind") == "payment"
    payments = rows.filter(is_payment)
    if payments.is_empty():
        return rows
    names = [name for name in ("account_name", "contra_account_name") if name in rows.columns]
    summed = payments.group_by("voucher.key", "account", "contra_account", maintain_order=True).agg(
        pl.col("item.key", "voucher.kind", "role", "contra_role", *names).first(),
        *(sum_or_null(f"{prefix}gross") for prefix in sets),
    )
    no_tax = (_ZERO.alias(f"{prefix}tax") for prefix in sets)
    summed = summed.with_columns(no_tax)
    return pl.concat([rows.filter(~is_payment), summed], how="diagonal")


def sum_or_null(name: str) -> pl.Expr:
    """Sum a column within a group; null where a value is missing."""
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name)
