"""XLSX tables: numbers where text is needed are refused with the cell's address."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, time
from pathlib import Path
from typing import Any

import openpyxl
import openpyxl.styles
import pytest

from etl.errors import UserMustFix
from etl.mapping import spreadsheet
from tests.unit.mapping.written import load, mapped, value

TEXT = """
tables: {accounts: {file: accounts.xlsx, key: [code]SHEET}}
map:
  account.wallet: [{use: "1360"}]
  account.expense: [{table: accounts, key: ["{{ line.account.code }}"], take: account}]
"""


def book(rows: Sequence[Sequence[Any]], *, at: tuple[int, int] = (1, 1), sheets: int = 1) -> bytes:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Konten"
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            sheet.cell(at[0] + r, at[1] + c, cell)
    for number in range(1, sheets):
        workbook.create_sheet(f"Blatt {number}")
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def refused(folder: Path, content: bytes, sheet: str = "") -> list[tuple[str, str]]:
    with pytest.raises(UserMustFix) as caught:
        load(folder, TEXT.replace("SHEET", sheet), accounts_xlsx=content)
    return [(problem.code, problem.where) for problem in caught.value.problems]


def test_text_cells_are_read_as_they_are(tmp_path: Path) -> None:
    content = book([["code", "account"], ["0480", "0027"], ["6640", 4650], [None, None]])
    mapping = load(tmp_path, TEXT.replace("SHEET", ""), accounts_xlsx=content)
    result = mapped(mapping, {"lines": [{"line.account.code": "0480"}, {}]})
    assert value(result, "account.expense") == ["0027", "4650"]
    assert result.lines["row.account.expense"].to_list() == [2, 3]


@pytest.mark.parametrize("cell", [6640, 6640.0, 0, date(2026, 1, 1), time(3, 4)])
def test_a_number_or_date_as_key_is_refused_with_its_address(tmp_path: Path, cell: Any) -> None:
    content = book([["code", "account"], ["1", "x"], [cell, "4650"]])
    assert refused(tmp_path, content) == [("MAP-7", "accounts.xlsx, cell A3")]


def test_the_address_counts_from_the_sheets_own_corner(tmp_path: Path) -> None:
    content = book([["code", "account"], [6640, "4650"]], at=(4, 27))
    assert refused(tmp_path, content) == [("MAP-7", "accounts.xlsx, cell AA5")]


def test_numbers_whose_digits_may_be_lost_are_refused_everywhere(tmp_path: Path) -> None:
    content = book([["code", "account"], ["6640", 12345678901234567]])
    assert refused(tmp_path, content) == [("MAP-7", "accounts.xlsx, cell B2")]


def test_dates_are_read_in_validity_columns(tmp_path: Path) -> None:
    rows = [["code", "account", "valid_from"], ["6640", "4650", date(2026, 3, 9)]]
    mapping = load(tmp_path, TEXT.replace("SHEET", ""), accounts_xlsx=book(rows))
    assert value(mapped(mapping, {}), "account.expense") == ["4650"]
    early = mapped(mapping, {"item.date": date(2026, 3, 8)})
    assert early.rejections["code"].to_list() == ["MAP-20"]


def test_which_sheet_must_be_clear(tmp_path: Path) -> None:
    content = book([["code", "account"], ["6640", "4650"]], sheets=2)
    assert refused(tmp_path, content) == [("MAP-1", "accounts.xlsx")]
    assert refused(tmp_path, content, ", sheet: Kosten") == [("MAP-1", "accounts.xlsx")]
    named = TEXT.replace("SHEET", ", sheet: Konten")
    mapping = load(tmp_path, named, accounts_xlsx=content)
    assert value(mapped(mapping, {}), "account.expense") == ["4650"]


@pytest.mark.parametrize("content", [b"", b"code,account\n", b"PK\x03\x04 broken", b"\xd0\xcf\x11"])
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refused(tmp_path, content) == [("MAP-1", "accounts.xlsx")]


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert refused(tmp_path, content.getvalue()) == [("MAP-1", "accounts.xlsx")]


def test_an_empty_sheet_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, book([])) == [("MAP-1", "accounts.xlsx")]


@pytest.mark.parametrize(
    ("limit", "size"),
    [("MAX_UNPACKED", 100), ("MAX_MEMBERS", 2), ("MAX_ROWS", 1), ("MAX_COLUMNS", 1),
     ("MAX_CELLS", 5),
     ("MAX_CELL", 3)],
)  # fmt: skip
def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, size: int) -> None:
    monkeypatch.setattr(spreadsheet, limit, size)
    content = book([["code", "account"], ["6640", "4650"], ["6641", "4651"]])
    assert [code for code, _ in refused(tmp_path, content)] == ["MAP-9"]


def test_a_bomb_is_refused_before_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "MAX_UNPACKED", 5_000_000)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (spreadsheet.MAX_UNPACKED + 1))
    assert len(content.getvalue()) < 100_000
    assert refused(tmp_path, content.getvalue()) == [("MAP-9", "accounts.xlsx")]


def test_one_cell_far_out_is_refused_before_the_sheet_is_laid_out(tmp_path: Path) -> None:
    content = book([["code", "account"], ["6640", "4650"]])
    far = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(far, "w") as new:
        for member in old.infolist():
            text = old.read(member)
            if member.filename.startswith("xl/worksheets/"):
                cell = b'<row r="1048576"><c r="XFD1048576" t="str"><v>x</v></c></row></sheetData>'
                text = text.replace(b"</sheetData>", cell)
            new.writestr(member.filename, text)
    assert refused(tmp_path, far.getvalue()) == [("MAP-9", "accounts.xlsx, cell XFD1048576")]


def test_an_empty_cell_far_out_does_no_harm(tmp_path: Path) -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(book([["code", "account"], ["6640", "4650"]])))
    sheet = workbook.active
    assert sheet is not None
    sheet.cell(1_048_576, 16_384).font = openpyxl.styles.Font(bold=True)
    content = io.BytesIO()
    workbook.save(content)
    mapping = load(tmp_path, TEXT.replace("SHEET", ""), accounts_xlsx=content.getvalue())
    assert value(mapped(mapping, {}), "account.expense") == ["4650"]
