"""Operators as Polars expressions that cannot raise and never wrap.

A row whose result does not exist is null: an overflow in one row would fail the whole frame (T4).
Comparisons are never null: null equals only null, is in no list and compares false.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from typing import Any

import polars as pl

from etl.frames import Type
from etl.money import AMOUNT

_LARGEST = pl.lit(Decimal("9" * 36 + ".99"), dtype=AMOUNT)
_NOUGHT = pl.lit(Decimal(0), dtype=AMOUNT)


def is_filled(text: pl.Expr) -> pl.Expr:
    """Tell whether a text is there and not empty."""
    return (text != "").fill_null(value=False)


def has_members(texts: pl.Expr) -> pl.Expr:
    """Tell whether a list is there and not empty."""
    return (texts.list.len() > 0).fill_null(value=False)


def true_or_false(condition: pl.Expr) -> pl.Expr:
    """Count an unknown condition as false."""
    return condition.fill_null(value=False)


_COMPARE: Mapping[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "eq": lambda left, right: left.eq_missing(right),
    "ne": lambda left, right: left.ne_missing(right),
    "lt": lambda left, right: true_or_false(left < right),
    "lteq": lambda left, right: true_or_false(left <= right),
    "gt": lambda left, right: true_or_false(left > right),
    "gteq": lambda left, right: true_or_false(left >= right),
}


def compare(operator: str, left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Compare two values of one type; `operator` is Jinja's word (eq, ne, lt, lteq, gt, gteq)."""
    return _COMPARE[operator](left, right)


def is_one_of(value: pl.Expr, members: Sequence[pl.Expr]) -> pl.Expr:
    """Tell whether a value equals one of some expressions; null equals none of them here."""
    found = [true_or_false(value == member) for member in members]
    return reduce(lambda left, right: left | right, found, pl.lit(value=False))


def is_one_of_constants(value: pl.Expr, members: Sequence[Any]) -> pl.Expr:
    """Tell whether a text, whole number or date is one of some known values."""
    return value.is_in([member for member in members if member is not None]).fill_null(value=False)


def is_member(value: pl.Expr, texts: pl.Expr) -> pl.Expr:
    """Tell whether a text is in a list of texts; null is in no list."""
    return true_or_false(texts.list.contains(value)) & value.is_not_null()


def calculate(operator: str, kind: Type, left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Add, subtract or multiply; null where the result does not fit."""
    if kind is Type.AMOUNT:
        return _add_amounts(left, right if operator == "+" else -right)
    wide, other = left.cast(pl.Int128), right.cast(pl.Int128)
    result = {"+": wide + other, "-": wide - other, "*": wide * other}[operator]
    return result.cast(pl.Int64, strict=False)


def negate(kind: Type, value: pl.Expr) -> pl.Expr:
    """Change the sign; null where the result does not fit."""
    if kind is Type.AMOUNT:
        return -value
    return (pl.lit(0, pl.Int128) - value.cast(pl.Int128)).cast(pl.Int64, strict=False)


def _add_amounts(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Add two amounts of 38 digits; the room that is left decides before anything is added."""
    room_up = _LARGEST - pl.max_horizontal(left, _NOUGHT)
    room_down = -_LARGEST - pl.min_horizontal(left, _NOUGHT)
    fits = (right <= room_up) & (right >= room_down)
    return left + pl.when(fits).then(right)


def join_texts(parts: Sequence[pl.Expr]) -> pl.Expr:
    """Write texts one after the other; null prints as nothing. Never null."""
    return pl.concat_str(list(parts), ignore_nulls=True)


def join_filled(parts: Sequence[pl.Expr], separator: str) -> pl.Expr:
    """Join the texts that are there and not empty; null where none is."""
    filled = [pl.when(part != "").then(part) for part in parts]
    joined = pl.concat_str(filled, separator=separator, ignore_nulls=True)
    return pl.when(joined != "").then(joined)


def first_filled(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Give the left text where it is not empty, else the right one."""
    return pl.when(is_filled(left)).then(left).otherwise(right)


def print_value(kind: Type, value: pl.Expr) -> pl.Expr:
    """Write a value as a text that is looked up or printed: digits, ISO dates, true and false."""
    if kind is Type.BOOLEAN:
        return pl.when(value).then(pl.lit("true")).when(~value).then(pl.lit("false"))
    if kind in (Type.INTEGER, Type.PERIOD):
        return value.cast(pl.String)
    if kind is Type.DATE:
        return value.dt.to_string("%Y-%m-%d")
    return value
