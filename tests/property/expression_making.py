"""Typed expressions, and rows with nulls, empty texts and extreme values to evaluate them on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from etl.frames import Type
from tests.property.jinja_oracle import LARGEST, NO_ELSE

NAMES: dict[str, Type] = {
    "t1": Type.TEXT,
    "t2": Type.TEXT,
    "i1": Type.INTEGER,
    "i2": Type.INTEGER,
    "a1": Type.AMOUNT,
    "a2": Type.AMOUNT,
    "d1": Type.DATE,
    "d2": Type.DATE,
    "b1": Type.BOOLEAN,
    "b2": Type.BOOLEAN,
    "l1": Type.TEXTS,
    "p1": Type.PERIOD,
}
TEXTS = ("", "fee", "Zug", "a b", " Čáp ", "3", "ß€", "2026-03-01", "$1", "é\u200dx", "Ω½", "x\\y")
INTEGERS = (0, 1, -1, 3, 7, 2**31, 2**63 - 1, -(2**63), 3_037_000_500)
AMOUNTS = (
    "0.00", "0.01", "-0.01", "12.30", "-99.99", "9999999999999.99", f"{LARGEST}", f"-{LARGEST}",
    "5" + "0" * 35 + ".00", "-5" + "0" * 35 + ".00",
)  # fmt: skip
DATES = (dt.date.min, dt.date.max, dt.date(2024, 2, 29), dt.date(2026, 3, 1), dt.date(1969, 12, 31))
SAMPLES: dict[Type, list[Any]] = {
    Type.TEXT: [*TEXTS],
    Type.INTEGER: [*INTEGERS],
    Type.AMOUNT: [Decimal(text) for text in AMOUNTS],
    Type.DATE: [*DATES],
    Type.BOOLEAN: [True, False],
    Type.TEXTS: [[], [""], ["fee"], ["", "a b", "Zug"], ["3", "ß€", ""]],
    Type.PERIOD: [202603, 202612, 101],
}


def values_of(kind: Type) -> st.SearchStrategy[Any]:
    """Make a value: missing one time in four, else a sample, or any text."""
    samples = st.sampled_from([*SAMPLES[kind], *([None] * (len(SAMPLES[kind]) // 3 + 1))])
    if kind is Type.TEXT:
        return samples | st.text(st.sampled_from("aZ0ä ß-/.éΩ'\"№"), max_size=8)
    return samples


ROW = st.fixed_dictionaries({name: values_of(kind) for name, kind in NAMES.items()})


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


TEXT_LITERAL = st.sampled_from(TEXTS).map(quoted)
PART_LITERAL = st.sampled_from(TEXTS[1:]).map(quoted)
INTEGER_LITERAL = st.sampled_from(INTEGERS).map(lambda number: f"({number})")
DATE_LITERAL = st.sampled_from(DATES).map(lambda day: f"('{day.isoformat()}' | as_date)")


def named(kind: Type) -> st.SearchStrategy[str]:
    return st.sampled_from([name for name, other in NAMES.items() if other is kind])


LEAVES: dict[Type, st.SearchStrategy[str]] = {
    Type.TEXT: named(Type.TEXT) | TEXT_LITERAL,
    Type.INTEGER: named(Type.INTEGER) | INTEGER_LITERAL,
    Type.AMOUNT: named(Type.AMOUNT),
    Type.DATE: named(Type.DATE) | DATE_LITERAL,
    Type.BOOLEAN: named(Type.BOOLEAN) | st.sampled_from(["true", "false"]),
}
FILTERS_OF_TEXT = (
    "upper", "lower", "trim", "cut(3)", "pad(6)", "pad(4, '*')", "initials", "digits", "ascii",
    "replace('e', '$1')", "replace(' ', '')", "first", "first(2)", "last", "last(3)",
    "lookup('table')",
)  # fmt: skip
DATE_FORMATS = ("YYYY-MM-DD", "DD.MM.YY", "MM/YYYY", "YYMMDD")
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
COMPARED = (Type.TEXT, Type.INTEGER, Type.AMOUNT, Type.DATE)


@st.composite
def expressions(draw: st.DrawFn, kind: Type, depth: int) -> str:
    """Make an expression of a type."""
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(LEAVES[kind])

    def part(other: Type) -> str:
        return draw(expressions(other, depth - 1))

    if draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from([
            f"({part(kind)} if {condition(part, draw)} else {part(kind)})",
            f"({part(kind)} if {condition(part, draw)}{NO_ELSE})",
            f"({part(kind)} if {condition(part, draw)} else none)",
        ])) if kind is not Type.BOOLEAN else condition(part, draw)  # fmt: skip
    return MAKERS[kind](part, draw)


Part = Callable[[Type], str]


def text(part: Part, draw: st.DrawFn) -> str:
    return draw(st.sampled_from([
        lambda: f"({part(Type.TEXT)} ~ {part(Type.TEXT)})",
        lambda: f"({part(Type.TEXT)} ~ none ~ {part(Type.TEXT)})",
        lambda: f"({part(Type.TEXT)} or {part(Type.TEXT)})",
        lambda: f"({part(Type.TEXT)} | {draw(st.sampled_from(FILTERS_OF_TEXT))})",
        lambda: f"({part(Type.TEXT)} | {draw(st.sampled_from(FILTERS_OF_TEXT))})",
        lambda: f"({part(Type.INTEGER)} | pad(5))",
        lambda: f"({part(Type.DATE)} | date_text('{draw(st.sampled_from(DATE_FORMATS))}'))",
        lambda: f"({draw(LEAVES[Type.AMOUNT])} | amount_text)",
        lambda: f"([{part(Type.TEXT)}, none, {part(Type.TEXT)}] | join('-'))",
        lambda: "(l1 | join(', '))",
        lambda: "(l1 | first)",
        lambda: f"({draw(st.sampled_from(['p1', 'b1', 'i1', 'd1']))} | lookup('table'))",
    ]))()  # fmt: skip


def integer(part: Part, draw: st.DrawFn) -> str:
    if draw(st.integers(0, 4)) == 0:
        return f"(- {part(Type.INTEGER)})"
    sign = draw(st.sampled_from("+-*"))
    return f"({part(Type.INTEGER)} {sign} {part(Type.INTEGER)})"


def amount(part: Part, draw: st.DrawFn) -> str:
    if draw(st.integers(0, 4)) == 0:
        return f"(- {part(Type.AMOUNT)})"
    return f"({part(Type.AMOUNT)} {draw(st.sampled_from('+-'))} {part(Type.AMOUNT)})"


def date(part: Part, draw: st.DrawFn) -> str:
    days = draw(st.sampled_from([0, 1, -1, 45, 3_660_000, -3_660_000]))
    return draw(st.sampled_from([
        lambda: f"({part(Type.DATE)} | add_days({days}))",
        lambda: f"({part(Type.DATE)} | month_end)",
        lambda: f"((t1 ~ {part(Type.TEXT)}) | as_date)",
    ]))()  # fmt: skip


def condition(part: Part, draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(COMPARED))
    return draw(st.sampled_from([
        lambda: f"({part(kind)} {draw(st.sampled_from(COMPARISONS))} {part(kind)})",
        lambda: f"({part(kind)} {draw(st.sampled_from(COMPARISONS))} {part(kind)})",
        lambda: f"({part(Type.AMOUNT)} {draw(st.sampled_from(COMPARISONS))} 12)",
        lambda: f"({part(kind)} {draw(st.sampled_from(['==', '!=']))} none)",
        lambda: f"({part(Type.TEXT)} {draw(st.sampled_from(['in', 'not in']))} ['fee', '', 'Zug'])",
        lambda: f"({part(Type.INTEGER)} in [1, 3, 7])",
        lambda: f"({part(Type.TEXT)} {draw(st.sampled_from(['in', 'not in']))} l1)",
        lambda: f"({part(Type.BOOLEAN)} and {part(Type.BOOLEAN)})",
        lambda: f"({part(Type.BOOLEAN)} or {part(Type.BOOLEAN)})",
        lambda: f"(not {part(Type.BOOLEAN)})",
        lambda: f"(not {part(Type.TEXT)})",
        lambda: f"({part(Type.TEXT)} and l1)",
        lambda: f"({part(kind)} is {draw(st.sampled_from(['none', 'not none', 'empty']))})",
        lambda: f"(l1 is {draw(st.sampled_from(['none', 'empty', 'not empty']))})",
        lambda: f"({part(Type.TEXT)} is containing({draw(PART_LITERAL)}))",
        lambda: f"({part(Type.TEXT)} is not starting('a'))",
    ]))()  # fmt: skip


MAKERS: dict[Type, Callable[[Part, st.DrawFn], str]] = {
    Type.TEXT: text,
    Type.INTEGER: integer,
    Type.AMOUNT: amount,
    Type.DATE: date,
    Type.BOOLEAN: condition,
}

CASES = st.sampled_from(list(MAKERS)).flatmap(
    lambda kind: st.tuples(st.just(kind), expressions(kind, 4))
)
