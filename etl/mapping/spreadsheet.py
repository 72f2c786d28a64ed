"""Spreadsheet files (XLSX) as text.

A spreadsheet keeps numbers as doubles and drops leading zeros, so a number is refused where
it would be a key, and elsewhere where its digits are not exact. Each finding names the cell.

Source: ECMA-376 part 1, 18.3.1 (cells), via calamine (fastexcel).
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal
from xml.parsers import expat

import polars as pl

from etl.errors import Problem, UserMustFix
from etl.files import sha256
from etl.mapping.cells import (
    MAX_CELL,
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_PROBLEMS,
    MAX_ROWS,
    Cells,
    make_cells,
    refuse,
    too_large,
)

if TYPE_CHECKING:
    import fastexcel

MAX_UNPACKED = 300 * 1024 * 1024
MAX_MEMBERS = 5_000
MAX_EXACT_DIGITS = 15
_CHUNK = 1024 * 1024
_SHEET_DATA = b"sheetData"
_ADDRESS = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) 00:00:00")


def read_xlsx(content: bytes, *, name: str, sheet: str | None, key: Sequence[str] = ()) -> Cells:
    """Read one sheet.

    Needs: `key` names the columns in which a number or date is refused.
    Raises: UserMustFix MAP-1 (not a spreadsheet, sheet not clear), MAP-3, MAP-7 (numbers), MAP-9.
    """
    import fastexcel  # slow to load, and most tables are CSV

    _check_archive(content, name)
    try:
        book = fastexcel.read_excel(content)
        chosen = _sheet(book.sheet_names, sheet, name)
        texts, offset = _load(book, chosen, "string")
        _check_size(texts, name)
        numbers, _ = _load(book, chosen, "boolean")
        times, _ = _load(book, chosen, "duration")
    except fastexcel.FastExcelError as error:
        raise refuse(
            "MAP-1", f"not a spreadsheet that can be read: {str(error).splitlines()[0]}", name,
            "save it as an Excel workbook (.xlsx) without a password",
        ) from None  # fmt: skip
    rows = [
        (number, ["" if cell is None else cell for cell in cells])
        for number, cells in enumerate(texts.rows(), 1)
        if any(cell is not None and cell.strip() for cell in cells)
    ]
    if rows:
        is_typed = [
            [a is not None or b is not None for a, b in zip(left, right, strict=True)]
            for left, right in zip(numbers.rows(), times.rows(), strict=True)
        ]
        _check_numbers(rows, is_typed, name=name, key=key, offset=offset)
    return make_cells(rows, name=name, digest=sha256(content))


def _check_archive(content: bytes, name: str) -> None:
    """Unpack once into nothing, counting: what a file says of its own size is not to be trusted.

    A reader lays a sheet out from its first to its farthest cell, so one cell far out is refused.
    """
    total = 0
    sheets, member_before, tail = set(), "", b""
    for member, chunk in _unpacked(content, name):
        total += len(chunk)
        if total > MAX_UNPACKED:
            raise too_large("the unpacked file", f"{MAX_UNPACKED} bytes", name)
        text = (tail if member == member_before else b"") + chunk
        if _SHEET_DATA in text:  # wherever it stands in the archive
            sheets.add(member)
        member_before, tail = member, text[-len(_SHEET_DATA) :]
    for sheet in sorted(sheets):
        _measure(content, sheet, name)


def _measure(content: bytes, sheet: str, name: str) -> None:
    """Refuse a sheet whose farthest filled cell makes it too large; rows and cells may be bare."""
    extent = Extent()
    parser = expat.ParserCreate(encoding="UTF-8")
    parser.StartElementHandler = extent.start
    parser.EndElementHandler = extent.end
    try:
        for member, chunk in _unpacked(content, name):
            if member == sheet:
                parser.Parse(chunk)
                if extent.row * extent.column > MAX_CELLS:
                    address = f"{name}, cell {_letters(extent.column - 1)}{extent.row}"
                    what = "the sheet, laid out to its farthest cell,"
                    raise too_large(what, f"{MAX_CELLS}", address)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError):
        raise refuse(
            "MAP-1", f"the sheet {sheet} cannot be read", name, "save the workbook again"
        ) from None


class Extent:
    """The farthest filled cell of a sheet. Without an address a cell stands behind the last one."""

    def __init__(self) -> None:
        self.row = self.column = 0
        self._at = [0, 0]
        self._is_open = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        kind = tag.rpartition(":")[2]
        if kind == "row":
            self._at = [int(attributes.get("r", self._at[0] + 1)), 0]
        elif kind == "c":
            self._is_open = True
            self._at[1] += 1
            if "r" in attributes:
                found = _ADDRESS.fullmatch(attributes["r"].upper())
                if found is None:
                    raise ValueError(attributes["r"])
                self._at = [int(found[2]), _index(found[1].encode()) + 1]
        elif self._is_open:  # an empty cell takes no room
            self._is_open = False
            self.row, self.column = max(self.row, self._at[0]), max(self.column, self._at[1])

    def end(self, tag: str) -> None:
        self._is_open = self._is_open and tag.rpartition(":")[2] != "c"


def _unpacked(content: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise too_large(f"{len(members)} members", f"{MAX_MEMBERS} members", name)
            for member in members:
                with archive.open(member) as stream:
                    while chunk := stream.read(_CHUNK):
                        yield member.filename, chunk
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError):
        raise refuse(
            "MAP-1", "not an Excel workbook", name, "save it as an Excel workbook (.xlsx)"
        ) from None


def _sheet(names: list[str], wanted: str | None, name: str) -> str:
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted in names:
        return wanted
    what = f'there is no sheet "{wanted}"' if wanted else f"the file has {len(names)} sheets"
    raise refuse("MAP-1", what, name, f"state one of them (sheet: …): {', '.join(names)}")


def _load(
    book: fastexcel.ExcelReader, sheet: str, kind: Literal["string", "boolean", "duration"]
) -> tuple[pl.DataFrame, int]:
    """Load all cells as one type; what is not of it is null. Gives the first column's index."""
    loaded = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes=kind)
    columns = loaded.selected_columns
    return loaded.to_polars(), columns[0].absolute_index if columns else 0


