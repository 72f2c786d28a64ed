"""The cells of a row as they stand in a written file, taken from its bytes alone.

bytes ─> line ─┬─ csv: by delimiter and quotes ─┐
               ├─ fixed: by place and width     ├─> record whose columns and constants fit ─> texts
       ─> sheet row ─ xlsx ────────────────────┘
text, xml: the line itself; its cells are what was read back when it was written
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property

import polars as pl

from etl.batches.evidence import CellFact, FileFact


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file: its line (None in a workbook), its record, and texts by column number.

    The record is None where the line alone does not say what stands in it.
    """

    line: str | None
    record: str | None
    texts: Mapping[int, str]


@dataclass(frozen=True)
class PrintedFile:
    """A written file, taken apart row by row. `cells` are the columns that explanations name."""

    content: bytes
    written: FileFact
    cells: Sequence[CellFact]

    def row(self, number: int) -> Row:
        """Take a row apart; rows count from 1."""
        if self.written.kind == "xlsx":
            (record,) = self.written.records
            return Row(None, record, dict(enumerate(self._sheet_texts(number, record))))
        line = self._line(number)
        for record in self.written.records:
            texts = self._texts(line, record)
            if texts and self._fits(texts, record):
                return Row(line, record, texts)
        return Row(line, None, {})

    @cached_property
    def _lines(self) -> list[bytes]:
        return self.content.removeprefix(b"\xef\xbb\xbf").split(b"\n")

    def _line(self, number: int) -> str:
        inside = number <= len(self._lines)
        raw = self._lines[number - 1].removesuffix(b"\r") if inside else b""
        return raw.decode(self.written.encoding, errors="replace")

    def _texts(self, line: str, record: str) -> dict[int, str]:
        if self.written.kind == "fixed":
            return dict(self._pieces(line, record))
        return self._delimited(line, record) if self.written.kind == "csv" else {}

    def _delimited(self, line: str, record: str) -> dict[int, str]:
        names, texts = self.written.records[record].columns, self._split(line)
        if len(texts) == len(names):
            return dict(enumerate(texts))
        head = self._split(self._line(1)) if self.written.has_names else []
        if len(head) != len(texts):
            return {}
        # Columns that nothing stands in were left out: the line of names says which.
        rest, found = list(zip(head, texts, strict=True)), {}
        for number, name in enumerate(names):
            if rest and rest[0][0] == name:
                found[number] = rest.pop(0)[1]
            else:
                found[number] = ""
        return {} if rest else found

    def _split(self, line: str) -> list[str]:
        assert self.written.delimiter is not None
        if not self.written.is_quoted:
            return line.split(self.written.delimiter)
        try:
            return next(csv.reader([line], delimiter=self.written.delimiter, strict=True), [""])
        except csv.Error:
            return []

    def _pieces(self, line: str, record: str) -> Iterator[tuple[int, str]]:
        raw = line.encode(self.written.encoding, errors="replace")
        for cell in self.cells:
            if cell.record != record or cell.at is None or cell.width is None:
                continue
            start, stop = cell.at - 1, cell.at - 1 + cell.width
            if self.written.counts_bytes:
                text = raw[start:stop].decode(self.written.encoding, errors="replace")
            else:
                text = line[start:stop]
            yield cell.number, text.strip(" ")

    def _fits(self, texts: Mapping[int, str], record: str) -> bool:
        """Say whether what is the same in every line of a record stands in this one."""
        return len(self.written.records) == 1 or all(
            texts.get(cell.number) == cell.expression.strip()
            for cell in self.cells
            if cell.record == record and "{{" not in cell.expression and not cell.is_number
        )

    @cached_property
    def _sheet(self) -> tuple[pl.DataFrame, dict[int, str]]:
        import fastexcel  # slow to load, and most files are no workbooks

        assert self.written.sheet is not None
        book = fastexcel.read_excel(self.content)
        sheet = book.load_sheet(self.written.sheet, header_row=None, skip_rows=0, dtypes="string")
        places = {column.absolute_index: column.name for column in sheet.selected_columns}
        return sheet.to_polars(), places

    def _sheet_texts(self, number: int, record: str) -> Iterator[str]:
        sheet, places = self._sheet
        row = sheet.row(number - 1, named=True) if number <= sheet.height else {}
        typed = {cell.number for cell in self.cells if cell.is_number}
        for at in range(len(self.written.records[record].columns)):
            text = str(row.get(places.get(at, ""), None) or "").removesuffix(" 00:00:00")
            yield _shortest(text) if at in typed else text


def _shortest(text: str) -> str:
    """A sheet holds doubles, spelled with up to 17 digits; 15 of them say which number it is."""
    try:
        number = Decimal(repr(float(text)))
    except (ValueError, InvalidOperation):
        return text
    return f"{number:f}".removesuffix(".0")
