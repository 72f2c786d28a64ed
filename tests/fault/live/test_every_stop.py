"""C-01: a stop at every seam, once and in all ordered pairs.

The plain story: run, release, and again until nothing is left. Three items: one split, one
failed. A pair is a stop at the n-th seam of the first life and at the m-th of the next one.
"""

from __future__ import annotations

import random

import pytest

from tests.fault.live.amounts import IS_FULL, SHARDS, amount, shard
from tests.fault.live.story import Told, plain

SAMPLE = amount(default=32, full=0)
SEED = 1


def _told(*stops: int, is_deep: bool = False) -> Told:
    told = plain(stops, is_deep=is_deep)
    assert not told.violations, f"stops {stops}\n{told}"
    return told


@pytest.fixture(scope="module")
def lives() -> list[str]:
    """Give the seams that the first command and those after it pass when nothing stops."""
    return plain(()).seams


def test_there_are_as_many_seams_as_there_are_effects(lives: list[str]) -> None:
    kinds = {name.partition(" ")[2] for name in lives}
    print(f"{len(lives)} seams of {len(kinds)} effects: {', '.join(sorted(kinds))}")
    assert len(lives) >= 80
    assert "PUT v3/export-jobs/*/items" in kinds
    assert "commit" in kinds
    assert sum(name == "before commit" for name in lives) >= 12


@pytest.mark.parametrize("number", range(SHARDS))
def test_a_stop_at_every_seam(number: int, lives: list[str]) -> None:
    places = shard(number, len(lives))
    for place in places:
        _told(place + 1)
    print(f"{len(places)} places")


@pytest.mark.parametrize("number", range(SHARDS))
def test_a_stop_inside_every_file_effect(number: int) -> None:
    """Below the functions of etl/files.py: between making, syncing and renaming a file."""
    count = len(plain((), is_deep=True).seams)
    places = list(range(count))
    if not IS_FULL:
        places = sorted(random.Random(SEED).sample(places, min(count, SAMPLE)))
    for place in places[number::SHARDS]:
        _told(place + 1, is_deep=True)
    print(f"{len(places[number::SHARDS])} places inside effects")


@pytest.mark.parametrize("number", range(SHARDS))
def test_a_stop_at_every_pair_of_seams(number: int, lives: list[str]) -> None:
    if IS_FULL:
        firsts = list(shard(number, len(lives)))
        count = 0
        for first in firsts:
            second = 1
            while len(_told(first + 1, second).stopped) == 2:
                second += 1
                count += 1
        print(f"{count} pairs of places")
        return
    chance = random.Random(f"{SEED} {number}")
    for _ in range(SAMPLE // SHARDS):
        _told(chance.randint(1, len(lives)), chance.randint(1, len(lives)))
