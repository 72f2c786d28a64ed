"""Kinds of file: text with lists, XML, other escapes, workbooks."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from etl.errors import UserMustFix
from etl.expressions import Lookup
from etl.rendering import Labels, spreadsheets
from tests.unit.rendering.books import (
    LEGS,
    PAIR,
    Books,
    rendered,
    text_of,
    two_items,
)

SIE = (
    LEGS
    + """needs: {dimension.cc: optional, table.dims: required}
files:
  out:
    name: out.si
    kind: text
    escape: sie
    encoding: cp437
    formats: {date: YYYYMMDD}
    records:
      dim: [{name: number, value: "{{ dimension.name | lookup('dims') }}", type: digits},
            {name: name, value: "{{ dimension.label }}"}]
      objekt: [{name: dim, value: "{{ object.dimension | lookup('dims') }}", type: digits},
               {name: code, value: "{{ object.code }}"}, {name: name, value: "{{ object.label }}"}]
      konto: [{name: number, value: "{{ account.number }}", type: digits},
              {name: debit, value: "{{ account.debit }}", type: amount}]
      ver: [{name: date, value: "{{ voucher.date }}", type: date},
            {name: due, value: "{{ voucher.due_date }}", type: date},
            {name: text, value: "{{ voucher.text }}"}]
      trans: [{name: account, value: "{{ posting.account }}", type: digits},
              {name: amount, value: "{{ posting.signed }}", type: amount}]
    layout: |
      {% for account in accounts %}
      #KONTO {{ konto.number }} {{ konto.debit }}
      {% endfor %}
      {% for dimension in dimensions %}
      #DIM {{ dim.number }} {{ dim.name }}
      {% endfor %}
      {% for object in objects %}
      #OBJEKT {{ objekt.dim }} {{ objekt.code }} {{ objekt.name }}
      {% endfor %}
      {% for voucher in vouchers %}
      #VER {{ ver.date }} {{ ver.due }} {{ ver.text }}
      {% for posting in voucher.postings %}
      {% for object in posting.objects %}{{ objekt.code }} {% endfor %}#
      #TRANS {{ trans.account }} {{ trans.amount }}
      {% endfor %}
      {% endfor %}
"""
)


def sie_books() -> Books:
    books = Books(dimensions=("cc",))
    books.add("a-1", amount="10.00", text='Åre \\ "x"', shape="legs",
              **{"posting.dimension.cc": "S 1"})  # fmt: skip
    books.add("b-2", amount="-4.00", shape="legs")
    return books


def test_lists_of_the_file_and_objects_of_postings(tmp_path: Path) -> None:
    result = rendered(
        tmp_path, SIE, sie_books(),
        lookups={"dims": Lookup({"cc": "1"})},
        labels=Labels({"cc": "Kostnadsställe"}, {("cc", "S 1"): "Försäljning"}),
    )  # fmt: skip
    assert text_of(result, encoding="cp437").splitlines() == [
        "#KONTO 1280 4.00",
        "#KONTO 4930 10.00",
        '#DIM 1 "Kostnadsställe"',
        '#OBJEKT 1 "S 1" "Försäljning"',
        '#VER 20260309 "" "Åre / \\"x\\""',
        '"S 1" #',
        "#TRANS 4930 10.00",
        '"S 1" #',
        "#TRANS 1280 -10.00",
        '#VER 20260309 "" "Text"',
        "#",
        "#TRANS 4930 -4.00",
        "#",
        "#TRANS 1280 4.00",
    ]
    assert result.files[0].lines["line"].to_list() == [6, 8, 11, 13]
    assert result.notes.select("item_id", "code").rows() == [("a-1", "TEXT-REPLACED")]


def test_a_fault_of_an_account_rejects_the_items_that_use_it(tmp_path: Path) -> None:
    books = sie_books()
    books.add("c-3", accounts=("49X0", "1290"), shape="legs")
    result = rendered(tmp_path, SIE, books, lookups={"dims": Lookup({"cc": "1"})})
    assert set(result.rejections["item_id"]) == {"c-3"}
    assert set(result.rejections["code"]) == {"CELL-9"}


def test_xml_cells_are_escaped_and_the_declaration_counts_as_a_line(tmp_path: Path) -> None:
    body = (
        PAIR
        + """files:
  out:
    name: out.xml
    kind: xml
    records: {row: [{name: text, value: "{{ posting.text }}"}]}
    layout: |
      <a>
      {% for posting in postings %}
      <b t="{{ row.text }}"/>
      {% endfor %}
      </a>
