"""The traced lines of the files that a view shows, with the item and the receipts behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from etl.frames import ITEM_KEY
from etl.review.cells import RowTrace, TracedRow
from etl.review.file_views import letters_of
from etl.review.model import FileView
from etl.review.words import title_of

_FACTS = (
    ITEM_KEY, "item.id", "item.type", "item.vendor.name", "item.supplier.name", "item.user.name",
    "item.attachments",
)  # fmt: skip


def with_traces(
    files: Sequence[FileView],
    traces: Mapping[str, Sequence[tuple[str, TracedRow]]],
    *,
    items: pl.DataFrame,
    anchors: Mapping[int, str],
) -> tuple[FileView, ...]:
    """Put what is known of their lines to the files; cells in which nothing stands are left out.

    Needs: by file the traced lines with the ids of their items; facts of the items; by item.key
    the anchors of the vouchers on the page.
    """
    ids = {item_id for rows in traces.values() for item_id, _ in rows}
    facts = {
        row["item.id"]: row
        for row in items.filter(pl.col("item.id").is_in(list(ids)))
        .select(name for name in _FACTS if name in items.columns)
        .iter_rows(named=True)
    }
    return tuple(
        replace(
            file,
            traces=tuple(
                _trace(row, facts.get(item_id, {}), anchors=anchors, at=f"trace-{number}")
                for item_id, row in traces.get(file.name, ())
                if row.row <= file.lines
            ),
        )
        for number, file in enumerate(files, 1)
    )


def _trace(
    row: TracedRow, item: Mapping[str, Any], *, anchors: Mapping[int, str], at: str
) -> RowTrace:
    cells = tuple(cell for cell in row.cells if cell.value != "")
    return RowTrace(
        row=replace(row, cells=cells),
        anchor=f"{at}-{row.row}",
        item_id=item.get("item.id") or "",
        title=title_of(item),
        receipts=tuple(name for name in item.get("item.attachments") or () if name),
        item_anchor=anchors.get(item.get(ITEM_KEY, -1)),
        letters=tuple(letters_of(cell.number) if cell.number >= 0 else "" for cell in cells),
    )
