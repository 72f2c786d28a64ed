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
from etl.rendering.contexts import LIST_CONTEXTS, Context
from etl.rendering.escapes import Writing
from etl.rendering.faults import Findings, Owners
from etl.rendering.material import FILE_ROW, IS_FIRST, VOUCHER_ROW, Material

#: Rows that are finished at a time.
SLICE = 1 << 16
_KEYS = ("file.key", "voucher.key", "posting.key", FILE_ROW, VOUCHER_ROW, IS_FIRST, ITEM_KEY)


@dataclass
class Sheets:
    """Finished cells of one file of the template.

    dropped  keys of cells that are not printed, because nothing is in them (`only_if_used`)
    """

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
        here = _of(wanted, context)
        frame = self.material.frame(context, _reads(here), start=start, end=end)
        finished = self._finish(frame, here, context=context)
        parts = [frame.select(name for name in _KEYS if name in frame.columns), finished.texts]
        for source in (Context.FILE, Context.VOUCHER):
            cells = _of(wanted, source)
            if cells and source is not context:
                is_slice = context is Context.POSTING and frame.height < self.material.rows(context)
                parts.append(self._carried(cells, source, frame=frame, is_slice=is_slice))
        repeated = [cell for cell in wanted if cell.element]
        if repeated:
            texts = self._repeated(repeated)
            is_above = context is not Context.VOUCHER
            parts.append(
                self.material.above(texts, Context.VOUCHER, frame=frame)
                if is_above
                else texts.slice(start, frame.height)
            )
        table = pl.concat([part for part in parts if part.width], how="horizontal")
        if context is not Context.CONSTANT:
            constants = self.above(Context.CONSTANT).texts
            table = table.with_columns(
                pl.lit(constants[cell.key][0]).alias(cell.key)
                for cell in _of(wanted, Context.CONSTANT)
            )
        self._hold_pairs(table, wanted)
        return self._first_only(table, wanted)

    def _carried(
        self, cells: Sequence[Cell], source: Context, *, frame: pl.DataFrame, is_slice: bool
    ) -> pl.DataFrame:
        """Carry cells of a context down to rows; for a slice, make those of its vouchers only."""
        if not is_slice or source is not Context.VOUCHER:
            texts = self.above(source).texts.select(cell.key for cell in cells)
            return self.material.above(texts, source, frame=frame)
        first, last = frame[VOUCHER_ROW][0], frame[VOUCHER_ROW][-1]
        vouchers = self.material.frame(source, _reads(cells), start=first, end=last + 1)
        texts = self._finish(vouchers, cells, context=source).texts
        return self.material.above(texts, source, frame=frame, first=first)

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
        for start, end in self.material.slices(context, SLICE):
            yield self.rows(context, records, start=start, end=end)

    def above(self, context: Context) -> Finished:
        """Give the cells of all records that are made in a context, once."""
        if context not in self._above:
            cells = [cell for record in self.records for cell in _of(self.cells(record), context)]
            frame = self.material.frame(context, _reads(cells))
            self._above[context] = self._finish(frame, cells, context=context)
        return self._above[context]

    def prepare(self) -> None:
        """Look at whole columns before rows are made: what is used at all, what stands twice."""
        cells = [cell for record in self.records for cell in record.cells]
        unused = set()
        for cell in cells:
            if cell.column.only_if_used:
                frame, plain = self._whole(cell)
                if not (plain != "").any():
                    unused.add(cell.key)
            if cell.column.unique and cell.context not in (Context.CONSTANT, Context.FILE):
                frame, plain = self._whole(cell)
                self._hold_unique(cell, frame, plain=plain)
        self.dropped = frozenset(unused)
        elements = [cell.element for cell in cells if cell.element]
        if elements:
            self._hold_repeats(max(elements))

    def _whole(self, cell: Cell) -> tuple[pl.DataFrame, pl.Series]:
        """Give the text of one column before escaping, on all rows where it is made."""
        reads = cell.compiled.reads if cell.compiled else frozenset()
        frame = self.material.frame(cell.context, reads)
        finished = finish_cells(frame, [cell], writing=self.writing, keep=frozenset({cell.key}))
        return frame, finished.plain[cell.key]

    def _hold_unique(self, cell: Cell, frame: pl.DataFrame, *, plain: pl.Series) -> None:
        again = (plain != "") & ~plain.is_first_distinct()
        rows = pl.DataFrame({"row": again.arg_true(), "text": plain.filter(again)})
        owned = self._owners(frame, cell.context)(rows["row"])
        if owned is None or rows.is_empty():
            return
        owned = owned.with_columns(pl.col("row").cast(rows["row"].dtype))
        self.findings.reject(
            rows.join(owned, on="row", how="inner", validate="m:m", maintain_order="left"),
            "CELL-13",
            message=pl.format(
                'column {} must not hold a value twice: "{}"', pl.lit(cell.shown), "text"
            ),
            fix="let the template or the mapping make values that differ",
            where=cell.where,
        )

    def _hold_repeats(self, most: int) -> None:
        counts = self.material.postings.group_by(VOUCHER_ROW).agg(pl.len().alias("count"))
        rows = self.material.vouchers.select(ITEM_KEY).with_row_index(VOUCHER_ROW)
        many = rows.join(counts, on=VOUCHER_ROW, how="left", validate="1:1").filter(
            pl.col("count") > most
        )
        where = next(c.where for record in self.records for c in record.cells if c.element)
        self.findings.reject(
            many,
            "CELL-16",
            message=pl.format(
                f"the voucher has {{}} rows, and the record has room for {most}", "count"
            ),
            fix="split the expense in Pleo",
            where=where,
        )

    def _repeated(self, cells: Sequence[Cell]) -> pl.DataFrame:
        """Give cells that repeat the postings of a voucher, one row per voucher."""
        frame = self.material.frame(Context.POSTING, _reads(cells) | {"posting.index"})
        table = pl.DataFrame(
            {VOUCHER_ROW: pl.int_range(self.material.vouchers.height, dtype=pl.UInt32, eager=True)}
        )
        for element in sorted({cell.element for cell in cells}):
            some = [cell for cell in cells if cell.element == element]
            rows = frame.filter(pl.col("posting.index") == element)
            texts = self._finish(rows, some, context=Context.POSTING).texts
            found = pl.concat([rows.select(VOUCHER_ROW), texts], how="horizontal")
            table = table.join(
                found, on=VOUCHER_ROW, how="left", validate="1:1", maintain_order="left"
            )
        nothing = dict(zip([c.key for c in cells], empty_text(self.writing, cells), strict=True))
        return table.select(pl.col(key).fill_null(text) for key, text in nothing.items())

    def _finish(self, frame: pl.DataFrame, cells: Sequence[Cell], *, context: Context) -> Finished:
        finished = finish_cells(frame, cells, writing=self.writing, keep=frozenset())
        owners = self._owners(frame, context)
        self.findings.faults(finished.faults, self.writing, owners=owners)
        self.findings.remarks(finished.remarks, self.writing, owners=owners)
        return finished

    def _owners(self, frame: pl.DataFrame, context: Context) -> Owners:
        """Say how rows of a context find the items that they belong to."""

        def owners(rows: pl.Series) -> pl.DataFrame | None:
            if context in LIST_CONTEXTS:
                assert self.material.lists is not None
                return self.material.lists.items_of(context.value, rows)
            if ITEM_KEY not in frame.columns:
                return None
            keys = frame[ITEM_KEY].gather(rows)
            return pl.DataFrame({"row": rows, ITEM_KEY: keys}).unique(maintain_order=True)

        return owners

    def _hold_pairs(self, table: pl.DataFrame, cells: Sequence[Cell]) -> None:
        """Reject items where one of two columns is filled and the other is not (`with`)."""
        by_name = {(cell.record, cell.name): cell for cell in cells}
        for cell in cells:
            partner = by_name.get((cell.record, cell.column.with_))
            if cell.column.with_ is None or partner is None or ITEM_KEY not in table.columns:
                continue
            nothing = empty_text(self.writing, [cell, partner])
            alone = (pl.col(cell.key) == nothing[0]) != (pl.col(partner.key) == nothing[1])
            self.findings.reject(
                table.filter(alone).select(ITEM_KEY),
                "CELL-12",
                message=f"columns {cell.shown} and {partner.shown} are filled together or not "
                "at all, and one of them is empty",
                fix="give both a value, in Pleo or in the mapping",
                where=cell.where,
            )

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
    texts = finish_cells(
        pl.DataFrame({"#": [None]}), nothing, writing=writing, keep=frozenset()
    ).texts
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


def _of(cells: Sequence[Cell], context: Context) -> list[Cell]:
    """Keep the cells that are made in a context."""
    return [cell for cell in cells if cell.context is context and not cell.element]


def _reads(cells: Sequence[Cell]) -> set[str]:
    return {name for cell in cells if cell.compiled for name in cell.compiled.reads}
