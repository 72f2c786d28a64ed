"""Variants: a template that changes another one, key by key, with every value keeping its place."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from etl.documents import Document, near_match
from etl.errors import Problem, UserMustFix

_Path = tuple[str | int, ...]
_REPLACED = ("id", "title", "version", "target", "external_id")
_MERGED = ("needs", "carries", "let")


def apply_variant(base: Document, variant: Document) -> Document:
    """Join a variant with what it extends.

    Needs: variant, already checked against its model.
    Gives: a document of the whole template; places of changed values are the variant's.
    Raises: UserMustFix TPL-5 for columns that the base does not have.
    """
    joined = _Joined(base, variant)
    for key in _REPLACED:
        if key in variant.data:
            joined.put((key,), variant.data[key], origin=(key,))
    for key in _MERGED:
        for name, value in variant.data.get(key, {}).items():
            joined.put((key, name), value, origin=(key, name))
    for name, changes in variant.data.get("parameters", {}).items():
        for attribute, value in changes.items():
            joined.put(
                ("parameters", name, attribute), value, origin=("parameters", name, attribute)
            )
    problems = []
    for name, changes in variant.data.get("columns", {}).items():
        places = list(_columns_named(joined.data, name))
        if len(places) != 1:
            problems.append(_no_column(variant, joined.data, name=name, found=len(places)))
            continue
        for attribute, value in changes.items():
            joined.put((*places[0], attribute), value, origin=("columns", name, attribute))
    if problems:
        raise UserMustFix(problems)
    for number, check in enumerate(variant.data.get("checks", [])):
        joined.append("checks", check, origin=("checks", number))
    return Document(variant.path, variant.name, joined.data, joined.values, joined.keys)


class _Joined:
    """Plain data of the base with changes put in, and the places of both."""

    def __init__(self, base: Document, variant: Document) -> None:
        self.data: Any = copy.deepcopy(base.data)
        self.values = dict(base.values)
        self.keys = dict(base.keys)
        self.variant = variant

    def put(self, path: _Path, value: Any, *, origin: _Path) -> None:
        """Set a value; what stood there before is gone, with its places."""
        target = self.data
        for part in path[:-1]:
            target = target.setdefault(part, {}) if isinstance(part, str) else target[part]
        target[path[-1]] = copy.deepcopy(value)
        self.forget(path)
        self.adopt(path, origin)

    def append(self, key: str, value: Any, *, origin: _Path) -> None:
        rows = self.data.setdefault(key, [])
        rows.append(copy.deepcopy(value))
        self.adopt((key, len(rows) - 1), origin)

    def forget(self, path: _Path) -> None:
        for places in (self.values, self.keys):
            for known in [known for known in places if known[: len(path)] == path]:
                del places[known]

    def adopt(self, path: _Path, origin: _Path) -> None:
        for mine, theirs in ((self.values, self.variant.values), (self.keys, self.variant.keys)):
            for known, place in theirs.items():
                if known[: len(origin)] == origin:
                    mine[(*path, *known[len(origin) :])] = place


def _columns_named(data: Any, wanted: str) -> Iterator[_Path]:
    """Find columns by `name`, `record.name` or `file.record.name`."""
    for path, names in _all_columns(data):
        if wanted in names:
            yield path


def _all_columns(data: Any) -> Iterator[tuple[_Path, tuple[str, ...]]]:
    for file, spec in data.get("files", {}).items():
        records: dict[str, tuple[_Path, Any]] = {
            name: (("files", file, "records", name), columns)
            for name, columns in (spec.get("records") or {}).items()
        }
        if spec.get("columns"):
            records["row"] = (("files", file, "columns"), spec["columns"])
        for record, (path, columns) in records.items():
            for number, column in enumerate(columns):
                name = column.get("name")
                if name:
                    names = (name, f"{record}.{name}", f"{file}.{record}.{name}")
                    yield (*path, number), names


def _no_column(variant: Document, data: Any, *, name: str, found: int) -> Problem:
    known = {names[0] for _path, names in _all_columns(data)}
    near = near_match(name, known)
    if found:
        what = f'{found} columns are called "{name}"'
        fix = "say which: record.name, or file.record.name"
    else:
        what = f'the template that this one extends has no column "{name}"'
        fix = f'did you mean "{near}"?' if near else "see the names in its template.yaml"
    return Problem("TPL-5", what, str(variant.keys.get(("columns", name), "")), fix)
