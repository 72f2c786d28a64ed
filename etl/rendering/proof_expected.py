"""What must be found in a file: the values of the batch, evaluated again where they are made.

Numbers and dates are taken as values, before any formatting; texts as they are finished (cut and
replaced where a column says so) but neither escaped nor quoted.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from etl.rendering.cells import finish_cells
from etl.rendering.columns import Cell
from etl.rendering.contexts import Context
from etl.rendering.material import IS_FIRST, VOUCHER_ROW, Material
from etl.rendering.readback_values import expected_values, is_typed
from etl.rendering.sheets import Sheets

NOTHING: frozenset[str] = frozenset()


def expected_cells(sheets: Sheets, cells: Sequence[Cell], *, context: Context) -> pl.DataFrame:
    """Give what some cells must hold, one row per row of a context, one column per cell key."""
    material = sheets.material
    rows = material.frame(context, NOTHING)
    parts: list[pl.DataFrame] = []
    for source in (Context.CONSTANT, Context.FILE, Context.VOUCHER, Context.POSTING):
        mine = [cell for cell in cells if cell.context is source and not cell.element]
        if mine:
            made = _made(material.frame(source, _reads(mine)), mine, sheets=sheets)
            parts.append(_carried(made, source, context=context, rows=rows, material=material))
    repeated = [cell for cell in cells if cell.element]
    if repeated:
        parts.append(
            _carried(
                _repeated(repeated, sheets),
                Context.VOUCHER,
                context=context,
                rows=rows,
                material=material,
            )
        )
    table = pl.concat(parts, how="horizontal") if parts else rows.select()
    return _first_only(table, rows, cells=cells)


def expected_of_slice(
    sheets: Sheets, cells: Sequence[Cell], *, start: int, end: int
) -> pl.DataFrame:
    """Give what some cells must hold on some postings, made from these and their vouchers alone."""
    material = sheets.material
    rows = material.frame(Context.POSTING, NOTHING, start=start, end=end)
    first, last = rows[VOUCHER_ROW][0], rows[VOUCHER_ROW][-1]
    parts: list[pl.DataFrame] = []
    for source in (Context.CONSTANT, Context.FILE, Context.VOUCHER, Context.POSTING):
        mine = [cell for cell in cells if cell.context is source]
        if not mine:
            continue
        reads = _reads(mine)
        if source is Context.VOUCHER:
            frame = material.frame(source, reads, start=first, end=last + 1)
            made = _made(frame, mine, sheets=sheets)
            parts.append(material.above(made, source, frame=rows, first=first))
            continue
        bounds = (start, end) if source is Context.POSTING else (0, None)
        frame = material.frame(source, reads, start=bounds[0], end=bounds[1])
        made = _made(frame, mine, sheets=sheets)
        parts.append(_carried(made, source, context=Context.POSTING, rows=rows, material=material))
    table = pl.concat(parts, how="horizontal") if parts else rows.select()
    return _first_only(table, rows, cells=cells)


def _made(frame: pl.DataFrame, cells: Sequence[Cell], *, sheets: Sheets) -> pl.DataFrame:
    """Evaluate cells on the rows of the context where they are made."""
    loose = sheets.writing.kind == "xlsx"
    columns: dict[str, pl.Series] = {}
    typed = [cell for cell in cells if is_typed(cell) and cell.compiled is not None]
    values = frame.select(
        cell.compiled.expr.alias(cell.key) for cell in typed if cell.compiled is not None
    )
    for cell in typed:
        assert cell.compiled is not None
        value = values[cell.key]
        if value.len() == 1 and frame.height != 1:
            value = value.new_from_index(0, frame.height)
        columns[cell.key] = expected_values(value, cell.compiled.type, cell=cell, loose=loose)
    texts = [cell for cell in cells if cell.key not in columns]
    keep = frozenset(cell.key for cell in texts)
    columns.update(finish_cells(frame, texts, writing=sheets.writing, keep=keep).plain)
    return pl.DataFrame({cell.key: columns[cell.key] for cell in cells})


def _carried(
    made: pl.DataFrame, source: Context, *, context: Context, rows: pl.DataFrame, material: Material
) -> pl.DataFrame:
    """Carry values down to the rows that print them."""
    if source is context:
        return made
    if source is Context.CONSTANT:
        return pl.DataFrame([column.new_from_index(0, rows.height) for column in made])
    return material.above(made, source, frame=rows)


def _repeated(cells: Sequence[Cell], sheets: Sheets) -> pl.DataFrame:
    """Evaluate cells that repeat the postings of a voucher, one row per voucher."""
    material = sheets.material
    frame = material.frame(Context.POSTING, _reads(cells) | {"posting.index"})
    table = pl.DataFrame(
        {VOUCHER_ROW: pl.int_range(material.vouchers.height, dtype=pl.UInt32, eager=True)}
    )
    for element in sorted({cell.element for cell in cells}):
        mine = [cell for cell in cells if cell.element == element]
        rows = frame.filter(pl.col("posting.index") == element)
        found = pl.concat(
            [rows.select(VOUCHER_ROW), _made(rows, mine, sheets=sheets)], how="horizontal"
        )
        table = table.join(found, on=VOUCHER_ROW, how="left", validate="1:1", maintain_order="left")
    return table.drop(VOUCHER_ROW)


def _first_only(table: pl.DataFrame, rows: pl.DataFrame, *, cells: Sequence[Cell]) -> pl.DataFrame:
    """Expect nothing where a value is printed on the first row of its voucher only."""
    once = [cell.key for cell in cells if cell.column.first_of == "voucher"]
    if not once or IS_FIRST not in rows.columns:
        return table
    is_first = rows[IS_FIRST]
    return table.with_columns(pl.when(is_first).then(pl.col(once)))


def _reads(cells: Sequence[Cell]) -> set[str]:
    return {name for cell in cells if cell.compiled for name in cell.compiled.reads}
