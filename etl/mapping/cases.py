"""Tests of a mapping, written by whoever writes the mapping: items in, expected targets out.

mapping: acme.yaml
cases:
  - name: a meal with a client
    item: {type: card_purchase, supplier.name: Café Müller}
    lines: [{account.code: "6640", tax.code: VSt19, tags: {PROJECT: P1}}]
    expect: [{account.expense: "4650", tax_code: "9", dimension.project: P1}]
  - {name: no category, lines: [{account.code: none}], rejected: MAP-21}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import polars as pl
from pydantic import Field, model_validator

from etl.documents import Document, Model, Place, near_match, read_document, resolve_inside
from etl.errors import Problem, UserMustFix
from etl.frames import CHECKED_ITEMS, CHECKED_LINES, ITEM, ROLES, Column, Type, schema
from etl.mapping.document import Texts
from etl.mapping.lines import Mapped, map_lines
from etl.mapping.loading import LoadedMapping, load_mapping
from etl.mapping.reading import NONE
from etl.mapping.rules import target_of

TAGS = "tags"
_AMOUNT = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,2})?")
_INTEGER = re.compile(r"[0-9]{1,6}")
_ITEM_COLUMNS = {column.name: column for column in (*CHECKED_ITEMS, *ITEM)}
_LINE_COLUMNS = {column.name: column for column in CHECKED_LINES}

#: Gives items and lines, with needs.<role>, of a file of Pleo's items.
ReadItems = Callable[[Path], tuple[pl.DataFrame, pl.DataFrame]]


class Case(Model):
    """One case: an item, inline or from a file, and what must come out."""

    name: str
    item: dict[str, Any] = Field({}, description="fields of the item, without `item.`")
    lines: list[dict[str, Any]] = Field([{}], description="fields per line, without `line.`")
    roles: tuple[str, ...] | None = Field(None, description="roles that need an account")
    file: str | None = Field(None, description="JSON file with items, instead of item and lines")
    id: str | None = Field(None, description="the item of the file")
    expect: list[dict[str, str]] = Field([], description="targets per line; none is empty")
    rejected: Texts | None = Field(None, description="codes of the rejections")

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if (self.file is None) != (self.id is None):
            raise ValueError("file and id stand together")
        if not self.expect and self.rejected is None:
            raise ValueError("a case needs expect or rejected")
        return self


class Cases(Model):
    """A file of cases."""

    mapping: str
    cases: list[Case] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of a case; no differences means that it passed."""

    name: str
    place: str
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.differences


def run_cases(
    path: Path | str, *, name: str | None = None, read_items: ReadItems | None = None
) -> list[CaseResult]:
    """Run the cases of a file.

    Needs: `read_items`, which reads a file of Pleo's items, if a case names one.
    Gives: a result per case, in order.
    Raises: UserMustFix YAML-*, DOC-*, MAP-17, and whatever is wrong with the mapping.
    """
    document = read_document(Path(path), name=name)
    cases = document.load(Cases)
    file = resolve_inside(document.path.parent, cases.mapping, document.place("mapping"))
    shown = (Path(document.name).parent / cases.mapping).as_posix()
    mapping = load_mapping(file, name=shown)
    runner = _Runner(document, mapping, read_items)
    results = [runner.run(case, index) for index, case in enumerate(cases.cases)]
    if runner.problems:
        raise UserMustFix(runner.problems)
    return results


