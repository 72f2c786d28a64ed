"""Tables are read strictly: every mistake is refused with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.errors import UserMustFix
from etl.mapping import cells
from etl.mapping.cells import read_csv
from etl.mapping.document import TableFile
from etl.mapping.tables import Table, casefolded, make_table
from tests.unit.mapping.written import codes, load, mapped, value

RULE = """
tables: {{accounts: {{file: accounts.csv, key: [code]{more}}}}}
map:
  account.wallet: [{{use: "1360"}}]
  account.expense: [{{table: accounts, key: ["{{{{ line.account.code }}}}"], take: account}}]
"""


def table_rule(more: str = "") -> str:
    return RULE.format(more=more)


def problems(folder: Path, table: str | bytes, more: str = "") -> list[tuple[str, str]]:
    with pytest.raises(UserMustFix) as caught:
        load(folder, table_rule(more), accounts_csv=table)
    return [(problem.code, problem.where) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("table", "more"),
    [
        ("code,account\n6640,4650\n", ""),
        ("code;account\n6640;4650\n", ""),
        ("code\taccount\n6640\t4650\n", ""),
        ("\ufeffcode;account\r\n6640;4650\r\n", ""),
        ('"code","account"\n"6640","4650"\n', ""),
        ("code,account,a;b\n6640,4650,x\n", ', delimiter: ","'),
        (" code , account \n 6640 , 4650 \n", ""),
        ("code,account,\n6640,4650,\n", ""),
        ("\ncode,account\n\n6640,4650\n\n,\n", ""),
        ("code,account,näme\n6640,4650,ä\n".encode("cp1252"), ", encoding: cp1252"),
        ("code,account\n6640,4650\n".encode("utf-16"), ", encoding: utf-16"),
    ],
)
def test_ways_to_write_the_same_table(tmp_path: Path, table: str | bytes, more: str) -> None:
    result = mapped(load(tmp_path, table_rule(more), accounts_csv=table), {})
    assert value(result, "account.expense") == ["4650"]


def test_leading_zeros_stay(tmp_path: Path) -> None:
    mapping = load(tmp_path, table_rule(), accounts_csv="code,account\n0480,0027\n")
    result = mapped(mapping, {"lines": [{"line.account.code": "0480"}]})
    assert value(result, "account.expense") == ["0027"]


@pytest.mark.parametrize(
    ("table", "more", "expected"),
    [
        ("code,account\n6640,4650\n6641\n", "", [("MAP-4", "accounts.csv:3")]),
        ("code,account\n6640,4650,9\n", "", [("MAP-4", "accounts.csv:2")]),
        ("code,account\n6640,1\n6641,2\n6640,3\n", "", [("MAP-5", "accounts.csv:4")]),
        ("code,account\na,1\nA,2\n", ", match: casefold", [("MAP-5", "accounts.csv:3")]),
        ("code,account\n6640,1\n,2\n", "", [("MAP-6", "accounts.csv:3")]),
        ("code,account;x\n6640,4650\n", "", [("MAP-2", "accounts.csv:1")]),
        ("code,code\n6640,4650\n", "", [("MAP-3", "accounts.csv:1")]),
        ("code,account,\n6640,4650,x\n", "", [("MAP-3", "accounts.csv:1")]),
        ("code,account,~x\n6640,4650,x\n", "", [("MAP-3", "accounts.csv:1")]),
        ("", "", [("MAP-1", "accounts.csv")]),
        (b"code,account\n6640,4650\n\xff,1\n", "", [("MAP-1", "accounts.csv:3")]),
        ('code,account\n"6640"x,4650\n', "", [("MAP-1", "accounts.csv:2")]),
        ("pleo,account\n6640,4650\n", "", [("MAP-11", "acme.yaml:3:46")]),
    ],
)
def test_what_is_refused(
    tmp_path: Path, table: str | bytes, more: str, expected: list[tuple[str, str]]
) -> None:
    assert problems(tmp_path, table, more) == expected


def test_a_repeated_key_names_both_lines(tmp_path: Path) -> None:
    with pytest.raises(UserMustFix) as caught:
        load(tmp_path, table_rule(), accounts_csv="code,account\n1,1\n2,2\n1,3\n")
    assert 'key "1" stands twice, first in line 2' in str(caught.value)
    assert "accounts.csv:4" in str(caught.value)


def test_a_line_break_in_a_cell_keeps_later_lines_right(tmp_path: Path) -> None:
    table = 'code,account\n6640,"46\n50"\n6640,1\n'
    with pytest.raises(UserMustFix, match=r"first in line 2\n  at accounts\.csv:4"):
        load(tmp_path, table_rule(), accounts_csv=table)


def test_every_problem_of_every_table_is_said_at_once(tmp_path: Path) -> None:
    text = """
