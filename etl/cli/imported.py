"""`pleo-etl imported`: note that your ERP has taken a released batch."""

from __future__ import annotations

from collections.abc import Sequence

import click

from etl.cli.answering import Answer, give_answer, options
from etl.cli.live import Told, Turn, for_companies, without_all
from etl.cli.outcomes import who


@click.command("imported")
@click.option(
    "--refused", "refused", multiple=True, metavar="ITEM",
    help="An item that your ERP did not take: its id, or the reference in the file; may be"
    " repeated.",
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
    refused: tuple[str, ...],
) -> int:
    """Note that your ERP has taken a released batch.

    Notes who says so, and when. Items that the ERP refused are free again: correct them, then
    export them again in Pleo.

    \b
    pleo-etl imported
    pleo-etl imported 7 --refused 4114001 --company acme --yes
    """
    without_all(batch, every=every)

    def act(turn: Turn) -> Told:
        return note_import(turn, batch=batch, yes=yes, by=by, every=every, refused=refused)

    return for_companies(act, company=company, every=every, as_json=as_json)


def note_import(
    turn: Turn,
    *,
    batch: str | None = None,
    yes: bool = True,
    by: str | None = None,
    every: bool = False,
    refused: Sequence[str] = (),
) -> Told:
    """Ask, and note that a batch was imported."""
    from etl.live.answering import is_released
    from etl.live.answers import mark_imported

    but = f", but for {', '.join(refused)}" if refused else ""
    answer = Answer(
        "imported",
        is_released,
        lambda chosen: f"Your ERP has batch {chosen.number}{but}?",
        lambda desk, chosen: mark_imported(desk, chosen, by=who(by), refused=refused),
    )
    return give_answer(turn, answer, batch=batch, yes=yes, every=every)
