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


@pytest.mark.parametrize("words", ["1164.33", "1164,33", "1.164,33", "1,164.33", "164,33"])
def test_amounts_are_found_however_they_are_written(drawer: Drawer, words: str) -> None:
    assert drawer.find(words) == [0]


def test_what_is_no_amount_is_searched_as_it_stands(drawer: Drawer) -> None:
    assert drawer.find("2026-09-10") == [5]
    assert drawer.find("rec-0,00") == []
