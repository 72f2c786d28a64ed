"""Strict documents: the YAML that people write, and the JSON that we read back.

Scalars stay text until a model gives them a type, so `NO` is Norway and `0123` keeps its zero
(T15). Duplicate keys, anchors, aliases, merge keys and tags are refused; size, depth and number
of nodes are capped before anything is built. Every value keeps its place in the file.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path, PureWindowsPath
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from etl.errors import Problem, UserMustFix

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
MAX_NODES = 50_000
MAX_PROBLEMS = 200
#: What file systems take as the name of one file or folder.
MAX_NAME_BYTES = 255

#: Pydantic's kinds of errors, in words for those who write documents.
_FORMS = {
    "bool_parsing": "must be true or false",
    "decimal_parsing": "must be a number",
    "dict_type": "must be keys with values",
    "int_parsing": "must be a whole number",
    "list_type": "must be a list, such as [a, b]",
    "model_type": "must be keys with values",
    "string_type": "must be one text, not a list or keys with values",
    "too_short": "must not be empty",
    "tuple_type": "must be a list, such as [a, b]",
}
_PATTERNS = {
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "must be a date such as 2026-03-31",
    "^[a-z0-9]+(-[a-z0-9]+)*$": "must be small letters, digits and hyphens",
}

Path_ = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)

try:
    _Loader: Any = yaml.CSafeLoader
except AttributeError:  # pure Python wheels of PyYAML
    _Loader = yaml.SafeLoader


class Model(BaseModel):
    """Base of all documents: frozen, unknown keys refused.

    The checks of a model are built when it is first used: one inside another needs none of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; line and column count from 1.

    `shift` is the number of characters from here to the first one of the text (1 behind a quote);
    None where the text does not stand in the file letter by letter (folded, or with escapes).
    """

    file: str
    line: int
    column: int
    shift: int | None = field(default=0, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Document:
    """A parsed file: plain data whose scalars are text (or None), and where each value stands."""

    path: Path
    name: str
    data: Any
    values: Mapping[Path_, Place] = field(repr=False)
    keys: Mapping[Path_, Place] = field(repr=False)

    def place(self, *path: str | int) -> Place:
        """Give the place of the value at a path, or of its nearest parent."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Place(self.name, 1, 1))

    def load(self, model: type[ModelT]) -> ModelT:
        """Check the document against a model.

        Raises: UserMustFix with every problem (DOC-1, DOC-2, DOC-3), each with its place.
        """
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            raise UserMustFix(list(self._problems(error, model))) from None

    def _problems(self, error: ValidationError, model: type[BaseModel]) -> Iterator[Problem]:
        schema = model.model_json_schema()
        found: set[Path_] = set()
        details = [
            (_known_path(detail, self.data), detail)
            for detail in error.errors(include_url=False)[:MAX_PROBLEMS]
        ]
        inside = {path[:end] for path, _ in details for end in range(len(path))}
        for path, detail in details:
            if detail["type"] not in ("extra_forbidden", "missing", "value_error") and (
                path in found or path in inside
            ):
                continue  # of several forms that a value may have, the nearest one is spoken of
            found.add(path)
            yield _problem_of(detail, path, self, schema)


def read_document(path: Path, *, name: str | None = None) -> Document:
    """Read a YAML file. `name` is what messages call it (default: the path as given)."""
    shown = name or str(path)
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise UserMustFix(
            Problem("DOC-4", f"cannot read {shown}: {error.strerror}", shown, "check the name")
        ) from None
    if size > MAX_BYTES:
        raise _too_much(f"{size} bytes", f"{MAX_BYTES} bytes", Place(shown, 1, 1))
    return parse_document(raw, path=path, name=shown)


