"""Prove a rendering: read every file back, rebuild its postings and compare them with the batch.

bytes ─> rows read back ─┐
                         ├─ as many, in the order of their lines, cell by cell ─> proof
batch ─> rows expected ──┘
  every posting stands in exactly one file (parts add up) · vouchers stay together · amounts are
  amounts of the postings themselves, so that a column cannot mean what it does not print
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from etl.errors import Problem, UserMustFix
from etl.frames import POSTING_KEY, VOUCHER_KEY
from etl.rendering.cell_texts import cell_texts
from etl.rendering.columns import Cell
from etl.rendering.contexts import Context
from etl.rendering.outcome import FileSource, Rendered, RenderedFile
from etl.rendering.proof_expected import expected_cells, expected_of_slice
from etl.rendering.proof_money import ACCOUNTS, MONEY, exchanged, not_of_postings
from etl.rendering.readback import WINDOW_BYTES, read_file, read_in_windows
from etl.rendering.readback_values import as_decimals, is_typed, read_values
from etl.rendering.readback_wanted import (
    LINE,
    MAX_DIFFERENCES,
    VOUCHER,
    ReadBack,
    wanted_of,
)

_AGAIN = (
    "check layout, read_back and means of the template; where they are right, report a defect of "
    "pleo-etl with the template"
)


@dataclass(frozen=True)
class Proof:
    """What a proof found. `rows` counts the postings that were rebuilt and compared.

    postings  posting.key, and beside it what the files say of it: file, line, and a column per
              meaning (account, contra_account, tax_code, currency, signed …) as read back
    texts     of files with a layout the texts of their cells (cell_texts)
    """

    rows: int
    problems: tuple[Problem, ...]
    postings: pl.DataFrame
    texts: pl.DataFrame

    @property
    def ok(self) -> bool:
        return not self.problems


def prove(rendered: Rendered, postings: pl.DataFrame) -> Proof:
    """Read the files of a rendering back and compare them with the batch.

    Needs: a rendering without rejections; postings, those of the batch.
    Raises: UserMustFix PROOF-1 where a file does not say enough to be proved.
    """
    unprovable = [problem for source in rendered.rendered_from for problem in unproved(source)]
    if unprovable:
        raise UserMustFix(unprovable)
    problems: list[Problem] = []
    rebuilt: list[pl.DataFrame] = []
    for source in rendered.rendered_from:
        run = _Run(source, [file for file in rendered.files if file.file == source.plan.key])
        run.compare()
        problems += run.problems
        if not source.plan.spec.companion:
            rebuilt.append(run.rebuilt())
    table = pl.concat(rebuilt, how="diagonal") if rebuilt else _nothing()
    problems += _each_once(table, postings)
    texts = cell_texts(rendered.rendered_from)
    return Proof(table.height, tuple(problems[:MAX_DIFFERENCES]), table, texts)


def unproved(source: FileSource) -> list[Problem]:
    """Say what a file lacks to be proved: an account and an amount."""
    spec = source.plan.spec
    if spec.companion:
        return []
    wanted = wanted_of(source.plan)
    meanings = {cell.column.means for cells in wanted.rows.values() for cell in cells}
    has_account = bool(meanings & ACCOUNTS)
    has_amount = bool(meanings & {"amount", "debit", "credit", "signed", "book_amount"})
    if has_account and has_amount:
        return []
    lacks = " and ".join(
        words for has, words in ((has_account, "an account"), (has_amount, "an amount")) if not has
    )
    fix = "say means: on the columns of account and amount"
    if spec.kind in ("text", "xml"):
        fix += ", and name both in read_back"
    what = f'no column of the file "{source.plan.key}" says that it means {lacks}'
    return [Problem("PROOF-1", what, source.plan.name.where, fix)]


def _each_once(table: pl.DataFrame, postings: pl.DataFrame) -> list[Problem]:
    """Hold that the files together print every posting, and none twice."""
    keys = table[POSTING_KEY]
    found = []
    if keys.n_unique() != keys.len():
        found.append(f"{keys.len() - keys.n_unique()} postings stand in the files twice")
    missing = postings.join(table.select(POSTING_KEY), on=POSTING_KEY, how="anti").height
    if missing:
        found.append(f"{missing} of {postings.height} postings stand in no file")
    return [Problem("PROOF-3", what, "the files of the batch", _AGAIN) for what in found]


_NO_LINES = pl.DataFrame(schema={LINE: pl.Int64, "record": pl.String, "at": pl.Int64})


def _lines_of(rows: pl.DataFrame, record: str) -> pl.DataFrame:
    return rows.select(LINE, pl.lit(record).alias("record"), pl.int_range(pl.len()).alias("at"))


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(schema={POSTING_KEY: pl.UInt32})


@dataclass
class _Run:
    """The proof of one file of the template, with all its parts."""

    source: FileSource
    files: Sequence[RenderedFile]
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sheets = self.source.sheets
        self.plan = self.source.plan
        self.wanted = wanted_of(self.plan, dropped=self.sheets.dropped)
        self.loose = self.plan.spec.kind == "xlsx"
        self.kept: dict[str, list[pl.DataFrame]] = {POSTING_KEY: [], VOUCHER_KEY: []}
        self.cells = {**self.wanted.rows, **self.wanted.single}
        self.known: dict[str, pl.DataFrame] = {}

    def expected(self, record: str) -> pl.DataFrame:
        """Give what the cells of a record must hold, on all its rows; found once."""
        if record not in self.known:
            self.known[record] = expected_cells(
                self.sheets, self.cells[record], context=self.context_of(record)
            )
        return self.known[record]

    def context_of(self, record: str) -> Context:
        if record in self.wanted.single:
            return Context.FILE
        if record not in self.plan.records:  # found by patterns or paths: one row per posting
            return Context.POSTING
        return self.plan.records[record].context

    def differs(self, file: RenderedFile, line: int | None, *, what: str) -> None:
        where = file.name if line is None else f"{file.name}:{line}"
        self.problems.append(Problem("PROOF-2", what, where, _AGAIN))

    def compare(self) -> None:
        for file in self.files:
            if self.compare_windows(file):
                continue
            read = read_file(file.inner, self.wanted)
            for difference in read.differences:
                self.differs(file, difference.line, what=difference.what)
            for context in (Context.POSTING, Context.VOUCHER):
                self.compare_rows(file, read, context=context)
            self.compare_single(file, read)

    def compare_windows(self, file: RenderedFile) -> bool:
        """Compare a large table some lines at a time; say whether that could be done."""
        content = file.inner
        record = self.plain_table() if len(content) > WINDOW_BYTES else None
        if record is None:
            return False
        order = self.order(file, Context.POSTING)
        csv = self.plan.spec.csv
        has_head = csv is not None and csv.header == "names"
        lines = content.count(b"\n") + (not content.endswith(b"\n")) - has_head
        in_turn = (order["row"].cast(pl.Int64).diff().drop_nulls() == 1).all()
        if lines != order.height or not in_turn:
            return False
        start = 0
        for read in read_in_windows(content, self.wanted):
            for difference in read.differences:
                self.differs(file, difference.line, what=difference.what)
            rows = read.rows[record]
            mine = order.slice(start, rows.height)
            start += rows.height
            if mine.is_empty():
                continue
            first = int(mine["row"][0])
            expected = expected_of_slice(
                self.sheets, self.cells[record], start=first, end=first + mine.height
            )
            self.compare_cells(file, record, rows=rows, expected=expected)
            self.keep(file, record, rows=rows, order=mine)
        return True

    def plain_table(self) -> str | None:
        """Give the one record of a table with a line per posting, None where there is more."""
        records = [*self.cells]
        if self.plan.layout is not None or self.plan.spec.kind not in ("csv", "fixed"):
            return None
        if len(records) != 1 or self.context_of(records[0]) is not Context.POSTING:
            return None
        return None if any(cell.element for cell in self.cells[records[0]]) else records[0]

    def compare_rows(self, file: RenderedFile, read: ReadBack, *, context: Context) -> None:
        """Compare the records of one context with its rows, both in the order of lines."""
        records = [name for name in self.wanted.rows if self.context_of(name) is context]
        if not records:
            return
        order = self.order(file, context)
        lines = pl.concat(
            [
                _NO_LINES,
                *(_lines_of(read.rows[name], name) for name in records if name in read.rows),
            ]
        ).sort(LINE, maintain_order=True)
        if lines.height != order.height:
            word = "postings" if context is Context.POSTING else "vouchers"
            self.differs(
                file, None, what=f"{lines.height} rows read back, {order.height} {word} rendered"
            )
            return
        for name in records:
            mine = lines.with_row_index("rank").filter(pl.col("record") == name)
            rows = read.rows[name][mine["at"]]
            expected = self.expected(name)[order["row"].gather(mine["rank"])]
            self.compare_cells(file, name, rows=rows, expected=expected)
            self.keep(file, name, rows=rows, order=order[mine["rank"]])
            if VOUCHER in rows.columns:
                self.compare_vouchers(file, rows, order=order[mine["rank"]])

    def order(self, file: RenderedFile, context: Context) -> pl.DataFrame:
        """Give the rows of a context that stand in a file, in the order of their lines."""
        material = self.sheets.material
        rows = material.postings.select(
            POSTING_KEY, VOUCHER_KEY, pl.int_range(pl.len(), dtype=pl.UInt32).alias("row")
        ).join(file.lines, on=POSTING_KEY, how="inner", validate="1:1", maintain_order="left")
        if context is Context.POSTING:
            return rows.sort("line", maintain_order=True)
        vouchers = material.vouchers.select(
            VOUCHER_KEY, pl.int_range(pl.len(), dtype=pl.UInt32).alias("row")
        )
        first = rows.group_by(VOUCHER_KEY).agg(pl.col("line").min())
        return vouchers.join(
            first, on=VOUCHER_KEY, how="inner", validate="1:1", maintain_order="left"
        ).sort("line", maintain_order=True)

    def compare_single(self, file: RenderedFile, read: ReadBack) -> None:
        always = self.plan.layout.once if self.plan.layout is not None else frozenset()
        for name, rows in read.single.items():
            if rows.is_empty() and name in always:
                self.differs(file, None, what=f"the line of record {name} is missing")
            one = self.expected(name)[file.number - 1]
            for at in range(rows.height):
                self.compare_cells(file, name, rows=rows[at], expected=one)

    def compare_cells(
        self, file: RenderedFile, record: str, *, rows: pl.DataFrame, expected: pl.DataFrame
    ) -> None:
        cells = self.cells[record]
        for cell in cells:
            texts, wanted = rows[cell.key], expected[cell.key]
            if is_typed(cell):
                values, odd = read_values(texts, cell, loose=self.loose)
            else:
                values, odd = _filled(texts, cell), texts.is_null()
                wanted = _filled(wanted, cell)
            wrong = odd | values.ne_missing(wanted)
            for at in wrong.arg_true().head(MAX_DIFFERENCES):
                self.differs(
                    file,
                    rows[LINE][at],
                    what=f'column {cell.shown}: "{texts[at]}" is not what was rendered',
                )

    def compare_vouchers(
        self, file: RenderedFile, rows: pl.DataFrame, *, order: pl.DataFrame
    ) -> None:
        """Hold that rows stand together in the file exactly where they do in the batch."""
        pairs = pl.DataFrame({"file": rows[VOUCHER], "batch": order[VOUCHER_KEY], LINE: rows[LINE]})
        distinct = pairs.unique(["file", "batch"], keep="first", maintain_order=True)
        torn = distinct.filter(pl.col("file").is_duplicated() | pl.col("batch").is_duplicated())
        for line in torn[LINE].head(1):
            self.differs(file, line, what="the row stands in another voucher than it belongs to")

    # ── what the files say ──

    def keep(
        self, file: RenderedFile, record: str, *, rows: pl.DataFrame, order: pl.DataFrame
    ) -> None:
        """Keep what a file says of its postings, by meaning."""
        key = POSTING_KEY if POSTING_KEY in order.columns else VOUCHER_KEY
        columns = {key: order[key], "line": rows[LINE]}
        money: list[Cell] = []
        for cell in self.wanted.rows[record]:
            meaning = cell.column.means
            if meaning is None or meaning in columns or cell.element:
                continue
            texts = rows[cell.key]
            if meaning in MONEY and is_typed(cell):
                values, _odd = read_values(texts, cell, loose=self.loose)
                texts = as_decimals(values, cell)
                money.append(cell)
            columns[meaning] = texts
        frame = pl.DataFrame(columns)
        if key == POSTING_KEY:
            self.hold_meanings(file, money, read=frame, order=order)
            self.hold_accounts(file, record, read=frame, order=order)
        else:
            keys = self.sheets.material.postings.select(POSTING_KEY, VOUCHER_KEY)
            frame = keys.join(frame, on=VOUCHER_KEY, how="inner", validate="m:1").drop(VOUCHER_KEY)
        self.kept[key].append(frame.with_columns(pl.lit(file.name).alias("file")))

    def hold_meanings(
        self, file: RenderedFile, cells: Sequence[Cell], *, read: pl.DataFrame, order: pl.DataFrame
    ) -> None:
        """Hold that columns print the amounts which they say that they mean."""
        if self.problems or not cells:
            return
        postings = self.sheets.material.postings[order["row"]]
        for cell in cells:
            meaning = str(cell.column.means)
            odd = not_of_postings(meaning, read[meaning], postings=postings)
            if odd is not None:
                what = (
                    f"column {cell.shown} means {meaning}, but {file.name}:{read['line'][odd]} "
                    f"prints {read[meaning][odd]}, which is not that of its posting"
                )
                fix = f"print posting.{meaning}, or correct means"
                self.problems.append(Problem("PROOF-4", what, cell.where, fix))
        blank = pl.all_horizontal(pl.col(str(cell.column.means)).is_null() for cell in cells)
        silent = read.select(blank.alias("blank"))["blank"] & (postings["posting.amount"] != 0)
        for at in silent.arg_true().head(1):
            what = f"{file.name}:{read['line'][at]} prints no amount for its posting"
            fix = "let a column that means an amount print it"
            self.problems.append(Problem("PROOF-4", what, cells[0].where, fix))

    def hold_accounts(
        self, file: RenderedFile, record: str, *, read: pl.DataFrame, order: pl.DataFrame
    ) -> None:
        """Hold that account and contra account are not exchanged, else totals would be too."""
        if self.problems:
            return
        postings = self.sheets.material.postings[order["row"]]
        for cell in self.wanted.rows[record]:
            meaning = str(cell.column.means)
            if meaning not in ("account", "contra_account") or cell.element:
                continue
            odd = exchanged(meaning, read[meaning], postings=postings)
            if odd is not None:
                what = (
                    f"column {cell.shown} means {meaning}, but {file.name}:{read['line'][odd]} "
                    f"prints {read[meaning][odd]}, the other account of its posting"
                )
                fix = "a column of the account debited means debit_account, or credit_account"
                self.problems.append(Problem("PROOF-4", what, cell.where, fix))

    def rebuilt(self) -> pl.DataFrame:
        """Give what all parts say: of each posting, and of its voucher where it has a row."""
        of_postings, of_vouchers = self.kept[POSTING_KEY], self.kept[VOUCHER_KEY]
        if not of_postings:
            return pl.concat(of_vouchers, how="diagonal_relaxed") if of_vouchers else _nothing()
        rows = pl.concat(of_postings, how="diagonal_relaxed")
        if not of_vouchers:
            return rows
        more = pl.concat(of_vouchers, how="diagonal_relaxed").unique(POSTING_KEY, keep="first")
        new = [name for name in more.columns if name not in rows.columns]
        return rows.join(
            more.select(POSTING_KEY, *new),
            on=POSTING_KEY, how="left", validate="m:1", maintain_order="left",
        )  # fmt: skip


def _filled(texts: pl.Series, cell: Cell) -> pl.Series:
    """Give texts as they can be told apart in the file: filling and blanks at the end cannot."""
    texts = texts.fill_null("")
    if cell.column.width is None:
        return texts
    fill = cell.column.fill or " "
    if cell.column.align == "right":
        return texts.str.strip_chars_start(fill)
    return texts.str.strip_chars_end(fill)
