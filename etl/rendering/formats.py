"""Values become text: by type, by the file's formats, and by what the column says itself.

Only text leaves this module, so a layout never sees a number (T16). Amounts stay exact: a number
that does not fit its places is a rejection, never rounded. A rate is information and is rounded
half away from zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from etl.expressions.date_tokens import format_date
from etl.frames import Type
from etl.money import AMOUNT_PLACES, RATE_PLACES
from etl.rendering.document import CellType, Column, Formats

#: Which types of value a column of some type prints.
PRINTS: dict[CellType, tuple[Type, ...]] = {
    "text": (Type.TEXT,),
    "digits": (Type.TEXT, Type.INTEGER),
    "amount": (Type.AMOUNT,),
    "integer": (Type.INTEGER,),
    "decimal": (Type.DECIMAL, Type.AMOUNT, Type.INTEGER),
    "date": (Type.DATE,),
    "datetime": (Type.DATETIME,),
    "period": (Type.PERIOD,),
    "flag": (Type.BOOLEAN,),
}

#: Types whose text is made here, so that it needs no look at its characters.
NUMBERS: frozenset[CellType] = frozenset({"amount", "integer", "decimal"})
DATES: dict[CellType, Type] = {
    "date": Type.DATE,
    "datetime": Type.DATETIME,
    "period": Type.PERIOD,
}


@dataclass(frozen=True, slots=True)
class Style:
    """How a column writes its values: the column's own word, else the file's."""

    type: CellType
    decimal: str
    tokens: str
    places: int | None
    in_hundredths: bool
    blank_zero: bool
    empty: str
    flag: tuple[str, str]


def style_of(column: Column, formats: Formats) -> Style:
    """Give the style of a column in a file with these formats."""
    tokens = {
        "date": formats.date,
        "datetime": formats.datetime,
        "period": formats.period,
    }.get(column.type, "")
    yes, _, no = (column.format or formats.flag).partition("|")
    return Style(
        type=column.type,
        decimal=formats.decimal,
        tokens=column.format or tokens,
        places=column.places,
        in_hundredths=column.unit == "hundredths",
        blank_zero=(column.zero or formats.zero) == "blank",
        empty=column.empty if column.empty is not None else formats.empty,
        flag=(yes, no),
    )


def to_text(value: pl.Expr, kind: Type, *, style: Style) -> pl.Expr:
    """Write a value as text, null where there is none (or a zero that prints as blank)."""
    if style.type in ("amount", "decimal"):
        text = _decimal(value, kind, style=style)
    elif style.type == "integer" or kind is Type.INTEGER:
        text = value.cast(pl.String)
    elif style.type == "flag":
        text = pl.when(value).then(pl.lit(style.flag[0])).when(~value).then(pl.lit(style.flag[1]))
    elif style.type in DATES:
        return format_date(value, kind, style.tokens)
    else:
        return value
    if style.blank_zero and style.type in NUMBERS:
        return pl.when(value != 0).then(text)
    return text


def fits_places(value: pl.Expr, kind: Type, *, style: Style) -> pl.Expr | None:
    """Say where an amount has more decimals than the column prints; None if none can have."""
    places = style.places
    if kind is not Type.AMOUNT or places is None or places >= AMOUNT_PLACES:
        return None
    step = pl.lit(10 ** (AMOUNT_PLACES - places), pl.Int128)
    return (_scaled(value, AMOUNT_PLACES) % step).eq_missing(pl.lit(0, pl.Int128)) | value.is_null()


def _decimal(value: pl.Expr, kind: Type, *, style: Style) -> pl.Expr:
    if style.in_hundredths:
        return _scaled(value, AMOUNT_PLACES).cast(pl.String)
    if style.type == "decimal" and kind is Type.DECIMAL:
        text = _rate(value, style.places)
    elif kind is Type.INTEGER:
        text = _padded(value.cast(pl.String), 0, wanted=style.places or 0)
    else:
        places = AMOUNT_PLACES if style.places is None else style.places
        text = _padded(value.cast(pl.String), AMOUNT_PLACES, wanted=places)
    if style.decimal != "." and style.places != 0:
        text = text.str.replace(".", style.decimal, literal=True)
    return text


def _padded(text: pl.Expr, has: int, *, wanted: int) -> pl.Expr:
    """Give a decimal text of `has` places another number of places (digits lost are zeros)."""
    if wanted == has:
        return text
    if wanted > has:
        return text + ("." if has == 0 else "") + "0" * (wanted - has)
    drop = has - wanted + (1 if wanted == 0 else 0)
    return text.str.slice(0, text.str.len_bytes() - drop)


def _rate(value: pl.Expr, places: int | None) -> pl.Expr:
    """Write a rate: with its places rounded half away from zero, or as short as it is."""
    if places is None:
        return value.cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")
    if places == RATE_PLACES:
        return value.cast(pl.String)
    step = 10 ** (RATE_PLACES - places)
    millionths = _scaled(value, RATE_PLACES)
    rounded: pl.Expr = (millionths.abs() + step // 2) // step
    digits = rounded.cast(pl.String).str.zfill(places + 1)
    sign = pl.when((millionths < 0) & (rounded > 0)).then(pl.lit("-")).otherwise(pl.lit(""))
    if places == 0:
        return sign + digits
    whole = digits.str.slice(0, digits.str.len_bytes() - places)
    return sign + whole + "." + digits.str.tail(places)


def _scaled(value: pl.Expr, places: int) -> pl.Expr:
    """Give a decimal of some places as a whole number."""
    return (value * pl.lit(10**places, pl.Int32)).cast(pl.Int128)
