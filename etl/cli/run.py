"""`pleo-etl run`: fetch the oldest export that waits, make its files, and stage them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from etl.batches.states import State
from etl.cli import talk
from etl.cli.live import Again, Report, Told, Turn, desk_of, for_companies, live_options
from etl.cli.outcomes import say_outcome, told_of, who
from etl.cli.standing import say_standing
from etl.errors import EXIT_LATER, EXIT_USER

if TYPE_CHECKING:
    from etl.live.desk import Desk

#: Seconds between two looks at Pleo: its pages say every few minutes (R18).
EVERY = 300
LEAST, MOST = 60, 86_400


@click.command("run")
@click.option("--release", "releases", is_flag=True, help="Release unreviewed what was staged.")
@click.option("--wait", "waits", is_flag=True, help="Wait for the next export, then end.")
@click.option("--watch", "watches", is_flag=True, help="Go on waiting for exports, until Ctrl-C.")
@click.option(
    "--every", "seconds", type=click.IntRange(LEAST, MOST), default=EVERY, show_default=True,
    metavar="SECONDS", help="How often --wait and --watch look into Pleo.",
)  # fmt: skip
@live_options
def command(
    *,
    company: str | None,
    every: bool,
    as_json: bool,
    releases: bool,
    waits: bool,
    watches: bool,
    seconds: int,
) -> int:
    """Fetch an export from Pleo, and stage its files.

    Takes the oldest that waits, and only reads in Pleo. What it makes waits for your review;
    `pleo-etl discard` forgets it. Said again, it makes the same export anew, with the mapping as it
    is now. What an earlier command left unfinished is finished first.

    \b
    pleo-etl run
    pleo-etl run --all --json
    pleo-etl run --watch --every 600
    pleo-etl run --release --all      unattended: releases without a review
    """
    if waits and watches:
        raise click.UsageError("--wait and --watch exclude each other")
    heard: set[tuple[str, str]] = set()

    def act(turn: Turn) -> Told:
        return fetch_and_stage(turn, releases=releases, stays=watches, heard=heard)

    again = _again(seconds, is_endless=watches) if waits or watches else None
    return for_companies(act, company=company, every=every, as_json=as_json, again=again)


def fetch_and_stage(
    turn: Turn,
    *,
    releases: bool = False,
    stays: bool = False,
    heard: set[tuple[str, str]] | None = None,
) -> Told:
    """Finish what was begun, then stage, and release where that is asked for.

    Needs: stays, whether a batch that waits for its review is left as it is; heard, what was told
    in an earlier round and is not told again.
    """
    with turn.telling.during("run"), desk_of(turn, what="run") as desk:
        heard = set() if heard is None else heard
        return _run(turn, desk, releases=releases, stays=stays, heard=heard)


def _run(
    turn: Turn, desk: Desk, *, releases: bool, stays: bool, heard: set[tuple[str, str]]
) -> Told:
    from etl.live.finishing import finish
    from etl.live.jobs import is_waited_for
    from etl.live.releasing import release
    from etl.live.staging import is_begun, stage_next

    finished = finish(desk)
    for outcome in finished:
        say_outcome(outcome, turn)
    unsettled = desk.unsettled()
    if finished and unsettled is not None and is_begun(unsettled):
        return told_of(turn, finished[-1], finished[:-1])
    stays = stays and not releases
    if stays and unsettled and unsettled.revision and is_waited_for(desk, unsettled):
        if (turn.name, unsettled.id) not in heard:
            heard.add((turn.name, unsettled.id))
            with turn.telling.paused():
                say_standing(unsettled, option=turn.option)
        return Told("waiting")
    staged = stage_next(desk, unattended=releases)
    batch = staged.batch
    goes_on = releases and batch is not None and batch.is_unsettled
    refuses = goes_on and batch is not None and batch.facts.get("refusal") is not None
    if not refuses and (staged.word != "nothing" or (turn.name, "nothing") not in heard):
        say_outcome(staged, turn, goes_on=goes_on)  # why it is refused is said when it was
    heard.add((turn.name, staged.word))
    if batch is None or not goes_on:
        return told_of(turn, staged, finished)
    if batch.state is State.STAGED and not refuses and desk.approvals == 1:
        with turn.telling.paused():
            talk.say(f"--release: batch {batch.number} is released unreviewed")
    released = release(desk, batch, by=who(None), unattended=True)
    say_outcome(released, turn)
    return told_of(turn, released, [*finished, staged])


def _again(seconds: int, *, is_endless: bool) -> Again:
    """Say when to look again: not when all have what they wait for, or none can go on."""

    def again(reports: Sequence[Report]) -> float | None:
        if is_endless:
            is_hopeless = all(
                one["outcome"] == "stopped" and one["exit_code"] == EXIT_USER for one in reports
            )
            return None if is_hopeless else seconds
        is_waiting = [
            one["outcome"] == "nothing" or one["exit_code"] == EXIT_LATER for one in reports
        ]
        return seconds if all(is_waiting) else None

    return again
