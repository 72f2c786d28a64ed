"""Row rules: each has its smallest accept and reject; amounts then stand in voucher currency."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from etl.frames import CHECKED_ITEMS, CHECKED_LINES, schema
from etl.items import CompanyFacts, check
from tests.unit.items.elements import (
    COMPANY,
    DROP,
    PLAIN,
    SAMPLE,
    SPLIT,
    all_codes,
    checked,
    numbered,
    put,
    read,
    sample,
)  # fmt: skip

USD_REVERSE, USD_INVOICE = 2, 15


def amounts(item: dict[str, Any], path: str, *, wallet: int, supplier: int | None = None) -> None:
    put(item, f"{path}.inWalletCurrency.value", wallet)
    put(item, f"{path}.inSupplierCurrency.value", wallet if supplier is None else supplier)


def one_line(
    *, kind: str | None, gross: int, net: int, tax: int, header: int | None = None
) -> dict[str, Any]:
    item = sample()
    amounts(item, "amount", wallet=gross if header is None else header)
    line = "accountingEntryLines.0"
    amounts(item, f"{line}.lineAmount", wallet=gross)
    amounts(item, f"{line}.netAmount", wallet=net)
    if kind is None:
        put(item, f"{line}.tax", None)
    else:
        amounts(item, f"{line}.tax.amount", wallet=tax)
        put(item, f"{line}.tax.type", kind)
    return item


def in_currency(item: dict[str, Any], code: str, side: str) -> dict[str, Any]:
    """Put every amount of an item into a currency, on one side."""

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == side:
                    inner["currency"] = code
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(item)
    return item


def test_the_sample_passes() -> None:
    result = checked(*SAMPLE)
    assert result.items.height == len(SAMPLE)
    assert result.items.columns == list(schema(CHECKED_ITEMS))
    assert result.lines.columns == list(schema(CHECKED_LINES))
    assert result.rejections.is_empty()
    assert result.notes.is_empty()


@pytest.mark.parametrize(
    ("kind", "gross", "net", "tax", "base"),
    [
        ("inclusive", 11900, 11900, 1900, "100.00"),
        ("exclusive", 11900, 10000, 1900, "100.00"),
        ("exclusive", -11900, -10000, -1900, "-100.00"),
        ("inclusive", -119, -119, -19, "-1.00"),
        ("reverse", 10000, 10000, 1900, "100.00"),
        ("reverse", 10000, 7, 1900, "100.00"),
        ("inclusive", 500, 500, 0, "5.00"),
        ("inclusive", 500, 500, 500, "0.00"),
        ("inclusive", 0, 0, 0, "0.00"),
        (None, 1600, 1600, 0, "16.00"),
        (None, 1600, 3, 0, "16.00"),
    ],
)
def test_gross_base_and_tax(kind: str | None, gross: int, net: int, tax: int, base: str) -> None:
    result = checked(one_line(kind=kind, gross=gross, net=net, tax=tax))
    row = result.lines.row(0, named=True)
    assert row["line.gross"] == Decimal(gross).scaleb(-2)
    assert row["line.base"] == Decimal(base)
    assert row["line.tax"] == Decimal(tax).scaleb(-2)


@pytest.mark.parametrize(
    ("kind", "gross", "net", "tax", "codes"),
    [
        ("inclusive", 11900, 10000, 1900, ["ITEM-14"]),
        ("inclusive", 11900, 11899, 1900, ["ITEM-14"]),
        ("exclusive", 11900, 11900, 1900, ["ITEM-14"]),
        ("exclusive", 11900, 10001, 1900, ["ITEM-14"]),
        ("inclusive", 11900, 11900, -1900, ["ITEM-18"]),
        ("inclusive", -11900, -11900, 1900, ["ITEM-18"]),
        ("inclusive", 100, 100, 101, ["ITEM-18"]),
        ("inclusive", 0, 0, 1, ["ITEM-18"]),
        ("reverse", 100, 100, -19, ["ITEM-18"]),
        ("exclusive", 100, 0, 101, ["ITEM-14", "ITEM-18"]),
    ],
)
def test_tax_that_does_not_fit(kind: str, gross: int, net: int, tax: int, codes: list[str]) -> None:
    item = one_line(kind=kind, gross=gross, net=net, tax=tax)
    ingested = read(item, SAMPLE[SPLIT])
    result = check(ingested, COMPANY)
    assert result.rejections["code"].to_list() == codes
    assert set(result.rejections["line"]) == {1}
    assert result.rejections["failure_type"].unique().to_list() == ["validation_failure"]
    assert result.items["item.id"].to_list() == [SAMPLE[SPLIT]["accountingEntryId"]]
    assert set(result.lines["item.key"]) == set(result.items["item.key"])


def test_lines_that_do_not_add_up_by_one_hundredth() -> None:
    item = sample(SPLIT)
    put(item, "amount.inWalletCurrency.value", 16651)
    (rejection,) = checked(item).rejections.to_dicts()
    assert rejection["code"] == "ITEM-13"
    assert rejection["message"] == "the lines add up to 166.50 EUR, the item says 166.51"


def test_supplier_amounts_must_add_up_for_invoices_only() -> None:
    invoice, purchase = sample(USD_INVOICE), sample(USD_REVERSE)
    for item in (invoice, purchase):
        item["amount"]["inSupplierCurrency"]["value"] += 1
    assert all_codes(invoice) == ["ITEM-13"]
    assert all_codes(purchase) == []


def test_an_item_of_another_company_is_rejected_alone() -> None:
    other = sample(SPLIT, companyId="f2c4e6a8-1b3d-4f5a-9c7e-0d2b4f6a8c11")
    own = sample(PLAIN, companyId=COMPANY.id.upper())
    result = checked(own, other)
    assert result.rejections["code"].to_list() == ["ITEM-12"]
    assert result.items.height == 1


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2026-03-14T22:59:59Z", dt.date(2026, 3, 14)),
        ("2026-03-14T23:00:00Z", dt.date(2026, 3, 15)),
        ("2026-03-14T00:00:00Z", dt.date(2026, 3, 14)),
        ("2026-06-30T22:00:00.000Z", dt.date(2026, 7, 1)),
        ("2026-06-30T23:30:00-05:00", dt.date(2026, 7, 1)),
        ("2026-03-14", dt.date(2026, 3, 14)),
    ],
)
def test_the_date_is_that_of_the_company(date: str, expected: dt.date) -> None:
    assert checked(sample(date=date)).items["item.date"].item() == expected


@pytest.mark.parametrize(
    ("date", "code"),
    [
        ("", "ITEM-8"), ("soon", "ITEM-8"), ("2026-02-30T00:00:00Z", "ITEM-8"),
        ("2026-03-14T10:00:00", "ITEM-8"), ("14.03.2026", "ITEM-8"), ("٢٠٢٦-٠٣-١٤", "ITEM-8"),
        ("1999-12-31T00:00:00Z", "ITEM-9"), ("2100-01-01T00:00:00Z", "ITEM-9"),
        ("0001-01-01T00:00:00Z", "ITEM-9"), ("9999-12-31T23:30:00Z", "ITEM-9"),
    ],
)  # fmt: skip
def test_a_date_that_is_none_or_out_of_range(date: str, code: str) -> None:
    assert all_codes(sample(date=date), SAMPLE[SPLIT]) == [code]


def test_an_invoice_date_out_of_range() -> None:
    item = sample(USD_INVOICE)
    put(item, "additionalInformation.invoiceInformation.dueDate", "2206-01-01")
    assert all_codes(item) == ["ITEM-9"]


@pytest.mark.parametrize("code", ["UNDEFINED", "XXX", "XAU", "eur", "EURO", "", "ZZZ"])
@pytest.mark.parametrize("side", ["inWalletCurrency", "inSupplierCurrency"])
def test_a_currency_that_is_not_known(code: str, side: str) -> None:
    assert set(all_codes(in_currency(sample(), code, side))) == {"ITEM-15"}


@pytest.mark.parametrize("code", ["JPY", "KWD", "CLF", "ISK"])
def test_a_wallet_without_two_decimals_needs_a_setting(code: str) -> None:
    item = in_currency(sample(), code, "inWalletCurrency")
    (rejection,) = checked(item).rejections.to_dicts()
    assert rejection["code"] == "ITEM-16"
    assert '"amounts_in_hundredths" in the mapping' in rejection["fix"]
    allowed = checked(item, amounts_in_hundredths=[code])
    assert allowed.rejections.is_empty()
    assert allowed.items["item.amount"].item() == Decimal("119.00")


def test_a_supplier_without_two_decimals_hides_the_other_amount() -> None:
    item = in_currency(sample(), "JPY", "inSupplierCurrency")
    result = checked(item)
    row = result.items.row(0, named=True)
    assert row["item.amount"] == Decimal("119.00")
    assert row["item.original_amount"] is None
    assert row["item.original_currency"] is None
    assert result.lines["line.original_gross"].item() is None
    assert result.notes["code"].to_list() == ["ITEM-OTHER"]
    shown = checked(item, amounts_in_hundredths=["JPY"])
    assert shown.items["item.original_amount"].item() == Decimal("119.00")
    assert shown.notes.is_empty()


@pytest.mark.parametrize("part", ["lineAmount", "netAmount", "tax.amount"])
@pytest.mark.parametrize("side", ["inWalletCurrency", "inSupplierCurrency"])
def test_a_line_in_another_currency_than_its_item(part: str, side: str) -> None:
    item = sample(SPLIT)
    put(item, f"accountingEntryLines.1.{part}.{side}.currency", "SEK")
    (rejection,) = checked(item).rejections.to_dicts()
    assert (rejection["code"], rejection["line"]) == ("ITEM-17", 2)


def test_voucher_currency_is_the_wallet_but_for_invoices() -> None:
    items = checked(SAMPLE[USD_REVERSE], SAMPLE[USD_INVOICE]).items.sort("item.type")
    assert items.select(
        "item.type", "item.amount", "item.currency", "item.original_amount",
        "item.original_currency",
    ).rows() == [
        ("card_purchase", Decimal("102.34"), "EUR", Decimal("119.00"), "USD"),
        ("invoice", Decimal("1250.00"), "USD", Decimal("1075.00"), "EUR"),
    ]  # fmt: skip


BOOKED = ("line.book_gross", "line.book_base", "line.book_tax")
OTHER = ("line.original_gross", "line.original_base", "line.original_tax")


@pytest.mark.parametrize(
    ("company_currency", "book"),
    [
        ("EUR", ("860.00", "860.00", "163.40")),
        ("USD", ("1000.00", "1000.00", "190.00")),
        ("SEK", (None, None, None)),
    ],
)
def test_book_amounts_are_those_in_company_currency(
    company_currency: str, book: tuple[str | None, ...]
) -> None:
    company = CompanyFacts(COMPANY.id, COMPANY.time_zone, company_currency)
    lines = check(read(SAMPLE[USD_INVOICE]), company).lines.sort("line.number")
    decimals = tuple(None if text is None else Decimal(text) for text in book)
    assert lines.select(BOOKED).row(0) == decimals
    other = (Decimal("860.00"), Decimal("860.00"), Decimal("163.40"))
    assert lines.select(OTHER).row(0) == other


def test_reading_and_checking_find_everything_at_once() -> None:
    item = sample(type="overdraft", companyId="f2c4e6a8-1b3d-4f5a-9c7e-0d2b4f6a8c11", date="soon")
    put(item, "amount.inWalletCurrency.value", 1)
    put(item, "accountingEntryLines.0.tax.type", "partial")
    assert sorted(all_codes(item)) == ["ITEM-12", "ITEM-13", "ITEM-4", "ITEM-6", "ITEM-8"]


def test_accepted_and_rejected_make_what_was_listed() -> None:
    items = numbered([SAMPLE[0]] * 200)
    for number in range(0, 200, 7):
        items[number] = items[number] | {"companyId": "other"}
    items += [b"{"]  # type: ignore[list-item]
    ingested = read(*items)
    result = check(ingested, COMPANY)
    rejected = pl.concat([ingested.rejections, result.rejections])["item.key"].n_unique()
    assert result.items.height + rejected == ingested.listed == 201


def test_the_largest_amounts_add_up_exactly() -> None:
    item = sample(SPLIT)
    put(item, "accountingEntryLines", [])
    for _ in range(50):
        line = one_line(kind=None, gross=10**15, net=10**15, tax=0)["accountingEntryLines"][0]
        item["accountingEntryLines"].append(line)
    put(item, "accountingEntryLines.0.accountingEntryLineId", DROP)
    amounts(item, "amount", wallet=10**15)
    assert all_codes(item) == ["ITEM-13"]
    (message,) = checked(item).rejections["message"]
    assert "500000000000000.00" in message
