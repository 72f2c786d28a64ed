"""The commands by which a person answers: choose the batch, ask, act, tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from etl.cli import talk
from etl.cli.asking import ask, must_be_attended
from etl.cli.completing import complete_batch
from etl.cli.live import (
    Told,
    Turn,
    by_option,
    desk_of,
    for_companies,
    live_options,
    without_all,
    yes_option,
)
from etl.cli.outcomes import counts_lines, say_outcome, told_of, who
from etl.cli.standing import standing_lines

if TYPE_CHECKING:
    from etl.batches.ledger import Batch
    from etl.live.desk import Desk
    from etl.live.outcomes import Outcome

batch_argument = click.argument("batch", required=False, shell_complete=complete_batch)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says of a batch.

    name      the command, as messages name it
    fits      which batches can be meant where none is named
    question  what is asked before
    act       what is done then
    """

    name: str
    fits: Callable[[Batch], bool]
    question: Callable[[Batch], str]
    act: Callable[[Desk, Batch], Outcome]
    remarks: Sequence[str] = field(default=())


def give_answer(
    turn: Turn, answer: Answer, *, batch: str | None, yes: bool, every: bool = False
) -> Told:
    """Finish what was begun, ask, and do it."""
    from etl.live.answering import choose, none_fits
    from etl.live.finishing import finish

    with turn.telling.during(answer.name), desk_of(turn, what=answer.name) as desk:
        finished = finish(desk)
        if every and not any(answer.fits(one) for one in desk.ledger.batches(desk.company_id)):
            with turn.telling.paused():
                talk.say(none_fits(answer.name))
            return Told("nothing", document={"batch": None})
        chosen = choose(desk, batch, fits=answer.fits, answer=answer.name)
        before = [one for one in finished if one.batch is None or one.batch.id != chosen.id]
        for outcome in before:
            say_outcome(outcome, turn)
        if not yes:
            must_be_attended(turn.surroundings, what=f"pleo-etl {answer.name}")
            with turn.telling.paused():
                _show(turn, chosen, answer.remarks)
                if not ask(answer.question(chosen)):
                    talk.say("nothing was done")
                    return Told("nothing", document={"batch": None})
        done = answer.act(desk, chosen)
    say_outcome(done, turn)
    return told_of(turn, done, before)


def _show(turn: Turn, batch: Batch, remarks: Sequence[str]) -> None:
    first, *_steps = standing_lines(batch, option=turn.option)
    for line in [first, *counts_lines(batch), *remarks]:
        talk.say(line)


def answer_command(
    name: str, *own: Callable[[Any], Any]
) -> Callable[[Callable[..., Answer]], click.Command]:
    """Make a command of a function that gives its answer.

    Needs: a function of the person's name and of the command's own options, whose docstring is
    the help. The command has BATCH, --yes, --by, --company, --all and --json besides.
    """

    def made(make: Callable[..., Answer]) -> click.Command:
        def run(
            batch: str | None, *, company: str | None, every: bool, as_json: bool, yes: bool,
            by: str | None, **more: Any,
        ) -> int:  # fmt: skip
            without_all(batch, every=every)
            answer = make(who(by), **more)

            def act(turn: Turn) -> Told:
                return give_answer(turn, answer, batch=batch, yes=yes, every=every)

            return for_companies(act, company=company, every=every, as_json=as_json)

        run.__doc__ = make.__doc__
        function: Any = run
        for option in (live_options, by_option, yes_option, batch_argument, *reversed(own)):
            function = option(function)
        return click.command(name)(function)

    return made
