"""What a reviewer sees of a proved conversion: the view, with the reason of every cell it shows.

frames, facts ─> the postings in the lines that are shown ─> evidence of these ─> reasons ─┐
frames, manifest, files ───────────────────────────────────────────────────────────────────┴─> view
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from etl.batches.evidence import Facts, Frames, read_evidence, write_evidence
from etl.batches.explanation import CellReason, RowReason, Source, explain_lines
from etl.conversion import Booked, Origin, Recipe, review_frames, rule_texts
from etl.frames import ITEM_KEY, POSTING_KEY, VOUCHER_KEY
from etl.rendering import Rendered, RenderedFile
from etl.review import FileFormat, ReviewView, import_steps, make_view
from etl.review.cells import LostRule, TracedCell, TracedRow, TracedSource
from etl.review.file_views import MAX_CHUNK, MAX_LINES

#: The traced lines of a file, each with the id of its item.
Traces = Mapping[str, Sequence[tuple[str, TracedRow]]]


def show_batch(
    booked: Booked,
    rendered: Rendered,
    *,
    recipe: Recipe,
    origin: Origin,
    manifest: Mapping[str, Any],
    traces: Traces,
    begun: pl.DataFrame,
) -> ReviewView:
    """Make what the reviewer sees.

    Needs: the head of the manifest; the lines that postings begin on (item.key, file, row).
    """
    specs = recipe.template.document.files
    formats = {
        file.name: FileFormat(
            recipe.template.encoding(specs[file.file]),
            options.delimiter if (options := specs[file.file].csv) else None,
        )
        for file in rendered.files
    }
    return make_view(
        manifest,
        review_frames(booked),
        files={file.name: file.content for file in rendered.files},
        rules=rule_texts(recipe),
        steps=import_steps(recipe.import_guide),
        formats=formats,
        rows=begun,
        company=recipe.mapping.company.name,
        company_currency=recipe.mapping.company.currency,
        earlier=origin.earlier,
        asked=origin.asked,
        traces=traces,
        reverses=origin.reverses_number,
        cures={check.code: check.cured_by for check in recipe.template.document.checks},
    )


def trace_shown(frames: Frames, facts: Facts, *, files: Sequence[RenderedFile]) -> Traces:
    """Explain the cells of the lines that the page shows: the first ones of each file."""
    shown = frames.places.filter(pl.col("row") <= MAX_LINES)
    postings = frames.postings.join(shown, on=POSTING_KEY, how="semi", maintain_order="left")
    few = Frames(
        items=_only(frames.items, postings, ITEM_KEY),
        lines=_only(frames.lines, postings, ITEM_KEY),
        vouchers=_only(frames.vouchers, postings, VOUCHER_KEY),
        postings=postings,
        places=shown,
        read=_only(frames.read, postings, POSTING_KEY),
        texts=_only(frames.texts, postings, POSTING_KEY),
        refused=frames.refused.clear(),
    )
    evidence = read_evidence(write_evidence(few, facts, files={}))
    found: dict[str, list[tuple[str, TracedRow]]] = {}
    for file in files:
        if file.packed:
            continue
        content = file.content if file.kind == "xlsx" else file.content[:MAX_CHUNK]
        lines = explain_lines(evidence, file.name, until=MAX_LINES, content=content)
        found[file.name] = [(item_id, traced_row(reason)) for item_id, reason in lines]
    return found


def _only(frame: pl.DataFrame, wanted: pl.DataFrame, key: str) -> pl.DataFrame:
    return frame.join(wanted.select(key).unique(), on=key, how="semi", maintain_order="left")


# ── reasons, as the review has them ─────────────────────────────────────────────────────────


def traced_row(
    reason: RowReason, *, is_asked: bool = False, asked: frozenset[str] = frozenset()
) -> TracedRow:
    """Give why a line is what it is; `asked` are the columns that were asked about."""
    return TracedRow(
        file=reason.file, row=reason.row, voucher=reason.voucher, line=reason.line,
        role=reason.role.replace("_", " "), rule=reason.posting_rule,
        rule_place=reason.posting_rule_place, printed=reason.printed,
        cells=tuple(_cell(cell, is_asked=cell.column in asked) for cell in reason.cells),
        is_asked=is_asked,
    )  # fmt: skip


def _cell(cell: CellReason, *, is_asked: bool) -> TracedCell:
    return TracedCell(
        cell.column, cell.value, cell.expression, cell.place,
        tuple(_source(source) for source in cell.sources), is_asked, cell.number,
    )  # fmt: skip


def _source(source: Source) -> TracedSource:
    lost = tuple(LostRule(one.rule, one.place, one.why) for one in source.lost)
    return TracedSource(
        source.name, source.value, source.origin, source.rule, source.place, source.table,
        source.table_row, lost,
    )  # fmt: skip
