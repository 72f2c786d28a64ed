"""Tags: Pleo's tag groups become columns, one per group that the mapping declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from etl.findings import join_findings, no_notes, no_rejections, note, reject
from etl.frames import ITEM_KEY, tag_column


@dataclass(frozen=True, slots=True)
class Tagged:
    """Lines with a column per declared group, and what was found on the way."""

    lines: pl.DataFrame
    rejections: pl.DataFrame
    notes: pl.DataFrame


#: Number of a tag whose group is not declared.
_UNDECLARED = 2**16 - 1
_GROUP = "~group"


def spread_tags(lines: pl.DataFrame, items: pl.DataFrame, groups: Sequence[str]) -> Tagged:
    """Give each declared tag group a column.

    Needs: lines with line.tag_groups and line.tag_codes; items for their ids.
    Gives: the same rows with `line.tags.<group>`, compared casefolded. A line that carries a
    declared group twice is rejected; groups that are not declared are noted, each once per item.
    """
    numbered = lines.with_columns(_numbers(lines["line.tag_groups"], groups))
    rejections = [no_rejections()]
    columns = []
    for number, group in enumerate(groups):
        place = pl.col(_GROUP).list.eval(pl.element() == number).list.arg_max()
        has_it = pl.col(_GROUP).list.contains(number)
        code = pl.col("line.tag_codes").list.get(place, null_on_oob=True)
        columns.append(pl.when(has_it).then(code).alias(tag_column(group).name))
        count = pl.col(_GROUP).list.count_matches(number)
        twice = numbered.filter(count > 1).with_columns(count.alias("~count"))
        rejections.append(_rejected(twice, items, group))
    spread = lines.with_columns(numbered.select(columns)) if columns else lines
    assert spread.height == lines.height
    undeclared = numbered.filter(pl.col(_GROUP).list.contains(_UNDECLARED))
    return Tagged(spread, join_findings(rejections), _noted(undeclared, items))


def _numbers(sent: pl.Series, groups: Sequence[str]) -> pl.Series:
    """Give every tag the number of its declared group."""
    numbers = {group.casefold(): number for number, group in enumerate(groups)}
    spellings = sent.explode().unique().drop_nulls().to_list()
    known = {s: numbers[s.casefold()] for s in spellings if s.casefold() in numbers}
    number = pl.element().replace_strict(
        list(known), list(known.values()), default=_UNDECLARED, return_dtype=pl.UInt16
    )
    return sent.to_frame().select(pl.col(sent.name).list.eval(number).alias(_GROUP)).to_series()


def _rejected(twice: pl.DataFrame, items: pl.DataFrame, group: str) -> pl.DataFrame:
    if twice.is_empty():
        return no_rejections()
    codes = pl.col("line.tag_codes").list.join(", ", ignore_nulls=True)
    message = pl.format(
        'the line carries tag group "{}" {} times (all its tags: {})',
        pl.lit(group), pl.col("~count"), codes,
    )  # fmt: skip
    fix = "keep one tag of the group in Pleo"
    return reject(_with_item(twice, items), "MAP-34", message=message, fix=fix)


def _noted(lines: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    if lines.is_empty():
        return no_notes()
    undeclared = (
        lines.select(ITEM_KEY, _GROUP, "line.tag_groups")
        .explode(_GROUP, "line.tag_groups")
        .filter((pl.col(_GROUP) == _UNDECLARED) & pl.col("line.tag_groups").is_not_null())
    )
    groups = undeclared.unique([ITEM_KEY, "line.tag_groups"]).sort(ITEM_KEY, "line.tag_groups")
    detail = pl.format(
        'tag group "{}" is not declared in the mapping, so its tags are not in the file',
        pl.col("line.tag_groups"),
    )
    return note(_with_item(groups, items), "MAP-TAG-UNDECLARED", detail)


def _with_item(rows: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    return rows.join(
        items.select(ITEM_KEY, "item.id", "item.where"),
        on=ITEM_KEY, how="left", validate="m:1", maintain_order="left",
    )  # fmt: skip
