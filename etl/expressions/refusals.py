"""What Jinja has and expressions do not: the name of each construct and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import nodes

from etl.expressions.scope import Term
from etl.frames import Type

REFUSED: Mapping[type[nodes.Node], tuple[str, str]] = {
    nodes.Call: ("a call", "use a filter, such as item.note | cut(30)"),
    nodes.Dict: ("a dictionary", "put the pairs into a table and use lookup('table')"),
    nodes.Div: ("division", "rates, net and tax are names, such as posting.net"),
    nodes.FloorDiv: ("division", "rates, net and tax are names, such as posting.net"),
    nodes.Mod: ("the operator %", "write mixed text: Pleo {{ batch.number }}"),
    nodes.Pos: ("a leading +", "leave it out"),
    nodes.Pow: ("the operator **", "only + - and * are known"),
    nodes.Slice: ("a slice", "use first(n), last(n) or cut(n)"),
    nodes.Tuple: ("a list in round brackets", "write [a, b]"),
}

#: Symbols of arithmetic, by node.
ARITHMETIC: Mapping[type[nodes.Node], str] = {nodes.Add: "+", nodes.Sub: "-", nodes.Mul: "*"}

SYMBOLS: Mapping[str, str] = {
    "eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=",
}  # fmt: skip


def describe(node: nodes.Node) -> tuple[str, str]:
    """Name a construct that is refused, with the nearest form that is allowed."""
    for kind, words in REFUSED.items():
        if isinstance(node, kind):
            return words
    name = type(node).__name__
    return f"Jinja's {name}", "use the names, operators, filters and tests of templates/README.md"


def a_type(term: Term) -> str:
    """Name the type of a term, with its article."""
    if term.type is None:
        return "none"
    if term.elements is not None:
        return "a written list"
    return f"{'an' if term.type[0] in 'aeiou' else 'a'} {term.type}"


def as_text(term: Term) -> str:
    """Say how a value that is no text becomes one."""
    if term.type in (Type.DATE, Type.DATETIME, Type.PERIOD):
        return "write | date_text('YYYYMMDD') behind it"
    if term.type is Type.INTEGER:
        return "write mixed text, such as Pleo {{ batch.number }}, or | pad(1)"
    if term.type is Type.TEXTS:
        return "write | join(', ') or | first behind it"
    if term.type is Type.BOOLEAN:
        return "write 'yes' if it else 'no'"
    if term.type is Type.AMOUNT:
        return "give the amount a column of its own, or write | amount_text behind it"
    return "give the number a column of its own, with a type and a format"


def instead_of_arithmetic(sign: str, kinds: set[Type | None]) -> str:
    """Say what to write instead of a calculation whose types do not fit."""
    if Type.DATE in kinds:
        return "use | add_days(n)"
    if sign == "+" and Type.TEXT in kinds:
        return "texts are joined by ~"
    if sign == "*":
        return "only integers are multiplied; net and tax are names"
    return "add integers to integers and amounts to amounts"


def instead_of_comparison(left: Term, right: Term) -> str:
    """Say what to write instead of a comparison whose types do not fit."""
    kinds = {left.type, right.type}
    if kinds == {Type.DATE, Type.TEXT}:
        return "write the date as '2026-03-01' | as_date"
    if kinds == {Type.TEXT, Type.INTEGER}:
        return "put the number into quotes, or leave the quotes out"
    if Type.PERIOD in kinds:
        return "compare voucher.period.year and voucher.period.number"
    return "compare values of the same type"
