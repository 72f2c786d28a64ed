"""The control sheet against the figures worked out in tests/unit/review/batches.py."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import openpyxl
import polars as pl
import pytest
from lxml import html

from etl.review import BatchFrames, ReviewView, make_view, render_report
from etl.review.terminal_totals import sums
from etl.review.words import WITH_TAX
from etl.review.workbook import render_workbook
from tests.unit.review import batches


def _view(frames: BatchFrames, manifest: dict[str, Any] | None = None) -> ReviewView:
    return make_view(manifest or batches.manifest(), frames, files=batches.files())


def _failing(view: ReviewView) -> list[str]:
    return [check.name for check in view.control.checks if not check.holds]


def _set(frame: pl.DataFrame, column: str, value: object, *, where: pl.Expr) -> pl.DataFrame:
    dtype = frame.schema[column]
    changed = pl.when(where).then(pl.lit(value, dtype)).otherwise(column)
    return frame.with_columns(changed.alias(column))


def test_the_parts_add_up_to_the_items_listed(view: ReviewView) -> None:
    counts = view.counts
    parts = (counts.rendered, counts.rejected, counts.nothing_to_book)
    assert (counts.listed, parts, counts.adds_up) == (11, (7, 3, 1), True)


def test_totals_per_currency(view: ReviewView) -> None:
    totals = [(total.currency, total.debit, total.credit) for total in view.control.totals]
    assert totals == [
        ("EUR", Decimal("5484.30"), Decimal("5484.30")),
        ("GBP", Decimal("80.00"), Decimal("80.00")),
    ]


def test_movement_of_each_wallet(view: ReviewView) -> None:
    wallets = [
        (wallet.account, wallet.name, wallet.currency, wallet.money_in, wallet.money_out)
        for wallet in view.control.wallets
    ]
    assert wallets == [
        ("1360", "Pleo Wallet EUR", "EUR", Decimal("5023.80"), Decimal("425.50")),
        ("1361", "Pleo Wallet GBP", "GBP", Decimal("0.00"), Decimal("80.00")),
    ]
    assert view.control.wallets[0].movement == Decimal("4598.30")


def test_a_wallet_is_shown_in_its_own_currency_when_booked_in_another() -> None:
    frames = batches.frames()
    pounds = pl.col("item.key") == 6
    booked = replace(
        frames,
        postings=frames.postings.with_columns(
            pl.when(pounds).then(pl.lit("EUR")).otherwise("posting.currency")
            .alias("posting.currency"),
            pl.when(pounds & (pl.col("posting.account") == "1361")).then(Decimal("-92.00"))
            .when(pounds).then(Decimal("92.00"))
            .otherwise("posting.signed").cast(pl.Decimal(38, 2)).alias("posting.signed"),
        ),
    )  # fmt: skip
    wallet = _view(booked).control.wallets[1]
    assert (wallet.currency, wallet.movement) == ("GBP", Decimal("-80.00"))
    assert (wallet.booked_currency, wallet.booked) == ("EUR", Decimal("-92.00"))


def test_totals_by_account_with_names(view: ReviewView) -> None:
    depot = next(row for row in view.control.accounts if row.account == "4930")
    assert (depot.name, depot.debit, depot.credit, depot.balance) == (
        "Bürobedarf", Decimal("119.00"), Decimal("23.80"), Decimal("95.20"),
    )  # fmt: skip
    balances = sum((row.balance for row in view.control.accounts), Decimal(0))
    assert balances == 0


def test_an_account_with_two_currencies_shows_what_each_is_in_the_books() -> None:
    # The pounds of 4654 (80.00) move to 4930 and are 92.00 EUR in the books: 4930 has
    # 119.00 - 23.80 = 95.20 EUR and 80.00 GBP, which is 92.00 EUR more.
    frames = batches.frames()
    pounds = pl.col("posting.currency") == "GBP"
    cost = pounds & (pl.col("posting.role") == "expense")
    postings = frames.postings.with_columns(
        pl.when(cost).then(Decimal("92.00")).when(pounds).then(Decimal("-92.00"))
        .cast(pl.Decimal(38, 2)).alias("posting.book_signed"),
        pl.when(cost).then(pl.lit("4930")).otherwise("posting.account").alias("posting.account"),
    )  # fmt: skip
    view = make_view(
        batches.manifest(),
        replace(frames, postings=postings),
        files=batches.files(),
        company_currency="EUR",
    )
    depot = [row for row in view.control.accounts if row.account == "4930"]
    assert view.control.book_currency == "EUR"
    assert [(row.currency, row.balance, row.book_balance) for row in depot] == [
        ("EUR", Decimal("95.20"), Decimal("95.20")),
        ("GBP", Decimal("80.00"), Decimal("92.00")),
    ]
    page = html.document_fromstring(render_report(view))
    rows = page.xpath("//section[@id='control']//tr[starts-with(normalize-space(), '4930')]")
    assert [row.xpath("string(td[6])") for row in rows] == ["95.20", "92.00"]
    assert page.xpath("count(//th[.='Balance in EUR'])") == 1


def test_without_book_amounts_there_is_no_balance_in_company_currency() -> None:
    view = make_view(
        batches.manifest(), batches.frames(), files=batches.files(), company_currency="EUR"
    )
    pub = next(row for row in view.control.accounts if row.currency == "GBP")
    assert (view.control.book_currency, pub.book_balance) == ("", None)
    assert "Balance in" not in render_report(view)


def test_names_come_from_the_lines_when_the_template_prints_none() -> None:
    frames = batches.frames()
    bare = replace(
        frames,
        postings=frames.postings.drop("posting.account_name", "posting.contra_account_name"),
        lines=frames.lines.with_columns(pl.lit("Office").alias("account_name.expense")),
    )
    names = {row.account: row.name for row in _view(bare).control.accounts}
    assert (names["4930"], names["1360"]) == ("Office", "")


def test_base_and_tax_by_tax_code_with_refunds_deducted(view: ReviewView) -> None:
    codes = {
        (row.code, row.currency): (row.base, row.tax, row.gross, row.notional)
        for row in view.control.tax_codes
    }
    assert codes == {
        ("VSt19", "EUR"): tuple(map(Decimal, ("80.00", "15.20", "95.20", "0.00"))),
        ("VSt7", "EUR"): tuple(map(Decimal, ("100.00", "7.00", "107.00", "0.00"))),
        ("RC", "EUR"): tuple(map(Decimal, ("92.50", "0.00", "92.50", "17.58"))),
        ("", "EUR"): tuple(map(Decimal, ("142.00", "0.00", "142.00", "0.00"))),
        ("", "GBP"): tuple(map(Decimal, ("80.00", "0.00", "80.00", "0.00"))),
    }


def test_tax_is_in_company_currency_where_the_postings_are() -> None:
    frames = batches.frames()
    pounds = pl.col("item.key") == 6
    book = pl.when(pounds).then(pl.lit(Decimal("92.00"), pl.Decimal(38, 2)))
    single = replace(
        frames,
        postings=_set(frames.postings, "posting.currency", "EUR", where=pounds),
        lines=frames.lines.with_columns(
            book.alias("line.book_gross"), book.alias("line.book_base")
        ),
    )
    total = next(row for row in _view(single).control.tax_codes if row.code == "")
    assert (total.currency, total.gross) == ("EUR", Decimal("234.00"))


def test_types_periods_and_vendors(view: ReviewView) -> None:
    # September: 5000.00 + 119.00 + 214.00 - 23.80 + 92.50 = 5401.70, the refund the other way.
    control = view.control
    assert [
        (group.label, group.currency, group.items, group.amount) for group in control.types
    ] == [
        ("card purchase", "EUR", 3, Decimal("425.50")),
        ("out of pocket", "EUR", 1, Decimal("35.00")),
        ("refund", "EUR", 1, Decimal("-23.80")),
        ("wallet topup", "EUR", 1, Decimal("5000.00")),
        ("card purchase", "GBP", 1, Decimal("80.00")),
    ]
    assert [(group.label, group.currency, group.amount) for group in control.periods] == [
        ("2026-09", "EUR", Decimal("5401.70")),
        ("2026-10", "EUR", Decimal("35.00")),
        ("2026-09", "GBP", Decimal("80.00")),
    ]
    assert [(group.label, group.amount) for group in control.vendors[:2]] == [
        ("Hotel Adlon", Decimal("214.00")),
        ("Office Depot", Decimal("95.20")),
    ]


def test_an_invoice_and_its_payment_count_once_in_every_list() -> None:
    # Item 0 is booked through accounts payable: its invoice (4930 against 70001) and, as voucher
    # 8, its payment (70001 against 1360). It is one item of 119.00 for all that.
    frames = batches.frames()
    first = pl.col("voucher.key") == 1
    last = pl.lit(7).cast(frames.vouchers.schema["voucher.key"]).alias("voucher.key")
    payment = frames.vouchers.filter(first).with_columns(
        last,
        pl.lit("payment").cast(frames.vouchers.schema["voucher.kind"]).alias("voucher.kind"),
        pl.lit(8).cast(frames.vouchers.schema["voucher.number"]).alias("voucher.number"),
    )
    is_cost = pl.col("posting.account") == "4930"
    legs = frames.postings.filter(first)
    account, owing = pl.col("posting.account"), pl.lit("70001").alias("posting.account")
    paid = legs.with_columns(last, pl.when(is_cost).then(owing).otherwise(account))
    owed = legs.with_columns(pl.when(is_cost).then(account).otherwise(owing))
    postings = pl.concat([frames.postings.filter(~first), owed, paid])
    view = _view(replace(frames, vouchers=pl.concat([frames.vouchers, payment]), postings=postings))
    control = view.control
    assert next(row.debit for row in control.accounts if row.account == "70001") == Decimal(
        "119.00"
    )
    assert control.types[0].amount == Decimal("425.50")
    assert control.periods[0].amount == Decimal("5401.70")
    assert (control.vendors[1].label, control.vendors[1].amount) == (
        "Office Depot", Decimal("95.20"),
    )  # fmt: skip
    lists = "@id='types-title' or @id='periods-title' or @id='vendors-title'"
    page = html.document_fromstring(render_report(view))
    assert page.xpath(f"count(//h3[{lists}]/..//th[.='Amount'])") == 3


def test_accounts_that_hold_tax_say_so(view: ReviewView) -> None:
    # 4930 stands at 119.00; the program that gets it with a tax code posts 100.00 and 19.00.
    assert view.control.has_tax_inside
    page = html.document_fromstring(render_report(view))
    # Beside the table, which is moved sideways on a narrow screen.
    (said,) = page.xpath("//div[@aria-labelledby='accounts-title']/preceding-sibling::p[1]/text()")
    assert said.startswith("Costs stand here with their tax; the program posts tax to accounts")
    assert WITH_TAX in [line.text.strip() for line in sums(view, 100)]
    without = replace(view, control=replace(view.control, has_tax_inside=False))
    assert WITH_TAX not in str(sums(without, 100))
    book = openpyxl.load_workbook(io.BytesIO(render_workbook(view)))
    assert [cell.value for cell in book["Accounts"][1]][-1] == WITH_TAX
    frames = batches.frames()
    tax = pl.concat([frames.postings, frames.postings.with_columns(
        pl.lit("tax_in").cast(frames.postings.schema["posting.role"]).alias("posting.role")
    )])  # fmt: skip
    assert not _view(replace(frames, postings=tax)).control.has_tax_inside


def test_a_period_that_is_no_calendar_month_does_not_look_like_one() -> None:
    # March is period 12 of a year from April 2025: "2025-12" would read as December.
    frames = batches.frames()
    year, number = pl.lit(2025).cast(pl.Int32), pl.lit(12).cast(pl.Int8)
    shifted = replace(
        frames,
        vouchers=frames.vouchers.with_columns(
            year.alias("voucher.period.year"), number.alias("voucher.period.number")
        ),
    )
    labels = {group.label for group in _view(shifted).control.periods}
    assert labels == {"2025, period 12"}


def test_costs_by_day_leave_out_what_is_no_cost(view: ReviewView) -> None:
    days = [(day.label, day.amount) for day in view.control.days]
    assert days == [
        ("2026-09-05", Decimal("119.00")),
        ("2026-09-06", Decimal("214.00")),
        ("2026-09-07", Decimal("-23.80")),
        ("2026-09-08", Decimal("92.50")),
        ("2026-10-01", Decimal("35.00")),
    ]


def test_many_days_are_shown_by_month() -> None:
    frames = batches.repeated(15)
    later = pl.col("voucher.date") + pl.duration(days=pl.col("voucher.key") // 11 * 5)
    spread = replace(frames, vouchers=frames.vouchers.with_columns(later.alias("voucher.date")))
    control = _view(spread, batches.repeated_manifest(15)).control
    assert control.days_unit == "month"
    assert [day.label for day in control.days] == ["2026-09", "2026-10", "2026-11", "2026-12"]


def test_every_check_holds(view: ReviewView) -> None:
    assert _failing(view) == []
    assert view.state == "look"
    assert view.headline == "7 of 11 items are in the file"


def test_an_item_that_is_nowhere_fails_the_sheet() -> None:
    manifest = batches.manifest()
    manifest["counts"]["nothing_to_book"] = 0
    view = _view(batches.frames(), manifest)
    assert _failing(view) == ["Every listed item is accounted for"]
    assert (view.state, view.headline) == ("stop", "Do not import this: 1 check failed")


def test_two_errors_that_cancel_out_are_seen_in_the_vouchers() -> None:
    frames = batches.frames()
    expense = pl.col("posting.role") == "expense"
    more = pl.when(expense & (pl.col("item.key") == 0)).then(Decimal("1.00"))
    less = pl.when(expense & (pl.col("item.key") == 3)).then(Decimal("-1.00"))
    shift = pl.coalesce(more, less, pl.lit(Decimal("0.00"))).cast(pl.Decimal(38, 2))
    shifted = replace(
        frames,
        postings=frames.postings.with_columns(
            (pl.col("posting.signed") + shift).alias("posting.signed")
        ),
    )
    assert _failing(_view(shifted)) == ["Every voucher balances by itself"]


def test_tax_that_does_not_make_the_gross_is_named() -> None:
    frames = batches.frames()
    wrong = _set(frames.lines, "line.tax", Decimal("19.01"), where=pl.col("line.key") == 1)
    view = _view(replace(frames, lines=wrong))
    assert [check.detail for check in view.control.checks if not check.holds] == ["not under VSt19"]


@pytest.mark.parametrize("place", ["totals", "files", "both"])
def test_a_total_that_differs_from_the_postings_fails(place: str) -> None:
    manifest = batches.manifest()
    changed = [{"currency": "EUR", "debit": "5484.31", "credit": "5484.30"}]
    if place != "files":
        manifest["totals"] = changed
    if place != "totals":
        manifest["files"][0]["totals"] = changed
    assert _failing(_view(batches.frames(), manifest)) == ["The files add up to the batch"]


def test_a_file_that_was_not_read_back_is_not_to_be_imported() -> None:
    manifest = batches.manifest()
    manifest["read_back"] = {"ok": False, "rows": 7}
    view = _view(batches.frames(), manifest)
    assert _failing(view) == ["The files were read back and match"]
    assert view.state == "stop"


def test_an_empty_batch_has_nothing_to_import() -> None:
    manifest = batches.manifest()
    manifest.update(counts={}, totals=[], files=[], items=[])
    view = make_view(manifest, batches.nothing(), files={})
    assert (view.state, view.headline) == ("good", "Nothing to import")
    assert view.control.accounts == ()
