"""The tests behind `is`: name, types, definition and the line of the manual, in one table.

No test is ever null: what is missing is only `none` and `empty`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from etl.expressions import operators
from etl.expressions.parameters import PART, PATTERN, Parameter
from etl.frames import Type

Define = Callable[[pl.Expr, Type, tuple[Any, ...]], pl.Expr]

TEXT = (Type.TEXT,)
ANY = tuple(Type)


@dataclass(frozen=True, slots=True)
class Condition:
    """A test. `example` gives `shown`; a test runs every one of them."""

    name: str
    takes: tuple[Type, ...]
    define: Define
    meaning: str
    example: str
    shown: bool
    parameters: tuple[Parameter, ...] = ()


def _empty(value: pl.Expr, kind: Type, arguments: tuple[Any, ...]) -> pl.Expr:
    if kind is Type.TEXT:
        return ~operators.is_filled(value)
    if kind is Type.TEXTS:
        return ~operators.has_members(value)
    return value.is_null()


_ROWS = (
    Condition(
        "none", ANY, lambda value, _, __: value.is_null(),
        "there is no value", "none is none", shown=True,
    ),
    Condition(
        "empty", ANY, _empty,
        "there is no value, or a text or list with nothing in it", "'' is empty", shown=True,
    ),
    Condition(
        "containing", TEXT,
        lambda value, _, arguments: operators.true_or_false(
            value.str.contains(arguments[0], literal=True)
        ),
        "the part stands somewhere in the text; capitals count",
        "'Taxi to airport' is containing('air')", shown=True, parameters=(PART,),
    ),
    Condition(
        "starting", TEXT,
        lambda value, _, arguments: operators.true_or_false(value.str.starts_with(arguments[0])),
        "the text begins with the part; capitals count", "'4930' is starting('49')", shown=True,
        parameters=(PART,),
    ),
    Condition(
        "matching", TEXT,
        lambda value, _, arguments: operators.true_or_false(value.str.contains(arguments[0])),
        "the pattern covers the whole text; it knows [0-9], [^A-Z], ., ( ), |, ?, *, + and {2,5}",
        "'4930' is matching('[0-9]{4,8}')", shown=True, parameters=(PATTERN,),
    ),
)  # fmt: skip

CONDITIONS: Mapping[str, Condition] = {row.name: row for row in _ROWS}

#: What people try, and what to write instead.
INSTEAD: Mapping[str, str] = {
    "defined": "write is not none",
    "undefined": "write is none",
    "null": "write is none",
    "equalto": "write ==",
    "eq": "write ==",
    "ne": "write !=",
    "in": "write in",
    "true": "write the name alone",
    "false": "write not before the name",
    "ending": "write is matching('.*part')",
    "even": "numbers are compared only",
    "odd": "numbers are compared only",
    "sameas": "write ==",
    "string": "names have their type",
    "number": "write is matching('[0-9]+')",
}