tables:
  a: {file: a.csv, key: [k]}
  b: {file: missing.csv, key: [k]}
  c: {file: ../c.csv, key: [k]}
map: {account.expense: [{use: "1"}]}
"""
    with pytest.raises(UserMustFix) as caught:
        load(tmp_path, text, a_csv="k,v\n1,1\n1,2\n")
    assert [problem.code for problem in caught.value.problems] == ["MAP-5", "DOC-4", "DOC-4"]


@pytest.mark.parametrize(
    ("limit", "size", "table"),
    [
        ("MAX_BYTES", 20, "code,account\n6640,4650\n"),
        ("MAX_ROWS", 2, "code,account\n1,1\n2,2\n3,3\n"),
        ("MAX_COLUMNS", 1, "code,account\n1,1\n"),
        ("MAX_CELLS", 5, "code,account\n1,1\n2,2\n"),
        ("MAX_CELL", 5, "code,account\n123456,1\n"),
    ],
)
def test_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, size: int, table: str
) -> None:
    monkeypatch.setattr(cells, limit, size)
    assert [code for code, _ in problems(tmp_path, table)] == ["MAP-9"]


def test_casefold_finds_what_unicode_calls_the_same(tmp_path: Path) -> None:
    table = "code,account\nStraße,4650\n"
    text = table_rule(", match: casefold")
    for code in ("STRASSE", "straße", "Stra\u00dfe"):
        result = mapped(
            load(tmp_path, text, accounts_csv=table), {"lines": [{"line.account.code": code}]}
        )
        assert value(result, "account.expense") == ["4650"]
    exact = load(tmp_path, table_rule(), accounts_csv=table)
    assert codes(mapped(exact, {"lines": [{"line.account.code": "STRASSE"}]}))


def test_decomposed_letters_in_a_table_find_composed_ones(tmp_path: Path) -> None:
    mapping = load(tmp_path, table_rule(), accounts_csv="code,account\nBu\u0308ro,4930\n")
    result = mapped(mapping, {"lines": [{"line.account.code": "B\u00fcro"}]})
    assert value(result, "account.expense") == ["4930"]


def test_several_key_columns(tmp_path: Path) -> None:
    text = """
tables: {accounts: {file: accounts.csv, key: [code, country]}}
map:
  account.wallet: [{use: "1360"}]
  account.expense:
    - table: accounts
      key: ["{{ line.account.code }}", "{{ item.supplier.country }}"]
      take: account
