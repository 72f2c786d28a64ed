"""Workbooks: numbers as numbers, dates as dates, everything else as text that stays text (T14).

No formulas, no links, no number of more than 15 digits (a spreadsheet keeps no more), an explicit
format for every number and date, and the same bytes on every run.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from etl.errors import Problem, UserMustFix
from etl.rendering.columns import Cell
from etl.rendering.contents import Contents, by_file, table_lines
from etl.rendering.document import XlsxOptions
from etl.rendering.formats import NUMBERS
from etl.rendering.packing import read_members, zip_members
from etl.rendering.plans import FilePlan
from etl.rendering.sheets import Sheets

MAX_ROWS = 1_048_576
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
    "in_memory": True,
}
_EPOCH = dt.datetime(1980, 1, 1)  # noqa: DTZ001 - a workbook's times have no zone

_Write = Callable[[int, int, str], None]


def write_workbooks(plan: FilePlan, sheets: Sheets, *, files: int) -> Contents:
    """Write one workbook per part; cells arrive as text and become what their column's type says.

    Raises: UserMustFix FILE-5 for more rows than a sheet holds.
    """
    record = plan.table
    options = plan.spec.xlsx or XlsxOptions()
    cells = sheets.cells(record)
    head = options.header == "names"
    books = [_Book(cells, plan, sheet=options.sheet, head=head) for _ in range(files)]
    for rows in sheets.slices(record.context, [record]):
        if sheets.findings.stops_writing:
            continue  # go on looking for faults
        for number, part in by_file(rows):
            books[number].write(part.select(cell.key for cell in cells))
    parts = [book.close() for book in books]
    return Contents(parts, table_lines(record, sheets, before=1 if head else 0))


class _Book:
    """One workbook with one sheet, written row by row."""

    def __init__(self, cells: Sequence[Cell], plan: FilePlan, *, sheet: str, head: bool) -> None:
        import xlsxwriter  # slow to load, and most batches have no workbook

        self.buffer = io.BytesIO()
        self.book: Any = xlsxwriter.Workbook(self.buffer, _OPTIONS)
        self.book.set_properties({"created": _EPOCH, "author": "", "comments": ""})
        self.sheet = self.book.add_worksheet(sheet)
        self.plan = plan
        self.writers = [self._writer(cell) for cell in cells]
        self.row = 0
        if head:
            for column, cell in enumerate(cells):
                self.sheet.write_string(0, column, cell.name or "")
            self.row = 1

    def write(self, rows: pl.DataFrame) -> None:
        if self.row + rows.height > MAX_ROWS:
            raise UserMustFix(
                Problem(
                    "FILE-5",
                    f"the sheet would have more than {MAX_ROWS} rows",
                    self.plan.name.where,
                    f"split the file: max: {{rows: {MAX_ROWS - 1}}}",
                )
            )
        for values in rows.iter_rows():
            for column, (write, value) in enumerate(zip(self.writers, values, strict=True)):
                if value:
                    write(self.row, column, value)
            self.row += 1

    def close(self) -> bytes:
        self.book.close()
        return zip_members(read_members(self.buffer.getvalue()), compress=True)

    def _writer(self, cell: Cell) -> _Write:
        """Choose how the texts of a column become cells."""
        sheet = self.sheet
        if cell.column.type in NUMBERS:
            shape = self.book.add_format({"num_format": _number_format(cell)})

            def number(row: int, column: int, text: str) -> None:
                sheet.write_number(row, column, float(text), shape)

            return number
        if cell.column.type == "date":
            shape = self.book.add_format(
                {"num_format": _date_format(cell.column.format or self.plan.spec.formats.date)}
            )

            def date(row: int, column: int, text: str) -> None:
                sheet.write_datetime(row, column, dt.date.fromisoformat(text), shape)

            return date

        def text_cell(row: int, column: int, text: str) -> None:
            sheet.write_string(row, column, text)

        return text_cell


def _number_format(cell: Cell) -> str:
    if cell.column.type == "integer" or cell.style.in_hundredths:
        return "0"
    places = cell.style.places
    if places is None:
        places = 2 if cell.column.type == "amount" else 6
    return "0." + "0" * places if places else "0"


def _date_format(tokens: str) -> str:
    """Write date tokens as a spreadsheet spells them."""
    return tokens.replace("D", "d").replace("Y", "y").replace("M", "m")
