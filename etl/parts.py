"""A batch booked in parts: whole items at a time, then side by side as if booked at once.

    ingested ─> parts of 50,000 items ─> book each ─> columns still read ─> booked batch
                                                       keys one after the other

Every stage from check to post looks at one item at a time; what looks at all items of a batch
(repeated items, numbers, files, remarks) comes before or after.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import polars as pl

from etl.conversion import Booked, Recipe
from etl.frames import ITEM_KEY, POSTING_KEY, VOUCHER_KEY
from etl.items import Ingested
from etl.memory import slim

#: Items booked at once: the wide frames in between exist for these only.
ITEMS_AT_ONCE = 50_000
#: Columns that no stage after booking reads, unless the template names them.
_ONLY_BEFORE = frozenset({
    "item.company_id", "item.date_text", "item.supplier_amount", "item.supplier_currency",
    "item.contra_account.name", "item.contra_account.identifier", "line.id",
    "line.account.identifier", "line.wallet_gross", "line.wallet_net", "line.wallet_tax",
    "line.supplier_gross", "line.supplier_net", "line.supplier_tax", "line.original_gross",
    "line.original_base", "line.original_tax",
})  # fmt: skip
#: The same, whatever the template names: they were read by mapping and posting.
_MOVED_ON = ("needs.", "voucher.", "line.tags.")
_PARTED = ("items", "lines", "attachments", "rejections", "notes")


def parts_of(ingested: Ingested) -> Iterator[Ingested]:
    """Divide what was read into parts of whole items."""
    if ingested.listed <= ITEMS_AT_ONCE:
        yield ingested
        return
    for start in range(0, ingested.listed, ITEMS_AT_ONCE):
        end = min(start + ITEMS_AT_ONCE, ingested.listed)
        is_in = pl.col(ITEM_KEY).is_between(start, end - 1)
        frames = {name: getattr(ingested, name).filter(is_in) for name in _PARTED}
        yield replace(ingested, listed=end - start, **frames)


def lightened(booked: Booked, recipe: Recipe) -> Booked:
    """Keep of a part what is still read."""
    template = recipe.template
    written = str(template.source.data) + "".join(text for text, _ in template.layouts.values())
    given_up = {name for name in _ONLY_BEFORE if name not in written}

    def kept(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.drop(
            name for name in frame.columns if name in given_up or name.startswith(_MOVED_ON)
        )

    return replace(
        booked,
        items=slim(kept(booked.items)),
        lines=slim(kept(booked.lines)),
        vouchers=slim(booked.vouchers),
        postings=slim(booked.postings),
        attachments=slim(booked.attachments),
    )


def side_by_side(parts: Sequence[Booked]) -> Booked:
    """Join parts in the order of their items; keys of vouchers and postings go on.

    What was found stands in the order of items, however many parts there were.
    """
    vouchers, postings, moved = 0, 0, []
    for part in parts:
        moved.append(
            replace(
                part,
                vouchers=_moved(part.vouchers, VOUCHER_KEY, vouchers),
                postings=_moved(
                    _moved(part.postings, POSTING_KEY, postings), VOUCHER_KEY, vouchers
                ),
            )
        )
        vouchers = _next(moved[-1].vouchers, VOUCHER_KEY, vouchers)
        postings = _next(moved[-1].postings, POSTING_KEY, postings)
    frames = {
        name.name: pl.concat([getattr(part, name.name) for part in moved], how="diagonal")
        for name in fields(Booked)
    }
    for found in ("rejections", "notes"):
        frames[found] = frames[found].sort(ITEM_KEY, maintain_order=True)
    return Booked(**frames)


def _moved(frame: pl.DataFrame, key: str, by: int) -> pl.DataFrame:
    return frame.with_columns(pl.col(key) + by) if by else frame


def _next(frame: pl.DataFrame, key: str, before: int) -> int:
    highest = frame[key].max()
    return highest + 1 if isinstance(highest, int) else before
