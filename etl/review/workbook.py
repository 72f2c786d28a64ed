"""The control sheet as a workbook: for the folder of the month, and to tick off figures in.

Numbers are numbers, everything else is text that stays text; no formulas, no links (T14), and the
same bytes for the same review.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from etl.review.marks import mark
from etl.review.model import (
    AsideGroup,
    Concerned,
    Control,
    CureGroup,
    FileView,
    NoteGroup,
    ReviewView,
    Voucher,
)
from etl.review.words import WITH_TAX
from etl.text import FORMULA

Cell = str | int | Decimal | dt.date | None

#: A spreadsheet keeps 15 digits of a number; a longer one stays text.
MAX_DIGITS = 15
MAX_TEXT = 32_000
_MIN_WIDTH, _MAX_WIDTH = 8, 60
_EPOCH = dt.datetime(1980, 1, 1)  # noqa: DTZ001 - a workbook's times have no zone
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name, its heads, its rows, and what is to be known of its figures."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    remark: str = ""


def render_workbook(view: ReviewView) -> bytes:
    """Write the control sheet of a batch as a workbook (XLSX).

    Gives: one sheet per question: does it add up, what moved on the wallets and accounts, tax,
    vendors, types, periods and files, remarks, rejections, vouchers. Sheets without rows are
    left out.
    """
    import xlsxwriter  # slow to load, and most reviews need no workbook

    buffer = io.BytesIO()
    book: Any = xlsxwriter.Workbook(buffer, _OPTIONS)
    book.set_properties({"created": _EPOCH, "author": "", "comments": ""})
    shapes = {
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "text": book.add_format({"text_wrap": True, "valign": "top"}),
        "amount": book.add_format({"num_format": "#,##0.00", "valign": "top"}),
        "count": book.add_format({"num_format": "0", "valign": "top"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"}),
    }
    for sheet in sheets_of(view):
        _write(book.add_worksheet(sheet.name), sheet, shapes)
    book.close()
    return _same_bytes(buffer.getvalue())


def _same_bytes(workbook: bytes) -> bytes:
    """Pack the members again without the time of day."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as read,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for name in read.namelist():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            written.writestr(entry, read.read(name))
    return out.getvalue()


def _write(sheet: Any, content: Sheet, shapes: dict[str, Any]) -> None:
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer("&L&A&RPage &P of &N")
    for column, head in enumerate(content.heads):
        sheet.write_string(0, column, head, shapes["head"])
        widths = [
            len(head),
            *(len(str(row[column] or "")) for row in content.rows if column < len(row)),
        ]
        sheet.set_column(column, column, max(_MIN_WIDTH, min(max(widths) + 2, _MAX_WIDTH)))
    guarded = _guarded(content.rows)
    for at, row in enumerate(content.rows, start=1):
        for column, value in enumerate(row):
            if value is None or value == "":
                continue
            if isinstance(value, Decimal) and len(value.as_tuple().digits) <= MAX_DIGITS:
                sheet.write_number(at, column, float(value), shapes["amount"])
            elif isinstance(value, int):
                sheet.write_number(at, column, value, shapes["count"])
            elif isinstance(value, dt.date):
                sheet.write_datetime(at, column, value, shapes["date"])
            else:
                text = guarded[str(value)]
                sheet.write_string(at, column, text[:MAX_TEXT], shapes["text"])
    if content.remark:
        sheet.write_string(0, len(content.heads) + 1, content.remark, shapes["head"])
    if content.rows:
        sheet.autofilter(0, 0, len(content.rows), len(content.heads) - 1)


def _guarded(rows: Sequence[Sequence[Cell]]) -> dict[str, str]:
    """Give every text as it may stand in a cell; what would run there gets an apostrophe."""
    texts = {
        str(value): mark(str(value))
        for row in rows
        for value in row
        if isinstance(value, str | Decimal)
    }
    runs = pl.Series(list(texts.values()), dtype=pl.String).str.contains(FORMULA)
    return {
        text: f"'{shown}" if would_run else shown
        for (text, shown), would_run in zip(texts.items(), runs, strict=True)
    }


