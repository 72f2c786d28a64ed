"""What must fit together in a template besides its expressions; every problem with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import polars as pl

from etl.documents import Place, near_match
from etl.errors import Problem
from etl.expressions import PatternRefused, check_pattern, refuse_format
from etl.rendering.carried import carried_problems
from etl.rendering.chosen import choice_faults
from etl.rendering.document import ENCODINGS, Column, FileSpec
from etl.rendering.escapes import not_allowed, writing_of
from etl.rendering.formats import DATES, NUMBERS
from etl.rendering.parameters import declaration_problems
from etl.rendering.templates import Template, encoding_parameter

_Path = tuple[str | int, ...]
#: The options of a file that belong to one kind only.
_OPTIONS = ("csv", "fixed", "xlsx", "xml")
#: Attributes that make sense for some column types only.
_OF_TYPES: dict[str, tuple[str, ...]] = {
    "places": ("amount", "decimal"),
    "unit": ("amount",),
    "zero": ("amount", "decimal", "integer"),
    "format": ("date", "datetime", "period", "flag"),
    "allow": ("text",),
    "pattern": ("text", "digits"),
    "instead": ("text",),
    "min": ("text", "digits", "amount", "decimal", "integer"),
    "max": ("text", "digits", "amount", "decimal", "integer"),
    "bytes": ("text",),
    "formulas": ("text",),
}
MAX_COLUMNS = 2_000


def structure_problems(template: Template) -> Iterator[Problem]:
    """Give every problem of a template's structure."""
    document = template.document
    for name, parameter in document.parameters.items():
        for what in declaration_problems(name, parameter):
            yield _problem(
                template,
                "TPL-13",
                what=what,
                path=("parameters", name),
                fix="correct its type, values, min, max, pattern or default",
            )
    yield from _form_problems(template)
    for name in document.order:
        if not name.startswith(("voucher.", "item.")):
            yield _problem(
                template, "TPL-12", what=f'vouchers cannot be ordered by "{name}"', path=("order",),
                fix="name voucher.date, voucher.reference, item.id or another of their values",
            )  # fmt: skip
    yield from carried_problems(template)
    written = template.written or document
    for key, spec in document.files.items():
        for path, what, fix in choice_faults(written.files[key], document.parameters):
            yield _problem(template, "TPL-9", what=what, path=("files", key, *path), fix=fix)
        check = _FileCheck(template, spec, ("files", key))
        yield from check.problems()


def _form_problems(template: Template) -> Iterator[Problem]:
    names = Counter(row.form.name for row in template.document.rows)
    for name, count in names.items():
        if count > 1:
            yield _problem(
                template, "TPL-6", what=f'{count} forms are called "{name}"', path=("rows",),
                fix="give every form a name of its own",
            )  # fmt: skip
    rows = template.document.rows
    for number, row in enumerate(rows[:-1]):
        if row.when is None:
            yield _problem(
                template,
                "TPL-6",
                what=f'the form "{row.form.name}" has no `when`, so no form after it is reached',
                path=("rows", number),
                fix="put it last, or say when it applies",
            )
    if all(spec.companion for spec in template.document.files.values()):
        yield _problem(
            template, "TPL-7", what="every file is a companion, so no voucher reaches a file",
            path=("files",), fix="leave `companion` out of the file that holds the postings",
        )  # fmt: skip


