"""Rejections by cause, cure first, and notes by kind, each with the items concerned."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import polars as pl

from etl.codes import CODES
from etl.frames import ITEM_KEY
from etl.review.model import REJECTED_BY_REVIEWER, Cause, Concerned, CureGroup, NoteGroup
from etl.review.words import CURED_BY, failure_words, pleo_link, title_of
from etl.sentences import SETTINGS

#: Items and messages that are named under one cause or note; the rest is counted.
MAX_CONCERNED = 50
MAX_MESSAGES = 5
MAX_CAUSES = 200

ITEM_FACTS = (
    ITEM_KEY, "item.id", "item.type", "item.amount", "item.currency", "item.wallet_amount",
    "item.wallet_currency", "item.supplier.name", "item.vendor.name", "item.user.name",
    "item.date", "item.url", "item.note",
)  # fmt: skip


def note_groups(
    notes: pl.DataFrame,
    items: pl.DataFrame,
    *,
    anchors: Mapping[int, str],
    asked: Collection[str] = (),
    before: Mapping[str, str] | None = None,
) -> tuple[NoteGroup, ...]:
    """Group notes by code and what they are about: blocking ones first, then by their items.

    Needs: asked, the codes of notes that block here though they do not elsewhere; before, what
    was answered to such a note in an earlier batch.
    """
    rows = notes.unique([ITEM_KEY, "code", "about", "detail"], maintain_order=True)
    counts = rows.group_by("code", "about").agg(
        pl.when(pl.col(ITEM_KEY).is_null().all())
        .then(pl.len())
        .otherwise(pl.col(ITEM_KEY).n_unique())
        .alias("count")
    )
    groups = []
    for code, about, count in counts.sort("code", "about").iter_rows():
        is_same = (pl.col("code") == code) & pl.col("about").eq_missing(pl.lit(about, pl.String()))
        of_group = rows.filter(is_same).sort(ITEM_KEY, "detail")
        first = of_group.unique(ITEM_KEY, keep="first", maintain_order=True).head(MAX_CONCERNED)
        known = CODES.get(code)
        meaning = about or (known.meaning if known else code)
        # What is the same for all stands above the items and is not repeated beside each.
        is_said = pl.lit(meaning).str.starts_with(pl.col("detail"))
        detail = pl.when(is_said).then(pl.lit("")).otherwise("detail")
        first = first.with_columns(detail.alias("detail"))
        groups.append(
            NoteGroup(
                code=code,
                name=remark_name(code, about),
                meaning=meaning,
                is_blocking=code in asked or bool(known and known.kind.startswith("blocking")),
                before=(before or {}).get(code, ""),
                count=count,
                concerned=concerned_of(first, items, anchors=anchors),
            )
        )
    return tuple(sorted(groups, key=lambda group: (not group.is_blocking, -group.count)))


def remark_name(code: str, about: str | None) -> str:
    """Give the name of a remark, which no other has."""
    return f"{code} {about}" if about else code


def causes(
    rejections: pl.DataFrame,
    items: pl.DataFrame,
    *,
    before: Mapping[str, str],
    cures: Mapping[str, str],
) -> tuple[Cause, ...]:
    """Group rejections by what cures them; the cause that stops most items comes first.

    Each reason of a reviewer is a cause by itself: it is what Pleo shows.
    Needs: before, by item what the reviewer has said of it in an earlier batch; cures, by code of
    the template's own checks who can cure them.
    """
    is_said = pl.col("code") == REJECTED_BY_REVIEWER
    rejections = rejections.with_columns(said=pl.when(is_said).then("message"))
    by = ["code", "fix", "failure_type", "said"]
    counted = (
        rejections.group_by(by)
        .agg(
            pl.coalesce("item_id", pl.col(ITEM_KEY).cast(pl.String)).n_unique().alias("items"),
            pl.len().alias("problems"),
            pl.col("message").unique().sort().head(MAX_MESSAGES + 1).alias("messages"),
        )
        .sort(
            "items", *by, descending=[True, *(False for _ in by)], nulls_last=True,
        )
        .head(MAX_CAUSES)
    )  # fmt: skip
    result = []
    for row in counted.iter_rows(named=True):
        same = pl.all_horizontal(pl.col(name).eq_missing(pl.lit(row[name])) for name in by)
        first = rejections.filter(same).sort("item_id", "line", "message").head(MAX_CONCERNED)
        messages = [message or "" for message in row["messages"]]
        # One message for all stands above the items and is not repeated beside each.
        detail = pl.col("message") if len(messages) > 1 else pl.lit("")
        if row["code"] == REJECTED_BY_REVIEWER:
            detail = pl.coalesce(said_before(before), detail)
        more = ["…"] if len(messages) > MAX_MESSAGES else []
        failure_type, fix = row["failure_type"] or "", row["fix"] or ""
        result.append(
            Cause(
                code=row["code"],
                fix=fix,
                cured_by=_cured_by(row["code"], cures),
                messages=tuple(messages[:MAX_MESSAGES] + more),
                failure_type=failure_type,
                # The words that are reported to Pleo with the item (etl.batches.verdicts).
                pleo_words=" – ".join(
                    filter(None, (messages[0] if messages else "", re.sub(SETTINGS, "", fix)))
                ),
                failure_words=failure_words(row["code"], failure_type),
                items=row["items"],
                problems=row["problems"],
                concerned=concerned_of(
                    first.with_columns(detail.alias("detail")), items, anchors={}
                ),
            )
        )  # fmt: skip
    return tuple(result)


def said_before(before: Mapping[str, str]) -> pl.Expr:
    """Give what was said of the item in an earlier batch; null where nothing was."""
    words = {entry.lower(): said for entry, said in before.items()}
    named = pl.col("item_id").str.to_lowercase()
    return named.replace_strict(words, default=None, return_dtype=pl.String())


def _cured_by(code: str, cures: Mapping[str, str]) -> str:
    known = CODES.get(code)
    return cures.get(code) or (known and known.cured_by) or "integrator"


def by_cure(found: Sequence[Cause]) -> tuple[CureGroup, ...]:
    """Put causes together by who can cure them; within a group their order stays."""
    groups = (
        CureGroup(by, title, tuple(cause for cause in found if cause.cured_by == by))
        for by, title in CURED_BY.items()
    )
    return tuple(group for group in groups if group.causes)


def concerned_of(
    rows: pl.DataFrame, items: pl.DataFrame, *, anchors: Mapping[int, str]
) -> tuple[Concerned, ...]:
    """Lay out items that something is said of.

    Needs: rows (item.key, item_id, detail; where and line if known); facts of the items, as far
    as they could be read.
    """
    facts = _facts_of(rows[ITEM_KEY].to_list(), items)
    return tuple(
        _one_concerned(row, facts.get(row[ITEM_KEY], {}), anchors=anchors)
        for row in rows.iter_rows(named=True)
    )


def _facts_of(keys: Sequence[int | None], items: pl.DataFrame) -> dict[int, dict[str, Any]]:
    wanted = items.filter(pl.col(ITEM_KEY).is_in([key for key in keys if key is not None]))
    return {row[ITEM_KEY]: row for row in wanted.select(ITEM_FACTS).iter_rows(named=True)}


def _one_concerned(
    row: Mapping[str, Any], facts: Mapping[str, Any], *, anchors: Mapping[int, str]
) -> Concerned:
    has_amount = facts.get("item.amount") is not None
    kind = "" if has_amount else "wallet_"
    title, person = title_of(facts), facts.get("item.user.name") or ""
    return Concerned(
        item_id=row["item_id"] or "",
        title=title,
        amount=facts.get(f"item.{kind}amount"),
        currency=facts.get(f"item.{kind}currency") or "",
        detail=row["detail"] or "",
        where=row.get("where") or "",
        line=row.get("line"),
        anchor=anchors.get(row[ITEM_KEY]) if row[ITEM_KEY] is not None else None,
        url=pleo_link(facts.get("item.url")),
        date=facts.get("item.date"),
        person=person if person != title else "",
    )
