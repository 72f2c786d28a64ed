"""What a person answered in an earlier batch, and whether it is asked of the same things again.

revision ─> per question and item: what it books, what the note says, where it stood before ─> print

the same items, the same prints      the answer holds, and is not asked for again
some of them, or other prints        asked again, with the answer and what has changed
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from etl.batches.ledger import Batch, Ledger
from etl.batches.recipe import hash_document
from etl.batches.states import Kind, State
from etl.live.deciding import REPEAT, Rendered
from etl.review import AnswerBefore
from etl.review.situation import name_of
from etl.sentences import counted

#: Batches, the newest ones, in which is looked for an answer.
REMEMBERED = 20

#: Item, in lower case -> hash of what is asked of it.
Prints = Mapping[str, str]


def prints_of(batch: Batch, rendered: Rendered) -> dict[str, dict[str, str]]:
    """Give, by code of the note, what each item was that a person is asked about."""
    booked = {(one.id or "").casefold(): one.fingerprint for one in rendered.revision.items}
    repeats: Mapping[str, Any] = batch.facts.get("repeats") or {}
    remarks = rendered.revision.remarks
    return {
        code: {
            entry.casefold(): hash_document([
                booked.get(entry.casefold()), repeats.get(entry),
                list(remarks.get(code, {}).get(entry, ())),
            ])
            for entry in entries
        }
        for code, entries in rendered.blocking.items() if code != REPEAT
    }  # fmt: skip


def answers_before(ledger: Ledger, batch: Batch, rendered: Rendered) -> tuple[AnswerBefore, ...]:
    """Find what was answered before to what a revision asks.

    An answer holds for the items that it was given to, as they were then, all of them and no
    others; those apart that the reviewer has held back in this batch.
    """
    asked = prints_of(batch, rendered)
    if not asked:
        return ()
    earlier = [one for one in ledger.batches(batch.company_id)
               if one.id != batch.id and one.facts.get("notes")][-REMEMBERED:]  # fmt: skip
    decisions: Mapping[str, Mapping[str, str]] = batch.facts.get("decisions") or {}
    aside = {entry.casefold() for entry, one in decisions.items() if one["do"] != "undo"}
    found: dict[str, AnswerBefore] = {}
    for one in reversed(earlier):
        for code, said in _said_in(ledger, one).items():
            now, is_found = asked.get(code, {}), code in found and not found[code].changed
            if is_found or not now.keys() & said.prints.keys():
                continue  # of other items the same was asked, and that says nothing of these
            if _without(said.prints, aside - now.keys()) == now:
                found[code] = said.told(one, items=rendered.blocking[code], prints=now)
            elif code not in found:
                found[code] = said.told(one, changed=_change(said.prints, now))
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
        batch: Batch,
        *,
        changed: str = "",
        items: Sequence[str] = (),
        prints: Prints | None = None,
    ) -> AnswerBefore:
        where = name_of(batch.id, batch.number, is_void=batch.state is State.VOIDED)
        return AnswerBefore(
            code=self.code, text=self.text, by=self.by, on=self.on, where=where, changed=changed,
            items=tuple(items), prints=dict(prints or {}),
        )  # fmt: skip


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
