"""The balance test catches postings that contradict themselves: one broken variant per rule."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import polars as pl
import pytest

from etl.forms import Form
from etl.money import AMOUNT
from etl.postings import Unbalanced, check_balance
from tests.unit.postings.books import Item, Line, post

LEGS = Form("f", "legs", "by_code")
PAIR = Form("f", "pair", "net_and_tax")

FEWEST = (
    "voucher.key",
    "posting.shape",
    "posting.account",
    "posting.contra_account",
    "posting.side",
)

ITEMS = (
    Item(
        (Line("119.00", "19.00", "inclusive", book=("108.00", "17.24")),
         Line("-10.00", book=("-9.10", None))),
        currency="USD", other_currency="EUR",
    ),
    Item((Line("5.00", other=("50.00", None)),), id="i2", other_currency="SEK"),
)  # fmt: skip


def legs() -> pl.DataFrame:
    return post(*ITEMS, form=LEGS).postings


def pairs() -> pl.DataFrame:
    return post(*ITEMS, form=PAIR).postings


def with_cell(frame: pl.DataFrame, name: str, row: int, value: object) -> pl.DataFrame:
    cell = pl.lit(value, frame.schema[name])
    at_row = pl.int_range(pl.len()) == row
    return frame.with_columns(pl.when(at_row).then(cell).otherwise(name).alias(name))


def added(frame: pl.DataFrame, name: str, row: int) -> pl.DataFrame:
    """Add one cent to a cell."""
    value = frame.get_column(name)[row]
    return with_cell(frame, name, row, value + Decimal("0.01"))


def test_what_the_engine_makes_balances() -> None:
    check_balance(legs())
    check_balance(pairs())


@pytest.mark.parametrize("prefix", ["", "book_", "original_"])
@pytest.mark.parametrize("row", range(5))
def test_one_cent_is_caught_in_every_row_and_currency(prefix: str, row: int) -> None:
    names = ("signed", "amount", "debit", "credit")
    for name in (f"posting.{prefix}{name}" for name in names):
        with pytest.raises(Unbalanced):
            check_balance(added(legs(), name, row))


@pytest.mark.parametrize("prefix", ["", "book_", "original_"])
@pytest.mark.parametrize("row", range(5))
def test_one_cent_is_caught_where_only_signed_amounts_are_made(prefix: str, row: int) -> None:
    names = {"posting.signed", f"posting.{prefix}signed"}
    few = legs().select(*FEWEST, *sorted(names))
    check_balance(few)
    with pytest.raises(Unbalanced, match="add up to zero"):
        check_balance(added(few, f"posting.{prefix}signed", row))


def test_two_vouchers_that_only_balance_together_are_caught() -> None:
    few = legs().select(*FEWEST, "posting.signed")
    moved = few.with_columns(
        (pl.col("posting.signed") + pl.Series([0, 0, 1, -1, 0]).cast(AMOUNT)).alias(
            "posting.signed"
        )
    )
    assert moved.get_column("posting.signed").sum() == 0
    with pytest.raises(Unbalanced, match=r"add up to zero \(vouchers 0\)"):
        check_balance(moved)


@pytest.mark.parametrize("name", ["net", "tax", "book_net", "original_tax"])
def test_net_and_tax_that_do_not_make_the_amount_are_caught(name: str) -> None:
    with pytest.raises(Unbalanced, match="net and tax make the amount"):
        check_balance(added(pairs(), f"posting.{name}", 0))


BROKEN: dict[str, Callable[[], pl.DataFrame]] = {
    "sorted by voucher": lambda: legs().reverse(),
    "has an account": lambda: with_cell(legs(), "posting.account", 1, None),
    "pairs, and only pairs": lambda: with_cell(legs(), "posting.contra_account", 1, "X"),
    "pairs, and only pairs, have": lambda: with_cell(pairs(), "posting.contra_account", 1, None),
    "zero amount": lambda: with_cell(pairs(), "posting.signed", 0, Decimal("0.00")),
    "stand on their side": lambda: with_cell(pairs(), "posting.side", 0, "credit"),
    "known for the whole voucher": lambda: with_cell(legs(), "posting.book_signed", 0, None),
}


@pytest.mark.parametrize("words", BROKEN)
def test_every_rule_catches_what_breaks_it(words: str) -> None:
    with pytest.raises(Unbalanced, match=words):
        check_balance(BROKEN[words]())


def test_a_missing_posting_amount_is_caught() -> None:
    with pytest.raises(Unbalanced):
        check_balance(with_cell(pairs(), "posting.signed", 0, None))


def test_no_postings_balance() -> None:
    check_balance(legs().clear())