def parse_document(raw: bytes, *, path: Path, name: str) -> Document:
    """Parse YAML bytes; see read_document.

    Raises: UserMustFix YAML-1 to YAML-4.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserMustFix(
            Problem(
                "YAML-1",
                f"byte {error.start} is not UTF-8",
                f"{name}:{raw[: error.start].count(10) + 1}",
                "save the file as UTF-8",
            )
        ) from None
    builder = _Builder(name)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.YAMLError as error:
        raise UserMustFix(_syntax_problem(error, name)) from None
    return Document(path, name, builder.root, builder.values, builder.keys)


class _Builder:
    """Builds plain data from parser events, without recursion."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Any = None
        self.values: dict[Path_, Place] = {}
        self.keys: dict[Path_, Place] = {}
        self.stack: list[tuple[Path_, Any]] = []
        self.pending: list[str | None] = []
        self.nodes = 0
        self.documents = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise _refuse("YAML-1", "a second document begins here", self.at(event), "keep one")
        elif isinstance(event, yaml.AliasEvent):
            raise _banned(f"the alias *{event.anchor}", self.at(event), fix="write it out")
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self.check(event)
            self.open(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.stack.pop()
            self.pending.pop()
        elif isinstance(event, yaml.ScalarEvent):
            self.check(event)
            self.scalar(event)

    def at(self, event: Any) -> Place:
        mark = event.start_mark
        return Place(self.name, mark.line + 1, mark.column + 1)

    def check(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _too_much("the file", f"{MAX_NODES} values", self.at(event))
        if event.anchor is not None:
            raise _banned(f"the anchor &{event.anchor}", self.at(event), fix="remove it")
        if event.tag is not None and event.tag != "!":
            raise _banned(f"the tag {event.tag}", self.at(event), fix="remove it")

    def open(self, event: Any) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise _too_much("nesting", f"{MAX_DEPTH} levels", self.at(event))
        container: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        if self.stack and isinstance(self.stack[-1][1], dict) and self.pending[-1] is None:
            raise _refuse(
                "YAML-1", "a key is not text", self.at(event),
                'put an expression in quotes, as "{{ item.note }}"; elsewhere use a plain key',
            )  # fmt: skip
        path = self.place_value(container, self.at(event))
        self.stack.append((path, container))
        self.pending.append(None)

    def scalar(self, event: Any) -> None:
        in_mapping = bool(self.stack) and isinstance(self.stack[-1][1], dict)
        if in_mapping and self.pending[-1] is None:
            self.key(event)
            return
        is_plain = event.style is None or event.style == ""
        start, end = event.start_mark, event.end_mark
        quotes = 0 if is_plain else 1
        is_as_written = end.line == start.line and (
            end.column - start.column == len(event.value) + 2 * quotes
        )
        here = Place(self.name, start.line + 1, start.column + 1, quotes if is_as_written else None)
        self.place_value(None if is_plain and event.value == "" else event.value, here)

    def key(self, event: Any) -> None:
        path, container = self.stack[-1]
        key, here = event.value, self.at(event)
        if key == "<<":
            raise _banned("the merge key <<", here, fix="write the keys out")
        if key in container:
            first = self.keys[(*path, key)]
            raise _refuse(
                "YAML-2", f'key "{key}" stands twice, first in line {first.line}', here,
                "remove one of the two",
            )  # fmt: skip
        container[key] = None
        self.keys[(*path, key)] = here
        self.pending[-1] = key

    def place_value(self, value: Any, here: Place) -> Path_:
        path: Path_
        if not self.stack:
            path, self.root = (), value
        else:
            parent, container = self.stack[-1]
            if isinstance(container, dict):
                key = self.pending[-1]
                assert key is not None
                container[key] = value
                self.pending[-1] = None
                path = (*parent, key)
            else:
                container.append(value)
                path = (*parent, len(container) - 1)
        self.values[path] = here
        return path


def resolve_inside(root: Path, relative: str, where: Place | str) -> Path:
    """Give the path of a file named in a document; it may not leave the document's folder.

    Raises: UserMustFix DOC-4.
    """
    windows = PureWindowsPath(relative)
    climbs = windows.is_absolute() or windows.drive or windows.root or ".." in windows.parts
    target = root / relative
    if any(len(part.encode()) > MAX_NAME_BYTES for part in windows.parts):
        raise _refuse(
            "DOC-4", f"a name is longer than {MAX_NAME_BYTES} bytes", where, "use a shorter name"
        )
    if climbs or "\0" in relative or not _is_inside(target, root):
        raise _refuse(
            "DOC-4", f'"{relative}" leaves the folder of the file that names it', where,
            "put the file beside or below it, and name it by a relative path",
        )  # fmt: skip
    return target


def _is_inside(target: Path, root: Path) -> bool:
    """Say whether a path ends inside a folder; links that go in circles end nowhere."""
    try:
        return target.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def near_match(word: str, choices: Iterator[str] | list[str] | set[str]) -> str | None:
    """Give the choice nearest to a word, if one is near."""
    found = difflib.get_close_matches(word, sorted(choices), n=1, cutoff=0.6)
    return found[0] if found else None


def read_json(raw: bytes | str) -> Any:
    """Read JSON with exact numbers: fractions become Decimal, never float (T2)."""
    return json.loads(raw, parse_float=Decimal)  # noqa: TID251


def _known_path(detail: Any, data: Any) -> Path_:
    """Drop the parts of an error's place that name a form of the value, not a key of the data."""
    path: list[str | int] = []
    if not detail["loc"]:
        return ()
    *outer, last = detail["loc"]
    for part in outer:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            continue
        path.append(part)
    is_in_data = isinstance(data, dict | list) and last in (
        data if isinstance(data, dict) else range(len(data))
    )
    if is_in_data or detail["type"] == "missing":
        path.append(last)
    return tuple(path)


def _problem_of(detail: Any, path: Path_, document: Document, schema: dict[str, Any]) -> Problem:
    name = ".".join(str(part) for part in path)
    kind = detail["type"]
    is_key = bool(detail["loc"]) and detail["loc"][-1] == "[key]"
    if kind == "extra_forbidden" or (is_key and kind == "literal_error"):
        allowed = re.findall("'([^']*)'", detail["ctx"]["expected"]) if is_key else None
        choices = sorted(allowed or _keys_at(schema, schema, path[:-1]))
        near = near_match(str(path[-1]), choices)
        fix = f'did you mean "{near}"?' if near else f"known keys: {', '.join(choices)}"
        place = document.keys.get(path, document.place(*path))
        return Problem("DOC-1", f'unknown key "{name}"', str(place), fix)
    place = document.place(*path)
    if kind == "missing":
        return Problem("DOC-2", f'"{name}" is missing', str(place), f'add "{path[-1]}"')
    message = _message(detail)
    what = f'"{name}": {message[:1].lower()}{message[1:]}' if name else message
    given = detail.get("input")
    shown = f', not "{given}"' if isinstance(given, str) and kind != "value_error" else ""
    return Problem("DOC-3", f"{what}{shown}", str(place), "correct the value")


def _message(detail: Any) -> str:
    """Say what a value must be, in words for those who write documents."""
    context = detail.get("ctx", {})
    if detail["type"] == "string_too_short":
        return f"must have at least {context['min_length']} characters"
    known = _FORMS.get(detail["type"]) or _PATTERNS.get(context.get("pattern", ""))
    plain = str(detail["msg"]).removeprefix("Value error, ")
    return known or re.sub("^(Input|String) should ", "must ", plain)


def _keys_at(schema: dict[str, Any], root: dict[str, Any], path: Path_) -> set[str]:
    """Collect the keys that a JSON schema knows at a path."""
    if "$ref" in schema:
        return _keys_at(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, path)
    found: set[str] = set()
    for branch in schema.get("anyOf", []) + schema.get("oneOf", []):
        found |= _keys_at(branch, root, path)
    if not path:
        return found | set(schema.get("properties", {}))
    inner = schema.get("properties", {}).get(path[0])
    inner = inner or schema.get("additionalProperties") or schema.get("items")
    inner = inner or next(iter(schema.get("patternProperties", {}).values()), None)
    return found | (_keys_at(inner, root, path[1:]) if isinstance(inner, dict) else set())


def _syntax_problem(error: yaml.YAMLError, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    fix = "correct this line or those before it, or quote the value"
    if mark and mark.column == 0 and "start any token" in what:
        fix = "indent with blanks, not with tabs"
    return Problem("YAML-1", f"not valid YAML: {what}", where, fix)


def _banned(what: str, where: Place, *, fix: str) -> UserMustFix:
    return _refuse("YAML-4", f"{what} is not allowed", where, fix)


def _refuse(code: str, what: str, where: Place | str, fix: str) -> UserMustFix:
    return UserMustFix(Problem(code, what, str(where), fix))


def _too_much(what: str, limit: str, where: Place) -> UserMustFix:
    return _refuse("YAML-3", f"{what} is more than {limit}", where, "split or shorten the file")
