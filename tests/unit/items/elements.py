"""Export items for these tests: taken from the sample data, changed at a JSON path, and read."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.items import Checked, CompanyFacts, Ingested, check, ingest

ROOT = Path(__file__).parents[3]
COMPANY = CompanyFacts("5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10", "Europe/Berlin", "EUR")
SAMPLE: list[dict[str, Any]] = json.loads((ROOT / "sample_data/items.json").read_text("utf-8"))[
    "data"
]
#: One line, 19 % inclusive; split, 7 % inclusive and 19 % exclusive.
PLAIN, SPLIT = 0, 1
DROP = object()


@dataclass
class Chunk:
    """A chunk as a source gives it."""

    elements: Sequence[bytes | None]
    name: str = "items.json"
    word: str = "item"
    item_bytes: int = 1_000_000

    @property
    def positions(self) -> range:
        return range(1, len(self.elements) + 1)


def sample(number: int = PLAIN, **changes: object) -> dict[str, Any]:
    """Give an item of the sample with changes: path="value", with __ between the steps."""
    item = copy.deepcopy(SAMPLE[number])
    for path, value in changes.items():
        put(item, path.replace("__", "."), value)
    return item


def put(item: Any, path: str, value: object) -> Any:
    """Set, or with DROP remove, the value at a dotted path; numbers are places in a list."""
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        item = item[step]
    if value is DROP:
        del item[last]
    else:
        item[last] = value
    return item


def numbered(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the items ids of their own, in order."""
    return [
        item | {"accountingEntryId": f"00000000-0000-4000-8000-{number:012}"}
        for number, item in enumerate(items)
    ]


def encode(item: Any) -> bytes:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()


def read(*items: Any) -> Ingested:
    """Read items; bytes are taken as they are."""
    return ingest([Chunk([i if isinstance(i, bytes | None) else encode(i) for i in items])])


def checked(*items: Any, **settings: Any) -> Checked:
    return check(read(*items), COMPANY, **settings)


def all_codes(*items: Any, **settings: Any) -> list[str]:
    """Give the codes of all rejections of reading and checking, in order of items."""
    ingested = read(*items)
    rejections = [ingested.rejections, check(ingested, COMPANY, **settings).rejections]
    return [code for frame in rejections for code in frame["code"]]


def messages(*items: Any) -> list[str]:
    ingested = read(*items)
    found = [*ingested.rejections["message"], *check(ingested, COMPANY).rejections["message"]]
    return [str(message) for message in found]
