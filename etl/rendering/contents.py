"""The bytes of a file: plain tables written slice by slice, layouts as a whole."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from etl.errors import Problem, UserMustFix
from etl.frames import FILE_KEY, POSTING_KEY
from etl.rendering.charsets import encode, shown
from etl.rendering.columns import Record
from etl.rendering.contexts import LIST_CONTEXTS, Context
from etl.rendering.layout_names import FLAGS
from etl.rendering.plans import FilePlan
from etl.rendering.sheets import Sheets, joined

NEWLINES = {"lf": "\n", "crlf": "\r\n"}


_LINES = {POSTING_KEY: pl.UInt32, FILE_KEY: pl.UInt32, "line": pl.Int64}


@dataclass
class Contents:
    """The parts of one file of the template, by file.key, and where postings stand in them.

    lines  posting.key, file.key and line (from 1); postings that are not printed have no row
    """

    parts: list[bytes]
    lines: pl.DataFrame


def write_table(plan: FilePlan, sheets: Sheets, *, files: int) -> Contents:
    """Write the file of a template without layout: one line per row of its record."""
    record, writing = plan.table, sheets.writing
    newline = NEWLINES[plan.spec.newline]
    buffers = [io.BytesIO() for _ in range(files)]
    head = header_line(record, sheets)
    if head is not None:
        for buffer in buffers:
            buffer.write(_encoded(head + newline, plan))
    cells = sheets.cells(record)
    for rows in sheets.slices(record.context, [record]):
        if sheets.findings.stops_writing:
            continue  # go on looking for faults
        for number, part in by_file(rows):
            if writing.kind == "fixed":
                table = part.select(joined(cells, writing, name="line"))
            else:
                table = part.select(cell.key for cell in cells)
            raw = io.BytesIO()
            table.write_csv(
                raw,
                include_header=False,
                separator=writing.delimiter or ",",
                quote_style="never",
                line_terminator=newline,
            )
            buffers[number].write(encode(raw.getvalue(), plan.encoding, bom=False))
    parts = [_ended(buffer.getvalue(), plan) for buffer in buffers]
    return Contents(parts, table_lines(record, sheets, before=0 if head is None else 1))


def by_file(rows: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
    """Give the rows of each file; rows stand in the order of files, so no row is moved."""
    lengths = rows.select(pl.col(FILE_KEY).rle()).unnest(FILE_KEY)
    start = 0
    for length, number in lengths.select("len", "value").iter_rows():
        yield number, rows.slice(start, length)
        start += length


def nothing_written(files: int) -> Contents:
    """Give empty parts, where items were rejected and the batch is rendered again."""
    return Contents([b""] * files, pl.DataFrame(schema=_LINES))


def header_line(record: Record, sheets: Sheets) -> str | None:
    """Give the line of column names, if the file has one."""
    if sheets.writing.csv.header != "names" or sheets.writing.kind != "csv":
        return None
    return names_line(record, sheets)


def names_line(record: Record, sheets: Sheets) -> str:
    """Write the names of a record's columns as the format writes them."""
    writing = sheets.writing
    names = [cell.name or "" for cell in sheets.cells(record)]
    if writing.kind != "csv":
        return writing.joiner().join(names)
    quoting = writing.csv.quoting
    delimiter = writing.csv.delimiter
    return delimiter.join(
        '"' + name.replace('"', '""') + '"'
        if quoting == "all" or (quoting != "none" and (delimiter in name or '"' in name))
        else name
        for name in names
    )


def table_lines(record: Record, sheets: Sheets, *, before: int) -> pl.DataFrame:
    """Say on which line of its file each posting stands.

    A posting of a table with one row per voucher stands on the row of its voucher.
    """
    material = sheets.material
    if record.context is Context.POSTING:
        place = pl.int_range(pl.len()).over(FILE_KEY)
        line = (place + before + 1).alias("line")
        return material.postings.select(POSTING_KEY, FILE_KEY, line)
    if record.context is Context.VOUCHER:
        place = pl.int_range(pl.len()).over(FILE_KEY)
        lines = material.vouchers.select("voucher.key", (place + before + 1).alias("line"))
        return (
            material.postings.select(POSTING_KEY, FILE_KEY, "voucher.key")
            .join(lines, on="voucher.key", how="left", validate="m:1", maintain_order="left")
            .drop("voucher.key")
        )
    return pl.DataFrame(schema=_LINES)


