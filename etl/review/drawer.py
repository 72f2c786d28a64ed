"""Every voucher of a batch, some at a time: what a page asks for while a person reads on.

The view has the vouchers of a long batch in one line each; the drawer lays out any of them in
full, and finds them by words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from etl.frames import ITEM_KEY, VOUCHER_KEY
from etl.review.causes import ITEM_FACTS
from etl.review.columns import complete
from etl.review.given import BatchFrames, RuleText
from etl.review.model import FileRows, Voucher
from etl.review.totals import account_names
from etl.review.vouchers import Chosen, voucher_list
from etl.review.words import pleo_link, title_of, type_words

#: Columns in which a person's words are looked for.
_FOUND_IN = (
    "voucher.number", "voucher.reference", "voucher.vendor.name", "voucher.total", "voucher.date",
)  # fmt: skip
_FOUND_IN_ITEMS = (
    "item.id", "item.type", "item.vendor.name", "item.supplier.name", "item.user.name",
    "item.note", "item.amount", "item.invoice.number",
)  # fmt: skip
#: An amount as a person writes it: 164,33 or 1.164,33 or 1,164.33.
_AMOUNT = re.compile(r"-?(?:[0-9]+|[0-9]{1,3}(?:[.,'’][0-9]{3})+)[.,][0-9]{2}")

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class ItemLine:
    """An item in one line, whether or not it is in a file."""

    item_id: str
    title: str
    type: str
    amount: Decimal | None
    currency: str
    url: str | None


def _folded(text: str) -> str:
    """Write a text as it is searched: no case, and one form of every letter."""
    return unicodedata.normalize("NFC", text).casefold()


def _spaced(text: str) -> str:
    """Write a folded text as words alone, with a blank around each."""
    return " ".join(("", *_WORD.findall(text), ""))


def _holds(word: str) -> pl.Expr:
    """Say whether texts hold a word anywhere; an amount, however it is written, as a whole."""
    holds = pl.col("words").str.contains(word, literal=True)
    if not _AMOUNT.fullmatch(word):
        return holds
    plain = f"{re.sub('[^0-9-]', '', word[:-3])}[.]{word[-2:]}"
    return pl.col("words").str.contains(f"(^|[^0-9.,]){plain}($|[^0-9])")


def _kind(row: Mapping[str, object]) -> str:
    """Say which amount of an item is known: its own, or only that of the wallet."""
    return "" if row["item.amount"] is not None else "wallet_"


class Drawer:
    """The vouchers of one revision; nothing in it changes."""

    def __init__(self, frames: BatchFrames, rules: Sequence[RuleText]) -> None:
        self._frames, self._rules = complete(frames), rules
        self._names = account_names(self._frames)
        self._words = self._searched()

    @property
    def count(self) -> int:
        return self._frames.vouchers.height

    def find(self, words: str = "", *, is_noted: bool = False) -> list[int]:
        """Give the keys of the vouchers that hold all the words, in the order of the batch.

        Those come first that hold them side by side, then those that hold each as a whole word.
        """
        wanted = _folded(words).split()
        found = self._words
        if wanted:  # a filter by nothing is an error
            found = found.filter(pl.all_horizontal(_holds(word) for word in wanted))
            spaced = pl.Series("spaced", map(_spaced, found["words"]), pl.String)
            side_by_side = spaced.str.contains(_spaced(" ".join(wanted)), literal=True)
            is_whole = [spaced.str.contains(_spaced(word), literal=True) for word in wanted]
            found = found.with_columns(
                side_by_side.alias("side_by_side"),
                pl.all_horizontal(is_whole).alias("is_whole"),
            ).sort("side_by_side", "is_whole", descending=True, maintain_order=True)
        if is_noted:
            noted = self._frames.notes.select(ITEM_KEY).drop_nulls().unique()
            found = found.join(noted, on=ITEM_KEY, how="semi", maintain_order="left")
        return found[VOUCHER_KEY].to_list()

    def of_item(self, item_id: str) -> list[int]:
        """Give the keys of the vouchers of an item."""
        of_item = pl.col("item.id").str.to_lowercase() == item_id.casefold()
        keys = self._frames.items.filter(of_item).select(ITEM_KEY)
        return self._words.join(keys, on=ITEM_KEY, how="semi", maintain_order="left")[
            VOUCHER_KEY
        ].to_list()

    def of_items(self, ids: Iterable[str]) -> set[int]:
        """Give the keys of the vouchers of some items."""
        wanted = [entry.casefold() for entry in ids]
        named = pl.col("item.id").str.to_lowercase()
        keys = self._frames.items.filter(named.is_in(wanted)).select(ITEM_KEY)
        return set(self._words.join(keys, on=ITEM_KEY, how="semi")[VOUCHER_KEY].to_list())

    def referred_to_as(self, reference: str) -> list[str]:
        """Give the ids of the items with a reconciliation id."""
        if "item.reconciliation_id" not in self._frames.items.columns:
            return []
        named = pl.col("item.reconciliation_id").cast(pl.String).str.to_lowercase()
        found = self._frames.items.filter(named == reference.casefold())
        return [entry for entry in found["item.id"].to_list() if entry]

    def vouchers(
        self, keys: Sequence[int], *, rows: Mapping[str, tuple[FileRows, ...]] | None = None
    ) -> tuple[Voucher, ...]:
        """Lay out vouchers in full.

        Needs: rows, by id of an item the lines of files where its postings stand.
        """
        chosen = self._frames.vouchers.filter(pl.col(VOUCHER_KEY).is_in(list(keys)))
        items = self._frames.items.join(chosen, on=ITEM_KEY, how="semi")
        by_key = {
            key: rows[entry]
            for key, entry in items.select(ITEM_KEY, "item.id").iter_rows()
            if rows is not None and entry in rows
        }
        listed = voucher_list(
            Chosen(chosen, chosen.clear(), 0),
            self._frames,
            rules=self._rules,
            names=self._names,
            item_rows=by_key,
        )
        return listed.full

    def items_of(self, keys: Sequence[int]) -> list[str]:
        """Give the ids of the items of some vouchers."""
        chosen = self._frames.vouchers.filter(pl.col(VOUCHER_KEY).is_in(list(keys)))
        items = self._frames.items.join(chosen, on=ITEM_KEY, how="semi")
        return [entry for entry in items["item.id"].to_list() if entry]

    def items(self, ids: Sequence[str]) -> dict[str, ItemLine]:
        """Give items by id, in one line each; those that the batch does not know are left out."""
        wanted = {entry.casefold(): entry for entry in ids}
        listed = (self._frames.items, self._frames.settled)  # what is booked already has a name too
        rows = pl.concat(
            frame.filter(pl.col("item.id").str.to_lowercase().is_in(list(wanted))).select(
                ITEM_FACTS
            )
            for frame in listed
        )
        return {
            wanted[row["item.id"].casefold()]: ItemLine(
                item_id=row["item.id"],
                title=title_of(row),
                type=type_words(row["item.type"]),
                amount=row[f"item.{_kind(row)}amount"],
                currency=row[f"item.{_kind(row)}currency"] or "",
                url=pleo_link(row["item.url"]),
            )
            for row in rows.iter_rows(named=True)
        }

    def _searched(self) -> pl.DataFrame:
        """Give the vouchers with all their words in one text."""
        facts = self._frames.items.select(ITEM_KEY, *_FOUND_IN_ITEMS)
        accounts = self._frames.postings.group_by(VOUCHER_KEY).agg(
            pl.col("posting.account").unique().str.join(" ").alias("accounts")
        )
        table = self._frames.vouchers.select(VOUCHER_KEY, ITEM_KEY, *_FOUND_IN)
        table = table.join(facts, on=ITEM_KEY, how="left", validate="m:1", maintain_order="left")
        table = table.join(accounts, on=VOUCHER_KEY, how="left", validate="1:1",
                           maintain_order="left")  # fmt: skip
        texts = [pl.col(name).cast(pl.String) for name in (*_FOUND_IN, *_FOUND_IN_ITEMS)]
        joined = pl.concat_str([*texts, pl.col("accounts")], separator=" ", ignore_nulls=True)
        words = pl.Series("words", map(_folded, table.select(joined).to_series()), pl.String)
        return table.select(VOUCHER_KEY, ITEM_KEY).with_columns(words)
