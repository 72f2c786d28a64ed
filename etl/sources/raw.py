"""What passes between the reading of inputs and the decoding of items, and its limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one input may cost.

    Units: bytes. `unpacked_ratio` is how often larger than its file a gzip stream may become
    once it has given `ratio_from` bytes; export items shrink to about a twentieth.
    """

    block: int = MIB
    item: int = 16 * MIB
    input: int = 16 * 1024 * MIB
    unpacked_ratio: int = 250
    ratio_from: int = 64 * MIB


@dataclass(frozen=True, slots=True)
class RawItems:
    """Elements of one input, in order.

    An element is None where it was longer than `item_bytes` and not kept. `word` and `positions`
    say where each stands: line 12 of an NDJSON file, item 3 of a page.
    """

    name: str
    word: str
    positions: Sequence[int]
    elements: Sequence[bytes | None]
    item_bytes: int
