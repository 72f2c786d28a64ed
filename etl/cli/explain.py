"""`pleo-etl explain`: why every value of an item's rows is what it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl.cli import talk
from etl.errors import EXIT_GOOD

if TYPE_CHECKING:
    from etl.verification import Explained


@click.command("explain")
@click.argument("item")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=".")
@talk.json_option
def command(item: str, folder: Path, *, as_json: bool) -> int:
    """Say why each value of an item's rows is what it is.

    ITEM is the item's id, its first six or more characters, or the reference that the ledger
    shows. For every column: the expression of the template, the values that it reads, the mapping
    rule and table row that gave them, and the rules that lost.

    \b
    pleo-etl explain 4113001 out
    """
    from dataclasses import asdict

    from etl.verification import explain_in_folder

    explained = explain_in_folder(folder, item)
    if as_json:
        talk.give_json(
            {
                "exit_code": EXIT_GOOD,
                "errors": [],
                "item": explained.item,
                "rows": [asdict(row) for row in explained.rows],
            }
        )
        return EXIT_GOOD
    for line in _lines(explained):
        talk.give(line)
    return EXIT_GOOD


def _lines(explained: Explained) -> list[str]:
    item = explained.item
    lines = [f"item {item['id']}: {item['verdict']}"]
    if item["verdict"] == "failed":
        lines.append(f"  {item['failure_type']}: {item['failure_reason']}")
    elif not explained.rows:
        lines.append("  nothing to book: it has no row in any file")
    for row in explained.rows:
        at = f", line {row.line}" if row.line is not None else ""
        lines += [
            "",
            f"{row.file} line {row.row}: {row.role}, voucher {row.voucher}{at}",
            f"  posting rule {row.posting_rule} ({row.posting_rule_place})",
        ]
        for cell in row.cells:
            lines.append(f"  {cell.column} = {cell.expression}   ({cell.place})")
            for source in cell.sources:
                lines.append(f"    {source.name} is {_quoted(source.value)}, from {source.origin}")
                if source.rule is not None:
                    row_of = f", row {source.table_row}" if source.table_row is not None else ""
                    table = f" in table {source.table}{row_of}" if source.table else ""
                    lines.append(f"      won: {source.rule}{table}   ({source.place})")
                for lost in source.lost:
                    lines.append(f"      lost: {lost.rule} – {lost.why}   ({lost.place})")
    return lines


def _quoted(value: str | None) -> str:
    return "empty" if value is None else f'"{value}"'
