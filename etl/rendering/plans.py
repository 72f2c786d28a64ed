"""Everything of a template compiled for one run: records, names, conditions, checks, layouts.

A plan is made twice: when a template is loaded, with the types of parameters only, to find every
mistake; and when a batch is rendered, with their values.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from etl.documents import Place
from etl.errors import Problem, UserMustFix
from etl.expressions import Compiled, compile_condition
from etl.expressions.scope import Lookup
from etl.forms import Form
from etl.frames import Type
from etl.rendering.columns import Compiler, Lets, Record, compile_lets
from etl.rendering.contexts import CARRIED_BY, Context, context_of_name, scope_of
from etl.rendering.document import Check, FileSpec
from etl.rendering.hints import advised
from etl.rendering.layouts import Layout, LayoutNames, load_layout
from etl.rendering.templates import Template


@dataclass(frozen=True)
class Value:
    """A compiled value or condition that is no column: a file name, a `where`, a `when`."""

    compiled: Compiled
    reads: frozenset[str]
    where: str


@dataclass(frozen=True)
class FilePlan:
    """One file of the template. `table` is the one record of a file without layout."""

    key: str
    spec: FileSpec
    encoding: str
    name: Value
    where: Value | None
    zip_name: Value | None
    records: Mapping[str, Record]
    layout: Layout | None

    @property
    def table(self) -> Record:
        (record,) = self.records.values()
        return record


@dataclass(frozen=True)
class CheckPlan:
    """A check of the template: condition and message."""

    check: Check
    that: Value
    message: Value


#: Each form with its condition.
Forms = tuple[tuple[Form, Value | None], ...]


@dataclass(frozen=True)
class Plan:
    """A template, compiled."""

    template: Template
    lets: Lets
    forms: Forms
    files: tuple[FilePlan, ...]
    checks: tuple[CheckPlan, ...]
    external_id: Value
    attachment_name: Value | None


@dataclass
class _Planner:
    template: Template
    compiler: Compiler
    problems: list[Problem] = field(default_factory=list)

    @property
    def has_problems(self) -> bool:
        return bool(self.problems or self.compiler.problems)

    def value(
        self, text: str, path: tuple[str | int, ...], *, deepest: Iterable[Context]
    ) -> Value | None:
        """Compile a text value; it may read contexts of the given kinds only."""
        place = self.template.source.place(*path)
        compiled = self.compiler.value(text, place)
        if compiled is not None and compiled.type is not Type.TEXT:
            self.problem(
                "TPL-1", f"this must be text, not {compiled.type}", place=place,
                fix="write text around it, or a filter that gives text",
            )  # fmt: skip
            return None
        return self._checked(compiled, place, deepest=deepest)

    def condition(
        self, text: str, path: tuple[str | int, ...], *, deepest: Iterable[Context]
    ) -> Value | None:
        """Compile a condition."""
        place = self.template.source.place(*path)
        try:
            compiled = compile_condition(text, self.compiler.scope, place=place)
        except UserMustFix as error:
            self.problems.extend(error.problems)
            return None
        return self._checked(compiled, place, deepest=deepest)

    def form(self, text: str, path: tuple[str | int, ...]) -> Value | None:
        """Compile the condition of a form, which is decided before vouchers are numbered."""
        value = self.condition(text, path, deepest=_VOUCHER)
        early = sorted(_LATER & value.reads) if value is not None else []
        if value is not None and early:
            self.problem(
                "TPL-11", f"{', '.join(early)} is not known when forms are chosen",
                place=self.template.source.place(*path),
                fix="decide by voucher.kind, voucher.contra_role, voucher.contra_side or item.type",
            )  # fmt: skip
        return value

    def _checked(
        self, compiled: Compiled | None, place: Place, *, deepest: Iterable[Context]
    ) -> Value | None:
        if compiled is None:
            return None
        context, stranger = self.compiler.contexts(compiled.reads)
        allowed = {Context.CONSTANT, *deepest}
        odd = stranger or (context if context not in allowed else None)
        reads = self.compiler.lets.names_read(compiled.reads)
        if odd is not None:
            names = sorted(name for name in reads if context_of_name(name) not in allowed)
            self.problem(
                "TPL-11", f"{', '.join(names) or odd.value} has no value here", place=place,
                fix="read parameters, batch and company, or names of: "
                + ", ".join(one.value for one in deepest),
            )  # fmt: skip
            return None
        return Value(compiled, reads, str(place))

    def problem(self, code: str, what: str, *, place: Place, fix: str) -> None:
        self.problems.append(Problem(code, what, str(place), fix))


#: Names of a voucher that forms decide, or that come after them.
_LATER = {"voucher.form", "voucher.number", "voucher.index"}
_VOUCHER = (Context.VOUCHER,)
_POSTING = (Context.VOUCHER, Context.POSTING)
_FILE = (Context.FILE,)


def make_plan(
    template: Template,
    *,
    constants: Mapping[str, object] | None = None,
    lookups: Mapping[str, Lookup] | None = None,
) -> Plan:
    """Compile a template.

    Needs: constants by name (batch.number, company.currency, …); a missing one is null.
    Raises: UserMustFix with every problem of every expression and layout.
    """
    document = template.document
    planner = _planner(template, constants=constants, lookups=lookups)
    compiler, forms = planner.compiler, _forms(planner)
    files = [_file_plan(planner, key, spec=spec) for key, spec in document.files.items()]
    checks = [
        _check_plan(planner, number, check=check) for number, check in enumerate(document.checks)
    ]
    external_id = planner.value(document.external_id, ("external_id",), deepest=_VOUCHER)
    attachment_name = None
    if document.attachments is not None:
        contexts = (Context.ATTACHMENT, Context.VOUCHER)
        path = ("attachments", "name")
        attachment_name = planner.value(document.attachments.name, path, deepest=contexts)
    problems = [*compiler.problems, *planner.problems]
    if problems:
        raise UserMustFix(advised(problems, document))
    assert external_id is not None
    return Plan(
        template,
        compiler.lets,
        forms,
        tuple(file for file in files if file is not None),
        tuple(check for check in checks if check is not None),
        external_id,
        attachment_name,
    )


@functools.lru_cache(maxsize=4)
def plan_of(template: Template) -> Plan:
    """Compile a template without constants, for reading its files; once, however many they are."""
    return make_plan(template)


def make_forms(
    template: Template, *, constants: Mapping[str, object] | None = None
) -> tuple[Lets, Forms]:
    """Compile only what decides the form of a voucher, of a template that make_plan has passed.

    Raises: UserMustFix with every problem of it.
    """
    planner = _planner(template, constants=constants)
    forms = _forms(planner)
    problems = [*planner.compiler.problems, *planner.problems]
    if problems:
        raise UserMustFix(advised(problems, template.document))
    return planner.compiler.lets, forms


def _planner(
    template: Template,
    *,
    constants: Mapping[str, object] | None,
    lookups: Mapping[str, Lookup] | None = None,
) -> _Planner:
    document = template.document
    values = {f"parameters.{name}": value for name, value in template.values.items()}
    scope = scope_of(document, constants={**(constants or {}), **values}, lookups=lookups or {})
    return _Planner(template, compile_lets(template.source, document.let, scope=scope))


def _forms(planner: _Planner) -> Forms:
    return tuple(
        (
            row.form,
            None if row.when is None else planner.form(row.when, ("rows", number, "when")),
        )
        for number, row in enumerate(planner.template.document.rows)
    )


def _file_plan(planner: _Planner, key: str, *, spec: FileSpec) -> FilePlan | None:
    path = ("files", key)
    name = planner.value(spec.name, (*path, "name"), deepest=_FILE)
    where = None
    if spec.where is not None:
        where = planner.condition(spec.where, (*path, "where"), deepest=_VOUCHER)
    zip_name = None
    if spec.pack is not None:
        zip_name = planner.value(spec.pack.zip, (*path, "pack", "zip"), deepest=_FILE)
    records = {}
    for record in spec.all_records:
        is_short = record == "row" and spec.columns is not None
        below = ("columns",) if is_short else ("records", record)
        records[record] = planner.compiler.record(record, spec, path=(*path, *below))
    layout = None
    if key in planner.template.layouts:
        layout = _layout(planner, key, spec=spec, records=records)
    elif len(records) == 1:
        (table,) = records.values()
        if table.context in (Context.CONSTANT, Context.FILE) and not planner.has_problems:
            place = planner.template.source.place(*path)
            planner.problem(
                "TPL-11", "no column reads a posting, a voucher or an item, so the table has no "
                "rows", place=place, fix='begin with the account: "{{ posting.account }}"',
            )  # fmt: skip
    if name is None:
        return None
    return FilePlan(key, spec, _encoding(planner, spec), name, where, zip_name, records, layout)


def _encoding(planner: _Planner, spec: FileSpec) -> str:
    """Give the encoding; at load, where parameters have no values yet, UTF-8 stands in."""
    if not planner.template.values and spec.encoding.startswith("{{"):
        return "utf-8"
    return planner.template.encoding(spec)


def _layout(
    planner: _Planner, key: str, *, spec: FileSpec, records: Mapping[str, Record]
) -> Layout | None:
    text, shown = planner.template.layouts[key]
    carried: dict[str, set[str]] = {}
    for name, record in records.items():
        for frame in CARRIED_BY[record.context]:
            carried.setdefault(frame, set()).add(name)
    names = LayoutNames(
        records={
            name: tuple(cell.name for cell in record.cells if cell.name)
            for name, record in records.items()
        },
        carried={frame: frozenset(found) for frame, found in carried.items()},
    )
    source, path = planner.template.source, ("files", key, "layout")

    def moved(problem: Problem) -> Problem:
        if shown != source.name:
            return problem
        return _inside(problem, text, key=source.keys[path], value=source.place(*path))

    try:
        layout = load_layout(text, name=shown, names=names, engine=spec.engine)
    except UserMustFix as error:
        planner.problems.extend(moved(problem) for problem in error.problems)
        return None
    return replace(layout, moved=moved)


def _inside(problem: Problem, text: str, *, key: Place, value: Place) -> Problem:
    """Give a problem of an inline layout its place in the template.

    A block of lines begins on the line after its key, two blanks further in than the key.
    """
    found = re.search(r":([0-9]+):([0-9]+)$", problem.where)
    if found is None:
        return problem
    line, column = int(found[1]), int(found[2])
    if "\n" in text:
        place = Place(value.file, value.line + line, key.column + 1 + column)
    else:
        place = Place(value.file, value.line, value.column + (value.shift or 0) + column - 1)
    return replace(problem, where=str(place))


def _check_plan(planner: _Planner, number: int, *, check: Check) -> CheckPlan | None:
    contexts = {"posting": _POSTING, "file": _FILE}.get(check.for_, _VOUCHER)
    that = planner.condition(check.that, ("checks", number, "that"), deepest=contexts)
    message = planner.value(check.message, ("checks", number, "message"), deepest=contexts)
    return None if that is None or message is None else CheckPlan(check, that, message)
