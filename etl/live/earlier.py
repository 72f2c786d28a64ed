"""What earlier batches say of the items of a batch: by id and by invoice number, by nothing else.

ledger          ─> the same entry in a batch that booked it, was withdrawn or reversed      REV-5
stored items    ─> the same invoice number of the same supplier in a released batch         REV-4

Equal amounts or dates prove nothing: people do buy the same thing twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from etl.batches.evidence import EVIDENCE, read_evidence
from etl.batches.ledger import Batch
from etl.batches.states import State
from etl.documents import read_json
from etl.errors import UserMustFix
from etl.live.desk import Desk
from etl.live.stored import StoredBatch
from etl.review import Earlier, Sighting

SAME_INVOICE, SAME_ITEM = "REV-4", "REV-5"
#: Released batches whose invoice numbers are compared, the newest first.
MAX_BATCHES = 200
#: Where an item names its invoice; most have none, and need not be read.
_NAMES_ONE = b'"invoiceNumber"'
#: Who an invoice is from: the first of these that is known.
_SUPPLIER = ("item.vendor.code", "item.vendor.name", "item.supplier.code", "item.supplier.name")
_KIND = ("item.type", "item.sub_type")
_NUMBER = "item.invoice.number"

#: Supplier, invoice number, type and sub-type: a payment names the invoice that it pays.
_Invoice = tuple[str, ...]
_Named = Mapping[str, str | None]


def find_earlier(desk: Desk, batch: Batch, items: Sequence[bytes]) -> Earlier:
    """Find the items that stood in an earlier batch, and the invoice numbers that did."""
    before = [
        one for one in desk.ledger.batches(desk.company_id)
        if one.number < batch.number and one.state is State.CLOSED
        and not one.facts.get("reverses")
    ]  # fmt: skip
    before.sort(key=lambda one: one.number, reverse=True)
    seen = list(_same_items(desk, batch, before))
    named = named_in(items)
    if not named:
        return Earlier(tuple(seen))
    found, unreadable = [], 0
    released = [one for one in before if not (one.is_withdrawn or one.is_reversed)]
    for one in released[:MAX_BATCHES]:
        known = _invoices_of(desk, one)
        if known is None:
            unreadable += 1
            continue
        found += _same_invoices(desk, one, known=known, named=named)
    first = {one.item_id: one for one in reversed(found)}
    seen += [first[entry] for entry in named if entry in first]
    looked_through = min(len(released), MAX_BATCHES) - unreadable
    return Earlier(tuple(seen), looked_through, len(released) - looked_through)


# ── the same item ───────────────────────────────────────────────────────────────────────────


def _same_items(desk: Desk, batch: Batch, before: Sequence[Batch]) -> Iterator[Sighting]:
    said: Mapping[str, Mapping[str, str]] = batch.facts.get("decisions") or {}
    repeats: Mapping[str, Mapping[str, Any]] = batch.facts.get("repeats") or {}
    entries = {entry.casefold(): entry for entry in _entries_of(desk, batch)}
    for entry, earlier in repeats.items():
        answer = said.get(entry, {})
        words = _ANSWERS.get(answer.get("do", ""), "nobody has said yet whether it is in the books")
        reason = f" ({answer['reason']})" if answer.get("reason") else ""
        where = _where(earlier["number"], earlier["at"], earlier.get("vouchers") or ())
        yield Sighting(SAME_ITEM, entry, f"{where}; {words}{reason}")
    for one in before:
        freed = _freed(desk, one)
        for entry in sorted(set(freed) & set(entries)):
            if entries[entry] not in repeats:
                yield Sighting(SAME_ITEM, entries[entry], freed[entry])


_ANSWERS = {
    "again": "answered: book it again",
    "already_booked": "answered: it is in the books already",
    "reject": "answered: it is held back",
}


def _entries_of(desk: Desk, batch: Batch) -> list[str]:
    reserved = desk.ledger.events(desk.company_id, batch.id)[0].body
    return list(reserved.get("entries") or ())


def _freed(desk: Desk, batch: Batch) -> dict[str, str]:
    """Give the items that a batch booked and that are free again, with what became of them."""
    refused = {entry.casefold() for entry in batch.facts.get("refused") or ()}
    gone = (
        "its files were withdrawn" if batch.is_withdrawn
        else "another batch takes it back" if batch.is_reversed else ""
    )  # fmt: skip
    if not refused and not gone:
        return {}
    freed = {}
    for verdict in desk.ledger.verdicts(batch.id):
        entry = verdict.entry_id.casefold()
        became = "the ERP refused it" if entry in refused else gone
        if verdict.vouchers and became:
            where = _where(batch.number, _day(batch), verdict.vouchers)
            freed[entry] = f"{where}; {became}"
    return freed


def _where(number: int, day: str, vouchers: Sequence[str]) -> str:
    named = f", voucher {', '.join(vouchers)}" if vouchers else ""
    return f"batch {number} of {day}{named}"


def _day(batch: Batch) -> str:
    return str(batch.facts.get("closed_at") or "")[:10]


# ── the same invoice ────────────────────────────────────────────────────────────────────────


def named_in(items: Sequence[bytes]) -> Mapping[str, _Named]:
    """Give the items that name an invoice and its supplier, by id, with these names."""
    found: dict[str, _Named] = {}
    for raw in items:
        if _NAMES_ONE not in raw:
            continue
        try:
            item = read_json(raw)
            entry, named = item["accountingEntryId"], _names_of(item)
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
            continue  # it is broken, and refused for it
        if isinstance(entry, str) and entry and _invoice(named, _SUPPLIER) is not None:
            found[entry] = named
    return found


def _names_of(item: Mapping[str, Any]) -> dict[str, str | None]:
    invoice = (item.get("additionalInformation") or {}).get("invoiceInformation") or {}
    found = {_NUMBER: invoice.get("invoiceNumber"), "item.type": item.get("type"),
             "item.sub_type": item.get("subType")}  # fmt: skip
    for who in ("vendor", "supplier"):
        party = item.get(who) or {}
        found |= {f"item.{who}.{name}": party.get(name) for name in ("code", "name")}
    return {name: text if isinstance(text, str) else None for name, text in found.items()}


def _invoice(named: _Named, suppliers: Collection[str]) -> _Invoice | None:
    """Give what makes an invoice the same one; None without a number or a supplier."""
    supplier = next((text for name in suppliers if (text := named.get(name))), None)
    number = (named.get(_NUMBER) or "").strip()
    if not supplier or not number:
        return None
    return supplier.lower(), number, *(named.get(name) or "" for name in _KIND)


def _invoices_of(desk: Desk, batch: Batch) -> tuple[Collection[str], Mapping[str, _Named]] | None:
    """Give the invoices of a released batch by item, and by which names suppliers are known there.

    From its stored items; where these are gone from what explains its files, as far as that goes.
    """
    try:
        return _SUPPLIER, named_in(StoredBatch(desk.folders.stored(batch.id)).read_items())
    except UserMustFix:
        return _from_evidence(desk, batch)


def _from_evidence(desk: Desk, batch: Batch) -> tuple[Collection[str], Mapping[str, _Named]] | None:
    path = desk.folders.released(batch) / EVIDENCE
    try:
        table = read_evidence(path).table
        columns = set(table.collect_schema())
        suppliers = [name for name in _SUPPLIER if name in columns]
        if _NUMBER not in columns or not suppliers or not columns.issuperset(_KIND):
            return None
        rows = table.select("item.id", _NUMBER, *_KIND, *suppliers).drop_nulls(["item.id", _NUMBER])
        told = rows.collect().to_dicts()
        found: Mapping[str, _Named] = {str(row["item.id"]): row for row in told}
    except (OSError, ValueError, KeyError, pl.exceptions.PolarsError):
        return None
    return suppliers, found


def _same_invoices(
    desk: Desk,
    batch: Batch,
    *,
    known: tuple[Collection[str], Mapping[str, _Named]],
    named: Mapping[str, _Named],
) -> list[Sighting]:
    suppliers, invoices = known
    theirs: dict[_Invoice, list[str]] = {}
    for entry, one in invoices.items():
        if (invoice := _invoice(one, suppliers)) is not None:
            theirs.setdefault(invoice, []).append(entry)
    pairs = [
        (entry, other)
        for entry, one in named.items()
        if (invoice := _invoice(one, suppliers)) is not None
        for other in theirs.get(invoice, ())
        if other.casefold() != entry.casefold()
    ]
    if not pairs:
        return []
    refused = {entry.casefold() for entry in batch.facts.get("refused") or ()}
    booked = {
        verdict.entry_id.casefold(): verdict.vouchers
        for verdict in desk.ledger.verdicts(batch.id)
        if verdict.vouchers and verdict.entry_id.casefold() not in refused
    }
    return [
        Sighting(
            SAME_INVOICE,
            entry,
            f"invoice {(named[entry][_NUMBER] or '').strip()} stands on item {other} in "
            + _where(batch.number, _day(batch), booked[other.casefold()]),
        )
        for entry, other in pairs
        if other.casefold() in booked
    ]
