"""A reader of QuadraCompta's ASCII entries, written from the manual's table of record M.

It knows nothing of pleo-etl: it cuts bytes at the columns of the table and says what is wrong.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

LENGTH = 231
#: First column (from 1) and length of every field, as the manual lists them.
FIELDS = {
    "type": (1, 1),
    "account": (2, 8),
    "journal": (10, 2),
    "folio": (12, 3),
    "date": (15, 6),
    "label code": (21, 1),
    "label": (22, 20),
    "side": (42, 1),
    "sign": (43, 1),
    "amount": (44, 12),
    "counter": (56, 8),
    "due": (64, 6),
    "matching": (70, 2),
    "statistics": (72, 3),
    "old document": (75, 5),
    "affair": (80, 10),
    "quantity": (90, 10),
    "document": (100, 8),
    "currency": (108, 3),
    "journal 3": (111, 3),
    "flags": (114, 3),
    "label 30": (117, 30),
    "vat code": (147, 2),
    "reference": (149, 10),
    "reserved": (159, 10),
    "foreign amount": (169, 13),
    "file": (182, 12),
    "reserved end": (194, 38),
}
REQUIRED = ("account", "journal", "label", "currency")
BLANK = ("label code", "flags", "reserved", "reserved end")
_ACCOUNT = re.compile(r"[0-9A-Z]{1,8} *\Z")
_DIGITS = re.compile(r"[0-9]+\Z")
_FILE = re.compile(r"([0-9A-Za-z_]{1,8}\.[0-9A-Za-z]{1,3} *| *)\Z")


@dataclass(frozen=True)
class Entry:
    """One record M; the amount is signed, debit positive."""

    key: tuple[str, str, str]
    account: str
    amount: Decimal
    currency: str
    file: str


def fields(line: bytes) -> dict[str, str]:
    return {
        name: line[at - 1 : at - 1 + width].decode("cp1252") for name, (at, width) in FIELDS.items()
    }


def read_entries(content: bytes) -> tuple[list[Entry], list[str]]:
    """Give the entries of a file, and everything that the manual does not allow."""
    found: list[str] = []
    entries = []
    if not content.endswith(b"\r\n"):
        found.append("the last line has no end")
    for number, line in enumerate(content.split(b"\r\n")[:-1], 1):
        if len(line) != LENGTH:
            found.append(f"line {number}: {len(line)} bytes")
            continue
        values = fields(line)
        faults = faults_of(values)
        found += [f"line {number}: {fault}" for fault in faults]
        if not faults:
            entries.append(_entry(values))
    if not found:
        found += unbalanced(entries)
    return entries, found


def faults_of(values: dict[str, str]) -> list[str]:
    found = [f"{name} is empty" for name in REQUIRED if not values[name].strip()]
    found += [f"{name} is not blank" for name in BLANK if values[name].strip()]
    checks = {
        "type": values["type"] == "M",
        "account": bool(_ACCOUNT.match(values["account"])),
        "folio": values["folio"] == "000",
        "date": _is_date(values["date"]),
        "side": values["side"] in "DC",
        "sign": values["sign"] == "+",
        "amount": bool(_DIGITS.match(values["amount"])) and int(values["amount"]) > 0,
        "due": values["due"] == "000000" or _is_date(values["due"]),
        "file": bool(_FILE.match(values["file"])),
        "journal 3": values["journal 3"].startswith(values["journal"]),
        "old document": values["document"].strip().endswith(values["old document"].strip()),
        "label 30": values["label 30"].startswith(values["label"].rstrip()),
    }
    return found + [name for name, is_good in checks.items() if not is_good]


def unbalanced(entries: list[Entry]) -> list[str]:
    """Give the documents of a journal and day that do not balance."""
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for entry in entries:
        sums[entry.key] += entry.amount
    return [f"{key} does not balance" for key, total in sums.items() if total]


def _entry(values: dict[str, str]) -> Entry:
    amount = Decimal(values["amount"]).scaleb(-2)
    return Entry(
        key=(values["journal"], values["date"], values["document"].strip()),
        account=values["account"].strip(),
        amount=amount if values["side"] == "D" else -amount,
        currency=values["currency"],
        file=values["file"].strip(),
    )


def _is_date(text: str) -> bool:
    try:
        dt.datetime.strptime(text, "%d%m%y").replace(tzinfo=dt.UTC)
    except ValueError:
        return False
    return bool(_DIGITS.match(text))
