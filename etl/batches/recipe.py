"""What decides the bytes of a conversion, as hashes: the input, the recipe, the content.

    input     the items as ingested, without links and without the place where they stood
    recipe    everything else: template, mapping, tables, parameters, numbers, clock, versions
    content   what came out: members of files, verdicts, attachments; an approval names it

Same input and recipe give the same content, on any machine. None of the three depends on the
order or the form (page, array, lines) of the input.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from etl.files import sha256
from etl.frames import ITEM_KEY, LINE_KEY

#: Columns that say where something came from, not what it is.
_UNSTABLE = frozenset({"item.where", "where", "attachment.url"})
#: Control characters never stand in ingested text, so they can part and stand for null.
_FIELD, _ELEMENT, _NULL = "\x1f", "\x1e", "\x00"
BATCH_ID_LENGTH = 12
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"


def canonical(document: Any) -> bytes:
    """Give the one JSON text of a document: keys sorted, no blanks, UTF-8."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def hash_document(document: Any) -> str:
    """Give the SHA-256 of a document's canonical JSON."""
    return sha256(canonical(document))


def hash_frames(frames: Mapping[str, pl.DataFrame]) -> str:
    """Hash frames by value, whatever their chunks, their library and the machine.

    Needs: rows in a canonical order (by key).
    Gives: SHA-256 over names, types and values, column by column.
    """
    digest = hashlib.sha256()
    for name, frame in sorted(frames.items()):
        digest.update(canonical([name, frame.height]))
        for column in sorted(set(frame.columns) - _UNSTABLE):
            digest.update(canonical([column, str(frame.schema[column])]))
            digest.update(_column_bytes(frame[column]))
    return digest.hexdigest()


def hash_input(
    *,
    items: pl.DataFrame,
    lines: pl.DataFrame,
    attachments: pl.DataFrame,
    rejections: pl.DataFrame,
) -> str:
    """Hash what was read, so that neither order nor form of the input matters.

    Needs: frames with item.key, which follows the item ids. Items that share an id, or have none,
    have no order of their own: their rows are hashed in the order of their texts.
    """
    ids = items["item.id"]
    unordered = items.filter(ids.is_duplicated() | ids.is_null()).select(ITEM_KEY, "item.id")
    frames = {"items": items, "lines": lines, "attachments": attachments}
    ordered = frames
    if unordered.height:
        keys = unordered[ITEM_KEY].implode()
        ordered = {n: f.filter(~pl.col(ITEM_KEY).is_in(keys)) for n, f in frames.items()}
    loose = {
        name: _sorted_texts(
            frame.drop("item.id", strict=False).join(unordered, on=ITEM_KEY, validate="m:1")
        )
        for name, frame in frames.items()
    }
    return hash_document(
        [hash_frames(ordered), hash_frames(loose | {"rejections": _sorted_texts(rejections)})]
    )


def _sorted_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Give the rows of a frame as texts, in their order, without keys and places."""
    names = sorted(set(frame.columns) - _UNSTABLE - {ITEM_KEY, LINE_KEY})
    texts = frame.select(pl.struct(names).struct.json_encode().alias("row"))
    return texts.sort("row")


def _column_bytes(column: pl.Series) -> bytes:
    if column.null_count() == column.len():
        return b""
    kind = column.dtype
    if isinstance(kind, pl.List):
        # An element ends with its mark, so that no element and one empty element differ.
        marked = pl.element().fill_null(_NULL) + _ELEMENT
        column = column.cast(pl.List(pl.String)).list.eval(marked).list.join("")
    elif kind != pl.String:
        column = column.cast(pl.String)
    joined: str = column.fill_null(_NULL).str.join(_FIELD).item()
    return joined.encode()


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parts that decide the bytes: hashes of what people wrote, and versions as they are."""

    parts: Mapping[str, str]

    @property
    def sha256(self) -> str:
        return hash_document(dict(self.parts))


def make_recipe(
    *,
    template: Mapping[str, str],
    mapping: Mapping[str, str],
    settings: Mapping[str, Any],
    versions: Mapping[str, str],
) -> Recipe:
    """Collect the parts of a recipe.

    Needs: template and mapping: SHA-256 of every file read, by its name relative to the document.
    Settings (parameters, numbers, clock …) are hashed; versions stand in plain text.
    """
    parts = {f"template/{name}": value for name, value in template.items()}
    parts |= {f"mapping/{name}": value for name, value in mapping.items()}
    parts |= {name: hash_document(value) for name, value in settings.items()}
    parts |= {f"version/{name}": value for name, value in versions.items()}
    return Recipe(dict(sorted(parts.items())))


def batch_id(input_hash: str, *, company: str, template: str, number: int) -> str:
    """Name an offline batch after what went in; a mended mapping keeps the name."""
    return hash_document([input_hash, company, template, number])[:BATCH_ID_LENGTH]


@dataclass(frozen=True, slots=True)
class FileMembers:
    """A file as its content counts: the members of a container, or itself."""

    name: str
    members: Sequence[tuple[str, bytes]]


def members_of(name: str, content: bytes) -> FileMembers:
    """Take a file apart: a zip or xlsx into its members, gzip into what it packs."""
    if content.startswith(_ZIP):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = [(entry, archive.read(entry)) for entry in archive.namelist()]
        return FileMembers(name, inside)
    if content.startswith(_GZIP):
        return FileMembers(name, [(name, gzip.decompress(content))])
    return FileMembers(name, [(name, content)])


def content_hash(
    files: Iterable[FileMembers], *, verdicts: pl.DataFrame, attachments: pl.DataFrame
) -> str:
    """Hash what an approval names: members of all files, verdicts and attachments.

    Needs: verdicts (VERDICTS of etl.batches.verdicts) and attachments (ATTACHED), in any order.
    """
    listed = [
        [file.name, [[name, sha256(content)] for name, content in sorted(file.members)]]
        for file in sorted(files, key=lambda file: file.name)
    ]
    return hash_document(
        [
            listed,
            hash_frames({"verdicts": verdicts.sort(verdicts.columns, nulls_last=True)}),
            hash_frames({"attachments": attachments.sort(attachments.columns, nulls_last=True)}),
        ]
    )
