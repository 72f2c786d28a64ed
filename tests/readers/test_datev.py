"""Every DATEV batch among the golden files is one that DATEV's manual allows.

Two readers: one written from the manual (datev.py), and Python's own csv module.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.readers.datev import COLUMNS, Batch, fields, read_batch

GOLDEN = Path(__file__).parent.parent / "golden" / "datev-extf"
FILES = sorted(GOLDEN.glob("*/expected/EXTF_*.csv"))
REFERENCE = GOLDEN / "reference" / "expected" / "EXTF_Pleo_1_1.csv"

of_all_files = pytest.mark.parametrize(
    "path", FILES, ids=[f"{path.parent.parent.name}/{path.name}" for path in FILES]
)


def read(path: Path) -> Batch:
    return read_batch(path.name, path.read_bytes())


def manifest_of(path: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(path.with_name("manifest.json").read_text("utf-8"))
    return manifest


def test_there_are_files_to_read() -> None:
    assert len(FILES) == 13
    assert len(COLUMNS) == 125


@of_all_files
def test_the_manual_allows_every_field(path: Path) -> None:
    assert read(path).faults == []


@of_all_files
def test_bookings_add_up_to_the_manifest(path: Path) -> None:
    batch = read(path)
    (listed,) = (one for one in manifest_of(path)["files"] if one["name"] == path.name)
    totals = {currency: str(total) for currency, total in batch.totals().items()}
    assert totals == {one["currency"]: one["debit"] for one in listed["totals"]}
    assert totals == {one["currency"]: one["credit"] for one in listed["totals"]}
    assert len(batch.bookings) == listed["rows"]
    assert sum(batch.balances().values()) == 0


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in FILES}), ids=lambda one: one.parent.name
)
def test_accounts_add_up_to_the_manifest(folder: Path) -> None:
    found: dict[tuple[str, str], Decimal] = {}
    for path in folder.glob("EXTF_*.csv"):
        for key, balance in read(path).balances().items():
            found[key] = found.get(key, Decimal()) + balance
    controls = json.loads((folder / "manifest.json").read_text("utf-8"))["controls"]["accounts"]
    assert found == {
        (one["account"], one["currency"]): Decimal(one["debit"]) - Decimal(one["credit"])
        for one in controls
    }


@of_all_files
def test_items_point_to_their_lines(path: Path) -> None:
    ids = {
        str(booking.line): booking.cells["Beleginfo - Inhalt 1"] for booking in read(path).bookings
    }
    told = {
        str(row): item["external_id"]
        for item in manifest_of(path)["items"]
        for place in item["rows"]
        if place["file"] == path.name
        for row in place["rows"]
    }
    assert told == ids


@of_all_files
def test_another_reader_sees_the_same_cells(path: Path) -> None:
    text = path.read_bytes().decode("cp1252")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True))
    assert rows == [[one.text for one in fields(line)] for line in text.split("\r\n")[:-1]]


def test_days_find_their_year_in_a_fiscal_year_that_is_no_calendar_year() -> None:
    folder = GOLDEN / "fiscal-years" / "expected"
    days = [
        booking.date.isoformat() if booking.date else None
        for name in ("EXTF_Pleo_7_1.csv", "EXTF_Pleo_7_2.csv")
        for booking in read(folder / name).bookings
    ]
    assert days == ["2026-01-31", "2026-06-14", "2026-06-15", "2026-07-01"]


def test_the_example_of_the_manual_says_what_it_means() -> None:
    bookings = read(REFERENCE).bookings
    assert [(one.debit, one.credit, str(one.amount), one.currency) for one in bookings] == [
        ("4930", "1280", "119.00", "EUR"),
        ("4964", "1280", "100.00", "USD"),
        ("1280", "4930", "45.50", "EUR"),
        ("4650", "70042", "130.00", "EUR"),
    ]
    assert bookings[0].cells["Buchungstext"] == 'Büromaterial "Kontor" Müller'


#: The four bookings of the manual's example, as far as it shows them: its first 20 columns. The
#: link of the first is left out, since no receipt is at hand.
SHOWN = """\
"EXTF";700;21;"Buchungsstapel";13;20260401093015123;;"RE";"";"";482915;10742;20260101;4;20260301;20260331;"Pleo 2026-03";"";1;0;0;"EUR";;"";;;"03";;;"";"Pleo"
119,00;"S";"";;;"";4930;1280;"9";0903;"PLEO-8F2A01";"";;"Büromaterial ""Kontor"" Müller";;"";;;;"";
100,00;"S";"USD";1,083306;92,31;"EUR";4964;1280;"94";1203;"PLEO-8F2A02";"";;"Cloud hosting";;"";;;;"";
45,50;"H";"";;;"";4930;1280;"9";2003;"PLEO-8F2A03";"";;"Gutschrift Büromaterial";;"";;;;"";
130,00;"S";"";;;"";4650;70042;"";3103;"RE2026/117";"";;"Bewirtung";;"";;;;"";
"""  # noqa: E501


def test_the_example_of_the_manual_comes_out_as_far_as_it_is_shown() -> None:
    header, _names, *bookings, end = REFERENCE.read_bytes().decode("cp1252").split("\r\n")
    shown = SHOWN.splitlines()
    assert [
        header,
        *(line[: len(part)] for line, part in zip(bookings, shown[1:], strict=True)),
    ] == shown
    assert end == ""


Change = Callable[[bytes], bytes]


def swap(old: str, new: str) -> Change:
    def change(content: bytes) -> bytes:
        assert old.encode("cp1252") in content
        return content.replace(old.encode("cp1252"), new.encode("cp1252"), 1)

    return change


BROKEN: dict[str, tuple[Change, str]] = {
    "mark": (lambda content: b"\xef\xbb\xbf" + content, "byte order mark"),
    "no Windows-1252": (lambda content: content.replace(b"\xfc", b"\x81"), "not Windows-1252"),
    "line feed": (swap("\r\n119,00", "\n119,00"), "control character"),
    "tab": (swap("Cloud hosting", "Cloud\thosting"), "control character"),
    "no last line end": (lambda content: content.removesuffix(b"\r\n"), "no end"),
    "header short": (swap(';"";"Pleo"\r\n', ';"Pleo"\r\n'), "the header has 30 fields"),
    "adviser": (swap("482915", "999"), "header field 11"),
    "lock of header": (swap(';1;0;0;"EUR"', ';1;0;1;"EUR"'), "Festschreibung"),
    "period": (swap("20260301;20260331", "20260301;20260320"), "not in the period"),
    "period outside of the year": (swap("20260301;20260331", "20251231;20260331"), "fiscal year"),
    "names": (swap("Belegfeld 1;", "Belegfeld1;"), "line 2"),
    "one field more": (swap("119,00;", "119,00;;"), "126 fields"),
    "decimal point": (swap("119,00", "119.00"), "column 1"),
    "sign": (swap("45,50", "-45,50"), "column 1"),
    "no amount": (swap("45,50", "0,00"), "no amount"),
    "letter bare": (swap('"S";""', 'S;""'), "column 2 is not quoted"),
    "account quoted": (swap("4650", '"4650"'), "column 7 is quoted"),
    "account too long": (swap("70042", "700420"), "more than 5 digits"),
    "account zero": (swap("4650", "0000"), "no account"),
    "zero of the day lost": (swap(";0903;", ";903;"), "column 10"),
    "day of another month": (swap(";0903;", ";0904;"), "not in the period"),
    "field with blank": (swap("PLEO-8F2A03", "PLEO 8F2A03"), "column 11"),
    "quote open": (swap('""Kontor""', '"Kontor"'), "quotes are broken"),
    "rate": (swap("1,083306", "0,923100"), "are not 92,31 EUR"),
    "rate alone": (swap('1,083306;92,31;"EUR"', '1,083306;;""'), "filled together"),
    "kind alone": (swap('"Pleo";"PLEO-8F2A01"', '"Pleo";""'), "filled together"),
    "link": (swap(';;;;"";"Pleo"', ';;;;"BEDI x";"Pleo"'), "Beleglink"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "fault"), BROKEN.values(), ids=list(BROKEN))
def test_the_reader_sees_what_is_broken(change: Change, fault: str) -> None:
    faults = read_batch(REFERENCE.name, change(REFERENCE.read_bytes())).faults
    assert any(fault in found for found in faults), faults


def test_the_reader_sees_a_name_that_is_not_offered() -> None:
    assert read_batch("Pleo.csv", REFERENCE.read_bytes()).faults == ["the name is not EXTF_….csv"]
