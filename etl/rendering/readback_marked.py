"""Read back text by patterns, XML by paths, and workbooks cell by cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import polars as pl

from etl.rendering.columns import Cell
from etl.rendering.document import ReadBack as Patterns
from etl.rendering.document import XlsxOptions
from etl.rendering.escapes import Writing
from etl.rendering.formats import NUMBERS
from etl.rendering.readback_wanted import LINE, VOUCHER, ReadBack, Wanted, split_lines

if TYPE_CHECKING:
    from lxml import etree

ROWS = "read_back"
_STEP = re.compile(r"(\{[^{}]*\})?[A-Za-z_][A-Za-z0-9_.\-]*")
_PREFIX = re.compile(r"(?<![A-Za-z0-9_.\-])([A-Za-z_][A-Za-z0-9_.\-]*):(?=[A-Za-z_])")


# ── text ──


def read_text(text: str, wanted: Wanted, *, writing: Writing, found: ReadBack) -> None:
    """Find rows and vouchers by the patterns of `read_back`.

    What a voucher's line says holds for the rows below it, up to the next voucher.
    """
    patterns = wanted.plan.spec.read_back
    if patterns is None or ROWS not in wanted.rows:
        return
    cells = {str(cell.column.means): cell for cell in wanted.rows[ROWS]}
    lines = pl.DataFrame({"text": split_lines(text, wanted.plan, found=found)}).with_row_index(
        LINE, offset=1
    )
    is_row = pl.col("text").str.contains(patterns.row)
    rows = _groups(lines.filter(is_row), patterns.row, cells=cells, writing=writing)
    if patterns.voucher is not None:
        heads = _groups(
            lines.filter(pl.col("text").str.contains(patterns.voucher) & ~is_row),
            patterns.voucher,
            cells=cells,
            writing=writing,
        ).with_row_index(VOUCHER)
        both = [name for name in heads.columns if name in rows.columns and name != LINE]
        rows = rows.join_asof(heads.drop(both), on=LINE, strategy="backward")
        for line in rows.filter(pl.col(VOUCHER).is_null())[LINE].head(1):
            found.differs(line, "the row stands in no voucher")
    found.rows[ROWS] = rows.with_columns(pl.col(LINE).cast(pl.Int64))


def _groups(
    lines: pl.DataFrame, pattern: str, *, cells: Mapping[str, Cell], writing: Writing
) -> pl.DataFrame:
    """Give the named groups of a pattern, as cells by key."""
    groups = lines["text"].str.extract_groups(pattern).struct.unnest()
    named = [name for name in groups.columns if name in cells]
    # A group that takes no part in its match is a cell with nothing in it.
    found = groups.select(pl.col(name).fill_null("").alias(cells[name].key) for name in named)
    if writing.escape == "sie":
        found = found.with_columns(pl.all().str.replace_all('\\"', '"', literal=True))
    parts = [lines.select(pl.col(LINE).cast(pl.Int64).set_sorted()), found]
    return pl.concat([part for part in parts if part.width], how="horizontal")


# ── xml ──


def read_xml(content: bytes, wanted: Wanted, *, found: ReadBack) -> None:
    """Find rows and vouchers by the paths of `read_back`; nothing outside the file is read.

    Every XML file must be well-formed, also one that holds no postings.
    """
    from lxml import etree  # slow to load, and most files are no XML

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        found.differs(error.lineno, f"not well-formed XML: {error.msg}")
        return
    if b"<!DOCTYPE" in content:
        found.differs(1, "the file has a document type declaration")
        return
    patterns = wanted.plan.spec.read_back
    if patterns is None or ROWS not in wanted.rows:
        return
    paths = {cell.key: str(getattr(patterns, str(cell.column.means))) for cell in wanted.rows[ROWS]}
    found.rows[ROWS] = _xml_rows(root, patterns, paths=paths)


def _xml_rows(
    root: etree._Element, patterns: Patterns, *, paths: Mapping[str, str]
) -> pl.DataFrame:
    rows: list[tuple[object, ...]] = []
    row_path = f".//{_spelled_out(patterns.row, patterns)}"
    groups: list[tuple[int | None, Iterator[etree._Element]]]
    if patterns.voucher is None:
        groups = [(None, root.iterfind(row_path))]
    else:
        voucher_path = f".//{_spelled_out(patterns.voucher, patterns)}"
        groups = [
            (number, voucher.iterfind(row_path))
            for number, voucher in enumerate(root.iterfind(voucher_path))
        ]
    finders = [_finder(_spelled_out(path, patterns)) for path in paths.values()]
    for number, elements in groups:
        for element in elements:
            cells = [find(element) for find in finders]
            rows.append((element.sourceline, number, *cells))
    schema = {LINE: pl.Int64, VOUCHER: pl.UInt32, **dict.fromkeys(paths, pl.String)}
    frame = pl.DataFrame(rows, schema, orient="row")
    return frame if patterns.voucher is not None else frame.drop(VOUCHER)


def _finder(path: str) -> Callable[[etree._Element], str | None]:
    """Give what finds a path below an element; plain steps are walked, which is much faster."""
    steps = re.split(r"/(?![^{]*\})", path)
    if not all(step == ".." or _STEP.fullmatch(step) for step in steps):
        return lambda element: element.findtext(path)

    def walk(element: etree._Element) -> str | None:
        here: etree._Element | None = element
        for step in steps:
            if here is None:
                return None
            here = here.getparent() if step == ".." else next(here.iterchildren(step), None)
        return None if here is None else here.text or ""

    return walk


def _spelled_out(path: str, patterns: Patterns) -> str:
    """Write namespaces in place of prefixes: looking them up anew for every row takes long."""
    return _PREFIX.sub(lambda match: f"{{{patterns.namespaces[match.group(1)]}}}", path)


# ── workbooks ──


def read_sheet(content: bytes, wanted: Wanted, *, found: ReadBack) -> None:
    """Read the cells of a workbook's sheet as text."""
    (record,) = wanted.plan.records
    options = wanted.plan.spec.xlsx or XlsxOptions()
    printed = wanted.printed(record)
    import fastexcel

    try:
        book = fastexcel.read_excel(content)
        loaded = book.load_sheet(options.sheet, header_row=None, skip_rows=0, dtypes="string")
    except fastexcel.FastExcelError as error:
        found.differs(None, f"the workbook cannot be read: {str(error).splitlines()[0]}")
        return
    places = {column.absolute_index: column.name for column in loaded.selected_columns}
    sheet = loaded.to_polars().with_row_index(LINE, offset=1)
    if options.header == "names":
        head = sheet.head(1).row(0, named=True) if sheet.height else {}
        names = [str(head.get(places.get(at, ""), None) or "") for at in range(len(printed))]
        if names != [cell.name or "" for cell in printed]:
            found.differs(1, "the row of column names is not that of the template")
        sheet = sheet.slice(1)
    if places and max(places) >= len(printed):
        found.differs(1, f"the sheet has {max(places) + 1} columns, the record {len(printed)}")
    if record not in wanted.rows:
        return
    at = {cell.key: number for number, cell in enumerate(printed)}
    found.rows[record] = sheet.select(
        pl.col(LINE).cast(pl.Int64),
        *(_sheet_cell(cell, places.get(at[cell.key])) for cell in wanted.rows[record]),
    )


def _sheet_cell(cell: Cell, column: str | None) -> pl.Expr:
    """Give a cell as text, empty where there is none; a date is its first ten characters."""
    if column is None:
        return pl.lit("").alias(cell.key)
    text = pl.col(column).fill_null("")
    if cell.column.type in NUMBERS:
        # A sheet holds doubles, spelled with up to 17 digits; 15 of them say which number it is.
        shortest = text.cast(pl.Float64, strict=False).cast(pl.String).str.strip_suffix(".0")
        text = pl.coalesce(shortest, text)
    if cell.column.type == "date":
        text = text.str.strip_suffix(" 00:00:00")
    return text.alias(cell.key)
