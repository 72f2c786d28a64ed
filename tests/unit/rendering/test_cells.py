"""What a cell holds: values as text, limits, characters, quotes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.unit.rendering.books import Books, rendered, two_items

TABLE = """
rows: [{{shape: pair, tax: by_code}}]
files:
  out:
    name: "out.csv"
    kind: csv
    encoding: {encoding}
    formulas: {formulas}
    csv: {{delimiter: ";", quoting: {quoting}}}
    formats: {{decimal: ",", date: DDMMYYYY}}
    {more}
    columns:
      - {{{column}}}
"""


def table(column: str, **more: str) -> str:
    """Write a template with one column."""
    values = {"encoding": "cp1252", "quoting": "minimal", "more": "newline: lf"}
    values["formulas"] = '{off: "read by a program only"}'
    return TABLE.format(**{**values, **more}, column=column)


def one(folder: Path, column: str, books: Books, **more: str) -> list[str]:
    """Render one column and give its cells."""
    result = rendered(folder, table(column, **more), books)
    assert result.rejections.is_empty(), result.rejections.to_dicts()
    encoding = more.get("encoding", "cp1252")
    return result.files[0].content.decode(encoding).split("\n")[:-1]


def refused(folder: Path, column: str, books: Books, **more: str) -> list[tuple[str, str]]:
    """Render one column and give item and code of every rejection."""
    result = rendered(folder, table(column, **more), books)
    assert not result.files
    return [(row["item_id"], row["code"]) for row in result.rejections.to_dicts()]


TEXT = 'name: T, value: "{{ posting.text }}"'


def with_text(*texts: str) -> Books:
    books = Books()
    for number, text in enumerate(texts):
        books.add(f"item-{number}", text=text)
    return books


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ('value: "{{ posting.amount }}", type: amount', ["119,00", "45,50"]),
        ('value: "{{ posting.signed }}", type: amount', ["119,00", "-45,50"]),
        ('value: "{{ posting.credit }}", type: amount', ["0,00", "45,50"]),
        ('value: "{{ posting.credit }}", type: amount, zero: blank', ["", "45,50"]),
        ('value: "{{ posting.amount }}", type: amount, unit: hundredths', ["11900", "4550"]),
        ('value: "{{ posting.amount }}", type: amount, places: 3', ["119,000", "45,500"]),
        ('value: "{{ posting.amount }}", type: amount, places: 1', ["119,0", "45,5"]),
        ('value: "{{ voucher.date }}", type: date', ["09032026", "09032026"]),
        ('value: "{{ voucher.date }}", type: date, format: D.M.YY', ["9.3.26", "9.3.26"]),
        ('value: "{{ voucher.due_date }}", type: date, empty: "000000"', ["000000", "000000"]),
        ('value: "{{ voucher.period }}", type: period', ["202603", "202603"]),
        ('value: "{{ posting.is_contra }}", type: flag, format: J|N', ["N", "N"]),
        ('value: "{{ posting.tax_code }}"', ["", ""]),
        ('value: "BEDI {{ posting.tax_code }}", optional: true', ["", ""]),
        ('value: "BEDI {{ posting.tax_code }}"', ["BEDI ", "BEDI "]),
    ],
)
def test_values_are_written_by_type(tmp_path: Path, column: str, expected: list[str]) -> None:
    assert one(tmp_path, f"name: A, {column}", two_items()) == expected


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ('value: "{{ batch.number }}", type: integer', "7"),
        ("value: 700, type: integer", "700"),
        ("value: 0.5, type: amount", "0,50"),
        ("value: Pleo", "Pleo"),
        (
            'value: "{{ batch.created }}", type: datetime, format: YYYYMMDDHHmmssSSS',
            "20260401093015123",
        ),
    ],
)
def test_constants_stand_on_every_row(tmp_path: Path, column: str, expected: str) -> None:
    body = table(f"name: A, {column}") + f"      - {{{TEXT}}}\n"
    result = rendered(tmp_path, body, with_text("x", "y"))
    assert result.files[0].content.decode() == f"{expected};x\n{expected};y\n"


@pytest.mark.parametrize(
    ("quoting", "expected"),
    [
        ("minimal", ['"a;b"', '"say ""x"""', "plain"]),
        ("text", ['"a;b"', '"say ""x"""', '"plain"']),
        ("all", ['"a;b"', '"say ""x"""', '"plain"']),
    ],
)
def test_quotes_are_put_and_doubled(tmp_path: Path, quoting: str, expected: list[str]) -> None:
    books = with_text("a;b", 'say "x"', "plain")
    assert one(tmp_path, TEXT, books, quoting=quoting) == expected


