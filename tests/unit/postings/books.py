"""Mapped items and lines, made by hand, as the posting stage receives them.

Company currency is EUR. The account of a role is its name in capitals; a line may say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import polars as pl

from etl.forms import Form
from etl.frames import ROLES
from etl.money import AMOUNT
from etl.postings import (
    PostingRules,
    Postings,
    Vouchers,
    assign_rules,
    check_balance,
    load_posting_rules,
    make_postings,
    make_vouchers,
)

COMPANY_CURRENCY = "EUR"


@dataclass(frozen=True)
class Line:
    """A line; amounts are texts. `book` and `other` are (gross, tax) in the other currencies."""

    gross: str
    tax: str | None = None
    tax_type: str | None = None
    book: tuple[str | None, str | None] | None = None
    other: tuple[str | None, str | None] | None = None
    accounts: dict[str, str | None] = field(default_factory=dict)
    text: str | None = None
    code: str | None = None
    project: str | None = None
    journal: str | None = None


@dataclass(frozen=True)
class Item:
    """An item with its lines; without `book` amounts its currency is the company's."""

    lines: tuple[Line, ...]
    type: str = "card_purchase"
    sub_type: str | None = None
    method: str = "journal"
    currency: str = "EUR"
    other_currency: str | None = None
    id: str = "i1"
    posted: date = date(2026, 3, 4)
    year: int = 2026


def every_rule() -> PostingRules:
    """Give the shipped rules, all accepted."""
    return load_posting_rules(accept=[rule.id for rule in load_posting_rules()])


def frames(*items: Item) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make the frames of items and lines, sorted as the stages before leave them."""
    ordered = sorted(items, key=lambda item: item.id)
    item_rows, line_rows = [], []
    for key, item in enumerate(ordered):
        item_rows.append(_item_row(key, item))
        for number, line in enumerate(item.lines, start=1):
            line_rows.append(_line_row(len(line_rows), key, number, item, line))
    return (
        pl.DataFrame(item_rows, schema=_ITEM_SCHEMA, orient="row"),
        pl.DataFrame(line_rows, schema=_LINE_SCHEMA, orient="row"),
    )


def amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _total(texts: list[str | None]) -> Decimal | None:
    return None if None in texts else sum((Decimal(str(text)) for text in texts), Decimal(0))


def _amounts(item: Item, line: Line) -> list[str | None]:
    """Give gross and tax in voucher, company and other currency."""
    own = (line.gross, line.tax)
    book = line.book or (own if item.currency == COMPANY_CURRENCY else (None, None))
    other = line.other or (book if item.other_currency == COMPANY_CURRENCY else own)
    return [*own, *book, *other]


def _item_row(key: int, item: Item) -> tuple[object, ...]:
    amounts = [_amounts(item, line) for line in item.lines]
    return (
        key,
        item.id,
        f"items.json, item {key + 1}",
        item.type,
        item.sub_type,
        item.method,
        _total([row[0] for row in amounts]),
        item.currency,
        _total([row[4] for row in amounts]),
        item.other_currency or item.currency,
        f"PL-{item.id}-0123456789",
        "V1",
        "Vendor One",
        "TAX1",
        item.posted,
        item.posted,
        item.posted,
        None,
        item.year * 100 + item.posted.month,
        item.year,
        item.posted.month,
        None,
        None,
        date(item.year, 1, 1),
        date(item.year, 12, 31),
        str(item.year),
    )


def _line_row(line_key: int, key: int, number: int, item: Item, line: Line) -> tuple[object, ...]:
    amounts = [amount(text) for text in _amounts(item, line)]
    accounts = [line.accounts.get(role, role.upper()) for role in ROLES]
    names = [account and f"name of {account}" for account in accounts]
    return (
        key,
        line_key,
        number,
        line.tax_type,
        *amounts,
        line.text or f"text {number}",
        line.code,
        line.project,
        line.journal,
        *accounts,
        *names,
    )


_TEXT = pl.String()
_KEY = pl.UInt32()
_DAY = pl.Date()
_NUMBER = pl.Int64()
_ITEM_SCHEMA: dict[str, pl.DataType] = {
    "item.key": _KEY,
    **{f"item.{name}": _TEXT for name in ("id", "where", "type", "sub_type", "method")},
    "item.amount": AMOUNT,
    "item.currency": _TEXT,
    "item.original_amount": AMOUNT,
    "item.original_currency": _TEXT,
    "item.reconciliation_id": _TEXT,
    **{f"voucher.vendor.{name}": _TEXT for name in ("code", "name", "tax_id")},
    "voucher.original_date": _DAY,
    "voucher.date": _DAY,
    "voucher.document_date": _DAY,
    "voucher.due_date": _DAY,
    "voucher.period": _NUMBER,
    "voucher.period.year": _NUMBER,
    "voucher.period.number": _NUMBER,
    "voucher.period.start": _DAY,
    "voucher.period.end": _DAY,
    "voucher.fiscal_year.start": _DAY,
    "voucher.fiscal_year.end": _DAY,
    "voucher.fiscal_year.label": _TEXT,
}
_LINE_SCHEMA: dict[str, pl.DataType] = {
    "item.key": _KEY,
    "line.key": _KEY,
    "line.number": _NUMBER,
    "line.tax.type": _TEXT,
    **{
        f"line.{prefix}{name}": AMOUNT
        for prefix in ("", "book_", "original_")
        for name in ("gross", "tax")
    },
    "text": _TEXT,
    "tax_code": _TEXT,
    "dimension.project": _TEXT,
    "target.journal": _TEXT,
    **{f"account.{role}": _TEXT for role in ROLES},
    **{f"account_name.{role}": _TEXT for role in ROLES},
}


def vouchers_of(*items: Item, rules: PostingRules | None = None, single: bool = False) -> Vouchers:
    """Run items to vouchers, all rules accepted."""
    rules = rules or every_rule()
    item_frame, line_frame = frames(*items)
    assigned = assign_rules(item_frame, line_frame, rules)
    assert assigned.rejections.is_empty(), assigned.rejections
    return make_vouchers(
        assigned.items,
        assigned.lines,
        rules,
        company_currency=COMPANY_CURRENCY,
        single_currency=single,
    )


def post(
    *items: Item,
    form: Form,
    rules: PostingRules | None = None,
    single: bool = False,
    columns: set[str] | None = None,
) -> Postings:
    """Run items to postings in one form, and test the balance."""
    rules = rules or every_rule()
    item_frame, line_frame = frames(*items)
    assigned = assign_rules(item_frame, line_frame, rules)
    assert assigned.rejections.is_empty(), assigned.rejections
    made = make_vouchers(
        assigned.items,
        assigned.lines,
        rules,
        company_currency=COMPANY_CURRENCY,
        single_currency=single,
    )
    postings = make_postings(
        made.vouchers.with_columns(pl.lit(form.name).alias("voucher.form")),
        made.entries,
        assigned.items,
        assigned.lines,
        forms={form.name: form},
        single_currency=single,
        company_currency=COMPANY_CURRENCY,
        columns=columns,
    )
    check_balance(postings.postings)
    return postings
