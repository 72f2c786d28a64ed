"""`pleo-etl settle`: say whether a quarantined batch was imported."""

from __future__ import annotations

import click

from etl.batches.states import State
from etl.cli.answering import Answer, give_answer, options
from etl.cli.live import Told, Turn, for_companies, without_all
from etl.cli.outcomes import who


@click.command("settle")
@click.option(
    "--imported/--not-imported", "imported", default=None,
    help="Whether your ERP has the files.",
)  # fmt: skip
@options
def command(
    batch: str | None,
    *,
    company: str | None,
    every: bool,
    as_json: bool,
    yes: bool,
    by: str | None,
    imported: bool | None,
) -> int:
    """Say whether a quarantined batch was imported.

    Pleo ended its export before it was told all. --imported: its items stay booked, and are not
    booked again. --not-imported: its files are put away, and its items can be exported again.

    \b
    pleo-etl settle --not-imported
    pleo-etl settle 7 --imported --company acme --yes
    """
    without_all(batch, every=every)
    if imported is None:
        raise click.UsageError("say --imported or --not-imported")

    def act(turn: Turn) -> Told:
        from etl.live.answers import settle

        said = "" if imported else "not "
        answer = Answer(
            "settle",
            lambda one: one.state is State.QUARANTINED,
            lambda chosen: f"Batch {chosen.number} was {said}imported?",
            lambda desk, chosen: settle(desk, chosen, imported=imported, by=who(by)),
        )
        return give_answer(turn, answer, batch=batch, yes=yes, every=every)

    return for_companies(act, company=company, every=every, as_json=as_json)
