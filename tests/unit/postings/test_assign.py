"""Which items get a posting rule, and what is said about the others."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from etl.forms import Form
from etl.postings import Assigned, assign_rules, load_posting_rules
from tests.unit.postings.books import Item, Line, every_rule, frames, post

PAIR = Form("f", "pair", "by_code")


def assign(*items: Item, **how: Any) -> Assigned:
    return assign_rules(*frames(*items), load_posting_rules(**how))


def one(**kind: Any) -> Item:
    return Item((Line(kind.pop("gross", "10.00")),), **kind)


def test_an_item_gets_its_rule_and_the_roles_it_needs() -> None:
    made = assign(one(type="card_purchase"))
    row = made.items.row(0, named=True)
    assert row["rule.id"] == "card_purchase/journal"
    assert (row["rule.debit_role"], row["rule.credit_role"]) == ("expense", "wallet")
    assert row["rule.confirmed"]
    needed = {name for name, value in row.items() if name.startswith("needs.") and value}
    assert needed == {"needs.expense", "needs.wallet"}
    assert made.notes.is_empty()


def test_payables_need_the_roles_of_both_vouchers() -> None:
    made = assign(one(method="accounts_payable"), accept=["card_purchase/accounts_payable"])
    row = made.items.row(0, named=True)
    needed = {name for name, value in row.items() if name.startswith("needs.") and value}
    assert needed == {"needs.expense", "needs.payable", "needs.wallet"}
    assert (row["rule.debit_role"], row["rule.credit_role"]) == ("expense", "payable")


def test_an_accepted_rule_is_noted_for_every_item_and_an_own_row_is_not() -> None:
    items = one(type="refund"), one(type="cashback", id="i2")
    own = {"cashback/journal": {"debit": "wallet", "credit": "expense"}}
    made = assign(*items, accept=["refund/journal"], own=own)
    assert made.notes.select("item_id", "code", "detail").rows() == [
        (
            "i1",
            "RULE-UNCONFIRMED",
            "posting rule refund/journal (Not stated: the reverse of a purchase)",
        )
    ]


def test_an_unaccepted_rule_rejects_the_item_and_its_lines() -> None:
    made = assign(one(type="refund"), one(id="i2"))
    assert made.items.get_column("item.id").to_list() == ["i2"]
    assert made.lines.get_column("item.key").to_list() == [1]
    row = made.rejections.row(0, named=True)
    assert row["code"] == "POST-4"
    assert row["failure_type"] == "missing_configuration"
    assert row["where"] == "items.json, item 1"
    assert "refund/journal (debit wallet, credit expense)" in row["message"]
    assert 'add "refund/journal" to posting_rules: accept' in row["fix"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            {"type": "direct_reimbursement"},
            'type "direct_reimbursement", no sub type, method journal',
        ),
        (
            {"type": "card_purchase", "sub_type": "interest"},
            'type "card_purchase", sub type "interest", method journal',
        ),
        (
            {"type": "wallet_topup", "method": "accounts_payable"},
            'type "wallet_topup", no sub type, method accounts_payable',
        ),
        ({"type": "balance_amendment"}, 'type "balance_amendment"'),
    ],
)
def test_a_kind_without_a_row_is_not_guessed(kind: dict[str, str], words: str) -> None:
    made = assign_rules(*frames(one(**kind)), every_rule())
    row = made.rejections.row(0, named=True)
    assert (row["code"], row["failure_type"]) == ("POST-3", "missing_configuration")
    assert words in row["message"]
    assert made.items.is_empty()
    assert made.lines.is_empty()


def test_the_kinds_that_could_be_posted_are_named() -> None:
    made = assign_rules(*frames(one(type="fee", sub_type="other")), every_rule())
    assert "fee/journal, fee/interest/journal" in made.rejections.row(0, named=True)["fix"]


def test_an_item_of_the_unexpected_sign_is_rejected() -> None:
    made = assign(one(gross="-10.00"))
    row = made.rejections.row(0, named=True)
    assert (row["code"], row["failure_type"]) == ("POST-5", "validation_failure")
    assert "-10.00 EUR" in row["message"]
    assert "expects a positive amount" in row["message"]
    assert "value: any" in row["fix"]


def test_the_expected_sign_can_be_negative() -> None:
    own = {"refund/journal": {"value": "negative"}}
    refused = assign(one(type="refund"), own=own)
    assert refused.rejections.get_column("code").to_list() == ["POST-5"]
    rules = load_posting_rules(own)
    made = post(one(type="refund", gross="-10.00"), form=PAIR, rules=rules)
    shown = made.postings.select(
        "posting.account", "posting.contra_account", "posting.side", "posting.amount"
    )
    assert [tuple(map(str, row)) for row in shown.rows()] == [
        ("EXPENSE", "WALLET", "credit", "10.00")
    ]


@pytest.mark.parametrize(("gross", "side"), [("10.00", "credit"), ("-10.00", "debit")])
def test_any_sign_swaps_the_sides(gross: str, side: str) -> None:
    rules = load_posting_rules({"refund/journal": {"value": "any"}})
    made = post(one(type="refund", gross=gross), form=PAIR, rules=rules)
    assert made.postings.get_column("posting.side").to_list() == [side]


@pytest.mark.parametrize("value", ["positive", "negative", "any"])
def test_an_item_of_zero_has_no_unexpected_sign(value: str) -> None:
    own = {"card_purchase/journal": {"value": value}}
    made = assign(Item((Line("10.00"), Line("-10.00"))), own=own)
    assert made.rejections.is_empty()


def test_no_items_pass_through() -> None:
    items, lines = frames(one())
    made = assign_rules(items.clear(), lines.clear(), every_rule())
    assert made.items.is_empty()
    assert "rule.id" in made.items.columns


def test_all_problems_are_reported_at_once() -> None:
    made = assign(
        one(type="refund"), one(type="mileage", id="i2"), one(gross="-1.00", id="i3"),
        one(type="invoice_payment", id="i4"), one(id="i5"),
    )  # fmt: skip
    found = made.rejections.sort("item_id").select("item_id", "code").rows()
    assert found == [("i1", "POST-4"), ("i2", "POST-4"), ("i3", "POST-5"), ("i4", "POST-3")]
    assert made.items.height + made.rejections.height == 5
    assert made.items.select(pl.col("item.id")).to_series().to_list() == ["i5"]
