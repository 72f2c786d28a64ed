"""`pleo-etl reverse`: make a batch that takes back the bookings of an imported one."""

from __future__ import annotations

import click

from etl.cli.answering import Answer, give_answer, options
from etl.cli.live import Told, Turn, for_companies, without_all
from etl.cli.outcomes import who


@click.command("reverse")
@options
def command(
    batch: str | None, *, company: str | None, every: bool, as_json: bool, yes: bool, by: str | None
) -> int:
    """Make a batch that takes an imported one back.

    It has the opposite postings; import it like any other. Pleo is told nothing; the items are
    free, and can be exported again. Not imported yet? Then `pleo-etl withdraw`.

    \b
    pleo-etl reverse 7
    pleo-etl reverse 7 --company acme --yes
    """
    without_all(batch, every=every)

    def act(turn: Turn) -> Told:
        return make_reversal(turn, batch=batch, yes=yes, by=by, every=every)

    return for_companies(act, company=company, every=every, as_json=as_json)


def make_reversal(
    turn: Turn,
    *,
    batch: str | None = None,
    yes: bool = True,
    by: str | None = None,
    every: bool = False,
) -> Told:
    """Ask, and make the reversal of an imported batch."""
    from etl.live.answering import is_in_the_books
    from etl.live.answers import reverse

    answer = Answer(
        "reverse",
        lambda one: is_in_the_books(one) and not one.facts.get("reverses"),
        lambda chosen: f"Make a batch that takes back the bookings of batch {chosen.number}?",
        lambda desk, chosen: reverse(desk, chosen, by=who(by)),
    )
    return give_answer(turn, answer, batch=batch, yes=yes, every=every)
