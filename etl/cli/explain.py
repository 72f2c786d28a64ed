"""`pleo-etl explain`: why every value of an item's rows is what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl.cli import talk
from etl.cli.completing import complete_batch
from etl.cli.diff import folder_of_batch, is_batch
from etl.cli.live import one_company_options
from etl.errors import EXIT_GOOD
from etl.sentences import counted

if TYPE_CHECKING:
    from etl.batches.explanation import CellReason, RowReason
    from etl.verification import Explained


@click.command("explain")
@click.argument("item")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), required=False)
@click.option(
    "--batch", metavar="B", shell_complete=complete_batch,
    help="A batch of the workspace instead of DIR: its number or id, or a revision as 7@1.",
)  # fmt: skip
@one_company_options
def command(
    item: str, folder: Path | None, *, batch: str | None, company: str | None, as_json: bool
) -> int:
    """Say why each value of an item's rows is what it is.

    ITEM is the item's id, its first six or more characters, or the reference that the ledger
    shows. For every column: its value in the file, the expression of the template, the values
    that it reads, the mapping rule and table row that gave them, and the rules that lost. Of an
    item that was rejected: why, and what to do about it. DIR is what `convert` or `release`
    wrote; without it, the current folder.

    \b
    pleo-etl explain 4113001 out
    pleo-etl explain 4113001 --batch 7
    """
    from dataclasses import asdict

    from etl.verification import explain_in_folder

    if batch is not None and folder is not None:
        raise click.UsageError("a folder and --batch exclude each other")
    if batch is None and company is not None:
        raise click.UsageError("--company goes with --batch")
    if batch is not None:
        if not is_batch(batch):
            raise click.UsageError(f"--batch {batch}: not the number or id of a batch, as 7 or 7@1")
        folder = folder_of_batch(batch, company=company)
    explained = explain_in_folder(folder or Path(), item)
    if as_json:
        talk.give_json(
            {
                "exit_code": EXIT_GOOD,
                "errors": [],
                "item": explained.item,
                "rows": [asdict(row) for row in explained.rows],
                "rejections": explained.rejections,
                "remarks": explained.remarks,
            }
        )
        return EXIT_GOOD
    talk.give_prose(*explanation_lines(explained))
    return EXIT_GOOD


def _why_no_row(item: Mapping[str, Any]) -> str:
    if item["verdict"] == "skipped":
        return "it was reported to Pleo before this batch was made"
    return "booked by an earlier batch" if item["external_id"] else "nothing to book"


def explanation_lines(explained: Explained) -> Iterator[str]:
    """Say why each value of an item's rows is what it is, line by line."""
    item = explained.item
    named = f"item {item['id']}" + (f", {item['external_id']}" if item["external_id"] else "")
    if item["verdict"] == "failed":
        yield f"{named}: rejected, it stands in no file ({item['failure_type']})"
        yield from _rejected(explained)
    else:
        yield f"{named}: {item['verdict']}"
        if not explained.rows:
            yield f"  {_why_no_row(item)}: it has no row in any file"
    for row in explained.rows:
        yield ""
        yield from _row(row)
    yield from explained.remarks


def _rejected(explained: Explained) -> Iterator[str]:
    if not explained.rejections:
        yield f"  {explained.item['failure_reason']}"
        yield f"  at {explained.item['where']}"
    for problem in explained.rejections:
        line = f"line {problem['line']}, " if problem["line"] else ""
        yield f"  [{problem['code']}] {problem['message']}"
        yield f"    at {line}{problem['where']}"
        yield f"    fix: {problem['fix']}"


def _row(row: RowReason) -> Iterator[str]:
    of = f" of line {row.line}" if row.line is not None else ""
    yield f"{row.file} line {row.row}: {row.role}{of}, voucher {row.voucher}"
    if row.printed is not None and any(cell.value is None for cell in row.cells):
        yield f"  {row.printed.strip()}"  # not every cell can be shown alone
    yield f"  posting rule {row.posting_rule} ({row.posting_rule_place})"
    templates = {cell.place.split(":")[0] for cell in row.cells}
    if len(templates) == 1:
        yield f"  columns of {templates.pop()}"
    for cell in row.cells:
        if cell.value != "":
            yield from _cell(cell)
    yield from _empty(row)


def _empty(row: RowReason) -> Iterator[str]:
    names = [cell.column for cell in row.cells if cell.value == ""]
    unfilled = counted(row.never_filled, "column") if row.never_filled else ""
    if names:
        more = f", and {unfilled} that the template never fills" if unfilled else ""
        yield f"  empty: {', '.join(names)}{more} (--json says why)"
    elif unfilled:
        yield f"  empty: {unfilled} that the template never fills"


def _cell(cell: CellReason) -> Iterator[str]:
    yield f"  {cell.column}" if cell.value is None else f"  {cell.column}: {cell.value}"
    line = cell.place.split(":")[1:2]
    written = f"{cell.expression} in line {line[0]}" if line else cell.expression
    reads = "; ".join(
        f"{source.name} is {_quoted(source.value)}, from {source.origin}" for source in cell.sources
    )
    if len(cell.sources) == 1 and cell.expression == f"{{{{ {cell.sources[0].name} }}}}":
        (only,) = cell.sources
        is_said = only.value is not None and only.value == cell.value
        value = "" if is_said else f"{_quoted(only.value)}, "
        reads = f"{value}from {only.origin}"
    yield f"    {written}: {reads}" if reads else f"    {written}"
    mapped = [source for source in cell.sources if source.target is not None]
    for source in mapped:
        of = f"{source.name}, " if len(mapped) > 1 else ""
        if source.rule is not None:
            at = f", row {source.table_row}" if source.table_row is not None else ""
            table = f" in table {source.table}{at}" if source.table else ""
            yield f"      {of}won: {source.rule}{table} ({source.place})"
        for lost in source.lost:
            yield f"      {of}lost: {lost.rule} – {lost.why} ({lost.place})"


def _quoted(value: str | None) -> str:
    return "empty" if value is None else f'"{value}"'
