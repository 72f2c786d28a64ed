"""Postings: what templates see, made from entries in the shape and tax mode of a form.

    entries ──> amounts ──> rows (pair, or legs with contra legs) ──> postings with every name

The table of shapes and modes is in design.md, section 3. Zero rows are not made, and counted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from etl.findings import join_findings, no_notes, no_rejections, note, reject, without
from etl.forms import Form
from etl.frames import KEY
from etl.money import AMOUNT
from etl.postings.amounts import (
    Basis,
    entry_amounts,
    payments_as_one,
    refuse_unknown_amounts,
    refuse_unpostable,
)
from etl.postings.names import name_postings
from etl.postings.parts import parts_by_item
from etl.postings.rows import shape_rows
from etl.postings.vouchers import place_of

_ZERO = pl.lit(0, AMOUNT)


@dataclass(frozen=True, slots=True)
class Postings:
    """Postings, the vouchers that have any, items with nothing to book, and what was said."""

    postings: pl.DataFrame
    vouchers: pl.DataFrame
    nothing_to_book: pl.DataFrame
    rejections: pl.DataFrame
    notes: pl.DataFrame


def make_postings(
    vouchers: pl.DataFrame,
    entries: pl.DataFrame,
    items: pl.DataFrame,
    lines: pl.DataFrame,
    *,
    forms: Mapping[str, Form],
    single_currency: bool,
    company_currency: str,
    columns: Collection[str] | None = None,
) -> Postings:
    """Turn entries into postings, each voucher in the shape of its form.

    Needs: vouchers with voucher.form; their entries; mapped items and lines. `columns` names the
    posting columns that are wanted (default: all); keys, accounts, side and signed amounts are
    always made.
    Gives: postings sorted by voucher and place in it (posting.key, voucher.key, item.key,
    line.key, null on summed legs and payments); the vouchers that have postings; nothing_to_book
    (item.key, item.id) of items whose rows are all zero.
    Units: voucher currency, or the company's under `single_currency`.
    """
    wanted = None if columns is None else frozenset(columns)
    made = [
        _part_postings(
            part[0],
            part[1],
            forms=forms,
            basis=Basis(
                part[2], part[3], company_currency, is_single=single_currency, columns=wanted
            ),
        )
        for part in parts_by_item(vouchers, entries, items, lines)
    ]
    rejections = join_findings([part.rejections for part in made])
    postings = pl.concat([part.postings for part in made])
    kept = without(vouchers, rejections)
    booked = kept.join(postings, on="voucher.key", how="semi", maintain_order="left")
    return Postings(
        postings=postings.with_columns(pl.int_range(pl.len(), dtype=KEY).alias("posting.key")),
        vouchers=booked,
        nothing_to_book=_nothing_to_book(kept, booked, items=items),
        rejections=rejections,
        notes=join_findings([part.notes for part in made]),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    postings: pl.DataFrame
    rejections: pl.DataFrame
    notes: pl.DataFrame


def _part_postings(
    vouchers: pl.DataFrame, entries: pl.DataFrame, *, forms: Mapping[str, Form], basis: Basis
) -> _Part:
    """Make the postings of some items, sorted by voucher and place in it."""
    made = [
        _form_rows(mine, entries, form=form, basis=basis)
        for form, mine in _by_form(vouchers, forms)
    ]
    # Both vouchers of an item may fail for the same reason.
    refused = join_findings([rejections for _, rejections in made]).unique(maintain_order=True)
    rows = pl.concat([rows for rows, _ in made])
    rejections = join_findings([refused, _disagreeing(rows, basis)])
    rows = without(rows, rejections)
    is_zero = pl.col("signed") == _ZERO
    notes = _zero_rows(rows.filter(is_zero), basis.items)
    rows = rows.filter(~is_zero).sort("voucher.key", "line.key", "rank", nulls_last=True)
    return _Part(name_postings(rows, vouchers, basis=basis), rejections, notes)


def _by_form(vouchers: pl.DataFrame, forms: Mapping[str, Form]) -> list[tuple[Form, pl.DataFrame]]:
    """Divide vouchers by form; without any voucher there is one empty part."""
    if vouchers.is_empty():
        return [(Form("none", "pair", "by_code"), vouchers)]
    names = vouchers.get_column("voucher.form").unique(maintain_order=True)
    return [(forms[name], vouchers.filter(pl.col("voucher.form") == name)) for name in names]


def _form_rows(
    vouchers: pl.DataFrame, entries: pl.DataFrame, *, form: Form, basis: Basis
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make the rows of the vouchers of one form, and the rejections of what it cannot post."""
    mine = entries.join(
        vouchers.select("voucher.key", "voucher.kind"),
        on="voucher.key",
        how="inner",
        validate="m:1",
        maintain_order="left",
    )
    rows = entry_amounts(mine, basis)
    unknown = refuse_unknown_amounts(rows, basis) if basis.is_single else no_rejections()
    rows = without(rows, unknown)
    unpostable = refuse_unpostable(rows, form, basis=basis)
    rows = payments_as_one(without(rows, unpostable), basis.sets)
    return shape_rows(rows, form, sets=basis.sets), join_findings([unknown, unpostable])


def _disagreeing(rows: pl.DataFrame, basis: Basis) -> pl.DataFrame:
    """Reject items with a row whose amounts in two currencies have different signs (POST-9).

    Such a row would stand on the debit side in one currency and on the credit side in the other.
    """
    main = pl.col("signed")
    found = []
    for prefix in basis.sets[1:]:
        other = pl.col(f"{prefix}signed")
        differs = ((main <= _ZERO) & (other > _ZERO)) | ((main >= _ZERO) & (other < _ZERO))
        found.append(rows.filter(differs).with_columns(other.alias("other")))
    if not found or all(part.is_empty() for part in found):
        return no_rejections()
    faulty = place_of(pl.concat(found), items=basis.items, lines=basis.lines)
    return reject(
        faulty.unique("item.key", maintain_order=True),
        "POST-9",
        message=pl.format(
            "a row on the account {} amounts to {} in one currency and {} in the other",
            pl.col("account"),
            pl.col("signed").cast(pl.String),
            pl.col("other").cast(pl.String),
        ),
        fix="book the item by hand: its amounts in the two currencies contradict each other",
    )


def _zero_rows(rows: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    if rows.is_empty():
        return no_notes()
    counts = rows.group_by("item.key", maintain_order=True).agg(pl.len().alias("count"))
    heads = items.select("item.key", "item.id")
    counted = counts.join(heads, on="item.key", how="left", validate="1:1", maintain_order="left")
    return note(counted, "ZERO-LEG", pl.format("rows of zero amount not made: {}", "count"))


def _nothing_to_book(
    kept: pl.DataFrame, booked: pl.DataFrame, *, items: pl.DataFrame
) -> pl.DataFrame:
    """Give the items of vouchers that have no row at all."""
    empty = kept.join(booked, on="item.key", how="anti", maintain_order="left")
    return items.select("item.key", "item.id").join(
        empty, on="item.key", how="semi", maintain_order="left"
    )
