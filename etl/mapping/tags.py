"""Tags: Pleo's tag groups become columns, one per group that the mapping declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from etl.findings import no_notes, no_rejections, note, reject
from etl.frames import ITEM_KEY, LINE_KEY, tag_column
from etl.mapping.tables import casefolded


@dataclass(frozen=True, slots=True)
class Tagged:
    """Lines with a column per declared group, and what was found on the way."""

    lines: pl.DataFrame
    rejections: pl.DataFrame
    notes: pl.DataFrame


def spread_tags(lines: pl.DataFrame, items: pl.DataFrame, groups: Sequence[str]) -> Tagged:
    """Give each declared tag group a column.

    Needs: lines with line.tag_groups and line.tag_codes; items for their ids.
    Gives: the same rows with `line.tags.<group>`, compared casefolded. A line that carries a
    declared group twice is rejected; groups that are not declared are noted once per item.
    """
    columns = {group.strip().casefold(): tag_column(group.strip()).name for group in groups}
    tags = (
        lines.select(LINE_KEY, ITEM_KEY, "line.number", "line.tag_groups", "line.tag_codes")
        .filter(pl.col("line.tag_groups").list.len() > 0)
        .explode("line.tag_groups", "line.tag_codes")
        .drop_nulls(["line.tag_groups", "line.tag_codes"])
    )
    tags = tags.with_columns(
        casefolded(tags["line.tag_groups"].str.strip_chars()).alias("~group")
    )
    declared = tags.filter(pl.col("~group").is_in(list(columns)))
    twice = declared.group_by(LINE_KEY, ITEM_KEY, "line.number", "~group").agg(
        pl.len().alias("~count"), pl.col("line.tag_codes").str.join(", ").alias("~codes")
    ).filter(pl.col("~count") > 1)  # fmt: skip
    spread = lines
    for group, column in columns.items():
        codes = declared.filter(pl.col("~group") == group).unique(LINE_KEY, keep="first")
        codes = codes.select(LINE_KEY, pl.col("line.tag_codes").alias(column))
        spread = spread.join(
            codes, on=LINE_KEY, how="left", validate="1:1", maintain_order="left"
        )
    assert spread.height == lines.height
    undeclared = tags.filter(~pl.col("~group").is_in(list(columns)))
    return Tagged(spread, _rejected(twice, items), _noted(undeclared, items))


def _rejected(twice: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    if twice.is_empty():
        return no_rejections()
    rows = _with_item(twice.sort(LINE_KEY, "~group"), items)
    message = pl.format(
        'the line carries tag group "{}" {} times ({})',
        pl.col("~group"), pl.col("~count"), pl.col("~codes"),
    )  # fmt: skip
    return reject(rows, "MAP-34", message=message, fix="keep one tag of the group in Pleo")


def _noted(undeclared: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    if undeclared.is_empty():
        return no_notes()
    groups = undeclared.group_by(ITEM_KEY).agg(
        pl.col("line.tag_groups").unique().sort().str.join(", ").alias("~groups")
    )
    rows = _with_item(groups.sort(ITEM_KEY), items)
    return note(
        rows, "MAP-TAG-UNDECLARED",
        pl.format("tags of these groups are not in the file: {}", pl.col("~groups")),
    )  # fmt: skip


def _with_item(rows: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    return rows.join(
        items.select(ITEM_KEY, "item.id", "item.where"),
        on=ITEM_KEY, how="left", validate="m:1", maintain_order="left",
    )  # fmt: skip
