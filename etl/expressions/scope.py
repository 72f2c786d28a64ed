"""What an expression may name, and what comes out of compiling one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import polars as pl

from etl.frames import DTYPES, Type

#: How many times longer than its names a text may become (`~`, `join`, `replace`, `upper`, …).
MAX_GROWTH = 10_000


@dataclass(frozen=True, slots=True)
class Lookup:
    """A named table from text to text, for the filter `lookup`."""

    values: Mapping[str, str]
    casefold: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of one context. A name that is not here is an error, never empty text.

    columns     dotted names that are columns of the frame; a tag group CODE is the column
                `line.tags.<code casefolded>` and is written `line.tags['CODE']`
    constants   dotted names whose value is known for the whole run, with type and value
    lookups     named tables
    growth      for a column that was itself made by an expression: its `Compiled.growth`
    """

    columns: Mapping[str, Type]
    constants: Mapping[str, tuple[Type, object]] = field(default_factory=dict)
    lookups: Mapping[str, Lookup] = field(default_factory=dict)
    growth: Mapping[str, int] = field(default_factory=dict)

    def names(self) -> set[str]:
        """Give every name that may be used."""
        return set(self.columns) | set(self.constants)

    def with_columns(self, columns: Mapping[str, Type]) -> Scope:
        """Give this scope with more columns."""
        return Scope({**self.columns, **columns}, self.constants, self.lookups, self.growth)


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression, checked and turned into Polars. No row can make `expr` raise.

    expr      where it is constant, a literal: use it in `with_columns`, or beside a column
    reads     the columns that it needs
    constant  whether it reads no column; `value` is then its value (None is null)
    growth    bound on the length of its text, in multiples of what it reads
    """

    expr: pl.Expr
    type: Type
    reads: frozenset[str]
    constant: bool = False
    value: object = None
    growth: int = 1


@dataclass(frozen=True, slots=True)
class Term:
    """A part of an expression while it is compiled.

    type      None for `none`, which fits every type, and for a part that was refused
    elements  the members of a list that is written out
    literal   a whole number that is written out; it may stand beside an amount
    known     the value, in a tuple of one, where no evaluation is needed to know it
    """

    expr: pl.Expr
    type: Type | None
    reads: frozenset[str] = frozenset()
    nullable: bool = True
    growth: int = 1
    elements: tuple[Term, ...] | None = None
    literal: bool = False
    known: tuple[object] | None = None

    @property
    def is_constant(self) -> bool:
        return not self.reads

    def value(self) -> object:
        """Give the value of a constant term."""
        assert self.is_constant
        if self.known is not None:
            return self.known[0]
        return pl.select(self.expr.alias("value"))["value"].to_list()[0]


NOTHING = Term(pl.lit(None), None)


def literal(value: object, kind: Type) -> pl.Expr:
    """Give a typed literal; a whole number becomes an amount exactly."""
    if kind in (Type.AMOUNT, Type.DECIMAL) and isinstance(value, int):
        value = Decimal(value)
    return pl.lit(value, dtype=DTYPES[kind])


def constant(value: object, kind: Type) -> Term:
    """Make a term of a value that is known while compiling."""
    return Term(literal(value, kind), kind, nullable=value is None, known=(value,))


def as_type(term: Term, kind: Type) -> pl.Expr:
    """Give the expression of a term whose type is this one, or fits every type."""
    if term.type is None:
        return literal(None, kind)
    if term.literal and kind is not Type.INTEGER:
        return literal(term.value(), kind)
    return term.expr


def common_type(left: Term, right: Term) -> Type | None:
    """Give the type that two terms share; null when they share none or have none.

    A written whole number stands for an amount or decimal beside one.
    """
    if left.type is None or right.type is None:
        return left.type or right.type
    if left.type == right.type:
        return left.type
    for number, other in ((left, right), (right, left)):
        if number.literal and other.type in (Type.AMOUNT, Type.DECIMAL):
            return other.type
    return None
