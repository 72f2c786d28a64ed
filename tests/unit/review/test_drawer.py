"""Searching the vouchers of a batch: as a person types, not as a program stores."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest

from etl.review.drawer import Drawer
from tests.unit.review import batches


@pytest.fixture(scope="module")
def drawer() -> Drawer:
    """Give the batch, where item 0 was bought at Klöß and the top-up came to 1164.33."""
    frames = batches.frames()
    is_first, is_topup = pl.col("item.key") == 0, pl.col("item.key") == 5
    name, amount = pl.col("item.supplier.name"), pl.col("item.amount")
    items = frames.items.with_columns(
        pl.when(is_first).then(pl.lit("Gasthof KLÖß")).otherwise(name).alias("item.supplier.name"),
        pl.when(is_topup).then(Decimal("1164.33")).otherwise(amount).alias("item.amount"),
    )
    return Drawer(replace(frames, items=items), batches.RULES)


@pytest.mark.parametrize("words", ["Klöß", "KLÖSS", "klöss", "Klo\u0308ß gasthof"])
def test_letters_are_found_whatever_their_case_and_form(drawer: Drawer, words: str) -> None:
    assert drawer.find(words) == [1]  # voucher 2 is the second one


@pytest.mark.parametrize("words", ["1164.33", "1164,33", "1.164,33", "1,164.33"])
def test_amounts_are_found_however_they_are_written(drawer: Drawer, words: str) -> None:
    assert drawer.find(words) == [0]


def test_what_is_no_amount_is_searched_as_it_stands(drawer: Drawer) -> None:
    assert drawer.find("2026-09-10") == [5]
    assert drawer.find("rec-0,00") == []


def test_an_amount_is_found_as_an_amount(drawer: Drawer) -> None:
    assert drawer.find("164,33") == []  # the top-up came to 1164.33
    assert drawer.find("64.33") == []


def test_whole_words_come_first_and_first_of_all_those_side_by_side() -> None:
    frames = batches.frames()
    names = {0: "Workshop 2990", 1: "299 Shop", 2: "Shop 299, Berlin", 3: "Shop 12"}
    items = frames.items.with_columns(
        pl.col("item.key").replace_strict(names, default="x").alias("item.supplier.name")
    )
    drawer = Drawer(replace(frames, items=items), batches.RULES)
    keys = {name: drawer.of_item(item_id)[0] for name, item_id in zip(
        (names[key] for key in range(3)), items.sort("item.key")["item.id"][:3], strict=True
    )}  # fmt: skip
    assert drawer.find("shop 299") == [
        keys["Shop 299, Berlin"], keys["299 Shop"], keys["Workshop 2990"],
    ]  # fmt: skip


@pytest.mark.parametrize("words", ["", "  "])
def test_nothing_wanted_gives_every_voucher_in_its_order(drawer: Drawer, words: str) -> None:
    assert drawer.find(words) == list(range(drawer.count))
    assert drawer.count > 1
