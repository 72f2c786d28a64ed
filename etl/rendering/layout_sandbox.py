"""What a layout sees while it runs in Jinja: rows and records without methods, and a meter.

Jinja's sandbox stops escapes through attributes, not endless work (T17). So everything that a
layout does is counted: each turn of a loop or macro is a step, each printed character counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MethodType
from typing import Any

import polars as pl
from jinja2 import StrictUndefined, Undefined, UndefinedError
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from etl.rendering.layout_lines import TRACKED
from etl.rendering.layout_names import (
    CHILDREN,
    LOOP_COUNTERS,
    LOOP_FLAGS,
    NAMES,
    SINGULAR,
    LayoutNames,
    cell_column,
)

MAX_STEPS_AT_LEAST = 100_000
MAX_STEPS_PER_ROW = 20
MAX_CHARACTERS_AT_LEAST = 10_000_000
MAX_CHARACTERS_PER_CELL_BYTE = 20
MAX_WHOLE_NUMBER = 10**12

TESTS = ("defined", "undefined", "odd", "even", "divisibleby")
FILTERS = ("length", "count", "first", "last", "list", "reverse", "join", "default")

#: Names of the parts that the checked tree calls; a layout cannot write them.
OUT, JOIN, RECORD, NAMES_OF, OPEN, CLOSE, STEP, SEARCHED = (
    "_out", "_join", "_record", "_names", "_open", "_close", "_step", "_searched",
)  # fmt: skip

#: Stands around the places of postings in the text; neither cells nor layouts may hold it.
MARK = "\0"


class LayoutTooLong(TemplateRuntimeError):
    """The layout does more than a batch of this size can need."""


@dataclass
class Meter:
    """Counts steps and characters against their limits."""

    max_steps: int
    max_characters: int
    steps: int = 0
    characters: int = 0

    def step(self, count: int = 1) -> None:
        self.steps += count
        if self.steps > self.max_steps:
            raise LayoutTooLong(f"the layout takes more than {self.max_steps} steps")

    def text(self, characters: int) -> None:
        self.characters += characters
        if self.characters > self.max_characters:
            raise LayoutTooLong(f"the layout writes more than {self.max_characters} characters")


@dataclass(eq=False)
class Table:
    """A list as columns of Python values, read once and only where asked for."""

    frame: str
    rows: pl.DataFrame
    lists: Mapping[str, Table] = field(repr=False)
    columns: dict[str, list[Any]] = field(default_factory=dict, repr=False)
    places: dict[str, dict[int, list[int]]] = field(default_factory=dict, repr=False)

    def value(self, column: str, at: int) -> Any:
        if column not in self.columns:
            self.columns[column] = self.rows[column].to_list()
        return self.columns[column][at]

    def belonging(self, key: str, value: int) -> tuple[Row, ...]:
        if key not in self.places:
            found: dict[int, list[int]] = {}
            for at, each in enumerate(self.rows[key].to_list()):
                found.setdefault(each, []).append(at)
            self.places[key] = found
        return tuple(Row(self, at) for at in self.places[key].get(value, ()))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list; it has lists, records and booleans, and no methods for layouts."""

    table: Table = field(repr=False)
    at: int

    @property
    def key(self) -> int | None:
        column = TRACKED.get(self.table.frame)
        return None if column is None else int(self.table.value(column, self.at))


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a row; printed, it is the whole record."""

    row: Row
    name: str

    def text(self, cell: str | None) -> str:
        value = self.row.table.value(cell_column(self.name, cell), self.row.at)
        return "" if value is None else str(value)


class LayoutEnvironment(ImmutableSandboxedEnvironment):
    """A sandbox in which only rows, records, loops and namespaces have members."""

    intercepted_binops = frozenset({"+", "-", "*", "//", "%"})

    def __init__(self, names: LayoutNames, meter: Meter) -> None:
        super().__init__(
            keep_trailing_newline=True,
            undefined=StrictUndefined,
            autoescape=False,
            optimized=False,
            cache_size=0,
        )
        self.names = names
        self.meter = meter
        self.file: Row | None = None
        self.tests = {name: self.tests[name] for name in TESTS}
        self.filters = {
            "length": self._length, "count": self._length, "first": self._first,
            "last": self._last, "list": self._list, "reverse": self._reverse,
            "join": self._join_list, "default": _default,
        }  # fmt: skip
        self.globals = {
            OUT: self._out, JOIN: self._join, RECORD: self._record, NAMES_OF: self._names,
            OPEN: self._open, CLOSE: self._close, STEP: self._step, SEARCHED: self._list,
            "namespace": Namespace,
        }  # fmt: skip
        self._ours = frozenset(self.globals.values())

    # ── members ──

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Give a member; Python's attributes are never reached."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Give a member, or a place of a list."""
        if isinstance(obj, Record):
            if argument == NAMES:
                return self._names(obj.name)
            if argument in self.names.records[obj.name]:
                return obj.text(argument)
            return self.undefined(f'record "{obj.name}" has no cell "{argument}"')
        if isinstance(obj, Row):
            return self._row_member(obj, argument)
        if isinstance(obj, Undefined):
            obj._fail_with_undefined_error()
        if isinstance(obj, list | tuple) and type(argument) is int:
            inside = -len(obj) <= argument < len(obj)
            return obj[argument] if inside else self.undefined(f"the list has no place {argument}")
        if isinstance(obj, LoopContext) and argument in (*LOOP_COUNTERS, *LOOP_FLAGS):
            return getattr(obj, argument)
        if isinstance(obj, Namespace):
            held = object.__getattribute__(obj, "_Namespace__attrs")
            if argument in held:
                return held[argument]
        return self.undefined(f'there is no "{argument}" here')

    def _row_member(self, row: Row, name: Any) -> Any:
        frame = row.table.frame
        child = CHILDREN.get(frame, {}).get(name)
        if child is not None:
            key = row.table.value(child.key, row.at)
            return row.table.lists[child.frame].belonging(child.key, key)
        if name in self.names.carried.get(frame, ()):
            return Record(row, name)
        flag = f"{SINGULAR.get(frame)}.{name}"
        if flag in self.names.flags.get(frame, ()):
            return bool(row.table.value(flag, row.at))
        return self.undefined(f'a row of "{frame}" has no list, record or boolean "{name}"')

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Reckon with whole numbers only, and not with large ones."""
        if type(left) is not int or type(right) is not int:
            raise SecurityError(f"{operator} is for whole numbers")
        if operator in ("//", "%") and right == 0:
            raise SecurityError("a division by zero")
        value = super().call_binop(context, operator, left, right)
        if abs(value) > MAX_WHOLE_NUMBER:
            raise LayoutTooLong(f"a number is larger than {MAX_WHOLE_NUMBER}")
        return value

    def is_safe_callable(self, obj: Any) -> bool:
        """Allow macros and our own parts."""
        return isinstance(obj, Macro) or (callable(obj) and obj in self._ours)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call our own parts directly: every printed cell is such a call."""
        if type(obj) is MethodType and obj in self._ours:
            return obj(*args)  # what Jinja adds by name is for functions that read the context
        return super().call(context, obj, *args, **kwargs)

    # ── the parts that the checked tree calls ──

    def _text(self, value: Any) -> str:
        if isinstance(value, Undefined):
            value._fail_with_undefined_error()
        if isinstance(value, Record):
            return value.text(None)
        if isinstance(value, str):
            return value
        if type(value) is int:
            return str(value)
        raise SecurityError("only cells, records, text and whole numbers can be printed")

    def _out(self, value: Any) -> str:
        text = self._text(value)
        self.meter.text(len(text))
        return text

    def _join(self, *values: Any) -> str:
        text = "".join(self._text(value) for value in values)
        self.meter.text(len(text))
        return text

    def _record(self, name: str, *rows: Any) -> Record:
        for row in (*rows, self.file):
            if isinstance(row, Row) and name in self.names.carried.get(row.table.frame, ()):
                return Record(row, name)
        raise UndefinedError(f'record "{name}" has no values here')

    def _names(self, record: str) -> str:
        assert self.file is not None
        return Record(self.file, record).text(NAMES)

    def _step(self, characters: int) -> str:
        self.meter.step()
        self.meter.text(characters)
        return ""

    def _open(self, row: Any, characters: int) -> str:
        self._step(characters)
        key = row.key if isinstance(row, Row) else None
        return f"{MARK}{'' if key is None else f'{row.table.frame} {key}'}{MARK}"

    def _close(self) -> str:
        return f"{MARK}{CLOSE}{MARK}"

    # ── filters ──

    def _list(self, value: Any) -> Any:
        if isinstance(value, Undefined):
            value._fail_with_undefined_error()
        if not isinstance(value, list | tuple | str):
            raise SecurityError("this is no list")
        self.meter.step(1 if isinstance(value, str) else len(value))
        return value

    def _rows(self, value: Any) -> Any:
        if isinstance(value, str):
            raise SecurityError("this is text, no list")
        return self._list(value)

    def _length(self, value: Any) -> int:
        return len(self._rows(value))

    def _first(self, value: Any) -> Any:
        return self.getitem(self._rows(value), 0)

    def _last(self, value: Any) -> Any:
        return self.getitem(self._rows(value), -1)

    def _reverse(self, value: Any) -> Any:
        return self._rows(value)[::-1]

    def _join_list(self, value: Any, between: str = "") -> str:
        text = self._text(between).join(self._text(each) for each in self._rows(value))
        self.meter.text(len(text))
        return text


def _default(value: Any, instead: Any = "") -> Any:
    return instead if isinstance(value, Undefined) else value


def make_tables(lists: Mapping[str, pl.DataFrame]) -> Mapping[str, Table]:
    """Make the tables of a batch; they know each other, so that rows find their children."""
    tables: dict[str, Table] = {}
    for frame, rows in lists.items():
        tables[frame] = Table(frame, rows, tables)
    return tables


def meter_for(lists: Mapping[str, pl.DataFrame]) -> Meter:
    """Give the limits for a batch, by the rows and the text in its lists."""
    rows = sum(frame.height for frame in lists.values())
    size = sum(
        int(frame.select(pl.sum_horizontal(pl.col(pl.String).str.len_bytes().sum())).item())
        for frame in lists.values()
        if frame.height and pl.String in frame.dtypes
    )
    return Meter(
        max(MAX_STEPS_AT_LEAST, MAX_STEPS_PER_ROW * rows),
        max(MAX_CHARACTERS_AT_LEAST, MAX_CHARACTERS_PER_CELL_BYTE * size),
    )
