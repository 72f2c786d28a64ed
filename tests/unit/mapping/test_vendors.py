"""Vendor resolution (R48 to R52, C1, C2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from etl.mapping import Mapped
from tests.unit.mapping.written import codes, load, mapped, value

TEXT = """map:
  account.expense: [{use: "1"}]
  account.wallet: [{use: "1360"}]
  account.payable: [{use: "{{ voucher.vendor.code }}"}]
"""
VENDORS = """vendor_external_id,vendor_code,name,tax_registration_number,active,vendor_account
x1,70001,One,DE 111,yes,K1
x2,70002,Two,DE222,yes,
x3,,Three,DE333,yes,
x4,70004,Four,DE444,no,
x5,70005,Five A,SAME,yes,
x6,70006,Five B,SAME,yes,
x7,70007,Seven,DE444,yes,
70002,70008,Eight,,yes,
"""


def resolve(folder: Path, listed: bool, more: str = "", **item: Any) -> Mapped:
    if listed:
        mapping = load(folder, "reference: ref\n" + more + TEXT, ref__vendors_csv=VENDORS)
    else:
        mapping = load(folder, more + TEXT)
    needs = ("expense", "wallet", "payable")
    fields = {name.replace("__", "."): value for name, value in item.items()}
    return mapped(mapping, {"item.method": "accounts_payable", "needs": needs} | fields)


@pytest.mark.parametrize(
    ("item", "found"),
    [
        # vendor: code, then external id, then tax id
        ({"item__vendor__code": "70001", "item__vendor__external_id": "x2"}, "70001"),
        ({"item__vendor__code": "none", "item__vendor__external_id": "x2"}, "70002"),
        ({"item__vendor__external_id": "x3"}, "x3"),
        ({"item__vendor__tax_id": "de111"}, "70001"),
        ({"item__vendor__tax_id": "DE 22 2"}, "70002"),
        # a vendor's code is no external id
        ({"item__vendor__code": "x1"}, None),
        # several hits count as none, and the next key decides
        ({"item__vendor__tax_id": "SAME"}, None),
        # vendor present: the supplier is ignored
        ({"item__vendor__name": "Nobody", "item__supplier__code": "70001"}, None),
        # supplier: code (number or external id), then account, then tax id
        ({"item__supplier__code": "70001"}, "70001"),
        ({"item__supplier__code": "x2"}, "70002"),
        ({"item__supplier__code": "?", "item__supplier__account": "K1"}, "70001"),
        ({"item__supplier__account": "70006"}, "70006"),
        ({"item__supplier__tax_id": "DE333"}, "x3"),
        ({"item__supplier__code": "?", "item__supplier__tax_id": "DE111"}, "70001"),
        # the number of one vendor and the external id of another: two hits
        ({"item__supplier__code": "70002"}, None),
        # an active vendor beside a blocked one with the same tax id is the one hit
        ({"item__vendor__tax_id": "DE444"}, "70007"),
        ({}, None),
    ],
)
def test_with_a_list(tmp_path: Path, item: dict[str, Any], found: str | None) -> None:
    result = resolve(tmp_path, True, **item)
    if found is None:
        assert codes(result) == [("MAP-26", None, "vendor_unknown")]
    else:
        assert result.rejections.is_empty()
        assert result.items["voucher.vendor.code"].to_list() == [found]
        assert value(result, "account.payable") == [found]


def test_name_and_tax_id_come_from_the_list(tmp_path: Path) -> None:
    result = resolve(tmp_path, True, item__vendor__code="70001", item__vendor__name="Uno")
    assert result.items.select("voucher.vendor.name", "voucher.vendor.tax_id").row(0) == (
        "One",
        "DE 111",
    )


def test_a_blocked_vendor_decides(tmp_path: Path) -> None:
    result = resolve(tmp_path, True, item__vendor__code="70004", item__vendor__tax_id="DE111")
    assert codes(result) == [("MAP-27", None, "vendor_unknown")]
    assert 'vendor code "70004"' in result.rejections["message"][0]


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ({"item__vendor__code": "7", "item__vendor__external_id": "x"}, "7"),
        ({"item__vendor__external_id": "x"}, "x"),
        ({"item__supplier__code": "8", "item__supplier__account": "9"}, "8"),
        ({"item__supplier__account": "9"}, "9"),
        ({"item__vendor__tax_id": "DE1", "item__supplier__code": "8"}, None),
        ({"item__supplier__tax_id": "DE1"}, None),
    ],
)
def test_without_a_list_the_code_is_taken_as_sent(
    tmp_path: Path, item: dict[str, Any], found: str | None
) -> None:
    result = resolve(tmp_path, False, **item)
    assert result.items["voucher.vendor.code"].to_list() == ([found] if found else [])
    assert result.rejections.height == (found is None)


def test_what_was_looked_for_is_said(tmp_path: Path) -> None:
    result = resolve(tmp_path, True, item__supplier__name="Cafe", item__supplier__code="9")
    assert result.rejections["message"][0] == (
        'no single vendor is found for supplier name "Cafe", supplier code "9"'
    )
    nobody = resolve(tmp_path, True)
    assert "the item has no vendor" in nobody.rejections["message"][0]


def test_the_fallback_is_used_and_noted(tmp_path: Path) -> None:
    result = resolve(tmp_path, True, 'fallback_payable: "1600"\n', item__vendor__name="Nobody")
    assert result.rejections.is_empty()
    assert value(result, "account.payable") == ["1600"]
    assert result.items["voucher.vendor.code"].to_list() == [None]
    assert result.notes.select("code", "detail").row(0) == (
        "MAP-VENDOR-FALLBACK",
        'vendor not known (vendor name "Nobody"), posted on fallback account 1600',
    )


def test_the_fallback_is_for_accounts_payable_only(tmp_path: Path) -> None:
    result = resolve(tmp_path, True, 'fallback_payable: "1600"\n', item__method="journal")
    assert codes(result) == [("MAP-22", 1, "missing_configuration")]


def test_the_fallback_needs_no_rules_for_payable(tmp_path: Path) -> None:
    text = 'fallback_payable: "1600"\n' + TEXT[: TEXT.index("  account.payable")]
    item = {"item.method": "accounts_payable", "needs": ("expense", "payable")}
    known = mapped(load(tmp_path, text), item | {"item.vendor.code": "7"})
    assert codes(known) == [("MAP-22", 1, "missing_configuration")]
    assert known.rejections["where"][0] == "acme.yaml:3:1"
    unknown = mapped(load(tmp_path, text), item)
    assert value(unknown, "account.payable") == ["1600"]
    rule = load(tmp_path, text).rules[unknown.lines["rule.account.payable"][0]]
    assert (rule.text, str(rule.place)) == ("fallback_payable: 1600", "acme.yaml:2:19")


def test_under_journal_a_vendor_is_optional(tmp_path: Path) -> None:
    mapping = load(tmp_path, "reference: ref\n" + TEXT, ref__vendors_csv=VENDORS)
    result = mapped(mapping, {}, {"item.vendor.code": "70001"}, {"item.supplier.code": "zzz"})
    assert result.rejections.is_empty()
    assert result.items["voucher.vendor.code"].to_list() == [None, "70001", None]


def test_what_an_employee_paid_is_owed_to_the_employee(tmp_path: Path) -> None:
    item = {"item__type": "out_of_pocket", "item__supplier__code": "70001"}
    result = resolve(tmp_path, True, **item, item__user__code="70002x")
    assert codes(result) == [("MAP-26", None, "vendor_unknown")]
    assert 'employee code "70002x"' in result.rejections["message"][0]
    result = resolve(tmp_path, True, **item, item__user__code="70005")
    assert value(result, "account.payable") == ["70005"]
    result = resolve(tmp_path, False, **item, item__user__code="E-1")
    assert value(result, "account.payable") == ["E-1"]


def test_where_nothing_is_payable_no_vendor_is_asked_for(tmp_path: Path) -> None:
    item = {"item.method": "accounts_payable", "needs": ("wallet",)}
    assert mapped(load(tmp_path, TEXT), item).rejections.is_empty()


def test_a_fallback_comes_from_no_row(tmp_path: Path) -> None:
    text = (
        'fallback_payable: "1600"\ntables: {p: {file: p.csv, key: k}}\nmap:\n'
        '  account.expense: [{use: "1"}]\n'
        '  account.payable: [{table: p, key: "{{ item.type }}", take: v}]\n'
    )
    mapping = load(tmp_path, text, p_csv="k,v\ncard_purchase,1610\n")
    item = {"item.method": "accounts_payable", "needs": ("expense", "payable")}
    result = mapped(mapping, item, item | {"item.vendor.code": "7"})
    assert value(result, "account.payable") == ["1600", "1610"]
    assert result.lines["row.account.payable"].to_list() == [None, 2]
