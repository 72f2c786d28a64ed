"""What a person said before, in an earlier batch or in this one, and whether it still holds.

revision ─> per question and item: what it books, what the note says, where it stood before ─> print

answered before, and                 the answer
in an earlier batch, the same        holds, and is not asked for again
in this batch, the same or fewer     holds
otherwise                            is asked for again, with the old one and what has changed

What was said of single items is taken over as an answer of its own, so that it can be undone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from etl.batches.ledger import Batch, Ledger
from etl.batches.recipe import hash_document
from etl.batches.states import Kind, State
from etl.live.deciding import REPEAT, Material, Rendered, render
from etl.live.desk import Desk
from etl.live.earlier import SAME_ITEM
from etl.live.last_words import carried_words, held_before
from etl.live.line import BatchFacts
from etl.review import AnswerBefore
from etl.review.situation import name_of
from etl.sentences import counted

#: Batches, the newest ones, in which is looked for an answer.
REMEMBERED = 20

#: Item, in lower case -> hash of what is asked of it.
Prints = Mapping[str, str]
#: Who takes over what a person has said before.
BY = "pleo-etl"


def render_as_said(
    desk: Desk, batch: Batch, material: Material, *, facts: BatchFacts
) -> tuple[Batch, Material, Rendered]:
    """Render a batch with all that people said that still holds.

    Gives: the batch with what was taken over into it, and what its revision is made from.
    """
    earlier = replace(material.earlier, held=carried_words(batch))
    # What was answered in this batch is compared with what would be asked, were somebody there.
    is_trial = material.unattended and bool(batch.facts.get("notes"))
    trial = replace(material, earlier=earlier, unattended=material.unattended and not is_trial)
    rendered = render(desk, batch, trial, facts=facts)
    held = held_before(
        desk.ledger, batch, rendered.revision.items,
        skipped=material.skipped, unattended=material.unattended,
    )  # fmt: skip
    if held.carried and batch.state is State.STAGED:
        body = {"by": BY, "decisions": dict(held.carried), "notes": {}}
        batch = desk.ledger.append(batch, Kind.ANSWERED, body)
        desk.remark(_taken_over(len(held.carried)))
    words = {**held.words, **carried_words(batch)}
    sightings = (*earlier.sightings, *held.sightings)
    found = replace(earlier, held=words, sightings=sightings)
    if found != earlier:
        earlier, trial = found, replace(trial, earlier=found)
        rendered = render(desk, batch, trial, facts=facts)
    answers = answers_before(desk.ledger, batch, rendered)
    material = replace(material, earlier=replace(earlier, answers=answers))
    if answers or is_trial:
        rendered = render(desk, batch, material, facts=facts)
    return batch, material, rendered


def _taken_over(count: int) -> str:
    are = "it is" if count == 1 else "they are"
    return f"what was said of {counted(count, 'item')} before still holds: {are} not booked"


def prints_of(batch: Batch, rendered: Rendered) -> dict[str, dict[str, str]]:
    """Give, by code of the note, what each item was that a person is asked about."""
    booked = {(one.id or "").casefold(): one.fingerprint for one in rendered.revision.items}
    repeats: Mapping[str, Any] = batch.facts.get("repeats") or {}
    remarks = rendered.revision.remarks
    return {
        code: {
            entry.casefold(): hash_document([
                booked.get(entry.casefold()), repeats.get(entry),
                # Of an item that is booked already the remark says what was answered to that.
                [] if code == SAME_ITEM and entry in repeats
                else list(remarks.get(code, {}).get(entry, ())),
            ])
            for entry in entries
        }
        for code, entries in rendered.blocking.items() if code != REPEAT
    }  # fmt: skip


def answers_before(ledger: Ledger, batch: Batch, rendered: Rendered) -> tuple[AnswerBefore, ...]:
    """Find what was answered before to what a revision asks.

    An answer holds for the items that it was given to, as they were then, all of them and no
    others; those apart that the reviewer has held back in this batch. One that was given in this
    batch holds for fewer of them, too; it is the last word, so it comes first.
    """
    asked = prints_of(batch, rendered)
    if not asked:
        return ()
    earlier = [one for one in ledger.batches(batch.company_id)
               if one.id != batch.id and one.facts.get("notes")][-REMEMBERED:]  # fmt: skip
    decisions: Mapping[str, Mapping[str, str]] = batch.facts.get("decisions") or {}
    aside = {entry.casefold() for entry, one in decisions.items() if one["do"] != "undo"}
    found: dict[str, AnswerBefore] = {}
    own = [batch] if batch.facts.get("notes") else []
    for one in (*own, *reversed(earlier)):
        for code, said in _said_in(ledger, one).items():
            now, is_found = asked.get(code, {}), code in found and not found[code].changed
            if is_found or not now.keys() & said.prints.keys():
                continue  # of other items the same was asked, and that says nothing of these
            where = "" if one.id == batch.id else _name(one)
            is_covered = now.items() <= said.prints.items()
            if is_covered if not where else _without(said.prints, aside - now.keys()) == now:
                found[code] = said.told(where, items=rendered.blocking[code], prints=now)
            elif code not in found:
                found[code] = said.told(where, changed=_change(said.prints, now))
    return tuple(found[code] for code in sorted(found))


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer, and what it was given to."""

    code: str
    text: str
    by: str
    on: str
    prints: Prints

    def told(
        self,
        where: str,
        *,
        changed: str = "",
        items: Sequence[str] = (),
        prints: Prints | None = None,
    ) -> AnswerBefore:
        return AnswerBefore(
            code=self.code, text=self.text, by=self.by, on=self.on, where=where, changed=changed,
            items=tuple(items), prints=dict(prints or {}),
        )  # fmt: skip


def _name(batch: Batch) -> str:
    return name_of(batch.id, batch.number, is_void=batch.state is State.VOIDED)


def _said_in(ledger: Ledger, batch: Batch) -> dict[str, _Said]:
    """Give the last answer to each question of a batch, with what was asked then."""
    asked: dict[str, Prints] = {}
    said: dict[str, _Said] = {}
    for event in ledger.events(batch.company_id, batch.id):
        if event.kind is Kind.STAGED:
            asked |= _asked_in(event.body)
        elif event.kind is Kind.ANSWERED:
            day, by = event.at.date().isoformat(), str(event.body["by"])
            for code, text in (event.body.get("notes") or {}).items():
                if code in asked:
                    said[code] = _Said(code, str(text), by, day, asked[code])
    return said


def _asked_in(staged: Mapping[str, Any]) -> Iterator[tuple[str, Prints]]:
    """Give what a revision asks, and what it would have asked but for an earlier answer."""
    yield from (staged.get("blocking_prints") or {}).items()
    for one in (staged.get("earlier") or {}).get("answers") or ():
        if not one["changed"]:
            yield one["code"], one["prints"]


def _without(prints: Prints, entries: set[str]) -> Prints:
    return {entry: print_ for entry, print_ in prints.items() if entry not in entries}


def _change(then: Prints, now: Prints) -> str:
    """Say what is not as it was, in words."""
    more, fewer = len(now.keys() - then.keys()), len(then.keys() - now.keys())
    other = sum(then[entry] != now[entry] for entry in then.keys() & now.keys())
    parts = [
        f"{counted(more, 'item')} more" if more else "",
        f"{counted(fewer, 'item')} fewer" if fewer else "",
        f"{counted(other, 'item')} changed" if other else "",
    ]
    return ", ".join(filter(None, parts))
