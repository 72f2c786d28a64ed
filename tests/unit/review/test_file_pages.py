"""A whole file, some lines at a time."""

from __future__ import annotations

import io

import xlsxwriter

from etl.review.file_pages import FileBook
from etl.review.file_views import MAX_CELL

CSV = "Kopf\r\nNr;Konto;Text\r\n" + "".join(f"{n};;\xa0Größe {n}\r\n" for n in range(1, 501))


def book(text: str = CSV, delimiter: str | None = ";") -> FileBook:
    return FileBook(text.encode("cp1252"), encoding="cp1252", delimiter=delimiter)


def test_every_line_can_be_turned_to() -> None:
    page = book().page(401, 200)
    assert [row.number for row in page.rows] == list(range(401, 503))
    assert page.rows[-1].cells == ("500", "\xa0Größe 500")
    assert page.rows[-1].raw == "500;;\xa0Größe 500\r\n"
    assert page.lines == 502


def test_columns_that_nothing_fills_are_left_out_and_keep_their_letters() -> None:
    page = book().page(1, 3)
    assert page.columns == ("A", "C")
    assert page.places == (0, 2)
    assert page.columns_left_out == 1
    assert page.header == 2


def test_a_column_that_is_filled_late_is_there_from_the_beginning() -> None:
    late = CSV + "501;4650;x\r\n"
    assert book(late).page(1, 2).columns == ("A", "B", "C")


def test_a_text_without_cells_is_shown_raw() -> None:
    page = book("#FLAGGA 0\n#VER A 1\n", delimiter=None).page(1, 10)
    assert page.columns == ()
    assert [row.raw for row in page.rows] == ["#FLAGGA 0\n", "#VER A 1\n"]


def test_beyond_the_end_there_is_nothing() -> None:
    assert book().page(10_000, 5).rows == ()
    assert book().page(-5, 1).rows[0].number == 1


def test_a_workbook_has_cells_and_no_raw_lines() -> None:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["Nr", "Konto"])
        sheet.write_row(1, 0, ["1", "4650"])
    page = FileBook(made.getvalue(), encoding="utf-8", delimiter=None).page(1, 5)
    assert [row.cells for row in page.rows] == [("Nr", "Konto"), ("1", "4650")]
    assert not page.is_raw


def test_a_zip_of_receipts_lists_its_members_with_their_sizes() -> None:
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as members:
        members.writestr("4113001_01.pdf", b"%PDF-1.4")
    page = FileBook(made.getvalue(), encoding="utf-8", delimiter=None).page(1, 5)
    assert [row.cells for row in page.rows] == [("4113001_01.pdf", "8")]
    assert page.columns == ("A", "B")


def test_a_quotation_mark_without_a_partner_takes_no_other_line_with_it() -> None:
    page = book('Nr;Text\r\n1;"half\r\n2;whole\r\n').page(1, 5)
    assert [row.cells for row in page.rows] == [("Nr", "Text"), ("1", "half"), ("2", "whole")]


def test_a_very_long_cell_is_cut_where_it_is_shown() -> None:
    page = book("Nr;Text\r\n1;" + "x" * 5000 + "\r\n").page(2, 1)
    assert page.rows[0].cells[1] == "x" * MAX_CELL + "…"
