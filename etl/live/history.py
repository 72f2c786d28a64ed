"""What the events of a batch say beyond what the ledger keeps beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from etl.batches.ledger import Batch, Event
from etl.batches.states import Kind
from etl.live.desk import Desk
from etl.review import NOTHING_EARLIER, AnswerBefore, Earlier, Sighting


@dataclass(frozen=True, slots=True)
class Story:
    """The entries that a batch was made of, and how its last revision was made.

    entries       ids of all items of the job, also of those that were final before
    skipped       items that had a verdict before the batch was made
    unattended    nobody was there to answer: what is unanswered was failed
    outcomes      what became of each item, as staged
    earlier       what earlier batches said of the items then
    asked         codes of notes that the workspace wanted answered then
    """

    entries: tuple[str, ...]
    skipped: frozenset[str]
    unattended: bool
    outcomes: tuple[Mapping[str, Any], ...]
    earlier: Earlier = NOTHING_EARLIER
    asked: frozenset[str] = frozenset()


def story_of(desk: Desk, batch: Batch) -> Story:
    """Read the events of a batch."""
    reserved: Mapping[str, Any] = {}
    staged: Mapping[str, Any] = {}
    for event in desk.ledger.events(desk.company_id, batch.id):
        if event.kind is Kind.RESERVED:
            reserved = event.body
        elif event.kind is Kind.STAGED:
            staged = event.body
    return Story(
        tuple(reserved.get("entries") or ()) + tuple(reserved.get("skipped") or ()),
        frozenset(reserved.get("skipped") or ()),
        bool(staged.get("unattended", reserved.get("unattended", False))),
        tuple(staged.get("items") or ()),
        earlier_of(staged),
        frozenset(staged.get("asked") or ()),
    )


def earlier_of(staged: Mapping[str, Any]) -> Earlier:
    """Read what a staged revision was told of earlier batches."""
    told: Mapping[str, Any] = staged.get("earlier") or {}
    sightings = tuple(Sighting(**one) for one in told.get("sightings") or ())
    looked_through, unreadable = told.get("looked_through", 0), told.get("unreadable", 0)
    answers = tuple(
        AnswerBefore(**{**one, "items": tuple(one["items"])}) for one in told.get("answers") or ()
    )
    held = dict(told.get("held") or {})
    return Earlier(sightings, looked_through, unreadable, answers, held)


@dataclass(frozen=True, slots=True)
class Look:
    """An earlier revision that somebody knows; `by` is empty where nobody is known to."""

    revision: int
    by: str = ""
    is_approved: bool = False


def last_look(events: Sequence[Event], *, by: str) -> Look | None:
    """Give the revision before the newest one that a person looked at or approved last.

    Where they did not, the last one that anybody did, or else the one before. What was looked at
    is no longer what is there: it is what a person has in mind. None where the content is the same.
    """
    staged: list[Event] = []
    looks: list[Look] = []
    for event in events:
        if event.kind is Kind.STAGED:
            staged.append(event)
        elif staged and event.kind in (Kind.REVIEWED, Kind.ANSWERED, Kind.APPROVED):
            number, is_approved = staged[-1].body["revision"], event.kind is Kind.APPROVED
            looks.append(Look(number, str(event.body["by"]), is_approved))
    contents = {one.body["revision"]: one.body["content"] for one in staged
                if not one.body.get("refusal")}  # fmt: skip
    newest = max(contents, default=0)
    earlier = [Look(number) for number in sorted(contents)]
    own = [one for one in looks if one.by.strip().casefold() == by.strip().casefold()]
    for known in (own, looks, earlier):
        before = [one for one in known if contents.get(one.revision) and one.revision < newest]
        if before:
            last = max(before, key=lambda one: (one.revision, one.is_approved))
            return None if contents[last.revision] == contents[newest] else last
    return None


def last_words(desk: Desk, batch: Batch) -> str:
    """Give what the last event says of how it came to it; empty where it says nothing."""
    events = desk.ledger.events(desk.company_id, batch.id)
    how: str = events[-1].body.get("how") or ""
    return how