def _check_size(cells: pl.DataFrame, name: str) -> None:
    if cells.height > MAX_ROWS + 1:
        raise too_large(f"{cells.height} rows", f"{MAX_ROWS} rows", name)
    if cells.width > MAX_COLUMNS:
        raise too_large(f"{cells.width} columns", f"{MAX_COLUMNS} columns", name)
    longest = cells.select(pl.all().str.len_chars().max()).row(0) if cells.width else ()
    if any(length is not None and length > MAX_CELL for length in longest):
        raise too_large("a cell", f"{MAX_CELL} characters", name)


def _check_numbers(
    rows: list[tuple[int, list[str]]],
    is_typed: list[list[bool]],
    *,
    name: str,
    key: Sequence[str],
    offset: int,
) -> None:
    """Refuse numbers in key columns and inexact numbers elsewhere; shorten dates in place."""
    header = [cell.strip() for cell in rows[0][1]]
    problems: list[Problem] = []
    for number, cells in rows[1:]:
        for index, typed in enumerate(is_typed[number - 1]):
            if not typed or not cells[index]:
                continue
            address = f"{name}, cell {_letters(offset + index)}{number}"
            shown = _MIDNIGHT.sub(r"\1", cells[index])
            if header[index] in key and cells[index] not in ("true", "false"):
                problems.append(_number_problem(f'key column "{header[index]}"', shown, address))
            elif _is_inexact(shown):
                problems.append(_number_problem(f'column "{header[index]}"', shown, address))
            cells[index] = shown
    if problems:
        raise UserMustFix(problems[:MAX_PROBLEMS])


def _number_problem(column: str, shown: str, address: str) -> Problem:
    return Problem(
        "MAP-7",
        f"{shown} in {column} is a number or date, so leading zeros or digits may be lost",
        address,
        "format the column as text and type the values again",
    )


def _is_inexact(text: str) -> bool:
    digits = text.replace(".", "").lstrip("-0")
    return bool(_NUMBER.fullmatch(text)) and len(digits) > MAX_EXACT_DIGITS


def _index(letters: bytes) -> int:
    """Give the index of a column: A is 0, AA is 26."""
    index = 0
    for letter in letters:
        index = index * 26 + letter - ord("A") + 1
    return index - 1


def _letters(index: int) -> str:
    """Name a column as spreadsheets do: 0 is A, 26 is AA."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
