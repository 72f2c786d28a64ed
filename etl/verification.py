"""Prove and explain a conversion from its folder alone: no items, no mapping, no template needed.

manifest.json  seal ───────────> a changed byte of the manifest shows
files          hash ───────────> a changed byte of a file shows; its line by check sums
               content hash ───> files, verdicts and attachments are those that were approved
               read back ──────> rows and totals are those of the manifest
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from etl.batches.evidence import EVIDENCE, READ, Evidence, line_sums, read_evidence
from etl.batches.explanation import RowReason, explain_item
from etl.batches.manifest import MANIFEST
from etl.batches.reading import ReadManifest, read_manifest
from etl.batches.recipe import content_hash, members_of
from etl.batches.rejected import REJECTIONS_FILE
from etl.batches.verdicts import FAILED, VERDICTS
from etl.errors import EtlError, Problem, UserMustFix
from etl.files import sha256
from etl.money import AMOUNT
from etl.rendering import Template, load_template
from etl.rendering.readback import read_back_file
from etl.rendering.readback_wanted import Difference

#: Lines named per changed file.
MAX_LINES = 20
_AGAIN = "take the file from a copy, or convert the items again into a new folder"


@dataclass(slots=True)
class Proof:
    """What a verification found. Without problems the folder is what was written, and proved."""

    content: str
    items: int
    rejected: int
    files: int = 0
    rows: int = 0
    problems: list[Problem] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def differs(self, code: str, what: str, *, where: object) -> None:
        self.problems.append(Problem(code, what, str(where), _AGAIN))


def verify_folder(folder: Path) -> Proof:
    """Prove a conversion again from its files.

    Raises: UserMustFix VER-1, VER-2 where the manifest itself cannot be used.
    """
    manifest = read_manifest(folder)
    counts = manifest.head["counts"]
    proof = Proof(manifest.head["content"], counts["items"], counts["rejected"])
    intact = {
        file["name"]: content
        for file in manifest.listed
        if (content := _intact(file, folder=folder, proof=proof)) is not None
    }
    for path, expected in manifest.receipts().items():
        _prove_receipt(folder / path, path, sha256=expected, proof=proof)
    _name_changed_lines(folder, manifest, intact=intact, proof=proof)
    if not proof.problems:
        _prove_content(folder, manifest, intact=intact, proof=proof)
    return proof


def _intact(file: Mapping[str, Any], *, folder: Path, proof: Proof) -> bytes | None:
    """Read a file and give its bytes if they are those that were written."""
    path = folder / file["name"]
    try:
        content = path.read_bytes()
    except OSError as error:
        proof.differs("VER-3", f"{file['name']} cannot be read: {error.strerror}", where=path)
        return None
    return content if sha256(content) == file["sha256"] else None


def _prove_receipt(path: Path, name: str, *, sha256: str, proof: Proof) -> None:
    """Compare a receipt with its hash, piece by piece: there may be thousands of large ones."""
    try:
        with path.open("rb") as handle:
            found = hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        proof.differs("VER-3", f"{name} cannot be read: {error.strerror}", where=path)
        return
    if found != sha256:
        proof.differs("VER-3", f"{name} has been changed", where=path)


def _name_changed_lines(
    folder: Path, manifest: ReadManifest, *, intact: Mapping[str, bytes], proof: Proof
) -> None:
    """Say of every changed file which lines differ, as far as the evidence is whole."""
    evidence = read_evidence(folder / EVIDENCE) if EVIDENCE in intact else None
    for file in manifest.listed:
        name = file["name"]
        if name in intact or not (folder / name).is_file():
            continue
        lines = list(_changed_lines(folder / name, evidence))
        for line in lines[:MAX_LINES]:
            at = f"{folder / name}:{line}"
            proof.differs("VER-3", f"{name} has been changed in line {line}", where=at)
        if not lines:
            proof.differs("VER-3", f"{name} has been changed", where=folder / name)
        if len(lines) > MAX_LINES:
            more = f"{name} has been changed in {len(lines) - MAX_LINES} more lines"
            proof.differs("VER-3", more, where=folder / name)


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


def _prove_content(
    folder: Path, manifest: ReadManifest, *, intact: Mapping[str, bytes], proof: Proof
) -> None:
    """Hash again what was approved, read every file back, and compare rows and totals."""
    head, items = manifest.head, manifest.items()
    content = content_hash(
        [members_of(file["name"], intact[file["name"]]) for file in head["files"]],
        verdicts=items.select(list(VERDICTS)),
        attachments=manifest.attachments(),
    )
    if content != head["content"]:
        proof.differs(
            "VER-4", "the content hash is not that of the manifest", where=folder / MANIFEST
        )
    if items.height != head["counts"]["items"]:
        proof.differs("VER-4", "the manifest does not list every item", where=folder / MANIFEST)
    evidence = read_evidence(folder / EVIDENCE)
    template = _template_of(manifest, proof) if head["files"] else None
    proof.files = len(head["files"])
    for file in head["files"]:
        name = file["name"]
        if name not in evidence.facts.files:
            continue  # a companion: it repeats what another file says
        expected = evidence.of_file(name)
        _compare_totals(folder / name, file, expected=expected, proof=proof)
        if template is not None:
            said = intact[name]
            if name in evidence.facts.packed:
                said = members_of(name, said).members[0][1]
            key = evidence.facts.files[name]
            read = read_back_file(template, key, content=said)
            _compare_rows(folder / name, expected, read=read, proof=proof)
        proof.rows += file["rows"]


def _template_of(manifest: ReadManifest, proof: Proof) -> Template | None:
    """Load the template that wrote the files, if it is still what it was then."""
    wanted = manifest.head["template"]
    try:
        template = load_template(wanted["id"], workspace=Path.cwd())
        if template.sha256 == wanted["sha256"]:
            given = {k: v for k, v in manifest.head["parameters"].items() if v is not None}
            return template.with_parameters(given)
    except EtlError:
        pass  # said below: the hashes prove the files without it
    proof.remarks.append(
        f"the template {wanted['id']} is not here as it was; hashes and totals were proved, the"
        " files were not read back"
    )
    return None


def _compare_totals(
    path: Path, file: Mapping[str, Any], *, expected: pl.DataFrame, proof: Proof
) -> None:
    signed = pl.col("posting.signed")
    is_pair = pl.col("posting.shape") == "pair"
    zero = pl.lit(0, AMOUNT)
    sums = (
        expected.group_by(pl.col("posting.currency").alias("currency"))
        .agg(
            debit=pl.when(is_pair | (signed > 0)).then(signed.abs()).otherwise(zero).sum(),
            credit=pl.when(is_pair | (signed < 0)).then(signed.abs()).otherwise(zero).sum(),
        )
        .sort("currency")
        .with_columns(pl.col("debit", "credit").cast(pl.String))
    )
    if sums.to_dicts() != file["totals"] or expected.height != file["rows"]:
        what = f"rows or totals of {file['name']} are not those of the manifest"
        proof.differs("VER-4", what, where=path)


def _compare_rows(
    path: Path,
    expected: pl.DataFrame,
    *,
    read: tuple[pl.DataFrame, list[Difference]],
    proof: Proof,
) -> None:
    """Compare what the file says now with what it said when it was written, line by line."""
    found, differences = read
    for difference in differences:
        at = path if difference.line is None else f"{path}:{difference.line}"
        proof.differs("VER-4", f"{path.name}: {difference.what}", where=at)
    said = [name for name in expected.columns if name.startswith(READ)]
    known = expected.select("row", *said).unique(maintain_order=True)
    rows = found.rename({"line": "row"} | {n: f"{READ}{n}" for n in found.columns if n != "line"})
    joined = known.join(rows, on="row", how="full", validate="m:m", coalesce=True, suffix="|found")
    wrong = [
        pl.col(name).cast(pl.String).ne_missing(pl.col(f"{name}|found").cast(pl.String))
        for name in said
        if f"{name}|found" in joined.columns
    ]
    lines = joined.filter(pl.any_horizontal(wrong)) if wrong else joined.clear()
    for line in lines["row"].sort().head(MAX_LINES):
        what = f"{path.name} line {line} does not say what was written there"
        proof.differs("VER-4", what, where=f"{path}:{line}")


# ── explain ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Explained:
    """An item as the manifest has it, why its rows are what they are, or why it was rejected.

    rejections  its lines of rejections.csv, by column
    remarks     what could not be shown
    """

    item: Mapping[str, Any]
    rows: list[RowReason]
    rejections: list[dict[str, str]]
    remarks: list[str]


def explain_in_folder(folder: Path, wanted: str) -> Explained:
    """Explain an item of a conversion.

    Needs: the item's id, its first characters (at least six), its external id, or, if it was
    rejected, its reconciliation id.
    Raises: UserMustFix VER-1 to VER-3, VER-5 where no item or several are meant.
    """
    manifest = read_manifest(folder)
    path = folder / EVIDENCE
    content = path.read_bytes() if path.is_file() else b""
    if sha256(content) != manifest.hashes[EVIDENCE]:
        raise UserMustFix(
            Problem("VER-3", f"{EVIDENCE} is missing or has been changed", str(path), _AGAIN)
        )
    evidence = read_evidence(path)
    item = _find(manifest.items(), wanted, evidence=evidence, folder=folder)
    files: dict[str, bytes] = {}
    remarks = []
    for name in sorted({rows["file"] for rows in item["rows"]}):
        said = _unchanged(name, folder=folder, manifest=manifest)
        if said is None:
            remarks.append(f"{name} is missing or has been changed: what stands in it is not shown")
        else:
            is_packed = name in evidence.facts.packed
            files[name] = members_of(name, said).members[0][1] if is_packed else said
    return Explained(
        item,
        explain_item(evidence, item["id"], files=files),
        _rejections_of(item, folder=folder, manifest=manifest),
        remarks,
    )


def _unchanged(name: str, *, folder: Path, manifest: ReadManifest) -> bytes | None:
    """Give the bytes of a file if they are those that were written."""
    path = folder / name
    content = path.read_bytes() if path.is_file() else b""
    return content if sha256(content) == manifest.hashes.get(name) else None


def _rejections_of(
    item: Mapping[str, Any], *, folder: Path, manifest: ReadManifest
) -> list[dict[str, str]]:
    """Give every problem of a rejected item; without rejections.csv the manifest's reason stays."""
    said = _unchanged(REJECTIONS_FILE, folder=folder, manifest=manifest)
    if item["verdict"] != FAILED or said is None:
        return []
    return [
        row
        for row in csv.DictReader(io.StringIO(said.decode()))
        if row["item_id"].removeprefix("'") == item["id"].removeprefix("'")
    ]


MIN_PREFIX = 6


def _find(items: pl.DataFrame, wanted: str, *, evidence: Evidence, folder: Path) -> dict[str, Any]:
    ids = pl.col("id")
    exact = items.filter(
        (ids == wanted)
        | (pl.col("external_id") == wanted)
        | ids.is_in(evidence.refused_with(wanted))
    )
    found = exact
    if exact.is_empty() and len(wanted) >= MIN_PREFIX:
        found = items.filter(ids.str.starts_with(wanted))
    if found["id"].n_unique() != 1:
        what = f'no item is called "{wanted}"'
        if found.height:
            what = f'"{wanted}" means {found["id"].n_unique()} items: ' + ", ".join(
                found["id"].unique(maintain_order=True).head(MAX_LINES)
            )
        fix = (
            "give the item's id, six or more of its first characters, or the reference that the"
            f" ERP file prints; an item that was rejected stands in {REJECTIONS_FILE}"
        )
        raise UserMustFix(Problem("VER-5", what, str(folder), fix))
    # A repeated item is listed twice; the one that was exported says more.
    return found.sort("verdict").row(0, named=True)
