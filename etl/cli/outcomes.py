"""Tells what the live flow came to: sentences for a person, a document for --json."""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from etl.cli import talk
from etl.cli.live import Told, Turn
from etl.cli.standing import batch_document, wrapped
from etl.errors import EXIT_HELD
from etl.files import shown_path
from etl.sentences import counted

if TYPE_CHECKING:
    from etl.batches.ledger import Batch
    from etl.live.outcomes import Outcome

REVIEW = "review.html"
#: The counts of a batch, in the bookkeeper's words.
PARTS = {
    "rendered": "in the files", "waiting": "waiting for your answer", "rejected": "rejected",
    "already_booked": "already booked",
    "nothing_to_book": "with nothing to book", "skipped": "skipped",
}  # fmt: skip
#: Outcomes that are not about what a batch holds.
QUIET = frozenset({"imported", "nothing", "settled", "voided", "withdrawn"})


def say_outcome(outcome: Outcome, turn: Turn, *, goes_on: bool = False) -> None:
    """Say what happened, the minutes left, what to open and what to do next.

    Needs: goes_on, whether the command itself goes on with it, so that there is nothing to do.
    """
    with turn.telling.paused():
        _say(_named(outcome, turn), goes_on=goes_on)


def _named(outcome: Outcome, turn: Turn) -> Outcome:
    """Put the option that names the company into the calls that an outcome proposes."""
    says, step = (
        turn.workspace.named_in(text, turn.name) for text in (outcome.says, outcome.next_step)
    )
    problems = tuple(turn.named(problem) for problem in outcome.problems)
    return replace(outcome, says=says, next_step=step, problems=problems)


def _say(outcome: Outcome, *, goes_on: bool) -> None:
    problems = outcome.problems
    talk.show_problems(problems)
    if outcome.says not in [problem.what for problem in problems]:
        say_wrapped(outcome.says)
    if outcome.word == "quarantined":
        return  # its folder stands in the problem, and nothing in it is to be opened
    if outcome.batch is not None and outcome.word not in QUIET:
        for line in counts_lines(outcome.batch):
            talk.say(line)
    if outcome.folder is not None:
        talk.say(f"  {shown_path(outcome.folder)}{_review_in(outcome.folder)}")
    if outcome.minutes_left is not None:
        left = counted(outcome.minutes_left, "minute")
        talk.say(f"  {left} left until Pleo ends the export")
    if outcome.next_step and not problems and not goes_on:
        say_wrapped(f"next: {outcome.next_step}")


def counts_lines(batch: Batch) -> list[str]:
    """Give what became of the items of a batch, and its totals."""
    from etl.review.words import grouped

    counts = batch.facts.get("counts") or {}
    if not counts:
        return []
    parts = [f"{counts[name]} {word}" for name, word in PARTS.items() if counts.get(name)]
    lines = [f"  {counted(counts['items'], 'item')}: {', '.join(parts) or 'nothing to do'}"]
    for total in batch.facts.get("totals") or ():
        lines.append(f"  debit = credit = {total['currency']} {grouped(Decimal(total['debit']))}")
    return lines


def _review_in(folder: Path) -> str:
    return f"/{REVIEW}" if (folder / REVIEW).is_file() else ""


def say_wrapped(text: str) -> None:
    """Say sentences in lines that fit on every terminal; commands and paths stay whole."""
    for line in wrapped(text):
        talk.say(talk.printable(line))


def told_of(turn: Turn, outcome: Outcome, finished: Sequence[Outcome] = ()) -> Told:
    """Give an outcome for --json, with what was finished before it.

    The exit code is the outcome's own, or a higher one of what was finished and still needs
    somebody: what is quarantined or waits, has rejected items, or was refused for a setting. A
    batch that was given up because Pleo had ended its export needs nobody once the command did
    what was asked of it; where it found nothing to do, the lapse is the news.
    """
    outcome, *finished = (_named(one, turn) for one in (outcome, *finished))
    counting = [one for one in finished if outcome.word == "nothing" or not _is_given_up(one)]
    code = max(one.exit_code for one in (outcome, *counting))
    problems = [problem for one in (*finished, outcome) for problem in one.problems]
    document = outcome.document() | {"finished": [one.document() for one in finished]}
    if outcome.batch is not None:
        document["batch"] = batch_document(outcome.batch, option=turn.option)
        if outcome.only_command:
            document["batch"]["next"] = [f"pleo-etl {outcome.only_command}{turn.option}"]
    return Told(outcome.word, code, document, problems)


def _is_given_up(outcome: Outcome) -> bool:
    return outcome.word == "voided" and outcome.exit_code == EXIT_HELD


def who(by: str | None) -> str:
    """Give who says so: as it was given, else the name of the login."""
    if by:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may know no name
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "somebody"
