"""What a rendering gives."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from etl.rendering.plans import FilePlan
from etl.rendering.sheets import Sheets


@dataclass(frozen=True)
class RenderedFile:
    """A file as the ERP will read it.

    file       its key in the template; number, the part from 1
    content    its bytes; of a packed file, the bytes of the zip
    members    of a container (zip, xlsx): name and bytes of what is inside, in order
    rows       postings that are printed in it
    lines      posting.key and line, from 1
    totals     currency, debit, credit of the amounts printed, sorted
    """

    name: str
    content: bytes
    file: str
    number: int
    kind: str
    companion: bool
    rows: int
    lines: pl.DataFrame
    totals: pl.DataFrame
    members: tuple[tuple[str, bytes], ...] = ()
    packed: bool = False

    @property
    def inner(self) -> bytes:
        """Give the bytes that the proof reads: of a zip, its first member."""
        return self.members[0][1] if self.packed else self.content


@dataclass(frozen=True)
class ValueSource:
    """Where the value of a column is written in the template (for `explain`)."""

    file: str
    record: str
    number: int
    name: str | None
    expression: str | None
    where: str
    means: str | None


@dataclass(frozen=True)
class FileSource:
    """What a file of the template was rendered from: the proof evaluates it again."""

    plan: FilePlan
    sheets: Sheets


@dataclass(frozen=True)
class Rendered:
    """What a rendering gives. With rejections there are no files: drop the items, render again.

    external_ids  item.key and external_id, one row per item
    receipts      item.key, attachment.number, attachment.name and path of delivered receipts;
                  the path is null for those inside of a zip
    sources       where each column's value is written
    rendered_from what the proof compares the files with, per file of the template
    """

    files: tuple[RenderedFile, ...]
    rejections: pl.DataFrame
    notes: pl.DataFrame
    external_ids: pl.DataFrame
    receipts: pl.DataFrame
    sources: tuple[ValueSource, ...]
    rendered_from: tuple[FileSource, ...] = ()