def write_layout(plan: FilePlan, sheets: Sheets) -> Contents:
    """Write the file of a template with a layout."""
    assert plan.layout is not None
    lists = {
        frame: _list_of(frame, columns, plan=plan, sheets=sheets)
        for frame, columns in {**_all_lists(), **plan.layout.uses}.items()
    }
    if sheets.findings.stops_writing:
        return nothing_written(sheets.material.files.height)
    laid_out = plan.layout.render(lists, newline=NEWLINES[plan.spec.newline])
    texts = laid_out.texts.sort(FILE_KEY)["text"]
    parts = [_encoded(declaration(plan) + text, plan) for text in texts]
    lines = laid_out.lines
    if declaration(plan):
        lines = lines.with_columns(pl.col("line") + 1)
    placed = sheets.material.postings.select(POSTING_KEY, FILE_KEY).join(
        lines, on=POSTING_KEY, how="inner", validate="1:1", maintain_order="left"
    )
    return Contents([_ended(part, plan) for part in parts], placed)


def declaration(plan: FilePlan) -> str:
    """Give the first line of an XML file, if it has one."""
    xml = plan.spec.xml
    if plan.spec.kind != "xml" or (xml is not None and not xml.declaration):
        return ""
    return f'<?xml version="1.0" encoding="{plan.encoding.upper()}"?>' + NEWLINES[plan.spec.newline]


def _all_lists() -> dict[str, frozenset[str]]:
    names = ("file", "vouchers", "postings", "posting.objects", "attachments")
    return dict.fromkeys((*names, *(context.value for context in LIST_CONTEXTS)), frozenset[str]())


def _list_of(
    frame: str, columns: frozenset[str], *, plan: FilePlan, sheets: Sheets
) -> pl.DataFrame:
    """Make one list of a layout: its keys, and the text columns that the layout reads."""
    is_object = frame == "posting.objects"
    context = Context.OBJECT if is_object else Context(frame)
    flags = sorted(columns & set(FLAGS.get(frame, ())))
    columns = columns - set(flags)
    wanted = _wanted(columns, plan)
    records = [plan.records[name] for name in wanted]
    rows = sheets.of_objects(records) if is_object else sheets.rows(context, records)
    if flags:
        rows = rows.hstack(sheets.material.frame(context, flags).select(flags))
    exprs: list[pl.Expr] = []
    for column in sorted(columns):
        record = next((name for name in wanted if column == name), None)
        if record is not None:
            exprs.append(joined(sheets.cells(plan.records[record]), sheets.writing, name=column))
            continue
        exprs.append(_cell_or_flag(column, wanted, plan=plan, sheets=sheets))
    keys = [name for name in (FILE_KEY, "voucher.key", POSTING_KEY) if name in rows.columns]
    return rows.select(*keys, *flags, *exprs)


def _wanted(columns: frozenset[str], plan: FilePlan) -> list[str]:
    """Give the records whose cells a list shows; names of columns can stand in any list."""
    shown = (column.partition(".") for column in columns)
    return sorted({record for record, _, cell in shown if cell != "names"} & set(plan.records))


def _cell_or_flag(column: str, wanted: list[str], *, plan: FilePlan, sheets: Sheets) -> pl.Expr:
    record, _, name = column.partition(".")
    if name == "names" and record in plan.records:
        return pl.lit(names_line(plan.records[record], sheets)).alias(column)
    if record not in wanted:
        return pl.col(column)
    cell = next(cell for cell in sheets.cells(plan.records[record]) if cell.name == name)
    return pl.col(cell.key).alias(column)


def _encoded(text: str, plan: FilePlan) -> bytes:
    """Encode text of the template itself, which no cell check has seen."""
    try:
        return encode(text.encode(), plan.encoding, bom=False)
    except UnicodeEncodeError as error:
        char = shown(text[error.start])
        raise UserMustFix(
            Problem(
                "FILE-4",
                f"{char} in the text of the template is not in {plan.encoding}",
                plan.name.where,
                "write the layout and the column names with characters of the encoding",
            )
        ) from None


def _ended(content: bytes, plan: FilePlan) -> bytes:
    """Put the mark in front, and take the last line end away where the format has none."""
    csv = plan.spec.csv
    if csv is not None and not csv.last_newline:
        content = content.removesuffix(NEWLINES[plan.spec.newline].encode())
    return encode(content, "utf-8", bom=plan.spec.bom is True and plan.encoding == "utf-8")
