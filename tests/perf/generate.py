"""Make large inputs: N plausible export items, one per line, the same bytes every time."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from tests.fakes.items import item

MERCHANTS = ("Café Müller", "Deutsche Bahn", "Büromarkt Böttcher", "Cloud Ltd", "Hotell Norr AB")
ACCOUNTS = ("6640 Bewirtung", "6660 Reisekosten", "6815 Bürobedarf", "6837 Lizenzen")
TAXES = (("VSt19", "0.19", 19, 119), ("VSt7", "0.07", 7, 107), (None, None, 0, 100))
NAMESPACE = uuid.UUID("3f6f8a86-0f0e-4d1f-8f3e-6d0a51c0f4b7")


def write_items(path: Path, count: int) -> None:
    """Write `count` items as NDJSON: one in five is split, one in ten in foreign currency."""
    patterns = [_pattern(number) for number in range(200)]
    with path.open("w", encoding="utf-8") as handle:
        for number in range(count):
            handle.write(_vary(patterns[number % len(patterns)], number))


def _pattern(number: int) -> str:
    """Give a line with places for the id, the reconciliation id and the day."""
    code, rate, tax, base = TAXES[number % len(TAXES)]
    hundredths = base * (7 + number)
    gross = f"{hundredths / 100:.2f}"
    text = f"{code} {rate} inclusive {tax * (7 + number) / 100:.2f}" if code else None
    row: dict[str, Any] = {"account": ACCOUNTS[number % len(ACCOUNTS)], "gross": gross, "tax": text}
    row["tags"] = {"COSTCENTER": f"CC-{number % 7}0", "PROJECT": f"P-{number % 11}"}
    rows = [row] * (2 if number % 5 == 0 else 1)
    total = f"{hundredths * len(rows) / 100:.2f}"
    foreign = f"{hundredths * len(rows) * 2 / 100:.2f} USD" if number % 10 == 3 else None
    if foreign:
        rows = [row | {"supplier_gross": f"{hundredths * 2 / 100:.2f}", "tax": None}]
    made = item(
        n=number,
        wallet=f"{total} EUR",
        supplier=foreign,
        lines=rows,
        merchant=MERCHANTS[number % len(MERCHANTS)],
        note=f"Notiz {number}: Besprechung mit Kundschaft",
        method="journal",
        date="2026-03-@DAY@T10:00:00Z",
        reconciliation_id="@RECON@",
        files=[{"url": "https://files.example.com/r", "type": "application/pdf", "size": 20480}],
    )
    made["accountingEntryId"] = "@ID@"
    return json.dumps(made, ensure_ascii=False)


def _vary(pattern: str, number: int) -> str:
    identity = str(uuid.UUID(int=(NAMESPACE.int + number * 0x9E3779B97F4A7C15) % (1 << 128)))
    day = f"{1 + number % 28:02d}"
    line = pattern.replace("@ID@", identity).replace("@RECON@", str(5_000_000 + number))
    return line.replace("@DAY@", day) + "\n"
