"""What people said last of an item in earlier batches, and how they have seen it.

events of the batches ─> per item: what it booked when a person looked at it, or held it back

looked at, or approved      known where it books the same; until somebody held the item back
held back, already booked   holds where it books the same; until that is undone, the item is looked
                            at or approved otherwise, or Pleo was told of it
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from etl.batches.ledger import Batch, Event, Ledger
from etl.batches.states import Kind, State
from etl.live.line import ItemOutcome
from etl.review import Sighting
from etl.review.situation import name_of

REJECT, UNDO, ALREADY_BOOKED, AGAIN = "reject", "undo", "already_booked", "again"
HELD_BEFORE = "REV-6"
#: Batches, the newest ones, in which is looked for what was reviewed before.
REMEMBERED = 20
_HOLD = (REJECT, ALREADY_BOOKED)


@dataclass(frozen=True, slots=True)
class Known:
    """The items that somebody has looked at or approved before, and that book the same as then.

    on   the day when that was last; empty where it never was
    """

    entries: frozenset[str] = frozenset()
    on: str = ""


@dataclass(frozen=True, slots=True)
class LastWord:
    """What was said of an item: by whom, when, where, and what it booked then (fingerprint)."""

    does: str
    reason: str
    by: str
    on: str
    where: str
    print: str | None

    @property
    def words(self) -> str:
        place = f"in {self.where} on {self.on} by {self.by}"
        if self.does == REJECT:
            return f"held back before, {place}: {self.reason}"
        said = "already booked" if self.does == ALREADY_BOOKED else "book it again"
        return f"answered before, {place}: {said}"


@dataclass(slots=True)
class _Item:
    """By fingerprint: the last day it was seen; what was said, latest last; what it repeated."""

    seen: dict[str | None, str] = field(default_factory=dict)
    said: dict[str | None, LastWord] = field(default_factory=dict)
    repeats: dict[str | None, Any] = field(default_factory=dict)

    def take(self, word: LastWord, repeat: Any) -> None:
        if word.does == UNDO:
            self.said.clear()
            return
        self.said.pop(word.print, None)
        self.said[word.print] = word
        self.repeats[word.print] = repeat
        if word.does == REJECT:
            self.seen.clear()

    def see(self, print_: str | None, day: str) -> None:
        self.seen[print_] = day
        if print_ in self.said and self.said[print_].does in _HOLD:
            del self.said[print_]


@dataclass(frozen=True, slots=True)
class HeldBefore:
    """What was said before of the items of a batch.

    carried    item -> decision that still holds, and is not said in this batch yet
    words      item -> what was said of it before, for those that are not in the files
    sightings  of items that are in the files though they were held back before
    """

    carried: Mapping[str, Mapping[str, Any]]
    words: Mapping[str, str]
    sightings: tuple[Sighting, ...]


def known_from_before(ledger: Ledger, batch: Batch) -> Known:
    """Find what need not be reviewed anew: known from before, and to be booked exactly as then."""
    shown = [one for one in ledger.items(batch) if one["vouchers"]]
    items = _read(ledger, batch, {str(one["id"]).casefold() for one in shown})
    found = {}
    for one in shown:
        item = items.get(str(one["id"]).casefold())
        if item is not None and one["fingerprint"] in item.seen:
            found[str(one["id"])] = item.seen[one["fingerprint"]]
    return Known(frozenset(found), max(found.values(), default=""))


def carried_words(batch: Batch) -> dict[str, str]:
    """Give by item what was taken over from an earlier batch and still stands in this one."""
    decisions: Mapping[str, Mapping[str, Any]] = batch.facts.get("decisions") or {}
    return {
        entry: LastWord(said["do"], said.get("reason", ""), **said["before"]).words
        for entry, said in decisions.items() if said.get("before")
    }  # fmt: skip


def held_before(
    ledger: Ledger,
    batch: Batch,
    outcomes: Sequence[ItemOutcome],
    *,
    skipped: Collection[str],
    unattended: bool,
) -> HeldBefore:
    """Find what was said before of the items of a batch of which nothing is said here yet.

    What somebody held back stays held back, also where nobody is there; that a voucher of then
    stands in the books is taken from nobody then. To book twice is asked about each time.
    """
    here = {entry.casefold() for entry in batch.facts.get("decisions") or {}}
    here |= {entry.casefold() for entry in skipped}
    repeats: Mapping[str, Any] = batch.facts.get("repeats") or {}
    open_ = {(one.id or "").casefold(): one for one in outcomes if one.fingerprint is not None}
    items = _read(ledger, batch, open_.keys() - here)
    carried: dict[str, Mapping[str, Any]] = {}
    words: dict[str, str] = {}
    sightings = []
    for key, item in items.items():
        entry, print_ = open_[key].id or "", open_[key].fingerprint
        word, is_repeat = item.said.get(print_), entry in repeats
        is_same = is_repeat and item.repeats.get(print_) == repeats[entry]
        if word is not None and (
            word.does == REJECT or (word.does == ALREADY_BOOKED and is_same and not unattended)
        ):
            carried[entry] = _decision(word)
        elif word is not None and is_repeat:
            words[entry] = word.words
        elif word is None and print_ not in item.seen:
            last = [one for one in item.said.values() if one.does == REJECT][-1:]
            sightings += [
                Sighting(HELD_BEFORE, entry, f"{one.words} – it has changed since") for one in last
            ]
    return HeldBefore(carried, words, tuple(sorted(sightings, key=lambda one: one.item_id)))


def _decision(word: LastWord) -> dict[str, Any]:
    """Write a decision that is taken over, with whose it is."""
    before = asdict(word)
    return {"do": before.pop("does"), "reason": before.pop("reason"), "before": before}


def _read(ledger: Ledger, batch: Batch, entries: Collection[str]) -> dict[str, _Item]:
    """Read what earlier batches know of items, by folded id.

    Where something was said of one of them, however long ago; of what was only seen, the last ones.
    """
    earlier = [one for one in ledger.batches(batch.company_id) if one.id != batch.id]
    told = {
        one.id for one in earlier
        if any(entry.casefold() in entries for entry in one.facts.get("decisions") or ())
    }  # fmt: skip
    seen = [one.id for one in earlier if one.facts.get("reviewed") or one.approvals]
    items: dict[str, _Item] = {}
    for one in earlier:
        if one.id in told or one.id in seen[-REMEMBERED:]:
            _read_one(one, ledger.events(one.company_id, one.id), items, entries=entries)
    return items


def _read_one(
    batch: Batch, events: Sequence[Event], items: dict[str, _Item], *, entries: Collection[str]
) -> None:
    shown: dict[str, str | None] = {}
    here: dict[str, str] = {}
    repeats: Mapping[str, Any] = batch.facts.get("repeats") or {}
    is_unattended = False
    for event in events:
        day = event.at.date().isoformat()
        if event.kind is Kind.STAGED:
            staged = {str(one["id"]).casefold(): one for one in event.body.get("items") or ()}
            shown = {key: one["fingerprint"] for key, one in staged.items() if key in entries}
            is_unattended = bool(event.body.get("unattended"))
        elif event.kind is Kind.ANSWERED:
            for entry, said in (event.body.get("decisions") or {}).items():
                if (key := entry.casefold()) in entries:
                    here[key] = said["do"]
                    word = _word(said, event, batch=batch, print_=shown.get(key))
                    items.setdefault(key, _Item()).take(word, repeats.get(entry))
        elif event.kind is Kind.REVIEWED or (event.kind is Kind.APPROVED and not is_unattended):
            looked = event.body["entries"] if event.kind is Kind.REVIEWED else shown
            for key in shown.keys() & {str(entry).casefold() for entry in looked}:
                if here.get(key) not in _HOLD:
                    items.setdefault(key, _Item()).see(shown[key], day)
    if batch.state is not State.VOIDED:  # what became of them is final, and Pleo has the reason
        for key in shown.keys() & items.keys():
            items[key].said.clear()


def _word(said: Mapping[str, Any], event: Event, *, batch: Batch, print_: str | None) -> LastWord:
    """Read a decision; one that was taken over from an earlier batch is still whose it was."""
    then = said.get("before") or {
        "by": str(event.body["by"]), "on": event.at.date().isoformat(), "print": print_,
        "where": name_of(batch.id, batch.number, is_void=batch.state is State.VOIDED),
    }  # fmt: skip
    return LastWord(said["do"], said.get("reason", ""), **then)
