"""Read a manifest back: whole and unchanged, or refused. Long lists are read as frames."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from etl.batches.manifest import EMPTY_SEAL, LONG_LISTS, MANIFEST, SCHEMA
from etl.batches.verdicts import ATTACHED, ATTACHED_PATH, VERDICTS
from etl.documents import read_json
from etl.errors import Problem, UserMustFix
from etl.files import is_safe_name, sha256

#: The folder of receipts, beside the files that they belong to.
RECEIPTS = "attachments"
_SEAL = re.compile(rb'\n "seal": "([0-9a-f]{64})"')
#: Keys of every manifest; a file that lacks one was not written by us.
_KEYS = frozenset(
    {
        *("schema", "batch", "template", "mapping", "parameters", "recipe", "numbers", "input"),
        *("content", "counts", "totals", "controls", "notes", "files", "items", "attachments"),
        *("read_back", "reports", "seal"),
    }
)
_ITEM = VERDICTS | {
    "vouchers": pl.List(pl.String),
    "rows": pl.List(pl.Struct({"file": pl.String, "rows": pl.List(pl.Int64)})),
    "where": pl.String(),
}


@dataclass(frozen=True, slots=True)
class ReadManifest:
    """A manifest that was read: the head without its long lists, and these as lines of JSON."""

    head: Mapping[str, Any]
    lists: Mapping[str, bytes]

    def items(self) -> pl.DataFrame:
        """Give every item with its verdict, vouchers and rows, in the order of the manifest."""
        return self._frame("items", _ITEM)

    def attachments(self) -> pl.DataFrame:
        """Give every attachment (ATTACHED)."""
        return self._attached().select(list(ATTACHED))

    def receipts(self) -> dict[str, str]:
        """Give path and hash of every receipt that lies in the folder as a file of its own.

        Raises: UserMustFix VER-2 where a path leads out of the folder.
        """
        named = self._attached().filter(pl.col("path").is_not_null()).select("path", "sha256")
        found: dict[str, str] = dict(named.iter_rows())
        for path in found:
            if not is_safe_name(path.removeprefix(f"{RECEIPTS}/")):
                raise _refused("names a receipt outside of its folder", MANIFEST)
        return found

    def _attached(self) -> pl.DataFrame:
        return self._frame("attachments", ATTACHED | ATTACHED_PATH)

    def _frame(self, name: str, columns: Mapping[str, Any]) -> pl.DataFrame:
        if not self.lists[name]:
            return pl.DataFrame(schema=dict(columns))
        return pl.read_ndjson(io.BytesIO(self.lists[name]), schema=dict(columns))

    @property
    def hashes(self) -> dict[str, str]:
        """Give name and hash of every file that the manifest lists."""
        return {file["name"]: file["sha256"] for file in self.listed}

    @property
    def listed(self) -> list[Mapping[str, Any]]:
        """Give the files for the ERP and the reports."""
        return [*self.head["files"], *self.head["reports"]]


def read_manifest(folder: Path) -> ReadManifest:
    """Read and check the manifest of a folder.

    Raises: UserMustFix VER-1 (none there), VER-2 (changed, cut, or not ours).
    """
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UserMustFix(
            Problem(
                "VER-1",
                f"cannot read {MANIFEST}: {error.strerror}",
                str(path),
                "name the folder that `pleo-etl convert -o` wrote",
            )
        ) from None
    return parse_manifest(raw, where=str(path))


def parse_manifest(raw: bytes, *, where: str) -> ReadManifest:
    """Check the seal of a manifest and take it apart.

    Raises: UserMustFix VER-2.
    """
    seals = _SEAL.findall(raw)
    intact = len(seals) == 1 and sha256(_SEAL.sub(EMPTY_SEAL, raw)).encode() == seals[0]
    head, lists = _take_apart(raw) if intact else (None, {})
    if not _is_ours(head):
        raise _refused("has been changed since it was written, or is not pleo-etl's", where)
    assert isinstance(head, dict)
    if head["schema"] != SCHEMA:
        raise _refused(f"has schema {head['schema']}, and this pleo-etl knows {SCHEMA}", where)
    return ReadManifest(head, lists)


def _refused(what: str, where: str) -> UserMustFix:
    fix = "take the folder from a copy, or convert the items again into a new folder"
    return UserMustFix(Problem("VER-2", f"{MANIFEST} {what}", where, fix))


def _take_apart(raw: bytes) -> tuple[Any, dict[str, bytes]]:
    """Cut the long lists out of the text; what is left is small."""
    lists = dict.fromkeys(LONG_LISTS, b"")
    try:
        for name in LONG_LISTS:
            begin, end = f'\n "{name}": [\n'.encode(), b"\n ]"
            at = raw.find(begin)
            if at >= 0:
                start, stop = at + len(begin), raw.index(end, at)
                lists[name] = raw[start:stop].replace(b"},\n  {", b"}\n{")
                raw = raw[: start - 1] + raw[stop + 2 :]
        return read_json(raw), lists
    except (ValueError, RecursionError):
        return None, lists


def _is_ours(head: Any) -> bool:
    """Say whether a document has the shape of a manifest, and names no file elsewhere."""
    if not isinstance(head, dict) or head.keys() != _KEYS:
        return False
    lists = ("files", "reports", "notes", "totals", *LONG_LISTS)
    parts = ("batch", "template", "mapping", "counts", "controls", "input", "recipe", "read_back")
    return (
        all(isinstance(head[name], list) for name in lists)
        and all(isinstance(head[name], dict) for name in parts)
        and head["batch"].keys() >= {"id", "number", "company", "created"}
        and head["template"].keys() >= {"id", "version", "sha256"}
        and all(_is_file(file) for file in (*head["files"], *head["reports"]))
    )


def _is_file(file: Any) -> bool:
    return (
        isinstance(file, dict)
        and file.keys() >= {"name", "sha256", "bytes"}
        and isinstance(file["name"], str)
        and is_safe_name(file["name"])
    )
