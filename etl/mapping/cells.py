"""Cells of tables: CSV and spreadsheet files read as text, with the line of every row.

Strict: encoding, delimiter, header and the number of cells per row must be right, or the
table is refused with the line. Nothing is typed here but by the reader of a column.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from etl.errors import Problem, UserMustFix
from etl.files import sha256
from etl.text import clean

MAX_BYTES = 50 * 1024 * 1024
MAX_ROWS = 500_000
MAX_COLUMNS = 200
MAX_CELLS = 5_000_000
MAX_CELL = 10_000
MAX_PROBLEMS = 50

#: Line of the file, or row of the sheet; table columns may be called anything but this.
ROW_COLUMN = "~row"


@dataclass(frozen=True, slots=True)
class Cells:
    """A table as text: one column per header cell, empty cells null, ROW_COLUMN beside them."""

    name: str
    header: tuple[str, ...]
    frame: pl.DataFrame
    sha256: str
    warnings: tuple[Problem, ...] = ()

    def where(self, row: int) -> str:
        """Name the place of a row."""
        return f"{self.name}:{row}"


def refuse(code: str, what: str, where: str, fix: str) -> UserMustFix:
    """Make the error of one problem."""
    return UserMustFix(Problem(code, what, where, fix))


def read_bytes(path: Path, name: str, named_at: str) -> bytes:
    """Read a file that a mapping names, within the limits.

    Raises: UserMustFix DOC-4 if it is not there, MAP-9 if it is too large.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAX_BYTES and path.is_file() else None
    except OSError as error:
        raise refuse(
            "DOC-4", f"cannot read {name}: {error.strerror}", named_at, "check the name"
        ) from None
    if content is None:
        if size > MAX_BYTES:
            raise too_large(f"{size} bytes", f"{MAX_BYTES} bytes", name)
        raise refuse("DOC-4", f"cannot read {name}: it is not a file", named_at, "check the name")
    return content


def read_csv(
    content: bytes, *, name: str, encoding: str = "utf-8", delimiter: str | None = None
) -> Cells:
    """Read a CSV file.

    Needs: `delimiter` is a comma, a semicolon or a tab; found in the header if it is None.
    Gives: cells in NFC, blanks around them and control characters inside them removed.
    Raises: UserMustFix MAP-1 to MAP-4 and MAP-9.
    """
    text = _decode(content, name=name, encoding=encoding)
    chosen = "\t" if delimiter == "tab" else delimiter or _delimiter(text, name)
    rows = _rows(text, name=name, delimiter=chosen)
    return make_cells(rows, name=name, digest=sha256(content))


def make_cells(rows: list[tuple[int, list[str]]], *, name: str, digest: str) -> Cells:
    """Turn rows, the first of which is the header, into cells.

    Raises: UserMustFix MAP-1 (nothing there), MAP-3 (header), MAP-4 (ragged), MAP-9 (too much).
    """
    if not rows:
        raise refuse("MAP-1", "the table is empty", name, "give it a header line and rows")
    header_row, header = rows[0][0], [cell.strip() for cell in rows[0][1]]
    width = len(header)
    _check_header(header, rows, f"{name}:{header_row}")
    if len(rows) - 1 > MAX_ROWS:
        raise too_large(f"{len(rows) - 1} rows", f"{MAX_ROWS} rows", name)
    ragged = [
        Problem(
            "MAP-4",
            f"the row has {len(cells)} cells, the header has {width}",
            f"{name}:{row}",
            "give every row as many cells as the header; quote cells that hold the delimiter",
        )
        for row, cells in rows[1:]
        if len(cells) != width
    ]
    if ragged:
        raise UserMustFix(ragged[:MAX_PROBLEMS])
    used = [index for index, column in enumerate(header) if column]
    columns = {
        header[index]: pl.Series(
            header[index], [cells[index] for _, cells in rows[1:]], dtype=pl.String
        )
        for index in used
    }
    frame = pl.DataFrame(columns, schema={header[index]: pl.String() for index in used})
    frame = frame.with_columns(clean(pl.all()).str.strip_chars()).with_columns(
        pl.Series(ROW_COLUMN, [row for row, _ in rows[1:]], dtype=pl.UInt32)
    )
    return Cells(name, tuple(header[index] for index in used), frame, digest)


def _check_header(header: list[str], rows: list[tuple[int, list[str]]], where: str) -> None:
    if len(header) > MAX_COLUMNS:
        raise too_large(f"{len(header)} columns", f"{MAX_COLUMNS} columns", where)
    for index, column in enumerate(header):
        if column.startswith("~"):
            raise refuse("MAP-3", f'column "{column}" begins with ~', where, "give it another name")
        if column and column in header[:index]:
            raise refuse(
                "MAP-3", f'column "{column}" stands twice in the header', where,
                "give each column a name of its own",
            )  # fmt: skip
        if not column and any(len(cells) > index and cells[index].strip() for _, cells in rows[1:]):
            raise refuse(
                "MAP-3", f"column {index + 1} has cells but no name", where,
                "name the column in the header, or empty it",
            )  # fmt: skip
    if not any(header):
        raise refuse("MAP-3", "the header has no names", where, "name the columns")


def _decode(content: bytes, *, name: str, encoding: str) -> str:
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise refuse(
            "MAP-1", f"byte {error.start} is not {encoding}", f"{name}:{line}",
            "save the file as UTF-8, or state its encoding (encoding: cp1252)",
        ) from None  # fmt: skip


def _delimiter(text: str, name: str) -> str:
    """Find the delimiter in the header line, outside quotes."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    unquoted = "".join(header.split('"')[::2])
    found = [sign for sign in (",", ";", "\t") if sign in unquoted]
    if len(found) > 1:
        raise refuse(
            "MAP-2", "the header holds more than one of comma, semicolon and tab", f"{name}:1",
            'state the delimiter of the table (delimiter: ";")',
        )  # fmt: skip
    return found[0] if found else ","


def _rows(text: str, *, name: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Read the rows that hold anything, each with the line where it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    count = 0
    for line, cells in _numbered(reader, name):
        count += len(cells)
        if any(cell.strip() for cell in cells):
            rows.append((line, cells))
        if len(rows) > MAX_ROWS + 1:
            raise too_large("the table", f"{MAX_ROWS} rows", name)
        if count > MAX_CELLS:
            raise too_large("the table", f"{MAX_CELLS} cells", name)
        if any(len(cell) > MAX_CELL for cell in cells):
            raise too_large("a cell", f"{MAX_CELL} characters", f"{name}:{line}")
    return rows


def _numbered(reader: Iterator[list[str]], name: str) -> Iterator[tuple[int, list[str]]]:
    line_num = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise refuse(
                "MAP-1", f"not a CSV file: {error}", f"{name}:{line_num + 1}",
                "check the quotes of this row",
            ) from None  # fmt: skip
        yield line_num + 1, cells
        line_num = reader.line_num  # type: ignore[attr-defined]


def too_large(what: str, limit: str, where: str) -> UserMustFix:
    """Make the error of a limit."""
    return refuse("MAP-9", f"{what} is more than {limit}", where, "split or shorten the table")
