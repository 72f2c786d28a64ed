"""Compare two batches from their folders alone: `pleo-etl diff`, and what a new mapping changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from etl.batches.comparison import Comparison, Side, changed_facts, compare
from etl.batches.evidence import EVIDENCE, read_evidence
from etl.batches.reading import read_manifest
from etl.batches.recipe import members_of
from etl.errors import Problem, UserMustFix
from etl.files import sha256

_AGAIN = "take the folder from a copy; `pleo-etl verify` says what else differs"


@dataclass(frozen=True, slots=True)
class Compared:
    """Two folders side by side.

    made_with   what they were made with and differs: name, before, after
    is_alike    both were written with the same template, so that cells can be held together
    has_tax_inside  one of them gives tax by its code alone, so that its amounts hold it
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    made_with: list[tuple[str, str | None, str | None]]
    is_alike: bool
    found: Comparison
    has_tax_inside: bool = False


def compare_folders(before: Path, after: Path) -> Compared:
    """Compare two conversions or released batches.

    Raises: UserMustFix VER-1 to VER-3 where one of them is not whole, DIFF-1 where they are of
    two companies.
    """
    (old_head, old), (new_head, new) = _read(before), _read(after)
    companies = [head["batch"]["company"] for head in (old_head, new_head)]
    if companies[0] != companies[1]:
        raise UserMustFix(
            Problem(
                "DIFF-1",
                f"the two are of different companies: {companies[0]} and {companies[1]}",
                str(after),
                "compare two batches of one company",
            )
        )
    is_alike = old_head["template"]["id"] == new_head["template"]["id"]
    return Compared(
        old_head, new_head, changed_facts(old_head, new_head), is_alike,
        compare(old if is_alike else _without_files(old), new if is_alike else _without_files(new)),
        _has_tax_inside(old_head, old) or _has_tax_inside(new_head, new),
    )  # fmt: skip


def _has_tax_inside(head: Mapping[str, Any], side: Side) -> bool:
    """Say whether tax codes stand in the files and no rows of tax beside them."""
    of_tax = pl.col("posting.role").is_in(["tax_in", "tax_out"])
    rows = side.evidence.table.filter(of_tax).select("posting.role").head(1).collect()
    return bool(head["controls"]["tax_codes"]) and rows.is_empty()


def _without_files(side: Side) -> Side:
    return Side(side.items, side.evidence, {})


def _read(folder: Path) -> tuple[Mapping[str, Any], Side]:
    manifest = read_manifest(folder)
    contents = {}
    for name in (*(file["name"] for file in manifest.head["files"]), EVIDENCE):
        path = folder / name
        content = path.read_bytes() if path.is_file() else b""
        if sha256(content) != manifest.hashes.get(name):
            what = f"{name} is missing or has been changed"
            raise UserMustFix(Problem("VER-3", what, str(path), _AGAIN))
        contents[name] = content
    del contents[EVIDENCE]
    evidence = read_evidence(folder / EVIDENCE)
    files = {
        name: members_of(name, content).members[0][1] if name in evidence.facts.packed else content
        for name, content in contents.items()
        if name in evidence.facts.files
    }
    return manifest.head, Side(manifest.items(), evidence, files)
