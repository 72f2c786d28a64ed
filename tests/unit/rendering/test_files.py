"""Whole files: kinds, lines, splitting, names, packing, and the same bytes every time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from etl.errors import UserMustFix
from etl.frames import CHECKED_LINES
from etl.rendering import render
from tests.unit.rendering.books import (
    CONSTANTS,
    LEGS,
    PAIR,
    Books,
    frame,
    load,
    problem_codes,
    rendered,
    text_of,
    two_items,
)


def csv(more: str = "", *, name: str = "out_{{ file.number }}.csv", head: str = PAIR) -> str:
    return f"""
{head}
files:
  out:
    name: "{name}"
    kind: csv
    newline: lf
    {more}
    columns:
      - {{name: Account, value: "{{{{ posting.account }}}}", means: account}}
      - {{name: Reference, value: "{{{{ voucher.reference }}}}"}}
"""


def test_a_plain_table_with_names_and_crlf(tmp_path: Path) -> None:
    result = rendered(tmp_path, csv("csv: {header: names}").replace("lf", "crlf"), two_items())
    assert text_of(result) == "Account,Reference\r\n4930,R-a-1\r\n4930,R-b-2\r\n"
    assert result.files[0].lines.rows() == [(0, 2), (1, 3)]
    assert result.files[0].rows == 2
    assert result.external_ids["external_id"].to_list() == ["R-a-1", "R-b-2"]


def test_the_last_line_end_and_the_mark_are_the_formats_choice(tmp_path: Path) -> None:
    result = rendered(tmp_path, csv("bom: true\n    csv: {last_newline: false}"), two_items())
    assert result.files[0].content == b"\xef\xbb\xbf4930,R-a-1\n4930,R-b-2"


def test_pairs_count_on_both_sides_of_the_totals(tmp_path: Path) -> None:
    result = rendered(tmp_path, csv(), two_items())
    assert [tuple(map(str, row)) for row in result.files[0].totals.rows()] == [
        ("EUR", "164.50", "164.50")
    ]


def test_an_empty_batch_gives_no_file(tmp_path: Path) -> None:
    result = rendered(tmp_path, csv(), Books())
    assert result.files == ()
    assert result.rejections.is_empty()


def test_a_fixed_line_has_its_length_and_gaps(tmp_path: Path) -> None:
    body = (
        LEGS
        + """files:
  out:
    name: out.txt
    kind: fixed
    fixed: {length: 30}
    encoding: cp1252
    columns:
      - {at: 1, width: 1, value: M}
      - {at: 3, width: 6, value: "{{ posting.account }}"}
      - {at: 10, width: 8, value: "{{ posting.amount }}", type: amount, unit: hundredths,
         align: right, fill: "0"}
      - {at: 18, width: 6, value: "{{ posting.text }}", overflow: cut}
"""
    )
    books = Books()
    books.add("a-1", amount="119.00", text="Müllers Kiosk", shape="legs")
    result = rendered(tmp_path, body, books)
    assert text_of(result, encoding="cp1252").split("\n") == [
        "M 4930   00011900Müller       ",
        "M 1280   00011900Müller       ",
        "",
    ]
    assert result.notes["code"].to_list() == ["TEXT-CUT"]


def test_a_negative_number_keeps_its_sign_before_the_zeros(tmp_path: Path) -> None:
    body = (
        PAIR
        + """files:
  out:
    name: out.txt
    kind: fixed
    fixed: {length: 8}
    columns:
      - {at: 1, width: 8, value: "{{ posting.signed }}", type: amount, align: right,
         fill: "0"}
"""
    )
    assert text_of(rendered(tmp_path, body, two_items())) == "00119.00\n-0045.50\n"


def test_a_number_wider_than_its_column_rejects_the_item(tmp_path: Path) -> None:
    body = (
        PAIR
        + """files:
  out:
    name: out.txt
    kind: fixed
    fixed: {length: 5}
    columns: [{at: 1, width: 5, value: "{{ posting.amount }}", type: amount}]
