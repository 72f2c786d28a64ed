"""Every code of an error, a rejection or a note, in one table.

A code is what a person searches for. Rejections carry Pleo's failure type (export-rules.md
table 12a); errors stop the command; notes are remarks for the reviewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means, and what Pleo is told for an item rejected under it."""

    kind: str  # error | rejection | note | blocking note
    meaning: str
    failure_type: str | None = None


def _error(meaning: str) -> Code:
    return Code("error", meaning)


def _rejection(failure_type: str, meaning: str) -> Code:
    return Code("rejection", meaning, failure_type)


def _note(meaning: str, *, blocking: bool = False) -> Code:
    return Code("blocking note" if blocking else "note", meaning)


CODES: Mapping[str, Code] = {
    # ── documents: YAML that people write ──
    "YAML-1": _error("the file cannot be read as YAML"),
    "YAML-2": _error("a key stands twice"),
    "YAML-3": _error("the file is larger, deeper or longer than a document may be"),
    "YAML-4": _error("anchors, aliases, merge keys and tags are not allowed"),
    "DOC-1": _error("an unknown key"),
    "DOC-2": _error("a required key is missing"),
    "DOC-3": _error("a value is of the wrong kind"),
    "DOC-4": _error("a path leaves its folder, or the file is not there"),
    # ── expressions ──
    # ── ingest and checks ──
    # ── posting rules and postings ──
    # ── mapping ──
    # ── templates, cells, layouts, files ──
    # ── proof ──
    # ── output, workspace, command line ──
    "CLI-1": _error("the command line is not understood"),
    "CLI-2": _error("pleo-etl failed in a way that it does not know"),
    "OUT-1": _error("the output folder holds what this conversion did not write"),
    "OUT-2": _error("a file cannot be written"),
    "OUT-3": _error("a file name cannot be used, or is used twice"),
    "VER-1": _error("the folder has no manifest"),
    "VER-2": _error("the manifest was changed, or is not of pleo-etl"),
    "VER-3": _error("a file was changed, or is missing"),
    "VER-4": _error("a file read back differs from the manifest"),
    # ── notes ──
}
