"""Broken export items: the sample with one value dropped, emptied, or of another kind or size."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SAMPLE: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "sample_data/items.json").read_text(encoding="utf-8")
)["data"]
DROP, DOUBLE = object(), object()
REPLACEMENTS: list[Any] = [
    DROP, DOUBLE, None, "", " ", "x", "\u202e\u0000\n", "=1+1", "Ma\u0308rz", "x" * 10_000,
    "{{ 7*7 }}",
    "2026-02-30", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z", "٢٠٢٦-٠٣-١٤", "UNDEFINED",
    "JPY",
    0, -1, 1, 10**15, 10**15 + 1, 10**40, -(10**15), 0.5, 1e300, True, False,
    [], [None], ["x"], [[]], [{}], {}, {"x": 1}, {"web": None}, [[[[[[[[[1]]]]]]]]],
]  # fmt: skip


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give the paths of all values inside a value."""
    if not isinstance(value, dict | list):
        return
    for key, child in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        yield from paths(child, (*path, key))


def mutate(rng: random.Random, *, number: int) -> bytes:
    """Give the JSON of a sample item with one to three changes, under an id of its own."""
    item = copy.deepcopy(rng.choice(SAMPLE))
    item["accountingEntryId"] = f"00000000-0000-4000-8000-{number:012}"
    doubled = b""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        path = rng.choice(list(paths(item)))
        holder = item
        for step in path[:-1]:
            holder = holder[step]
        replacement = rng.choice(REPLACEMENTS)
        if replacement is DROP:
            del holder[path[-1]]
        elif replacement is DOUBLE:
            doubled = b'"note":"again",'
        else:
            holder[path[-1]] = copy.deepcopy(replacement)
    indent, ascii_only = rng.choice([None, None, 1]), rng.random() < 0.3
    text = json.dumps(item, indent=indent, ensure_ascii=ascii_only).encode()
    return b"{" + doubled + text[1:] if doubled else text
