"""Compile what people write: one expression, a value with expressions in it, a condition."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import polars as pl
from jinja2 import nodes

from etl.documents import Place
from etl.errors import Problem, UserMustFix
from etl.expressions import operators
from etl.expressions.compiler import Compiler
from etl.expressions.refusals import a_type, as_text
from etl.expressions.scope import (
    MAX_GROWTH,
    Compiled,
    Scope,
    Term,
    as_type,
    common_type,
    constant,
    literal,
)
from etl.expressions.source import Source, control_character, parse, parse_bare
from etl.frames import Type

#: What may stand in the middle of a text.
_IN_TEXT = (None, Type.TEXT, Type.INTEGER)


def compile_expression(
    source: str, scope: Scope, *, place: Place, want: Type | None = None
) -> Compiled:
    """Compile one expression that is written without braces.

    Needs: want, the type that the result must have, if only one will do.
    Raises: UserMustFix with every problem (EXP-1 to EXP-10), each with its place.
    """
    parsed = parse_bare(source, place)
    compiler = Compiler(parsed, scope)
    part = parsed.parts[0]
    assert isinstance(part, nodes.Expr)
    return _finish(compiler, _value(compiler, part), want)


def compile_value(
    text: str,
    scope: Scope,
    *,
    place: Place,
    optional: bool = False,
    want: Type | None = None,
) -> Compiled:
    """Compile a value: plain text, one {{ expression }}, or text with expressions in it.

    Gives: for one expression its own type; else a text, in which null prints as nothing. With
    `optional` the whole text is null where one of its expressions is.
    Raises: UserMustFix with every problem (EXP-1 to EXP-10), each with its place.
    """
    parsed = parse(text, place)
    compiler = Compiler(parsed, scope)
    found = control_character("".join(part for part in parsed.parts if isinstance(part, str)))
    if found is not None:
        compiler.problems.append(
            Problem(
                "EXP-2", f"the control character {found} in a value is not allowed", str(place),
                "a value is one line of plain text; write it in one line, or with >-",
            )
        )  # fmt: skip
    if len(parsed.parts) == 1 and not isinstance(parsed.parts[0], str):
        term = _value(compiler, parsed.parts[0])
    else:
        term = _mixed(compiler, parsed, optional=optional)
    return _finish(compiler, term, want)


def compile_condition(text: str, scope: Scope, *, place: Place) -> Compiled:
    """Compile a condition: one {{ expression }} that is true or false, never null.

    A bare text or list as condition means "not empty".
    Raises: UserMustFix with every problem (EXP-1 to EXP-10), each with its place.
    """
    parsed = parse(text, place)
    parts = [part for part in parsed.parts if not isinstance(part, str) or part.strip()]
    if len(parts) != 1 or isinstance(parts[0], str):
        raise UserMustFix(
            parsed.problem(
                "EXP-9", 0, f'"{_shortened(text)}" is not one expression',
                "write one expression in braces, such as {{ item.type == 'fee' }}",
            )
        )  # fmt: skip
    compiler = Compiler(parsed, scope)
    return _finish(compiler, compiler.condition(parts[0]), Type.BOOLEAN)


def _value(compiler: Compiler, node: nodes.Expr) -> Term:
    term = compiler.term(node)
    if term.elements is not None:
        return compiler.refuse(
            node, "EXP-5", "a written list as a value", "join it: [a, b] | join(' ')"
        )
    return term


def _mixed(compiler: Compiler, source: Source, *, optional: bool) -> Term:
    """Join texts and expressions."""
    terms: list[Term] = []
    for part in source.parts:
        if isinstance(part, str):
            terms.append(constant(unicodedata.normalize("NFC", part), Type.TEXT))
        else:
            terms.append(_in_text(compiler, part))
    if all(isinstance(part, str) for part in source.parts):
        whole = "".join(part for part in source.parts if isinstance(part, str))
        return constant(unicodedata.normalize("NFC", whole), Type.TEXT)
    growth = sum(term.growth for term in terms)
    if growth > MAX_GROWTH:
        compiler.problems.append(
            source.problem(
                "EXP-10", 0, f"the text may become {growth} times longer than its parts",
                "join or replace less, or cut in between",
            )
        )  # fmt: skip
    expr = operators.join_texts([term.expr for term in terms])
    if optional:
        missing = [term.expr.is_null() for term in terms if term.nullable]
        if missing:
            expr = pl.when(~pl.any_horizontal(missing)).then(expr)
    reads = frozenset().union(*(term.reads for term in terms))
    return Term(expr, Type.TEXT, reads, nullable=optional, growth=growth)


def _in_text(compiler: Compiler, node: nodes.Expr) -> Term:
    """Compile an expression in the middle of a text: a text, or an integer as its digits."""
    term = compiler.term(node)
    if term.type not in _IN_TEXT:
        return compiler.refuse(
            node, "EXP-5", f"{a_type(term)} in the middle of a text", as_text(term)
        )
    if term.type is Type.INTEGER:
        digits = operators.print_value(Type.INTEGER, term.expr)
        return Term(digits, Type.TEXT, term.reads, term.nullable)
    return Term(as_type(term, Type.TEXT), Type.TEXT, term.reads, term.nullable, term.growth)


def _finish(compiler: Compiler, term: Term, want: Type | None) -> Compiled:
    """Check the wanted type, and evaluate once what does not differ from row to row."""
    kind = term.type or want or Type.TEXT
    if want is not None and not compiler.problems:
        wanted = Term(literal(None, want), want)
        if common_type(term, wanted) is not want:
            compiler.problems.append(_wrong_type(compiler.source, term, want))
        kind = want
    if compiler.problems:
        raise UserMustFix(_in_order(compiler.problems))
    expr = as_type(term, kind)
    if not term.is_constant:
        return Compiled(expr, kind, term.reads, growth=term.growth)
    value = term.value() if term.type is kind else Term(expr, kind).value()
    return Compiled(literal(value, kind), kind, frozenset(), constant=True, value=value)


def _wrong_type(source: Source, term: Term, want: Type) -> Problem:
    if want is Type.TEXT:
        fix = as_text(term)
    elif want is Type.DATE and term.type is Type.TEXT:
        fix = "write | as_date behind a text that is written YYYY-MM-DD"
    elif want is Type.BOOLEAN:
        fix = "compare it, or write is not none"
    else:
        fix = f"use a name whose type is {want}"
    what = f"{a_type(term)}, where {Term(literal(None, want), want).type} is wanted"
    return source.problem("EXP-5", source.shift, what, fix)


def _in_order(problems: Sequence[Problem]) -> list[Problem]:
    """Drop repetitions; keep the order in which the parts were compiled."""
    return list(dict.fromkeys(problems))


def _shortened(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
