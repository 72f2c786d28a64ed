"""Lint: what runs and should be looked at all the same."""

from __future__ import annotations

from pathlib import Path

from etl.mapping import LoadedMapping, lint_mapping
from tests.unit.mapping.written import frames, load

WALLET = '\n  account.wallet: [{use: "1360"}]\n'


def found(mapping: LoadedMapping) -> list[tuple[str, str]]:
    return [(finding.code, finding.where) for finding in lint_mapping(mapping)]


def test_a_rule_behind_one_that_always_matches(tmp_path: Path) -> None:
    text = (
        'map:\n  account.expense: [{use: "1"}, {use: "{{ line.account.code }}"}]\n'
        "  tax_code: [{when: '{{ true }}', use: none}, {use: \"9\"}]\n"
        '  text: [{when: "{{ item.note }}", use: "a"}, {use: "b"}]' + WALLET
    )
    places = ["acme.yaml:3:33", "acme.yaml:4:47"]
    assert found(load(tmp_path, text)) == [("MAP-40", place) for place in places]


def test_a_table_that_nothing_uses(tmp_path: Path) -> None:
    text = (
        "tables: {a: {file: a.csv, key: k}, b: {file: a.csv, key: k}, c: {file: a.csv, key: k}}\n"
        'map:\n  account.expense: [{table: b, key: "{{ line.id }}", take: v}]\n'
        "  text: [{use: \"{{ item.note | lookup('c') }}\"}]" + WALLET
    )
    assert found(load(tmp_path, text, a_csv="k,v\n1,1\n")) == [("MAP-41", "acme.yaml:2:10")]


def test_keys_that_differ_by_capitals_only(tmp_path: Path) -> None:
    text = (
        "tables: {a: {file: a.csv, key: k}}\nmap:\n"
        '  account.expense: [{table: a, key: "{{ line.id }}", take: v}]' + WALLET
    )
    mapping = load(tmp_path, text, a_csv="k,v\nMeals,1\nTrips,2\nmeals,3\n")
    assert found(mapping) == [("MAP-42", "a.csv:4")]
    assert "line 2" in lint_mapping(mapping)[0].what


def test_account_numbers_of_several_active_rows(tmp_path: Path) -> None:
    text = 'reference: ref\nmap:\n  account.expense: [{use: "1360"}]' + WALLET
    listed = (
        "account_external_id,account_number,account_name,active\n"
        "a,1360,A,yes\nb,1360,B,no\nc,1360,C,yes\nd,,D,yes\ne,,E,yes\n"
    )
    assert found(load(tmp_path, text, ref__accounts_csv=listed)) == [
        ("MAP-42", "ref/accounts.csv:4")
    ]


def test_codes_that_the_lists_do_not_have(tmp_path: Path) -> None:
    text = (
        'reference: ref\nfallback_payable: "1600"\ntables: {a: {file: a.csv, key: k}}\n'
        "tags: {CC: kost1, AREA: area}\n"
        "map:\n  account.expense:\n"
        '    - {table: a, key: "{{ line.id }}", take: {account.expense: v, tax_code: t}}\n'
        '    - {use: "4999"}\n'
        '  account.payable: [{use: "70001"}, {use: "70002"}]\n'
        '  dimension.kost1: [{use: "11"}]' + WALLET
    )
    mapping = load(
        tmp_path,
        text,
        a_csv="k,v,t\n1,4650,9\n2,4660,8\n3,,\n",
        ref__accounts_csv="account_external_id,account_name,active\n1360,P,yes\n4650,M,yes\n4999,O,no\n",
        ref__tax_codes_csv="tax_code,name,rate_percent,type,active\n9,V,19,inclusive,yes\n",
        ref__vendors_csv="vendor_external_id,name,active\n70001,N,yes\n70002,M,no\n",
        ref__dimension_values_csv="dimension_code,value_code,value_name,status\ncc,10,A,active\n",
    )
    stale = [f for f in lint_mapping(mapping) if f.code == "MAP-43"]
    assert sorted(f.what.split('"')[0] + f.what.split('"')[1] for f in stale) == [
        "account.expense 4660",
        "account.expense 4999",
        "account.payable 1600",
        "account.payable 70002",
        "dimension.kost1 11",
        "tax_code 8",
    ]
    assert [f.what for f in lint_mapping(mapping) if f.code == "MAP-47"] == [
        "ref/dimension_values.csv has no value of dimension.area, so none is checked"
    ]


def test_against_items(tmp_path: Path) -> None:
    text = (
        "tables: {a: {file: a.csv, key: k}}\nmap:\n  account.expense:\n"
        '    - {table: a, key: "{{ line.account.code }}", take: v}\n'
        "    - {when: \"{{ item.type == 'fee' }}\", use: '4970'}\n"
        '    - {use: "{{ line.account.code }}"}' + WALLET
    )
    mapping = load(tmp_path, text, a_csv="k,v\n1,10\n")
    written = [{"lines": [{"line.account.code": code}]} for code in ("1", "2", "2", "3")]
    items, lines = frames(*written, {"needs": ("wallet",), "lines": [{"line.account.code": "7"}]})
    findings = lint_mapping(mapping, items, lines)
    assert [(f.code, f.where, f.what) for f in findings] == [
        ("MAP-41", "acme.yaml:6:7", "account.expense: no line of these items used the rule: "
         "when: {{ item.type == 'fee' }}, use: 4970"),
        ("MAP-44", "acme.yaml:5:7",
         'account.expense: codes without a row in a.csv (and their lines): "2" (2), "3" (1)'),
        ("MAP-45", "acme.yaml:7:7", "account.expense: the last rule decided 3 of 4 lines (75 %)"),
    ]  # fmt: skip


def test_the_share_of_the_fallback(tmp_path: Path) -> None:
    text = (
        'fallback_payable: "1600"\nmap:\n  account.expense: [{use: "1"}]\n'
        '  account.payable: [{use: "{{ voucher.vendor.code }}"}]'
    )
    item = {"item.method": "accounts_payable", "needs": ("expense", "payable")}
    items, lines = frames(item, item, item, item | {"item.vendor.code": "7"})
    findings = lint_mapping(load(tmp_path, text), items, lines)
    assert [f.what for f in findings] == [
        "account.payable: fallback_payable decided 3 of 4 lines (75 %)"
    ]


def test_a_good_mapping_has_no_findings(tmp_path: Path) -> None:
    text = 'map:\n  account.expense: [{use: "{{ line.account.code }}"}]' + WALLET
    items, lines = frames({})
    assert lint_mapping(load(tmp_path, text), items, lines) == []
