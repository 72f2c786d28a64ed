"""Names of an expression: `item.supplier.name`, `line.tags['CODE']`, parameters and constants."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import polars as pl
from jinja2 import nodes

from etl.documents import near_match
from etl.expressions.scope import Scope, Term, constant
from etl.frames import (
    ATTACHMENT,
    BATCH,
    COMPANY,
    ENGINE,
    FILE,
    ITEM,
    JOB,
    LINE,
    LISTS,
    POSTING,
    VOUCHER,
)

#: Names that some context has; in another context they are known, but not there.
_ELSEWHERE = frozenset(
    column.name
    for columns in (
        ITEM, LINE, VOUCHER, POSTING, ATTACHMENT, FILE, BATCH, JOB, COMPANY, ENGINE,
        *LISTS.values(),
    )
    for column in columns
)  # fmt: skip
_TAGS = "line.tags"
#: Most names that a message lists.
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a name is not one, without its place."""

    code: str
    what: str
    fix: str


def find_name(node: nodes.Node, scope: Scope) -> Term | Refusal:
    """Give the term that a name stands for."""
    parts = _parts(node)
    if isinstance(parts, Refusal):
        return parts
    name = ".".join(parts)
    if name in scope.columns:
        growth = scope.growth.get(name, 1)
        return Term(pl.col(name), scope.columns[name], frozenset({name}), growth=growth)
    if name in scope.constants:
        kind, value = scope.constants[name]
        return constant(value, kind)
    return _unknown(name, scope)


def _parts(node: nodes.Node) -> list[str] | Refusal:
    """Take a dotted name apart."""
    parts: list[str] = []
    while not isinstance(node, nodes.Name):
        if isinstance(node, nodes.Getattr):
            parts.append(node.attr)
        elif isinstance(node, nodes.Getitem):
            key = node.arg
            if not isinstance(key, nodes.Const) or not isinstance(key.value, str):
                return Refusal(
                    "EXP-2", "a number or slice in [ ] is not allowed",
                    "use | first for lists, first(n) or last(n) for texts, line.tags['CODE']",
                )  # fmt: skip
            parts.append(key.value)
        else:
            return Refusal(
                "EXP-2", "a part of a value, by a dot or [ ], is not allowed",
                "only names have dots; use a filter, such as | first",
            )  # fmt: skip
        node = node.node
    parts.append(node.name)
    parts.reverse()
    if parts[:2] == _TAGS.split(".") and len(parts) == 3:
        parts[2] = unicodedata.normalize("NFC", parts[2]).casefold()
    return parts


def _unknown(name: str, scope: Scope) -> Refusal:
    names = scope.names()
    group = sorted(known for known in names if known.startswith(f"{name}."))
    if group:
        shown = ", ".join(group[:_SHOWN]) + (", …" if len(group) > _SHOWN else "")
        return Refusal("EXP-3", f'"{name}" is a group of names', f"write one of: {shown}")
    if name.startswith(f"{_TAGS}."):
        return Refusal(
            "EXP-3", f'unknown tag group "{name.removeprefix(f"{_TAGS}.")}"',
            "declare the group under tags in the mapping",
        )  # fmt: skip
    roots = sorted({known.split(".")[0] for known in names})
    begin = f"names here begin with: {', '.join(roots)}"
    if name in _ELSEWHERE and name.split(".")[0] not in roots:
        return Refusal("EXP-3", f'"{name}" is not known here', begin)
    near = near_match(name, names)
    if near is not None:
        return Refusal("EXP-3", f'unknown name "{name}"', f'did you mean "{near}"?')
    return Refusal("EXP-3", f'unknown name "{name}"', f"{begin}; put a text into quotes")