"""
    )
    result = rendered(tmp_path, body, two_items())
    assert result.rejections.select("item_id", "code").rows() == [("a-1", "CELL-3")]


def test_splitting_by_year_and_by_rows_never_tears_a_voucher(tmp_path: Path) -> None:
    books = Books()
    for number, year in enumerate((2026, 2027, 2026, 2026)):
        books.add(f"i-{number}", shape="legs", date=dt.date(year, 3, 1))
    body = csv("split: {by: [fiscal_year], max: {rows: 5}}", head=LEGS)
    result = rendered(tmp_path, body, books)
    assert [file.name for file in result.files] == ["out_1.csv", "out_2.csv", "out_3.csv"]
    assert [text_of(result, number).split() for number in range(3)] == [
        ["4930,R-i-0", "1280,R-i-0", "4930,R-i-2", "1280,R-i-2"],
        ["4930,R-i-3", "1280,R-i-3"],
        ["4930,R-i-1", "1280,R-i-1"],
    ]
    assert [file.rows for file in result.files] == [4, 2, 2]


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("month", ["2026-03", "2026-03", "2026-04"]),
        ("currency", ["EUR", "EUR", "USD"]),
        ("voucher", ["1", "2", "3"]),
    ],
)
def test_other_ways_to_split(tmp_path: Path, by: str, names: list[str]) -> None:
    books = two_items()
    books.add("c-3", date=dt.date(2026, 4, 1), currency="USD")
    result = rendered(tmp_path, csv(f"split: {{by: [{by}]}}"), books)
    assert len(result.files) == len(set(names))


def test_a_voucher_too_large_for_any_file_is_rejected(tmp_path: Path) -> None:
    books = Books()
    books.add("big", shape="legs")
    result = rendered(tmp_path, csv("split: {max: {rows: 1}}", head=LEGS), books)
    assert result.rejections["code"].to_list() == ["CELL-18"]


def test_splitting_by_bytes_measures_the_bytes(tmp_path: Path) -> None:
    books = Books()
    for number in range(7):
        books.add(f"{number}")  # each line "4930,R-0\n" has 9 bytes
    result = rendered(tmp_path, csv("split: {max: {bytes: 30}}"), books)
    assert all(len(file.content) <= 30 for file in result.files)
    assert b"".join(file.content for file in result.files).count(b"\n") == 7
    alone = rendered(tmp_path, csv("split: {max: {bytes: 8}}"), books)
    assert set(alone.rejections["code"]) == {"CELL-18"}


def test_each_voucher_reaches_one_file(tmp_path: Path) -> None:
    body = (
        PAIR
        + """files:
  costs: {name: costs.csv, kind: csv, where: "{{ posting_side == 'debit' }}",
          columns: [{name: A, value: "{{ posting.account }}"}]}
  refunds: {name: refunds.csv, kind: csv, where: "{{ posting_side == 'credit' }}",
            columns: [{name: A, value: "{{ posting.account }}"}]}
let: {posting_side: "{{ 'debit' if voucher.contra_side == 'credit' else 'credit' }}"}
"""
    )
    result = rendered(tmp_path, body, two_items())
    assert [(file.name, file.rows) for file in result.files] == [
        ("costs.csv", 1), ("refunds.csv", 1),
    ]  # fmt: skip
    both = body.replace("== 'credit' }}\",\n            col", "!= 'x' }}\",\n            col")
    result = rendered(tmp_path, both, two_items())
    assert result.rejections.select("item_id", "code").rows() == [("a-1", "CELL-17")]


@pytest.mark.parametrize("name", ["../out.csv", "CON.csv", "a/b.csv", "{{ company.name }}?.csv"])
def test_names_are_safe(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserMustFix) as error:
        rendered(tmp_path, csv(name=name), two_items())
    assert problem_codes(error) == ["FILE-1"]


@pytest.mark.parametrize("name", ["out.csv", "Manifest.json"])
def test_two_files_never_have_one_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserMustFix) as error:
        rendered(tmp_path, csv("split: {by: [voucher]}", name=name), two_items())
    assert set(problem_codes(error)) == {"FILE-2"}


def test_a_head_that_does_not_fit_stops_the_command(tmp_path: Path) -> None:
    body = (
        PAIR
        + """files:
  out:
    name: out.txt
    kind: text
    records:
      head: [{name: company, value: "{{ company.name }}", max: 3}]
      row: [{name: a, value: "{{ posting.account }}"}]
    layout: "{{ head }}\\n"
"""
    )
    with pytest.raises(UserMustFix) as error:
        rendered(tmp_path, body, two_items())
    assert problem_codes(error) == ["FILE-3"]


def test_text_of_the_template_must_be_in_the_encoding(tmp_path: Path) -> None:
    more = "encoding: ascii\n    csv: {header: names}"
    with pytest.raises(UserMustFix) as error:
        rendered(tmp_path, csv(more).replace("name: Account", "name: Käse"), two_items())
    assert problem_codes(error) == ["FILE-4"]


def test_values_that_stand_on_the_first_row_only(tmp_path: Path) -> None:
    body = csv(head=LEGS).replace(
        'voucher.reference }}"', 'voucher.reference }}", first_of: voucher'
    )
    books = Books()
    books.add("a", shape="legs")
    assert text_of(rendered(tmp_path, body, books)) == "4930,R-a\n1280,\n"


def test_a_column_that_nothing_uses_can_vanish(tmp_path: Path) -> None:
    body = csv("csv: {header: names}") + (
        '      - {name: Tax, value: "{{ posting.tax_code }}", only_if_used: true}\n'
    )
    assert text_of(rendered(tmp_path, body, two_items())).startswith("Account,Reference\n")
    books = two_items()
    books.postings[1]["posting.tax_code"] = "9"
    assert text_of(rendered(tmp_path, body, books)).startswith(
        "Account,Reference,Tax\n4930,R-a-1,\n4930,R-b-2,9\n"
    )


def test_columns_repeat_the_postings_of_a_voucher(tmp_path: Path) -> None:
    body = (
        LEGS
        + """files:
  out:
    name: out.csv
    kind: csv
    csv: {header: names}
    columns:
      - {name: Ref, value: "{{ voucher.reference }}"}
      - repeat:
          over: voucher.postings
          max: 3
          columns:
            - {name: Account, value: "{{ posting.account }}"}
            - {name: Amount, value: "{{ posting.signed }}", type: amount}