"""
    mapping = load(tmp_path, text, accounts_csv="code,country,account\n1,DE,10\n1,SE,20\n2,DE,30\n")
    found = mapped(
        mapping,
        {"item.supplier.country": "SE", "lines": [{"line.account.code": "1"}]},
        {"item.supplier.country": "DE", "lines": [{"line.account.code": "1"}]},
        {"item.supplier.country": "SE", "lines": [{"line.account.code": "2"}]},
        {"item.supplier.country": None, "lines": [{"line.account.code": "1"}]},
    )
    assert value(found, "account.expense") == ["20", "10"]
    assert found.rejections["message"].to_list()[0] == (
        'no expense account is found: looked for "2" / "SE" in accounts.csv'
    )
    assert codes(found)[1] == ("MAP-22", 1, "missing_configuration")


def dated(*rows: str) -> str:
    return "\n".join(["code,account,valid_from,valid_to", *rows]) + "\n"


def test_validity_is_by_posting_date(tmp_path: Path) -> None:
    table = dated("6640,OLD,,2025-12-31", "6640,NEW,2026-01-01,2026-06-30", "6641,X,,")
    mapping = load(tmp_path, table_rule(), accounts_csv=table)
    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1)]
    result = mapped(mapping, *({"item.date": day} for day in days))
    assert value(result, "account.expense") == ["OLD", "NEW", "NEW"]
    assert result.lines["row.account.expense"].to_list() == [2, 3, 3]
    assert codes(result) == [("MAP-20", 1, "account_unknown")]


def test_every_overlap_is_named(tmp_path: Path) -> None:
    table = dated("1,A,2026-01-01,2026-12-31", "1,B,2026-02-01,2026-02-02", "1,C,2026-03-01,")
    assert problems(tmp_path, table) == [("MAP-8", "accounts.csv:3"), ("MAP-8", "accounts.csv:4")]


def test_blanks_around_what_is_looked_for_do_not_count(tmp_path: Path) -> None:
    mapping = load(tmp_path, table_rule(), accounts_csv="code,account\n6640,4650\n")
    result = mapped(mapping, {"lines": [{"line.account.code": " 6640 "}]})
    assert value(result, "account.expense") == ["4650"]


def test_tables_are_part_of_the_fingerprint(tmp_path: Path) -> None:
    first = load(tmp_path, table_rule(), accounts_csv="code,account\n6640,4650\n").fingerprint
    then = load(tmp_path, table_rule(), accounts_csv="code,account\n6640,4651\n").fingerprint
    assert {name for name in first if first[name] != then[name]} == {"accounts.csv"}


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        (["6640,A,2026-01-01,2026-03-31", "6640,B,2026-03-31,"], "accounts.csv:3"),
        (["6640,A,,", "6640,B,2026-03-31,"], "accounts.csv:3"),
        (["6640,A,2026-01-01,", "6640,B,2025-01-01,2025-06-30", "6640,C,2026-02-01,2026-02-02"],
         "accounts.csv:4"),
        (["6640,A,2026-02-30,"], "accounts.csv:2"),
        (["6640,A,01.02.2026,"], "accounts.csv:2"),
        (["6640,A,2026-02-02,2026-02-01"], "accounts.csv:2"),
    ],
)  # fmt: skip
def test_validity_that_cannot_be(tmp_path: Path, rows: list[str], where: str) -> None:
    assert problems(tmp_path, dated(*rows)) == [("MAP-8", where)]


texts = st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=6)


@settings(deadline=None)
@given(
    rows=st.dictionaries(texts.map(str.strip).filter(bool), st.integers(0, 99), max_size=20),
    asked=st.lists(texts, min_size=1, max_size=30),
    casefold=st.booleans(),
)
def test_finding_is_what_a_dictionary_finds(
    rows: dict[str, int], asked: list[str], casefold: bool
) -> None:
    def form(text: str) -> str:
        return text.casefold() if casefold else text

    kept = {form(key): (key, cell) for key, cell in rows.items()}
    table = _table(list(kept.values()), casefold=casefold)
    found = table.find(
        pl.DataFrame({"k": asked}, schema={"k": pl.String}),
        take=["v"],
        on=pl.Series([date(2026, 1, 1)] * len(asked)),
    )
    wanted = [kept.get(form(text.strip(" ")), (None, None))[1] for text in asked]
    assert found["v"].to_list() == [None if cell is None else str(cell) for cell in wanted]


def _table(rows: list[tuple[str, int]], *, casefold: bool) -> Table:
    quoted = "\n".join('"{}",{}'.format(key.replace('"', '""'), cell) for key, cell in rows)
    spec = TableFile(file="t.csv", key=("k",), match="casefold" if casefold else "exact")
    return make_table(read_csv(f"k,v\n{quoted}\n".encode(), name="t.csv"), name="t", spec=spec)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=20))
def test_casefolded_is_what_python_says(values: list[str | None]) -> None:
    found = casefolded(pl.Series(values, dtype=pl.String)).to_list()
    assert found == [None if text is None else text.casefold() for text in values]
