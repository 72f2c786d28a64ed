"""Items with fields that we do not know, read at speed: Pleo may add a field to every item.

The element becomes plain values, unknown fields are taken out and noted, and the rest is
decoded like any other. Whatever is odd about it besides is left to the careful way.
"""

from __future__ import annotations

import functools
from typing import Any

import msgspec
from msgspec import inspect

from etl.items import wire

_BLANKS = b" \t\r\n"
_decode = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode())).decode
_encode = msgspec.json.Encoder().encode

#: Known fields by name, each with the known fields inside it.
Known = dict[str, "Known | None"]


def read_tolerantly(element: bytes) -> tuple[wire.Item, list[str]] | None:
    """Give the item and the paths of its unknown fields, or nothing if that is not all."""
    try:
        tree = _decode(element)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    # As in wire: equal length means that no key stood twice. Numbers keep their spelling.
    if len(_encode(tree).translate(None, _BLANKS)) != len(element.translate(None, _BLANKS)):
        return None
    unknown: list[str] = []
    _take_out(tree, known_fields(), "", unknown)
    decoded = wire.decode_fast([_encode(tree)]) if unknown else wire.Decoded()
    return (decoded.items[0], unknown) if decoded.items else None


@functools.cache
def known_fields() -> Known:
    """Give every field of an item by its name on the wire, with the fields inside of it."""
    known = _fields_of(inspect.type_info(wire.Item))
    assert known is not None
    return known


def _fields_of(kind: inspect.Type) -> Known | None:
    if isinstance(kind, inspect.UnionType):
        found = [fields for part in kind.types if (fields := _fields_of(part)) is not None]
        return found[0] if found else None
    if isinstance(kind, inspect.VarTupleType):
        return _fields_of(kind.item_type)
    if isinstance(kind, inspect.StructType):
        return {field.encode_name: _fields_of(field.type) for field in kind.fields}
    return None


def _take_out(value: Any, known: Known, path: str, unknown: list[str]) -> None:
    if isinstance(value, list):
        for element in value:
            _take_out(element, known, path, unknown)
    elif isinstance(value, dict):
        for name in value.keys() - known.keys():
            unknown.append(f"{path}{name}")
            del value[name]
        for name, inner in known.items():
            if inner is not None and (child := value.get(name)):
                _take_out(child, inner, f"{path}{name}.", unknown)
