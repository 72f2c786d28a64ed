"""YAML that people write is read strictly, and every complaint names its place (S-04)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from etl.documents import (
    MAX_BYTES,
    MAX_DEPTH,
    Model,
    parse_document,
    read_document,
    read_json,
    resolve_inside,
)
from etl.errors import UserMustFix


class Inner(Model):
    column: str
    width: int = 1


class Outer(Model):
    name: str
    columns: tuple[Inner, ...] = ()


def problem_codes(text: str | bytes) -> list[tuple[str, str]]:
    raw = text.encode() if isinstance(text, str) else text
    with pytest.raises(UserMustFix) as caught:
        parse_document(raw, path=Path("x.yaml"), name="x.yaml").load(Outer)
    return [(problem.code, problem.where) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "scalar",
    ["NO", "0123", "12:30:45", "1_000", "1e3", ".inf", "null", "~", "true", "2026-01-01", "0x1F"],
)
def test_scalars_stay_text(scalar: str) -> None:
    document = parse_document(f"name: {scalar}\n".encode(), path=Path("x"), name="x")
    assert document.data == {"name": scalar}


def test_an_empty_scalar_is_nothing_and_a_quoted_one_is_empty_text() -> None:
    document = parse_document(b"a:\nb: ''\n", path=Path("x"), name="x")
    assert document.data == {"a": None, "b": ""}


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("name: a\nname: b\n", "YAML-2", "x.yaml:2:1"),
        ("name: &a x\nother: *a\n", "YAML-4", "x.yaml:1:7"),
        ("name: !!python/object/apply:os.system [ls]\n", "YAML-4", "x.yaml:1:7"),
        ("<<: {name: a}\n", "YAML-4", "x.yaml:1:1"),
        ("name: [a\n", "YAML-1", "x.yaml:2:1"),
        ("? [a]\n: b\n", "YAML-1", "x.yaml:1:3"),
        ("name: a\n---\nname: b\n", "YAML-1", "x.yaml:2:1"),
        (b"name: \xff\n", "YAML-1", "x.yaml:1"),
        ("[" * (MAX_DEPTH + 1), "YAML-3", f"x.yaml:1:{MAX_DEPTH + 1}"),
        ("name: a\nnaem: b\n", "DOC-1", "x.yaml:2:1"),
        ("columns: []\n", "DOC-2", "x.yaml:1:1"),
        ("name: a\ncolumns:\n  - {column: b, width: wide}\n", "DOC-3", "x.yaml:3:24"),
        ("name: a\ncolumns:\n  - {colum: b}\n", "DOC-2", "x.yaml:3:5"),
    ],
)
def test_each_fault_has_its_code_and_place(text: str | bytes, code: str, where: str) -> None:
    assert problem_codes(text)[0] == (code, where)


def test_all_problems_are_told_at_once() -> None:
    found = problem_codes("naem: a\ncolumns: [{column: b, width: x, wdith: 2}]\n")
    assert sorted(code for code, _ in found) == ["DOC-1", "DOC-1", "DOC-2", "DOC-3"]


def test_an_unknown_key_names_the_nearest_known_one() -> None:
    with pytest.raises(UserMustFix, match='did you mean "width"'):
        parse_document(
            b"name: a\ncolumns: [{column: b, widht: 2}]\n", path=Path("x"), name="x"
        ).load(Outer)


@pytest.mark.parametrize(
    "bomb",
    [
        "a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
        "[" * 100_000,
        "{a: " * 50_000,
        "- x\n" * 60_000,
    ],
)
def test_bombs_end_quickly_with_a_code(bomb: str) -> None:
    start = time.process_time()
    assert problem_codes(bomb)[0][0] in {"YAML-3", "YAML-4"}
    assert time.process_time() - start < 5


class Reason(Model):
    because: str = Field(alias="not", min_length=10)


class Choosing(Model):
    carries: dict[Literal["reference", "attendees"], str | Reason]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{reference: {not: no}}", [
            ("DOC-3", '"carries.reference.not": must have at least 10 characters, not "no"', 1, 28),
        ]),
        ("{reference: {no: nobody asks}}", [
            ("DOC-2", '"carries.reference.not" is missing', 1, 22),
            ("DOC-1", 'unknown key "carries.reference.no"', 1, 23),
        ]),
        ("{reference: [a]}", [
            ("DOC-3", '"carries.reference": must be one text, not a list or keys with values',
             1, 22),
        ]),
        ("{atendees: Text}", [("DOC-1", 'unknown key "carries.atendees"', 1, 11)]),
    ],
)  # fmt: skip
def test_of_several_forms_the_nearest_is_spoken_of(
    value: str, said: list[tuple[str, str, int, int]]
) -> None:
    document = parse_document(f"carries: {value}\n".encode(), path=Path("x"), name="x")
    with pytest.raises(UserMustFix) as caught:
        document.load(Choosing)
    found = [(problem.code, problem.what, problem.where) for problem in caught.value.problems]
    assert found == [(code, what, f"x:{line}:{column}") for code, what, line, column in said]


def test_an_unknown_key_of_a_closed_list_names_the_near_one() -> None:
    document = parse_document(b"carries: {atendees: Text}\n", path=Path("x"), name="x")
    with pytest.raises(UserMustFix) as caught:
        document.load(Choosing)
    assert caught.value.problems[0].fix == 'did you mean "attendees"?'


def test_a_file_over_the_size_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(UserMustFix, match="YAML-3"):
        read_document(path)


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/etc/passwd", "C:\\x", "\\\\host\\share", "a\0b", "..\\x", "C:x"],
)
def test_paths_never_leave_their_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserMustFix, match="DOC-4"):
        resolve_inside(tmp_path, name, "x.yaml:1:1")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link").symlink_to(tmp_path)
    with pytest.raises(UserMustFix, match="DOC-4"):
        resolve_inside(inner, "link/secret", "x.yaml:1:1")
    assert resolve_inside(inner, "tables/a.csv", "x") == inner / "tables/a.csv"


def test_json_numbers_are_exact() -> None:
    assert read_json('{"a": 1234567890123456.78}') == {"a": Decimal("1234567890123456.78")}


class Columns(Model):
    columns: tuple[Inner, ...]


class File(Model):
    files: Mapping[Annotated[str, Field(pattern="^[a-z]+$")], Columns] | None = None
    checked: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] = "2026-01-01"
    kind: Literal["csv", "xml"] = "csv"
    required: bool = False
    most: Decimal = Decimal(0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("files: {a: {columns: [{column: x, widht: 2}]}}", 'did you mean "width"'),
        ("checked: 31.03.2026", 'must be a date such as 2026-03-31, not "31.03.2026"'),
        ("kind: CSV", "must be 'csv' or 'xml', not \"CSV\""),
        ("required: ja", 'must be true or false, not "ja"'),
        ("most: fifty", 'must be a number, not "fifty"'),
        ("kind: {{ item.note }}", 'in quotes, as "{{ item.note }}"'),
        ("files:\n\ta: {}", "indent with blanks, not with tabs"),
    ],
)
def test_what_is_wrong_is_told_in_words_for_writers(text: str, said: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        parse_document(text.encode(), path=Path("x"), name="x").load(File)
    (problem,) = caught.value.problems
    assert said in str(problem)
