"""How much is run: a part by default, everything with PLEO_ETL_FAULTS=full.

PLEO_ETL_SEED=N replays one story: `uv run python -m tests.fault.live N [KIND|VARIANT]`.
"""

from __future__ import annotations

import os

IS_FULL = os.environ.get("PLEO_ETL_FAULTS") == "full"
#: Tests are cut into shards so that every worker has some.
SHARDS = 8


def amount(*, default: int, full: int) -> int:
    """Give how many examples to run."""
    return full if IS_FULL else default


def shard(number: int, count: int) -> range:
    """Give the numbers below `count` that are a shard's own."""
    return range(number, count, SHARDS)
