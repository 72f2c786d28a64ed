"""The filters: name, types, definition and the line of the manual, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from etl.expressions import date_tokens, operators
from etl.expressions.parameters import (
    DAYS,
    FILL,
    FORMAT,
    NEW,
    OLD,
    ONE_OR_MORE,
    SEPARATOR,
    TABLE,
    WIDTH,
    Parameter,
)
from etl.expressions.plain_letters import to_ascii
from etl.expressions.scope import Lookup
from etl.frames import Type

TEXT = (Type.TEXT,)
DATES = (Type.DATE,)
PRINTABLE = (Type.TEXT, Type.INTEGER, Type.DATE, Type.BOOLEAN, Type.PERIOD)

#: Takes the value, its type and the prepared arguments.
Define = Callable[[pl.Expr, Type, tuple[Any, ...]], pl.Expr]


def _no_growth(arguments: tuple[Any, ...]) -> int:
    return 1


def _growth_of_replace(arguments: tuple[Any, ...]) -> int:
    old, new = arguments
    return max(1, -(-len(new) // len(old)))


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter. `example` gives `shown`; a test runs every one of them.

    takes      types it is for; gives: what comes out
    is_strict  a written-out value that gives null is a mistake, not a missing value
    """

    name: str
    takes: tuple[Type, ...]
    gives: Type
    define: Define
    meaning: str
    example: str
    shown: str
    parameters: tuple[Parameter, ...] = ()
    growth: Callable[[tuple[Any, ...]], int] = _no_growth
    is_strict: bool = False


def _first(value: pl.Expr, kind: Type, arguments: tuple[Any, ...]) -> pl.Expr:
    if kind is Type.TEXTS:
        return value.list.first()
    return value.str.slice(0, arguments[0])


def _pad(value: pl.Expr, kind: Type, arguments: tuple[Any, ...]) -> pl.Expr:
    width, fill = arguments
    text = operators.print_value(kind, value)
    if kind is Type.INTEGER and fill == "0":
        return text.str.zfill(width)
    return text.str.pad_start(width, fill)


def _join(value: pl.Expr, kind: Type, arguments: tuple[Any, ...]) -> pl.Expr:
    filled = value.list.eval(pl.element().filter(pl.element() != ""))
    return operators.null_if_empty(filled.list.join(arguments[0]))


def _initials(value: pl.Expr, kind: Type, arguments: tuple[Any, ...]) -> pl.Expr:
    return value.str.strip_chars().str.replace_all(r"(\S)\S*\s*", "${1}")


def _lookup(value: pl.Expr, kind: Type, arguments: tuple[Any, ...]) -> pl.Expr:
    table: Lookup = arguments[0]
    keys = pl.Series("keys", list(table.values), dtype=pl.String)
    found = pl.Series("found", list(table.values.values()), dtype=pl.String)
    text = operators.print_value(kind, value)
    if table.casefold:
        text = text.str.to_lowercase()
        pairs = pl.DataFrame([keys.str.to_lowercase(), found]).unique(
            "keys", keep="first", maintain_order=True
        )
        keys, found = pairs["keys"], pairs["found"]
    return text.replace_strict(keys, found, default=None, return_dtype=pl.String)


