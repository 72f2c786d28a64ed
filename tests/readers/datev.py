"""Read a DATEV Buchungsstapel (EXTF) as its manual tells, knowing nothing of who wrote it.

    bytes ─> lines ─> fields ─┬─ line 1: 31 fields of the header
                              ├─ line 2: the 125 names
                              └─ from line 3: bookings, their year found by the fiscal year

Every rule that is broken is listed with its line, so that a test can show what a reader sees.
Source: DATEV-Format, header 700, category 21, version 13 (developer.datev.de).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

MAX_BOOKINGS = 99_999
SIXTH_PLACE = Decimal("0.000001")
#: Header fields by number: quoted, and what stands there (an empty pattern: nothing may).
HEADER: dict[int, tuple[bool, str]] = {
    1: (True, "EXTF"), 2: (False, "700"), 3: (False, "21"), 4: (True, "Buchungsstapel"),
    5: (False, "13"), 6: (False, "20[0-9]{15}"), 7: (False, ""), 8: (True, r"\w{0,2}"),
    9: (True, r"\w{0,25}"), 10: (True, ""), 11: (False, "[1-9][0-9]{3,6}"),
    12: (False, "[1-9][0-9]{0,4}"), 13: (False, "20[0-9]{6}"), 14: (False, "[4-8]"),
    15: (False, "20[0-9]{6}"), 16: (False, "20[0-9]{6}"), 17: (True, r"[\w./ -]{0,30}"),
    18: (True, "([A-Z]{2}){0,2}"), 19: (False, "[12]"), 20: (False, "0|30|40|50|64"),
    21: (False, "[01]"), 22: (True, "[A-Z]{3}"), 23: (False, ""), 24: (True, ""), 25: (False, ""),
    26: (False, ""), 27: (True, "([0-9]{2})?"), 28: (False, "[0-9]{0,4}"), 29: (False, ""),
    30: (True, ""), 31: (True, ".{0,16}"),
}  # fmt: skip
#: Columns that are filled together: kinds and contents, and what belongs to a foreign currency.
PAIRS = (
    *((number, number + 1) for number in range(21, 37, 2)),
    *((number, number + 1) for number in range(48, 88, 2)),
    (3, 4), (4, 5), (5, 6), (115, 116), (119, 120),
)  # fmt: skip


@dataclass(frozen=True)
class FieldRule:
    """A column: its name, whether it stands in quotes, and what may stand there."""

    name: str
    is_quoted: bool
    is_required: bool
    pattern: re.Pattern[str]


def _read_columns() -> dict[int, FieldRule]:
    text = Path(__file__).with_name("datev_columns.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {
        int(number): FieldRule(name, quoted == "yes", required == "yes", re.compile(pattern))
        for number, name, quoted, required, pattern in rows
    }


COLUMNS = _read_columns()


@dataclass(frozen=True)
class Field:
    """One field of a line."""

    text: str
    is_quoted: bool


@dataclass(frozen=True)
class Booking:
    """One line of the batch, as DATEV would book it."""

    line: int
    cells: dict[str, str]
    amount: Decimal
    currency: str
    debit: str
    credit: str
    date: dt.date | None


@dataclass
class Batch:
    """What was read, and every rule that was broken."""

    header: dict[int, str] = field(default_factory=dict)
    bookings: list[Booking] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def totals(self) -> dict[str, Decimal]:
        """Sum the bookings by currency; each stands on both sides."""
        sums: dict[str, Decimal] = {}
        for booking in self.bookings:
            sums[booking.currency] = sums.get(booking.currency, Decimal()) + booking.amount
        return sums

    def balances(self) -> dict[tuple[str, str], Decimal]:
        """Sum the accounts by currency, debit positive."""
        sums: dict[tuple[str, str], Decimal] = {}
        for booking in self.bookings:
            for account, amount in (
                (booking.debit, booking.amount),
                (booking.credit, -booking.amount),
            ):
                key = (account, booking.currency)
                sums[key] = sums.get(key, Decimal()) + amount
        return sums


def read_batch(name: str, content: bytes) -> Batch:
    """Read a file and check it by every rule of the manual."""
    batch = Batch()
    if not re.fullmatch(r"EXTF_.+\.csv", name):
        batch.faults.append("the name is not EXTF_….csv")
    lines = _lines(content, batch)
    if len(lines) < 2:
        batch.faults.append("there is no header")
        return batch
    _read_header(lines[0], batch)
    if not batch.header:
        return batch
    if lines[1].split(";") != [rule.name for rule in COLUMNS.values()]:
        batch.faults.append("line 2 does not hold the names of the columns")
    if len(lines) - 2 > MAX_BOOKINGS:
        batch.faults.append("there are too many bookings")
    for number, line in enumerate(lines[2:], 3):
        _read_booking(number, line, batch)
    return batch


def fields(line: str) -> Iterator[Field]:
    """Take a line apart; a quote inside of quotes is doubled."""
    at = 0
    while True:
        if line.startswith('"', at):
            found = re.compile(r'"((?:[^"]|"")*)"(?=;|$)').match(line, at)
            if found is None:
                raise ValueError(f"quotes are broken at {at + 1}")
            yield Field(found[1].replace('""', '"'), is_quoted=True)
        else:
            found = re.compile(r'([^";]*)(?=;|$)').match(line, at)
            if found is None:
                raise ValueError(f"a quote stands in a bare field at {at + 1}")
            yield Field(found[1], is_quoted=False)
        at = found.end() + 1
        if at > len(line):
            return


def _lines(content: bytes, batch: Batch) -> list[str]:
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        batch.faults.append("there is a byte order mark")
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        batch.faults.append("a byte is not Windows-1252")
        return []
    if not text.endswith("\r\n"):
        batch.faults.append("the last line has no end")
    lines = text.removesuffix("\r\n").split("\r\n")
    for number, line in enumerate(lines, 1):
        if re.search(r"[\x00-\x1f\x7f]", line):
            batch.faults.append(f"line {number} holds a control character")
    return lines


def _read_header(line: str, batch: Batch) -> None:
    try:
        found = list(fields(line))
    except ValueError as error:
        batch.faults.append(f"line 1: {error}")
        return
    if len(found) != len(HEADER):
        batch.faults.append(f"the header has {len(found)} fields")
        return
    for (number, (is_quoted, pattern)), one in zip(HEADER.items(), found, strict=True):
        if one.is_quoted != is_quoted or not re.fullmatch(pattern, one.text):
            batch.faults.append(f"header field {number} is {one.text!r}")
        batch.header[number] = one.text
    start, first, last = (_date(batch.header[number], batch) for number in (13, 15, 16))
    if start and first and last and not start <= first <= last < _next_year(start):
        batch.faults.append("the period does not lie in the fiscal year")


def _read_booking(number: int, line: str, batch: Batch) -> None:
    try:
        found = list(fields(line))
    except ValueError as error:
        batch.faults.append(f"line {number}: {error}")
        return
    if len(found) != len(COLUMNS):
        batch.faults.append(f"line {number} has {len(found)} fields")
        return
    cells = {place: one.text for place, one in enumerate(found, 1)}
    faults = [
        *_field_faults(found),
        *_faults_together(cells),
        *_account_faults(cells, batch.header),
        *_currency_faults(cells, batch.header),
    ]
    if faults:
        batch.faults.extend(f"line {number}: {fault}" for fault in faults)
        return
    date = _belegdatum(cells[10], batch)
    if date is None:
        batch.faults.append(f"line {number}: Belegdatum {cells[10]} is not in the period")
    is_debit = cells[2] == "S"
    batch.bookings.append(
        Booking(
            line=number,
            cells={COLUMNS[place].name: text for place, text in cells.items()},
            amount=_decimal(cells[1]),
            currency=cells[3] or batch.header[22],
            debit=cells[7] if is_debit else cells[8],
            credit=cells[8] if is_debit else cells[7],
            date=date,
        )
    )


def _field_faults(found: list[Field]) -> Iterator[str]:
    for (place, rule), one in zip(COLUMNS.items(), found, strict=True):
        if one.is_quoted != rule.is_quoted:
            yield f"column {place} is {'' if one.is_quoted else 'not '}quoted"
        if one.text and not rule.pattern.fullmatch(one.text):
            yield f"column {place} is {one.text!r}"
        if rule.is_required and not one.text:
            yield f"column {place} is empty"


def _faults_together(cells: dict[int, str]) -> Iterator[str]:
    for one, other in PAIRS:
        if bool(cells[one]) != bool(cells[other]):
            yield f"columns {one} and {other} are not filled together"
    if cells[12] and cells[117]:
        yield "the due date stands twice"
    if cells[20] and not re.fullmatch(
        'BEDI "[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"', cells[20]
    ):
        yield "Beleglink is no link into DATEV"


def _account_faults(cells: dict[int, str], header: dict[int, str]) -> Iterator[str]:
    longest = int(header[14]) + 1
    for place in (7, 8):
        if not cells[place].strip("0"):
            yield f"column {place} is no account"
        if len(cells[place]) > longest:
            yield f"column {place} has more than {longest} digits"
    if cells[114] not in ("0", "1") or cells[114] != header[21]:
        yield "Festschreibung is not that of the header"


def _currency_faults(cells: dict[int, str], header: dict[int, str]) -> Iterator[str]:
    if not re.fullmatch(r"[0-9]+,[0-9]{2}", cells[1]) or not _decimal(cells[1]):
        yield "there is no amount"
        return
    if not all(cells[place] for place in (3, 4, 5, 6)):
        return
    if cells[3] == header[22] or cells[6] != header[22]:
        yield "a rate between currencies of which none, or both, are that of the books"
        return
    rate = _decimal(cells[1]) / _decimal(cells[5])
    if rate.quantize(SIXTH_PLACE, ROUND_HALF_UP) != _decimal(cells[4]):
        yield f"{cells[1]} {cells[3]} at {cells[4]} are not {cells[5]} {cells[6]}"


def _belegdatum(text: str, batch: Batch) -> dt.date | None:
    """Find the year: the day lies in the twelve months from the start of the fiscal year."""
    start, first, last = (_date(batch.header[number], batch) for number in (13, 15, 16))
    if start is None or first is None or last is None:
        return None
    for year in (start.year, start.year + 1):
        try:
            day = dt.date(year, int(text[2:]), int(text[:2]))
        except ValueError:
            continue
        if start <= day < _next_year(start):
            return day if first <= day <= last else None
    return None


def _date(text: str, batch: Batch) -> dt.date | None:
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        batch.faults.append(f"{text!r} is no day")
        return None


def _next_year(day: dt.date) -> dt.date:
    return dt.date(day.year + 1, day.month, min(day.day, 28) if day.month == 2 else day.day)


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))