def test_quoting_none_keeps_quotes_and_refuses_the_delimiter(tmp_path: Path) -> None:
    assert one(tmp_path, TEXT, with_text('say "x"'), quoting="none") == ['say "x"']
    assert refused(tmp_path, TEXT, with_text("a;b", "ok"), quoting="none") == [
        ("item-0", "CELL-10")
    ]


def test_a_replacement_frees_the_delimiter(tmp_path: Path) -> None:
    more = 'replace: {";": ","}'
    assert one(tmp_path, TEXT, with_text("a;b"), quoting="none", more=more) == ["a,b"]


def test_quoting_text_leaves_numbers_and_digits_bare(tmp_path: Path) -> None:
    column = 'name: A, value: "{{ posting.account }}", type: digits'
    assert one(tmp_path, column, two_items(), quoting="text") == ["4930", "4930"]


def test_a_text_that_is_too_long_is_refused_or_cut_and_counted(tmp_path: Path) -> None:
    books = with_text("exactly ten", "ten chars!", "Ünïcödé ok")
    assert refused(tmp_path, f"{TEXT}, max: 10", books) == [("item-0", "CELL-3")]
    result = rendered(tmp_path, table(f"{TEXT}, max: 10, overflow: cut"), books)
    assert result.files[0].content.decode("cp1252").split("\n")[:-1] == [
        "exactly te", "ten chars!", "Ünïcödé ok",
    ]  # fmt: skip
    assert result.notes.select("item_id", "code").rows() == [("item-0", "TEXT-CUT")]


def test_bytes_are_counted_where_the_column_says_so(tmp_path: Path) -> None:
    books = with_text("aé漢b")  # 1 + 2 + 3 + 1 bytes
    column = f"{TEXT}, max: 5, bytes: true, overflow: cut"
    assert one(tmp_path, column, books, encoding="utf-8") == ["aé"]
    assert one(tmp_path, f"{TEXT}, max: 5, overflow: cut", books, encoding="utf-8") == ["aé漢b"]


def test_a_character_outside_the_encoding_rejects_only_its_item(tmp_path: Path) -> None:
    result = rendered(tmp_path, table(TEXT), with_text("Café", "漢字", "ok"))
    (row,) = result.rejections.to_dicts()
    assert (row["item_id"], row["code"]) == ("item-1", "CELL-6")
    assert row["message"] == 'column "T": "漢" (U+6F22) is not in cp1252'
    assert row["where"].endswith("template.yaml:17:26")
    assert row["failure_type"] == "validation_failure"


def test_the_reviewed_table_replaces_what_the_encoding_lacks(tmp_path: Path) -> None:
    result = rendered(tmp_path, table(TEXT, encoding="cp437"), with_text("Škoda – 5 €", "Räka"))
    assert result.files[0].content.decode("cp437") == "Skoda - 5 EUR\nRäka\n"
    assert result.notes.select("item_id", "code").rows() == [("item-0", "TEXT-REPLACED")]


def test_the_templates_own_replacements_come_first(tmp_path: Path) -> None:
    more = 'replace: {"→": "->", "ö": "oe"}'
    assert one(tmp_path, TEXT, with_text("a→b schön"), more=more) == ["a->b schoen"]


def test_ascii_replaces_every_accent(tmp_path: Path) -> None:
    assert one(tmp_path, TEXT, with_text("Crème Brûlée Œuf"), more="replace: ascii") == [
        "Creme Brulee OEuf"
    ]


def test_decomposed_letters_are_composed_before_the_encoding_is_checked(tmp_path: Path) -> None:
    assert one(tmp_path, TEXT, with_text("Cafe\u0301")) == ["Café"]


@pytest.mark.parametrize("char", ["\r", "\n", "\t", "\x00", "\x7f", "\x85", "\u2028x"])
def test_no_cell_holds_a_control_character(tmp_path: Path, char: str) -> None:
    books = with_text(f"a{char}b")
    if char.startswith("\u2028"):  # a line separator has a replacement: a blank
        assert one(tmp_path, TEXT, books, encoding="utf-8") == ["a xb"]
    else:
        assert refused(tmp_path, TEXT, books, encoding="utf-8") == [("item-0", "CELL-6")]


