"""Where a mistake is said to be, and what is a mistake beyond a single expression."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.codes import CODES
from etl.documents import Place, parse_document
from etl.errors import Problem, UserMustFix
from etl.expressions import (
    Compiled,
    Scope,
    compile_condition,
    compile_expression,
    compile_value,
    require_jinja,
    source,
)
from etl.frames import Type
from tests.unit.expressions.frame import PLACE, SCOPE, refused


@pytest.mark.parametrize(
    ("expression", "column"),
    [
        ("item.nte", 1),
        ("item.note ~ item.nte", 13),
        ("item.note | cut(3) | uper", 22),
        ("item.date > '2026-01-01'", 1),
        ("true and item.date > '2026-01-01'", 10),
        ("item.note | cut(line.number)", 17),
        ("[item.note, item.nte] | join", 13),
        ("item.note is startin('a')", 11),
        ("(item.note).x.y", 2),
        ("range(3)", 1),
        ("item.note ~ # 'a'", 13),
        ("'a' if item.nte else 'b'", 8),
        ("item.note | replace('a', item.nte)", 26),
    ],
)
def test_the_column_of_the_mistake(expression: str, column: int) -> None:
    """The scalar starts in column 11 with a quote, so its first letter stands in column 12."""
    assert refused(expression)[0].where == f"mapping.yaml:7:{11 + column}"


def test_all_mistakes_of_a_text_are_said_at_once() -> None:
    with pytest.raises(UserMustFix) as caught:
        compile_value("{{ item.nte }} {{ item.note | uper }}-{{ 1 / 2 }}", SCOPE, place=PLACE)
    assert [(problem.code, problem.where) for problem in caught.value.problems] == [
        ("EXP-3", "mapping.yaml:7:15"),
        ("EXP-4", "mapping.yaml:7:42"),
        ("EXP-2", "mapping.yaml:7:53"),
    ]


def test_one_mistake_is_one_message() -> None:
    assert len(refused("item.nte ~ 'a' == (item.nte | cut(3) | upper) and not item.nte")) == 3
    assert len(refused("item.date | upper | lower | cut(3) ~ 'x'")) == 1
    assert len(refused("(item.nte + 1) * 2 > 3")) == 1


def compile_from_yaml(yaml: str) -> Compiled:
    document = parse_document(yaml.encode(), path=Path("t.yaml"), name="t.yaml")
    return compile_value(document.data["value"], SCOPE, place=document.place("value"))


@pytest.mark.parametrize(
    ("yaml", "where"),
    [
        ('value: "{{ item.nte }}"', "t.yaml:1:12"),
        ("value: '{{ item.nte }}'", "t.yaml:1:12"),
        ("value: Pleo {{ item.nte }}", "t.yaml:1:16"),
        ('a: 1\nvalue: "x {{ 1 / 2 }}"', "t.yaml:2:14"),
        # Not letter by letter in the file: the place of the value is all that is known.
        ('value: "BEDI \\"{{ item.nte }}"', "t.yaml:1:8"),
        ("value: 'it''s {{ item.nte }}'", "t.yaml:1:8"),
        ("value: >-\n  a\n  {{ item.nte }}", "t.yaml:1:8"),
    ],
)
def test_the_place_in_the_yaml_file(yaml: str, where: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        compile_from_yaml(yaml)
    assert [problem.where for problem in caught.value.problems] == [where]


def test_the_line_of_a_mistake_in_a_text_of_several_lines() -> None:
    with pytest.raises(UserMustFix) as caught:
        compile_condition("{{ item.type\n  == item.nte }}", SCOPE, place=Place("t.yaml", 4, 9))
    assert [problem.where for problem in caught.value.problems] == ["t.yaml:5:6"]


@pytest.mark.parametrize(
    "text", ["item.type == 'fee'", "{{ true }} {{ true }}", "a {{ true }}", ""]
)
def test_a_condition_is_one_expression(text: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        compile_condition(text, SCOPE, place=PLACE)
    (problem,) = caught.value.problems
    assert (problem.code, problem.what) == ("EXP-9", f'"{text}" is not one expression')


def test_a_condition_is_true_or_false() -> None:
    with pytest.raises(UserMustFix) as caught:
        compile_condition("{{ item.date }}", SCOPE, place=PLACE)
    (problem,) = caught.value.problems
    assert (problem.code, problem.what) == ("EXP-5", "a date is not true or false")


@pytest.mark.parametrize(
    ("want", "expression", "fix"),
    [
        (Type.TEXT, "item.date", "write | date_text('YYYYMMDD') behind it"),
        (
            Type.TEXT,
            "line.number",
            "write mixed text, such as Pleo {{ batch.number }}, or | pad(1)",
        ),
        (Type.DATE, "item.note", "write | as_date behind a text that is written YYYY-MM-DD"),
        (Type.BOOLEAN, "item.date", "compare it, or write is not none"),
        (Type.AMOUNT, "line.number", "use a name whose type is amount"),
        (Type.INTEGER, "item.amount", "use a name whose type is integer"),
        (Type.TEXT, "7", "write mixed text, such as Pleo {{ batch.number }}, or | pad(1)"),
    ],
)
def test_a_wanted_type_is_kept(want: Type, expression: str, fix: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        compile_expression(expression, SCOPE, place=PLACE, want=want)
    (problem,) = caught.value.problems
    assert (problem.code, problem.fix) == ("EXP-5", fix)
    assert problem.what.endswith(f"{want} is wanted")


@pytest.mark.parametrize("text", ["a\nb", "a\x00{{ item.note }}", "\x7f", "tab\there"])
def test_a_value_is_one_line_of_plain_text(text: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        compile_value(text, SCOPE, place=PLACE)
    assert [problem.code for problem in caught.value.problems] == ["EXP-2"]


def test_growth_is_bounded_through_named_values() -> None:
    scope = Scope({"let.long": Type.TEXT}, growth={"let.long": 6_000})
    assert compile_value("{{ let.long }}", scope, place=PLACE).growth == 6_000
    for text in ("{{ let.long ~ let.long }}", "{{ let.long }}{{ let.long }}"):
        with pytest.raises(UserMustFix) as caught:
            compile_value(text, scope, place=PLACE)
        assert [problem.code for problem in caught.value.problems] == ["EXP-10"]


def test_an_old_jinja_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for found in ("3.1.5", "3.0.99", "2.11"):
        monkeypatch.setattr(source, "version", lambda _, found=found: found)
        with pytest.raises(UserMustFix) as caught:
            require_jinja()
        assert caught.value.problems == (
            Problem(
                "EXP-11",
                f"Jinja {found} is installed, and versions below 3.1.6 can be broken out of",
                "",
                'install a newer one: pip install "jinja2>=3.1.6"',
            ),
        )
    for found in ("3.1.6", "3.2.0rc1", "4.0"):
        monkeypatch.setattr(source, "version", lambda _, found=found: found)
        require_jinja()


def test_every_code_is_in_the_table() -> None:
    assert {code for code in CODES if code.startswith("EXP-")} == {
        f"EXP-{number}" for number in range(1, 12)
    }
