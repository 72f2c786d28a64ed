"""`pleo-etl settle`: say whether a quarantined batch was imported."""

from __future__ import annotations

import click

from etl.batches.states import State
from etl.cli.answering import Answer, answer_command

_imported = click.option(
    "--imported/--not-imported", "imported", default=None,
    help="Whether your ERP has the files.",
)  # fmt: skip


@answer_command("settle", _imported)
def command(by: str, *, imported: bool | None) -> Answer:
    """Say whether a quarantined batch was imported.

    Pleo ended its export before it was told all. --imported: its items stay booked, and are not
    booked again. --not-imported: its files are put away, and its items can be exported again.

    \b
    pleo-etl settle --not-imported
    pleo-etl settle 7 --imported --company acme --yes
    """
    from etl.live.answers import settle

    if imported is None:
        raise click.UsageError("say --imported or --not-imported")
    said = "" if imported else "not "
    return Answer(
        "settle",
        lambda one: one.state is State.QUARANTINED,
        lambda chosen: f"Batch {chosen.number} was {said}imported?",
        lambda desk, chosen: settle(desk, chosen, imported=imported, by=by),
    )
