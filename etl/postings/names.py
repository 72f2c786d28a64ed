"""The names of a posting: every `posting.*` column that is wanted, from the rows of the forms."""

from __future__ import annotations

import polars as pl

from etl.frames import KEY, LEDGERS
from etl.money import AMOUNT, RATE, rate_between
from etl.postings.amounts import Basis

_ZERO = pl.lit(0, AMOUNT)
_MONEY = ("amount", "signed", "debit", "credit", "net", "tax", "notional_tax")
_ROW_AMOUNTS = ("signed", "vat", "notional")
_KEYS = ("voucher.key", "item.key", "line.key")

#: Made whether wanted or not: what the proof and the balance test read.
ALWAYS = frozenset(
    {
        "posting.index",
        "posting.role",
        "posting.shape",
        "posting.is_contra",
        "posting.account",
        "posting.contra_account",
        "posting.side",
        "posting.currency",
        "posting.amount",
        "posting.signed",
        "posting.book_signed",
        "posting.original_signed",
    }
)


def name_postings(rows: pl.DataFrame, vouchers: pl.DataFrame, *, basis: Basis) -> pl.DataFrame:
    """Give rows their posting names.

    Needs: rows in output order, sorted by voucher.key; their vouchers.
    Gives: posting.key, voucher.key, item.key, line.key, the wanted columns of POSTING,
    posting.dimension.<name> and target.<name>. Text, tax code, dimensions and targets come from
    the line; a summed row has the voucher's text, no code and no dimensions, and of a target the
    value on which all lines of the voucher agree.
    """
    known = _with_lines(_with_vouchers(_with_items(rows, basis), vouchers, basis=basis), basis)
    columns = {**_columns(basis), **_amounts(basis), **_dimensions(basis)}
    chosen = [name for name in columns if name in ALWAYS or basis.wants(name)]
    shared = {name: source for name, source in _shared(known, basis).items() if name in chosen}
    made = dict.fromkeys(shared.get(name, name) for name in chosen)
    key = pl.int_range(pl.len(), dtype=KEY).alias("posting.key")
    targets = _line_columns(basis, "target.")
    postings = known.select(key, *_KEYS, *(columns[name].alias(name) for name in made), *targets)
    named = (pl.col(shared.get(name, name)).alias(name) for name in chosen)
    return postings.select("posting.key", *_KEYS, *named, *targets)


def _shared(rows: pl.DataFrame, basis: Basis) -> dict[str, str]:
    """Find amounts that equal the posting amounts row by row: they share the same memory."""
    names: dict[str, str] = {}
    for prefix in basis.sets[1:]:
        if all(rows[f"{prefix}{name}"].equals(rows[name]) for name in _ROW_AMOUNTS):
            names |= {f"posting.{prefix}{name}": f"posting.{name}" for name in _MONEY}
    return names


def _columns(basis: Basis) -> dict[str, pl.Expr]:
    """Give what is no amount and no dimension, by name."""
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    is_first = (pl.col("voucher.key") != pl.col("voucher.key").shift(1)).fill_null(True)
    is_debit = pl.col("signed") > _ZERO
    is_single = basis.is_single
    return {
        "posting.index": place - pl.when(is_first).then(place).forward_fill() + 1,
        "posting.role": pl.col("role"),
        "posting.shape": pl.col("shape"),
        "posting.is_contra": pl.col("is_contra"),
        "posting.account": pl.col("account"),
        "posting.account_name": pl.col("account_name"),
        "posting.contra_account": pl.col("contra_account"),
        "posting.contra_account_name": pl.col("contra_account_name"),
        "posting.ledger": pl.col("role").replace_strict(LEDGERS, default="general"),
        "posting.side": pl.when(is_debit).then(pl.lit("debit")).otherwise(pl.lit("credit")),
        "posting.currency": pl.lit(basis.company_currency)
        if is_single
        else pl.col("voucher.currency"),
        "posting.tax_code": pl.when("has_code").then("tax_code"),
        "posting.text": pl.coalesce("text", "voucher.text"),
        "posting.vendor.code": pl.col("voucher.vendor.code"),
        "posting.vendor.name": pl.col("voucher.vendor.name"),
        "posting.rate": pl.col("rate"),
        "posting.rate_to_book": pl.col("rate_to_book"),
        "posting.original_currency": pl.col("original_currency"),
    }


