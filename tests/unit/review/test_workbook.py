"""The control sheet as a workbook, read by two readers that are not ours."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastexcel
import openpyxl
import pytest

from etl.pipeline import Request, convert
from etl.review import ReviewView, make_view
from etl.review.workbook import render_workbook
from tests.unit.review import batches

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def view() -> ReviewView:
    request = Request(
        sources=[str(ROOT / "sample_data" / "items.json")],
        template="datev-extf",
        mapping=ROOT / "mappings" / "example.yaml",
        parameters={"consultant_number": "1001", "client_number": "42"},
    )
    return convert(request).view


def rows_of(book: bytes, sheet: str) -> list[dict[str, Any]]:
    head, *rows = openpyxl.load_workbook(io.BytesIO(book))[sheet].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_first_sheet_says_whether_it_adds_up(view: ReviewView) -> None:
    rows = rows_of(render_workbook(view), "Control")
    answers = {row["Question"]: row["Answer"] for row in rows}
    parts = ("In the file", "Rejected", "Already booked", "Nothing to book", "Skipped")
    assert answers["Listed by Pleo"] == 31 == sum(answers[part] for part in parts)
    assert answers["Every listed item is accounted for"] == "holds"


def test_accounts_add_up_to_nothing_and_wallets_are_the_wallet_account(view: ReviewView) -> None:
    accounts = rows_of(render_workbook(view), "Accounts")
    for currency in ("EUR", "USD"):
        balances = [row["Balance"] for row in accounts if row["Currency"] == currency]
        assert sum(Decimal(str(balance)) for balance in balances) == 0
    (wallet,) = rows_of(render_workbook(view), "Wallets")
    (account,) = [row for row in accounts if row["Account"] == wallet["Account"]]
    assert wallet["Movement"] == account["Balance"] == 1752.15


def test_remarks_and_rejections_name_their_items(view: ReviewView) -> None:
    book = render_workbook(view)
    assert {row["Remark"] for row in rows_of(book, "To look at")} == {
        note.code for note in view.notes
    }
    (rejected,) = rows_of(book, "Rejected")
    assert all(rejected[head] for head in ("Item id", "Cure", "Reason"))


def test_nothing_runs_and_text_stays_text(view: ReviewView) -> None:
    hostile = ("=1+1", "@SUM(A1)", "+49 30 1234", "https://example.com/", "00123", "\uff1d1+1")
    notes = tuple(replace(view.notes[0], meaning=text) for text in hostile)
    book = render_workbook(replace(view, notes=notes))
    sheet = openpyxl.load_workbook(io.BytesIO(book))["To look at"]
    meanings = list(sheet["B"][1:])
    assert {cell.data_type for cell in meanings} == {"s"}
    shown = dict.fromkeys(cell.value for cell in meanings)
    assert list(shown) == [
        "'=1+1", "'@SUM(A1)", "'+49 30 1234", "https://example.com/", "00123", "'\uff1d1+1",
    ]  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(book)) as members:
        everything = b"".join(members.read(name) for name in members.namelist())
    assert b"<f>" not in everything
    assert b"<hyperlink " not in everything


def test_an_amount_that_a_spreadsheet_would_round_stays_text(view: ReviewView) -> None:
    long = Decimal("12345678901234567.89")
    totals = (replace(view.control.totals[0], debit=long),)
    book = render_workbook(replace(view, control=replace(view.control, totals=totals)))
    assert rows_of(book, "Totals")[0]["Debit"] == "12345678901234567.89"


def test_the_same_review_gives_the_same_bytes(view: ReviewView) -> None:
    assert render_workbook(view) == render_workbook(view)


def test_sheets_without_rows_are_left_out_and_another_reader_opens_it(view: ReviewView) -> None:
    names = fastexcel.read_excel(render_workbook(replace(view, cures=(), aside=()))).sheet_names
    assert names[0] == "Control"
    assert not {"Rejected", "Not booked here"} & set(names)


def test_what_is_not_booked_here_is_listed_with_why() -> None:
    by_hand = make_view(batches.manifest(), batches.frames(), files=batches.files())
    (row,) = rows_of(render_workbook(by_hand), "Not booked here")
    assert (row["Kind"], row["Item"], row["Item id"]) == (
        "Nothing to book", "personal spend", "0000000a-aaaa-4bbb-8ccc-dddddddddddd",
    )  # fmt: skip
    assert row["Why"].startswith("Every posting of them would be zero")


def test_rejections_say_who_can_cure_them(view: ReviewView) -> None:
    cured = {row["Cured"] for row in rows_of(render_workbook(view), "Rejected")}
    assert cured == {"In Pleo, by the employee or whoever codes the expense"}


def test_the_accounts_stand_in_the_books_currency_too_and_days_have_a_sheet(
    view: ReviewView,
) -> None:
    book = render_workbook(view)
    accounts = {(row["Account"], row["Currency"]): row for row in rows_of(book, "Accounts")}
    # 1000.00 USD at the rate of Pleo: 860.00 EUR
    assert accounts["4964", "USD"]["Balance in EUR"] == 860.00
    days = rows_of(book, "Days")
    assert sum(row["Costs"] for row in days) == pytest.approx(
        sum(float(day.amount) for day in view.control.days)
    )


def test_vendors_that_are_left_out_are_counted(view: ReviewView) -> None:
    control = replace(view.control, vendors_left_out=7)
    last = rows_of(render_workbook(replace(view, control=control)), "Vendors")[-1]
    assert last["Vendor"] == "and 7 more with smaller amounts"
