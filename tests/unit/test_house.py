"""The house keeps its measures: short modules and functions, one spelling, one importer each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MODULES = sorted((ROOT / "etl").rglob("*.py"))
MAX_MODULE = 400
MAX_FUNCTION = 60
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "data", "process"}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_modules_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_MODULE
    assert path.stem not in FORBIDDEN_NAMES
    for function in functions(path):
        assert function.end_lineno is not None
        assert function.end_lineno - function.lineno < MAX_FUNCTION, function.name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_is_left_unsaid(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError|pragma: no cover)\b", text)
    assert ast.get_docstring(ast.parse(text)), "a module says what it is for"


def test_only_the_clock_reads_the_time() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if re.search(
            r"(?<!clock)\.now\(|\.today\(|time\.time\(|utcnow", path.read_text(encoding="utf-8")
        )
    }
    assert readers <= {"etl/clock.py"}


def test_patterns_never_say_backslash_d() -> None:
    """`\\d` matches Arabic digits in Polars (T12)."""
    guilty = [path for path in MODULES if re.search(r"""r["'].*\\d""", path.read_text("utf-8"))]
    assert guilty == []
