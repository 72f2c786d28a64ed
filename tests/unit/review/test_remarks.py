"""What the review remarks by itself: missing receipts, large items, invoices that stand twice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl

from etl.review import find_remarks, make_view
from etl.review.columns import ITEM_COLUMNS
from tests.unit.review import batches


def _items(*rows: dict[str, Any]) -> pl.DataFrame:
    names = tuple(ITEM_COLUMNS)
    return pl.DataFrame(
        [tuple(row.get(name) for name in names) for row in rows],
        schema=dict(ITEM_COLUMNS),
        orient="row",
    )


def _codes(*rows: dict[str, Any]) -> list[tuple[int, str]]:
    return sorted(find_remarks(_items(*rows)).select("item.key", "code").rows())


def _with_receipt(key: int, type_: str, amount: str, **more: Any) -> dict[str, Any]:
    return batches.item(key, type_, amount, attachments=["receipt.pdf"], **more)


def test_a_purchase_without_receipt_is_remarked() -> None:
    bare = batches.item(0, "card_purchase", "10.00", attachments=None)
    empty = batches.item(1, "out_of_pocket", "10.00")
    assert _codes(bare, empty, _with_receipt(2, "invoice", "10.00")) == [
        (0, "REV-1"), (1, "REV-1"),
    ]  # fmt: skip


def test_items_that_have_no_receipt_by_nature_are_not_remarked() -> None:
    types = ("wallet_topup", "mileage", "per_diem", "fee", "cashback", "direct_reimbursement")
    assert _codes(*(batches.item(at, name, "10.00") for at, name in enumerate(types))) == []


def test_items_without_attached_files_are_not_judged() -> None:
    items = _items(batches.item(0, "card_purchase", "10.00")).drop("item.attachments")
    assert find_remarks(items).is_empty()


def test_ten_times_the_median_of_its_type_is_large() -> None:
    usual = [_with_receipt(at, "fee", amount) for at, amount in enumerate(["9.00"] * 4)]
    assert _codes(*usual, _with_receipt(9, "fee", "90.00")) == [(9, "REV-2")]
    assert _codes(*usual, _with_receipt(9, "fee", "89.99")) == []
    assert _codes(*usual, _with_receipt(9, "fee", "-90.00")) == [(9, "REV-2")]


def test_too_few_items_make_no_median() -> None:
    usual = [_with_receipt(at, "fee", "9.00") for at in range(3)]
    assert _codes(*usual, _with_receipt(9, "fee", "90000.00")) == []


def test_currencies_and_types_are_compared_apart() -> None:
    usual = [_with_receipt(at, "fee", "9.00") for at in range(4)]
    yen = _with_receipt(8, "fee", "9000.00", currency="JPY")
    topup = _with_receipt(9, "wallet_topup", "9000.00")
    assert _codes(*usual, yen, topup) == []


def test_the_remark_names_both_amounts() -> None:
    usual = [_with_receipt(at, "fee", "9.00") for at in range(4)]
    found = find_remarks(_items(*usual, _with_receipt(9, "fee", "90.00")))
    assert found["detail"].to_list() == [
        "EUR 90.00 is at least 10 times the median of its type (EUR 9.00)"
    ]


def test_the_same_invoice_number_of_one_supplier_is_remarked_on_both() -> None:
    shared = {"invoice__number": "R-1", "supplier__name": "Office Depot"}
    other = {"invoice__number": "R-1", "supplier__name": "Hotel Adlon"}
    assert _codes(
        _with_receipt(0, "invoice", "10.00", **shared),
        _with_receipt(1, "invoice", "10.00", **{**shared, "supplier__name": "OFFICE DEPOT"}),
        _with_receipt(2, "invoice", "10.00", **other),
        _with_receipt(3, "invoice_payment", "10.00", **shared),
        _with_receipt(4, "invoice", "10.00", supplier__name="Office Depot"),
    ) == [(0, "REV-3"), (1, "REV-3")]


def test_a_payment_and_its_return_name_one_invoice() -> None:
    shared = {"invoice__number": "R-1", "supplier__name": "Office Depot"}
    sent = _with_receipt(0, "invoice_payment", "10.00", sub_type="invoice_payment_sent", **shared)
    back = {"sub_type": "invoice_payment_returned", **shared}
    assert _codes(sent, _with_receipt(1, "invoice_payment", "-10.00", **back)) == []


def test_remarks_stand_in_the_view_once_even_if_the_notes_have_them() -> None:
    frames = batches.frames()
    own = find_remarks(frames.items).filter(pl.col("item.key") == 3)
    assert own["code"].to_list() == ["REV-1"]
    given = own.with_columns(pl.lit("the receipt was lost, says Ada").alias("detail"))
    noted = replace(frames, notes=pl.concat([frames.notes, given]))
    for batch, detail in ((frames, ""), (noted, "the receipt was lost, says Ada")):
        view = make_view(batches.manifest(), batch, files=batches.files())
        group = next(group for group in view.notes if group.code == "REV-1")
        assert (group.count, group.concerned[0].amount) == (1, Decimal("92.50"))
        assert group.concerned[0].detail == detail
