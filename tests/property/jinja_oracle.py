"""Jinja's own runtime as oracle: what is missing is a value that follows our null rules.

A calculation whose result does not fit gives the missing value too.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import jinja2
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.sandbox import SandboxedEnvironment

from etl.expressions.plain_letters import SPELLINGS

LARGEST = Decimal("9" * 36 + ".99")
TABLE = {"fee": "F", "": "nothing", "3": "three", "Zug": "Ω", "true": "yes", "202603": "march"}


class Null(jinja2.Undefined):
    """What is missing: equals only itself, is in no list, compares false, prints as nothing."""

    __slots__ = ()

    def __str__(self) -> str:
        return ""

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Null)

    def __ne__(self, other: object) -> bool:
        return not isinstance(other, Null)

    def __hash__(self) -> int:
        return 0

    def _false(self, other: object) -> bool:
        return False

    def _null(self, other: object = None) -> Null:
        return self

    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _false
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = _null


NULL = Null()

#: Stands where our source has no else. Jinja would give an Undefined that raises.
NO_ELSE = " else missing"


class NoneIsNull(Extension):
    """Reads `none` as the missing value."""

    def filter_stream(self, stream: TokenStream) -> TokenStream:
        tokens = (
            Token(token.lineno, token.type, "null" if token.value == "none" else token.value)
            if token.type == "name"
            else token
            for token in stream
        )
        return TokenStream(tokens, stream.name, stream.filename)


class Oracle(SandboxedEnvironment):
    """Jinja's runtime, with calculations that do not fit giving the missing value."""

    intercepted_binops = frozenset("+-*")
    intercepted_unops = frozenset("-")

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        with localcontext(prec=60):
            return fitting(super().call_binop(context, operator, left, right))

    def call_unop(self, context: Any, operator: str, arg: Any) -> Any:
        with localcontext(prec=60):
            return fitting(super().call_unop(context, operator, arg))


def fitting(value: Any) -> Any:
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return NULL
    if isinstance(value, Decimal) and abs(value) > LARGEST:
        return NULL
    return value


def on_value(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a filter pass what is missing."""
    return lambda value, *rest: NULL if value == NULL else function(value, *rest)


def pad(value: str | int, width: int, fill: str = "0") -> str:
    if isinstance(value, int) and fill == "0":
        return str(value).zfill(width)
    return str(value).rjust(width, fill)


def to_ascii(value: str) -> str:
    spelled = "".join(SPELLINGS.get(letter, letter) for letter in value)
    return unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()


def join(value: list[Any], separator: str = "") -> Any:
    return separator.join(text for text in value if text != NULL and text != "") or NULL


def add_days(value: dt.date, days: int) -> Any:
    try:
        return value + dt.timedelta(days)
    except OverflowError:
        return NULL


def month_end(value: dt.date) -> dt.date:
    if value.month == 12:
        return value.replace(day=31)
    return value.replace(month=value.month + 1, day=1) - dt.timedelta(1)


def date_text(value: dt.date, tokens: str) -> str:
    text = tokens.replace("YYYY", f"{value.year:04}").replace("YY", f"{value.year % 100:02}")
    return text.replace("MM", f"{value.month:02}").replace("DD", f"{value.day:02}")


def as_date(value: str) -> Any:
    try:
        return dt.date.fromisoformat(value) if len(value) == len("YYYY-MM-DD") else NULL
    except ValueError:
        return NULL


def lookup(value: Any, table: str) -> Any:
    key = str(value).lower() if isinstance(value, bool) else str(value)
    return TABLE.get(key, NULL)


FILTERS: dict[str, Callable[..., Any]] = {
    "upper": str.upper,
    "lower": str.lower,
    "trim": str.strip,
    "cut": lambda value, n: value[:n],
    "pad": pad,
    "initials": lambda value: "".join(word[0] for word in value.split()),
    "digits": lambda value: "".join(letter for letter in value if letter in "0123456789"),
    "ascii": to_ascii,
    "replace": str.replace,
    "last": lambda value, n=1: value[-n:],
    "join": join,
    "add_days": add_days,
    "month_end": month_end,
    "date_text": date_text,
    "amount_text": str,
    "as_date": as_date,
    "lookup": lookup,
}


def first(value: Any, n: int = 1) -> Any:
    if isinstance(value, list):
        return value[0] if value else NULL
    return value[:n]


def make_oracle() -> Oracle:
    oracle = Oracle(undefined=Null, extensions=[NoneIsNull])
    oracle.globals.update(null=NULL, missing=NULL)
    oracle.filters.update({name: on_value(function) for name, function in FILTERS.items()})
    oracle.filters["first"] = on_value(first)
    oracle.tests.update(
        null=lambda value: value == NULL,
        empty=lambda value: value == NULL or value in ("", []),
        containing=lambda value, part: value != NULL and part in value,
        starting=lambda value, part: value != NULL and value.startswith(part),
    )
    return oracle


ORACLE = make_oracle()