# ── what stands on the sheets ───────────────────────────────────────────────────────────────


_AMOUNTS = ("Currency", "Debit", "Credit")
_ITEM = ("Item", "Date", "Employee", "What", "Currency", "Amount", "Where", "Item id")


def sheets_of(view: ReviewView) -> Iterator[Sheet]:
    """Give the sheets of a review that have something to say."""
    yield Sheet("Control", ("Question", "Answer", "Figures"), list(_control(view)))
    yield from (sheet for sheet in (*_sums(view), *_origins(view), *_lists(view)) if sheet.rows)


def _sums(view: ReviewView) -> tuple[Sheet, ...]:
    control = view.control
    return (
        Sheet("Totals", _AMOUNTS, [(t.currency, t.debit, t.credit) for t in control.totals]),
        Sheet(
            "Wallets",
            ("Account", "Name", "Currency", "Money in", "Money out", "Movement", "As booked",
             "Booked in", "Items"),
            [
                (w.account, w.name, w.currency, w.money_in, w.money_out, w.movement, w.booked,
                 w.booked_currency, w.items)
                for w in control.wallets
            ],
        ),
        Sheet(
            "Accounts",
            ("Account", "Name", *_AMOUNTS, "Balance", "Rows", *_in_books(control)),
            [
                (a.account, a.name, a.currency, a.debit, a.credit, a.balance, a.rows,
                 *([a.book_balance] if control.book_currency else []))
                for a in control.accounts
            ],
            WITH_TAX if control.has_tax_inside else "",
        ),
        Sheet(
            "Tax codes",
            ("Tax code", "Currency", "Base", "Tax", "Notional tax", "Gross", "Lines"),
            [
                (t.code, t.currency, t.base, t.tax, t.notional, t.gross, t.lines)
                for t in control.tax_codes
            ],
        ),
        *(
            Sheet(
                name,
                (head, "Currency", "Items", "Amount"),
                [*((g.label, g.currency, g.items, g.amount) for g in groups), *more],
            )
            for name, head, groups, more in (
                ("Types", "Type", control.types, ()),
                ("Vendors", "Vendor", control.vendors, _more_vendors(control)),
                ("Periods", "Period", control.periods, ()),
            )
        ),
        Sheet(
            "Days",
            ("Day", "Currency", "Costs"),
            [(d.label, control.days_currency, d.amount) for d in control.days],
        ),
    )  # fmt: skip


def _origins(view: ReviewView) -> tuple[Sheet, ...]:
    return (
        Sheet(
            "Rules",
            ("Role", "Rule", "Place", "Items"),
            [(u.role, u.rule, u.place, u.items) for u in view.rules_used],
        ),
        Sheet(
            "Files",
            ("File", "Postings", "Bytes", *_AMOUNTS, "Hash"),
            [row for f in view.files for row in _file(f)],
        ),
    )  # fmt: skip


def _file(file: FileView) -> Iterator[Sequence[Cell]]:
    for total in file.totals:
        sides = (total.currency, total.debit, total.credit)
        yield file.name, file.postings, file.size, *sides, file.sha256
    if not file.totals:
        postings = None if file.is_archive else file.postings
        yield file.name, postings, file.size, None, None, None, file.sha256


def _in_books(control: Control) -> Sequence[str]:
    return [f"Balance in {control.book_currency}"] if control.book_currency else []


def _more_vendors(control: Control) -> Sequence[Sequence[Cell]]:
    left_out = control.vendors_left_out
    return [(f"and {left_out} more with smaller amounts",)] if left_out else ()


