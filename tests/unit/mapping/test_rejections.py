"""What no rule finds is rejected with the target's failure type, naming what was looked for."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from etl.mapping import LoadedMapping, load_mapping
from tests.unit.mapping.written import codes, load, mapped, value, write

TABLES = "tables: {accounts: {file: t/accounts.csv, key: [pleo_code]}}\n"
ACCOUNTS = "pleo_code,account\n6640,4650\n"
BY_TABLE = '[{table: accounts, key: ["{{ line.account.code }}"], take: account}]'
WALLET = '\n  account.wallet: [{use: "{{ item.contra_account.code }}"}]\n'


def test_an_account_that_is_in_no_table(tmp_path: Path) -> None:
    text = TABLES + f"map:\n  account.expense: {BY_TABLE}" + WALLET
    result = mapped(load(tmp_path, text, t__accounts_csv=ACCOUNTS),
                    {"lines": [{}, {"line.account.code": "4711"}]}, {})  # fmt: skip
    row = result.rejections.row(0, named=True)
    assert row == {
        "item.key": 0,
        "item_id": "item-0",
        "line": 2,
        "code": "MAP-20",
        "message": 'no expense account is found: looked for "4711" in t/accounts.csv',
        "fix": 'add a row with pleo_code = "4711" and a value to t/accounts.csv, or a rule to '
        "the mapping (`account.expense`)",
        "where": "acme.yaml:4:3",
        "failure_type": "account_unknown",
    }
    assert result.rejections.height == 1
    assert result.items["item.id"].to_list() == ["item-1"]
    assert result.lines["item.key"].to_list() == [1]


def test_a_line_without_category(tmp_path: Path) -> None:
    empty = {"lines": [{"line.account.code": None}]}
    for rule in (BY_TABLE, '[{use: "{{ line.account.code }}"}]'):
        text = TABLES + f"map:\n  account.expense: {rule}" + WALLET
        result = mapped(load(tmp_path, text, t__accounts_csv=ACCOUNTS), empty)
        assert codes(result) == [("MAP-21", 1, "missing_configuration")]
        assert result.rejections["where"].to_list() == ["items.json, item 1"]


def test_a_role_without_account(tmp_path: Path) -> None:
    text = 'map:\n  account.expense: [{use: "1"}]' + WALLET
    mapping = load(tmp_path, text)
    no_contra = {"item.contra_account.code": None}
    assert codes(mapped(mapping, no_contra)) == [("MAP-22", 1, "missing_configuration")]
    no_rules = {"needs": ("expense", "out_of_pocket")}
    result = mapped(mapping, no_rules)
    assert codes(result) == [("MAP-22", 1, "missing_configuration")]
    assert "no rules for the out of pocket account" in result.rejections["message"][0]


def test_roles_are_needed_only_where_the_posting_rule_says(tmp_path: Path) -> None:
    text = 'map:\n  account.expense: [{use: "{{ line.account.code }}"}]' + WALLET
    topup = {"needs": ("wallet",), "lines": [{"line.account.code": None}]}
    result = mapped(load(tmp_path, text), topup)
    assert result.rejections.is_empty()
    assert value(result, "account.expense") == [None]


@pytest.mark.parametrize(
    ("target", "line", "code", "failure"),
    [
        ("tax_code", "{{ line.tax.code }}", "MAP-23", "tax_code_unknown"),
        ("dimension.x", "{{ item.team.code }}", "MAP-24", "tag_unknown"),
        ("target.x", "{{ item.team.code }}", "MAP-25", "missing_configuration"),
    ],
)
def test_other_targets(tmp_path: Path, target: str, line: str, code: str, failure: str) -> None:
    text = f'map:\n  account.expense: [{{use: "1"}}]\n  {target}: [{{use: "{line}"}}]' + WALLET
    result = mapped(load(tmp_path, text), {})
    assert codes(result) == [(code, 1, failure)]
    assert "{use: none}" in result.rejections["fix"][0]


def test_a_dimension_is_named_by_its_tag_group_as_pleo_shows_it(tmp_path: Path) -> None:
    text = (
        "reference: ref\ntags: {Cost centre: kost2}\nmap:\n  account.expense: [{use: '1'}]\n"
        "  dimension.kost2: [{use: \"{{ line.tags['Cost centre'] }}\"}]" + WALLET
    )
    values = "dimension_code,value_code,value_name,status\nCost centre,S1,Sales,active\n"
    mapping = load(tmp_path, text, ref__dimension_values_csv=values)
    result = mapped(mapping, {"lines": [{}, {"tags": [("Cost centre", "S9")]}]})
    assert result.rejections.select("line", "code", "message").rows() == [
        (1, "MAP-24", "no Cost centre is found for this line"),
        (2, "MAP-32", 'Cost centre value "S9" is not in ref/dimension_values.csv'),
    ]
    assert "`dimension.kost2`" in result.rejections["fix"][0]  # for who writes the mapping


def test_tax_and_dimensions_are_not_asked_of_lines_without_category(tmp_path: Path) -> None:
    text = 'map:\n  tax_code: [{use: "{{ line.tax.code }}"}]\n  account.transfer: [{use: "1"}]'
    result = mapped(load(tmp_path, text + WALLET), {"needs": ("wallet", "transfer")})
    assert result.rejections.is_empty()


def test_a_text_is_a_reason_only_where_the_template_needs_it(tmp_path: Path) -> None:
    text = 'map:\n  account.expense: [{use: "1"}]\n  text: [{use: "{{ item.note }}"}]' + WALLET
    mapping = load(tmp_path, text)
    assert value(mapped(mapping, {}), "text") == [None]
    required = mapped(mapping, {}, targets={"text": True})
    assert codes(required) == [("MAP-25", 1, "missing_configuration")]


def test_what_follows_from_a_missing_account_is_not_said_again(tmp_path: Path) -> None:
    text = (
        'reference: ref\nmap:\n  account.expense: [{use: "{{ line.account.code }}"}]\n'
        "  tax_code: [{when: \"{{ chart.expense.automatic == 'no' }}\", use: '9'}]" + WALLET
    )
    listed = "account_external_id,account_name,active,automatic\n1360,Pleo,yes,no\n"
    mapping = load(tmp_path, text, ref__accounts_csv=listed)
    result = mapped(mapping, {"lines": [{"line.account.code": None}]})
    assert [code for code, _, _ in codes(result)] == ["MAP-21"]


def test_all_problems_of_an_item_are_said_at_once(tmp_path: Path) -> None:
    text = (
        TABLES
        + f"map:\n  account.expense: {BY_TABLE}\n  dimension.x: [{{use: '{{{{ item.note }}}}'}}]"
        + WALLET
        + "periods: {closed_until: 2026-12-31}\n"
    )
    result = mapped(
        load(tmp_path, text, t__accounts_csv=ACCOUNTS),
        {"item.contra_account.code": None, "lines": [{"line.account.code": "9"}, {}]},
    )
    assert [(code, line) for code, line, _ in codes(result)] == [
        ("MAP-35", None), ("MAP-20", 1), ("MAP-22", 1), ("MAP-24", 1), ("MAP-22", 2), ("MAP-24", 2)
    ]  # fmt: skip


# ── reference lists ──

LISTED = (
    'reference: ref\nfallback_payable: "1600"\nmap:\n'
    '  account.expense: [{use: "{{ line.account.code }}"}]\n'
    '  account.payable: [{use: "{{ voucher.vendor.code }}"}, {use: "{{ item.note }}"}]\n'
    '  account.tax_in: [{use: "{{ line.tax.in_account }}"}]\n'
    '  tax_code: [{use: "{{ line.tax.code }}"}, {use: none}]\n'
    "  dimension.kost1: [{use: \"{{ line.tags['CC'] }}\"}, {use: none}]\n"
    '  account.wallet: [{use: "{{ item.contra_account.code }}"}]\n'
    "tags: {CC: kost1}\n"
)
CHART = (
    "account_external_id,account_number,account_name,active\n"
    "a,1360,Pleo,yes\nb,6640,Meals,TRUE\nc,4999,Old,no\nd,,Only external,1\nd2,6640,Twice,yes\n"
    "e,1600,Payable,yes\n"
)


def listed(folder: Path, **files: str) -> LoadedMapping:
    return load(folder, LISTED, **files)


def one(code: str, **more: object) -> dict[str, object]:
    return {"lines": [{"line.account.code": code, **more}]}


def test_accounts_the_erp_does_not_know(tmp_path: Path) -> None:
    mapping = listed(tmp_path, ref__accounts_csv=CHART)
    items = [one(code) for code in ("6640", "4999", "d", "b", "7777")]
    result = mapped(mapping, *items)
    assert value(result, "account.expense") == ["6640", "d"]
    assert value(result, "account_name.expense") == ["Meals", "Only external"]
    assert codes(result) == [("MAP-30", 1, "account_unknown")] * 3
    assert result.rejections["message"].to_list() == [
        'account "4999" is not active (ref/accounts.csv:4)',
        'account "b" is not in ref/accounts.csv',
        'account "7777" is not in ref/accounts.csv',
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (BY_TABLE, 'no expense account is found: looked for "4999" in t/accounts.csv'),
        ('[{use: "9"}]', 'account "9" is not in ref/accounts.csv'),
        ('[{use: "{{ line.account.code }}"}]', 'account "4999" is not active (ref/accounts.csv:4)'),
    ],
)
def test_a_rejection_names_tables_and_lists_alike_from_every_folder(
    tmp_path: Path, rule: str, said: str
) -> None:
    """What Pleo is told, and the content hash, must not depend on where a command is given."""
    text = f"reference: ref/\n{TABLES}map:\n  account.expense: {rule}{WALLET}"
    path = write(tmp_path, text, ref__accounts_csv=CHART, t__accounts_csv=ACCOUNTS)
    here, elsewhere = (
        mapped(load_mapping(path, name=name), one("4999")).rejections.drop("where")
        for name in ("acme.yaml", "books/mappings/acme.yaml")
    )
    assert here["message"].to_list() == [said]
    assert elsewhere.equals(here)


def test_the_active_row_of_a_number_counts(tmp_path: Path) -> None:
    chart = (
        "account_external_id,account_number,account_name,active\n"
        "p,1360,Pleo,yes\na,6640,Old,no\nb,6640,New,yes\n"
    )
    result = mapped(listed(tmp_path, ref__accounts_csv=chart), one("6640"))
    assert result.lines["account_name.expense"].to_list() == ["New"]


def test_only_what_a_rule_looked_for_is_named(tmp_path: Path) -> None:
    text = (
        TABLES + "map:\n  account.expense:\n"
        "    - {table: accounts, key: ['{{ item.note }}'], take: account,\n"
        "       when: \"{{ item.type == 'fee' }}\"}\n"
        "    - {table: accounts, key: ['{{ line.account.code }}'], take: account}" + WALLET
    )
    item = {"item.note": "lunch", **one("4711")}
    result = mapped(load(tmp_path, text, t__accounts_csv=ACCOUNTS), item)
    assert 'looked for "4711" in' in result.rejections["message"][0]


def test_a_vendors_number_is_an_account_payable(tmp_path: Path) -> None:
    needs = ("expense", "payable")
    vendors = "vendor_external_id,vendor_code,name,active\nx,70045,N,yes\ny,70046,M,no\n"
    as_sent = {"needs": needs, "item.vendor.code": "70045"}
    assert mapped(listed(tmp_path, ref__accounts_csv=CHART), as_sent).rejections.is_empty()
    mapping = listed(tmp_path, ref__accounts_csv=CHART, ref__vendors_csv=vendors)
    notes = ("70045", "1600", "70046", "9")
    result = mapped(mapping, *({"needs": needs, "item.note": note} for note in notes))
    assert value(result, "account.payable") == ["70045", "1600"]
    assert codes(result) == [("MAP-30", 1, "account_unknown")] * 2


def test_tax_accounts_are_checked_where_they_are_mapped(tmp_path: Path) -> None:
    mapping = listed(tmp_path, ref__accounts_csv=CHART)
    result = mapped(mapping, one("6640", **{"line.tax.in_account": "1576"}), one("6640"))
    assert codes(result) == [("MAP-30", 1, "account_unknown")]
    assert value(result, "account.tax_in") == [None]


def test_tax_codes_the_erp_does_not_know(tmp_path: Path) -> None:
    taxes = "tax_code,name,rate_percent,type,active\n9,V,19,inclusive,yes\n8,V,16,inclusive,no\n"
    mapping = listed(tmp_path, ref__tax_codes_csv=taxes)
    items = [one("1", **{"line.tax.code": code}) for code in ("9", None, "8", "7")]
    result = mapped(mapping, *items)
    assert value(result, "tax_code") == ["9", None]
    assert codes(result) == [("MAP-31", 1, "tax_code_unknown")] * 2


VALUES = (
    "dimension_code,value_code,value_name,status,valid_from,valid_to\n"
    "CC,10,A,active,,\ncc,20,B,blocked,,\nCC,30,C,active,2026-03-09,2026-03-09\n"
    "kost1,40,D,Active,,\nother,50,E,active,,\n"
)


def test_dimension_values_the_erp_does_not_know(tmp_path: Path) -> None:
    mapping = listed(tmp_path, ref__dimension_values_csv=VALUES)
    cases = [("10", 9), ("20", 9), ("30", 9), ("30", 8), ("30", 10), ("40", 9), ("50", 9)]
    items = [
        {"item.date": date(2026, 3, day), "lines": [{"tags": [("cc", code)]}]}
        for code, day in cases
    ]
    result = mapped(mapping, *items)
    assert value(result, "dimension.kost1") == ["10", "30", "40"]
    assert codes(result) == [("MAP-32", 1, "tag_unknown")] * 4


def test_a_dimension_that_is_not_listed_is_not_checked(tmp_path: Path) -> None:
    other = "dimension_code,value_code,value_name,status\nother,1,A,active\n"
    mapping = listed(tmp_path, ref__dimension_values_csv=other)
    result = mapped(mapping, {"lines": [{"tags": [("CC", "77")]}]})
    assert value(result, "dimension.kost1") == ["77"]


def test_a_name_that_the_template_needs(tmp_path: Path) -> None:
    text = 'map:\n  account.expense: [{use: "4650"}]' + WALLET
    result = mapped(load(tmp_path, text), {}, targets={"account_name": True})
    assert codes(result) == [("MAP-33", 1, "missing_configuration")]
    assert 'account "4650" has no name' in result.rejections["message"][0]
