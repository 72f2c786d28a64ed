"""What a review is made from, beside the manifest and the files."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class BatchFrames:
    """The frames of a batch, as the stages leave them.

    `items` may hold rejected items as well: their facts then stand beside the rejection.
    `lines` are mapped lines, with the rule that decided each target beside it.
    """

    items: pl.DataFrame
    lines: pl.DataFrame
    vouchers: pl.DataFrame
    postings: pl.DataFrame
    rejections: pl.DataFrame
    notes: pl.DataFrame


@dataclass(frozen=True, slots=True)
class RuleText:
    """A mapping rule in words, and where it stands (file and line)."""

    text: str
    place: str
    table: str | None = None


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How an output file is to be read: its encoding, and its delimiter where it has one."""

    encoding: str
    delimiter: str | None = None
