"""A reader of Sage 50's audit trail transactions; it knows nothing of pleo-etl.

Cells are parted by Python's csv module. The rules of columns, types and journals are written from
the field table of Sage's knowledge base (article 250321114601443).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

SHORT = (
    "Type", "Account Reference", "Nominal A/C Ref", "Department Code", "Date", "Reference",
    "Details", "Net Amount", "Tax Code", "Tax Amount",
)  # fmt: skip
EXTENDED = (
    *SHORT, "Exchange Rate", "Extra Reference", "User Name", "Project Refn", "Cost Code Refn",
)  # fmt: skip
LONGEST = {
    "Account Reference": 8, "Nominal A/C Ref": 8, "Department Code": 3, "Reference": 30,
    "Details": 60, "Extra Reference": 30, "User Name": 32, "Project Refn": 12, "Cost Code Refn": 8,
}  # fmt: skip
#: Types by the side on which the nominal code stands.
DEBIT = {"BP", "CP", "VP", "PI", "PR", "JD"}
CREDIT = {"BR", "CR", "VR", "PC", "PA", "JC"}
#: Money without VAT: journals and payments on account.
UNTAXED = {"PA", "PR", "JD", "JC"}
_AMOUNT = re.compile(r"[0-9]{1,8}\.[0-9]{2}\Z")
_REQUIRED = ("Nominal A/C Ref", "Date", "Reference", "Net Amount", "Tax Code", "Tax Amount")


class NotSage(ValueError):
    """What is wrong, with the line."""


@dataclass(frozen=True)
class Transaction:
    """One row, which Sage makes a transaction of its own."""

    type: str
    account: str
    nominal: str
    date: dt.date
    reference: str
    net: Decimal
    tax: Decimal
    tax_code: str

    @property
    def gross(self) -> Decimal:
        return self.net + self.tax

    @property
    def signed(self) -> Decimal:
        """Give the amount as seen from the nominal code: debit positive."""
        return self.gross if self.type in DEBIT else -self.gross

    @property
    def is_journal(self) -> bool:
        return self.type in ("JD", "JC")


def read_sage(content: bytes) -> list[Transaction]:
    """Read a file whole, or say what is wrong with it."""
    if content.startswith(b"\xef\xbb\xbf"):
        raise NotSage("a byte order mark")
    text = content.decode("cp1252")
    if text.count("\n") != text.count("\r\n") or not text.endswith("\r\n"):
        raise NotSage("a line that does not end with CR LF")
    names, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    if tuple(names) not in (SHORT, EXTENDED):
        raise NotSage(f"columns {names}")
    found = []
    for number, row in enumerate(rows, 2):
        if len(row) != len(names):
            raise NotSage(f"line {number}: {len(row)} cells")
        try:
            found.append(_transaction(dict(zip(names, row, strict=True))))
        except NotSage as wrong:
            raise NotSage(f"line {number}: {wrong}") from None
    _hold_journals(found)
    return found


def _transaction(cells: dict[str, str]) -> Transaction:
    kind = cells["Type"]
    if kind not in DEBIT | CREDIT:
        raise NotSage(f"type {kind!r}")
    for name, limit in LONGEST.items():
        if len(cells.get(name, "")) > limit:
            raise NotSage(f"{name} of {len(cells[name])} characters")
    for name in _REQUIRED:
        if not cells[name]:
            raise NotSage(f"{name} is empty")
    if (cells["Account Reference"] == "") != (kind in ("JD", "JC")):
        raise NotSage("an account reference stands on every row but those of journals")
    for name in ("Account Reference", "Nominal A/C Ref", "Project Refn", "Cost Code Refn"):
        if " " in cells.get(name, ""):
            raise NotSage(f"a blank in {name}")
    if not re.fullmatch("[0-9]{1,3}", cells["Department Code"]):
        raise NotSage(f"department {cells['Department Code']!r}")
    if not re.fullmatch("T[0-9]{1,2}", cells["Tax Code"]):
        raise NotSage(f"tax code {cells['Tax Code']!r}")
    if bool(cells.get("Project Refn")) != bool(cells.get("Cost Code Refn")):
        raise NotSage("project and cost code stand together")
    if cells.get("Exchange Rate", "1") != "1":
        raise NotSage("the rate of base currency is 1")
    net, tax = _amount(cells["Net Amount"]), _amount(cells["Tax Amount"])
    if kind in UNTAXED and tax:
        raise NotSage(f"tax on {kind}")
    return Transaction(
        kind, cells["Account Reference"], cells["Nominal A/C Ref"], _day(cells["Date"]),
        cells["Reference"], net, tax, cells["Tax Code"],
    )  # fmt: skip


def _amount(text: str) -> Decimal:
    """Read 8 digits and 2 decimals; Sage takes no sign."""
    if not _AMOUNT.match(text):
        raise NotSage(f"amount {text!r}")
    return Decimal(text)


def _day(text: str) -> dt.date:
    try:
        date = dt.datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=dt.UTC).date()
    except ValueError:
        raise NotSage(f"date {text!r}") from None
    if date.strftime("%d/%m/%Y") != text:
        raise NotSage(f"date {text!r}")
    return date


def _hold_journals(found: list[Transaction]) -> None:
    """Hold that the journals of one date and reference stand together and balance."""
    sums: defaultdict[tuple[dt.date, str], Decimal] = defaultdict(Decimal)
    places: defaultdict[tuple[dt.date, str], list[int]] = defaultdict(list)
    for place, one in enumerate(found):
        if one.is_journal:
            sums[one.date, one.reference] += one.signed
            places[one.date, one.reference].append(place)
    for key, rows in places.items():
        if sums[key]:
            raise NotSage(f"journal {key[1]} does not balance: {sums[key]}")
        if rows[-1] - rows[0] != len(rows) - 1:
            raise NotSage(f"the rows of journal {key[1]} do not stand together")
