"""What a reviewer says of items and notes of a staged batch; a new revision follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from etl.batches.states import Kind
from etl.cli.live import Told, Turn, desk_of
from etl.cli.outcomes import say_outcome, told_of
from etl.errors import Problem, UserMustFix

if TYPE_CHECKING:
    from etl.batches.ledger import Batch
    from etl.live.desk import Desk

#: Characters of an item's id that are enough to name it.
MIN_PREFIX = 6
#: The code of an item that an earlier batch has booked, and the word for all of them.
REPEATED, ALL = "JOB-9", "all"
#: Option -> what is done with the items that it names.
ANSWERS = {
    "rejected": "reject",
    "already_booked": "already_booked",
    "again": "again",
    "undone": "undo",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a reviewer says: per answer the names of items; the reason of a rejection; notes."""

    items: Mapping[str, Sequence[str]]
    reason: str = ""
    notes: Mapping[str, str] | None = None

    def __bool__(self) -> bool:
        return bool(self.notes) or any(self.items.values())


def answer_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options by which items and notes are answered."""
    for option in (
        click.option("--note", "notes", multiple=True, metavar="CODE=ANSWER",
                     help="Answer a note that must be answered; may be repeated."),
        click.option("--undo", "undone", multiple=True, metavar="ITEM",
                     help="Forget what was said of an item; may be repeated."),
        click.option("--again", "again", multiple=True, metavar="ITEM",
                     help="Book an item again that was booked before; all for each of them."),
        click.option("--already-booked", "already_booked", multiple=True, metavar="ITEM",
                     help="An item stays as it was booked before; all for each of them."),
        click.option("--reason", metavar="TEXT", help="Why --reject; Pleo shows it."),
        click.option("--reject", "rejected", multiple=True, metavar="ITEM",
                     help="Reject an item; may be repeated."),
    ):  # fmt: skip
        function = option(function)
    return function


def read_said(given: Mapping[str, Any]) -> Said:
    """Read the options of answer_options."""
    notes = {}
    for text in given["notes"]:
        code, sign, words = text.partition("=")
        if not sign or not words.strip():
            raise click.UsageError(f'"{text}" is not CODE=ANSWER')
        notes[code.strip()] = words.strip()
    reason = (given["reason"] or "").strip()
    if bool(given["rejected"]) != bool(reason):
        raise click.UsageError("--reject needs --reason, and --reason needs --reject")
    return Said({does: given[name] for name, does in ANSWERS.items()}, reason, notes)


def give_answers(turn: Turn, said: Said, *, by: str) -> Told:
    """Take the answers, and stage what follows from them."""
    from etl.cli.review import nothing_staged
    from etl.live.finishing import finish
    from etl.live.reviewing import answer

    with turn.telling.during("review"), desk_of(turn, what="review") as desk:
        finished = finish(desk)
        for outcome in finished:
            say_outcome(outcome, turn)
        batch = desk.unsettled()
        if batch is None:
            raise UserMustFix(nothing_staged(turn))
        items, repeated = desk.ledger.items(batch), _repeated(desk, batch)
        decisions = {
            entry: {"do": does, "reason": said.reason}
            for does, names in said.items.items()
            for name in names
            for entry in (repeated if name == ALL else [_entry(turn, items, name)])
        }
        staged = answer(desk, batch, by=by, decisions=decisions, notes=said.notes)
    say_outcome(staged, turn)
    return told_of(turn, staged, finished)


def _repeated(desk: Desk, batch: Batch) -> list[str]:
    """Give the items that were booked before and wait for an answer."""
    events = desk.ledger.events(desk.company_id, batch.id)
    staged = [event.body for event in events if event.kind is Kind.STAGED]
    waiting = staged[-1].get("blocking_items") or {} if staged else {}
    return list(waiting.get(REPEATED, ()))


def _entry(turn: Turn, items: Sequence[Mapping[str, Any]], name: str) -> str:
    """Give the id of the item that a name means: its id or the beginning of it, or its reference.

    Raises: UserMustFix ANS-4.
    """
    word = name.strip().casefold()
    known = [one for one in items if one["id"]]
    meant = [
        one for one in known
        if word in (one["id"].casefold(), (one["external_id"] or "").casefold())
    ]  # fmt: skip
    if not meant and len(word) >= MIN_PREFIX:
        meant = [one for one in known if one["id"].casefold().startswith(word)]
    if len(meant) == 1:
        return str(meant[0]["id"])
    what = f'"{name}" means {len(meant)} items' if meant else f'"{name}" is no item of the batch'
    fix = "give the item's id, or six or more of its first characters; the page has them"
    raise UserMustFix(Problem("ANS-4", what, f"company {turn.name}", fix))
