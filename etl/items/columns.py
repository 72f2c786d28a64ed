"""Decoded export items laid into columns: one row per item, per line and per file.

Empty text and absent fields become null, so that "no value" has one spelling downstream.
Amounts stay hundredths, dates stay text; `etl.items.reading` turns them into values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import polars as pl
from msgspec import UNSET, UnsetType

from etl.frames import ATTACHMENT, INGESTED_ITEMS, INGESTED_LINES, ITEM_WHERE, Column, Type
from etl.items import wire
from etl.memory import slim

#: Number of the item within what was read, before items are ordered.
ROW = "row"
#: Whether the element holds anything that the text policy may have to change.
DOUBTFUL = "doubtful"

_NO_ACCOUNT = wire.Account()
_NO_SUPPLIER = wire.Supplier()
_NO_VENDOR = wire.Vendor()
_NO_PERSON = wire.Person()
_NO_INVOICE = wire.Invoice()
_NO_BANK = wire.BankAccount()
_NO_PERIOD = wire.Period()
_NO_BOOKKEEPING = wire.Bookkeeping()

#: Between the texts of a list while they are one text: building lists row by row takes ten
#: times as long as everything else here.
SEPARATOR = "\x1f"
_NEIGHBOUR = "\x1e"

Columns = dict[str, list[Any]]


def _raw_dtype(column: Column) -> pl.DataType:
    """Give the type a column has before values are made: hundredths, text, joined texts."""
    if column.type is Type.AMOUNT:
        return pl.Int64()
    if column.type in (Type.DATE, Type.DECIMAL, Type.TEXTS):
        return pl.String()
    return column.dtype


_RAW_ITEMS: Mapping[str, pl.DataType] = {
    ROW: pl.UInt32(),
    DOUBTFUL: pl.Boolean(),
    **{c.name: _raw_dtype(c) for c in INGESTED_ITEMS if c.name not in ("item.key", ITEM_WHERE)},
}
#: What checks compare beside the columns of the frames: the currencies of each line's amounts.
LINE_CURRENCIES = ("line.wallet_currencies", "line.supplier_currencies")
_RAW_LINES: Mapping[str, pl.DataType] = {
    ROW: pl.UInt32(),
    DOUBTFUL: pl.Boolean(),
    **{c.name: _raw_dtype(c) for c in INGESTED_LINES if c.name not in ("item.key", "line.key")},
    **dict.fromkeys(LINE_CURRENCIES, pl.String()),
}
_RAW_FILES: Mapping[str, pl.DataType] = {
    ROW: pl.UInt32(),
    DOUBTFUL: pl.Boolean(),
    **{c.name: c.dtype for c in ATTACHMENT
       if c.name in ("attachment.number", "attachment.type", "attachment.bytes")},
    "attachment.url": pl.String(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    """Frames of one chunk, keyed by `row`."""

    items: pl.DataFrame
    lines: pl.DataFrame
    files: pl.DataFrame


def lay_out(items: Sequence[wire.Item], rows: Sequence[int], doubtful: Sequence[bool]) -> Rows:
    """Lay decoded items into columns; `rows` and `doubtful` go along with the items."""
    item_columns: Columns = {ROW: list(rows), DOUBTFUL: list(doubtful)}
    _lay_item(items, item_columns)
    _lay_parties(items, item_columns)
    _lay_additional(items, item_columns)
    return Rows(
        _frame(item_columns, _RAW_ITEMS),
        _frame(_line_columns(items, rows, doubtful), _RAW_LINES),
        _frame(_file_columns(items, rows, doubtful), _RAW_FILES),
    )


def lay_together(chunks: Sequence[Rows]) -> Rows:
    """Make one of some chunks, in little memory."""
    return Rows(
        slim(pl.concat([rows.items for rows in chunks], rechunk=True)),
        slim(pl.concat([rows.lines for rows in chunks], rechunk=True)),
        slim(pl.concat([rows.files for rows in chunks], rechunk=True)),
    )


def _frame(columns: Columns, dtypes: Mapping[str, pl.DataType]) -> pl.DataFrame:
    assert columns.keys() == dtypes.keys(), columns.keys() ^ dtypes.keys()
    return pl.DataFrame(
        [pl.Series(name, columns[name], dtype, strict=True) for name, dtype in dtypes.items()]
    )


def _lay_item(items: Sequence[wire.Item], to: Columns) -> None:
    to["item.id"] = [i.accounting_entry_id for i in items]
    to["item.company_id"] = [i.company_id for i in items]
    to["item.type"] = [i.type for i in items]
    to["item.sub_type"] = [i.sub_type or None for i in items]
    to["item.date_text"] = [i.date for i in items]
    to["item.note"] = [i.note or None for i in items]
    to["item.url"] = [_first_link(i.links) for i in items]
    to["item.method"] = [(i.bookkeeping or _NO_BOOKKEEPING).method or None for i in items]
    wallets = [i.amount.in_wallet_currency for i in items]
    to["item.wallet_amount"] = [w.value for w in wallets]
    to["item.wallet_currency"] = [w.currency for w in wallets]
    suppliers = [i.amount.in_supplier_currency for i in items]
    to["item.supplier_amount"] = [s.value for s in suppliers]
    to["item.supplier_currency"] = [s.currency for s in suppliers]
    periods = [i.service_period or _NO_PERIOD for i in items]
    to["item.service_from"] = [p.from_ or None for p in periods]
    to["item.service_to"] = [p.to or None for p in periods]


def _lay_parties(items: Sequence[wire.Item], to: Columns) -> None:
    contras = [i.contra_account or _NO_ACCOUNT for i in items]
    to["item.contra_account.code"] = [c.code or None for c in contras]
    to["item.contra_account.name"] = [c.name or None for c in contras]
    to["item.contra_account.identifier"] = [c.identifier or None for c in contras]
    suppliers = [i.supplier or _NO_SUPPLIER for i in items]
    to["item.supplier.name"] = [s.name or None for s in suppliers]
    to["item.supplier.code"] = [s.code or None for s in suppliers]
    to["item.supplier.account"] = [s.account or None for s in suppliers]
    to["item.supplier.country"] = [_country(s.country) for s in suppliers]
    to["item.supplier.tax_id"] = [s.tax_identifier or None for s in suppliers]
    to["item.supplier.category_code"] = [s.category_code or None for s in suppliers]
    vendors = [i.vendor or _NO_VENDOR for i in items]
    to["item.vendor.name"] = [v.name or None for v in vendors]
    to["item.vendor.code"] = [v.code or None for v in vendors]
    to["item.vendor.external_id"] = [v.external_id or None for v in vendors]
    to["item.vendor.tax_id"] = [v.tax_registration_number or None for v in vendors]
    to["item.vendor.registration_number"] = [v.registration_number or None for v in vendors]
    to["item.vendor.country"] = [_country(v.country) for v in vendors]
    to["item.vendor.currency"] = [v.default_currency or None for v in vendors]
    users = [i.user or _NO_PERSON for i in items]
    to["item.user.name"] = [u.name or None for u in users]
    to["item.user.code"] = [u.code or None for u in users]
    teams = [i.team or _NO_PERSON for i in items]
    to["item.team.name"] = [t.name or None for t in teams]
    to["item.team.code"] = [t.code or None for t in teams]


def _lay_additional(items: Sequence[wire.Item], to: Columns) -> None:
    more = [i.additional_information for i in items]
    to["item.reconciliation_id"] = [a.reconciliation_id or None for a in more]
    to["item.reconciled_entries"] = [_texts(a.reconciled_entries) for a in more]
    to["item.attendees"] = [_texts(a.attendees) for a in more]
    invoices = [a.invoice_information or _NO_INVOICE for a in more]
    to["item.invoice.number"] = [n.invoice_number or None for n in invoices]
    to["item.invoice.date"] = [n.invoice_date or None for n in invoices]
    to["item.invoice.due_date"] = [n.due_date or None for n in invoices]
    to["item.invoice.paid_date"] = [n.payment_date or None for n in invoices]
    to["item.invoice.status"] = [n.status or None for n in invoices]
    banks = [n.supplier_bank_account or _NO_BANK for n in invoices]
    to["item.invoice.iban"] = [b.iban or None for b in banks]


def _line_columns(
    items: Sequence[wire.Item], rows: Sequence[int], doubtful: Sequence[bool]
) -> Columns:
    lines = [line for item in items for line in item.accounting_entry_lines]
    counts = [len(item.accounting_entry_lines) for item in items]
    to: Columns = {
        ROW: [row for row, n in zip(rows, counts, strict=True) for _ in range(n)],
        DOUBTFUL: [flag for flag, n in zip(doubtful, counts, strict=True) for _ in range(n)],
        "line.number": [number for n in counts for number in range(1, n + 1)],
        "line.count": [n for n in counts for _ in range(n)],
        "line.id": [line.accounting_entry_line_id or None for line in lines],
    }
    accounts = [line.account or _NO_ACCOUNT for line in lines]
    to["line.account.code"] = [a.code or None for a in accounts]
    to["line.account.name"] = [a.name or None for a in accounts]
    to["line.account.identifier"] = [a.identifier or None for a in accounts]
    _tag_columns(lines, to)
    taxes = [line.tax or None for line in lines]
    to["line.tax.code"] = [t.code or None if t else None for t in taxes]
    to["line.tax.rate"] = [wire.rate_of(bytes(t.rate)) if t and t.rate else None for t in taxes]
    to["line.tax.type"] = [t.type if t else None for t in taxes]
    to["line.tax.in_account"] = [t.ingoing_tax_account or None if t else None for t in taxes]
    to["line.tax.out_account"] = [t.outgoing_tax_account or None if t else None for t in taxes]
    _lay_amounts(lines, taxes, to)
    return to


_AMOUNTS = {
    side: (attrgetter(f"line_amount.{field}"), attrgetter(f"net_amount.{field}"), attrgetter(field))
    for side, field in (("wallet", "in_wallet_currency"), ("supplier", "in_supplier_currency"))
}
_value, _currency = attrgetter("value"), attrgetter("currency")


def _lay_amounts(lines: list[wire.Line], taxes: list[wire.Tax | None], to: Columns) -> None:
    for side, (gross_of, net_of, tax_of) in _AMOUNTS.items():
        gross, net = list(map(gross_of, lines)), list(map(net_of, lines))
        tax = [tax_of(t.amount) if t else None for t in taxes]
        to[f"line.{side}_gross"] = list(map(_value, gross))
        to[f"line.{side}_net"] = list(map(_value, net))
        to[f"line.{side}_tax"] = [money.value if money else None for money in tax]
        to[f"line.{side}_currencies"] = _currencies(gross, net, tax)


def _currencies(
    gross: list[wire.Money], net: list[wire.Money], tax: list[wire.Money | None]
) -> list[str]:
    """Give the currency of each line, or all of them where its amounts differ in that."""
    first = list(map(_currency, gross))
    taxed = [t.currency if t else g for t, g in zip(tax, first, strict=True)]
    second = list(map(_currency, net))
    if first == second == taxed:
        return first
    return [
        " and ".join(sorted(set(of_line))) for of_line in zip(first, second, taxed, strict=True)
    ]


def _file_columns(
    items: Sequence[wire.Item], rows: Sequence[int], doubtful: Sequence[bool]
) -> Columns:
    files = [
        (row, flag, number, file)
        for row, flag, item in zip(rows, doubtful, items, strict=True)
        if item.files
        for number, file in enumerate((f for f in item.files if f is not None), start=1)
    ]
    return {
        ROW: [row for row, _, _, _ in files],
        DOUBTFUL: [flag for _, flag, _, _ in files],
        "attachment.number": [number for _, _, number, _ in files],
        "attachment.type": [file.type or None for _, _, _, file in files],
        "attachment.bytes": [
            file.size if file.size is not UNSET else None for _, _, _, file in files
        ],
        "attachment.url": [file.url or None for _, _, _, file in files],
    }


def _texts(values: Sequence[str | None] | UnsetType | None) -> str | None:
    """Join the texts of a list, null if it has none (control characters go later anyway)."""
    if not values:
        return None
    kept = [value for value in values if value and value.strip()]
    joined = SEPARATOR.join(kept)
    if not kept or joined.count(SEPARATOR) == len(kept) - 1:
        return joined or None
    return SEPARATOR.join([value.replace(SEPARATOR, _NEIGHBOUR) for value in kept])


def _tags(tags: Sequence[wire.Tag | None] | UnsetType | None) -> tuple[str | None, str | None]:
    """Give group codes and codes of the tags that have both, as sent."""
    if not tags:
        return None, None
    pairs = [(t.group_code or "", t.code or "") for t in tags if t]
    kept = [pair for pair in pairs if pair[0].strip() and pair[1].strip()]
    return _texts([group for group, _ in kept]), _texts([code for _, code in kept])


def _tag_columns(lines: list[wire.Line], to: Columns) -> None:
    """Lay out tags; the same few combinations come again and again."""
    known: dict[tuple[wire.Text, ...], tuple[str | None, str | None]] = {}
    found: list[tuple[str | None, str | None]] = []
    for line in lines:
        tags = line.tags
        if not tags:
            found.append((None, None))
            continue
        key = tuple([text for t in tags if t for text in (t.group_code, t.code)])
        pair = known.get(key)
        if pair is None:
            pair = known[key] = _tags(tags)
        found.append(pair)
    to["line.tag_groups"] = [groups for groups, _ in found]
    to["line.tag_codes"] = [codes for _, codes in found]


def _country(code: wire.Text) -> str | None:
    """Give a country; Pleo's UNDEFINED says that there is none (export-api.md section 6.3)."""
    return None if not code or code == "UNDEFINED" else code


def _first_link(links: wire.LinkGroups | UnsetType | None) -> str | None:
    """Give Pleo's link for the web: the export item's own, or the first there is."""
    if not links or not links.web:
        return None
    return links.web.get("exportItem") or next((url for url in links.web.values() if url), None)
