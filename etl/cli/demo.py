"""`pleo-etl demo`: a complete conversion of the sample data, without an account or a network."""

from __future__ import annotations

from pathlib import Path

import click

from etl.cli import talk
from etl.errors import EXIT_GOOD

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
            counts = conversion.counts
            talk.say(f"{template}: {purpose}")
            talk.say(
                f"  {counts.items} items: {counts.rendered} rendered, {counts.rejected} rejected;"
                f" {counts.vouchers} vouchers, {counts.postings} postings, read back and proved"
            )
            for name in conversion.file_names:
                talk.give(str(folder / name))
    if as_json:
        talk.give_json({"exit_code": EXIT_GOOD, "errors": [], "conversions": done})
        return EXIT_GOOD
    first = Path(FOLDER) / SHOWN[0][0]
    talk.say("")
    talk.say("open next:")
    talk.say(f"  {first / 'review.html'}   what a bookkeeper reviews before the import")
    talk.say(f"  {first / 'rejections.csv'}   what was refused, and what to do about it")
    talk.say(f"  pleo-etl explain 4114001 {first}   why each value is what it is")
    talk.say(f"  pleo-etl verify {first}   the proof again, from the files alone")
    return EXIT_GOOD
