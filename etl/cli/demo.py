"""`pleo-etl demo`: a complete conversion of the sample data, without an account or a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl.cli import talk
from etl.errors import EXIT_GOOD

if TYPE_CHECKING:
    from etl.conversion import Conversion

FOLDER = "pleo-etl-demo"

#: What is shown: a template, its parameters, and what the file is for.
SHOWN: tuple[tuple[str, dict[str, str], str], ...] = (
    (
        "datev-extf",
        {"consultant_number": "1001", "client_number": "42"},
        "a batch of bookings for DATEV Rechnungswesen",
    ),
    ("hledger", {}, "a journal in plain text, which shows every leg"),
)


@click.command("demo")
@talk.json_option
def command(as_json: bool) -> int:
    """Convert the sample data into ./pleo-etl-demo.

    Uses the example mapping and two templates, proves the files, and says what to open next.
    One of the sample items is rejected, to show what that looks like.

    \b
    pleo-etl demo
    """
    from etl.pipeline import Request, convert, write
    from etl.shipped import shipped_folder

    items = shipped_folder("sample_data") / "items.json"
    mapping = shipped_folder("mappings") / "example.yaml"
    done = []
    for template, parameters, purpose in SHOWN:
        folder = Path(FOLDER) / template
        with talk.progress(template) as stage:
            conversion = convert(
                Request(
                    sources=[str(items)], template=template, mapping=mapping, parameters=parameters
                ),
                stage=stage,
            )
            write(conversion, folder)
        done.append(
            {
                "template": template,
                "folder": str(folder),
                "files": conversion.file_names,
                "counts": conversion.head["counts"],
                "content": conversion.head["content"],
            }
        )
        if not as_json:
            talk.say(f"{template}: {purpose}")
            talk.say(f"  {_summary(conversion)}")
            for name in conversion.file_names:
                talk.give(str(folder / name))
    if as_json:
        talk.give_json({"exit_code": EXIT_GOOD, "errors": [], "conversions": done})
        return EXIT_GOOD
    _say_next(conversion, Path(FOLDER) / SHOWN[0][0])
    return EXIT_GOOD


def _say_next(conversion: Conversion, first: Path) -> None:
    """Show what a rejection looks like, and say what to open."""
    talk.say("")
    talk.show_causes(conversion.view.causes, rest=f"all are in {first / 'rejections.csv'}")
    talk.say("")
    talk.say("what a bookkeeper reviews before the import:")
    talk.say(f"  {first / 'review.html'}")
    talk.say("what was refused, and what to do about it:")
    talk.say(f"  {first / 'rejections.csv'}")
    talk.say("why each value is what it is, and the proof again, from the files alone:")
    talk.say(f"  pleo-etl explain 4114001 {first}")
    talk.say(f"  pleo-etl verify {first}")


def _summary(conversion: Conversion) -> str:
    from etl.review.summary import grouped

    counts = conversion.counts
    totals = ", ".join(f"{t.currency} {grouped(t.debit)}" for t in conversion.view.control.totals)
    items, postings = talk.counted(counts.items, "item"), talk.counted(counts.postings, "posting")
    return (
        f"{items}: {counts.rendered} in the file, {counts.rejected} rejected;"
        f" {postings}\n  read back and proved; debit = credit = {totals}"
    )
