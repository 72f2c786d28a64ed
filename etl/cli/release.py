"""`pleo-etl release`: put what was reviewed into the outbox, and report every item to Pleo."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from etl.batches.states import State
from etl.cli import screens, talk
from etl.cli.asking import ask, must_be_attended
from etl.cli.live import Told, Turn, by_option, desk_of, for_companies, live_options, yes_option
from etl.cli.outcomes import counts_lines, say_outcome, say_wrapped, told_of, who
from etl.cli.review_looks import first_lines, looked_from, staged_folder
from etl.files import shown_path
from etl.pleo.failures import JobNotFound

if TYPE_CHECKING:
    from etl.batches.ledger import Batch
    from etl.live.desk import Desk
    from etl.live.outcomes import Outcome
    from etl.live.publishing import Difference

SECONDS_OF_MINUTE = 60


@click.command("release")
@yes_option
@by_option
@live_options
def command(*, company: str | None, every: bool, as_json: bool, yes: bool, by: str | None) -> int:
    """Put the files out, and report to Pleo.

    Shows the batch once more and asks. Then the export is started in Pleo, the files are made
    again and compared with what you reviewed, put into the outbox, every item is reported, and
    the export is ended. What an earlier command left unfinished is finished first.

    \b
    pleo-etl release
    pleo-etl release --company acme --yes --by "A. Patel"
    """

    def act(turn: Turn) -> Told:
        return release_staged(turn, yes=yes, by=by)

    return for_companies(act, company=company, every=every, as_json=as_json)


def release_staged(turn: Turn, *, yes: bool, by: str | None) -> Told:
    """Finish what was begun, ask, and release."""
    from etl.live.finishing import finish

    with turn.telling.during("release"), desk_of(turn, what="release") as desk:
        finished = finish(desk)
        batch = desk.unsettled()
        if batch is not None and batch.state is State.STAGED:
            # What waits for its approval is asked about below: that is no failure of this command.
            finished = [one for one in finished if one.batch is None or one.batch.id != batch.id]
        for outcome in finished:
            say_outcome(outcome, turn)
        if finished and (batch is None or batch.state is State.QUARANTINED):
            return told_of(turn, finished[-1], finished[:-1])
        if batch is None or not batch.revision:
            with turn.telling.paused():
                talk.say("nothing is staged, so there is nothing to release")
                say_wrapped(f"next: `pleo-etl run{turn.option}` fetches what waits in Pleo")
            return Told("nothing", document={"batch": None})
        # What is not answered cannot be approved: then it is said why, and nothing is asked.
        if not yes and not batch.facts.get("blocking"):
            must_be_attended(turn.surroundings, what="pleo-etl release")
            if not _agrees(turn, desk, batch):
                with turn.telling.paused():
                    talk.say("nothing was released; the batch stays as it is")
                return Told("waiting")
        released = _release(turn, desk, batch, by=who(by), is_attended=not yes)
    say_outcome(released, turn)
    return told_of(turn, released, finished)


def _release(turn: Turn, desk: Desk, batch: Batch, *, by: str, is_attended: bool) -> Outcome:
    from etl.live.approving import approve
    from etl.live.releasing import release

    if batch.state is State.STAGED and not batch.facts.get("refusal"):
        batch = approve(desk, batch, by=by, content=batch.content)
    asks = _asks_about(turn, by=by) if is_attended else None
    return release(desk, batch, by=by, ask=asks)


def _agrees(turn: Turn, desk: Desk, batch: Batch) -> bool:
    """Show the batch once more, and ask."""
    refusal = batch.facts.get("refusal")
    left = _countdown(desk, batch)
    with turn.telling.paused():
        if refusal:
            say_wrapped(f"batch {batch.number} cannot be exported: {refusal['reason']}")
            return ask("End the export in Pleo, with this reason?", minutes_left=left)
        screens.show(first_lines(turn, looked_from(desk, batch)), aside=True)
        return ask(f"Release batch {batch.number}?", minutes_left=left)


def _countdown(desk: Desk, batch: Batch) -> Callable[[], int | None]:
    """Give what tells the minutes that are left to answer, by Pleo's clock."""
    if batch.job_id is None:
        return lambda: None
    try:
        job = desk.pleo.get_job(batch.job_id)
    except JobNotFound:  # the release finds out what that means
        return lambda: None

    def minutes() -> int:
        seconds = job.seconds_left(desk.pleo.time()) - desk.margin
        return max(0, int(seconds // SECONDS_OF_MINUTE))

    return minutes


def _asks_about(turn: Turn, *, by: str) -> Callable[[Difference], str | None]:
    """Give what asks about a revision that differs from the approved one."""

    def asks(difference: Difference) -> str | None:
        clock = turn.surroundings.clock
        began = clock.elapsed()

        def minutes() -> int:
            left = difference.seconds_left - (clock.elapsed() - began)
            return max(0, int(left // SECONDS_OF_MINUTE))

        with turn.telling.paused():
            for line in _difference_lines(turn, difference):
                talk.say(line)
            return by if ask("Release the files as they are now?", minutes_left=minutes) else None

    return asks


def _difference_lines(turn: Turn, difference: Difference) -> list[str]:
    before, after = difference.before, difference.after
    folders = [shown_path(staged_folder(turn, batch)) for batch in (before, after)]
    return [
        "what Pleo lists now gives other files than those that were reviewed",
        f"reviewed, revision {before.revision}:",
        *counts_lines(before),
        f"now, revision {after.revision}:",
        *counts_lines(after),
        "  every cell that differs:",
        f"    pleo-etl diff {folders[0]} {folders[1]}",
        "  read:",
        f"    {folders[1]}/review.html",
    ]
