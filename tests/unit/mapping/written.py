"""Items and lines for mapping tests, written by the names that rules use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from etl.frames import CHECKED_ITEMS, CHECKED_LINES, ITEM, ROLES, schema
from etl.mapping import LoadedMapping, Mapped, load_mapping, map_lines

COMPANY = (
    "company: {name: Acme GmbH, id: 5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10, "
    "time_zone: Europe/Berlin, currency: EUR}\n"
)


def frames(*written: Mapping[str, Any]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give items and lines.

    Each item is written by column names; `lines` is a list of lines by column names, `needs` the
    roles its posting rule uses (default: expense and wallet).
    """
    item_schema = schema(CHECKED_ITEMS, ITEM) | {f"needs.{role}": pl.Boolean() for role in ROLES}
    line_schema = schema(CHECKED_LINES)
    items: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for key, item in enumerate(written):
        own = {name: value for name, value in item.items() if name not in ("lines", "needs")}
        needs = item.get("needs", ("expense", "wallet"))
        defaults = {
            "item.key": key,
            "item.id": f"item-{key}",
            "item.where": f"items.json, item {key + 1}",
            "item.type": "card_purchase",
            "item.method": "journal",
            "item.date": date(2026, 3, 9),
            "item.currency": "EUR",
            "item.contra_account.code": "1360",
            "item.contra_account.name": "Pleo EUR",
            **{f"needs.{role}": role in needs for role in ROLES},
        }
        items.append(defaults | own)
        for number, line in enumerate(item.get("lines", [{}]), 1):
            tags = line.get("tags", [])
            given = {name: value for name, value in line.items() if name != "tags"}
            lines.append(
                {
                    "item.key": key,
                    "line.key": len(lines),
                    "line.number": number,
                    "line.account.code": "6640",
                    "line.account.name": "Bewirtung",
                    "line.tag_groups": [group for group, _ in tags],
                    "line.tag_codes": [code for _, code in tags],
                }
                | given
            )
    return _frame(items, item_schema), _frame(lines, line_schema)


def _frame(rows: Sequence[Mapping[str, Any]], columns: dict[str, pl.DataType]) -> pl.DataFrame:
    for row in rows:
        assert set(row) <= set(columns), set(row) - set(columns)
    return pl.DataFrame(
        [tuple(row.get(name) for name in columns) for row in rows], schema=columns, orient="row"
    )


def write(folder: Path, text: str, **files: str | bytes) -> Path:
    """Write a mapping (company added) and the files beside it; `a__b_csv` is a/b.csv."""
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_csv", ".csv").replace("_xlsx", ".xlsx")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    mapping = folder / "acme.yaml"
    mapping.write_text(text if "company:" in text else COMPANY + text, encoding="utf-8")
    return mapping


def load(folder: Path, text: str, **files: str | bytes) -> LoadedMapping:
    """Write and load a mapping."""
    return load_mapping(write(folder, text, **files), name="acme.yaml")


def mapped(
    mapping: LoadedMapping, *written: Mapping[str, Any], targets: Mapping[str, bool] | None = None
) -> Mapped:
    """Map written items."""
    items, lines = frames(*written)
    return map_lines(items, lines, mapping, targets=targets or {})


def value(result: Mapped, target: str) -> list[str | None]:
    """Give a target of every line."""
    return result.lines[target].to_list()


def codes(result: Mapped) -> list[tuple[str, int | None, str]]:
    """Give the rejections as code, line and failure type."""
    return result.rejections.select("code", "line", "failure_type").rows()
