"""Questions to a person, with the minutes that are left to answer."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable

import click

from etl.cli import talk
from etl.cli.interrupting import INTERRUPTIONS
from etl.cli.surroundings import Surroundings
from etl.errors import Problem, UserMustFix
from etl.sentences import counted

#: How often the minutes left are said anew while nobody answers.
SECONDS_BETWEEN = 30
YES = frozenset({"y", "yes"})

#: Gives the minutes that are left to answer; None: any number.
MinutesLeft = Callable[[], int | None]


def unlimited() -> None:
    """Say that there is no hurry."""


def must_be_attended(around: Surroundings, *, what: str) -> None:
    """Make sure that somebody can be asked.

    Raises: UserMustFix CLI-4.
    """
    if not around.is_attended:
        problem = "nobody can be asked here: input or output is no terminal"
        raise UserMustFix(Problem("CLI-4", problem, what, "add --yes to do it without a question"))


def ask(question: str, *, minutes_left: MinutesLeft = unlimited) -> bool:
    """Ask until there is an answer; no answer, or no time left, is a no."""
    while True:
        left = minutes_left()
        if left is not None and left <= 0:
            talk.say("")
            talk.say("no time is left to answer")
            return False
        click.echo(f"\r{question} [y/N]{_time(left)} ", err=True, nl=False)
        try:
            answer = sys.stdin.readline() if left is None or _has_answered() else None
        except INTERRUPTIONS:
            talk.say("")  # what is said next begins a line of its own
            raise
        if answer == "":
            talk.say("")
        if answer is not None:
            return answer.strip().casefold() in YES


def _time(left: int | None) -> str:
    return "" if left is None else f" ({counted(left, 'minute')} left)"


def _has_answered() -> bool:
    """Wait a while for an answer; where waiting with an end is not possible, wait for it."""
    try:
        ready, _, _ = select.select([sys.stdin], [], [], SECONDS_BETWEEN)
    except (OSError, ValueError):  # Windows, or input that is no file
        return True
    return bool(ready)
