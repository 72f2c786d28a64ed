"""`pleo-etl adopt`: take over an export that somebody else has started and given up."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import click

from etl.cli import talk
from etl.cli.asking import ask, must_be_attended
from etl.cli.live import (
    Told,
    Turn,
    desk_of,
    for_companies,
    one_company_options,
    yes_option,
)
from etl.cli.outcomes import say_outcome, say_wrapped, told_of
from etl.sentences import counted

if TYPE_CHECKING:
    from etl.live.desk import Desk


@click.command("adopt")
@click.argument("job", type=click.UUID)
@yes_option
@one_company_options
def command(job: UUID, *, company: str | None, as_json: bool, yes: bool) -> int:
    """Take over an export that was started elsewhere.

    JOB is the id of one in progress, as `pleo-etl jobs` shows it. Only for an export on which
    nobody works any more, such as one of a machine that is gone: two programs would book its items
    twice. What has a verdict already is left alone; the rest is staged for your review.

    \b
    pleo-etl adopt 5c1d2f0e-8f0b-4a49-9c77-7e2f5a9c1b10
    """

    def act(turn: Turn) -> Told:
        from etl.live.answers import adopt
        from etl.live.finishing import finish

        with turn.telling.during("adopt"), desk_of(turn, what="adopt") as desk:
            finished = finish(desk)
            for outcome in finished:
                say_outcome(outcome, turn)
            if not yes and not _agrees(turn, desk, str(job)):
                with turn.telling.paused():
                    talk.say("nothing was done")
                return Told("nothing", document={"batch": None})
            staged = adopt(desk, str(job))
        say_outcome(staged, turn)
        return told_of(turn, staged, finished)

    return for_companies(act, company=company, as_json=as_json)


def _agrees(turn: Turn, desk: Desk, job_id: str) -> bool:
    """Show whose export it would be, and ask."""
    must_be_attended(turn.surroundings, what="pleo-etl adopt")
    job = desk.pleo.get_job(job_id)
    since = f"{job.started_at:%Y-%m-%d %H:%M} UTC" if job.started_at else "an unknown time"
    with turn.telling.paused():
        say_wrapped(
            f"the export of {counted(job.number_of_items, 'item')} is in progress since"
            f" {since}; if another program still works on it, its items would be booked twice"
        )
        return ask("Does nobody work on it any more?")
