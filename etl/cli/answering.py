"""What the commands share by which a person answers: choose the batch, ask, act, tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from etl.cli import talk
from etl.cli.asking import ask, must_be_attended
from etl.cli.completing import complete_batch
from etl.cli.live import Told, Turn, desk_of
from etl.cli.outcomes import counts_lines, say_outcome, told_of
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


def options(function: Any) -> Any:
    """Give a command BATCH, --yes and --by."""
    from etl.cli.live import by_option, live_options, yes_option

    for option in (live_options, by_option, yes_option, batch_argument):
        function = option(function)
    return function
