"""What the events of a batch say beyond what the ledger keeps beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from etl.batches.ledger import Batch
from etl.batches.states import Kind
from etl.live.desk import Desk
from etl.review import NOTHING_EARLIER, Earlier, Sighting


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
    return Earlier(sightings, looked_through, unreadable)


def last_words(desk: Desk, batch: Batch) -> str:
    """Give what the last event says of how it came to it; empty where it says nothing."""
    events = desk.ledger.events(desk.company_id, batch.id)
    how: str = events[-1].body.get("how") or ""
    return how
