"""Reversals: a closed batch taken back by a new one, in which debit and credit change places.

    stored items ─> booked as then (same fingerprints?) ─> booked mirrored ─> rendered, proved

An invoice becomes a credit note and a credit note an invoice; everything else keeps its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from etl.conversion import Booked, Origin, Recipe
from etl.errors import Problem, UserMustFix
from etl.frames import ITEM_KEY
from etl.items import Ingested
from etl.live.line import Reversed
from etl.pipeline import Proved, prove_batch
from etl.sentences import some_of

#: What stands before the texts of a reversal, where the format has room for it.
MARK = "Reversal: "
_SHOWN = 5
_BY_HAND = "reverse the batch in the ERP by hand; its vouchers stand in review.html of the batch"


def mirrored(recipe: Recipe) -> Recipe:
    """Give a recipe whose posting rules debit what they credited, and credit what they debited."""
    return replace(recipe, rules=recipe.rules.mirrored())


def check_same(prints: Mapping[str, str], of: Reversed) -> None:
    """Check that every item is booked today as it was then: only that can be mirrored.

    Raises: UserMustFix LINE-4.
    """
    now = {entry.casefold(): said for entry, said in prints.items()}
    other = [entry for entry, said in of.fingerprints.items() if now.get(entry.casefold()) != said]
    if other:
        what = f"batch {of.number} was booked differently from what pleo-etl makes of it today"
        raise UserMustFix(
            Problem("LINE-4", what, f"item {some_of(sorted(other), _SHOWN)}", _BY_HAND)
        )


def prove_reversal(booked: Booked, recipe: Recipe, *, origin: Origin, of: Reversed) -> Proved:
    """Render and prove the mirrored postings; texts are marked where the format has room.

    Raises: UserMustFix LINE-3 where the template cannot express them.
    """
    reasons: list[str] = []
    for candidate in (_marked(booked), booked):
        try:
            proved = prove_batch(candidate, recipe, origin=origin)
        except UserMustFix as error:
            reasons = [problem.what for problem in error.problems]
            continue
        if proved.booked.rejections.is_empty():
            return proved
        reasons = proved.booked.rejections["message"].unique(maintain_order=True).to_list()
    raise UserMustFix(
        Problem(
            "LINE-3",
            f"the template {recipe.template.id} cannot express the reversal of batch {of.number}:"
            f" {'; '.join(reasons[:_SHOWN])}",
            f"batch {of.id}",
            _BY_HAND,
        )
    )


def _marked(booked: Booked) -> Booked:
    def marked(name: str) -> pl.Expr:
        return (pl.lit(MARK) + pl.col(name)).alias(name)

    return replace(
        booked,
        vouchers=booked.vouchers.with_columns(marked("voucher.text")),
        postings=booked.postings.with_columns(marked("posting.text")),
    )


def only_items(ingested: Ingested, wanted: Mapping[str, str]) -> Ingested:
    """Keep some items; the others are no part of the input."""
    ids = [entry.casefold() for entry in wanted]
    kept = ingested.items.filter(pl.col("item.id").str.to_lowercase().is_in(ids))
    keys = kept.select(ITEM_KEY).with_row_index("new", offset=0)

    def moved(frame: pl.DataFrame) -> pl.DataFrame:
        joined = frame.join(keys, on=ITEM_KEY, how="inner", validate="m:1", maintain_order="left")
        new = pl.col("new").cast(frame.schema[ITEM_KEY]).alias(ITEM_KEY)
        return joined.with_columns(new).select(frame.columns)

    return replace(
        ingested,
        items=moved(ingested.items),
        lines=moved(ingested.lines),
        attachments=moved(ingested.attachments),
        rejections=moved(ingested.rejections),
        notes=moved(ingested.notes),
        listed=kept.height,
    )


def without_receipts(booked: Booked) -> Booked:
    """Leave the receipts where they are: with the batch that is taken back."""
    names = [name for name in booked.items.columns if name.startswith("item.attachment")]
    bare = booked.items.with_columns(
        pl.lit(None, booked.items.schema[name]).alias(name) for name in names
    )
    return replace(booked, items=bare, attachments=booked.attachments.clear())
