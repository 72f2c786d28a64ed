"""Files as they are: table, raw lines, what is left out."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
import xlsxwriter

from etl.review import FileFormat
from etl.review.file_views import MAX_LINES, MAX_RAW, file_views
from etl.review.model import FileView


def _one(name: str, content: bytes, given: FileFormat | None = None) -> FileView:
    manifest: dict[str, Any] = {"files": [{"name": name, "sha256": "ab", "rows": 3}]}
    formats = {name: given} if given else {}
    (view,) = file_views(manifest, {name: content}, formats=formats)
    return view


def test_columns_keep_the_letters_of_a_spreadsheet_and_empty_ones_go() -> None:
    view = _one("a.csv", b"Date;Empty;Amount\r\n0109;;10,00\r\n0209;;5,00\r\n")
    assert (view.columns, view.columns_left_out) == (("A", "C"), 1)
    assert [row.cells for row in view.rows] == [
        ("Date", "Amount"), ("0109", "10,00"), ("0209", "5,00"),
    ]  # fmt: skip
    assert view.header is not None
    assert view.header.number == 1


def test_a_line_of_its_own_above_the_header_is_no_header() -> None:
    view = _one("a.csv", b"EXTF;700;21\r\nUmsatz;Konto;BU;Text\r\n1,00;4930;9;x\r\n")
    assert view.header is not None
    assert view.header.number == 2


def test_a_file_without_header_has_none() -> None:
    assert _one("a.csv", b"1;x\r\n2;y\r\n").header is None


def test_columns_beyond_z() -> None:
    view = _one("a.csv", b";".join(b"h%d" % at for at in range(28)) + b"\r\n" + b"x;" * 27 + b"x")
    assert view.columns[25:] == ("Z", "AA", "AB")


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.csv", "Größe;1\r\n".encode("cp1252"), "Windows-1252, a semicolon between cells"),
        ("a.csv", "Größe,1\n".encode(), "UTF-8, a comma between cells"),
        ("a.txt", "﻿Größe\t1\n".encode(), "UTF-8 with byte order mark, a tab between cells"),
        ("a.csv", "a;b\n".encode("utf-16"), "UTF-16, a semicolon between cells"),
        ("a.si", b"#FLAGGA 0\r\n", "UTF-8"),
    ],
)
def test_a_file_is_read_by_its_first_bytes(name: str, content: bytes, form: str) -> None:
    assert _one(name, content).form == form


def test_a_given_format_comes_before_the_guess() -> None:
    view = _one("a.si", '#VER "P" "" "å"\r\n'.encode("cp437"), FileFormat("cp437"))
    assert (view.form, view.columns) == ("IBM code page 437", ())
    assert view.rows[0].raw == '#VER "P" "" "å"\r\n'


def test_bytes_that_the_format_does_not_know_are_shown_as_such() -> None:
    view = _one("a.si", b"caf\xe9\n", FileFormat("utf-8"))
    assert view.rows[0].raw == "caf\ufffd\n"


def test_quoted_delimiters_do_not_split_a_cell() -> None:
    view = _one("a.csv", b'a;b\r\n"x;y";"say ""hi"""\r\n')
    assert view.rows[1].cells == ("x;y", 'say "hi"')


def test_long_files_and_lines_are_cut_and_counted() -> None:
    view = _one("a.txt", b"x" * 5000 + b"\n" + b"y\n" * 199)
    assert (view.lines, len(view.rows)) == (200, MAX_LINES)
    assert view.rows[0].raw == "x" * MAX_RAW + "…"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("is_closed", [True, False])
def test_lines_beyond_the_part_that_is_read_are_counted(end: bytes, is_closed: bool) -> None:
    content = end.join([b"some cells of a line; and more"] * 20_000)
    assert _one("a.csv", content + (end if is_closed else b"")).lines == 20_000


def test_an_empty_file_has_no_lines() -> None:
    view = _one("a.csv", b"")
    assert (view.lines, view.rows, view.columns) == (0, (), ())


def test_a_spreadsheet_is_shown_as_rows_of_cells() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Journal")
        sheet.write_row(0, 0, ["Account", "Amount"])
        sheet.write_string(1, 0, "0123")
        sheet.write_number(1, 1, 10.5)
    view = _one("a.xlsx", buffer.getvalue())
    assert view.form == "spreadsheet, sheet Journal"
    assert [row.cells for row in view.rows] == [("Account", "Amount"), ("0123", "10.5")]
    assert not view.is_raw_shown


def test_a_zip_is_shown_by_its_members() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as members:
        members.writestr("receipt.pdf", b"%PDF")
    view = _one("Belege_1.zip", buffer.getvalue())
    assert view.rows[0].cells == ("receipt.pdf", "4")
    # The manifest counts the postings whose receipts these are; they stand in another file.
    assert (view.is_archive, view.holds) == (True, "1 file")
