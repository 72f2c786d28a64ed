"""Arguments of filters and tests: known while compiling, checked before any row is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from etl.documents import near_match
from etl.expressions.date_tokens import refuse_format
from etl.expressions.patterns import PatternRefused, check_pattern
from etl.expressions.scope import Scope
from etl.frames import Type

MAX_WIDTH = 1_000
#: Ten thousand years: more would leave the calendar from any date.
MAX_DAYS = 3_660_000
REQUIRED = object()


class ArgumentRefused(ValueError):
    """An argument that a filter or test cannot take."""

    def __init__(self, what: str, fix: str, code: str = "EXP-6") -> None:
        super().__init__(what)
        self.fix = fix
        self.code = code


#: Turns the value of an argument into what the definition needs.
#: Takes value, scope and the type of what the filter is applied to; raises ArgumentRefused.
Prepare = Callable[[Any, Scope, Type | None], Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument in round brackets: its name in the manual, type, default and check."""

    name: str
    type: Type
    prepare: Prepare
    default: object = REQUIRED


def _any_text(value: str, scope: Scope, kind: Type | None) -> str:
    return value


def _some_text(value: str, scope: Scope, kind: Type | None) -> str:
    if not value:
        raise ArgumentRefused("an empty text is given", "give at least one character")
    return value


def _one_character(value: str, scope: Scope, kind: Type | None) -> str:
    if len(value) != 1:
        raise ArgumentRefused(f'the fill "{value}" is not one character', "give one, such as '0'")
    return value


def _width(value: int, scope: Scope, kind: Type | None) -> int:
    if not 1 <= value <= MAX_WIDTH:
        raise ArgumentRefused(f"{value} is not a width", f"give a number from 1 to {MAX_WIDTH}")
    return value


def _days(value: int, scope: Scope, kind: Type | None) -> int:
    if abs(value) > MAX_DAYS:
        raise ArgumentRefused(
            f"{value} days lead out of the calendar", f"give at most {MAX_DAYS} days"
        )
    return value


def _date_tokens(value: str, scope: Scope, kind: Type | None) -> str:
    refused = refuse_format(value, kind or Type.DATE)
    if refused is not None:
        raise ArgumentRefused(refused, "use YYYY, YY, MM, DD and signs, such as 'DD.MM.YYYY'")
    return value


def _pattern(value: str, scope: Scope, kind: Type | None) -> str:
    try:
        checked = check_pattern(value)
        pl.select(pl.lit("").str.contains(checked))
    except PatternRefused as refused:
        raise ArgumentRefused(f"pattern: {refused}", refused.fix, "EXP-7") from None
    except pl.exceptions.ComputeError:
        raise ArgumentRefused("the pattern is too large", "use smaller counts", "EXP-7") from None
    return checked


def _table(value: str, scope: Scope, kind: Type | None) -> object:
    if value not in scope.lookups:
        near = near_match(value, set(scope.lookups))
        known = ", ".join(sorted(scope.lookups)) or "none"
        raise ArgumentRefused(
            f'unknown lookup table "{value}"',
            f'did you mean "{near}"?' if near else f"tables here: {known}",
            "EXP-8",
        )
    return scope.lookups[value]


WIDTH = Parameter("n", Type.INTEGER, _width)
ONE_OR_MORE = Parameter("n", Type.INTEGER, _width, 1)
FILL = Parameter("fill", Type.TEXT, _one_character, "0")
DAYS = Parameter("n", Type.INTEGER, _days)
FORMAT = Parameter("format", Type.TEXT, _date_tokens)
SEPARATOR = Parameter("separator", Type.TEXT, _any_text, "")
OLD = Parameter("old", Type.TEXT, _some_text)
NEW = Parameter("new", Type.TEXT, _any_text)
PART = Parameter("part", Type.TEXT, _some_text)
PATTERN = Parameter("pattern", Type.TEXT, _pattern)
TABLE = Parameter("table", Type.TEXT, _table)
