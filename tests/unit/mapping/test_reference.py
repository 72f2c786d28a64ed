"""Reference lists: required columns, values, companies, repeated codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.errors import UserMustFix
from etl.mapping import LoadedMapping
from tests.unit.mapping.written import COMPANY, load, mapped, value

RULES = 'reference: ref/\nmap: {account.expense: [{use: "{{ line.account.code }}"}]}\n'
GOOD = {
    "accounts": "account_external_id,account_name,active\n6640,Meals,yes\n",
    "tax_codes": "tax_code,name,rate_percent,type,active\n9,V,19,inclusive,yes\n",
    "dimension_values": "dimension_code,value_code,value_name,status\nCC,10,A,active\n",
    "vendors": "vendor_external_id,name,active\n7,N,yes\n",
    "periods": "year,number,start,end,status\n2026,1,2026-01-01,2026-12-31,open\n",
}


def with_list(folder: Path, name: str, content: str, company: str = "") -> LoadedMapping:
    text = COMPANY.replace("}", company + "}") + RULES
    return load(folder, text, **{f"ref__{name}_csv": content})


def refused(folder: Path, name: str, content: str) -> list[tuple[str, str]]:
    with pytest.raises(UserMustFix) as caught:
        with_list(folder, name, content)
    return [(problem.code, problem.where) for problem in caught.value.problems]


def test_all_lists_load_and_are_part_of_the_fingerprint(tmp_path: Path) -> None:
    files = {f"ref__{name}_csv": content for name, content in GOOD.items()}
    mapping = load(tmp_path, RULES, **files)
    assert set(mapping.fingerprint) == {"acme.yaml", *(f"ref/{name}.csv" for name in GOOD)}
    again = load(tmp_path, RULES, **files | {"ref__vendors_csv": GOOD["vendors"] + "8,M,no\n"})
    changed = {k for k in mapping.fingerprint if mapping.fingerprint[k] != again.fingerprint[k]}
    assert changed == {"ref/vendors.csv"}


@pytest.mark.parametrize("name", list(GOOD))
def test_every_required_column_is_asked_for(tmp_path: Path, name: str) -> None:
    header, *rows = GOOD[name].splitlines()
    for column in header.split(","):
        index = header.split(",").index(column)
        cut = [
            ",".join(cell for place, cell in enumerate(line.split(",")) if place != index)
            for line in (header, *rows)
        ]
        found = refused(tmp_path, name, "\n".join(cut) + "\n")
        assert found == [("MAP-3", f"ref/{name}.csv:1")]


@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        ("accounts", "6640,Twice,yes", "MAP-5"),
        ("accounts", ",No number,yes", "MAP-14"),
        ("accounts", "1,,yes", "MAP-14"),
        ("accounts", "1,X,perhaps", "MAP-14"),
        ("accounts", "1,X,", "MAP-14"),
        ("tax_codes", "9,V,19,inclusive,yes", "MAP-5"),
        ("tax_codes", "8,V,19,inclusive,x", "MAP-14"),
        ("dimension_values", "cc,10,B,active", "MAP-5"),
        ("dimension_values", "CC,11,B,gone", "MAP-14"),
        ("vendors", "7,M,yes", "MAP-5"),
        ("vendors", "8,M,perhaps", "MAP-14"),
        ("periods", "2026,1,2027-01-01,2027-12-31,open", "MAP-5"),
        ("periods", "26,2,2027-01-01,2027-12-31,open", "MAP-14"),
        ("periods", "2026,100,2027-01-01,2027-12-31,open", "MAP-14"),
        ("periods", "2026,0,2027-01-01,2027-12-31,open", "MAP-14"),
        ("periods", "2026,2,2027-01-01,2027-12-31,ajar", "MAP-14"),
        ("periods", "2026,2,1.1.2027,2027-12-31,open", "MAP-14"),
        ("periods", "2026,2,2026-12-31,2027-12-31,open", "MAP-8"),
        ("periods", "2027,1,2027-12-31,2027-01-01,open", "MAP-8"),
    ],
)
def test_values_that_are_refused(tmp_path: Path, name: str, rows: str, expected: str) -> None:
    assert refused(tmp_path, name, GOOD[name] + rows + "\n") == [(expected, f"ref/{name}.csv:3")]


def test_validity_of_dimension_values(tmp_path: Path) -> None:
    content = (
        "dimension_code,value_code,value_name,status,valid_from,valid_to\n"
        "CC,1,A,active,2026-02-30,\nCC,2,B,active,2026-02-02,2026-02-01\n"
    )
    assert refused(tmp_path, "dimension_values", content) == [
        ("MAP-8", "ref/dimension_values.csv:2"),
        ("MAP-8", "ref/dimension_values.csv:3"),
    ]


def test_vendor_codes_are_unique_where_given(tmp_path: Path) -> None:
    header = "vendor_external_id,vendor_code,name,active\n"
    content = header + "1,,A,yes\n2,,B,yes\n3,9,C,yes\n4,9,D,no\n"
    assert refused(tmp_path, "vendors", content) == [("MAP-5", "ref/vendors.csv:5")]


TWO = "company_key,account_external_id,account_name,active\na,6640,Meals,yes\nb,6641,Other,yes\n"


def test_rows_of_other_companies_are_left_out(tmp_path: Path) -> None:
    mapping = with_list(tmp_path, "accounts", TWO, ", key: a")
    result = mapped(mapping, {"needs": ("expense",)},
                    {"needs": ("expense",), "lines": [{"line.account.code": "6641"}]})  # fmt: skip
    assert value(result, "account.expense") == ["6640"]


def test_whose_rows_they_are_must_be_clear(tmp_path: Path) -> None:
    assert refused(tmp_path, "accounts", TWO) == [("MAP-15", "ref/accounts.csv:1")]
    with pytest.raises(UserMustFix, match="MAP-15"):
        with_list(tmp_path, "accounts", TWO, ", key: c")
    with_list(tmp_path, "accounts", TWO.replace("\nb,", "\na,"))


def test_a_company_may_repeat_the_codes_of_another(tmp_path: Path) -> None:
    content = TWO.replace("b,6641", "b,6640")
    mapping = with_list(tmp_path, "accounts", content, ", key: b")
    result = mapped(mapping, {"needs": ("expense",)})
    assert result.lines["account_name.expense"].to_list() == ["Other"]


def test_unknown_columns_are_warned_about_but_attributes_are_not(tmp_path: Path) -> None:
    taxes = "tax_code,name,rate_percent,type,active,colour\n9,V,19,inclusive,yes,red\n"
    mapping = with_list(tmp_path, "tax_codes", taxes)
    assert [(w.code, w.where) for w in mapping.warnings] == [("MAP-46", "ref/tax_codes.csv:1")]
    accounts = "account_external_id,account_name,active,colour\n1,A,yes,red\n"
    other = tmp_path / "other"
    other.mkdir()
    assert with_list(other, "accounts", accounts).warnings == ()


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    with pytest.raises(UserMustFix, match="there is no folder ref"):
        load(tmp_path, RULES)
    (tmp_path / "ref").mkdir()
    with pytest.raises(UserMustFix, match="holds none of"):
        load(tmp_path, RULES)
    with pytest.raises(UserMustFix, match="leaves the folder"):
        load(tmp_path, RULES.replace("ref/", "../ref"))


def test_problems_of_all_lists_are_said_at_once(tmp_path: Path) -> None:
    files = {f"ref__{name}_csv": content + "x\n" for name, content in GOOD.items()}
    with pytest.raises(UserMustFix) as caught:
        load(tmp_path, RULES, **files)
    assert [problem.code for problem in caught.value.problems] == ["MAP-4"] * 5