"""
    )
    books = Books()
    books.add("a", text="<b> & \"c\" 'd' ]]>")
    result = rendered(tmp_path, body, books)
    assert text_of(result) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<a>\n'
        '<b t="&lt;b&gt; &amp; &quot;c&quot; &apos;d&apos; ]]&gt;"/>\n</a>\n'
    )
    assert result.files[0].lines["line"].to_list() == [3]


@pytest.mark.parametrize(
    ("escape", "text", "expected"),
    [
        ("iif", 'say "x" now', "say x now"),
        ("hledger", "a;b   c", "a,b c"),
        ("none", 'a;"b"', 'a;"b"'),
    ],
)
def test_other_escapes(tmp_path: Path, escape: str, text: str, expected: str) -> None:
    body = f"""
{PAIR}
files:
  out:
    name: out.txt
    kind: text
    escape: {escape}
    records: {{row: [{{name: text, value: "{{{{ posting.text }}}}"}}]}}
    layout: "{{% for posting in postings %}}{{{{ row.text }}}}{{% endfor %}}\\n"
"""
    books = Books()
    books.add("a", text=text)
    result = rendered(tmp_path, body, books)
    assert text_of(result) == expected + "\n"
    assert result.notes.height == (text != expected)


XLSX = (
    PAIR
    + """files:
  out:
    name: out.xlsx
    kind: xlsx
    formulas: {off: "cells are typed as text"}
    formats: {decimal: ",", date: DD.MM.YYYY}
    columns:
      - {name: Account, value: "{{ posting.account }}", type: digits}
      - {name: Text, value: "{{ posting.text }}"}
      - {name: Amount, value: "{{ posting.signed }}", type: amount}
      - {name: Date, value: "{{ voucher.date }}", type: date}
"""
)


def test_a_workbook_has_numbers_dates_and_text_that_stays_text(tmp_path: Path) -> None:
    books = Books()
    books.add("a", accounts=("0042", "1"), text="=1+1", amount="-1234.50")
    books.add("b", text="http://example.test")
    result = rendered(tmp_path, XLSX, books)
    sheet = openpyxl.load_workbook(io.BytesIO(result.files[0].content)).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0] == ["Account", "Text", "Amount", "Date"]
    assert rows[1] == ["0042", "=1+1", -1234.5, dt.datetime.fromisoformat("2026-03-09")]
    assert [cell.data_type for cell in sheet[2]] == ["s", "s", "n", "d"]
    assert sheet["C2"].number_format == "0.00"
    assert sheet["D2"].number_format == "dd.mm.yyyy"
    assert sheet["B3"].hyperlink is None
    assert result.files[0].lines["line"].to_list() == [2, 3]


def test_a_workbook_has_the_same_bytes_every_time(tmp_path: Path) -> None:
    first = rendered(tmp_path, XLSX, two_items()).files[0]
    second = rendered(tmp_path, XLSX, two_items()).files[0]
    assert first.content == second.content
    times = {info.date_time for info in zipfile.ZipFile(io.BytesIO(first.content)).infolist()}
    assert times == {(1980, 1, 1, 0, 0, 0)}
    assert [name for name, _content in first.members]


def test_a_workbook_with_too_many_rows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheets, "MAX_ROWS", 2)
    with pytest.raises(UserMustFix) as error:
        rendered(tmp_path, XLSX, two_items())
    (problem,) = error.value.problems
    assert (problem.code, problem.what) == ("FILE-5", "the sheet would have more than 2 rows")
    assert problem.fix == "split the file: max: {rows: 1}"


def test_a_workbook_refuses_what_a_double_cannot_hold(tmp_path: Path) -> None:
    books = Books()
    books.add("ok", amount="1234567890123.45")  # 15 digits
    books.add("long", amount="12345678901234.56")
    result = rendered(tmp_path, XLSX, books)
    assert result.rejections.select("item_id", "code").rows() == [("long", "CELL-15")]


def test_the_order_of_the_input_does_not_matter(tmp_path: Path) -> None:
    books = sie_books()
    tables = {"dims": Lookup({"cc": "1"})}
    expected = rendered(tmp_path, SIE, books, lookups=tables).files[0].content
    for rows in (books.items, books.vouchers, books.postings):
        rows.reverse()
    assert rendered(tmp_path, SIE, books, lookups=tables).files[0].content == expected
