"""manifest.json: what a conversion was made of, what came out, and where every item is.

The text is made, not dumped: keys sorted, one element of a list per line, amounts as strings.
The seal is the hash of the manifest with an empty seal, so that any changed byte shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from etl.batches.recipe import Recipe
from etl.batches.verdicts import Counts
from etl.codes import CODES
from etl.files import sha256

MANIFEST = "manifest.json"
SCHEMA = 1
EMPTY_SEAL = b'\n "seal": ""'
#: Lists that may have a million elements; each stands on lines of its own.
LONG_LISTS = ("items", "attachments")


@dataclass(frozen=True, slots=True)
class Total:
    """Debits and credits in one currency, of a file or of the batch."""

    currency: str | None
    debit: str
    credit: str


@dataclass(frozen=True, slots=True)
class Made:
    """A file in the output folder: its hash and size, and for an ERP file its postings."""

    name: str
    content: bytes
    rows: int | None = None
    totals: Sequence[Total] = ()

    def listed(self) -> dict[str, Any]:
        """Give the file as the manifest lists it."""
        entry: dict[str, Any] = {
            "name": self.name, "sha256": sha256(self.content), "bytes": len(self.content),
        }  # fmt: skip
        if self.rows is not None:
            entry |= {"rows": self.rows, "totals": [asdict(total) for total in self.totals]}
        return entry


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest before it is text. `items` and `attachments` are lines of JSON: there may be
    millions of them.
    """

    batch: Mapping[str, Any]
    template: Mapping[str, Any]
    mapping: Mapping[str, Any]
    parameters: Mapping[str, Any]
    recipe: Recipe
    numbers: Mapping[str, Any]
    input: Mapping[str, Any]
    content: str
    counts: Counts
    totals: Sequence[Total]
    controls: Mapping[str, Any]
    notes: Sequence[Mapping[str, Any]]
    files: Sequence[Made]
    items: pl.Series
    attachments: pl.Series
    read_back: Mapping[str, Any]

    def head(self) -> dict[str, Any]:
        """Give everything but items, attachments, and what depends on the reports."""
        return {
            "schema": SCHEMA,
            "batch": dict(self.batch),
            "template": dict(self.template),
            "mapping": dict(self.mapping),
            "parameters": dict(self.parameters),
            "recipe": {"sha256": self.recipe.sha256, "parts": dict(self.recipe.parts)},
            "numbers": dict(self.numbers),
            "input": dict(self.input),
            "content": self.content,
            "counts": asdict(self.counts),
            "totals": [asdict(total) for total in self.totals],
            "controls": dict(self.controls),
            "notes": list(self.notes),
            "files": [file.listed() for file in self.files],
            "read_back": dict(self.read_back),
        }

    def write(self, reports: Sequence[Made]) -> bytes:
        """Give the bytes of manifest.json. Reports are files for people, beside the ERP's."""
        document = self.head() | {"reports": [report.listed() for report in reports]}
        texts = {key: _pretty(value).encode() for key, value in document.items()}
        texts |= {"items": _long(self.items), "attachments": _long(self.attachments)}
        texts["seal"] = b'""'
        # Million-item lists are large: pieces are hashed as they are and joined once.
        pieces = [b"{"]
        for key, text in sorted(texts.items()):
            pieces += [b",\n" if len(pieces) > 1 else b"\n", f' "{key}": '.encode(), text]
        pieces.append(b"\n}\n")
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        seal = f'"{digest.hexdigest()}"'.encode()
        return b"".join(seal if piece is texts["seal"] else piece for piece in pieces)


def summarise_notes(notes: pl.DataFrame) -> list[dict[str, Any]]:
    """Give one entry per kind of note: code, count, the items concerned, whether it blocks.

    Notes of a code that are about several things are an entry for each of these.
    """
    by_code = (
        notes.sort("code", "about", "item_id", nulls_last=True)
        .group_by("code", "about", maintain_order=True)
        .agg(pl.len().alias("count"), pl.col("item_id").drop_nulls().unique(maintain_order=True))
    )
    return [
        {
            "code": code, "count": count, "items": items,
            "blocking": CODES[code].kind == "blocking note",
            "meaning": about or CODES[code].meaning,
        }
        for code, about, count, items in by_code.iter_rows()
    ]  # fmt: skip


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _pretty(value: Any, depth: int = 1) -> str:
    """Write keys on lines of their own, and every element of a list of objects on one line."""
    if isinstance(value, dict) and value and depth < 3:
        pad = " " * (depth + 1)
        inner = (f"{pad}{_text(k)}: {_pretty(v, depth + 1)}" for k, v in sorted(value.items()))
        return "{\n" + ",\n".join(inner) + f"\n{' ' * depth}}}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return _lines([_text(element) for element in value], depth)
    return _text(value)


def _long(lines: pl.Series) -> bytes:
    """Write a list whose elements are lines of JSON already."""
    if lines.is_empty():
        return b"[]"
    joined: str = lines.str.join(",\n  ").item()
    return b"".join((b"[\n  ", joined.encode(), b"\n ]"))


def _lines(elements: Sequence[str], depth: int = 1) -> str:
    if not elements:
        return "[]"
    pad = " " * (depth + 1)
    return f"[\n{pad}" + f",\n{pad}".join(elements) + f"\n{' ' * depth}]"
