"""What is read back from a rendered file, and the lines that it is read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from etl.rendering.columns import Cell, Record
from etl.rendering.contexts import Context
from etl.rendering.document import MEANINGS
from etl.rendering.formats import DATES, NUMBERS
from etl.rendering.plans import FilePlan

#: Columns of rows beside their cells: the line (from 1), and the voucher they stand in, if the
#: format groups rows (ordinal from 0).
LINE = "#line"
VOUCHER = "#voucher"
#: Differences kept per file; one is enough to stop, a few help to see why.
MAX_DIFFERENCES = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """Something in a file that is not as it should be."""

    line: int | None
    what: str


@dataclass
class ReadBack:
    """What was read back from one file.

    rows    by record: line, voucher and the text of every cell that was asked for, unescaped
    single  by record: the same for lines that stand once, such as a head
    before  lines of the file above those read; is_first, is_last: whether these begin and end it
    """

    rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    single: dict[str, pl.DataFrame] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    before: int = 0
    is_first: bool = True
    is_last: bool = True

    def differs(self, line: int | None, what: str) -> None:
        if len(self.differences) < MAX_DIFFERENCES:
            self.differences.append(Difference(line, what))


@dataclass(frozen=True)
class Wanted:
    """The cells that are read back from a file.

    rows     records of postings or vouchers that say something of a posting
    single   records that stand once per file
    dropped  cells that are not printed because nothing is in them
    """

    plan: FilePlan
    rows: Mapping[str, Sequence[Cell]]
    single: Mapping[str, Sequence[Cell]]
    dropped: frozenset[str] = frozenset()

    def printed(self, record: str) -> list[Cell]:
        """Give the cells of a record as they stand in the file."""
        return [cell for cell in self.plan.records[record].cells if cell.key not in self.dropped]


def wanted_of(plan: FilePlan, *, dropped: frozenset[str] = frozenset()) -> Wanted:
    """Choose what is read back: cells that mean something, and all numbers and dates beside them;
    of a record that stands once, every cell that has a value.

    In text and XML these are the cells that `read_back` names.
    """
    if plan.spec.kind in ("text", "xml"):
        asked = asked_meanings(plan)
        cells = [cell for meaning, cell in cells_by_meaning(plan).items() if meaning in asked]
        return Wanted(plan, {"read_back": cells} if cells else {}, {}, dropped)
    rows: dict[str, list[Cell]] = {}
    single: dict[str, list[Cell]] = {}
    for name, record in plan.records.items():
        cells = [cell for cell in record.cells if cell.key not in dropped]
        if stands_per_row(record):
            if any(cell.column.means for cell in cells):
                rows[name] = [cell for cell in cells if _is_checked(cell)]
        elif record.context in (Context.CONSTANT, Context.FILE):
            single[name] = [cell for cell in cells if cell.compiled is not None]
    return Wanted(plan, rows, single, dropped)


def stands_per_row(record: Record) -> bool:
    """Say whether a record stands once per posting or voucher."""
    return record.context in (Context.POSTING, Context.VOUCHER)


def cells_by_meaning(plan: FilePlan) -> dict[str, Cell]:
    """Give the first cell of a file for each meaning."""
    found: dict[str, Cell] = {}
    for record in plan.records.values():
        for cell in record.cells:
            if cell.column.means is not None:
                found.setdefault(cell.column.means, cell)
    return found


def asked_meanings(plan: FilePlan) -> set[str]:
    """Give the meanings that `read_back` finds in a text or XML file."""
    read_back = plan.spec.read_back
    if read_back is None:
        return set()
    if plan.spec.kind == "xml":
        return {name for name in MEANINGS if name != "voucher" and getattr(read_back, name)}
    from_patterns = "".join((read_back.row, read_back.voucher or ""))
    return {name for name in MEANINGS if f"(?<{name}>" in from_patterns}


def _is_checked(cell: Cell) -> bool:
    kind = cell.column.type
    is_typed = kind in NUMBERS or kind in DATES or kind == "digits"
    return cell.column.means is not None or (is_typed and cell.compiled is not None)


def dropped_columns(content: bytes, plan: FilePlan) -> frozenset[str]:
    """Find by the line of names which columns a csv file leaves out (`only_if_used`)."""
    optional = {
        cell.name: cell.key
        for record in plan.records.values()
        for cell in record.cells
        if cell.column.only_if_used and cell.name
    }
    if not optional or plan.spec.csv is None or plan.layout is not None:
        return frozenset()
    head = content[: content.find(b"\n")].decode(plan.encoding, errors="replace").rstrip("\r")
    names = {name.strip('"') for name in head.split(plan.spec.csv.delimiter)}
    return frozenset(key for name, key in optional.items() if name not in names)


def decode(content: bytes, plan: FilePlan, *, found: ReadBack) -> str | None:
    """Decode the bytes of a text file strictly."""
    mark = b"\xef\xbb\xbf"
    has_mark = content.startswith(mark)
    if plan.spec.bom and plan.encoding == "utf-8" and found.is_first:
        if not has_mark:
            found.differs(1, "the byte order mark is missing")
        content = content.removeprefix(mark)
    elif has_mark:
        found.differs(1, "there is a byte order mark")
    try:
        if content.isascii():
            return content.decode("ascii")
        return content.decode(plan.encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1 + found.before
        found.differs(line, f"byte {error.start} is not {plan.encoding}")
        return None


def split_lines(text: str, plan: FilePlan, *, found: ReadBack) -> pl.Series:
    """Give the lines of a file; each must end as the template says, and hold no other line end."""
    newline = "\r\n" if plan.spec.newline == "crlf" else "\n"
    wants_last = plan.spec.csv is None or plan.spec.csv.last_newline or not found.is_last
    has_last = text.endswith(newline)
    if text and wants_last != has_last and plan.layout is None:
        what = "the last line has no line end" if wants_last else "the last line has a line end"
        found.differs(None, what)
    lines = pl.Series([text.removesuffix(newline)], dtype=pl.String).str.split(newline).explode()
    if not text:
        lines = lines.clear()
    odd = lines.str.contains(r"[\r\n]")
    for at in odd.arg_true().head(MAX_DIFFERENCES):
        found.differs(at + 1 + found.before, "a line end of another kind inside of a line")
    return lines
