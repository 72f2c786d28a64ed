"""Where a batch stands and what happened to it, in the bookkeeper's words: every face says these.

What to do next is said by the faces: in calls on the terminal, in words on the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from etl.batches.states import Kind, State
from etl.sentences import counted, some_of

if TYPE_CHECKING:
    from etl.batches.ledger.records import Batch, Event

#: What happened to a batch; what was only intended is left out.
HAPPENED: Mapping[Kind, str] = {
    Kind.RESERVED: "begun",
    Kind.STAGED: "staged",
    Kind.ANSWERED: "answered",
    Kind.REVIEWED: "reviewed",
    Kind.APPROVED: "approved",
    Kind.STARTED: "started in Pleo",
    Kind.PUBLISHED: "files put into the outbox",
    Kind.ACKNOWLEDGED: "items reported to Pleo",
    Kind.REPORTED: "every item reported to Pleo",
    Kind.CLOSED: "export ended in Pleo",
    Kind.VOIDED: "void",
    Kind.QUARANTINED: "quarantined",
    Kind.SETTLED: "settled",
    Kind.WITHDRAWN: "withdrawn",
    Kind.IMPORTED: "imported",
    Kind.REVERSED: "reversed",
}
#: The code under which items wait that an earlier batch has booked.
REPEATED = "JOB-9"
#: Characters of a hash, and of an item's id, that tell it from every other one a reader meets.
SHOWN_OF_HASH = 12
SHOWN_OF_ID = 8
_TO_THE_MINUTE = len("2026-04-01 08:00")
#: Answers of one person at one time that are told.
MAX_ANSWERS = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a batch stands.

    word      one word for lists: its state, or what became of it since it was closed
    sentence  what that means
    """

    word: str
    sentence: str


def standing_of(batch: Batch) -> Standing:
    """Say where a batch stands."""
    match batch.state:
        case State.STAGED:
            return _staged(batch)
        case State.APPROVED:
            return Standing("approved", f"approved by {_approvers(batch)}, and not released yet")
        case State.STARTED:
            return Standing("started", "the export is started in Pleo, and no file is out yet")
        case State.PUBLISHED | State.REPORTED:
            said = "the files are out, and Pleo is not told all yet: do not import them yet"
            return Standing(str(batch.state), said)
        case State.QUARANTINED:
            why = batch.facts.get("quarantined_why")
            why = why or "Pleo ended the export before it was told all"
            return Standing("quarantined", f"do not import it: {why}")
        case State.CLOSED:
            return _closed(batch)
        case State.VOIDED:
            why = batch.facts.get("voided_why")
            return Standing("void", f"it counts for nothing ({why})" if why else "it is void")


def _staged(batch: Batch) -> Standing:
    if batch.revision == 0:
        return Standing("begun", "it was begun, and its items are not all here")
    refusal = batch.facts.get("refusal")
    if refusal:
        return Standing("refused", f"it cannot be exported: {refusal['reason']}")
    since = " again: it has changed since it was started" if batch.is_started else ""
    if batch.facts.get("reverses"):
        by = f"approved by {_approvers(batch)}, and " if batch.approvals else ""
        return Standing(
            "staged", f"it takes another batch back: {by}another person must approve it"
        )
    if batch.approvals:
        said = f"approved by {_approvers(batch)}, and another person must approve it{since}"
        return Standing("staged", said)
    blocking = batch.facts.get("blocking")
    if blocking:
        return Standing("staged", f"{_asked(batch, blocking)}{since}")
    return Standing("staged", f"it waits for your review{since}")


def _asked(batch: Batch, blocking: Sequence[str]) -> str:
    """Say what a person is asked; items that came before are counted, other notes named."""
    waiting = (batch.facts.get("counts") or {}).get("waiting", 0)
    others = ", ".join(code for code in blocking if code != REPEATED or not waiting)
    if not waiting:
        return f"it waits for your answers ({others})"
    verb, they = ("waits", "it was") if waiting == 1 else ("wait", "they were")
    said = f"{counted(waiting, 'item')} {verb} for your answer: {they} booked before"
    return f"{said}; more is to be answered ({others})" if others else said


