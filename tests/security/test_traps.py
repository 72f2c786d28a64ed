"""Every trap of the libraries that was observed has a test that fails when its guard is taken out.

The list names the tests; what can be seen in the source alone is held here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "etl").rglob("*.py"))

CONTRACTS = "tests/unit/items/test_contracts.py"
READING = "tests/unit/items/test_reading.py"
SANDBOX = "tests/unit/rendering_layouts/test_sandbox.py"
GENERIC = "tests/readers/test_generic.py"
HERE = "tests/security/test_traps.py"
#: Trap -> the test that holds its guard.
GUARDS = {
    "values are never inferred (frames)": HERE + "::test_frames_are_never_inferred",
    "numbers of JSON are exact": "tests/unit/test_documents.py::test_json_numbers_are_exact",
    "amounts are looked at as text": READING + "::test_any_other_amount_is_refused",
    "rounding is named": HERE + "::test_rounding_is_named",
    "lazy frames": CONTRACTS + "::test_a_lazy_frame_is_refused",
    "validation off": CONTRACTS + "::test_validation_switched_off_is_refused",
    "validation off in the environment":
        CONTRACTS + "::test_the_environment_cannot_switch_validation_off",
    "rows dropped":
        CONTRACTS + "::test_a_contract_that_drops_rows_is_refused",
    "nulls pass":
        CONTRACTS + "::test_a_null_in_a_cross_field_check_is_a_failure",
    "coercion": CONTRACTS + "::test_a_contract_that_coerces_is_refused",
    "failures without a row":
        CONTRACTS + "::test_a_check_that_raises_stops_the_batch",
    "joins that multiply": HERE + "::test_joins_say_how_many_rows_meet",
    "digits of other scripts": "tests/unit/test_house.py::test_patterns_never_say_backslash_d",
    "formulas in cells": "tests/unit/rendering/test_cells.py::test_the_formula_guard",
    "formulas and links in workbooks":
        GENERIC + "::test_a_workbook_has_no_formula_no_link_and_no_text_that_became_a_number",
    "scalars of YAML": "tests/unit/test_documents.py::test_scalars_stay_text",
    "bombs of YAML": "tests/unit/test_documents.py::test_bombs_end_quickly_with_a_code",
    "values print as words":
        SANDBOX + "::test_what_cannot_be_seen_at_load_fails_with_its_place",
    "escapes of Jinja":
        SANDBOX + "::test_escapes_are_refused_when_the_layout_is_loaded",
    "endless work in Jinja": SANDBOX + "::test_endless_work_ends_soon_and_small",
    "heavy imports": "tests/unit/cli/test_main.py::test_help_loads_nothing_heavy",
}  # fmt: skip


@pytest.mark.parametrize("test", GUARDS.values(), ids=GUARDS)
def test_the_test_of_a_trap_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Give every call of a method in the product: its place, its name, itself."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.func.attr, node


def named(call: ast.Call) -> dict[str, object]:
    return {
        word.arg: word.value.value if isinstance(word.value, ast.Constant) else ...
        for word in call.keywords
        if word.arg
    }


def test_frames_are_never_inferred() -> None:
    never = ("from_dicts", "from_dict", "from_records", "from_pandas")
    schema_said = ("read_ndjson", "scan_ndjson", "read_csv", "scan_csv")
    found = [
        place
        for place, name, call in calls()
        if name in never
        or (name in schema_said and not {"schema", "infer_schema"} & named(call).keys())
    ]
    assert found == []


def test_rounding_is_named() -> None:
    found = [
        place for place, name, call in calls() if name == "round" and "mode" not in named(call)
    ]
    assert found == []


def test_joins_say_how_many_rows_meet() -> None:
    """Joins of frames name their columns; those that only choose rows cannot multiply them."""
    found = [
        place
        for place, name, call in calls()
        if name == "join"
        and {"on", "left_on", "how"} & named(call).keys()
        and named(call).get("how") not in ("anti", "semi", "cross")
        and "validate" not in named(call)
    ]
    assert found == []
