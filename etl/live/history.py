"""What the events of a batch say beyond what the ledger keeps beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from etl.batches.ledger import Batch
from etl.batches.states import Kind
from etl.live.desk import Desk


@dataclass(frozen=True, slots=True)
class Story:
    """The entries that a batch was made of, and how its last revision was made.

    entries       ids of all items of the job, also of those that were final before
    skipped       items that had a verdict before the batch was made
    unattended    nobody was there to answer: what is unanswered was failed
    outcomes      what became of each item, as staged
    """

    entries: tuple[str, ...]
    skipped: frozenset[str]
    unattended: bool
    outcomes: tuple[Mapping[str, Any], ...]


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
    )


def last_words(desk: Desk, batch: Batch) -> str:
    """Give what the last event says of how it came to it; empty where it says nothing."""
    events = desk.ledger.events(desk.company_id, batch.id)
    how: str = events[-1].body.get("how") or ""
    return how