"""
    )
    books = Books()
    books.add("a", amount="5.00", shape="legs")
    result = rendered(tmp_path, body, books)
    assert text_of(result) == (
        "Ref,Account 1,Amount 1,Account 2,Amount 2,Account 3,Amount 3\nR-a,4930,5.00,1280,-5.00,,\n"
    )
    assert result.files[0].lines["line"].to_list() == [2, 2]
    result = rendered(tmp_path, body.replace("max: 3", "max: 1"), books)
    assert result.rejections["code"].to_list() == ["CELL-16"]


def test_values_of_lines_are_empty_on_summed_legs(tmp_path: Path) -> None:
    body = csv(head=LEGS).replace("voucher.reference", "line.tax.code")
    books = Books()
    books.add("a", shape="legs")
    books.postings[0]["line.key"] = 5
    frames = books.frames()
    lines = [{"line.key": 5, "item.key": 0, "line.tax.code": "V19"}]
    frames["lines"] = frame(CHECKED_LINES, lines)
    result = render(load(tmp_path, body), **frames, constants=CONSTANTS)
    assert text_of(result) == "4930,V19\n1280,\n"


def test_a_value_is_named_once_and_used_in_many_places(tmp_path: Path) -> None:
    body = (
        csv().replace('"{{ voucher.reference }}"', '"{{ label }}"')
        + """
let:
  label: "{{ kind }}-{{ voucher.reference }}"
  kind: "{{ 'R' if voucher.contra_side == 'debit' else 'P' }}"
external_id: "{{ label }}"
"""
    )
    result = rendered(tmp_path, body, two_items())
    assert text_of(result) == "4930,P-R-a-1\n4930,R-R-b-2\n"
    assert result.external_ids["external_id"].to_list() == ["P-R-a-1", "R-R-b-2"]


def test_a_head_names_columns_and_values_of_the_batch_that_are_named_once(tmp_path: Path) -> None:
    body = """
rows: [{shape: pair, tax: by_code}]
let: {batch_name: "Pleo {{ batch.number }}", owner: "{{ batch_name }} {{ company.name }}"}
files:
  out:
    name: out.csv
    kind: csv
    csv: {delimiter: ";"}
    records:
      head: [{value: "{{ owner }}"}]
      row:
        - {name: Ref, value: "{{ voucher.reference }}"}
        - {name: Account, value: "{{ posting.account }}"}
        - {name: Batch, value: "{{ batch_name }}"}
    layout: |
      {{ head }}
      {{ row.names }}
      {% for posting in postings %}
      {{ row }}
      {% endfor %}
"""
    result = rendered(tmp_path, body, two_items())
    assert text_of(result) == (
        "Pleo 7 Acme GmbH\nRef;Account;Batch\nR-a-1;4930;Pleo 7\nR-b-2;4930;Pleo 7\n"
    )


def test_every_column_says_where_its_value_is_written(tmp_path: Path) -> None:
    result = rendered(tmp_path, csv(), two_items())
    source = result.sources[0]
    assert (source.file, source.record, source.name, source.means) == (
        "out", "row", "Account", "account",
    )  # fmt: skip
    assert source.expression == "{{ posting.account }}"
    assert source.where.endswith("template.yaml:15:32")


def test_checks_of_the_template_reject_the_item_with_its_code(tmp_path: Path) -> None:
    body = (
        csv()
        + """
checks:
  - {for: voucher, code: ACME-1, that: "{{ voucher.total > 50 | as_amount }}",
     message: "voucher {{ voucher.reference }} is small", fix: "spend more"}
""".replace(" | as_amount", "")
    )
    result = rendered(tmp_path, body, two_items())
    (row,) = result.rejections.to_dicts()
    assert (row["item_id"], row["code"], row["message"]) == (
        "b-2", "ACME-1", "voucher R-b-2 is small",
    )  # fmt: skip
    assert row["failure_type"] == "accounting_system_validation_failure"


def test_checks_of_files_stop_the_command(tmp_path: Path) -> None:
    body = (
        csv()
        + """
checks:
  - {for: file, code: ACME-2, that: "{{ file.rows < 2 }}", message: "too many rows", fix: "fewer"}
"""
    )
    with pytest.raises(UserMustFix) as error:
        rendered(tmp_path, body, two_items())
    assert problem_codes(error) == ["ACME-2"]


def test_rendering_changes_none_of_the_frames_it_is_given(tmp_path: Path) -> None:
    frames = two_items().frames()
    before = {name: given.clone() for name, given in frames.items()}
    render(load(tmp_path, csv()), **frames, constants=CONSTANTS)
    for name, given in frames.items():
        assert given.equals(before[name])
