"""A reader of Xero's import of bills; it knows nothing of pleo-etl.

Cells are parted by Python's csv module. Bills are put together as Xero does: rows with one number
are one bill. Tax is worked out from the name of the rate, as Xero works it out.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

COLUMNS = (
    "*ContactName", "EmailAddress", "POAddressLine1", "POAddressLine2", "POAddressLine3",
    "POAddressLine4", "POCity", "PORegion", "POPostalCode", "POCountry", "*InvoiceNumber",
    "*InvoiceDate", "*DueDate", "Total", "InventoryItemCode", "Description", "*Quantity",
    "*UnitAmount", "*AccountCode", "*TaxType", "TaxAmount", "TrackingName1", "TrackingOption1",
    "TrackingName2", "TrackingOption2", "Currency",
)  # fmt: skip
RATES = {
    "20% (VAT on Expenses)": Decimal("0.20"),
    "Zero Rated Expenses": Decimal(0),
    "No VAT": Decimal(0),
    "Domestic Reverse Charge @ 20% (VAT on Expenses)": Decimal(0),
}
MOST_BILLS = 500
_SAME = ("*ContactName", "*InvoiceDate", "*DueDate", "Currency")
_CENT = Decimal("0.01")


class NotXero(ValueError):
    """What is wrong, with the line."""


@dataclass(frozen=True)
class Line:
    """A line of a bill: what is owed for it, tax included."""

    account: str
    gross: Decimal
    tax: Decimal


@dataclass
class Bill:
    """The rows of one number."""

    contact: str
    number: str
    date: dt.date
    due: dt.date
    currency: str
    lines: list[Line] = field(default_factory=list)


def read_xero(content: bytes, *, inclusive: bool, date_format: str = "%d/%m/%Y") -> list[Bill]:
    """Read a file whole, or say what is wrong with it."""
    if content.startswith(b"\xef\xbb\xbf"):
        raise NotXero("a byte order mark")
    names, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
    if tuple(names) != COLUMNS:
        raise NotXero(f"columns {names}")
    bills: dict[str, tuple[Bill, dict[str, str]]] = {}
    last = ""
    for number, row in enumerate(rows, 2):
        if len(row) != len(names):
            raise NotXero(f"line {number}: {len(row)} cells")
        cells = dict(zip(names, row, strict=True))
        try:
            key = _add(cells, bills, last=last, inclusive=inclusive, date_format=date_format)
        except NotXero as wrong:
            raise NotXero(f"line {number}: {wrong}") from None
        last = key
    if len(bills) > MOST_BILLS:
        raise NotXero(f"{len(bills)} bills")
    found = [bill for bill, _cells in bills.values()]
    for bill in found:
        if sum(line.gross for line in bill.lines) <= 0:
            raise NotXero(f"bill {bill.number} is no bill but a credit")
    return found


def _add(
    cells: dict[str, str],
    bills: dict[str, tuple[Bill, dict[str, str]]],
    *,
    last: str,
    inclusive: bool,
    date_format: str,
) -> str:
    for name in COLUMNS:
        if name.startswith("*") and not cells[name]:
            raise NotXero(f"{name} is empty")
    if not cells["Description"] or cells["Total"] or cells["TaxAmount"]:
        raise NotXero("a description, and no totals: Xero works them out")
    for number in ("1", "2"):
        if bool(cells[f"TrackingName{number}"]) != bool(cells[f"TrackingOption{number}"]):
            raise NotXero("name and option of tracking stand together")
    if not re.fullmatch("[A-Z]{3}", cells["Currency"]) or cells["*Quantity"] != "1":
        raise NotXero("currency or quantity")
    key = cells["*InvoiceNumber"]
    if key not in bills:
        date, due = (
            dt.datetime.strptime(cells[name], date_format).replace(tzinfo=dt.UTC).date()
            for name in ("*InvoiceDate", "*DueDate")
        )
        bill = Bill(cells["*ContactName"], key, date, due, cells["Currency"])
        bills[key] = bill, cells
    elif key != last:
        raise NotXero(f"the rows of {key} do not stand together")
    bill, first = bills[key]
    if any(cells[name] != first[name] for name in _SAME):
        raise NotXero(f"the rows of {key} differ in contact, date or currency")
    bill.lines.append(_line(cells, inclusive=inclusive))
    return key


def _line(cells: dict[str, str], *, inclusive: bool) -> Line:
    if not re.fullmatch(r"-?[0-9]+\.[0-9]{2}", cells["*UnitAmount"]):
        raise NotXero(f"amount {cells['*UnitAmount']!r}")
    if cells["*TaxType"] not in RATES:
        raise NotXero(f"rate {cells['*TaxType']!r}")
    amount, rate = Decimal(cells["*UnitAmount"]), RATES[cells["*TaxType"]]
    if inclusive:
        tax = (amount * rate / (1 + rate)).quantize(_CENT, ROUND_HALF_UP)
        return Line(cells["*AccountCode"], amount, tax)
    tax = (amount * rate).quantize(_CENT, ROUND_HALF_UP)
    return Line(cells["*AccountCode"], amount + tax, tax)
