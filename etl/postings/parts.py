"""Parts of a batch: whole items at a time, so that memory does not grow with the batch."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

#: Items posted at once; wide intermediate frames exist for these only.
ITEMS_AT_ONCE = 100_000


def parts_by_item(
    *frames: pl.DataFrame, size: int = ITEMS_AT_ONCE
) -> Iterator[tuple[pl.DataFrame, ...]]:
    """Divide frames into parts that hold the same items, in the order of item.key.

    Gives: at least one part, so that empty frames pass through with their columns.
    """
    last = max((_last_key(frame) for frame in frames), default=0)
    if last < size:
        yield frames
        return
    for start in range(0, last + 1, size):
        is_in_part = pl.col("item.key").is_between(start, start + size - 1)
        yield tuple(frame.filter(is_in_part) for frame in frames)


def _last_key(frame: pl.DataFrame) -> int:
    key = frame.get_column("item.key").max()
    return key if isinstance(key, int) else 0
