"""Vouchers and entries: what an item's posting rule makes of its lines, before any form.

items ──> vouchers      one per kind of the rule: entry; invoice and payment; …
lines ──> entries       one per line and voucher: two accounts and an amount
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from etl.findings import join_findings, no_notes, reject, without
from etl.frames import ENTRY, KEY, VOUCHER, schema
from etl.money import AMOUNT
from etl.postings.parts import parts_by_item
from etl.postings.rules import PostingRules

DEFAULT_ORDER: Sequence[str] = ("voucher.date", "voucher.reference")

_SHORT_REFERENCE = 8
_ZERO = pl.lit(0, AMOUNT)
_MADE_LATER = ("voucher.form", "voucher.index", "voucher.number")


@dataclass(frozen=True, slots=True)
class Vouchers:
    """Vouchers, their entries, and what was said about items on the way."""

    vouchers: pl.DataFrame
    entries: pl.DataFrame
    rejections: pl.DataFrame
    notes: pl.DataFrame


def make_vouchers(
    items: pl.DataFrame,
    lines: pl.DataFrame,
    rules: PostingRules,
    *,
    company_currency: str,
    single_currency: bool = False,
) -> Vouchers:
    """Make the vouchers of each item and one entry per line and voucher.

    Needs: mapped items and lines of assign_rules, sorted by item.key and by item.key, line.number.
    Gives: vouchers (voucher.key, item.key and the columns of VOUCHER except form, index, number),
    sorted by item and kind; entries (ENTRY). voucher.contra_account is null where the lines of a
    voucher have different ones. Items with a side without account are rejected (POST-6).
    Units: voucher currency, or the company's where the template has `currency: single`.
    """
    keyed = _voucher_keys(items, rules)
    made = [
        _part_vouchers(
            part[0], items=part[1], lines=part[2], rules=rules, single_currency=single_currency
        )
        for part in parts_by_item(keyed, items, lines)
    ]
    entries = pl.concat([part.entries for part in made])
    vouchers = pl.concat([part.vouchers for part in made])
    if single_currency:
        vouchers = vouchers.with_columns(pl.lit(company_currency).alias("voucher.currency"))
    return Vouchers(
        vouchers,
        entries.with_columns(pl.int_range(pl.len(), dtype=KEY).alias("entry.key")),
        join_findings([part.rejections for part in made]),
        no_notes(),
    )


def _part_vouchers(
    keyed: pl.DataFrame,
    *,
    items: pl.DataFrame,
    lines: pl.DataFrame,
    rules: PostingRules,
    single_currency: bool,
) -> Vouchers:
    entries = _entries(keyed, lines=lines, rules=rules)
    rejections = _accountless(entries, items=items, lines=lines)
    kept = without(entries, rejections)
    totals = _totals(kept, "line.book_gross" if single_currency else "line.gross")
    vouchers = totals.join(
        keyed, on="voucher.key", how="left", validate="1:1", maintain_order="left"
    )
    return Vouchers(
        _complete(vouchers, items),
        kept.select(schema(ENTRY).keys()).cast(schema(ENTRY)),  # type: ignore[arg-type]
        rejections,
        no_notes(),
    )


def number_vouchers(
    vouchers: pl.DataFrame,
    *,
    order: Sequence[str] = (),
    first: int | Mapping[str, int] = 1,
    per_fiscal_year: bool = False,
) -> pl.DataFrame:
    """Sort vouchers and give them their running number.

    Needs: vouchers; `order` names columns of it (default: date, reference). Ties are decided by
    item id and kind. With `per_fiscal_year` every fiscal year starts at `first`, which may give
    each year its own by label (1 where it names none); otherwise a mapping holds "".
    Gives: the vouchers in that order, with voucher.number.
    """
    by = (*(order or DEFAULT_ORDER), "voucher.key")
    ordered = vouchers.select(*dict.fromkeys(by)).with_row_index("place")
    places = ordered.sort(by, nulls_last=True).get_column("place")
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    running = place.over("voucher.fiscal_year.start") if per_fiscal_year else place
    start = pl.lit(first if isinstance(first, int) else first.get("", 1), pl.Int64)
    if per_fiscal_year and not isinstance(first, int):
        labels, numbers = list(first), list(first.values())
        start = pl.col("voucher.fiscal_year.label").replace_strict(
            pl.Series(labels, dtype=pl.String), pl.Series(numbers, dtype=pl.Int64), default=1
        )
    return vouchers[places].with_columns((running + start).alias("voucher.number"))


def _voucher_keys(items: pl.DataFrame, rules: PostingRules) -> pl.DataFrame:
    """Give one row per voucher: its key, item, kind, roles and sign."""
    most = max(len(rule.pairs) for rule in rules)
    parts = [
        items.select("item.key", "rule.id")
        .with_columns(pl.lit(place, pl.UInt8).alias("place"))
        .join(
            _pair_table(rules, place),
            on="rule.id",
            how="inner",
            validate="m:1",
            maintain_order="left",
        )
        for place in range(most)
    ]
    return (
        pl.concat(parts)
        .sort("item.key", "place")
        .drop("rule.id")
        .with_row_index("voucher.key")
        .cast({"voucher.key": KEY})
    )


def _pair_table(rules: PostingRules, place: int) -> pl.DataFrame:
    rows = []
    for rule in rules:
        if len(rule.pairs) > place:
            pair = rule.pairs[place]
            sign = 1 if pair.line_role == pair.debit else -1
            expected = -1 if rule.value == "negative" else 1
            rows.append((rule.id, pair.kind, pair.line_role, pair.contra_role, sign * expected))
    columns = {
        "rule.id": pl.String(),
        "voucher.kind": pl.String(),
        "entry.role": pl.String(),
        "voucher.contra_role": pl.String(),
        "entry.sign": pl.Int8(),
    }
    return pl.DataFrame(rows, schema=columns, orient="row")


def account_of(role: str, roles: Sequence[str], *, prefix: str = "account") -> pl.Expr:
    """Choose the account of the role that the column `role` names."""
    chosen = pl.lit(None, pl.String)
    for name in roles:
        chosen = pl.when(pl.col(role) == name).then(pl.col(f"{prefix}.{name}")).otherwise(chosen)
    return chosen


def _entries(keyed: pl.DataFrame, *, lines: pl.DataFrame, rules: PostingRules) -> pl.DataFrame:
    """Join lines to the vouchers of their item, and choose both accounts."""
    roles = sorted({role for rule in rules for role in rule.roles})
    wanted = [
        "item.key", "line.key", "line.gross", "line.book_gross", "text",
        *(f"account.{role}" for role in roles),
    ]  # fmt: skip
    source = lines.select(wanted)
    heads = keyed.select(
        "voucher.key", "item.key", "place", "voucher.kind", "entry.role", "voucher.contra_role",
        "entry.sign",
    )  # fmt: skip
    by_place = heads.partition_by("place", include_key=False, maintain_order=True)
    parts = [
        source.join(head, on="item.key", how="inner", validate="m:1", maintain_order="left")
        for head in by_place
    ]
    joined = (
        pl.concat(parts)
        if parts
        else source.join(heads.drop("place"), on="item.key", validate="m:m")
    )
    if len(parts) > 1:
        joined = joined.sort("voucher.key", "line.key")
    line_account = account_of("entry.role", roles)
    contra_account = account_of("voucher.contra_role", roles)
    is_debit = pl.col("line_is_debit")
    return (
        joined.with_columns(
            line_account.alias("line_account"),
            contra_account.alias("contra_account"),
            ((pl.col("line.gross") >= _ZERO) == (pl.col("entry.sign") > 0)).alias("line_is_debit"),
        )
        .drop([f"account.{role}" for role in roles])
        .with_columns(
            pl.when(is_debit).then(pl.lit("debit")).otherwise(pl.lit("credit")).alias("entry.side"),
            pl.when(is_debit)
            .then("line_account")
            .otherwise("contra_account")
            .alias("entry.debit_account"),
            pl.when(is_debit)
            .then("contra_account")
            .otherwise("line_account")
            .alias("entry.credit_account"),
            pl.col("line.gross").abs().alias("entry.amount"),
            pl.col("voucher.contra_role").alias("entry.contra_role"),
        )
        .with_row_index("entry.key")
    )


def _accountless(
    entries: pl.DataFrame, *, items: pl.DataFrame, lines: pl.DataFrame
) -> pl.DataFrame:
    """Reject items with a side that has no account (the mapping normally has said so before)."""
    found = []
    for role, account in (
        ("entry.role", "line_account"),
        ("voucher.contra_role", "contra_account"),
    ):
        missing = entries.filter(pl.col(account).is_null() | (pl.col(account) == ""))
        found.append(missing.select("item.key", "line.key", pl.col(role).alias("role")))
    rows = pl.concat(found).unique(maintain_order=True)
    return reject(
        place_of(rows, items=items, lines=lines),
        "POST-6",
        message=pl.format("there is no account for the role {}", pl.col("role")),
        fix=pl.format("map account.{} in the mapping", pl.col("role")),
    )


def place_of(rows: pl.DataFrame, *, items: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Give faulty rows what a rejection needs: item.id, item.where and line.number."""
    if rows.is_empty():
        return rows
    heads = items.select("item.key", "item.id", "item.where", "item.currency")
    numbers = lines.select("line.key", "line.number")
    return rows.join(heads, on="item.key", how="left", validate="m:1", maintain_order="left").join(
        numbers, on="line.key", how="left", validate="m:1", maintain_order="left"
    )


