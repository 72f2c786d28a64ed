"""A whole output file, some lines at a time: as a spreadsheet shows it, and raw.

The view shows the beginning of each file; a reviewer at the local page may turn to every line.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from etl.review.file_views import (
    MAX_RAW,
    cells_of,
    header_of,
    letters_of,
    members_of,
    short,
)
from etl.review.model import FileRow

#: Longer files are read in an editor; nobody reads them to their end on a page.
MAX_LINES = 200_000
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_XLSX = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class PageOfFile:
    """Some lines of a file. `places` are the columns shown, counted from 0; `columns` letters."""

    columns: tuple[str, ...]
    places: tuple[int, ...]
    columns_left_out: int
    rows: tuple[FileRow, ...]
    header: int | None
    begin: int
    lines: int
    is_raw: bool


class FileBook:
    """A file of a revision, taken apart once."""

    def __init__(self, content: bytes, *, encoding: str, delimiter: str | None) -> None:
        if content.startswith(_XLSX):
            self._raw: list[str] = []
            self._cells = _sheet(content)
        else:
            text = content.decode(encoding, errors="replace")
            self._raw = [hit.group() for hit in _LINE.finditer(text) if hit.group()][:MAX_LINES]
            self._cells = _taken_apart(self._raw, delimiter)
        widths = [len(cells) for cells in self._cells]
        widest = max(widths, default=0)
        first = widths.index(widest) if widths else 0
        header = header_of(self._rows(first, first + 1))
        self.header = None if header is None else header.number
        below = [cells for at, cells in enumerate(self._cells, 1) if at != self.header]
        filled = (
            place for place in range(widest)
            if any(len(cells) > place and cells[place] for cells in below)
        )  # fmt: skip
        self._places = tuple(filled) if widest > 1 else ()
        self._left_out = widest - len(self._places) if self._places else 0

    @property
    def lines(self) -> int:
        return len(self._cells)

    def page(self, begin: int, count: int) -> PageOfFile:
        """Give lines from one on, counted from 1."""
        begin = max(1, begin)
        rows = self._rows(begin - 1, begin - 1 + count)
        kept = tuple(
            FileRow(
                row.number,
                tuple(short(row.cells[at]) if at < len(row.cells) else "" for at in self._places),
                row.raw,
                row.anchor,
            )
            for row in rows
        )
        columns = tuple(letters_of(at) for at in self._places)
        return PageOfFile(
            columns, self._places, self._left_out, kept, self.header, begin, self.lines,
            bool(self._raw),
        )  # fmt: skip

    def _rows(self, begin: int, end: int) -> tuple[FileRow, ...]:
        return tuple(
            FileRow(at + 1, self._cells[at], self._raw[at][:MAX_RAW] if self._raw else "", "")
            for at in range(begin, min(end, len(self._cells)))
        )


def _taken_apart(lines: list[str], delimiter: str | None) -> list[tuple[str, ...]]:
    """Take all lines apart; each for itself where a quotation mark has no partner."""
    if delimiter is None:
        return [() for _ in lines]
    ended = (line.rstrip("\r\n") for line in lines)
    records = [tuple(record) for record in csv.reader(ended, delimiter=delimiter)]
    if len(records) == len(lines):
        return records
    return [cells_of(line, delimiter) for line in lines]


def _sheet(content: bytes) -> list[tuple[str, ...]]:
    import fastexcel

    try:
        sheet = fastexcel.read_excel(content).load_sheet(0, header_row=None, dtypes="string")
    except fastexcel.FastExcelError:
        return [*members_of(content)]  # a zip of another kind
    return [tuple(cell or "" for cell in record) for record in sheet.to_polars().iter_rows()]
