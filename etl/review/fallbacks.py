"""Remarks about the fallbacks of the mapping that gave a value which stands in the files.

account.expense: [a table, the account 4980 for the rest] ─> a remark per fallback that was used,
with the items whose postings hold what it gave
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

import polars as pl

from etl.findings import no_notes, note
from etl.frames import ITEM_KEY, LINE_KEY, ROLES
from etl.review.given import RuleText
from etl.review.words import type_words

CODE = "MAP-FALLBACK"
_TAX_ROLES = ("tax_in", "tax_out")


def find_fallbacks(
    items: pl.DataFrame,
    lines: pl.DataFrame,
    *,
    postings: pl.DataFrame,
    rules: Sequence[RuleText],
) -> pl.DataFrame:
    """Find the items to which fallbacks of the mapping gave values.

    Needs: items that are in the batch; mapped lines, with the number of the rule that decided each
    target; postings; the rules in the order of their numbers.
    Gives: notes MAP-FALLBACK, one per item and fallback, about the fallback. Their detail is what
    it gave, and not its place: a line more in the mapping does not change what was answered. The
    posting text is left out: it says how a posting reads, not where it is booked.
    """
    found = [no_notes()]
    for number, rule in enumerate(rules):
        column = f"rule.{rule.fallback_of}"
        if rule.fallback_of in ("", "text") or column not in lines.columns:
            continue
        taken = _posted(lines.filter(pl.col(column) == number), rule.fallback_of, postings)
        if taken.is_empty():
            continue
        gives, place = words_of(rule)
        values = pl.col(rule.fallback_of).unique(maintain_order=True).str.join(", ")
        given = taken.group_by(ITEM_KEY).agg(pl.format("taken: {}", values).alias("given"))
        of_items = items.select(ITEM_KEY, "item.id").join(
            given, on=ITEM_KEY, how="inner", validate="1:1", maintain_order="left"
        )
        detail = pl.col("given") if "{{" in rule.text else gives
        found.append(note(of_items, CODE, detail, about=f"{gives}{place}"))
    return pl.concat(found)


def words_of(rule: RuleText) -> tuple[str, str]:
    """Say which fallback it is: of what and what it gives; its place, which tables gave nothing.

    Files stand there without their folders: the manifest is the same wherever it is made.
    """
    value, what = rule.text.removeprefix("use: "), _target_words(rule.fallback_of)
    tables = " and ".join(PurePath(file).name for file in rule.after)
    after = f", as {tables} gave none" if tables else ""
    return f"{what} from the fallback {value}", f" at {PurePath(rule.place).name}{after}"


def _target_words(target: str) -> str:
    kind, _, name = target.partition(".")
    if kind == "account":
        return f"{type_words(name)} account"
    if kind == "dimension":
        return f"dimension {name}"
    return type_words(name or kind)


def _posted(lines: pl.DataFrame, target: str, postings: pl.DataFrame) -> pl.DataFrame:
    """Keep the lines on whose postings the value of a target stands."""
    role = target.removeprefix("account.")
    if role in _TAX_ROLES:
        return _of_lines(lines, postings.filter(pl.col("posting.role") == role))
    if role in ROLES:  # a contra account may be of all lines together
        return lines.join(postings, on=ITEM_KEY, how="semi", maintain_order="left")
    column = target if target.startswith("target.") else f"posting.{target}"
    if column not in postings.columns:
        return lines.clear()
    return _of_lines(lines, postings.filter(pl.col(column).is_not_null()))


def _of_lines(lines: pl.DataFrame, postings: pl.DataFrame) -> pl.DataFrame:
    return lines.join(postings, on=LINE_KEY, how="semi", maintain_order="left")
