"""`pleo-etl discard`: forget what is staged; Pleo was told nothing of it."""

from __future__ import annotations

import click

from etl.cli.answering import Answer, give_answer, options
from etl.cli.live import Told, Turn, for_companies, without_all
from etl.cli.outcomes import who


@click.command("discard")
@options
def command(
    batch: str | None, *, company: str | None, every: bool, as_json: bool, yes: bool, by: str | None
) -> int:
    """Forget what is staged, before it is released.

    Nothing of it is out, and Pleo was told nothing. Items and numbers are free again; while the
    export waits in Pleo, `pleo-etl run` makes it anew.

    \b
    pleo-etl discard
    pleo-etl discard 7 --company acme --yes
    """
    without_all(batch, every=every)

    def act(turn: Turn) -> Told:
        return discard_staged(turn, batch=batch, yes=yes, by=by, every=every)

    return for_companies(act, company=company, every=every, as_json=as_json)


def discard_staged(
    turn: Turn,
    *,
    batch: str | None = None,
    yes: bool = True,
    by: str | None = None,
    every: bool = False,
) -> Told:
    """Ask, and give up what is staged."""
    from etl.live.answers import discard

    answer = Answer(
        "discard",
        lambda one: one.is_unsettled,
        lambda chosen: f"Forget batch {chosen.number}?",
        lambda desk, chosen: discard(desk, chosen, by=who(by)),
    )
    return give_answer(turn, answer, batch=batch, yes=yes, every=every)
