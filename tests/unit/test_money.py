"""Money is exact: hundredths in, two places out, no float anywhere."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from etl.money import (
    AMOUNT,
    MAX_HUNDREDTHS,
    RATE,
    amount_to_hundredths,
    hundredths_to_amount,
    rate_between,
)

HUNDREDTHS = st.integers(-MAX_HUNDREDTHS, MAX_HUNDREDTHS)


@given(st.lists(HUNDREDTHS, min_size=1, max_size=20))
def test_every_amount_survives_the_round_trip(values: list[int]) -> None:
    frame = pl.DataFrame({"h": values}, schema={"h": pl.Int64})
    amounts = frame.select(a=hundredths_to_amount(pl.col("h")))
    assert amounts.schema == {"a": AMOUNT}
    assert amounts["a"].to_list() == [Decimal(value).scaleb(-2) for value in values]
    assert amounts.select(amount_to_hundredths(pl.col("a")))["a"].to_list() == values


def test_pleos_own_example_is_896_96() -> None:
    frame = pl.DataFrame({"h": [89696]}, schema={"h": pl.Int64})
    assert frame.select(hundredths_to_amount(pl.col("h"))).item() == Decimal("896.96")


@given(HUNDREDTHS, HUNDREDTHS)
def test_rate_is_rounded_half_away_from_zero_to_six_places(amount: int, book: int) -> None:
    frame = pl.DataFrame(
        [(Decimal(amount).scaleb(-2), Decimal(book).scaleb(-2))],
        schema={"a": AMOUNT, "b": AMOUNT},
        orient="row",
    )
    rate = frame.select(rate_between(pl.col("a"), pl.col("b"))).to_series()
    assert rate.dtype == RATE
    if amount == 0 or book == 0:
        assert rate.item() is None
        return
    # worked in whole numbers: floor(x + 1/2) of the exact quotient in millionths
    expected = (2 * abs(amount) * 10**6 + abs(book)) // (2 * abs(book))
    assert rate.item() == Decimal(expected).scaleb(-6)


def test_rate_of_the_datev_sample_reads_foreign_per_base() -> None:
    frame = pl.DataFrame(
        [(Decimal("100.00"), Decimal("92.31")), (None, Decimal("1.00"))],
        schema={"a": AMOUNT, "b": AMOUNT},
        orient="row",
    )
    rates = frame.select(rate_between(pl.col("a"), pl.col("b"))).to_series().to_list()
    assert rates == [Decimal("1.083306"), None]