_ROWS = (
    Filter(
        "upper", TEXT, Type.TEXT, lambda value, _, __: value.str.to_uppercase(),
        "capital letters", "'Köln' | upper", "KÖLN", growth=lambda _: 3,
    ),
    Filter(
        "lower", TEXT, Type.TEXT, lambda value, _, __: value.str.to_lowercase(),
        "small letters", "'Köln' | lower", "köln", growth=lambda _: 3,
    ),
    Filter(
        "trim", TEXT, Type.TEXT, lambda value, _, __: value.str.strip_chars(),
        "without blanks at both ends", "'  Hotel ' | trim", "Hotel",
    ),
    Filter(
        "cut", TEXT, Type.TEXT, lambda value, _, arguments: value.str.slice(0, arguments[0]),
        "the first n characters", "'Taxi to airport' | cut(4)", "Taxi", (WIDTH,),
    ),
    Filter(
        "pad", (Type.TEXT, Type.INTEGER), Type.TEXT, _pad,
        "filled from the left up to n characters, with 0 or the given character; never shortened",
        "42 | pad(6)", "000042", (WIDTH, FILL),
    ),
    Filter(
        "initials", TEXT, Type.TEXT, _initials,
        "the first letter of every word", "'Taxi to Berlin' | initials", "TtB",
    ),
    Filter(
        "digits", TEXT, Type.TEXT, lambda value, _, __: value.str.replace_all("[^0-9]", ""),
        "the digits 0 to 9 of the text, nothing else", "'SE-556677-8899' | digits", "5566778899",
    ),
    Filter(
        "ascii", TEXT, Type.TEXT, lambda value, _, __: to_ascii(value),
        "without accents; what has no ASCII spelling is left out",
        "'Café Straße №' | ascii", "Cafe Strasse No", growth=lambda _: 18,
    ),
    Filter(
        "replace", TEXT, Type.TEXT,
        lambda value, _, arguments: value.str.replace_all(*arguments, literal=True),
        "every occurrence of a text replaced by another", "'A/B/C' | replace('/', '-')", "A-B-C",
        (OLD, NEW), _growth_of_replace,
    ),
    Filter(
        "first", (Type.TEXT, Type.TEXTS), Type.TEXT, _first,
        "of a text the first n characters (1 if not said); of a list the first member",
        "'Hotel' | first(3)", "Hot", (ONE_OR_MORE,),
    ),
    Filter(
        "last", TEXT, Type.TEXT, lambda value, _, arguments: value.str.tail(arguments[0]),
        "the last n characters (1 if not said)", "'Hotel' | last(2)", "el", (ONE_OR_MORE,),
    ),
    Filter(
        "join", (Type.TEXTS,), Type.TEXT, _join,
        "the members in one text; empty ones are skipped; nothing where none is left",
        "['Hotel', none, 'Berlin'] | join(' ')", "Hotel Berlin", (SEPARATOR,),
    ),
    Filter(
        "add_days", DATES, Type.DATE,
        lambda value, _, arguments: date_tokens.add_days(value, arguments[0]),
        "n days later, or earlier for a negative n",
        "'2026-02-27' | as_date | add_days(3)", "2026-03-02", (DAYS,),
    ),
    Filter(
        "month_end", DATES, Type.DATE, lambda value, _, __: date_tokens.month_end(value),
        "the last day of the month", "'2026-02-03' | as_date | month_end", "2026-02-28",
    ),
    Filter(
        "date_text", (Type.DATE, Type.DATETIME, Type.PERIOD), Type.TEXT,
        lambda value, kind, arguments: date_tokens.format_date(value, kind, arguments[0]),
        "a date as text, in date tokens; in columns give the column a type and a format instead",
        "'2026-03-01' | as_date | date_text('DD.MM.YY')", "01.03.26", (FORMAT,),
    ),
    Filter(
        "amount_text", (Type.AMOUNT,), Type.TEXT,
        lambda value, _, __: operators.print_amount(value),
        "an amount as text, with a dot and two decimals; in columns give the column a type instead",
        "item.amount | amount_text", "12.30",
    ),
    Filter(
        "as_date", TEXT, Type.DATE, lambda value, _, __: date_tokens.read_date(value),
        "the date that is written YYYY-MM-DD", "'2026-03-01' | as_date", "2026-03-01",
        is_strict=True,
    ),
    Filter(
        "lookup", PRINTABLE, Type.TEXT, _lookup,
        "what a named table has beside the value; nothing where the value is not in it",
        "'project' | lookup('dimensions')", "6", (TABLE,),
    ),
)  # fmt: skip

FILTERS: Mapping[str, Filter] = {row.name: row for row in _ROWS}

#: What people try, and what to write instead.
INSTEAD: Mapping[str, str] = {
    "abs": "posting.amount is without sign",
    "attr": "write the name with dots, such as item.supplier.name",
    "capitalize": "use upper or lower",
    "center": "give the column a width and align",
    "date": "give the column a type and a format, or use date_text('YYYY-MM-DD')",
    "decimal": "give the column the type decimal",
    "d": "write a or b",
    "default": "write a or b",
    "e": "escaping belongs to the kind of file",
    "escape": "escaping belongs to the kind of file",
    "float": "amounts and rates are names, computed once",
    "format": "write mixed text: Pleo {{ batch.number }}",
    "int": "names have their type; a text stays text",
    "length": "use is empty; widths are checked by max on the column",
    "map": "lists have join and first only",
    "number": "give the column a type and a format",
    "round": "amounts are exact; decimals are printed with places on the column",
    "safe": "escaping belongs to the kind of file",
    "select": "lists have join and first only",
    "strftime": "use date_text with date tokens",
    "string": "write mixed text: {{ batch.number }}",
    "substring": "use first(n), last(n) or cut(n)",
    "sum": "sums are names, such as voucher.total",
    "title": "use upper or lower",
    "truncate": "use cut(n), or overflow: cut on the column",
}
