"""Expressions give what Jinja's own runtime gives, with nulls by our rules, and never raise.

Typed expressions are made over rows with nulls, empty texts and extreme values; Jinja evaluates
the same source row by row.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from etl.documents import Place
from etl.errors import UserMustFix
from etl.expressions import (
    Lookup,
    Scope,
    compile_condition,
    compile_expression,
    compile_value,
    operators,
)
from etl.frames import DTYPES, Type
from tests.property.expression_making import CASES, NAMES, ROW, SAMPLES, expressions
from tests.property.jinja_oracle import NO_ELSE, NULL, ORACLE, TABLE, Null

PLACE = Place("t.yaml", 1, 1)
SCOPE = Scope(NAMES, lookups={"table": Lookup(TABLE)})


def fixed_rows(count: int = 45) -> list[dict[str, Any]]:
    """Make rows in which every sample of a column meets many samples of the others."""
    columns = {name: [*SAMPLES[kind], None] for name, kind in NAMES.items()}
    return [
        {
            name: samples[(row * (2 * place + 1) + place) % len(samples)]
            for place, (name, samples) in enumerate(columns.items())
        }
        for row in range(count)
    ]


FIXED_ROWS = fixed_rows()


def frame_of(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(
        {name: [row[name] for row in rows] for name in NAMES},
        schema={name: DTYPES[kind] for name, kind in NAMES.items()},
    )


def compiled_values(kind: Type, source: str, rows: list[dict[str, Any]]) -> list[Any]:
    """Evaluate by Polars, all rows at once."""
    source = source.replace(NO_ELSE, "")
    if kind is Type.BOOLEAN:
        compiled = compile_condition(f"{{{{ {source} }}}}", SCOPE, place=PLACE)
    else:
        compiled = compile_expression(source, SCOPE, place=PLACE, want=kind)
    result = frame_of(rows).with_columns(compiled.expr.alias("result"))["result"]
    assert result.dtype == DTYPES[kind]
    return result.to_list()


def jinja_values(kind: Type, source: str, rows: list[dict[str, Any]]) -> list[Any]:
    """Evaluate by Jinja, row by row."""
    evaluate = ORACLE.compile_expression(source, undefined_to_none=False)
    found = [
        evaluate({name: NULL if value is None else value for name, value in row.items()})
        for row in rows
    ]
    if kind is Type.BOOLEAN:
        return [bool(value) for value in found]
    return [None if isinstance(value, Null) else value for value in found]


def agrees(kind: Type, source: str, rows: list[dict[str, Any]] = FIXED_ROWS) -> bool:
    return compiled_values(kind, source, rows) == jinja_values(kind, source, rows)


OURS = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # fmt: skip


@OURS
@given(case=CASES, rows=st.lists(ROW, max_size=3))
def test_an_expression_gives_what_jinja_gives(
    case: tuple[Type, str], rows: list[dict[str, Any]]
) -> None:
    kind, source = case
    rows = [*FIXED_ROWS, *rows]
    try:
        found = compiled_values(kind, source, rows)
    except UserMustFix as error:
        codes = {problem.code for problem in error.problems}
    else:
        codes = set()
    assert codes <= {"EXP-10"}
    assume(not codes)
    assert found == jinja_values(kind, source, rows)


@settings(OURS, max_examples=60)
@given(
    first=expressions(Type.TEXT, 2),
    second=expressions(Type.INTEGER, 2),
    literal=st.text(st.sampled_from("aZ {}%#\"'|ä"), max_size=6).filter(
        lambda text: not any(sign in text + "{" for sign in ("{{", "{%", "{#"))
    ),
)
def test_mixed_text_gives_what_jinja_gives(first: str, second: str, literal: str) -> None:
    text = f"{literal}{{{{ {first} }}}}/{{{{ {second} }}}}{literal}"
    template = ORACLE.from_string(text)
    wanted = [
        template.render({name: NULL if value is None else value for name, value in row.items()})
        for row in FIXED_ROWS
    ]
    rows = frame_of(FIXED_ROWS)
    text = text.replace(NO_ELSE, "")
    compiled = compile_value(text, SCOPE, place=PLACE)
    assert rows.with_columns(compiled.expr.alias("r"))["r"].to_list() == wanted
    optional = compile_value(text, SCOPE, place=PLACE, optional=True)
    parts = (
        jinja_values(Type.TEXT, first, FIXED_ROWS),
        jinja_values(Type.INTEGER, second, FIXED_ROWS),
    )
    wanted_or_null = [
        None if None in values else whole
        for whole, *values in zip(wanted, *parts, strict=True)
    ]  # fmt: skip
    assert rows.with_columns(optional.expr.alias("r"))["r"].to_list() == wanted_or_null


BROKEN: dict[str, tuple[str, Any, Type, str]] = {
    "null is not unequal": (
        "compare", lambda _, left, right: left != right, Type.BOOLEAN, "t1 != 'fee'",
    ),
    "null is less": (
        "compare", lambda _, left, right: (left < right).fill_null(value=True),
        Type.BOOLEAN, "i1 < i2",
    ),
    "null in no list is null": (
        "is_one_of_constants", lambda value, members: value.is_in(list(members)),
        Type.BOOLEAN, "t1 not in ['fee']",
    ),
    "null swallows a text": (
        "join_texts", lambda parts: pl.concat_str(list(parts)), Type.TEXT, "t1 ~ t2",
    ),
    "or is not null": (
        "first_filled", pl.coalesce, Type.TEXT, "t1 or t2",
    ),
    "a sum wraps": (
        "calculate", lambda _, __, left, right: left + right, Type.INTEGER, "i1 + i2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, broken, kind, source = BROKEN[name]
    assert agrees(kind, source)
    monkeypatch.setattr(operators, function, broken)
    assert not agrees(kind, source)