def _totals(entries: pl.DataFrame, gross: str) -> pl.DataFrame:
    """Give per voucher what its lines add up to, its contra account and its payable legs."""
    contra, signed = pl.col("contra_account"), pl.col("signed")
    is_known = pl.col(gross).null_count() == 0
    sums = (
        entries.with_columns(
            pl.when(pl.col("entry.sign") > 0)
            .then(pl.col(gross))
            .otherwise(-pl.col(gross))
            .alias("signed")
        )
        .group_by("voucher.key", maintain_order=True)
        .agg(
            pl.when(is_known).then(signed.sum()).alias("signed"),
            pl.col("text").first().alias("voucher.text"),
            contra.first().alias("voucher.contra_account"),
            (contra.min() == contra.max()).alias("has_one_contra"),
            pl.col("entry.sign").first(),
        )
    )
    is_debited = pl.col("signed").fill_null(_ZERO)
    rule_side = pl.when(pl.col("entry.sign") > 0).then(pl.lit("credit")).otherwise(pl.lit("debit"))
    return sums.select(
        "voucher.key",
        "voucher.text",
        pl.col("signed").abs().alias("voucher.total"),
        pl.when("has_one_contra").then("voucher.contra_account").alias("voucher.contra_account"),
        pl.when(is_debited > _ZERO)
        .then(pl.lit("credit"))
        .when(is_debited < _ZERO)
        .then(pl.lit("debit"))
        .otherwise(rule_side)
        .alias("voucher.contra_side"),
    ).join(
        _payable_legs(entries),
        on="voucher.key",
        how="left",
        validate="1:1",
        maintain_order="left",
    )


