"""A reader of QuickBooks' IIF, written from Intuit's description; it knows nothing of pleo-etl.

No reader of IIF is to be had from the package registries that were looked through (PyPI, Debian,
npm), so this one stands in for QuickBooks: it takes the columns from the definition rows, asks for
one TRNS, at least one SPL and an ENDTRNS, one type and date in a transaction, a sum of nothing, and
the rules of signs and vendors of each type.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal

#: Keywords of transactions (Intuit's help), and on which side the first row of some stands.
TYPES = {
    "BEGINBALCHECK", "BILL", "BILL REFUND", "CASH REFUND", "CASH SALE", "CCARD REFUND", "CHECK",
    "CREDIT CARD", "CREDIT MEMO", "DEPOSIT", "ESTIMATES", "GENERAL JOURNAL", "INVOICE", "PAYMENT",
    "PURCHORD", "TRANSFER",
}  # fmt: skip
FIRST_ROW = {
    "CREDIT CARD": -1,
    "BILL": -1,
    "CCARD REFUND": 1,
    "BILL REFUND": 1,
    "CHECK": -1,
    "DEPOSIT": 1,
}
REQUIRED = ("TRNSTYPE", "DATE", "ACCNT", "AMOUNT")
#: QuickBooks' reference fields hold about so many characters.
LONGEST_NUMBER = 11
_AMOUNT = re.compile(r"-?[0-9]+\.[0-9]{2}\Z")


class NotIif(ValueError):
    """What is wrong, with the line."""


@dataclass(frozen=True)
class Row:
    """A TRNS or SPL row: debit positive."""

    account: str
    name: str
    klass: str
    amount: Decimal
    number: str
    memo: str


@dataclass
class Transaction:
    """What stands from TRNS to ENDTRNS; the first row is the source account."""

    type: str
    date: dt.date
    rows: list[Row] = field(default_factory=list)

    @property
    def debit(self) -> Decimal:
        return sum((row.amount for row in self.rows if row.amount > 0), Decimal(0))


def read_iif(content: bytes) -> list[Transaction]:
    """Read a file whole, or say what is wrong with it."""
    text = content.decode("cp1252")
    if not text.endswith("\r\n"):
        raise NotIif("the last line has no end")
    reader = _Reader()
    for number, line in enumerate(text.removesuffix("\r\n").split("\r\n"), 1):
        try:
            if "\n" in line or "\r" in line or '"' in line:
                raise NotIif("a line end or quotation mark inside of a value")
            reader.line(line.split("\t"))
        except NotIif as wrong:
            raise NotIif(f"line {number}: {wrong}") from None
    if reader.open is not None:
        raise NotIif("the last transaction has no ENDTRNS")
    return reader.found


class _Reader:
    def __init__(self) -> None:
        self.columns: dict[str, list[str]] = {}
        self.found: list[Transaction] = []
        self.open: Transaction | None = None

    def line(self, cells: list[str]) -> None:
        keyword = cells[0]
        if keyword.startswith("!"):
            self.define(keyword[1:], cells[1:])
        elif keyword not in self.columns:
            raise NotIif(f"{keyword} has no definition row")
        elif keyword == "ENDTRNS":
            if len(cells) != 1:
                raise NotIif("ENDTRNS takes no values")
            self.close()
        else:
            self.row(keyword, cells[1:])

    def define(self, keyword: str, columns: list[str]) -> None:
        if keyword not in ("TRNS", "SPL", "ENDTRNS") or keyword in self.columns or self.found:
            raise NotIif(f"definition of {keyword} in the wrong place")
        if keyword != "ENDTRNS":
            missing = [name for name in REQUIRED if name not in columns]
            if missing or len(set(columns)) != len(columns):
                raise NotIif(f"columns of {keyword}: {missing or columns}")
        self.columns[keyword] = columns

    def row(self, keyword: str, cells: list[str]) -> None:
        columns = self.columns[keyword]
        if len(cells) != len(columns):
            raise NotIif(f"{len(cells)} values for {len(columns)} columns")
        given = dict(zip(columns, cells, strict=True))
        kind, date = given["TRNSTYPE"], day(given["DATE"])
        if kind not in TYPES:
            raise NotIif(f"type {kind!r}")
        if keyword == "TRNS":
            if self.open is not None:
                raise NotIif("a second TRNS before ENDTRNS")
            self.open = Transaction(kind, date)
        if self.open is None:
            raise NotIif("SPL outside of a transaction")
        if (kind, date) != (self.open.type, self.open.date):
            raise NotIif("type or date differs within the transaction")
        if not given["ACCNT"] or not _AMOUNT.match(given["AMOUNT"]):
            raise NotIif(f"account {given['ACCNT']!r}, amount {given['AMOUNT']!r}")
        if len(given["DOCNUM"]) > LONGEST_NUMBER:
            raise NotIif(f"number {given['DOCNUM']!r}")
        self.open.rows.append(
            Row(
                given["ACCNT"], given["NAME"], given["CLASS"], Decimal(given["AMOUNT"]),
                given["DOCNUM"], given["MEMO"],
            )
        )  # fmt: skip

    def close(self) -> None:
        if self.open is None or len(self.open.rows) < 2:
            raise NotIif("a transaction needs a TRNS and at least one SPL")
        first, total = self.open.rows[0], sum(row.amount for row in self.open.rows)
        if total:
            raise NotIif(f"transaction not in balance: {total}")
        side = FIRST_ROW.get(self.open.type)
        if side is not None and first.amount * side <= 0:
            raise NotIif(f"{self.open.type} with {first.amount} on its first row")
        payables = [row for row in self.open.rows if row.account == "Accounts Payable"]
        if any(not row.name for row in payables):
            raise NotIif("accounts payable without a name")
        if len(payables) > 1:
            raise NotIif("two rows of accounts payable")
        if self.open.type.startswith("BILL") and payables != [first]:
            raise NotIif("a bill begins on accounts payable")
        self.found.append(self.open)
        self.open = None


def day(text: str) -> dt.date:
    """Read a date MM/DD/YY."""
    if not re.fullmatch("[0-9]{2}/[0-9]{2}/[0-9]{2}", text):
        raise NotIif(f"date {text!r}")
    month, date, year = map(int, text.split("/"))
    try:
        return dt.date(2000 + year, month, date)
    except ValueError:
        raise NotIif(f"date {text!r}") from None
