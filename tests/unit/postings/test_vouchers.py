"""Vouchers: what they know, which account stands against the lines, and their numbers."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from etl.frames import ENTRY, VOUCHER, schema
from etl.postings import assign_rules, load_posting_rules, make_vouchers, number_vouchers
from etl.postings.parts import parts_by_item
from tests.unit.postings.books import Item, Line, every_rule, frames, vouchers_of


def only(*items: Item, **how: Any) -> dict[str, Any]:
    made = vouchers_of(*items, **how)
    assert made.vouchers.height == 1
    return made.vouchers.row(0, named=True)


def test_a_voucher_knows_its_item() -> None:
    row = only(Item((Line("10.00", text="Lunch"), Line("5.00", text="Tip"))))
    assert row["voucher.id"] == "i1/entry"
    assert row["voucher.kind"] == "entry"
    assert row["voucher.reference"] == "PL-i1-0123456789"
    assert row["voucher.short_reference"] == "23456789"
    assert row["voucher.text"] == "Lunch"
    assert row["voucher.currency"] == "EUR"
    assert str(row["voucher.total"]) == "15.00"
    assert row["voucher.vendor.code"] == "V1"
    assert row["voucher.date"] == date(2026, 3, 4)
    assert (row["voucher.contra_role"], row["voucher.contra_side"]) == ("wallet", "credit")
    assert row["voucher.contra_account"] == "WALLET"


def test_vouchers_have_every_column_but_what_comes_later() -> None:
    made = vouchers_of(Item((Line("10.00"),)))
    later = {"voucher.form", "voucher.index", "voucher.number"}
    expected = {name: kind for name, kind in schema(VOUCHER).items() if name not in later}
    found = dict(made.vouchers.schema)
    assert {name: found[name] for name in expected} == expected
    assert set(found) - set(expected) == {"voucher.key", "item.key"}
    assert dict(made.entries.schema) == schema(ENTRY)


def test_payables_make_two_vouchers_per_item_in_order() -> None:
    made = vouchers_of(
        Item((Line("10.00"),), id="b", method="accounts_payable"),
        Item((Line("10.00"),), id="a", type="refund", method="accounts_payable"),
    )
    assert made.vouchers.select("voucher.key", "voucher.id").rows() == [
        (0, "a/credit_note"), (1, "a/payment"), (2, "b/invoice"), (3, "b/payment"),
    ]  # fmt: skip
    sides = made.vouchers.select("voucher.contra_role", "voucher.contra_side").rows()
    assert sides == [
        ("payable", "debit"), ("wallet", "debit"), ("payable", "credit"), ("wallet", "credit"),
    ]  # fmt: skip


def test_entries_are_balanced_pairs_of_each_line() -> None:
    made = vouchers_of(
        Item(
            (Line("10.00"), Line("-4.00", accounts={"expense": "4400"})), method="accounts_payable"
        )
    )
    rows = made.entries.select(
        "entry.key", "voucher.key", "line.key", "entry.role", "entry.contra_role", "entry.side",
        "entry.debit_account", "entry.credit_account", pl.col("entry.amount").cast(pl.String),
    ).rows()  # fmt: skip
    assert rows == [
        (0, 0, 0, "expense", "payable", "debit", "EXPENSE", "PAYABLE", "10.00"),
        (1, 0, 1, "expense", "payable", "credit", "PAYABLE", "4400", "4.00"),
        (2, 1, 0, "payable", "wallet", "debit", "PAYABLE", "WALLET", "10.00"),
        (3, 1, 1, "payable", "wallet", "credit", "WALLET", "PAYABLE", "4.00"),
    ]


def test_the_contra_account_is_not_said_where_lines_differ() -> None:
    row = only(Item((Line("10.00"), Line("5.00", accounts={"wallet": "1361"}))))
    assert row["voucher.contra_account"] is None
    assert str(row["voucher.total"]) == "15.00"


def test_the_contra_side_follows_the_sum() -> None:
    rules = load_posting_rules({"card_purchase/journal": {"value": "any"}})
    row = only(Item((Line("10.00"), Line("-25.00"))), rules=rules)
    assert (row["voucher.contra_side"], str(row["voucher.total"])) == ("debit", "15.00")
    row = only(Item((Line("10.00"), Line("-10.00")), type="refund"))
    assert (row["voucher.contra_side"], str(row["voucher.total"])) == ("debit", "0.00")


@pytest.mark.parametrize(
    ("item", "legs"),
    [
        (Item((Line("10.00"), Line("5.00"))), [0]),
        (Item((Line("10.00"), Line("5.00")), method="accounts_payable"), [1, 1]),
        (
            Item(
                (Line("10.00"), Line("5.00", accounts={"payable": "70002"})),
                method="accounts_payable",
            ),
            [2, 2],
        ),
        (
            Item(
                (Line("10.00"), Line("5.00")),
                type="invoice_payment",
                sub_type="invoice_payment_sent",
            ),
            [2],
        ),
        (Item((Line("10.00"), Line("5.00")), type="invoice"), [1]),
    ],
)
def test_payable_legs_are_counted(item: Item, legs: list[int]) -> None:
    assert vouchers_of(item).vouchers.get_column("voucher.payable_legs").to_list() == legs


def test_single_currency_totals_are_the_company_amounts() -> None:
    item = Item((Line("100.00", book=("91.00", None)),), currency="USD", other_currency="EUR")
    row = only(item, single=True)
    assert (row["voucher.currency"], str(row["voucher.total"])) == ("EUR", "91.00")
    row = only(item)
    assert (row["voucher.currency"], str(row["voucher.total"])) == ("USD", "100.00")


def test_single_currency_total_is_unknown_with_one_line() -> None:
    lines = (Line("100.00", book=("91.00", None)), Line("1.00", other=("9.00", None)))
    row = only(Item(lines, currency="USD", other_currency="SEK"), single=True)
    assert row["voucher.total"] is None


@pytest.mark.parametrize("account", [None, ""])
@pytest.mark.parametrize("role", ["expense", "wallet"])
def test_a_side_without_account_rejects_the_item(role: str, account: str | None) -> None:
    items = (
        Item((Line("10.00"), Line("5.00", accounts={role: account}))),
        Item((Line("1.00"),), id="i2"),
    )
    made = vouchers_of(*items)
    row = made.rejections.row(0, named=True)
    assert (row["code"], row["line"], row["item_id"]) == ("POST-6", 2, "i1")
    assert row["failure_type"] == "missing_configuration"
    assert row["message"] == f"there is no account for the role {role}"
    assert row["fix"] == f"map account.{role} in the mapping"
    assert row["where"] == "items.json, item 1"
    assert made.vouchers.get_column("voucher.id").to_list() == ["i2/entry"]
    assert made.entries.height == 1


def test_a_missing_account_of_both_vouchers_is_said_once() -> None:
    item = Item((Line("10.00", accounts={"payable": None}),), method="accounts_payable")
    assert vouchers_of(item).rejections.height == 1


def test_no_items_make_no_vouchers() -> None:
    rules = every_rule()
    items, lines = frames(Item((Line("10.00"),)))
    assigned = assign_rules(items.clear(), lines.clear(), rules)
    made = make_vouchers(assigned.items, assigned.lines, rules, company_currency="EUR")
    assert made.vouchers.is_empty()
    assert made.entries.is_empty()
    assert dict(made.entries.schema) == schema(ENTRY)


# ── numbers ──


def vouchers_to_number() -> pl.DataFrame:
    line = (Line("1.00"),)
    return vouchers_of(
        Item(line, id="c", posted=date(2026, 1, 5)),
        Item(line, id="a", posted=date(2026, 3, 1), method="accounts_payable"),
        Item(line, id="b", posted=date(2025, 12, 31), year=2025),
        Item(line, id="d", posted=date(2026, 1, 5)),
    ).vouchers


def numbers(**how: Any) -> list[tuple[str, int]]:
    made = number_vouchers(vouchers_to_number(), **how)
    return made.select("voucher.id", "voucher.number").rows()


def test_numbers_run_by_date_reference_item_and_kind() -> None:
    assert numbers() == [
        ("b/entry", 1), ("c/entry", 2), ("d/entry", 3), ("a/invoice", 4), ("a/payment", 5),
    ]  # fmt: skip


def test_numbers_start_where_they_are_told() -> None:
    assert [number for _, number in numbers(first=41)] == [41, 42, 43, 44, 45]


def test_numbers_start_again_with_every_fiscal_year() -> None:
    assert numbers(per_fiscal_year=True, first=7) == [
        ("b/entry", 7), ("c/entry", 7), ("d/entry", 8), ("a/invoice", 9), ("a/payment", 10),
    ]  # fmt: skip


def test_every_fiscal_year_has_a_first_number_of_its_own() -> None:
    assert numbers(per_fiscal_year=True, first={"2025": 901, "2026": 17}) == [
        ("b/entry", 901), ("c/entry", 17), ("d/entry", 18), ("a/invoice", 19), ("a/payment", 20),
    ]  # fmt: skip


def test_a_fiscal_year_without_one_begins_with_one() -> None:
    assert numbers(per_fiscal_year=True, first={"": 5, "2025": 901}) == [
        ("b/entry", 901), ("c/entry", 1), ("d/entry", 2), ("a/invoice", 3), ("a/payment", 4),
    ]  # fmt: skip


def test_numbers_that_run_on_begin_where_no_year_is_named() -> None:
    assert [number for _, number in numbers(first={"": 41, "2026": 7})] == [41, 42, 43, 44, 45]


def test_the_order_is_the_template_s() -> None:
    assert [name for name, _ in numbers(order=["voucher.kind", "voucher.id"])] == [
        "b/entry", "c/entry", "d/entry", "a/invoice", "a/payment",
    ]  # fmt: skip
    assert [name for name, _ in numbers(order=["voucher.id"])] == [
        "a/invoice", "a/payment", "b/entry", "c/entry", "d/entry",
    ]  # fmt: skip


def test_vouchers_without_a_value_come_last() -> None:
    vouchers = vouchers_to_number().with_columns(
        pl.when(pl.col("voucher.id") != "b/entry").then("voucher.date").alias("voucher.date")
    )
    assert number_vouchers(vouchers).get_column("voucher.id").to_list()[-1] == "b/entry"


def test_numbers_do_not_depend_on_the_order_given() -> None:
    vouchers = vouchers_to_number()
    assert number_vouchers(vouchers.reverse()).equals(number_vouchers(vouchers))


# ── parts ──


def test_parts_hold_whole_items_and_every_row() -> None:
    items = pl.DataFrame({"item.key": [0, 1, 2, 3, 4]}, schema={"item.key": pl.UInt32})
    lines = pl.DataFrame({"item.key": [0, 0, 2, 3, 4, 4]}, schema={"item.key": pl.UInt32})
    parts = list(parts_by_item(items, lines, size=2))
    assert [part[0]["item.key"].to_list() for part in parts] == [[0, 1], [2, 3], [4]]
    assert [part[1]["item.key"].to_list() for part in parts] == [[0, 0], [2, 3], [4, 4]]


def test_an_empty_batch_is_one_part() -> None:
    items = pl.DataFrame(schema={"item.key": pl.UInt32})
    assert len(list(parts_by_item(items, items))) == 1