def _lists(view: ReviewView) -> tuple[Sheet, ...]:
    return (
        Sheet(
            "To look at",
            ("Remark", "Meaning", "Must be answered", *_ITEM),
            list(_notes(view.notes)),
        ),
        Sheet(
            "Rejected",
            ("Cured", "Cure", "Reason", "Code", *_ITEM),
            list(_causes(view.cures)),
        ),
        Sheet(
            "Not booked here",
            ("Kind", "Why", *_ITEM),
            list(_aside([view.waiting, *view.aside] if view.waiting else view.aside)),
        ),
        Sheet(
            "Vouchers",
            ("Number", "Date", "Reference", "Item", "Account", "Name", "Contra account", "Currency",
             "Debit", "Credit", "Tax code", "Text"),
            list(_vouchers(view.vouchers.full)),
        ),
    )  # fmt: skip


def _control(view: ReviewView) -> Iterator[tuple[Cell, ...]]:
    identity = view.identity
    for name, value in (
        ("Company", identity.company),
        ("Batch", f"{identity.batch_number} ({identity.batch_id})"),
        ("Reverses batch", "" if identity.reverses is None else str(identity.reverses)),
        ("Export job", identity.job),
        ("Template", identity.template),
        ("Mapping", identity.mapping),
        ("Vouchers", f"{identity.first_voucher} to {identity.last_voucher}"),
        ("Content", identity.content),
    ):
        if value:
            yield name, value, None
    yield "Result", view.headline, ". ".join(view.sentences)
    for check in view.control.checks:
        yield check.name, "holds" if check.holds else "DOES NOT HOLD", check.detail
    counts = view.counts
    if view.looked_through is not None:
        looked = view.looked_through
        words = f"{looked.unreadable} more are not stored any more" if looked.unreadable else None
        yield "Earlier batches whose invoice numbers were compared", looked.batches, words
    for name, number in (
        ("Listed by Pleo" if identity.reverses is None else "Booked by that batch", counts.listed),
        ("In the file", counts.rendered),
        *([("Waiting for your answer", counts.waiting)] if counts.waiting else []),
        ("Rejected", counts.rejected),
        ("Already booked", counts.already_booked),
        ("Nothing to book", counts.nothing_to_book),
        ("Skipped", counts.skipped),
    ):
        yield name, number, None


def _notes(notes: Iterable[NoteGroup]) -> Iterator[tuple[Cell, ...]]:
    for note in notes:
        head = (note.code, note.meaning, "yes" if note.is_blocking else "no")
        for one in note.concerned:
            yield (*head, *_concerned(one))
        if note.left_out > 0:
            yield (*head, f"and {note.left_out} more, see manifest.json")


def _causes(cures: Iterable[CureGroup]) -> Iterator[tuple[Cell, ...]]:
    for group in cures:
        for cause in group.causes:
            head = (group.title, cause.fix, "; ".join(cause.messages), cause.code)
            for one in cause.concerned:
                yield (*head, *_concerned(one))
            if cause.left_out > 0:
                yield (*head, f"and {cause.left_out} more, see rejections.csv")


def _aside(groups: Iterable[AsideGroup]) -> Iterator[tuple[Cell, ...]]:
    for group in groups:
        for one in group.concerned:
            yield (group.title, group.why, *_concerned(one))
        if group.left_out > 0:
            yield group.title, group.why, f"and {group.left_out} more, see manifest.json"


def _concerned(one: Concerned) -> tuple[Cell, ...]:
    return (
        one.title, one.date, one.person, one.detail, one.currency, one.amount, one.where,
        one.item_id,
    )  # fmt: skip


def _vouchers(vouchers: Iterable[Voucher]) -> Iterator[tuple[Cell, ...]]:
    for voucher in vouchers:
        for posting in voucher.postings:
            yield (
                voucher.number, voucher.date, voucher.reference, voucher.source.title,
                posting.account, posting.name, posting.contra_account, posting.currency,
                posting.debit, posting.credit, posting.tax_code, posting.text,
            )  # fmt: skip
