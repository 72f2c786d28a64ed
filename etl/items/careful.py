"""The careful way to read one export item: every problem with its JSON path, or the item.

Used for the few elements that all faster ways refuse. The shapes in `etl.items.wire` are walked
by inspection, so that both ways accept the same items (a property test holds that).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import inspect

from etl.codes import CODES
from etl.items import wire
from etl.money import MAX_HUNDREDTHS

MAX_DEPTH = 100
#: Decimal digits of a whole number that are read; longer ones stay text and are refused.
MAX_DIGITS = 19
MAX_SHOWN = 60

UUID_PATTERN = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an element: code, message, fix, and the line it concerns."""

    code: str
    message: str
    fix: str
    line: int | None = None


@dataclass
class Careful:
    """What the careful way found: an item or faults, and fields that we do not know."""

    item: wire.Item | None = None
    item_id: str | None = None
    faults: list[Fault] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


class _Number(str):
    """A JSON number that is no short whole number, as it was written."""

    __slots__ = ()


class _Repeated(dict[str, Any]):
    """An object in which keys stand twice."""

    repeated: tuple[str, ...] = ()


def read_carefully(element: bytes | None, *, item_bytes: int) -> Careful:
    """Read one element; never raises for anything an element may hold."""
    if element is None:
        return _failed(
            "IN-9", f"the item is longer than {item_bytes} bytes", "ask Pleo about this item"
        )
    if _depth(element) > MAX_DEPTH:
        return _failed(
            "IN-9", f"the item is nested deeper than {MAX_DEPTH} levels", "ask Pleo about this item"
        )
    try:
        tree = _parse(element)
    except ValueError as error:
        return _failed("IN-7", f"not valid JSON: {_reason(error)}", "export the items again")
    found = Careful()
    _check(tree, _item_shape(), (), found)
    if isinstance(tree, dict):
        named = tree.get("accountingEntryId")
        if isinstance(named, str) and re.fullmatch(UUID_PATTERN, named):
            found.item_id = named
    if not found.faults:
        found.item = wire.decode_item(msgspec.json.encode(_known(tree, _item_shape())))
    return found


@functools.cache
def _item_shape() -> inspect.Type:
    return inspect.type_info(wire.Item)


def _failed(code: str, message: str, fix: str) -> Careful:
    assert code in CODES, code
    return Careful(faults=[Fault(code, message, fix)])


def _depth(element: bytes) -> int:
    depth = deepest = 0
    for token in _TOKENS.finditer(element):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first != b'"':
            depth -= 1
    return deepest


def _parse(element: bytes) -> Any:
    text = element.decode()
    decoder = json.JSONDecoder(
        object_pairs_hook=_object,
        parse_int=lambda digits: int(digits) if len(digits) <= MAX_DIGITS else _Number(digits),
        parse_float=_Number,
        parse_constant=_no_constant,
    )
    tree, end = decoder.raw_decode(text, _blank(text, 0))
    if _blank(text, end) != len(text):
        raise ValueError(f"something follows the item at character {end + 1}")
    if "\\u" in text and any(_SURROGATE.search(part) for part in _strings(tree)):
        raise ValueError("half of a surrogate pair")
    return tree


def _blank(text: str, start: int) -> int:
    while start < len(text) and text[start] in " \t\r\n":
        start += 1
    return start


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeated = _Repeated(found)
    keys = [key for key, _ in pairs]
    repeated.repeated = tuple(sorted({key for key in keys if keys.count(key) > 1}))
    return repeated