def _closed(batch: Batch) -> Standing:
    if batch.is_withdrawn:
        return Standing("withdrawn", "its files were taken back, and must not be imported")
    if batch.is_reversed:
        return Standing("reversed", "another batch takes its bookings back")
    if batch.is_imported:
        return Standing("imported", "your ERP has its files")
    if batch.renders_nothing:
        return Standing("closed", "there was nothing to import")
    return Standing("released", "its files are ready to be imported, once")


def _approvers(batch: Batch) -> str:
    return " and ".join(dict.fromkeys(one.by for one in batch.approvals))


def is_mostly_rejected(batch: Batch) -> bool:
    """Say whether most items of a staged batch are rejected for a cause that can be cured.

    What its reviewer held back does not count: that was meant.
    """
    counts = batch.facts.get("counts") or {}
    said = (batch.facts.get("decisions") or {}).values()
    held_back = sum(1 for one in said if one["do"] == "reject")
    return (int(counts.get("rejected", 0)) - held_back) * 2 > int(counts.get("items", 0))


def when_of(batch: Batch) -> str:
    """Say when a batch ended, or was begun where it has not ended."""
    ended = batch.facts.get("closed_at") or batch.facts.get("voided_at")
    return minute_of(ended or batch.created_at)


def relations(batches: Sequence[Batch]) -> dict[str, str]:
    """Say by id which batch takes back which other one; of all others there is nothing to say."""
    by_id, found = {batch.id: batch for batch in batches}, {}
    for reversal in batches:
        of = by_id.get(str(reversal.facts.get("reverses")))
        if of is None:
            continue
        found[reversal.id] = f"reversal of batch {of.number}"
        if of.facts.get("reversal") == reversal.id:
            found[of.id] = f"reversed by batch {reversal.number}"
        elif reversal.is_unsettled:
            found[of.id] = f"batch {reversal.number} is to take it back"
    return found


def minute_of(moment: datetime | str) -> str:
    """Write a time (UTC), or the ISO text of one, to the minute."""
    return str(moment)[:_TO_THE_MINUTE].replace("T", " ")


def word_of(event: Event) -> str:
    """Say what an event of HAPPENED was: the end of a batch that Pleo is told nothing of, too."""
    if event.kind is Kind.CLOSED and event.body.get("event") is None:
        return "released; Pleo is told nothing of it"
    return HAPPENED[event.kind]


def detail_of(event: Event) -> str:
    """Say what exactly an event of HAPPENED was; empty where its word says all."""
    body = event.body
    content = str(body.get("content") or "")[:SHOWN_OF_HASH]
    match event.kind:
        case Kind.STAGED:
            said = f", revision {body['revision']}" + (f", content {content}" if content else "")
            return said + "".join(f"; {words}" for words in _kept(body))
        case Kind.APPROVED:
            return f", content {content}"
        case Kind.ANSWERED:
            return f": {some_of(_answers(body), MAX_ANSWERS)}"
        case Kind.REVIEWED:
            return f", {counted(len(body['entries']), 'item')}"
        case Kind.SETTLED:
            return ": imported" if body.get("imported") else ": not imported"
        case Kind.IMPORTED if body.get("refused"):
            return f", without {', '.join(entry[:SHOWN_OF_ID] for entry in body['refused'])}"
        case Kind.VOIDED if body.get("why"):
            return f" ({body['why']})"
    return ""


def _kept(body: Mapping[str, Any]) -> list[str]:
    """Say which answers to notes were taken over from an earlier batch."""
    return [
        f'{one["code"]} "{one["text"]}" as answered in {one["where"]} by {one["by"]}'
        for one in (body.get("earlier") or {}).get("answers") or ()
        if one["where"] and not one["changed"]
    ]


def _answers(body: Mapping[str, Any]) -> list[str]:
    said = [
        f"{one['do'].replace('_', ' ')} {entry[:SHOWN_OF_ID]}"
        + (f' "{one["reason"]}"' if one.get("reason") else "")
        + (f" as said in {one['before']['where']} by {one['before']['by']}"
           if one.get("before") else "")
        for entry, one in (body.get("decisions") or {}).items()
    ]  # fmt: skip
    return said + [f'{code} "{answer}"' for code, answer in (body.get("notes") or {}).items()]
