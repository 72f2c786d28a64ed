"""Finished records: the texts of every cell of a file, made once where their values are known.

constants (1 row) ─┐
files ─────────────┼─> rows of a record: each cell taken from the row above it
vouchers ──────────┤
postings ──────────┘   (in slices, so that memory does not grow with the batch)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from etl.frames import FILE_KEY, ITEM_KEY
from etl.rendering.cells import Finished, finish_cells
from etl.rendering.columns import Cell, Record
from etl.rendering.contexts import Context
from etl.rendering.escapes import Writing
from etl.rendering.faults import Findings
from etl.rendering.material import FILE_ROW, IS_FIRST, VOUCHER_ROW, Material

#: Rows that are finished at a time.
SLICE = 1 << 17
_KEYS = ("file.key", "voucher.key", "posting.key", FILE_ROW, VOUCHER_ROW, IS_FIRST, ITEM_KEY)


@dataclass
class Sheets:
    """Finished cells of one file of the template."""

    material: Material
    writing: Writing
    findings: Findings
    records: Sequence[Record]
    dropped: frozenset[str] = frozenset()
    _above: dict[Context, Finished] = field(default_factory=dict)

    def cells(self, record: Record) -> list[Cell]:
        """Give the cells of a record that are printed."""
        return [cell for cell in record.cells if cell.key not in self.dropped]

    def rows(
        self, context: Context, records: Sequence[Record], *, start: int = 0, end: int | None = None
    ) -> pl.DataFrame:
        """Give the finished cells of some records on the rows of a context, with their keys."""
        wanted = [cell for record in records for cell in self.cells(record)]
        here = [cell for cell in wanted if cell.context is context]
        reads = {name for cell in here if cell.compiled for name in cell.compiled.reads}
        frame = self.material.frame(context, reads, start=start, end=end)
        finished = self._finish(frame, here, context)
        parts = [frame.select(name for name in _KEYS if name in frame.columns), finished.texts]
        for source in (Context.FILE, Context.VOUCHER):
            cells = [cell for cell in wanted if cell.context is source]
            if cells and source is not context:
                texts = self.above(source).texts.select(cell.key for cell in cells)
                parts.append(self.material.above(texts, source, frame))
        table = pl.concat([part for part in parts if part.width], how="horizontal")
        if context is not Context.CONSTANT:
            cells = [cell for cell in wanted if cell.context is Context.CONSTANT]
            constants = self.above(Context.CONSTANT).texts
            table = table.with_columns(
                pl.lit(constants[cell.key][0]).alias(cell.key) for cell in cells
            )
        return self._first_only(table, wanted)

    def of_objects(self, records: Sequence[Record]) -> pl.DataFrame:
        """Give the finished cells of records of objects on the objects of every posting."""
        lists = self.material.lists
        assert lists is not None
        made = self.rows(Context.OBJECT, records)
        by = [FILE_KEY, "object.dimension", "object.code"]
        cells = [cell.key for record in records for cell in self.cells(record)]
        keyed = pl.concat([lists.objects.select(by), made.select(cells)], how="horizontal")
        return lists.posting_objects.join(
            keyed, on=by, how="left", validate="m:1", maintain_order="left"
        )

    def slices(self, context: Context, records: Sequence[Record]) -> Iterator[pl.DataFrame]:
        """Give the rows of a context, some at a time."""
        total = self.material.rows(context)
        for start in range(0, total, SLICE):
            yield self.rows(context, records, start=start, end=min(start + SLICE, total))

    def above(self, context: Context) -> Finished:
        """Give the cells of all records that are made in a context, once."""
        if context not in self._above:
            cells = [
                cell
                for record in self.records
                for cell in self.cells(record)
                if cell.context is context
            ]
            reads = {name for cell in cells if cell.compiled for name in cell.compiled.reads}
            frame = self.material.frame(context, reads)
            self._above[context] = self._finish(frame, cells, context)
        return self._above[context]

    def _finish(self, frame: pl.DataFrame, cells: Sequence[Cell], context: Context) -> Finished:
        finished = finish_cells(frame, cells, self.writing, keep=frozenset())
        keys = frame[ITEM_KEY] if ITEM_KEY in frame.columns else None
        self.findings.faults(finished.faults, self.writing, context, keys)
        self.findings.remarks(finished.remarks, self.writing, keys)
        return finished

    def _first_only(self, table: pl.DataFrame, cells: Sequence[Cell]) -> pl.DataFrame:
        """Blank what is printed on the first row of a voucher only."""
        once = [cell for cell in cells if cell.column.first_of == "voucher"]
        if not once or IS_FIRST not in table.columns:
            return table
        blank = empty_text(self.writing, once)
        return table.with_columns(
            pl.when(IS_FIRST).then(pl.col(cell.key)).otherwise(pl.lit(text)).alias(cell.key)
            for cell, text in zip(once, blank, strict=True)
        )


def empty_text(writing: Writing, cells: Sequence[Cell]) -> list[str]:
    """Give what some cells print when they are empty."""
    nothing = [
        replace(cell, compiled=None, column=cell.column.model_copy(update={"required": False}))
        for cell in cells
    ]
    texts = finish_cells(pl.DataFrame({"#": [None]}), nothing, writing, keep=frozenset()).texts
    return [texts[cell.key][0] for cell in cells]


def joined(cells: Sequence[Cell], writing: Writing, *, name: str) -> pl.Expr:
    """Join the cells of a record as its line holds them."""
    if writing.kind == "fixed":
        return _fixed_line(cells, writing).alias(name)
    if not cells:
        return pl.lit("").alias(name)
    return pl.concat_str([cell.key for cell in cells], separator=writing.joiner()).alias(name)


def _fixed_line(cells: Sequence[Cell], writing: Writing) -> pl.Expr:
    """Join cells at their places; gaps and the rest of the line are blank."""
    assert writing.spec.fixed is not None
    pieces: list[pl.Expr] = []
    at = 1
    for cell in sorted(cells, key=lambda one: one.column.at or 0):
        column = cell.column
        assert column.at is not None
        assert column.width is not None
        if column.at > at:
            pieces.append(pl.lit(" " * (column.at - at)))
        pieces.append(pl.col(cell.key))
        at = column.at + column.width
    if at <= writing.spec.fixed.length:
        pieces.append(pl.lit(" " * (writing.spec.fixed.length - at + 1)))
    return pl.concat_str(pieces)
