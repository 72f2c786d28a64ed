"""What a parameter chooses in a file: kind, delimiter, decimal mark, dates, byte order mark."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from etl.errors import UserMustFix
from etl.rendering import Template, load_template, render
from tests.unit.rendering.books import CONSTANTS, two_items, write_template
from tests.unit.rendering.test_templates import problems

CHOOSING = """
parameters:
  format: {type: enum, values: [csv, xlsx], default: csv}
  delimiter: {type: enum, values: [comma, semicolon, tab, bar]}
  mark: {type: enum, values: [dot, comma]}
  dates: {type: enum, values: [YYYY-MM-DD, DD.MM.YY], default: DD.MM.YY}
  ends: {type: enum, values: [lf, crlf]}
  bom: {type: flag, default: "no"}
rows: [{shape: pair, tax: by_code}]
files:
  out:
    name: "out.{{ parameters.format }}"
    kind: "{{ parameters.format }}"
    bom: "{{ parameters.bom }}"
    newline: "{{ parameters.ends }}"
    csv: {delimiter: "{{ parameters.delimiter }}"}
    xlsx: {sheet: Rows}
    formats: {decimal: "{{ parameters.mark }}", date: "{{ parameters.dates }}"}
    columns:
      - {name: Account, value: "{{ posting.account }}", means: account}
      - {name: Amount, value: "{{ posting.amount }}", type: amount, means: amount}
      - {name: Date, value: "{{ voucher.date }}", type: date}
"""
GIVEN = {"delimiter": "comma", "mark": "dot", "ends": "lf"}


def choosing(folder: Path, **given: str) -> Template:
    template = load_template(write_template(folder, CHOOSING))
    return template.with_parameters({**GIVEN, **given})


def content(template: Template) -> bytes:
    (file,) = render(template, **two_items().frames(), constants=CONSTANTS).files
    return file.content


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({}, b"4930,119.00,09.03.26\n"),
        ({"delimiter": "semicolon", "mark": "comma"}, b"4930;119,00;09.03.26\n"),
        ({"mark": "comma"}, b'4930,"119,00",09.03.26\n'),
        ({"delimiter": "tab", "ends": "crlf"}, b"4930\t119.00\t09.03.26\r\n"),
        ({"delimiter": "bar", "dates": "YYYY-MM-DD"}, b"4930|119.00|2026-03-09\n"),
        ({"bom": "yes"}, b"\xef\xbb\xbf4930,119.00,09.03.26\n"),
    ],
)
def test_a_parameter_chooses_how_a_table_is_written(
    tmp_path: Path, given: dict[str, str], first: bytes
) -> None:
    assert content(choosing(tmp_path, **given)).splitlines(keepends=True)[0] == first


def test_a_parameter_chooses_the_kind_of_file(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(content(choosing(tmp_path, format="xlsx"))))
    assert book.sheetnames == ["Rows"]
    assert [cell.value for cell in book["Rows"][2]][:2] == ["4930", 119]


def test_a_template_can_be_given_parameters_twice(tmp_path: Path) -> None:
    """The second time chooses anew; nothing of the first choice is left."""
    template = choosing(tmp_path, format="xlsx", delimiter="tab")
    again = template.with_parameters({**GIVEN, "delimiter": "semicolon"})
    assert content(again).startswith(b"4930;119.00")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("values: [comma, semicolon, tab, bar]", "values: [comma, colon]", 20),
        ("{type: enum, values: [dot, comma]}", "{}", 22),
        ("values: [dot, comma]", "values: [dot, semicolon]", 22),
        ("values: [csv, xlsx], default: csv", "values: [csv, pdf]", 17),
        ("values: [lf, crlf]", "values: [lf, cr]", 19),
        ('type: flag, default: "no"', "default: no", 18),
        ("values: [YYYY-MM-DD, DD.MM.YY]", "values: [YYYYPP, DD.MM.YY]", 22),
        ("{{ parameters.mark }}", "{{ parameters.marks }}", 22),
    ],
)
def test_only_a_closed_list_of_fitting_values_can_choose(
    tmp_path: Path, old: str, new: str, line: int
) -> None:
    assert ("TPL-9", line) in problems(tmp_path, CHOOSING.replace(old, new))


def test_marks_are_not_chosen_where_nothing_is_in_quotes(tmp_path: Path) -> None:
    """119,00 between commas would be two columns."""
    body = CHOOSING.replace('parameters.delimiter }}"', 'parameters.delimiter }}", quoting: none')
    assert [code for code, _line in problems(tmp_path, body)] == ["TPL-9"] * 3


def test_a_kind_that_is_none_is_complained_of_once(tmp_path: Path) -> None:
    body = CHOOSING.replace('kind: "{{ parameters.format }}"', "kind: excel")
    with pytest.raises(UserMustFix) as error:
        load_template(write_template(tmp_path, body))
    (problem,) = error.value.problems
    assert problem.code == "DOC-3"
    assert "'csv', 'fixed', 'text', 'xml' or 'xlsx', not \"excel\"" in problem.what


def test_a_date_format_in_small_letters_names_the_one_that_is_meant(tmp_path: Path) -> None:
    body = CHOOSING.replace('date: "{{ parameters.dates }}"', "date: dd.mm.yyyy")
    with pytest.raises(UserMustFix) as error:
        load_template(write_template(tmp_path, body))
    (problem,) = error.value.problems
    assert (problem.code, problem.fix) == ("TPL-10", 'did you mean "DD.MM.YYYY"?')
