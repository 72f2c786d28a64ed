"""Columns compiled: every value becomes a typed expression, once, when a template is bound.

column ─ value ─> Compiled ─┐
       ─ type, formats ─────┼─> Cell: where it is made, how it is written, what it may hold
       ─ place in the file ─┘
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from etl.documents import Document, Place
from etl.errors import Problem, UserMustFix
from etl.expressions import Compiled, Scope, compile_value
from etl.frames import DTYPES, Type
from etl.rendering.contexts import Context, context_of_name, deepest
from etl.rendering.document import Column, FileSpec
from etl.rendering.formats import NUMBERS, PRINTS, Style, style_of

_INTEGER_TEXT = re.compile(r"-?[0-9]{1,18}\Z")
_AMOUNT_TEXT = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,2})?\Z")
Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Lets:
    """The values that a template names once, in the order in which they can be made."""

    compiled: Mapping[str, Compiled] = field(default_factory=dict)

    def names_read(self, reads: frozenset[str]) -> frozenset[str]:
        """Give the frame columns that some names need, with those behind `let` values."""
        found: set[str] = set()
        waiting = list(reads)
        while waiting:
            name = waiting.pop()
            if name in self.compiled:
                waiting.extend(self.compiled[name].reads)
            else:
                found.add(name)
        return frozenset(found)

    def needed(self, reads: frozenset[str]) -> list[str]:
        """Give the `let` values that some names need, in order."""
        found: set[str] = set()
        waiting = [name for name in reads if name in self.compiled]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(n for n in self.compiled[name].reads if n in self.compiled)
        return [name for name in self.compiled if name in found]


@dataclass(frozen=True)
class Cell:
    """A column of a record, ready to be evaluated.

    key       unique among the cells of its record: number of the column, from 0
    name      what the header and the layout call it; None where it has none
    where     place of the value in the template
    compiled  None for a column that is always empty
    context   where its value is made (its record may stand deeper)
    reads     frame columns behind it
    element   for a column of `repeat`: which posting of the voucher it is made from, from 1
    """

    record: str
    number: int
    name: str | None
    column: Column
    where: str
    compiled: Compiled | None
    context: Context
    reads: frozenset[str]
    style: Style
    element: int = 0

    @property
    def key(self) -> str:
        return f"{self.record}#{self.number}"

    @property
    def shown(self) -> str:
        """Name the column in messages."""
        if self.name:
            return f'"{self.name}"'
        place = f" at {self.column.at}" if self.column.at else ""
        return f"{self.number + 1}{place} of record {self.record}"


@dataclass(frozen=True)
class Record:
    """Cells that are printed together, and where they stand."""

    name: str
    context: Context
    cells: tuple[Cell, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(cell.name or "" for cell in self.cells)


@dataclass
class Compiler:
    """Compiles the values of one template and gathers every problem."""

    document: Document
    scope: Scope
    lets: Lets
    problems: list[Problem] = field(default_factory=list)

    def record(self, name: str, spec: FileSpec, *, path: Path_) -> Record:
        """Compile a record of a file."""
        cells = list(self._cells(name, spec.all_records[name], spec=spec, path=path))
        context, stranger = deepest(
            Context.VOUCHER if cell.element else cell.context for cell in cells
        )
        if stranger is not None:
            odd = next(cell for cell in cells if cell.context is stranger)
            self.problem(
                "TPL-11",
                f"record {name} is made once per {_singular(context)}, but column {odd.shown} "
                f"reads a value of {_one(stranger)}",
                where=odd.where,
                fix="move the column into a record of its own",
            )
        return Record(name, context, tuple(cells))

    def problem(self, code: str, what: str, *, where: str, fix: str) -> None:
        self.problems.append(Problem(code, what, where, fix))

    def value(self, text: str, place: Place, *, optional: bool = False) -> Compiled | None:
        """Compile a value; its problems are kept and None is given."""
        try:
            return compile_value(text, self.scope, place=place, optional=optional)
        except UserMustFix as error:
            self.problems.extend(error.problems)
            return None

    def contexts(self, reads: frozenset[str]) -> tuple[Context, Context | None]:
        return deepest(context_of_name(name) for name in self.lets.names_read(reads))

    def _cells(
        self, record: str, columns: tuple[Column, ...], *, spec: FileSpec, path: Path_
    ) -> Iterator[Cell]:
        number = 0
        for index, column in enumerate(columns):
            if column.repeat is not None:
                inside = column.repeat.columns
                below = (*path, index, "repeat", "columns")
                once = list(self._cells(record, inside, spec=spec, path=below))
                for element in range(1, column.repeat.max + 1):
                    for cell in once:
                        name = None if cell.name is None else f"{cell.name} {element}"
                        yield replace(cell, number=number, name=name, element=element)
                        number += 1
                continue
            place = self.document.place(*path, index, "value")
            compiled, context, reads = None, Context.CONSTANT, frozenset[str]()
            if column.value is not None:
                compiled = self._column_value(column, place)
            if compiled is not None:
                reads = self.lets.names_read(compiled.reads)
                context, stranger = self.contexts(compiled.reads)
                if stranger is not None:
                    self.problem(
                        "TPL-11",
                        f"the value reads {_one(context)} and {_one(stranger)} at once",
                        where=str(place),
                        fix="read one of them only",
                    )
            for name in column.all_names():
                yield Cell(
                    record=record,
                    number=number,
                    name=name,
                    column=column,
                    where=str(place),
                    compiled=compiled,
                    context=context,
                    reads=reads,
                    style=_style(column, spec),
                )
                number += 1

    def _column_value(self, column: Column, place: Place) -> Compiled | None:
        assert column.value is not None
        compiled = self.value(column.value, place, optional=column.optional)
        if compiled is None:
            return None
        wanted = PRINTS[column.type]
        if compiled.type in wanted:
            return compiled
        if compiled.constant and compiled.type is Type.TEXT and "{{" not in column.value:
            literal = _literal(column, str(compiled.value))
            if literal is not None:
                return literal
        self.problem(
            "TPL-1",
            f"the value is of type {compiled.type}, but the column prints type {column.type}",
            where=str(place),
            fix=_type_hint(compiled.type),
        )
        return None


def compile_lets(document: Document, lets: Mapping[str, str], *, scope: Scope) -> Compiler:
    """Compile the `let` values in an order in which each knows the ones it reads.

    Gives: a compiler whose scope knows them all. Values that read each other in a circle are
    named as unknown, with the problem of the innermost one.
    """
    compiler = Compiler(document, scope, Lets({}))
    waiting = dict(lets)
    done: dict[str, Compiled] = {}
    while waiting:
        progress = False
        held: list[Problem] = []
        for name, text in list(waiting.items()):
            attempt = Compiler(document, compiler.scope, Lets(done))
            compiled = attempt.value(text, document.place("let", name))
            if compiled is None:
                held.extend(attempt.problems)
                continue
            done[name] = compiled
            del waiting[name]
            compiler.scope = _with_let(compiler.scope, name, compiled=compiled)
            progress = True
        if not progress:
            compiler.problems.extend(held)
            break
    compiler.lets = Lets(done)
    return compiler


def _style(column: Column, spec: FileSpec) -> Style:
    """Give the style of a column; in a workbook numbers and dates are passed on in one spelling."""
    style = style_of(column, spec.formats)
    if spec.kind != "xlsx":
        return style
    is_date = column.type == "date"
    return replace(
        style,
        decimal=".",
        tokens="YYYY-MM-DD" if is_date else style.tokens,
        empty="" if is_date or column.type in NUMBERS else style.empty,
    )


def _with_let(scope: Scope, name: str, *, compiled: Compiled) -> Scope:
    """Add a `let` value to the names; one that reads no column is a constant, made nowhere."""
    if compiled.constant:
        constants = {**scope.constants, name: (compiled.type, compiled.value)}
        return Scope(scope.columns, constants, scope.lookups, scope.growth)
    return Scope(
        {**scope.columns, name: compiled.type},
        scope.constants,
        scope.lookups,
        {**scope.growth, name: compiled.growth},
    )


def _literal(column: Column, text: str) -> Compiled | None:
    """Read plain text in a column of whole numbers, amounts or digits: `value: 700`."""
    if column.type == "integer" and _INTEGER_TEXT.match(text):
        value: object = int(text)
        kind = Type.INTEGER
    elif column.type in ("amount", "decimal") and _AMOUNT_TEXT.match(text):
        value = pl.Series([text]).str.to_decimal(scale=2)[0]
        kind = Type.AMOUNT
    else:
        return None
    return Compiled(
        expr=pl.lit(value, DTYPES[kind]),
        type=kind,
        reads=frozenset(),
        constant=True,
        value=value,
    )


def _type_hint(kind: Type) -> str:
    if kind in (Type.BOOLEAN, Type.TEXTS):
        words = {Type.BOOLEAN: "flag", Type.TEXTS: "text, and the filter join or first"}
        return f"say type: {words[kind]}"
    fitting = [name for name, kinds in PRINTS.items() if kind in kinds]
    return f"say type: {' or '.join(fitting)}"


def _singular(context: Context) -> str:
    return "file" if context is Context.CONSTANT else context.value.removesuffix("s")


def _one(context: Context) -> str:
    word = _singular(context)
    if word == "currencie":
        word = "currency"
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