def _reason(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        what = error.msg.removesuffix(" at")  # of a text that is cut off
        return f"{what[:1].lower()}{what[1:]} at character {error.pos + 1}"
    return str(error)


def _strings(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            yield from _strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _strings(value)


_Path = tuple[str | int, ...]


def _check(value: Any, kind: inspect.Type, path: _Path, found: Careful) -> None:
    """Walk a value along its shape and note every fault and every unknown field."""
    if isinstance(kind, inspect.UnionType):
        if value is None:
            return
        kind = next(k for k in kind.types if not isinstance(k, inspect.NoneType))
    if isinstance(kind, inspect.StructType):
        _check_object(value, kind, path, found)
    elif isinstance(kind, inspect.VarTupleType):
        if not isinstance(value, list):
            _wrong(value, "a list", path, found)
            return
        for number, element in enumerate(value):
            _check(element, kind.item_type, (*path, number), found)
    elif isinstance(kind, inspect.DictType):
        if not isinstance(value, dict):
            _wrong(value, "an object", path, found)
            return
        _check_repeated(value, path, found)
        for key, inner in value.items():
            _check(inner, kind.value_type, (*path, key), found)
    elif isinstance(kind, inspect.RawType):
        _check_rate(value, path, found)
    elif isinstance(kind, inspect.StrType):
        if not isinstance(value, str) or isinstance(value, _Number):
            _wrong(value, "text", path, found)
    else:
        _check_number(value, kind, path, found)


def _check_object(value: Any, kind: inspect.StructType, path: _Path, found: Careful) -> None:
    if not isinstance(value, dict):
        _wrong(value, "an object", path, found)
        return
    _check_repeated(value, path, found)
    fields = {f.encode_name: f for f in kind.fields}
    for name, inner in value.items():
        if name in fields:
            _check(inner, fields[name].type, (*path, name), found)
        else:
            shown = ".".join(part for part in (*path, name) if isinstance(part, str))
            found.unknown.append(shown)
    for name, known in fields.items():
        if known.required and name not in value:
            _fault(found, "ITEM-1", f"{_show((*path, name))} is missing", path)


def _check_repeated(value: dict[str, Any], path: _Path, found: Careful) -> None:
    if isinstance(value, _Repeated):
        for key in value.repeated:
            _fault(found, "IN-8", f'the key "{_show((*path, key))}" stands twice', path)


def _check_number(value: Any, kind: inspect.Type, path: _Path, found: Careful) -> None:
    assert isinstance(kind, inspect.IntType)
    assert kind.ge is not None
    assert kind.le is not None
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and kind.ge <= value <= kind.le:
        return
    if kind.le != MAX_HUNDREDTHS:
        _wrong(value, f"a whole number from {kind.ge} to {kind.le}", path, found)
    else:
        what = f"{_show(path)} is {_sample(value)}, not a whole number of hundredths"
        if whole or (isinstance(value, _Number) and value.lstrip("-").isdigit()):
            what = f"{_show(path)} is {_sample(value)}, more than {MAX_HUNDREDTHS} hundredths"
        _fault(found, "ITEM-2", what, path)


def _check_rate(value: Any, path: _Path, found: Careful) -> None:
    try:
        wire.rate_of(_json_text(value))
    except ValueError as error:
        _wrong(value, str(error), path, found)


def _json_text(value: Any) -> bytes:
    return value.encode() if isinstance(value, _Number) else msgspec.json.encode(value)


def _wrong(value: Any, wanted: str, path: _Path, found: Careful) -> None:
    place = _show(path) if path else "the item"
    missing = value is None
    what = f"{place} is {'null' if missing else _sample(value)}, not {wanted}"
    _fault(found, "ITEM-1", what, path)


_FIXES = {
    "IN-8": "export the items again; it is not clear which of the values is meant",
    "ITEM-1": "ask Pleo about this item; the field is described in the Export API",
    "ITEM-2": "ask Pleo about this item; amounts are digits only, 89696 for 896.96",
}


def _fault(found: Careful, code: str, message: str, path: _Path) -> None:
    line = None
    if len(path) > 1 and path[0] == "accountingEntryLines" and isinstance(path[1], int):
        line = path[1] + 1
    found.faults.append(Fault(code, message, _FIXES[code], line))


def _show(path: _Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return _clip(text.removeprefix("."))


def _sample(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and not isinstance(value, _Number):
        return f'the text "{_clip(value)}"'
    return "null" if value is None else _clip(str(value))


def _clip(text: str) -> str:
    """Shorten what a message quotes, and keep it on one line."""
    plain = "".join(c if c.isprintable() else " " for c in text[: MAX_SHOWN + 1])
    return plain if len(plain) <= MAX_SHOWN else f"{plain[: MAX_SHOWN - 1]}…"


def _known(value: Any, kind: inspect.Type) -> Any:
    """Give a checked value without unknown fields, its rates as they were written."""
    if isinstance(kind, inspect.UnionType) and value is not None:
        kind = next(k for k in kind.types if not isinstance(k, inspect.NoneType))
    if isinstance(kind, inspect.StructType) and isinstance(value, dict):
        return {
            f.encode_name: _known(value[f.encode_name], f.type)
            for f in kind.fields
            if f.encode_name in value
        }
    if isinstance(kind, inspect.VarTupleType) and isinstance(value, list):
        return [_known(element, kind.item_type) for element in value]
    return msgspec.Raw(value.encode()) if isinstance(value, _Number) else value
