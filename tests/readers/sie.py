"""A reader of SIE 4I, written from SIE-Gruppen's manual (edition 4B); it knows nothing of pleo-etl.

The one reader on PyPI, pysie-accounting 0.0.2, could not be used: it finds only vouchers that have
a number (a 4I file leaves the number to the receiver), stops an organisation number at its hyphen,
reads UTF-8 unless it is patched, and imports pandas, which it does not declare.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

REQUIRED = ("FLAGGA", "PROGRAM", "FORMAT", "GEN", "SIETYP", "FNAMN")
#: Labels of a 4I file by group: identification, chart and objects, vouchers.
GROUPS = (
    ("PROGRAM", "FORMAT", "GEN", "SIETYP", "PROSA", "FTYP", "FNR", "ORGNR", "ADRESS", "FNAMN",
     "RAR", "TAXAR", "KPTYP", "VALUTA"),
    ("KONTO", "KTYP", "ENHET", "SRU", "DIM", "UNDERDIM", "OBJEKT"),
    ("VER",),
)  # fmt: skip
#: Fortnox refuses longer texts of vouchers and rows.
LONGEST_TEXT = 50
#: Records that Fortnox cannot read when their fields stand in quotes.
BARE = ("FLAGGA", "FORMAT", "GEN", "SIETYP", "ORGNR", "RAR")
_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]{1,2})?\Z")


class NotSie(ValueError):
    """What is wrong, with the line."""


@dataclass(frozen=True)
class Row:
    """A #TRANS: debit positive."""

    account: str
    objects: tuple[tuple[str, str], ...]
    amount: Decimal
    text: str


@dataclass
class Voucher:
    """A #VER with its rows."""

    series: str
    number: str
    date: dt.date
    text: str
    rows: list[Row] = field(default_factory=list)


@dataclass
class Book:
    """Everything in a file."""

    single: dict[str, list[str]] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    dimensions: dict[str, str] = field(default_factory=dict)
    objects: dict[tuple[str, str], str] = field(default_factory=dict)
    vouchers: list[Voucher] = field(default_factory=list)

    @property
    def debit(self) -> Decimal:
        return sum((row.amount for v in self.vouchers for row in v.rows if row.amount > 0),
                   Decimal(0))  # fmt: skip


def fields_of(line: str) -> Iterator[str | list[str]]:
    """Part a line: bare or quoted fields, and lists of them in braces."""
    at = 0
    while at < len(line):
        if line[at] in " \t":
            at += 1
        elif line[at] == "{":
            end, quoted = at + 1, False
            while end < len(line) and (quoted or line[end] != "}"):
                if line[end] == "\\":
                    end += 1
                elif line[end] == '"':
                    quoted = not quoted
                end += 1
            if end >= len(line):
                raise NotSie("a list without end")
            yield [str(one) for one in fields_of(line[at + 1 : end])]
            at = end + 1
        elif line[at] == '"':
            text, at = _quoted(line, at + 1)
            yield text
        else:
            end = at
            while end < len(line) and line[end] not in " \t":
                if line[end] in '"{}':
                    raise NotSie(f"{line[end]} in a bare field")
                end += 1
            yield line[at:end]
            at = end


def _quoted(line: str, at: int) -> tuple[str, int]:
    text = ""
    while at < len(line):
        if line[at] == "\\":
            if line[at + 1 : at + 2] != '"':
                raise NotSie("a backslash that escapes no quote")
            text, at = text + '"', at + 2
        elif line[at] == '"':
            if line[at + 1 : at + 2] not in ("", " ", "\t", "}"):
                raise NotSie("a field goes on after its quote")
            return text, at + 1
        else:
            text, at = text + line[at], at + 1
    raise NotSie("a quote without end")


def read_sie(content: bytes, *, declared: bool = True) -> Book:
    """Read a file whole, or say what is wrong with it.

    Needs: declared, whether every account must have a #KONTO (the manual leaves it open in 4I).
    """
    if content.startswith(b"\xef\xbb\xbf"):
        raise NotSie("a byte order mark")
    text = content.decode("cp437")
    if re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]", text):
        raise NotSie("a control character")
    if not text.endswith("\n"):
        raise NotSie("the last line has no end")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    book = Book()
    reader = _Reader(book, declared=declared)
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                reader.line(line)
            except NotSie as wrong:
                raise NotSie(f"line {number}: {wrong}") from None
    reader.finish()
    return book


