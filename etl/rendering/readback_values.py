"""Texts of a file and values of a frame, both turned into what can be compared exactly.

numbers   whole numbers of the column's smallest unit
dates     the parts that the format shows: DDMM is compared as day and month
others    text
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import polars as pl

from etl.expressions.date_tokens import TOKENS
from etl.frames import Type
from etl.money import AMOUNT_PLACES, RATE_PLACES
from etl.rendering.columns import Cell
from etl.rendering.formats import DATES, NUMBERS

WHOLE = pl.Int128()
_PIECE = re.compile("|".join(TOKENS) + "|.", re.DOTALL)
_DIGITS = {"YYYY": "[0-9]{4}", "SSS": "[0-9]{3}", "M": "[0-9]{1,2}", "D": "[0-9]{1,2}"}


def is_typed(cell: Cell) -> bool:
    """Say whether a cell is compared by value; all others are compared as text."""
    return cell.column.type in NUMBERS or cell.column.type in DATES


def read_values(texts: pl.Series, cell: Cell, *, loose: bool) -> tuple[pl.Series, pl.Series]:
    """Give the values that some texts stand for, and where a text stands for none.

    Needs: loose, for workbooks, which write a number as short as it is.
    """
    style = cell.style
    if cell.column.type in NUMBERS:
        values = _numbers(texts, cell, loose=loose)
    elif cell.column.type in DATES:
        values = _dates(texts, style.tokens)
    else:
        return texts, texts.is_null()
    is_blank = texts == style.empty
    return values, values.is_null() & ~is_blank.fill_null(False)


def as_decimals(values: pl.Series, cell: Cell) -> pl.Series:
    """Give numbers that read_values found as exact decimals."""
    places = _places(cell, _kind(cell))
    exact = pl.col("value").cast(pl.Decimal(38, places)) / pl.lit(10**places, pl.Int32)
    return pl.DataFrame({"value": values}).select(exact)["value"]


def expected_values(values: pl.Series, kind: Type, *, cell: Cell, loose: bool) -> pl.Series:
    """Give what read_values must find for some typed values of the frame."""
    style = cell.style
    if cell.column.type in NUMBERS:
        whole = _scaled(values, kind, places=_places(cell, kind))
        if style.blank_zero:
            whole = pl.select(pl.when(whole != 0).then(whole)).to_series()
    else:
        whole = _date_parts(values, kind, tokens=style.tokens)
    nothing = read_values(pl.Series([style.empty], dtype=pl.String), cell, loose=loose)[0]
    if nothing[0] is not None:
        whole = whole.fill_null(nothing[0])
    return whole


# ── numbers ──


def _kind(cell: Cell) -> Type:
    return cell.compiled.type if cell.compiled is not None else Type.AMOUNT


def _places(cell: Cell, kind: Type) -> int:
    """Give how many decimals are compared: those that the column prints."""
    style = cell.style
    if style.type == "integer":
        return 0
    if style.in_hundredths:
        return AMOUNT_PLACES
    if style.places is not None:
        return style.places
    if kind is Type.AMOUNT:
        return AMOUNT_PLACES
    return 0 if kind is Type.INTEGER else RATE_PLACES


def _numbers(texts: pl.Series, cell: Cell, *, loose: bool) -> pl.Series:
    places = _places(cell, _kind(cell))
    if cell.style.in_hundredths or places == 0:
        return _whole(texts, r"^-?[0-9]+$", mark="")
    is_short = loose or (cell.style.places is None and _kind(cell) is Type.DECIMAL)
    mark = re.escape(cell.style.decimal)
    if not is_short:
        return _whole(texts, rf"^-?[0-9]+{mark}[0-9]{{{places}}}$", mark=cell.style.decimal)
    shaped = rf"^-?[0-9]+({mark}[0-9]{{1,{places}}})?$"
    exact = texts.str.replace(cell.style.decimal, ".", literal=True)
    numbers = pl.select(pl.when(texts.str.contains(shaped)).then(exact)).to_series()
    wide = pl.col("text").cast(pl.Decimal(38, places), strict=False)
    whole = (wide * pl.lit(10**places, pl.Int32)).cast(WHOLE)
    return pl.DataFrame({"text": numbers}).select(whole)["text"]


def _whole(texts: pl.Series, shaped: str, *, mark: str) -> pl.Series:
    """Read numbers of one shape as whole numbers of their last digit."""
    digits = texts.str.replace(mark, "", literal=True) if mark else texts
    is_number = texts.str.contains(shaped)
    if not is_number.all():
        digits = pl.select(pl.when(is_number).then(digits)).to_series()
    return digits.cast(WHOLE, strict=False)


def _scaled(values: pl.Series, kind: Type, *, places: int) -> pl.Series:
    """Give exact whole numbers; a rate is rounded half away from zero, as it is printed."""
    value = pl.col("value")
    if kind is Type.INTEGER:
        has, whole = 0, value.cast(WHOLE)
    else:
        has = AMOUNT_PLACES if kind is Type.AMOUNT else RATE_PLACES
        whole = (value * pl.lit(10**has, pl.Int32)).cast(WHOLE)
    if places >= has:
        whole = whole * pl.lit(10 ** (places - has), WHOLE)
    else:
        step = 10 ** (has - places)
        away = (whole.abs() * 2 + step) // (2 * step)
        whole = pl.when(whole < 0).then(-away).otherwise(away)
    return pl.DataFrame({"value": values}).select(whole.cast(WHOLE))["value"]


# ── dates ──


def _dates(texts: pl.Series, tokens: str) -> pl.Series:
    """Read dates; few are different, so each is read once."""
    pattern = re.compile("".join(_piece_pattern(piece) for piece in _PIECE.findall(tokens)))
    shown = [piece for piece in _PIECE.findall(tokens) if piece in TOKENS]

    def read(text: str | None) -> str | None:
        match = None if text is None else pattern.fullmatch(text)
        if match is None:
            return None
        return _joined(dict(zip(shown, map(int, match.groups()), strict=True)))

    return _each_once(texts, read)


def _piece_pattern(piece: str) -> str:
    if piece not in TOKENS:
        return re.escape(piece)
    return f"({_DIGITS.get(piece, '[0-9]{2}')})"


def _date_parts(values: pl.Series, kind: Type, *, tokens: str) -> pl.Series:
    """Give the parts of dates that a format shows."""
    shown = [piece for piece in _PIECE.findall(tokens) if piece in TOKENS]

    def parts(value: Any) -> str | None:
        if value is None:
            return None
        if kind is Type.PERIOD:
            known = {"YYYY": value // 100, "YY": value // 100 % 100, "PP": value % 100}
        else:
            known = _parts_of_time(value)
        return _joined({piece: known[piece] for piece in shown})

    return _each_once(values, parts)


def _parts_of_time(value: object) -> dict[str, int]:
    assert isinstance(value, dt.date)
    time = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
    return {
        "YYYY": time.year, "YY": time.year % 100, "MM": time.month, "M": time.month,
        "DD": time.day, "D": time.day, "HH": time.hour, "mm": time.minute,
        "ss": time.second, "SSS": time.microsecond // 1000,
    }  # fmt: skip


def _joined(parts: dict[str, int]) -> str:
    return " ".join(f"{piece}={number}" for piece, number in parts.items())


def _each_once(values: pl.Series, change: Callable[[Any], str | None]) -> pl.Series:
    """Change every different value once."""
    distinct = values.drop_nulls().unique()
    made = pl.Series([change(value) for value in distinct.to_list()], dtype=pl.String)
    return values.replace_strict(distinct, made, default=None, return_dtype=pl.String)
