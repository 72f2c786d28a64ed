"""An output file as it is: its first lines as a table, as a spreadsheet would show it, and raw."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from etl.review.control import manifest_totals
from etl.review.given import FileFormat
from etl.review.model import FileRow, FileView

MAX_LINES = 50
MAX_CHUNK = 256 * 1024
MAX_RAW = 2000
MAX_CELL = 200
#: A delimited file keeps to one delimiter; the first of these that most lines share wins.
_DELIMITERS = (";", "\t", "|", ",")
_DELIMITED = (".csv", ".txt", ".tsv", ".iif", ".tab")
_ENCODINGS = {
    "cp1252": "Windows-1252",
    "cp437": "IBM code page 437",
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with byte order mark",
    "utf-16": "UTF-16",
}
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_NUMBER = re.compile(r"-?[0-9][0-9.,' ]*\Z")
_XLSX = b"PK\x03\x04"


def file_views(
    manifest: Mapping[str, Any],
    files: Mapping[str, bytes],
    *,
    formats: Mapping[str, FileFormat],
) -> tuple[FileView, ...]:
    """Lay out the files of the manifest, in its order.

    Needs: the bytes of each file by name. Formats say how to read them; a file without one is
    read by its first bytes, which is good enough to look at and is not used for the proof.
    """
    return tuple(
        _file_view(
            entry,
            files.get(entry["name"], b""),
            given=formats.get(entry["name"]),
            number=number,
        )
        for number, entry in enumerate(manifest.get("files", ()), 1)
    )


def _file_view(
    entry: Mapping[str, Any], content: bytes, *, given: FileFormat | None, number: int
) -> FileView:
    name = entry["name"]
    rows: tuple[FileRow, ...]
    if not content:
        rows, lines, form = (), 0, ""
    elif content.startswith(_XLSX):
        rows, lines, form = _read_container(name, content, number=number)
    else:
        encoding = given.encoding if given else _encoding_of(content)
        texts, lines = _first_lines(content, encoding)
        sniffed = _delimiter_of(name, texts) if given is None else given.delimiter
        rows = tuple(
            FileRow(
                at,
                cells_of(text, sniffed),
                text[:MAX_RAW] + ("…" if len(text) > MAX_RAW else ""),
                f"file-{number}-line-{at}",
            )
            for at, text in enumerate(texts, 1)
        )
        form = _form_of(encoding, sniffed)
    header = header_of(rows)
    columns, left_out, rows = _used_columns(rows, header)
    shown = next((row for row in rows if header and row.number == header.number), None)
    return FileView(
        name=name,
        sha256=entry.get("sha256") or "",
        size=int(entry.get("bytes", len(content))),
        postings=entry.get("rows") or 0,
        totals=manifest_totals(entry.get("totals", ())),
        form=form,
        columns=columns,
        columns_left_out=left_out,
        header=shown,
        rows=rows,
        lines=lines,
        is_raw_shown=any(row.raw for row in rows),
    )


def _form_of(encoding: str, delimiter: str | None) -> str:
    words = _ENCODINGS.get(encoding, encoding)
    between = {"\t": "a tab", ",": "a comma", ";": "a semicolon"}.get(delimiter or "", delimiter)
    return f"{words}, {between} between cells" if between else words


def _encoding_of(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content[:MAX_CHUNK])
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _first_lines(content: bytes, encoding: str) -> tuple[list[str], int]:
    """Give the first lines with their ends, and how many lines there are in all."""
    chunk = content[:MAX_CHUNK]
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(chunk)
    found: list[str] = []
    for hit in _LINE.finditer(text):
        if hit.group() and len(found) < MAX_LINES:
            found.append(hit.group())
    if len(content) <= MAX_CHUNK:
        return found, sum(1 for hit in _LINE.finditer(text) if hit.group())
    end = b"\n" if b"\n" in chunk else b"\r"
    return found, content.count(end) + (not content.rstrip(b"\x00").endswith(end))


def _delimiter_of(name: str, lines: Sequence[str]) -> str | None:
    if not name.lower().endswith(_DELIMITED):
        return None
    counts = {sign: sum(1 for line in lines if sign in line) for sign in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda sign: (counts[sign], -_DELIMITERS.index(sign)))
    return best if lines and counts[best] * 2 > len(lines) else None


def cells_of(line: str, delimiter: str | None) -> tuple[str, ...]:
    """Take a line apart; none where the file is not delimited."""
    if delimiter is None:
        return ()
    # A cell never holds a line break (design.md section 6), so a line is a record.
    record = next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])
    return tuple(short(cell) for cell in record)


def short(cell: str) -> str:
    return cell if len(cell) <= MAX_CELL else cell[:MAX_CELL] + "…"


def _read_container(
    name: str, content: bytes, *, number: int
) -> tuple[tuple[FileRow, ...], int, str]:
    """Read a spreadsheet as rows of cells, any other container as the list of its members."""
    if name.lower().endswith(".xlsx"):
        import fastexcel

        sheet = fastexcel.read_excel(content).load_sheet(0, header_row=None, dtypes="string")
        records = sheet.to_polars().rows()
        form = f"spreadsheet, sheet {sheet.name}"
    else:
        records = members_of(content)
        form = "zip, its members and their sizes in bytes"
    rows = tuple(
        FileRow(at, tuple(short(cell or "") for cell in record), "", f"file-{number}-line-{at}")
        for at, record in enumerate(records[:MAX_LINES], 1)
    )
    return rows, len(records), form


def members_of(content: bytes) -> list[tuple[str, str]]:
    """List the members of a zip with their sizes."""
    with zipfile.ZipFile(io.BytesIO(content)) as members:
        return [(info.filename, str(info.file_size)) for info in members.infolist()]


def header_of(rows: Sequence[FileRow]) -> FileRow | None:
    """Take the first of the widest rows for the header, unless it holds a number."""
    widest = max((len(row.cells) for row in rows), default=0)
    first = next((row for row in rows if widest > 1 and len(row.cells) == widest), None)
    if first is None or any(_NUMBER.match(cell) for cell in first.cells):
        return None
    return first


def _used_columns(
    rows: Sequence[FileRow], header: FileRow | None
) -> tuple[tuple[str, ...], int, tuple[FileRow, ...]]:
    """Leave out the columns that no row fills; the others keep their letters."""
    width = max((len(row.cells) for row in rows), default=0)
    filled = {at for row in rows if row is not header for at, cell in enumerate(row.cells) if cell}
    used = sorted(filled) or list(range(width))
    kept = tuple(
        FileRow(
            row.number,
            tuple(row.cells[at] if at < len(row.cells) else "" for at in used) if width else (),
            row.raw,
            row.anchor,
        )
        for row in rows
    )
    return tuple(letters_of(at) for at in used), width - len(used), kept


def letters_of(at: int) -> str:
    """Give the letters of a column, counted from 0."""
    name = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
