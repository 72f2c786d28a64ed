"""C-11: somebody sets the machine's clock, or it is an odd hour; Pleo's clock is right.

Nothing but names and logs may differ: the files for the ERP are the same bytes.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from tests.fault.live.amounts import amount
from tests.fault.live.story import draw, plain, play

JUMPS = amount(default=6, full=200)
STORIES = amount(default=6, full=400)
MOMENTS = {
    "summer time begins": datetime(2026, 3, 29, 0, 59, 58, tzinfo=UTC),
    "summer time ends": datetime(2026, 10, 25, 0, 59, 58, tzinfo=UTC),
    "year end": datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC),
    "leap day": datetime(2028, 2, 29, 23, 59, 58, tzinfo=UTC),
    "leap second": datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC),
    "epoch of 32 bits": datetime(2038, 1, 19, 3, 14, 6, tzinfo=UTC),
}


@pytest.fixture(scope="module")
def expected() -> list[bytes]:
    return plain(()).files


@pytest.mark.parametrize("name", sorted(MOMENTS))
def test_an_odd_hour(name: str, expected: list[bytes]) -> None:
    told = plain((), start=MOMENTS[name])
    assert not told.violations, str(told)
    assert told.files == expected


def test_a_clock_that_jumps(expected: list[bytes]) -> None:
    for seed in range(JUMPS):
        told = plain((), jumps=random.Random(seed))
        assert not told.violations, f"jumps {seed}\n{told}"
        assert told.files == expected
    print(f"{JUMPS} clocks that jump")


def test_a_clock_that_jumps_in_any_story() -> None:
    print(f"{STORIES} clock stories")
    for seed in range(STORIES):
        told = play(draw(seed, only="clock"))
        assert not told.violations, f"{told}\nuv run python -m tests.fault.live {seed} clock"
