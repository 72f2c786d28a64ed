"""Read a rendered file back from its bytes, by what its columns mean.

bytes ─> text, strictly ─> lines ─┬─ csv: cells by delimiter and quotes ─┐
                                  ├─ fixed: cells by place and width     ├─> rows of texts
      ─> workbook ────────────────┼─ xlsx: cells of the sheet ───────────┤   with line numbers
                                  ├─ text: patterns of `read_back`       │
                                  └─ xml: paths of `read_back` ──────────┘

Nothing here knows what was rendered: the same bytes give the same rows at any time.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from etl.money import AMOUNT
from etl.rendering.escapes import writing_of
from etl.rendering.plans import plan_of
from etl.rendering.proof_money import MONEY
from etl.rendering.readback_marked import read_sheet, read_text, read_xml
from etl.rendering.readback_tables import read_table
from etl.rendering.readback_values import as_decimals, is_typed, read_values
from etl.rendering.readback_wanted import (
    LINE,
    VOUCHER,
    Difference,
    ReadBack,
    Wanted,
    decode,
    dropped_columns,
    wanted_of,
)
from etl.rendering.templates import Template

#: How much of a table is read at a time.
WINDOW_BYTES = 16 * 1024 * 1024


def read_file(content: bytes, wanted: Wanted) -> ReadBack:
    """Read the wanted cells of one file, as text.

    What is not as the template says (bytes, line ends, columns, names, lengths) is a difference.
    """
    plan, found = wanted.plan, ReadBack()
    if plan.spec.kind == "xlsx":
        read_sheet(content, wanted, found=found)
        return found
    if plan.spec.kind == "xml":
        read_xml(content, wanted, found=found)
        return found
    text = decode(content, plan, found=found)
    if text is None:
        return found
    writing = writing_of(plan.spec, plan.encoding)
    if plan.spec.kind == "text":
        read_text(text, wanted, writing=writing, found=found)
    else:
        read_table(text, wanted, writing=writing, found=found)
    return found


def read_in_windows(content: bytes, wanted: Wanted) -> Iterator[ReadBack]:
    """Read a table without layout some lines at a time; a line end never stands inside a cell."""
    writing = writing_of(wanted.plan.spec, wanted.plan.encoding)
    start, before = 0, 0
    while start < len(content):
        end = content.find(b"\n", start + WINDOW_BYTES) + 1 or len(content)
        window = content[start:end]
        found = ReadBack(before=before, is_first=start == 0, is_last=end == len(content))
        text = decode(window, wanted.plan, found=found)
        read_table(text or "", wanted, writing=writing, found=found)
        yield found
        start, before = end, before + window.count(b"\n")


def read_back_file(
    template: Template, file: str, *, content: bytes
) -> tuple[pl.DataFrame, list[Difference]]:
    """Read postings from a file with its template alone; no frame is needed.

    Needs: a template with its parameters; file, the key of the file in the template.
    Gives: one row per posting (or per voucher, where the format has one row for it) with line,
    voucher (where the format groups rows) and a column per meaning: amounts are decimals, dates
    the text as it stands, everything else text. And what could not be read.
    """
    plan = next(one for one in plan_of(template).files if one.key == file)
    wanted = wanted_of(plan, dropped=dropped_columns(content, plan))
    found = read_file(content, wanted)
    tables = [
        _by_meaning(rows, wanted, record=record, found=found) for record, rows in found.rows.items()
    ]
    if not tables:
        return pl.DataFrame(schema={"line": pl.Int64}), found.differences
    return pl.concat(tables, how="diagonal").sort("line", maintain_order=True), found.differences


def _by_meaning(
    rows: pl.DataFrame, wanted: Wanted, *, record: str, found: ReadBack
) -> pl.DataFrame:
    columns = [rows[LINE].alias("line")]
    if VOUCHER in rows.columns:
        columns.append(rows[VOUCHER].cast(pl.Int64).alias("#voucher"))
    for cell in wanted.rows[record]:
        meaning = cell.column.means
        if meaning is None or any(column.name == meaning for column in columns):
            continue
        texts = rows[cell.key]
        if meaning in MONEY and is_typed(cell):
            values, odd = read_values(texts, cell, loose=wanted.plan.spec.kind == "xlsx")
            for at in odd.arg_true().head(1):
                found.differs(rows[LINE][at], f'"{texts[at]}" is no {meaning}')
            texts = as_decimals(values, cell).cast(AMOUNT)
        columns.append(texts.alias(meaning))
    return pl.DataFrame(columns)