class _Reader:
    def __init__(self, book: Book, *, declared: bool) -> None:
        self.book = book
        self.declared = declared
        self.group = -1
        self.inside = False
        self.open: Voucher | None = None

    def line(self, line: str) -> None:
        if line in ("{", "}"):
            self.brace(line)
            return
        if not line.startswith("#"):
            raise NotSie("a record begins with #")
        parts = list(fields_of(line[1:]))
        label, given = str(parts[0]), parts[1:]
        if label in BARE and '"' in line:
            raise NotSie(f"#{label} has quotes")
        if self.inside:
            if label != "TRANS":
                raise NotSie(f"#{label} in a voucher")
            self.trans(given)
            return
        if self.group == -1 and (label != "FLAGGA" or given != ["0"]):
            raise NotSie("the file must begin with #FLAGGA 0")
        if self.group == -1:
            self.group = 0
            self.book.single["FLAGGA"] = ["0"]
            return
        found = [number for number, labels in enumerate(GROUPS) if label in labels]
        if not found:
            raise NotSie(f"#{label} has no place in 4I")
        if found[0] < self.group:
            raise NotSie(f"#{label} stands after records of a later group")
        if self.open is not None and not self.open.rows:
            raise NotSie("a voucher without rows")
        self.group = found[0]
        self.record(label, given)

    def brace(self, line: str) -> None:
        if (line == "{") == self.inside or self.open is None:
            raise NotSie(f"{line} in the wrong place")
        self.inside = line == "{"
        if not self.inside:
            total = sum(row.amount for row in self.open.rows)
            if total or not self.open.rows:
                raise NotSie(f"the voucher does not balance: {total}")

    def record(self, label: str, given: list[str | list[str]]) -> None:
        texts = [one for one in given if isinstance(one, str)]
        if len(texts) != len(given):
            raise NotSie(f"#{label} takes no list")
        if label == "VER":
            self.ver(texts)
        elif label == "KONTO":
            number, name = texts
            if not number.isascii() or not number.isdigit() or not name:
                raise NotSie(f"account {number!r} {name!r}")
            self.once(self.book.accounts, number, name)
        elif label == "DIM":
            self.once(self.book.dimensions, *texts)
        elif label == "OBJEKT":
            dimension, code, name = texts
            if dimension not in self.book.dimensions or not code:
                raise NotSie(f"object of an undeclared dimension {dimension}")
            self.once(self.book.objects, (dimension, code), name)
        else:
            self.once(self.book.single, label, texts)

    def once(self, known: dict[Key, Value], key: Key, value: Value) -> None:
        if key in known:
            raise NotSie(f"{key} twice")
        known[key] = value

    def ver(self, texts: list[str]) -> None:
        series, number, date, text, registered = texts
        posted = day(date)
        day(registered)
        _year, start, end = self.book.single["RAR"]
        if not day(start) <= posted <= day(end):
            raise NotSie(f"{posted} is not in the year of the file")
        if len(text) > LONGEST_TEXT:
            raise NotSie(f"a text of {len(text)} characters")
        self.open = Voucher(series, number, posted, text)
        self.book.vouchers.append(self.open)

    def trans(self, given: list[str | list[str]]) -> None:
        account, objects, amount, date, text = given
        if self.declared and account not in self.book.accounts:
            raise NotSie(f"account {account} has no #KONTO")
        if not isinstance(objects, list) or len(objects) % 2:
            raise NotSie("objects are pairs of dimension and object")
        pairs = tuple(zip(objects[::2], objects[1::2], strict=True))
        for pair in pairs:
            if pair not in self.book.objects:
                raise NotSie(f"object {pair} is not declared")
        if not isinstance(amount, str) or not _AMOUNT.match(amount) or date != "":
            raise NotSie(f"amount {amount} or date {date}")
        if len(str(text)) > LONGEST_TEXT:
            raise NotSie(f"a text of {len(str(text))} characters")
        assert self.open is not None
        self.open.rows.append(Row(str(account), pairs, Decimal(amount), str(text)))

    def finish(self) -> None:
        if self.inside:
            raise NotSie("the last voucher has no end")
        missing = [label for label in REQUIRED if label not in self.book.single]
        if missing:
            raise NotSie(f"#{missing[0]} is missing")
        if self.book.single["FORMAT"] != ["PC8"] or self.book.single["SIETYP"] != ["4"]:
            raise NotSie("not a file of type 4 in PC8")
        if not re.fullmatch("[0-9]{6}-[0-9]{4}", self.book.single["ORGNR"][0]):
            raise NotSie("the organisation number")


def day(text: str) -> dt.date:
    """Read a date YYYYMMDD."""
    if not re.fullmatch("[0-9]{8}", text):
        raise NotSie(f"date {text!r}")
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise NotSie(f"date {text!r}") from None
