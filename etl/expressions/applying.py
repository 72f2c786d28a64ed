"""Apply a filter or a test: find it, check types and arguments, build the expression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from jinja2 import nodes

from etl.documents import near_match
from etl.errors import Problem
from etl.expressions import conditions, filters, operators
from etl.expressions.parameters import REQUIRED, ArgumentRefused, Parameter
from etl.expressions.refusals import a_type
from etl.expressions.scope import NOTHING, Scope, Term, as_type
from etl.frames import Type
from etl.sentences import counted


class Compiler(Protocol):
    """What compiles the value and the arguments, and collects problems."""

    @property
    def scope(self) -> Scope: ...
    @property
    def problems(self) -> Sequence[Problem]: ...
    def term(self, node: nodes.Node) -> Term: ...
    def refuse(self, node: nodes.Node, code: str, what: str, fix: str) -> Term: ...


def apply_filter(compiler: Compiler, node: nodes.Filter) -> Term:
    """Compile `value | name(arguments)`."""
    assert node.node is not None
    term = compiler.term(node.node)
    row = filters.FILTERS.get(node.name)
    if row is None:
        return _unknown(compiler, node, ("filter", filters.FILTERS, filters.INSTEAD))
    kind = _kind(compiler, node, term, row.takes)
    arguments = _arguments(compiler, node, row.parameters, kind)
    if kind is None or arguments is None:
        return NOTHING
    if kind is Type.TEXTS and row.name == "first" and node.args:
        return compiler.refuse(
            node, "EXP-6", "first(n) is for texts", "write | first to get the first member"
        )
    growth = term.growth * row.growth(arguments)
    if term.elements is not None:
        return _filter_list(compiler, node, term, arguments)
    expr = row.define(as_type(term, kind), kind, arguments)
    result = Term(expr, row.gives, term.reads, growth=growth)
    if row.is_strict and term.is_constant and result.value() is None:
        given = term.value()
        if given is not None:
            return compiler.refuse(
                node, "EXP-6", f'"{given}" is no {row.gives}', "write it as YYYY-MM-DD"
            )
    return result


def apply_condition(compiler: Compiler, node: nodes.Test) -> Term:
    """Compile `value is name(arguments)`."""
    term = compiler.term(node.node)
    row = conditions.CONDITIONS.get(node.name)
    if row is None:
        return _unknown(compiler, node, ("test", conditions.CONDITIONS, conditions.INSTEAD))
    kind = _kind(compiler, node, term, row.takes)
    arguments = _arguments(compiler, node, row.parameters, kind)
    if kind is None or arguments is None:
        return NOTHING
    if term.elements is not None:
        return compiler.refuse(
            node, "EXP-5", f"{node.name} of a written list", "test each member, joined with or"
        )
    expr = row.define(as_type(term, kind), kind, arguments)
    return Term(expr, Type.BOOLEAN, term.reads, nullable=False)


def _filter_list(
    compiler: Compiler, node: nodes.Filter, term: Term, arguments: tuple[Any, ...]
) -> Term:
    """Join a list that is written out."""
    assert term.elements is not None
    if node.name != "join":
        return compiler.refuse(
            node, "EXP-5", f"{node.name} of a written list", "write a or b to get the first filled"
        )
    for element in term.elements:
        if element.type not in (None, Type.TEXT):
            return compiler.refuse(
                node, "EXP-5", f"join takes texts only, not {a_type(element)}",
                "make each member a text, such as date | date_text('YYYY-MM-DD')",
            )  # fmt: skip
    parts = [as_type(element, Type.TEXT) for element in term.elements]
    if not parts:
        return Term(as_type(NOTHING, Type.TEXT), Type.TEXT)
    return Term(operators.join_filled(parts, *arguments), Type.TEXT, term.reads, growth=term.growth)


def _kind(
    compiler: Compiler, node: nodes.Filter | nodes.Test, term: Term, takes: Sequence[Type]
) -> Type | None:
    """Check the type of the value; `none` counts as the first type that is taken."""
    kind = term.type or takes[0]
    if kind in takes:
        return kind
    wanted = " or ".join(takes)
    compiler.refuse(
        node, "EXP-5", f"{node.name} is for {wanted}, not for {a_type(term)}",
        _other_filters(kind),
    )  # fmt: skip
    return None


def _other_filters(kind: Type) -> str:
    known: Iterable[str] = (row.name for row in filters.FILTERS.values() if kind in row.takes)
    fitting = ", ".join(known)
    return f"filters for {kind}: {fitting}" if fitting else f"there are no filters for {kind}"


def _arguments(
    compiler: Compiler,
    node: nodes.Filter | nodes.Test,
    parameters: Sequence[Parameter],
    kind: Type | None,
) -> tuple[Any, ...] | None:
    """Check the arguments; give them as the definition wants them."""
    if node.kwargs or node.dyn_args or node.dyn_kwargs:
        compiler.refuse(
            node, "EXP-6", f"{node.name} with a named or starred argument",
            f"write {_usage(node.name, parameters)}",
        )  # fmt: skip
        return None
    least = sum(parameter.default is REQUIRED for parameter in parameters)
    if not least <= len(node.args) <= len(parameters):
        compiler.refuse(
            node, "EXP-6", f"{node.name} has {counted(len(node.args), 'argument')}",
            f"write {_usage(node.name, parameters)}",
        )  # fmt: skip
        return None
    found = [
        _argument(compiler, argument, parameter, kind)
        for argument, parameter in zip(node.args, parameters, strict=False)
    ]
    if any(value is REQUIRED for value in found):
        return None
    return (*found, *(parameter.default for parameter in parameters[len(found) :]))


def _argument(compiler: Compiler, node: nodes.Expr, parameter: Parameter, kind: Type | None) -> Any:
    """Give the value of one argument, or REQUIRED where it was refused."""
    before = len(compiler.problems)
    term = compiler.term(node)
    if len(compiler.problems) > before:
        return REQUIRED
    if term.type is not parameter.type or term.elements is not None:
        compiler.refuse(
            node, "EXP-6", f'"{parameter.name}" is {parameter.type}, not {a_type(term)}',
            "correct the argument",
        )  # fmt: skip
        return REQUIRED
    if not term.is_constant:
        compiler.refuse(
            node, "EXP-6", f'"{parameter.name}" differs from row to row',
            "write a value, or a parameter of the template",
        )  # fmt: skip
        return REQUIRED
    value = term.value()
    try:
        if value is None:
            raise ArgumentRefused(f'"{parameter.name}" has no value', "give a value")
        return parameter.prepare(value, compiler.scope, kind)
    except ArgumentRefused as refused:
        compiler.refuse(node, refused.code, str(refused), refused.fix)
        return REQUIRED


def _usage(name: str, parameters: Sequence[Parameter]) -> str:
    words = ", ".join(parameter.name for parameter in parameters)
    return f"{name}({words})" if words else f"{name} without arguments"


def _unknown(
    compiler: Compiler,
    node: nodes.Filter | nodes.Test,
    known: tuple[str, Mapping[str, Any], Mapping[str, str]],
) -> Term:
    what, table, instead = known
    near = near_match(node.name, set(table))
    fix = instead.get(node.name) or (
        f'did you mean "{near}"?' if near else f"{what}s: {', '.join(table)}"
    )
    return compiler.refuse(node, "EXP-4", f'unknown {what} "{node.name}"', fix)
