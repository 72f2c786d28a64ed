"""Explain: the rule, the row, and why the rules before it lost."""

from __future__ import annotations

from pathlib import Path

from etl.mapping import Explained, Lost, explain_item
from tests.unit.mapping.written import frames, load

TEXT = """
tables: {accounts: {file: t/accounts.csv, key: [code]}}
map:
  account.expense:
    - {when: "{{ item.type == 'fee' }}", use: "4970"}
    - {table: accounts, key: ["{{ line.account.name }}"], take: account}
    - table: accounts
      key: ["{{ line.account.code }}"]
      take: {account.expense: account, tax_code: tax}
    - {use: "{{ item.team.code }}"}
    - {use: "{{ line.account.code }}"}
  account.wallet: [{use: "1360"}]
  tax_code: [{use: none}]
"""
TABLE = "code,account,tax\n6640,4650,9\n6641,,9\n6642,4660,\n"


def explained(folder: Path, code: str | None, name: str | None = None) -> dict[str, Explained]:
    mapping = load(folder, TEXT, t__accounts_csv=TABLE)
    line = {"line.account.code": code, "line.account.name": name}
    items, lines = frames({}, {"lines": [line]})
    found = explain_item(items, lines, mapping, item_id="item-1")
    assert [each.line for each in found] == [1] * len(found)
    return {each.target: each for each in found}


def test_a_row_that_won(tmp_path: Path) -> None:
    found = explained(tmp_path, "6640", "Meals")
    account = found["account.expense"]
    assert (account.value, account.row) == ("4650", "t/accounts.csv:2")
    assert account.place == "acme.yaml:8:7"
    assert account.rule == "table: accounts, key: {{ line.account.code }}, take: account"
    assert account.lost == (
        Lost("when: {{ item.type == 'fee' }}, use: 4970", "acme.yaml:6:7",
             "the condition is false"),
        Lost("table: accounts, key: {{ line.account.name }}, take: account", "acme.yaml:7:7",
             't/accounts.csv has no row for "Meals"'),
    )  # fmt: skip
    assert found["tax_code"].value == "9"
    assert (found["tax_code"].row, found["tax_code"].lost) == ("t/accounts.csv:2", ())


def test_rules_that_gave_nothing(tmp_path: Path) -> None:
    account = explained(tmp_path, "6641")["account.expense"]
    assert account.value == "6641"
    assert [lost.why for lost in account.lost] == [
        "the condition is false",
        "there is nothing to look for",
        "t/accounts.csv:3 has nothing in column account",
        "it gives nothing on this line",
    ]


def test_what_was_taken_and_what_was_not(tmp_path: Path) -> None:
    tax = explained(tmp_path, "6642")["tax_code"]
    assert (tax.value, tax.rule) == (None, "use: none")
    assert [lost.why for lost in tax.lost] == ["its row has nothing in column tax"]
    tax = explained(tmp_path, "7777")["tax_code"]
    assert [lost.why for lost in tax.lost] == ["another rule decided account.expense"]


def test_a_rejected_line_is_explained_too(tmp_path: Path) -> None:
    account = explained(tmp_path, None)["account.expense"]
    assert (account.value, account.rule, len(account.lost)) == (None, None, 5)


def test_targets_stand_in_the_order_of_the_document(tmp_path: Path) -> None:
    assert list(explained(tmp_path, "6640")) == ["account.expense", "account.wallet", "tax_code"]


def test_an_item_that_is_not_there(tmp_path: Path) -> None:
    items, lines = frames({})
    mapping = load(tmp_path, TEXT, t__accounts_csv=TABLE)
    assert explain_item(items, lines, mapping, item_id="other") == []


def test_a_fallback_is_explained(tmp_path: Path) -> None:
    text = (
        'fallback_payable: "1600"\nmap:\n  account.expense: [{use: "1"}]\n'
        '  account.payable: [{use: "{{ voucher.vendor.code }}"}]'
    )
    item = {"item.method": "accounts_payable", "needs": ("expense", "payable")}
    items, lines = frames(item)
    found = explain_item(items, lines, load(tmp_path, text), item_id="item-0")
    assert [(e.target, e.value, e.rule) for e in found] == [
        ("account.expense", "1", "use: 1"),
        ("account.payable", "1600", "fallback_payable: 1600"),
    ]
