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
    year = value.dt.year()
    return pl.when(year.is_between(FIRST_DATE.year, LAST_DATE.year)).then(
        value.dt.to_string(chrono)
    )


def _format_period(value: pl.Expr, pieces: list[str]) -> pl.Expr:
    """Write a period, which is year * 100 + number."""
    safe = pl.when(value.is_between(100, 999_999)).then(value)
    year = (safe // 100).cast(pl.String).str.zfill(4)
    parts = {
        "YYYY": year,
        "YY": year.str.tail(2),
        "PP": (safe % 100).cast(pl.String).str.zfill(2),
    }
    return pl.concat_str([parts.get(piece, pl.lit(piece)) for piece in pieces])


def read_date(text: pl.Expr) -> pl.Expr:
    """Read a date written YYYY-MM-DD; null where the text is no date."""
    is_written = text.str.contains(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z")
    day = pl.when(is_written).then(text).str.to_date("%Y-%m-%d", strict=False)
    return keep_in_calendar(day)


def keep_in_calendar(day: pl.Expr) -> pl.Expr:
    """Keep a date of the years 0001 to 9999."""
    return pl.when(day.is_between(pl.lit(FIRST_DATE), pl.lit(LAST_DATE))).then(day)


def add_days(day: pl.Expr, days: int) -> pl.Expr:
    """Move a date; null where that leaves the calendar. Counts in 64 bits, so it cannot wrap."""
    number = day.cast(pl.Int32).cast(pl.Int64) + days
    epoch = dt.date(1970, 1, 1)
    first, last = (FIRST_DATE - epoch).days, (LAST_DATE - epoch).days
    return pl.when(number.is_between(first, last)).then(number).cast(pl.Int32).cast(pl.Date)


def month_end(day: pl.Expr) -> pl.Expr:
    """Give the last day of the month."""
    return keep_in_calendar(day).dt.month_end()
