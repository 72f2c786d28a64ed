"""C-02, N-04 and N-08: stories from seeds, each of which can be played again."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.fault.live.amounts import SHARDS, amount, shard
from tests.fault.live.story import draw, play

SEEDS = amount(default=32, full=10_000)
LATE = amount(default=16, full=2_000)
HASTY = amount(default=12, full=1_000)
POWER = amount(default=12, full=1_000)
ANSWERS = amount(default=16, full=2_000)
ONE = os.environ.get("PLEO_ETL_SEED")


#: A shard goes on after a story that failed, so that one run tells of all causes, up to here.
MAX_FAILED = 5


def _play(number: int, count: int, *, only: str = "") -> None:
    seeds = [int(ONE)] if ONE else shard(number, count)
    commands = stops = 0
    done: Counter[str] = Counter()
    failed: list[str] = []
    for seed in seeds:
        told = play(draw(seed, only=only))
        commands += told.commands
        stops += len(told.stopped)
        done += told.done
        if told.violations:
            again = f"uv run python -m tests.fault.live {seed} {only}"
            failed.append(f"{told}\nplay it again: {again}")
        if len(failed) == MAX_FAILED:
            break
    print(f"{len(seeds)} {only} stories: {commands} commands, {stops} stops, {len(failed)} failed")
    print("  came to their end:", ", ".join(f"{name} {done[name]}" for name in sorted(done)))
    assert not failed, "\n\n".join(failed)


@pytest.mark.parametrize("number", range(SHARDS))
def test_whatever_happens(number: int) -> None:
    _play(number, SEEDS)


@pytest.mark.parametrize("number", range(SHARDS))
def test_requests_that_land_late(number: int) -> None:
    _play(number, LATE, only="late")


@pytest.mark.parametrize("number", range(SHARDS))
def test_files_that_are_imported_too_early(number: int) -> None:
    _play(number, HASTY, only="hasty")


@pytest.mark.parametrize("number", range(SHARDS))
def test_what_only_a_person_can_put_right(number: int) -> None:
    """Reversals, adoptions, imports in part, lost ledgers, jobs that vanish, a second machine."""
    _play(number, ANSWERS, only="answers")


@pytest.mark.parametrize("number", range(SHARDS))
def test_power_that_fails(number: int) -> None:
    """C-07: what was not synced is gone."""
    _play(number, POWER, only="power")
