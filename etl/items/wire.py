"""Export items as Pleo sends them (export-api.md section 12), decoded with exact numbers.

The shapes are the only place that names wire fields. Decoding is strict about types: a number
where text belongs, text where an amount belongs, a fraction or an exponent in an amount all fail.
A field may be absent (UNSET) or null wherever Pleo's description or its samples allow it.

    element ──> fast: typed decoding ──ok──> Item
                   │ refused
                   ├──> tolerant (etl.items.tolerant): unknown fields, and Item
                   └──> careful (etl.items.careful): every problem, or unknown fields and Item

A chunk is decoded typed and then encoded again: a key that stood twice makes the encoding
shorter than what was read, and sends the elements concerned the careful way.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from etl.money import MAX_HUNDREDTHS, RATE_PLACES

MAX_RATE = 1000
#: Bytes of a file; sizes of many files still add up to what a column of whole numbers holds.
MAX_SIZE = 2**48
_RATE_PLACES = Decimal(10) ** -RATE_PLACES
_BLANKS = b" \t\r\n"

Text = str | None | UnsetType
Hundredths = Annotated[int, Meta(ge=-MAX_HUNDREDTHS, le=MAX_HUNDREDTHS)]
Size = Annotated[int, Meta(ge=0, le=MAX_SIZE)]
#: The JSON text of a rate, taken as it is; see `rate_of`.
Rate = msgspec.Raw | UnsetType
Links = dict[str, str | None] | None | UnsetType


class Shape(Struct, forbid_unknown_fields=True, rename="camel", gc=False):
    """Base of all wire shapes: unknown fields leave the fast path and are noted."""


class Money(Shape):
    currency: str
    value: Hundredths


class Amounts(Shape):
    in_supplier_currency: Money
    in_wallet_currency: Money


class Account(Shape):
    id: Text = UNSET
    name: Text = UNSET
    code: Text = UNSET
    identifier: Text = UNSET


class Tag(Shape):
    id: Text = UNSET
    code: Text = UNSET
    group_code: Text = UNSET


class Tax(Shape):
    amount: Amounts
    type: str
    id: Text = UNSET
    code: Text = UNSET
    rate: Rate = UNSET
    ingoing_tax_account: Text = UNSET
    outgoing_tax_account: Text = UNSET


class Line(Shape):
    line_amount: Amounts
    net_amount: Amounts
    accounting_entry_line_id: Text = UNSET
    account: Account | UnsetType | None = UNSET
    tags: tuple[Tag | None, ...] | UnsetType | None = UNSET
    tax: Tax | UnsetType | None = UNSET


class BankAccount(Shape):
    bank_name: Text = UNSET
    country: Text = UNSET
    account_number: Text = UNSET
    bank_code: Text = UNSET
    bic: Text = UNSET
    iban: Text = UNSET


class Invoice(Shape):
    invoice_number: Text = UNSET
    invoice_date: Text = UNSET
    due_date: Text = UNSET
    payment_date: Text = UNSET
    status: Text = UNSET
    supplier_bank_account: BankAccount | UnsetType | None = UNSET


class Additional(Shape):
    reconciliation_id: str
    reconciled_entries: tuple[str | None, ...] | UnsetType | None = UNSET
    attendees: tuple[str | None, ...] | UnsetType | None = UNSET
    invoice_information: Invoice | UnsetType | None = UNSET


class Bookkeeping(Shape):
    method: Text = UNSET


class Supplier(Shape):
    name: Text = UNSET
    code: Text = UNSET
    account: Text = UNSET
    category_code: Text = UNSET
    country: Text = UNSET
    tax_identifier: Text = UNSET


class Vendor(Shape):
    id: Text = UNSET
    name: Text = UNSET
    code: Text = UNSET
    external_id: Text = UNSET
    default_currency: Text = UNSET
    country: Text = UNSET
    registration_number: Text = UNSET
    tax_registration_number: Text = UNSET


class Person(Shape):
    """A user or a team."""

    id: Text = UNSET
    name: Text = UNSET
    code: Text = UNSET


class Period(Shape):
    from_: Text = msgspec.field(default=UNSET, name="from")
    to: Text = UNSET


class File(Shape):
    url: Text = UNSET
    type: Text = UNSET
    size: Size | UnsetType | None = UNSET


class LinkGroups(Shape):
    web: Links = UNSET
    mobile: Links = UNSET
    api: Links = UNSET


class Item(Shape):
    accounting_entry_id: str
    company_id: str
    type: str
    date: str
    amount: Amounts
    accounting_entry_lines: tuple[Line, ...]
    additional_information: Additional
    links: LinkGroups | UnsetType | None = msgspec.field(default=UNSET, name="_links")
    sub_type: Text = UNSET
    note: Text = UNSET
    bookkeeping: Bookkeeping | UnsetType | None = UNSET
    contra_account: Account | UnsetType | None = UNSET
    supplier: Supplier | UnsetType | None = UNSET
    vendor: Vendor | UnsetType | None = UNSET
    user: Person | UnsetType | None = UNSET
    team: Person | UnsetType | None = UNSET
    service_period: Period | UnsetType | None = UNSET
    files: tuple[File | None, ...] | UnsetType | None = UNSET


@dataclass
class Decoded:
    """Elements of a chunk by outcome: items and their places, and places of the failed ones."""

    items: list[Item] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)


_decode = msgspec.json.Decoder(Item).decode
_encoder = msgspec.json.Encoder()
_as_number = msgspec.json.Decoder(Annotated[float, Meta(ge=-MAX_RATE, le=MAX_RATE)]).decode
#: What typed decoding raises for JSON of a wrong shape, not UTF-8, or nested without end; and
#: for None, where the source has dropped an element over its size limit.
_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError)


def decode_item(element: bytes | None) -> Item:
    """Decode one element, or raise whatever msgspec raises."""
    return _decode(element)  # type: ignore[arg-type]


def decode_fast(elements: Sequence[bytes | None]) -> Decoded:
    """Decode the elements of a chunk; those that fail in any way are named, not explained."""
    decoded = Decoded()
    try:
        decoded.items = list(map(_decode, elements))  # type: ignore[arg-type]
        decoded.places = list(range(len(elements)))
    except _REFUSALS:
        _decode_singly(elements, decoded)
    refused = _places_of_wrong_rates(decoded) | _places_with_repeated_keys(decoded, elements)
    if refused:
        kept = [pair for pair in zip(decoded.places, decoded.items, strict=True)
                if pair[0] not in refused]  # fmt: skip
        decoded.places = [place for place, _ in kept]
        decoded.items = [item for _, item in kept]
        decoded.failed = sorted({*decoded.failed, *refused})
    return decoded


def _decode_singly(elements: Sequence[bytes | None], decoded: Decoded) -> None:
    for place, element in enumerate(elements):
        try:
            decoded.items.append(decode_item(element))
        except _REFUSALS:
            decoded.failed.append(place)
        else:
            decoded.places.append(place)


@functools.lru_cache(maxsize=1024)
def rate_of(text: bytes) -> str | None:
    """Give a rate as decimal text, from its JSON text.

    A rate is information only (R86): nothing is ever computed from it.
    Raises: ValueError if it is no number, or out of range.
    """
    if text == b"null":
        return None
    try:
        _as_number(text)
        return f"{Decimal(text.decode()).quantize(_RATE_PLACES, ROUND_HALF_UP):f}"
    except msgspec.MsgspecError:
        raise ValueError(f"a number of at most {MAX_RATE}") from None


def _places_of_wrong_rates(decoded: Decoded) -> set[int]:
    wrong = set()
    for place, item in zip(decoded.places, decoded.items, strict=True):
        for line in item.accounting_entry_lines:
            if line.tax and line.tax.rate:
                try:
                    rate_of(bytes(line.tax.rate))
                except ValueError:
                    wrong.add(place)
    return wrong


def _places_with_repeated_keys(decoded: Decoded, elements: Sequence[bytes | None]) -> set[int]:
    """Find elements in which a key may stand twice; those in which one does are never missed.

    What our encoder writes is the shortest spelling of what was kept. So equal length, blanks
    aside, means that nothing was dropped. Where escapes make the element longer, the keys are
    counted on both sides.
    """
    read = [elements[place] or b"" for place in decoded.places]
    encoded = _encoder.encode(decoded.items)
    brackets_and_commas = len(read) + 1
    if not read or sum(map(len, read)) + brackets_and_commas == len(encoded):
        return set()
    squeezed = sum(len(element.translate(None, _BLANKS)) for element in read)
    if squeezed + brackets_and_commas == len(encoded.translate(None, _BLANKS)):
        return set()
    return {
        place
        for place, element, item in zip(decoded.places, read, decoded.items, strict=True)
        if _may_repeat(element.translate(None, _BLANKS), item)
    }


def _may_repeat(squeezed: bytes, item: Item) -> bool:
    encoded = _encoder.encode(item).translate(None, _BLANKS)
    if len(squeezed) == len(encoded):
        return False
    # A colon after a quote is a key, or stands inside text, where both sides hold it alike
    # unless the quote, the colon or a blank between them was written as an escape.
    is_spelled = b"\\u002" in squeezed or b"\\u003" in squeezed
    return is_spelled or squeezed.count(b'":') != encoded.count(b'":')
