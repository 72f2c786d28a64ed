"""Compile one parsed expression: walk Jinja's nodes, check types, build the Polars expression.

The nodes that are handled here are all that exist; that list is the sandbox. A part that is
refused becomes a term that fits everything, so that one mistake is one message and all mistakes
of a text are said at once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import polars as pl
from jinja2 import nodes

from etl.errors import Problem
from etl.expressions import operators
from etl.expressions.applying import apply_condition, apply_filter
from etl.expressions.names import find_name
from etl.expressions.refusals import (
    ARITHMETIC,
    SYMBOLS,
    a_type,
    as_text,
    describe,
    instead_of_arithmetic,
    instead_of_comparison,
)
from etl.expressions.scope import (
    MAX_GROWTH,
    NOTHING,
    Scope,
    Term,
    as_type,
    common_type,
    constant,
)
from etl.expressions.source import Source, control_character
from etl.frames import Type

_LARGEST_INTEGER = 2**63 - 1
_ORDERED = frozenset(Type) - {Type.BOOLEAN, Type.TEXTS}


class Compiler:
    """Compiles the expressions of one source in one scope, and collects problems."""

    def __init__(self, source: Source, scope: Scope) -> None:
        self.source = source
        self.scope = scope
        self.problems: list[Problem] = []

    def refuse(self, node: nodes.Node, code: str, what: str, fix: str) -> Term:
        """Note a problem at a node, and go on with a term that fits everything."""
        self.problems.append(self.source.problem(code, _offset(node), what, fix))
        return NOTHING

    def term(self, node: nodes.Node) -> Term:
        """Compile any node."""
        handler = _HANDLERS.get(type(node))
        if handler is None:
            what, fix = describe(node)
            return self.refuse(node, "EXP-2", f"{what} is not allowed", fix)
        term = handler(self, node)
        if term.growth > MAX_GROWTH:
            return self.refuse(
                node, "EXP-10", f"the text may become {term.growth} times longer than its parts",
                "join or replace less, or cut in between",
            )  # fmt: skip
        return term

    def condition(self, node: nodes.Node) -> Term:
        """Compile a node that is true or false; a bare text or list means "not empty"."""
        return self.as_condition(self.term(node), node)

    def as_condition(self, term: Term, node: nodes.Node) -> Term:
        if term.type is None:
            return _boolean(pl.lit(value=False), [term])
        if term.type is Type.BOOLEAN:
            expr = operators.true_or_false(term.expr) if term.nullable else term.expr
            return _boolean(expr, [term])
        if term.elements is None and term.type is Type.TEXT:
            return _boolean(operators.is_filled(term.expr), [term])
        if term.elements is None and term.type is Type.TEXTS:
            return _boolean(operators.has_members(term.expr), [term])
        return self.refuse(
            node, "EXP-5", f"{a_type(term)} is not true or false",
            "compare it, or write is not none",
        )  # fmt: skip

    # ── literals and names ──

    def const(self, node: nodes.Const) -> Term:
        value = node.value
        if value is None:
            return NOTHING
        if isinstance(value, bool):
            return constant(value, Type.BOOLEAN)
        if isinstance(value, str):
            return self.text(value, node)
        if isinstance(value, int):
            return self.integer(value, node)
        return self.refuse(
            node, "EXP-2", f"the decimal number {value} is not allowed",
            "use whole numbers; rates, net and tax are names",
        )  # fmt: skip

    def text(self, value: str, node: nodes.Node) -> Term:
        found = control_character(value)
        if found is not None:
            return self.refuse(
                node, "EXP-2", f"the control character {found} in a text is not allowed",
                "a value is one line of plain text",
            )  # fmt: skip
        return constant(unicodedata.normalize("NFC", value), Type.TEXT)

    def integer(self, value: int, node: nodes.Node) -> Term:
        if not -_LARGEST_INTEGER - 1 <= value <= _LARGEST_INTEGER:
            return self.refuse(
                node, "EXP-2", f"the number {value} is too large",
                f"use numbers up to {_LARGEST_INTEGER}, or a text in quotes",
            )  # fmt: skip
        return Term(
            pl.lit(value, pl.Int64), Type.INTEGER, nullable=False, literal=True, known=(value,)
        )

    def name(self, node: nodes.Node) -> Term:
        found = find_name(node, self.scope)
        if isinstance(found, Term):
            return found
        return self.refuse(node, found.code, found.what, found.fix)

    # ── text ──

    def concat(self, node: nodes.Concat) -> Term:
        terms = [self.term(part) for part in node.nodes]
        for term, part in zip(terms, node.nodes, strict=True):
            if term.type not in (None, Type.TEXT):
                self.refuse(part, "EXP-5", f"~ joins texts only, not {a_type(term)}", as_text(term))
        parts = [as_type(term, Type.TEXT) for term in terms]
        return Term(
            operators.join_texts(parts), Type.TEXT, _reads(terms), nullable=False,
            growth=sum(term.growth for term in terms),
        )  # fmt: skip

    # ── numbers ──

    def arithmetic(self, node: nodes.BinExpr) -> Term:
        sign = ARITHMETIC[type(node)]
        left, right = self.term(node.left), self.term(node.right)
        kind = left.type or right.type
        if kind is None:
            return NOTHING
        allowed = (Type.INTEGER,) if sign == "*" else (Type.INTEGER, Type.AMOUNT)
        if kind not in allowed or right.type not in (None, kind):
            return self.refuse(
                node, "EXP-5", f"{a_type(left)} {sign} {a_type(right)}: types do not fit",
                instead_of_arithmetic(sign, {left.type, right.type}),
            )  # fmt: skip
        expr = operators.calculate(sign, kind, as_type(left, kind), as_type(right, kind))
        return Term(expr, kind, _reads([left, right]))

    def negative(self, node: nodes.Neg) -> Term:
        if isinstance(node.node, nodes.Const) and type(node.node.value) is int:
            return self.integer(-node.node.value, node)
        term = self.term(node.node)
        if term.type is None:
            return NOTHING
        if term.type not in (Type.INTEGER, Type.AMOUNT):
            return self.refuse(
                node, "EXP-5", f"a minus sign before {a_type(term)}",
                "use it with integers and amounts",
            )  # fmt: skip
        return Term(operators.negate(term.type, term.expr), term.type, term.reads)

    # ── comparisons ──

    def compare(self, node: nodes.Compare) -> Term:
        if len(node.ops) != 1:
            return self.refuse(
                node, "EXP-2", "two comparisons in a row are not allowed",
                "compare one at a time: a < b and b < c",
            )  # fmt: skip
        operator, other = node.ops[0].op, node.ops[0].expr
        if operator in ("in", "notin"):
            return self.membership(node, other, is_negated=operator == "notin")
        left, right = self.term(node.expr), self.term(other)
        kind = common_type(left, right)
        if kind is None:
            if left.type is right.type is None:
                return _boolean(pl.lit(operator == "eq"), [left, right])
            return self.refuse(
                node, "EXP-5",
                f"{a_type(left)} {SYMBOLS[operator]} {a_type(right)}: types do not fit",
                instead_of_comparison(left, right),
            )  # fmt: skip
        if kind is Type.TEXTS or (operator not in ("eq", "ne") and kind not in _ORDERED):
            return self.refuse(
                node, "EXP-5", f"{a_type(left)} cannot be compared by {SYMBOLS[operator]}",
                "use in, join or first" if kind is Type.TEXTS else "use the name alone, or not",
            )  # fmt: skip
        expr = operators.compare(operator, as_type(left, kind), as_type(right, kind))
        return _boolean(expr, [left, right])

    def membership(self, node: nodes.Compare, other: nodes.Node, *, is_negated: bool) -> Term:
        value, members = self.term(node.expr), self.term(other)
        if members.elements is not None:
            expr = self.is_one_of(value, members.elements, node)
        elif members.type is Type.TEXTS and value.type in (None, Type.TEXT):
            expr = operators.is_member(as_type(value, Type.TEXT), members.expr)
        elif members.type is None:
            return NOTHING
        elif members.type is Type.TEXT:
            return self.refuse(
                other, "EXP-5", "in looks into a list, not into a text",
                "write text is containing('part')",
            )  # fmt: skip
        else:
            return self.refuse(
                other, "EXP-5", f"{a_type(value)} in {a_type(members)}: types do not fit",
                "write a list, such as ['fee', 'refund']",
            )  # fmt: skip
        return _boolean(~expr if is_negated else expr, [value, members])

    def is_one_of(self, value: Term, elements: tuple[Term, ...], node: nodes.Node) -> pl.Expr:
        known = []
        for element in elements:
            kind = common_type(value, element)
            if kind is not None and kind is not Type.TEXTS:
                known.append((as_type(value, kind), as_type(element, kind)))
            elif value.type is not None and element.type is not None:
                return self.refuse(
                    node, "EXP-5",
                    f"{a_type(value)} in a list with {a_type(element)}: types do not fit",
                    instead_of_comparison(value, element),
                ).expr  # fmt: skip
        quick = value.type in (Type.TEXT, Type.INTEGER, Type.DATE)
        if quick and not _reads(elements):
            return operators.is_one_of_constants(value.expr, [e.value() for e in elements])
        if value.type is None or not known:
            return pl.lit(value=False)
        return operators.is_one_of(known[0][0], [member for _, member in known])

    def written_list(self, node: nodes.List) -> Term:
        terms = tuple(self.term(item) for item in node.items)
        return Term(
            pl.lit(None), Type.TEXTS, _reads(terms), elements=terms,
            growth=sum(term.growth for term in terms) or 1,
        )  # fmt: skip

    # ── conditions ──

    def junction(self, node: nodes.And | nodes.Or) -> Term:
        left, right = self.term(node.left), self.term(node.right)
        is_or = isinstance(node, nodes.Or)
        if is_or and {left.type, right.type} <= {Type.TEXT, None}:
            if left.type is right.type is None:
                return NOTHING
            expr = operators.first_filled(as_type(left, Type.TEXT), as_type(right, Type.TEXT))
            growth = max(left.growth, right.growth)
            return Term(expr, Type.TEXT, _reads([left, right]), right.nullable, growth)
        if is_or and left.type == right.type and left.type not in (Type.BOOLEAN, Type.TEXTS):
            return self.refuse(
                node, "EXP-5", f"or between {a_type(left)} and {a_type(right)}",
                "write a if a is not none else b",
            )  # fmt: skip
        a, b = self.as_condition(left, node.left), self.as_condition(right, node.right)
        return _boolean(a.expr | b.expr if is_or else a.expr & b.expr, [a, b])

    def negation(self, node: nodes.Not) -> Term:
        term = self.condition(node.node)
        return _boolean(~term.expr, [term])

    def conditional(self, node: nodes.CondExpr) -> Term:
        condition = self.condition(node.test)
        first = self.term(node.expr1)
        second = NOTHING if node.expr2 is None else self.term(node.expr2)
        kind = common_type(first, second)
        if kind is None and first.type is not None and second.type is not None:
            return self.refuse(
                node, "EXP-5", f"{a_type(first)} if … else {a_type(second)}: types do not fit",
                "give both the same type",
            )  # fmt: skip
        if first.elements is not None or second.elements is not None:
            return self.refuse(
                node, "EXP-5", "a written list as a result", "join it: [a, b] | join(' ')"
            )
        if kind is None:
            return NOTHING
        results = [_retyped(term, kind) for term in (first, second)]
        if condition.is_constant:
            return results[0 if condition.value() else 1]
        expr = pl.when(condition.expr).then(results[0].expr).otherwise(results[1].expr)
        return Term(
            expr, kind, _reads([condition, first, second]),
            nullable=any(term.nullable for term in results),
            growth=max(first.growth, second.growth),
        )  # fmt: skip

    def filter(self, node: nodes.Filter) -> Term:
        return apply_filter(self, node)

    def test(self, node: nodes.Test) -> Term:
        return apply_condition(self, node)


def _offset(node: nodes.Node) -> int:
    """Give the first character of a node; of a filter or test the one of its name."""
    if isinstance(node, nodes.Filter | nodes.Test):
        return node.lineno - 1
    inner = (child.lineno for child in node.find_all(nodes.Node))
    return min(place for place in (node.lineno, *inner) if place) - 1


def _retyped(term: Term, kind: Type) -> Term:
    return Term(as_type(term, kind), kind, term.reads, term.nullable, term.growth)


def _boolean(expr: pl.Expr, terms: Iterable[Term]) -> Term:
    return Term(expr, Type.BOOLEAN, _reads(terms), nullable=False)


def _reads(terms: Iterable[Term]) -> frozenset[str]:
    return frozenset().union(*(term.reads for term in terms))


_HANDLERS: Mapping[type[nodes.Node], Callable[[Compiler, Any], Term]] = {
    nodes.Const: Compiler.const,
    nodes.Name: Compiler.name,
    nodes.Getattr: Compiler.name,
    nodes.Getitem: Compiler.name,
    nodes.Concat: Compiler.concat,
    nodes.Add: Compiler.arithmetic,
    nodes.Sub: Compiler.arithmetic,
    nodes.Mul: Compiler.arithmetic,
    nodes.Neg: Compiler.negative,
    nodes.Compare: Compiler.compare,
    nodes.List: Compiler.written_list,
    nodes.And: Compiler.junction,
    nodes.Or: Compiler.junction,
    nodes.Not: Compiler.negation,
    nodes.CondExpr: Compiler.conditional,
    nodes.Filter: Compiler.filter,
    nodes.Test: Compiler.test,
}
