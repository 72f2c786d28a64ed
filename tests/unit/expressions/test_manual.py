"""The manual is made from the tables, and every example in it is true."""

from __future__ import annotations

import pytest

from etl.expressions import Compiled, compile_expression
from etl.expressions.compiler import _HANDLERS
from etl.expressions.conditions import CONDITIONS
from etl.expressions.date_tokens import TOKENS
from etl.expressions.filters import FILTERS
from etl.expressions.manual import OPERATORS, render_manual
from etl.expressions.operators import print_value
from etl.frames import ITEM, POSTING
from tests.unit.expressions.frame import PLACE, ROWS, SCOPE

EXAMPLES = [
    *((row.example, row.shown) for row in OPERATORS),
    *((row.example, row.shown) for row in FILTERS.values()),
    *((row.example, "true" if row.shown else "false") for row in CONDITIONS.values()),
]


def shown(compiled: Compiled) -> object:
    """Write the value on the first row as the manual does."""
    printed = print_value(compiled.type, compiled.expr)
    return ROWS.with_columns(printed.alias("shown"))["shown"][0]


@pytest.mark.parametrize(("example", "result"), EXAMPLES)
def test_example(example: str, result: str) -> None:
    assert shown(compile_expression(example, SCOPE, place=PLACE)) == result


def test_every_name_operator_filter_test_and_token_is_in_the_manual() -> None:
    manual = render_manual()
    for name in (*(column.name for column in (*ITEM, *POSTING)), *TOKENS):
        assert f"| `{name}` |" in manual
    for row in FILTERS.values():
        assert f"| `{row.name}" in manual
    for condition in CONDITIONS.values():
        assert f"| `is {condition.name}" in manual


def test_no_cell_of_the_manual_breaks_its_row() -> None:
    for block in render_manual().split("### ")[1:]:
        rows = [line for line in block.splitlines() if line.startswith("|")]
        columns = rows[1].count("|")
        assert [row.replace("\\|", "").count("|") for row in rows] == [columns] * len(rows)


def test_exactly_these_filters_and_tests_exist() -> None:
    assert " ".join(FILTERS) == (
        "upper lower trim cut pad initials digits ascii replace first last join "
        "add_days month_end date_text amount_text as_date lookup"
    )
    assert set(CONDITIONS) == {"none", "empty", "containing", "starting", "matching"}


def test_nothing_else_of_jinja_is_known() -> None:
    assert " ".join(kind.__name__ for kind in _HANDLERS) == (
        "Const Name Getattr Getitem Concat Add Sub Mul Neg Compare List And Or Not CondExpr "
        "Filter Test"
    )
