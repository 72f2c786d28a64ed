"""Date formats in our own tokens: YYYY YY MM M DD D HH mm ss SSS, and PP for a period.

A token means the same on every machine, which strftime does not promise.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

import polars as pl

from etl.frames import Type

#: Longest first, so that YYYY is not read as YY twice.
TOKENS: Mapping[str, str] = {
    "YYYY": "year, four digits",
    "SSS": "thousandths of a second",
    "YY": "year, last two digits",
    "MM": "month, two digits",
    "DD": "day, two digits",
    "HH": "hour, 00 to 23",
    "mm": "minute",
    "ss": "second",
    "PP": "number of the period, two digits",
    "M": "month without leading zero",
    "D": "day without leading zero",
}
_CHRONO = {
    "YYYY": "%Y", "SSS": "%3f", "YY": "%y", "MM": "%m", "DD": "%d", "HH": "%H", "mm": "%M",
    "ss": "%S", "M": "%-m", "D": "%-d",
}  # fmt: skip
_OF_TYPE: Mapping[Type, frozenset[str]] = {
    Type.DATE: frozenset({"YYYY", "YY", "MM", "DD", "M", "D"}),
    Type.DATETIME: frozenset(TOKENS) - {"PP"},
    Type.PERIOD: frozenset({"YYYY", "YY", "PP"}),
}
_PIECE = re.compile("|".join(TOKENS) + "|.", re.DOTALL)
#: Letters that stand for themselves in an ISO timestamp; all other letters are refused.
_LETTERS = frozenset("TZ")
MAX_FORMAT = 40

FIRST_DATE = dt.date(1, 1, 1)
LAST_DATE = dt.date(9999, 12, 31)
_EPOCH = dt.date(1970, 1, 1)
_FIRST_DAY = (FIRST_DATE - _EPOCH).days
_LAST_DAY = (LAST_DATE - _EPOCH).days
_MICROSECONDS = 24 * 60 * 60 * 1_000_000
_HIGHEST, _LOWEST = 2**63 - 1, -(2**63)


def refuse_format(tokens: str, kind: Type) -> str | None:
    """Say what is wrong with a date format for a value of some type, or nothing."""
    if not tokens or len(tokens) > MAX_FORMAT:
        return f"a date format has 1 to {MAX_FORMAT} characters"
    allowed = _OF_TYPE[kind]
    for piece in _PIECE.findall(tokens):
        if piece in TOKENS and piece not in allowed:
            return f'a {kind} has no "{piece}" ({TOKENS[piece]})'
        if piece not in TOKENS and piece.isalpha() and piece not in _LETTERS:
            return f'"{piece}" in "{tokens}" is no date token'
    return None


def format_date(value: pl.Expr, kind: Type, tokens: str) -> pl.Expr:
    """Write a date, time or period in some format that was checked; null outside 0001 to 9999."""
    pieces = _PIECE.findall(tokens)
    if kind is Type.PERIOD:
        return _format_period(value, pieces)
    chrono = "".join(_CHRONO.get(piece, piece.replace("%", "%%")) for piece in pieces)
    if kind is Type.DATE:
        return keep_in_calendar(value).dt.to_string(chrono)
    first, last = _FIRST_DAY * _MICROSECONDS, (_LAST_DAY + 1) * _MICROSECONDS - 1
    instant = _keep_between(value.cast(pl.Int64), first, last)
    return instant.cast(pl.Datetime("us", "UTC")).dt.to_string(chrono)


def _format_period(value: pl.Expr, pieces: list[str]) -> pl.Expr:
    """Write a period, which is year * 100 + number, by taking its six digits apart."""
    parts = {"YYYY": "${1}${2}", "YY": "${2}", "PP": "${3}"}
    written = "".join(parts.get(piece, piece.replace("$", "$$")) for piece in pieces)
    six_digits = value.cast(pl.String).str.zfill(6).str.extract(r"\A([0-9]{6})\z", 1)
    return six_digits.str.replace(r"\A([0-9]{2})([0-9]{2})([0-9]{2})\z", written)


def read_date(text: pl.Expr) -> pl.Expr:
    """Read a date written YYYY-MM-DD; null where the text is no date."""
    written = text.str.extract(r"\A([0-9]{4}-[0-9]{2}-[0-9]{2})\z", 1)
    return keep_in_calendar(written.str.to_date("%Y-%m-%d", strict=False))


def keep_in_calendar(day: pl.Expr) -> pl.Expr:
    """Keep a date of the years 0001 to 9999."""
    return add_days(day, 0)


def add_days(day: pl.Expr, days: int) -> pl.Expr:
    """Move a date; null where that leaves the calendar. Counts in 64 bits, so it cannot wrap."""
    number = day.cast(pl.Int32).cast(pl.Int64) + days
    return _keep_between(number, _FIRST_DAY, _LAST_DAY).cast(pl.Int32).cast(pl.Date)


def month_end(day: pl.Expr) -> pl.Expr:
    """Give the last day of the month."""
    return keep_in_calendar(day).dt.month_end()


def _keep_between(number: pl.Expr, first: int, last: int) -> pl.Expr:
    """Give null for a whole number outside two bounds, using the number once.

    The number is moved so that each bound in turn lies at the end of 64 bits; a cast drops what
    is beyond.
    """
    up, down = _HIGHEST - last, _LOWEST - first
    below_last = _move(number, up).cast(pl.Int64, strict=False)
    above_first = _move(below_last, down - up).cast(pl.Int64, strict=False)
    return _move(above_first, -down).cast(pl.Int64)


def _move(number: pl.Expr, by: int) -> pl.Expr:
    return number.cast(pl.Int128) + pl.lit(by, pl.Int128)
