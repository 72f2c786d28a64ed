"""`mappings test`: cases in YAML, each with its differences."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from etl.errors import UserMustFix
from etl.mapping import CaseResult, run_cases
from etl.mapping.cases import ReadItems
from etl.shipped import shipped_folder
from tests.unit.mapping.written import frames, write

MAPPING = """
tags: {PROJECT: project}
tables: {accounts: {file: accounts.csv, key: [code]}}
map:
  account.expense: [{table: accounts, key: ["{{ line.account.code }}"], take: account}]
  account.wallet: [{use: "{{ item.contra_account.code }}"}]
  tax_code: [{use: "{{ line.tax.code }}"}, {use: none}]
  text: [{use: "{{ item.attendees | join(', ') }}"}, {use: none}]
"""


def run(folder: Path, cases: str, read_items: ReadItems | None = None) -> list[CaseResult]:
    write(folder, MAPPING, accounts_csv="code,account\n6640,4650\n")
    path = folder / "cases.yaml"
    path.write_text("mapping: acme.yaml\ncases:\n" + cases, encoding="utf-8")
    return run_cases(path, name="cases.yaml", read_items=read_items)


def test_cases_that_pass(tmp_path: Path) -> None:
    results = run(
        tmp_path,
        """
  - name: a meal
    item: {supplier.name: Café, date: 2026-03-09, amount: "11.90", attendees: [Ann, Bob]}
    lines:
      - {account.code: "6640", tax.code: VSt19, gross: "11.90", tags: {Project: P1}}
      - {account.code: "6640"}
    expect:
      - {account.expense: "4650", tax_code: VSt19, dimension.project: P1, text: "Ann, Bob",
         voucher.date: 2026-03-09}
      - {tax_code: none, dimension.project: none}
  - {name: unknown, lines: [{account.code: "1"}], rejected: MAP-20}
  - {name: no category, roles: [expense, wallet], rejected: MAP-22}
""",
    )
    assert [(result.name, result.differences) for result in results] == [
        ("a meal", ()),
        ("unknown", ()),
        ("no category", ("rejected: MAP-21 the line has no account",)),
    ]
    assert [result.passed for result in results] == [True, True, False]
    assert results[0].place == "cases.yaml:4:5"


def test_differences_are_named(tmp_path: Path) -> None:
    results = run(
        tmp_path,
        """
  - name: wrong account
    lines: [{account.code: "6640"}]
    expect: [{account.expense: "4660", tax_code: "9"}]
  - {name: not rejected, lines: [{account.code: "6640"}], rejected: MAP-20}
  - {name: rejected, lines: [{account.code: "1"}], expect: [{account.expense: "1"}]}
  - name: two lines
    lines: [{account.code: "6640"}, {account.code: "6640"}]
    expect: [{tax_code: none}]
""",
    )
    assert [result.differences for result in results] == [
        ("line 1: account.expense is 4650, expected 4660", "line 1: tax_code is none, expected 9"),
        ("not rejected with MAP-20",),
        ('rejected: MAP-20 no expense account is found: looked for "1" in accounts.csv',),
        ("2 lines came out, 1 were expected",),
    ]


@pytest.mark.parametrize(
    ("case", "code", "at"),
    [
        ("{name: a, item: {suplier.name: wrong}, rejected: X}", "MAP-17", "wrong"),
        ("{name: a, lines: [{gross: 1.999}], rejected: X}", "MAP-17", "1.999"),
        ("{name: a, item: {date: 1.1.2026}, rejected: X}", "MAP-17", "1.1.2026"),
        ("{name: a, item: {attendees: Ann}, rejected: X}", "MAP-17", "Ann"),
        ("{name: a, item: {note: [x]}, rejected: X}", "MAP-17", "[x]"),
        ("{name: a, lines: [{number: x}], rejected: X}", "MAP-17", "x}]"),
        ("{name: a, lines: [{account.code: '6640'}], expect: [{taxcode: z}]}", "MAP-17", "z"),
        ("{name: a, roles: [purse], rejected: X}", "MAP-17", "{name"),
        ("{name: a, file: i.json, id: x, rejected: X}", "MAP-17", "i.json"),
        ("{name: a, file: i.json, rejected: X}", "DOC-3", "{name"),
        ("{name: a}", "DOC-3", "{name"),
        ("{name: a, rejectd: X}", "DOC-1", "rejectd"),
    ],
)
def test_mistakes_of_the_case_file(tmp_path: Path, case: str, code: str, at: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        run(tmp_path, f"- {case}\n")
    where = f"cases.yaml:3:{len('- ') + case.index(at) + 1}"
    assert [(problem.code, problem.where) for problem in caught.value.problems] == [(code, where)]


def test_items_of_a_file(tmp_path: Path) -> None:
    def read_items(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
        assert path == tmp_path / "items.json"
        return frames({}, {"lines": [{"line.account.code": "1"}]})

    results = run(
        tmp_path,
        "- {name: a, file: items.json, id: item-0, expect: [{account.expense: '4650'}]}\n"
        "- {name: b, file: items.json, id: item-1, rejected: MAP-20}\n",
        read_items,
    )
    assert [result.differences for result in results] == [(), ()]
    with pytest.raises(UserMustFix, match='has no item "item-9"'):
        run(tmp_path, "- {name: a, file: items.json, id: item-9, rejected: X}\n", read_items)


def test_the_cases_of_the_example_pass() -> None:
    results = run_cases(shipped_folder("mappings") / "example.test.yaml")
    assert len(results) > 5
    assert [(result.name, result.differences) for result in results if not result.passed] == []
