"""Play a story again: python -m tests.fault.live SEED [KIND | VARIANT]; kinds: story.draw."""

from __future__ import annotations

import sys

from tests.fault.live.story import draw, play
from tests.fault.live.variants import VARIANTS, broken

if __name__ == "__main__":
    seed, kind = int(sys.argv[1]), (sys.argv[2:] or [""])[0]
    if kind in VARIANTS:
        with broken(kind):
            print(play(draw(seed, only=VARIANTS[kind].only)))
    else:
        print(play(draw(seed, only=kind)))
