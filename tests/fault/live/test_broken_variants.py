"""C-13: each deliberately broken variant of the protocol is caught within 1,000 stories."""

from __future__ import annotations

import pytest

from tests.fault.live.story import draw, play
from tests.fault.live.variants import VARIANTS, broken

SEEDS = 1_000


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_a_broken_variant_is_caught(name: str) -> None:
    variant = VARIANTS[name]
    for seed in [*range(variant.first, SEEDS), *range(variant.first)]:
        with broken(name):
            told = play(draw(seed, only=variant.only))
        if told.violations:
            print(f"{name}: seed {seed}: {told.violations[0]}")
            return
    pytest.fail(f"not caught in {SEEDS} stories: {variant.says}")


def test_there_are_enough_of_them() -> None:
    assert len(VARIANTS) >= 12
