"""`pleo-etl convert`: from JSON files to a proved import file, without a network."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl.cli import talk
from etl.cli.completing import complete_file, complete_template
from etl.cli.parameters import parameter_option

if TYPE_CHECKING:
    from etl.conversion import Conversion

SUMMARY_WIDTH = 80


def read_time(_ctx: click.Context, _option: click.Parameter, given: str | None) -> datetime | None:
    """Read a date, which is its midnight in UTC, or a time with its offset."""
    if given is None:
        return None
    try:
        time = datetime.fromisoformat(given)
    except ValueError:
        raise click.BadParameter(f'"{given}" is no date and no time') from None
    if len(given) == len("2026-03-31"):
        return time.replace(tzinfo=UTC)
    if time.tzinfo is None:
        raise click.BadParameter(f'"{given}" does not say its time zone; add Z for UTC')
    return time.astimezone(UTC)


@click.command("convert")
@click.argument("items", nargs=-1, required=True, metavar="ITEMS...", shell_complete=complete_file)
@click.option(
    "-t", "--template", required=True, shell_complete=complete_template,
    help="Id of a template, or its folder.",
)  # fmt: skip
@click.option(
    "-m", "--mapping", required=True, type=click.Path(path_type=Path), help="Mapping file."
)
@click.option(
    "-o", "--out", "folder", required=True, type=click.Path(path_type=Path), help="Output folder."
)
@parameter_option
@click.option(
    "--as-of", metavar="TIME", callback=read_time,
    help="Time that the files print, as 2026-03-31 or 2026-03-31T12:00:00Z; default: the newest"
    " item date.",
)  # fmt: skip
@click.option(
    "--batch-number", type=click.IntRange(1, 10**9), default=1, show_default=True,
    help="Number of the batch.",
)  # fmt: skip
@click.option(
    "--first-voucher", type=click.IntRange(1, 10**12), default=1, show_default=True,
    help="Number of the first voucher.",
)  # fmt: skip
@click.option(
    "--control-sheet", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Also write the control sheet as a workbook (XLSX).",
)  # fmt: skip
@talk.json_option
def command(
    items: tuple[str, ...], folder: Path, *, control_sheet: Path | None, as_json: bool, **given: Any
) -> int:
    """Convert export items to the import file of an ERP.

    ITEMS are files with a page of Pleo's answer, a JSON array, or one item per line, plain or
    gzip; "-" is standard input.

    \b
    pleo-etl convert items.json -t datev-extf -m mappings/acme.yaml -o out \\
        -p consultant_number=1001 -p client_number=42
    cat items.ndjson | pleo-etl convert - -t sie4 -m mappings/acme.yaml -o out

    Exit code 1 means that some items were rejected; rejections.csv says why.
    """
    from etl.pipeline import Request, convert, write

    with talk.progress("converting") as stage:
        conversion = convert(Request(sources=items, **given), stage=stage)
        stage("write")
        write(conversion, folder)
        if control_sheet:
            from etl.files import write_atomic
            from etl.review.workbook import render_workbook

            write_atomic(control_sheet, render_workbook(conversion.view))
    show_conversion(conversion, folder, as_json=as_json)
    return conversion.exit_code


def show_conversion(conversion: Conversion, folder: Path, *, as_json: bool) -> None:
    """Tell what became of the items: causes and summary on stderr, files on stdout."""
    from etl.review import render_summary

    view = conversion.view
    if view.causes:
        talk.show_causes(view.causes, rest=f"all are in {folder / 'rejections.csv'}")
        talk.say("")
    if as_json:
        talk.give_json(conversion.summary() | {"folder": str(folder)})
    else:
        for name in conversion.file_names:
            talk.give(str(folder / name))
    # The causes stand above, and the files are data.
    rest = replace(view, causes=(), cures=(), files=())
    width = talk.terminal_width() or SUMMARY_WIDTH
    talk.say(render_summary(rest, width=width, folder=str(folder)).rstrip())