class _FileCheck:
    """Checks one file of a template."""

    def __init__(self, template: Template, spec: FileSpec, path: _Path) -> None:
        self.template = template
        self.spec = spec
        self.path = path

    def problem(self, code: str, what: str, *, path: _Path, fix: str) -> Problem:
        return _problem(self.template, code, what=what, path=(*self.path, *path), fix=fix)

    def problems(self) -> Iterator[Problem]:
        yield from self._options()
        yield from self._encoding()
        yield from self._layout()
        for record, columns in self.spec.all_records.items():
            is_short = record == "row" and self.spec.columns is not None
            path: _Path = ("columns",) if is_short else ("records", record)
            yield from self._names(record, columns, path=path)
            for number, column in enumerate(columns):
                yield from self._column(column, (*path, number), columns=columns)
            if self.spec.kind == "fixed":
                yield from self._places(columns, path)

    def _options(self) -> Iterator[Problem]:
        for name in _OPTIONS:
            if getattr(self.spec, name) is not None and name != self.spec.kind:
                yield self.problem(
                    "TPL-8",
                    f"a file of kind {self.spec.kind} takes no {name}",
                    path=(name,),
                    fix=f"remove {name}, or change the kind",
                )
        if self.spec.kind == "fixed" and self.spec.fixed is None:
            yield self.problem(
                "TPL-8", "a file of kind fixed needs the length of its lines", path=("kind",),
                fix="add fixed: {length: …}",
            )  # fmt: skip
        if self.spec.columns is not None and "row" in (self.spec.records or {}):
            yield self.problem(
                "TPL-6", "columns is short for a record called row, which is here too",
                path=("columns",), fix="keep one of the two",
            )  # fmt: skip
        if not self.spec.all_records:
            yield self.problem(
                "TPL-7", "the file has no columns", path=(), fix="add columns or records"
            )
        formats = self.spec.formats
        for name, tokens in (
            ("date", formats.date), ("datetime", formats.datetime), ("period", formats.period),
        ):  # fmt: skip
            yield from self._format(name, tokens, path=("formats", name))
        yield from self._format("flag", formats.flag, path=("formats", "flag"))

    def _encoding(self) -> Iterator[Problem]:
        name = encoding_parameter(self.spec)
        declared = self.template.document.parameters
        if name is not None:
            parameter = declared.get(name)
            values = parameter.values if parameter is not None else None
            if not values or not set(values) <= set(ENCODINGS):
                yield self.problem(
                    "TPL-9", "the encoding must come from a parameter of type enum whose values "
                    "are encodings", path=("encoding",), fix=f"encodings: {', '.join(ENCODINGS)}",
                )  # fmt: skip
        elif self.spec.encoding not in ENCODINGS:
            near = near_match(self.spec.encoding, list(ENCODINGS))
            yield self.problem(
                "TPL-9", f'unknown encoding "{self.spec.encoding}"', path=("encoding",),
                fix=f'did you mean "{near}"?' if near else f"encodings: {', '.join(ENCODINGS)}",
            )  # fmt: skip
        if self.spec.bom and name is None and self.spec.encoding != "utf-8":
            yield self.problem(
                "TPL-9", "a byte order mark belongs to utf-8 only", path=("bom",), fix="remove bom"
            )

    def _layout(self) -> Iterator[Problem]:
        has_layout = self.spec.layout is not None
        if not has_layout and len(self.spec.all_records) > 1:
            yield self.problem(
                "TPL-7", "several records need a layout that arranges them", path=("records",),
                fix="add a layout, or keep one record",
            )  # fmt: skip
        if not has_layout and self.spec.kind in ("text", "xml"):
            yield self.problem(
                "TPL-7", f"a file of kind {self.spec.kind} needs a layout", path=("kind",),
                fix="add layout: layout.j2",
            )  # fmt: skip
        if has_layout and self.spec.kind == "xlsx":
            yield self.problem(
                "TPL-7", "a workbook has rows and columns, and no layout", path=("layout",),
                fix="remove the layout, or change the kind",
            )  # fmt: skip

    def _names(self, record: str, columns: Sequence[Column], *, path: _Path) -> Iterator[Problem]:
        taken: set[str] = set()
        for number, column in enumerate(columns):
            names = [name for name in column.all_names() if name]
            for name in taken & set(names):
                yield self.problem(
                    "TPL-6", f'another column of record {record} is called "{name}"',
                    path=(*path, number), fix="give every column a name of its own",
                )  # fmt: skip
            taken.update(names)
        if sum(len(column.all_names()) for column in columns) > MAX_COLUMNS:
            yield self.problem(
                "TPL-2", f"record {record} has more than {MAX_COLUMNS} columns", path=path,
                fix="shorten the runs of names",
            )  # fmt: skip
        wants_names = self.spec.csv is not None and self.spec.csv.header == "names"
        wants_names = wants_names or self.spec.kind == "xlsx"
        if wants_names and any(None in column.all_names() for column in columns):
            yield self.problem(
                "TPL-2", "the file has a line of names, but a column has no name", path=path,
                fix="name every column, or say header: none",
            )  # fmt: skip

    def _column(
        self, column: Column, path: _Path, *, columns: Sequence[Column]
    ) -> Iterator[Problem]:
        given = column.model_fields_set
        for attribute, types in _OF_TYPES.items():
            if attribute in given and column.type not in types:
                yield self.problem(
                    "TPL-2", f"a column of type {column.type} has no {attribute}",
                    path=(*path, attribute), fix=f"{attribute} is for {', '.join(types)}",
                )  # fmt: skip
        if column.name is not None and column.names is not None:
            yield self.problem(
                "TPL-2", "name and names exclude each other", path=path, fix="keep one"
            )
        if column.names is not None and column.value is not None:
            yield self.problem(
                "TPL-2", "names makes empty columns, so it has no value", path=(*path, "value"),
                fix="write the columns out",
            )  # fmt: skip
        if column.repeat is not None and (column.value is not None or column.names is not None):
            yield self.problem(
                "TPL-2",
                "repeat stands alone in its column",
                path=path,
                fix="remove value and names",
            )
        if column.instead is not None and column.allow is None:
            yield self.problem(
                "TPL-2",
                "instead needs allow",
                path=(*path, "instead"),
                fix="say which characters are fine",
            )
        if column.with_ is not None:
            names = {name for other in columns for name in other.all_names() if name}
            if column.with_ not in names:
                near = near_match(column.with_, names)
                yield self.problem(
                    "TPL-12",
                    f'no column of the record is called "{column.with_}"',
                    path=(*path, "with"),
                    fix=f'did you mean "{near}"?' if near else "name a column",
                )
        if column.format is not None:
            yield from self._format(column.type, column.format, path=(*path, "format"))
        yield from self._patterns(column, path)
        yield from self._delimiter(column, path)
        yield from self._fixed_column(column, path)

    def _format(self, kind: str, tokens: str, *, path: _Path) -> Iterator[Problem]:
        what, fix = None, "use YYYY YY MM M DD D HH mm ss SSS PP"
        if kind == "flag":
            if tokens.count("|") != 1:
                what = f'"{tokens}" must be what true and false print, as in 1|0'
        elif kind in DATES:
            what = refuse_format(tokens, DATES[kind])
            if what is not None and refuse_format(tokens.upper(), DATES[kind]) is None:
                fix = f'did you mean "{tokens.upper()}"?'
            odd = [char for char in tokens if not (char.isalnum() or char in "-/. :")]
            if what is None and odd:
                what = f'"{odd[0]}" cannot stand in a date format'
        if what is not None:
            yield self.problem("TPL-10", what, path=path, fix=fix)

    def _patterns(self, column: Column, path: _Path) -> Iterator[Problem]:
        if column.pattern is not None:
            try:
                check_pattern(column.pattern)
            except PatternRefused as refused:
                yield self.problem("TPL-15", str(refused), path=(*path, "pattern"), fix=refused.fix)
        if column.allow is not None:
            fix = "write characters and ranges such as A-Za-z0-9, with - at the end"
            try:
                pl.Series([""]).str.contains(not_allowed(column.allow))
            except pl.exceptions.PolarsError:
                what = f'"{column.allow}" is no class of characters'
                yield self.problem("TPL-15", what, path=(*path, "allow"), fix=fix)

    def _delimiter(self, column: Column, path: _Path) -> Iterator[Problem]:
        """Numbers and dates that are never quoted may not be able to hold the delimiter."""
        if self.spec.kind != "csv" or column.type not in (*NUMBERS, *DATES):
            return
        writing = writing_of(self.spec, "utf-8")
        tokens = column.format or str(getattr(self.spec.formats, column.type, ""))
        is_decimal = column.type in ("amount", "decimal") and column.places != 0
        marks = tokens if column.type in DATES else self.spec.formats.decimal if is_decimal else ""
        delimiter = writing.csv.delimiter
        if writing.wrap(column) == "never" and delimiter in marks and column.unit is None:
            yield self.problem(
                "TPL-17", f'the values hold "{delimiter}", which separates the columns', path=path,
                fix="choose another delimiter or decimal mark, or say quote: true",
            )  # fmt: skip

    def _fixed_column(self, column: Column, path: _Path) -> Iterator[Problem]:
        if self.spec.kind == "fixed":
            if column.at is None or column.width is None:
                yield self.problem(
                    "TPL-16", "a column of a fixed line needs at and width", path=path,
                    fix="say where it begins (from 1) and how wide it is",
                )  # fmt: skip
            return
        for attribute in ("at", "width", "align", "fill"):
            if getattr(column, attribute) is not None:
                yield self.problem(
                    "TPL-2",
                    f"a file of kind {self.spec.kind} has no {attribute}",
                    path=(*path, attribute),
                    fix="it is for files of kind fixed; a limit is called max",
                )

    def _places(self, columns: Sequence[Column], path: _Path) -> Iterator[Problem]:
        """Columns of a fixed line may not overlap, nor reach beyond its end."""
        length = self.spec.fixed.length if self.spec.fixed is not None else 0
        placed = [
            (column.at, column.at + column.width - 1, number)
            for number, column in enumerate(columns)
            if column.at is not None and column.width is not None
        ]
        placed.sort()
        for (start, end, number), (next_start, _next_end, other) in pairwise(placed):
            if next_start <= end:
                what = f"columns at {start} and {next_start} overlap"
                yield self.problem(
                    "TPL-16",
                    what,
                    path=(*path, max(number, other)),
                    fix="check at and width of both",
                )
        for start, end, number in placed:
            if end > length:
                yield self.problem(
                    "TPL-16", f"the column at {start} ends at {end}, the line at {length}",
                    path=(*path, number), fix="check at, width and the length of the line",
                )  # fmt: skip


def _problem(template: Template, code: str, *, what: str, path: _Path, fix: str) -> Problem:
    place: Place = template.source.place(*path)
    return Problem(code, what, str(place), fix)