class _Runner:
    """Runs cases and collects what is wrong with the case file itself."""

    def __init__(
        self, document: Document, mapping: LoadedMapping, read_items: ReadItems | None
    ) -> None:
        self.document = document
        self.mapping = mapping
        self.read_items = read_items
        self.problems: list[Problem] = []

    def run(self, case: Case, index: int) -> CaseResult:
        place = self.document.place("cases", index)
        items, lines = self._frames(case, index)
        if self.problems:
            return CaseResult(case.name, str(place), ())
        mapped = map_lines(items, lines, self.mapping, targets={})
        differences = [*_rejections(case, mapped), *self._targets(case, index, mapped)]
        return CaseResult(case.name, str(place), tuple(differences))

    def _refuse(self, what: str, place: Place, fix: str) -> None:
        self.problems.append(Problem("MAP-17", what, str(place), fix))

    def _frames(self, case: Case, index: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        if case.file is not None:
            return self._of_file(case, index)
        roles = case.roles or _roles_of(case)
        for role in roles:
            if role not in ROLES:
                place = self.document.place("cases", index)
                self._refuse(f'there is no role "{role}"', place, f"roles: {', '.join(ROLES)}")
        item = self._row(case.item, "item", _ITEM_COLUMNS, ("cases", index, "item"))
        item |= {f"needs.{role}": role in roles for role in ROLES}
        facts = dict(_FACTS_OF_ITEM) | {"item.id": case.name, "item.where": str(index)} | item
        lines = [
            dict(_FACTS_OF_LINE)
            | {"line.key": number, "line.number": number + 1}
            | self._row(line, "line", _LINE_COLUMNS, ("cases", index, "lines", number))
            for number, line in enumerate(case.lines)
        ]
        needs = {f"needs.{role}": pl.Boolean() for role in ROLES}
        columns = schema(_ITEM_COLUMNS.values()) | needs
        return _frame([facts], columns), _frame(lines, schema(_LINE_COLUMNS.values()))

    def _of_file(self, case: Case, index: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        place = self.document.place("cases", index, "file")
        file = resolve_inside(self.document.path.parent, case.file or "", place)
        if self.read_items is None:
            raise UserMustFix(
                Problem("MAP-17", "items of a file cannot be read here", str(place), "write item")
            )
        items, lines = self.read_items(file)
        items = items.filter(pl.col("item.id") == case.id)
        if items.is_empty():
            place = self.document.place("cases", index, "id")
            self._refuse(f'{case.file} has no item "{case.id}"', place, "check the id")
        return items, lines.join(items.select("item.key"), on="item.key", how="semi")

    def _row(
        self,
        written: Mapping[str, Any],
        kind: str,
        columns: Mapping[str, Column],
        path: tuple[str | int, ...],
    ) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for name, text in written.items():
            place = self.document.place(*path, name)
            if kind == "line" and name == TAGS and isinstance(text, dict):
                row |= {"line.tag_groups": list(text), "line.tag_codes": list(text.values())}
                continue
            column = columns.get(f"{kind}.{name}")
            if column is None:
                near = near_match(f"{kind}.{name}", list(columns))
                known = near.removeprefix(f"{kind}.") if near else None
                fix = f'did you mean "{known}"?' if known else "see the names in the README"
                self._refuse(f'{kind} has no "{name}"', place, fix)
                continue
            value, problem = _typed(text, column.type)
            if problem:
                self._refuse(f'"{text}" is no {column.type}', place, problem)
            row[column.name] = value
        return row

    def _targets(self, case: Case, index: int, mapped: Mapped) -> Iterator[str]:
        if not case.expect or mapped.lines.is_empty():
            return
        lines = mapped.lines.join(
            mapped.items.select("item.key", "^voucher\\..*$"),
            on="item.key", how="left", validate="m:1", maintain_order="left",
        )  # fmt: skip
        if len(case.expect) != lines.height:
            yield f"{lines.height} lines came out, {len(case.expect)} were expected"
            return
        for number, (expected, line) in enumerate(
            zip(case.expect, lines.iter_rows(named=True), strict=True)
        ):
            for name, text in expected.items():
                target = name if name in line else target_of(name) or name
                if target not in line:
                    place = self.document.place("cases", index, "expect", number, name)
                    near = near_match(name, list(line))
                    fix = f'did you mean "{near}"?' if near else "name a target of the mapping"
                    self._refuse(f'there is no target "{name}"', place, fix)
                elif (found := _shown(line[target])) != text:
                    yield f"line {number + 1}: {name} is {found}, expected {text}"


_FACTS_OF_ITEM: Mapping[str, Any] = {
    "item.key": 0,
    "item.type": "card_purchase",
    "item.method": "journal",
    "item.date": date(2026, 1, 15),
}
_FACTS_OF_LINE: Mapping[str, Any] = {"item.key": 0, "line.tag_groups": [], "line.tag_codes": []}


def _roles_of(case: Case) -> tuple[str, ...]:
    named = (target for expected in case.expect for target in expected)
    roles = [name.removeprefix("account.") for name in named if name.startswith("account.")]
    return tuple(dict.fromkeys(roles)) or ("expense",)


def _frame(rows: Sequence[Mapping[str, Any]], columns: dict[str, pl.DataType]) -> pl.DataFrame:
    cells = [tuple(row.get(name) for name in columns) for row in rows]
    return pl.DataFrame(cells, schema=columns, orient="row")


def _typed(value: object, kind: Type) -> tuple[object, str | None]:
    """Give the value of a written text, or how to write it."""
    if value is None or value == NONE:
        return None, None
    if kind is Type.TEXTS:
        return (value, None) if isinstance(value, list) else (None, "write a list: [a, b]")
    if not isinstance(value, str):
        return None, "write one value"
    if kind is Type.DATE:
        try:
            return date.fromisoformat(value), None
        except ValueError:
            return None, "write it as 2026-09-30"
    if kind in (Type.AMOUNT, Type.DECIMAL):
        is_amount = bool(_AMOUNT.fullmatch(value))
        return (Decimal(value), None) if is_amount else (None, "write it as 12.50")
    if kind is Type.INTEGER:
        is_integer = bool(_INTEGER.fullmatch(value))
        return (int(value), None) if is_integer else (None, "write digits")
    return value, None


def _shown(value: object) -> str:
    return NONE if value is None else str(value)


def _rejections(case: Case, mapped: Mapped) -> Iterator[str]:
    expected = set(case.rejected or ())
    found = set(mapped.rejections["code"])
    for row in mapped.rejections.iter_rows(named=True):
        if row["code"] not in expected:
            yield f"rejected: {row['code']} {row['message']}"
    for code in sorted(expected - found):
        yield f"not rejected with {code}"
