"""Prove and explain a conversion from its folder alone: no items, no mapping, no template needed.

manifest.json  seal ───────────> a changed byte of the manifest shows
files          hash ───────────> a changed byte of a file shows; its line by check sums
               content hash ───> files, verdicts and attachments are those that were approved
               read back ──────> rows and totals are those of the manifest
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from etl.batches.evidence import EVIDENCE, Evidence, line_sums, read_evidence
from etl.batches.explanation import RowReason, explain_item
from etl.batches.reading import ReadManifest, read_manifest
from etl.batches.recipe import FileMembers, content_hash, members_of
from etl.batches.verdicts import VERDICTS
from etl.errors import Problem, UserMustFix
from etl.files import sha256

#: Lines named per changed file.
MAX_LINES = 20
_AGAIN = "take the file from a copy, or convert the items again into a new folder"


@dataclass(slots=True)
class Proof:
    """What a verification found. Without problems the folder is what was written, and proved."""

    content: str
    files: int = 0
    rows: int = 0
    problems: list[Problem] = field(default_factory=list)

    def differs(self, code: str, what: str, where: object, fix: str = _AGAIN) -> None:
        self.problems.append(Problem(code, what, str(where), fix))


def verify_folder(folder: Path) -> Proof:
    """Prove a conversion again from its files.

    Raises: UserMustFix VER-1, VER-2 where the manifest itself cannot be used.
    """
    manifest = read_manifest(folder)
    proof = Proof(manifest.head["content"])
    intact = {
        file["name"]: content
        for file in manifest.listed
        if (content := _intact(file, folder, proof)) is not None
    }
    _name_changed_lines(folder, manifest, intact, proof)
    if not proof.problems:
        _prove_content(manifest, intact, proof)
    return proof


def _intact(file: Mapping[str, Any], folder: Path, proof: Proof) -> bytes | None:
    """Read a file and give its bytes if they are those that were written."""
    path = folder / file["name"]
    try:
        content = path.read_bytes()
    except OSError as error:
        proof.differs("VER-3", f"{file['name']} cannot be read: {error.strerror}", path)
        return None
    return content if sha256(content) == file["sha256"] else None


def _name_changed_lines(
    folder: Path, manifest: ReadManifest, intact: Mapping[str, bytes], proof: Proof
) -> None:
    """Say of every changed file which lines differ, as far as the evidence is whole."""
    evidence = read_evidence(folder / EVIDENCE) if EVIDENCE in intact else None
    for file in manifest.listed:
        name = file["name"]
        if name in intact or not (folder / name).is_file():
            continue
        lines = list(_changed_lines(folder / name, evidence))
        for line in lines[:MAX_LINES]:
            proof.differs(
                "VER-3", f"{name} has been changed in line {line}", f"{folder / name}:{line}"
            )
        if not lines:
            proof.differs("VER-3", f"{name} has been changed", folder / name)
        if len(lines) > MAX_LINES:
            more = f"{name} has been changed in {len(lines) - MAX_LINES} more lines"
            proof.differs("VER-3", more, folder / name)


def _changed_lines(path: Path, evidence: Evidence | None) -> Iterator[int]:
    expected = [] if evidence is None else evidence.sums_of(path.name)
    if not expected:
        return
    found = line_sums(path.read_bytes())
    for number in range(1, max(len(expected), len(found)) + 1):
        if expected[number - 1 : number] != found[number - 1 : number]:
            yield number
            if len(expected) != len(found):
                return  # after a line more or less, every line differs


def _prove_content(manifest: ReadManifest, intact: Mapping[str, bytes], proof: Proof) -> None:
    """Hash again what was approved, and compare rows and counts."""
    head, items = manifest.head, manifest.items()
    members: list[FileMembers] = [
        members_of(file["name"], intact[file["name"]]) for file in head["files"]
    ]
    content = content_hash(
        members, verdicts=items.select(list(VERDICTS)), attachments=manifest.attachments()
    )
    if content != head["content"]:
        proof.differs("VER-4", "the content hash is not that of the manifest", "manifest.json")
    proof.files = len(head["files"])
    proof.rows = sum(file["rows"] for file in head["files"])
    if items.height != head["counts"]["items"]:
        proof.differs("VER-4", "the manifest does not list every item", "manifest.json")


# ── explain ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Explained:
    """An item as the manifest has it, and why its rows are what they are."""

    item: Mapping[str, Any]
    rows: list[RowReason]


def explain_in_folder(folder: Path, wanted: str) -> Explained:
    """Explain an item of a conversion.

    Needs: the item's id, its first characters (at least six), or its external id.
    Raises: UserMustFix VER-1 to VER-3, VER-5 where no item or several are meant.
    """
    manifest = read_manifest(folder)
    item = _find(manifest.items(), wanted, folder)
    path = folder / EVIDENCE
    content = path.read_bytes() if path.is_file() else b""
    if sha256(content) != manifest.hashes[EVIDENCE]:
        raise UserMustFix(
            Problem("VER-3", f"{EVIDENCE} is missing or has been changed", str(path), _AGAIN)
        )
    return Explained(item, explain_item(read_evidence(path), item["id"]))


MIN_PREFIX = 6


def _find(items: pl.DataFrame, wanted: str, folder: Path) -> dict[str, Any]:
    ids = pl.col("id")
    exact = items.filter((ids == wanted) | (pl.col("external_id") == wanted))
    found = exact
    if exact.is_empty() and len(wanted) >= MIN_PREFIX:
        found = items.filter(ids.str.starts_with(wanted))
    if found["id"].n_unique() != 1:
        what = f'no item is called "{wanted}"'
        if found.height:
            what = f'"{wanted}" means {found["id"].n_unique()} items: ' + ", ".join(
                found["id"].unique(maintain_order=True).head(MAX_LINES)
            )
        fix = "give the item's id, or the reference that the ERP file prints"
        raise UserMustFix(Problem("VER-5", what, str(folder), fix))
    # A repeated item is listed twice; the one that was exported says more.
    return found.sort("verdict").row(0, named=True)
