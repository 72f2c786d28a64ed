"""Vouchers on the page: the export item beside its postings, and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import polars as pl
from lxml import html

from etl.review import ReviewView, make_view, render_report
from etl.review.model import PostingRow, Reason, Voucher
from etl.review.vouchers import MAX_FULL_OF_LONG
from tests.unit.review import batches


def _named(view: ReviewView, title: str) -> Voucher:
    return next(voucher for voucher in view.vouchers.full if voucher.source.title == title)


def _legs() -> ReviewView:
    return make_view(
        batches.manifest(), batches.frames(), files=batches.files(), rules=batches.RULES
    )


def test_vouchers_stand_in_the_order_of_their_numbers(view: ReviewView) -> None:
    assert [voucher.number for voucher in view.vouchers.full] == [1, 2, 3, 4, 5, 6, 7]


def test_the_export_item_stands_beside_its_postings(view: ReviewView) -> None:
    voucher = _named(view, "Office Depot")
    source = voucher.source
    assert (source.person, source.note) == ("Ada Berg", "Druckerpapier & Toner")
    assert source.receipts == ("rec-0000_01.pdf",)
    (line,) = source.lines
    assert (line.account, line.tax, line.tags) == (
        "4930 Office supplies", "VSt19 19 % inclusive", "PROJECT: P-7",
    )  # fmt: skip


def test_legs_have_a_debit_or_a_credit() -> None:
    rows = _named(_legs(), "Hotel Adlon").postings
    assert [(row.account, row.debit, row.credit, row.tax_code) for row in rows] == [
        ("4666", Decimal("107.00"), None, "VSt7"),
        ("4670", Decimal("107.00"), None, ""),
        ("1360", None, Decimal("214.00"), ""),
    ]


def test_a_pair_names_its_contra_account() -> None:
    view = make_view(batches.manifest(), batches.frames("pair"), files=batches.files())
    (row,) = _named(view, "Office Depot").postings
    assert isinstance(row, PostingRow)
    assert (row.contra_account, row.contra_name) == ("1360", "Pleo Wallet EUR")


def test_net_and_tax_stand_in_the_row_where_the_file_has_them() -> None:
    # 119.00 is 100.00 + 19.00; the taxi has no tax, so it shows no net either.
    frames = batches.frames("pair")
    taxed = pl.col("posting.account") == "4930"
    tax = pl.when(taxed).then(pl.col("posting.amount") * Decimal("0.19") / Decimal("1.19"))
    tax = tax.otherwise(Decimal("0.00")).round(2).cast(pl.Decimal(38, 2))
    split = replace(
        frames,
        postings=frames.postings.with_columns(
            tax.alias("posting.tax"), (pl.col("posting.amount") - tax).alias("posting.net")
        ),
    )
    view = make_view(batches.manifest(), split, files=batches.files())
    (depot,) = _named(view, "Office Depot").postings
    (taxi,) = _named(view, "Taxi Berlin").postings
    assert (depot.debit, depot.net, depot.tax) == tuple(map(Decimal, ("119", "100", "19")))
    assert (taxi.net, taxi.tax) == (None, None)
    page = html.document_fromstring(render_report(view))
    notes = page.xpath("//div[@class='postings']//small[span[@class='amount']]")
    assert [note.text_content() for note in notes] == [
        "net 100.00 + tax 19.00",
        "net 20.00 + tax 3.80",
    ]


def test_gross_alone_is_shown_where_the_file_has_it_alone(view: ReviewView) -> None:
    assert all(row.tax is None for row in _named(view, "Office Depot").postings)


def test_a_moved_date_shows_where_it_came_from(view: ReviewView) -> None:
    taxi = _named(view, "Taxi Berlin")
    assert (taxi.date, taxi.moved_from) == (dt.date(2026, 10, 1), dt.date(2026, 9, 30))
    assert _named(view, "Office Depot").moved_from is None


def test_each_account_says_which_rule_and_table_row_gave_it() -> None:
    assert _named(_legs(), "Office Depot").reasons == (
        Reason(
            "expense",
            "4930",
            "account from table accounts by line.account.code",
            "mappings/acme.yaml:12, accounts.csv row 14",
        ),
        Reason("wallet", "1360", "use item.contra_account.code", "mappings/acme.yaml:17"),
        Reason("tax code", "VSt19", "use line.tax.code", "mappings/acme.yaml:22"),
    )


def test_an_account_that_the_voucher_does_not_use_is_not_explained() -> None:
    targets = [reason.target for reason in _named(_legs(), "Taxi Berlin").reasons]
    assert targets == ["expense", "out of pocket", "tax code"]


def test_a_role_without_account_is_not_explained() -> None:
    frames = batches.frames()
    rule = pl.lit(2, pl.UInt16).alias("rule.account.tax_in")
    view = make_view(
        batches.manifest(),
        replace(frames, lines=frames.lines.with_columns(rule)),
        files=batches.files(),
        rules=batches.RULES,
    )
    targets = [reason.target for reason in _named(view, "Office Depot").reasons]
    assert targets == ["expense", "wallet", "tax code"]


def test_the_lines_of_the_file_are_named_and_linked(view: ReviewView) -> None:
    (part,) = _named(view, "Hotel Adlon").rows
    assert part.file == "EXTF_Pleo_1_1.csv"
    assert part.rows == ((3, "file-1-line-3"), (4, "file-1-line-4"))


def test_the_lines_may_be_given_as_a_frame() -> None:
    rows = pl.DataFrame(
        [(1, "EXTF_Pleo_1_1.csv", 3), (1, "EXTF_Pleo_1_1.csv", 400), (0, "other.csv", 2)],
        schema={"item.key": pl.UInt32, "file": pl.String, "row": pl.Int64},
        orient="row",
    )
    view = make_view(batches.manifest(), batches.frames(), files=batches.files(), rows=rows)
    (part,) = _named(view, "Hotel Adlon").rows
    assert part.rows == ((3, "file-1-line-3"), (400, None))
    assert _named(view, "Office Depot").rows[0].rows == ((2, None),)
    assert _named(view, "Cloud Inc").rows == ()


def test_an_unconfirmed_posting_rule_is_told(view: ReviewView) -> None:
    confirmed = {voucher.number: voucher.rule_confirmed for voucher in view.vouchers.full}
    assert [number for number, is_confirmed in confirmed.items() if not is_confirmed] == [4]


def test_a_long_batch_shows_vouchers_with_remarks_in_full_and_the_rest_in_a_line() -> None:
    view = make_view(batches.repeated_manifest(200), batches.repeated(200), files={})
    vouchers = view.vouchers
    assert len(vouchers.full) == MAX_FULL_OF_LONG
    assert len(vouchers.full) + len(vouchers.brief) + vouchers.left_out == 1400
    assert all(voucher.note_codes for voucher in vouchers.full)
    assert vouchers.brief[0].account == "1360"
    assert vouchers.brief[0].total == Decimal("5000.00")


def test_a_batch_of_a_hundred_thousand_items_keeps_a_small_page() -> None:
    view = make_view(batches.repeated_manifest(2000), batches.repeated(2000), files={})
    vouchers = view.vouchers
    assert (len(vouchers.full), len(vouchers.brief)) == (MAX_FULL_OF_LONG, 1000)
    assert vouchers.left_out == 14_000 - MAX_FULL_OF_LONG - 1000