def test_characters_that_a_column_does_not_allow(tmp_path: Path) -> None:
    books = with_text("RE 2026/117", "ok-1", "Ümlaut")
    allow = 'allow: "A-Za-z0-9_$&%*+/-"'
    assert refused(tmp_path, f"{TEXT}, {allow}", books) == [
        ("item-0", "CELL-7"), ("item-2", "CELL-7"),
    ]  # fmt: skip
    assert one(tmp_path, f'{TEXT}, {allow}, instead: "-"', books) == [
        "RE-2026/117", "ok-1", "-mlaut",
    ]  # fmt: skip


@pytest.mark.parametrize("start", ["=1+1", "+1", "-2", "@a", "＝1", " =1", "\u3000@a", "\u200b=1"])
def test_the_formula_guard(tmp_path: Path, start: str) -> None:
    books = with_text(start, "a=1")
    utf = {"encoding": "utf-8"}
    assert refused(tmp_path, TEXT, books, formulas="refuse", **utf) == [("item-0", "CELL-11")]
    assert one(tmp_path, TEXT, books, formulas="quote", **utf) == [f"'{start}", "a=1"]
    assert one(tmp_path, TEXT, books, **utf) == [start, "a=1"]


def test_the_formula_guard_leaves_amounts_alone(tmp_path: Path) -> None:
    column = 'name: A, value: "{{ posting.signed }}", type: amount'
    assert one(tmp_path, column, two_items(), formulas="refuse") == ["119,00", "-45,50"]


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ('value: "{{ posting.tax_code }}", required: true', "CELL-2"),
        ('value: "{{ posting.text }}", min: 5', "CELL-4"),
        ('value: "{{ posting.amount }}", type: amount, min: 119.01', "CELL-5"),
        ('value: "{{ posting.amount }}", type: amount, max: 118.99', "CELL-5"),
        ('value: "{{ posting.text }}", pattern: "[0-9]+"', "CELL-8"),
        ('value: "{{ posting.text }}", type: digits', "CELL-9"),
        ('value: "{{ posting.text }}", with: B', "CELL-12"),
        ('value: "{{ posting.amount }}", type: amount, places: 0', "CELL-14"),
    ],
)
def test_what_does_not_fit_rejects_the_item(tmp_path: Path, column: str, code: str) -> None:
    books = Books()
    books.add("a-1", text="Text", amount="119.00" if code != "CELL-14" else "119.01")
    body = table(f"name: A, {column}") + '      - {name: B, value: "{{ posting.tax_code }}"}\n'
    result = rendered(tmp_path, body, books)
    assert [row["code"] for row in result.rejections.to_dicts()] == [code]
    assert not result.files


def test_limits_hold_at_their_edge(tmp_path: Path) -> None:
    column = 'name: A, value: "{{ posting.amount }}", type: amount, min: 45.50, max: 119'
    assert one(tmp_path, column, two_items()) == ["119,00", "45,50"]
    assert one(tmp_path, f"{TEXT}, min: 4, max: 4", with_text("four")) == ["four"]


def test_a_pattern_speaks_of_the_whole_text(tmp_path: Path) -> None:
    column = f'{TEXT}, pattern: "[0-9]{{3}}[0-9A-Z]*"'
    assert one(tmp_path, column, with_text("625600")) == ["625600"]
    assert refused(tmp_path, column, with_text("x625600")) == [("item-0", "CELL-8")]


def test_a_unique_value_stands_once(tmp_path: Path) -> None:
    assert refused(tmp_path, f"{TEXT}, unique: true", with_text("a", "b", "a", "")) == [
        ("item-2", "CELL-13")
    ]


def test_a_message_shows_the_text_as_it_was_before_escaping(tmp_path: Path) -> None:
    result = rendered(tmp_path, table(f"{TEXT}, unique: true"), with_text('a"b', 'a"b'))
    assert result.rejections["message"].to_list() == [
        'column "T" must not hold a value twice: "a"b"'
    ]


def test_every_problem_of_every_item_is_said_at_once(tmp_path: Path) -> None:
    books = with_text("much too long", "漢")
    books.add("late", text="fine", date=dt.date(2026, 4, 1))
    found = refused(tmp_path, f"{TEXT}, max: 5", books)
    assert found == [("item-1", "CELL-6"), ("item-0", "CELL-3")]
