"""`pleo-etl withdraw`: take released files back that nobody has imported."""

from __future__ import annotations

import click

from etl.cli.answering import Answer, give_answer, options
from etl.cli.live import Told, Turn, for_companies, without_all
from etl.cli.outcomes import who


@click.command("withdraw")
@options
def command(
    batch: str | None, *, company: str | None, every: bool, as_json: bool, yes: bool, by: str | None
) -> int:
    """Take released files back that nobody has imported.

    The files go to outbox/<company>/withdrawn/; the items are free, and can be exported again in
    Pleo. Imported already? Then `pleo-etl reverse`.

    \b
    pleo-etl withdraw
    pleo-etl withdraw 7 --company acme --yes
    """
    without_all(batch, every=every)

    def act(turn: Turn) -> Told:
        return take_back(turn, batch=batch, yes=yes, by=by, every=every)

    return for_companies(act, company=company, every=every, as_json=as_json)


def take_back(
    turn: Turn,
    *,
    batch: str | None = None,
    yes: bool = True,
    by: str | None = None,
    every: bool = False,
) -> Told:
    """Ask, and take released files back."""
    from etl.live.answering import is_released
    from etl.live.answers import withdraw

    answer = Answer(
        "withdraw",
        is_released,
        lambda chosen: f"Take batch {chosen.number} back? Nobody may import its files then.",
        lambda desk, chosen: withdraw(desk, chosen, by=who(by)),
    )
    return give_answer(turn, answer, batch=batch, yes=yes, every=every)
