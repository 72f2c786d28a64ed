"""What is read back: from the file alone, by what its columns mean. Expected values by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from etl.errors import UserMustFix
from etl.rendering import as_read, prove, read_back_file
from tests.unit.readback.kinds import (
    CSV,
    EXTF,
    FIXED,
    IIF,
    KINDS,
    LEGS,
    PAIR,
    SIE,
    XLSX,
    XML,
    books,
    case,
)
from tests.unit.rendering.books import Books, load, rendered

AMOUNTS = [Decimal("119.00"), Decimal("45.50"), Decimal("1007.00")]


def read(body: str, folder: Path, content: bytes) -> pl.DataFrame:
    template = load(folder, body)
    (file,) = template.document.files
    rows, differences = read_back_file(template, file, content=content)
    assert differences == []
    return rows


@pytest.mark.parametrize("kind", ["csv", "extf", "xlsx"])
def test_pairs_are_read_from_the_file_alone(kind: str, tmp_path: Path) -> None:
    made = case(kind, tmp_path / "made")
    rows = read(KINDS[kind], tmp_path / "read", made.content)
    assert rows["amount"].to_list() == AMOUNTS
    assert rows["account"].to_list() == ["4930", "4670", "4930"]
    assert rows["contra_account"].to_list() == ["1280", "1280", "1281"]
    assert rows["tax_code"].to_list() == ["V19", "V7", ""]
    assert rows["line"].to_list() == ([3, 4, 5] if kind == "extf" else [2, 3, 4])


@pytest.mark.parametrize("kind", ["iif", "sie", "xml"])
def test_legs_are_read_from_the_file_alone(kind: str, tmp_path: Path) -> None:
    made = case(kind, tmp_path / "made")
    rows = read(KINDS[kind], tmp_path / "read", made.content)
    by_account = rows.group_by("account").agg(pl.col("signed").sum()).sort("account")
    assert by_account.rows() == [
        ("1280", Decimal("-73.50")),
        ("1281", Decimal("-1007.00")),
        ("4670", Decimal("-45.50")),
        ("4930", Decimal("1126.00")),
    ]
    if kind != "iif":
        assert rows["#voucher"].to_list() == [0, 0, 1, 1, 2, 2]


def test_a_fixed_line_is_read_by_bytes(tmp_path: Path) -> None:
    made = case("fixed", tmp_path / "made")
    rows = read(FIXED, tmp_path / "read", made.content)
    assert rows["amount"].to_list() == [amount for amount in AMOUNTS for _ in range(2)]
    assert rows["date"].to_list() == ["090326"] * 2 + ["311226"] * 2 + ["090326"] * 2
    assert rows["tax_code"].to_list() == ["V19", "V19", "V7", "V7", "", ""]


def test_what_a_file_says_is_put_in_the_place_of_our_values(tmp_path: Path) -> None:
    made = case("csv", tmp_path)
    proof = made.prove()
    printed = proof.postings.with_columns(pl.lit("9999").alias("account"))
    books_as_read = as_read(made.postings, proved=printed)
    assert books_as_read["posting.account"].to_list() == ["9999"] * 3
    assert books_as_read["posting.signed"].to_list() == [
        Decimal("119.00"),
        Decimal("-45.50"),
        Decimal("1007.00"),
    ]
    assert books_as_read.columns == made.postings.columns


@pytest.mark.parametrize("body", [CSV, EXTF, IIF, FIXED, SIE, XML, XLSX])
def test_several_parts_add_up(body: str, tmp_path: Path) -> None:
    name = next(line for line in body.splitlines() if line.startswith("    name: "))
    split = body.replace(
        name,
        name.replace('"', '"{{ file.number }}', 1) + "\n    split: {max: {vouchers: 1}}",
    )
    made = books(body)
    batch = rendered(tmp_path, split, made)
    assert len(batch.files) == 3
    postings = made.frames()["postings"]
    proof = prove(batch, postings)
    assert (proof.problems, proof.rows) == ((), postings.height)
    lost = type(batch)(**{**vars(batch), "files": batch.files[1:]})
    assert [problem.code for problem in prove(lost, postings).problems] == ["PROOF-3"]
    twice = type(batch)(**{**vars(batch), "files": (*batch.files, batch.files[0])})
    assert "twice" in prove(twice, postings).problems[0].what


COLUMNS = PAIR + (
    "files: {f: {name: f.csv, kind: csv, csv: {header: names}, columns: [\n"
    "  {name: A, value: '{{ posting.account }}', means: account},\n"
    "  {name: N, value: '{{ %s }}', type: amount, means: %s},\n"
    "  {name: D, value: '{{ %s }}', type: %s, %s}]}}\n"
)


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("posting.signed", "amount"),
        ("posting.credit", "debit"),
        ("posting.amount", "signed"),
    ],
)
def test_a_column_cannot_mean_what_it_does_not_print(
    value: str, meaning: str, tmp_path: Path
) -> None:
    body = COLUMNS % (value, meaning, "voucher.date", "date", "means: date")
    made = books(PAIR)
    proof = prove(rendered(tmp_path, body, made), made.frames()["postings"])
    (problem,) = proof.problems
    assert problem.code == "PROOF-4"
    assert problem.what.startswith(f'column "N" means {meaning}')
    assert problem.where.endswith("template.yaml:8:20")


def test_a_posting_whose_amount_is_nowhere_is_refused(tmp_path: Path) -> None:
    body = COLUMNS % ("posting.original_amount", "amount", "voucher.date", "date", "means: date")
    made = books(PAIR)
    proof = prove(rendered(tmp_path, body, made), made.frames()["postings"])
    assert [problem.what for problem in proof.problems] == [
        "f.csv:2 prints no amount for its posting"
    ]


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("posting.amount", "amount"),
        ("posting.debit", "debit"),
        ("-posting.signed", "signed"),
    ],
)
def test_a_column_may_mean_an_amount_of_its_postings(
    value: str, meaning: str, tmp_path: Path
) -> None:
    body = COLUMNS % (value, meaning, "voucher.date", "date", "means: date")
    made = books(PAIR)
    assert prove(rendered(tmp_path, body, made), made.frames()["postings"]).ok


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        ('posting.net if posting.side == "debit" else -posting.net', []),
        ("posting.net", ["PROOF-4"]),
    ],
)
def test_a_signed_column_may_be_without_tax(value: str, codes: list[str], tmp_path: Path) -> None:
    body = COLUMNS % (value, "signed", "voucher.date", "date", "means: date")
    made = Books()
    made.add("a-1", amount="119.00", shape="pair", **{"posting.net": Decimal("100.00")})
    made.add("b-2", amount="-11.90", shape="pair", **{"posting.net": Decimal("10.00")})
    proof = prove(rendered(tmp_path, body, made), made.frames()["postings"])
    assert [problem.code for problem in proof.problems] == codes


def test_a_file_that_says_too_little_is_refused(tmp_path: Path) -> None:
    body = CSV.replace(", means: amount", "").replace(", means: account", "")
    body = body.replace(", means: contra_account", "")
    made = books(CSV)
    with pytest.raises(UserMustFix) as caught:
        prove(rendered(tmp_path, body, made), made.frames()["postings"])
    (problem,) = caught.value.problems
    assert problem.code == "PROOF-1"
    assert "an account and an amount" in problem.what


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("(?<signed>", "(?<sigend>", '"sigend" is no meaning'),
        ("(?<date>[0-9]{8})", "[0-9]{8}", "a column means date, but read_back does not find it"),
        ("(?<account>[0-9]+)", "(?<side>[0-9]+)", "no column means side"),
        ("(?<account>[0-9]+)", "(?<account>[0-9]+", "the pattern cannot be read"),
        ("(?<account>[0-9]+)", "(?<account>\\d+)", "match foreign digits"),
        ("      row: '", "      account: x\n      row: '", "a text file has no path for account"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_at_load(
    old: str, new: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(UserMustFix) as caught:
        load(tmp_path, SIE.replace(old, new))
    problems = [problem for problem in caught.value.problems if problem.code == "PROOF-5"]
    assert what in problems[0].what
    assert "template.yaml:" in problems[0].where


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("row: a:Row", "row: c:Row", "cannot be followed"),
        ("signed: a:Sums/b:Amount", "signed: a:Sums[", "cannot be followed"),
        ("      tax_code: b:Tax\n", "", "a column means tax_code, but read_back does not"),
        ("signed: a:Sums", "side: b:Side\n      signed: a:Sums", "no column means side"),
    ],
)
def test_a_path_that_cannot_be_used_is_refused_at_load(
    old: str, new: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(UserMustFix) as caught:
        load(tmp_path, XML.replace(old, new))
    assert what in caught.value.problems[0].what


def test_read_back_is_for_text_and_xml_only(tmp_path: Path) -> None:
    body = CSV + "    read_back: {row: x}\n"
    with pytest.raises(UserMustFix, match="read back by its columns"):
        load(tmp_path, body)


def test_columns_that_repeat_the_postings_of_a_voucher_are_proved(tmp_path: Path) -> None:
    body = LEGS + (
        "files: {f: {name: f.csv, kind: csv, csv: {header: names}, columns: [\n"
        "  {name: Date, value: '{{ voucher.date }}', type: date, means: date},\n"
        "  {repeat: {over: voucher.postings, max: 3, columns: [\n"
        "    {name: A, value: '{{ posting.account }}', means: account},\n"
        "    {name: N, value: '{{ posting.signed }}', type: amount, means: signed}]}}]}}\n"
    )
    made = books(LEGS)
    batch = rendered(tmp_path, body, made)
    postings = made.frames()["postings"]
    proof = prove(batch, postings)
    assert (proof.problems, proof.rows) == ((), 6)
    (file,) = batch.files
    changed = replace(file, content=file.content.replace(b"-119.00", b"-119.01"))
    assert not prove(replace(batch, files=(changed,)), postings).ok


def test_a_value_on_the_first_row_only_is_expected_there_only(tmp_path: Path) -> None:
    body = LEGS + (
        "files: {f: {name: f.csv, kind: csv, csv: {header: names}, columns: [\n"
        "  {name: D, value: '{{ voucher.date }}', type: date, first_of: voucher, means: date},\n"
        "  {name: A, value: '{{ posting.account }}', means: account},\n"
        "  {name: N, value: '{{ posting.signed }}', type: amount, means: signed}]}}\n"
    )
    made = books(LEGS)
    batch = rendered(tmp_path, body, made)
    assert batch.files[0].content.splitlines()[2] == b",1280,-119.00"
    assert prove(batch, made.frames()["postings"]).ok


def test_a_column_left_out_because_it_is_empty_is_not_missed(tmp_path: Path) -> None:
    body = CSV.replace("means: tax_code}", "means: tax_code, only_if_used: true}")
    made = Books()
    made.add("a-1")
    batch = rendered(tmp_path / "made", body, made)
    assert b"Tax" not in batch.files[0].content
    assert prove(batch, made.frames()["postings"]).ok
    rows = read(body, tmp_path / "read", batch.files[0].content)
    assert "tax_code" not in rows.columns
    assert rows["contra_account"].to_list() == ["1280"]


@pytest.mark.parametrize(
    ("tokens", "text", "wrong"),
    [
        ("DDMM", "0903", "0904"),
        ("D.M.YY", "9.3.26", "9.3.27"),
        ("YYYYMMDD", "20260309", "20250309"),
        ("MM/DD/YYYY", "03/09/2026", "09/03/2026"),
    ],
)
def test_a_date_is_compared_by_the_parts_that_are_shown(
    tokens: str, text: str, wrong: str, tmp_path: Path
) -> None:
    body = COLUMNS % (
        "posting.amount", "amount", "voucher.date", "date", f'format: "{tokens}", means: date'
    )  # fmt: skip
    made = Books()
    made.add("a-1", date=dt.date(2026, 3, 9))
    batch = rendered(tmp_path, body, made)
    assert text.encode() in batch.files[0].content
    postings = made.frames()["postings"]
    assert prove(batch, postings).ok
    (file,) = batch.files
    changed = replace(file, content=file.content.replace(text.encode(), wrong.encode()))
    assert not prove(replace(batch, files=(changed,)), postings).ok


def test_a_companion_without_postings_must_still_be_well_formed(tmp_path: Path) -> None:
    companion = (
        "  more: {name: more.xml, kind: xml, companion: true,\n"
        "    records: {doc: [{name: id, value: '{{ batch.id }}'}]},\n"
        "    layout: '<a>{{ doc.id }}</%s>'}\n"
    )
    made = books(CSV)
    postings = made.frames()["postings"]
    assert prove(rendered(tmp_path, CSV + companion % "a", made), postings).ok
    proof = prove(rendered(tmp_path, CSV + companion % "b", made), postings)
    assert [problem.where for problem in proof.problems] == ["more.xml:2"]
    assert "not well-formed" in proof.problems[0].what