def _payable_legs(entries: pl.DataFrame) -> pl.DataFrame:
    """Count the legs on payable accounts, as the shape `legs` makes them."""
    is_contra = pl.col("voucher.contra_role") == "payable"
    leg = (
        pl.when(is_contra)
        .then("contra_account")
        .when(pl.col("voucher.kind") == "payment")
        .then("line_account")
        .otherwise(pl.col("line.key").cast(pl.String))
    )
    return (
        entries.filter(is_contra | (pl.col("entry.role") == "payable"))
        .select("voucher.key", leg.alias("leg"))
        .unique()
        .group_by("voucher.key")
        .agg(pl.len().cast(pl.Int64).alias("voucher.payable_legs"))
    )


def _complete(vouchers: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Add what the item knows: id, reference, currency, dates, vendor."""
    names = [column.name for column in VOUCHER if column.name not in _MADE_LATER]
    given = [name for name in names if name in items.columns and name not in vouchers.columns]
    heads = items.select("item.key", "item.id", "item.reconciliation_id", "item.currency", *given)
    reference = pl.col("item.reconciliation_id")
    return (
        vouchers.join(heads, on="item.key", how="left", validate="m:1", maintain_order="left")
        .with_columns(
            pl.format("{}/{}", pl.col("item.id"), pl.col("voucher.kind")).alias("voucher.id"),
            reference.alias("voucher.reference"),
            reference.str.tail(_SHORT_REFERENCE).alias("voucher.short_reference"),
            pl.col("item.currency").alias("voucher.currency"),
            pl.col("voucher.payable_legs").fill_null(0),
        )
        .select("voucher.key", "item.key", *names)
    )
