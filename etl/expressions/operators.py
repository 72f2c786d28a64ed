"""Operators as Polars expressions that cannot raise and never wrap.

A row whose result does not exist is null: an overflow in one row would fail the whole frame (T4).
Comparisons are never null: null equals only null, is in no list and compares false.

Every operand is used exactly once: one that was used twice would double the expression at every
level of nesting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from etl.frames import Type
from etl.money import AMOUNT

_HUNDREDTH = pl.lit(Decimal("0.01"), dtype=AMOUNT)
_HUNDREDTHS = pl.Decimal(38, 0)


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
    """Tell whether a value equals one of some expressions of its type."""
    return is_member(value, pl.concat_list(list(members)))


def is_one_of_constants(value: pl.Expr, members: Sequence[Any]) -> pl.Expr:
    """Tell whether a text, whole number or date is one of some known values."""
    return value.is_in([member for member in members if member is not None]).fill_null(value=False)


def is_member(value: pl.Expr, members: pl.Expr) -> pl.Expr:
    """Tell whether a value is in a list of its type; null is in no list."""
    return true_or_false(members.list.contains(value, nulls_equal=False))


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
    """Add two amounts of 38 digits as 128-bit hundredths; null where that is no amount.

    Two of 10^38 hundredths may pass 2^127 = 1.7 * 10^38 and wrap; what wraps lands beyond
    1.4 * 10^38, where nothing fits 38 digits either. The last step moves the point, exactly.
    """
    whole = [value.cast(AMOUNT, strict=False).to_physical() for value in (left, right)]
    hundredths = whole[0] + whole[1]
    return hundredths.cast(_HUNDREDTHS, strict=False) * _HUNDREDTH


def join_texts(parts: Sequence[pl.Expr]) -> pl.Expr:
    """Write texts one after the other; null prints as nothing. Never null."""
    return pl.concat_str(list(parts), ignore_nulls=True)


def null_if_empty(text: pl.Expr) -> pl.Expr:
    """Give null for an empty text."""
    return text.replace("", None)


def join_filled(parts: Sequence[pl.Expr], separator: str) -> pl.Expr:
    """Join the texts that are there and not empty; null where none is."""
    filled = [null_if_empty(part) for part in parts]
    return null_if_empty(pl.concat_str(filled, separator=separator, ignore_nulls=True))


def first_filled(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Give the left text where it is not empty, else the right one."""
    return pl.coalesce(null_if_empty(left), right)


def print_amount(value: pl.Expr) -> pl.Expr:
    """Write an amount as a text with a dot and two decimals, exactly."""
    return value.cast(AMOUNT, strict=False).cast(pl.String)


def print_value(kind: Type, value: pl.Expr) -> pl.Expr:
    """Write a value as a text that is looked up or printed: digits, ISO dates, true and false."""
    if kind is Type.DATE:
        return value.dt.to_string("%Y-%m-%d")
    return value if kind is Type.TEXT else value.cast(pl.String)
