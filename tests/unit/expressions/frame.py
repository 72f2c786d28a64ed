"""A small frame with nulls, empty texts and extreme values, and ways to evaluate on it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl

from etl.documents import Place
from etl.errors import Problem, UserMustFix
from etl.expressions import (
    Compiled,
    Lookup,
    Scope,
    compile_condition,
    compile_expression,
    compile_value,
)
from etl.frames import DTYPES, Type

PLACE = Place("mapping.yaml", 7, 11, 1)
LARGEST = Decimal("9" * 36 + ".99")
SMALLEST = LARGEST.copy_negate()

COLUMNS: dict[str, tuple[Type, list[object]]] = {
    "item.type": (Type.TEXT, ["fee", "refund", None, ""]),
    "item.note": (Type.TEXT, ["Taxi  to Berlin", "", None, "Café №5"]),
    "item.amount": (Type.AMOUNT, [Decimal("12.30"), SMALLEST, None, LARGEST]),
    "item.date": (Type.DATE, [dt.date(2026, 2, 27), dt.date(9999, 12, 31), None, dt.date.min]),
    "item.attendees": (Type.TEXTS, [["ab", "", "cd", None], [], None, [""]]),
    "item.supplier.name": (Type.TEXT, ["Hotel", None, "", "ß"]),
    "line.number": (Type.INTEGER, [3, 2**63 - 1, None, -(2**63)]),
    "line.count": (Type.INTEGER, [3, 2, None, -1]),
    "line.tax.rate": (Type.DECIMAL, [Decimal("0.19"), Decimal(0), None, Decimal("0.07")]),
    "line.tags.cost center": (Type.TEXT, ["100", "", None, "200"]),
    "posting.is_contra": (Type.BOOLEAN, [True, False, None, True]),
    "voucher.period": (Type.PERIOD, [202603, 202612, None, 202613]),
    "batch.created": (Type.DATETIME, [
        dt.datetime(2026, 3, 1, 9, 8, 7, 6000, tzinfo=dt.UTC), None, None,
        dt.datetime(1999, 12, 31, 23, 59, 59, tzinfo=dt.UTC),
    ]),
}  # fmt: skip

ROWS = pl.DataFrame(
    {name: values for name, (_, values) in COLUMNS.items()},
    schema={name: DTYPES[kind] for name, (kind, _) in COLUMNS.items()},
)
SCOPE = Scope(
    columns={name: kind for name, (kind, _) in COLUMNS.items()},
    constants={
        "parameters.journal": (Type.TEXT, "VT"),
        "parameters.width": (Type.INTEGER, 4),
        "parameters.unset": (Type.TEXT, None),
        "parameters.types": (Type.TEXTS, ["fee", "refund"]),
        "company.currency": (Type.TEXT, "EUR"),
    },
    lookups={
        "dimensions": Lookup({"project": "6", "cost_centre": "1"}),
        "types": Lookup({"FEE": "F", "Fee": "second", "refund": "R"}, casefold=True),
        "numbers": Lookup({"3": "three", "true": "yes", "2026-02-27": "day", "202603": "march"}),
    },
)


def values(compiled: Compiled) -> list[object]:
    """Evaluate on every row."""
    return ROWS.with_columns(compiled.expr.alias("result"))["result"].to_list()


def expression(source: str) -> list[object]:
    return values(compile_expression(source, SCOPE, place=PLACE))


def value(text: str, *, optional: bool = False) -> list[object]:
    return values(compile_value(text, SCOPE, place=PLACE, optional=optional))


def condition(source: str) -> list[object]:
    return values(compile_condition(f"{{{{ {source} }}}}", SCOPE, place=PLACE))


def one(source: str) -> object:
    """Evaluate an expression that reads no column."""
    compiled = compile_expression(source, SCOPE, place=PLACE)
    assert compiled.constant
    return compiled.value


def refused(source: str, scope: Scope = SCOPE) -> list[Problem]:
    """Give the problems of an expression."""
    try:
        compile_expression(source, scope, place=PLACE)
    except UserMustFix as error:
        return list(error.problems)
    raise AssertionError(f"{source} was accepted")