def _amounts(basis: Basis) -> dict[str, pl.Expr]:
    """Give the seven amounts of every set, by name; null where the set is not known."""
    columns: dict[str, pl.Expr] = {}
    for prefix in basis.sets:
        signed = pl.col(f"{prefix}signed")
        is_known = signed.is_not_null()
        vat, notional = pl.col(f"{prefix}vat"), pl.col(f"{prefix}notional")
        money = (
            signed.abs(),
            signed,
            pl.when(signed < _ZERO).then(_ZERO).otherwise(signed),
            pl.when(signed > _ZERO).then(_ZERO).otherwise(-signed),
            (signed - vat).abs(),
            pl.when(is_known).then(vat.abs()),
            pl.when(is_known).then(notional.abs()),
        )
        names = (f"posting.{prefix}{name}" for name in _MONEY)
        columns |= dict(zip(names, money, strict=True))
    return columns


def _dimensions(basis: Basis) -> dict[str, pl.Expr]:
    """Give the dimensions of a row, none on contra legs, and the names of those with a value."""
    has_any = ~pl.col("is_contra")
    names = _line_columns(basis, "dimension.")
    values = {f"posting.{name}": pl.when(has_any).then(name) for name in names}
    present = [
        pl.when(value.is_not_null()).then(pl.lit(name.removeprefix("posting.dimension.")))
        for name, value in values.items()
    ]
    nothing = pl.lit([], pl.List(pl.String))
    listed = pl.concat_list(present).list.drop_nulls() if present else nothing
    return {**values, "posting.dimensions": listed}


def _line_columns(basis: Basis, prefix: str) -> list[str]:
    """Name the wanted dimensions or targets that the mapping gave the lines."""
    spelled = "posting." if prefix == "dimension." else ""
    every = basis.wants("posting.dimensions") and prefix == "dimension."
    return [
        name
        for name in basis.lines.columns
        if name.startswith(prefix) and (every or basis.wants(spelled + name))
    ]


def _with_items(rows: pl.DataFrame, basis: Basis) -> pl.DataFrame:
    """Add the rates and the other currency, which are the item's."""
    names = ("posting.rate", "posting.rate_to_book", "posting.original_currency")
    if not any(basis.wants(name) for name in names):
        return rows
    company = pl.lit(basis.company_currency)
    currency, other = pl.col("item.currency"), pl.col("item.original_currency")
    is_home = (currency == company) | pl.lit(basis.is_single)
    one = pl.lit(1).cast(RATE)
    amounts = (pl.col("item.amount"), pl.col("item.original_amount"))
    shown = pl.when(currency == company).then(other).otherwise(currency)
    heads = basis.items.select(
        "item.key",
        *(
            pl.when(is_home).then(one).when(other == company).then(rate_between(*pair)).alias(name)
            for name, pair in (("rate", amounts), ("rate_to_book", amounts[::-1]))
        ),
        (shown if basis.is_single else other).alias("original_currency"),
    )
    return rows.join(heads, on="item.key", how="left", validate="m:1", maintain_order="left")


def _with_vouchers(rows: pl.DataFrame, vouchers: pl.DataFrame, *, basis: Basis) -> pl.DataFrame:
    """Add what a posting has of its voucher."""
    wanted = {
        "voucher.currency": not basis.is_single,
        "voucher.text": basis.wants("posting.text"),
        "voucher.vendor.code": basis.wants("posting.vendor.code"),
        "voucher.vendor.name": basis.wants("posting.vendor.name"),
    }
    heads = vouchers.select(
        "voucher.key", *(name for name, is_wanted in wanted.items() if is_wanted)
    )
    return rows.join(heads, on="voucher.key", how="left", validate="m:1", maintain_order="left")


def _with_lines(rows: pl.DataFrame, basis: Basis) -> pl.DataFrame:
    """Add what a posting has of its line; summed rows get the targets all lines agree on."""
    single = [name for name in ("text", "tax_code") if basis.wants(f"posting.{name}")]
    targets = _line_columns(basis, "target.")
    names = [*single, *_line_columns(basis, "dimension."), *targets]
    if not names:
        return rows
    known = rows.join(
        basis.lines.select("line.key", *names),
        on="line.key",
        how="left",
        validate="m:1",
        maintain_order="left",
    )
    if not targets:
        return known
    agreed = basis.lines.group_by("item.key").agg(_agreed(name) for name in targets)
    is_summed = pl.col("line.key").is_null()
    return known.join(
        agreed, on="item.key", how="left", validate="m:1", maintain_order="left", suffix=".agreed"
    ).with_columns(
        pl.when(is_summed).then(f"{name}.agreed").otherwise(name).alias(name) for name in targets
    )


def _agreed(name: str) -> pl.Expr:
    value = pl.col(name)
    is_agreed = (value.null_count() == 0) & (value.min() == value.max())
    return pl.when(is_agreed).then(value.first()).alias(name)
