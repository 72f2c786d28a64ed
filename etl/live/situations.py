"""How a batch stands with its reviewer: read from the ledger, and the minutes left from Pleo.

ledger ─> state, answers, approvals ─┐
job ─> minutes left by Pleo's clock ─┴─> situation: what is shown and what may be done now
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from etl.batches.ledger import Batch, Event
from etl.batches.standing import (
    HAPPENED,
    Standing,
    detail_of,
    minute_of,
    standing_of,
    when_of,
    word_of,
)
from etl.batches.states import Kind, State
from etl.codes import CODES
from etl.live.answering import is_in_the_books, is_released
from etl.live.deciding import REPEAT
from etl.live.history import earlier_of
from etl.live.last_words import Known, known_from_before
from etl.live.reviewing import asked_of
from etl.live.staging import is_begun
from etl.live.viewing import Shelf, folder_of
from etl.review import AnswerBefore
from etl.review.situation import (
    Act,
    Approved,
    BatchLine,
    Decision,
    Moment,
    Question,
    Repeat,
    Situation,
)
from etl.sentences import counted

_MINUTE = 60
_ANSWERS = {Act.REJECT, Act.UNDO, Act.ANSWER}
_GO_ON = "release it: it goes on where it stopped"
#: Word of a standing -> what to do now, on the page; what is staged asks for more.
_NEXT: Mapping[str, str] = {
    "begun": "fetch them again",
    "refused": "end the export in Pleo with this reason, or discard the batch",
    "approved": "release it",
    "started": _GO_ON,
    "published": _GO_ON,
    "reported": _GO_ON,
    "quarantined": "say whether your ERP has the files already",
    "withdrawn": "export the items again in Pleo",
    "reversed": "import that batch; then the items may be exported again in Pleo",
    "released": "import them into your ERP",
}
_LAPSED = Standing(
    "lapsed", "Pleo has ended the export before it was released; nothing of it went out"
)


@dataclass(frozen=True, slots=True)
class Hour:
    """What is known of Pleo's hour: seconds left, whether the job has ended, or why unknown."""

    seconds: float | None = None
    is_over: bool = False
    words: str = ""


def nothing_waits(name: str) -> Situation:
    """Say that there is nothing to review, and what may be done."""
    step = "fetch the export that waits in Pleo"
    return Situation(company=name, next_step=step, allowed=frozenset({Act.FETCH}))


def situation_of(shelf: Shelf, batch: Batch, *, name: str, hour: Hour, needed: int) -> Situation:
    """Say how a batch stands and what may be done with it.

    Needs: how many persons must approve; what is known of Pleo's hour.
    """
    events = shelf.ledger.events(shelf.company_id, batch.id)
    staged = next((one.body for one in reversed(events) if one.kind is Kind.STAGED), {})
    is_lapsed = hour.is_over and batch.state in (State.STAGED, State.APPROVED)
    stands = _LAPSED if is_lapsed else standing_of(batch)
    repeats = tuple(_repeats(batch, events, staged))
    counts = hour.seconds is not None and not hour.is_over and batch.is_unsettled
    seconds = max(0, int(hour.seconds or 0)) if counts else None
    known = known_from_before(shelf.ledger, batch) if batch.is_unsettled else Known()
    # What is booked a second time is not the same as then, whatever its postings are.
    same = known.entries - frozenset(batch.facts.get("repeats") or ())
    return Situation(
        company=name, batch_id=batch.id, number=batch.number, job=batch.job_id or "",
        revision=batch.revision, content=batch.content or "", state=str(batch.state),
        word=stands.word, sentence=stands.sentence, next_step=_next_step(batch, stands.word),
        approvals=tuple(Approved(one.by, minute_of(one.at)) for one in batch.approvals),
        needed=needed,
        minutes_left=None if seconds is None else seconds // _MINUTE,
        seconds_left=seconds,
        time_words=hour.words if batch.is_unsettled else "",
        is_lapsed=is_lapsed,
        questions=tuple(_questions(batch, events)),
        decisions=tuple(_decisions(batch)),
        repeats=repeats,
        reviewed_before=len(same),
        reviewed_on=known.on if same else "",
        reviewed_entries=same,
        allowed=frozenset(_allowed(batch, is_lapsed=is_lapsed, has_repeats=bool(repeats))),
        folder=shelf.folders.shown(folder_of(shelf.folders, batch, batch.revision)),
        is_refused=bool(batch.facts.get("refusal")),
        refused=tuple(batch.facts.get("refused") or ()),
        reverses=_reversed_by(batch, shelf),
    )  # fmt: skip


def _reversed_by(batch: Batch, shelf: Shelf) -> int | None:
    """Give the number of the batch that a reversal takes back."""
    of = batch.facts.get("reverses")
    return None if of is None else shelf.ledger.find(shelf.company_id, str(of)).number


def _allowed(batch: Batch, *, is_lapsed: bool, has_repeats: bool) -> Iterator[Act]:
    refused = bool(batch.facts.get("refusal"))
    if is_lapsed:
        yield Act.FETCH
        return
    is_reversal = bool(batch.facts.get("reverses"))
    if batch.state is State.STAGED and batch.revision and not (refused or is_reversal):
        yield from _ANSWERS
        if has_repeats:
            yield from (Act.ALREADY_BOOKED, Act.AGAIN)
        if not batch.facts.get("blocking"):
            yield from (Act.APPROVE, Act.RELEASE)
    if batch.state is State.STAGED and batch.revision and is_reversal:
        yield Act.APPROVE
    if refused or (batch.is_unsettled and batch.state not in (State.STAGED, State.QUARANTINED)):
        yield Act.RELEASE
    if batch.state in (State.STAGED, State.APPROVED) and not is_begun(batch):
        yield from (Act.DISCARD, Act.FETCH) if batch.job_id else (Act.DISCARD,)
    if batch.state is State.QUARANTINED:
        yield from (Act.SETTLE_IMPORTED, Act.SETTLE_NOT_IMPORTED)
    if is_released(batch):
        yield Act.IMPORTED
        if not batch.facts.get("reverses"):
            yield from (Act.WITHDRAW, Act.REISSUE)
    if is_in_the_books(batch) and not batch.facts.get("reverses"):
        yield Act.REVERSE
    if not batch.is_unsettled:
        yield Act.FETCH


def _questions(batch: Batch, events: list[Event]) -> Iterator[Question]:
    """Give the notes that block the approval, and those that were answered."""
    asked: dict[str, tuple[str, ...]] = {}
    before: dict[str, AnswerBefore] = {}
    for event in events:
        if event.kind is Kind.STAGED:
            before = {one.code: one for one in earlier_of(event.body).answers}
            asked |= {code: one.items for code, one in before.items() if not one.changed}
            for code, items in (event.body.get("blocking_items") or {}).items():
                asked[code] = tuple(items)
    answers = {code: one.text for code, one in before.items() if not one.changed}
    answers |= batch.facts.get("notes") or {}
    open_ = set(batch.facts.get("blocking") or ())
    for code, items in asked.items():
        if code == REPEAT or not (code in open_ or code in answers):
            continue
        known = CODES.get(code)
        meaning = known.meaning if known else code
        words = before[code].words if code in before else ""
        yield Question(code, meaning, items, "" if code in open_ else answers[code], words)


def _decisions(batch: Batch) -> Iterator[Decision]:
    for entry, said in (batch.facts.get("decisions") or {}).items():
        if said["do"] != "undo":
            yield Decision(entry, said["do"], said.get("reason", ""))


def _repeats(batch: Batch, events: Sequence[Event], staged: Mapping[str, Any]) -> Iterator[Repeat]:
    """Give the items that were booked before with the same postings: they can be answered."""
    open_ = set((staged.get("blocking_items") or {}).get(REPEAT, ()))
    answerable = asked_of(events)
    said = batch.facts.get("decisions") or {}
    before = earlier_of(staged).held
    for entry, earlier in (batch.facts.get("repeats") or {}).items():
        if entry in open_ or (entry in said and entry in answerable):
            vouchers = ", ".join(earlier.get("vouchers") or ())
            where = f"batch {earlier['number']} of {earlier['at']}"
            where += f", voucher {vouchers}" if vouchers else ""
            where += f"; {before[entry]}" if entry in before else ""
            yield Repeat(entry, where, entry in open_)


def _next_step(batch: Batch, word: str) -> str:
    """Say what to do now."""
    if word == _LAPSED.word:
        return (
            "export the items again in Pleo, then fetch them here; what you reviewed is remembered"
        )
    if word == "imported" and batch.facts.get("refused"):
        return (
            "what your ERP refused is not in your books: correct it, then export it again in Pleo"
        )
    if word != "staged":
        return _NEXT.get(word, "")
    if batch.facts.get("reverses"):
        return "another person looks through it and approves it, or it is discarded"
    if batch.approvals:
        return "another person looks through it and approves it"
    if batch.facts.get("blocking"):
        return "answer what is asked, then release"
    return "look through it, then release it"


def line_of(batch: Batch, relation: str) -> BatchLine:
    """Give a batch as the history lists it, with what it is to another one."""
    counts = batch.facts.get("counts") or {}
    return BatchLine(
        batch_id=batch.id, number=batch.number, revision=batch.revision,
        word=standing_of(batch).word, when=when_of(batch),
        approved_by=", ".join(dict.fromkeys(one.by for one in batch.approvals)),
        items=counts.get("items"), rendered=counts.get("rendered"),
        rejected=counts.get("rejected"), content=batch.content or "",
        imported=_imported(batch), relation=relation,
    )  # fmt: skip


def _imported(batch: Batch) -> str:
    if not batch.is_imported:
        return ""
    by = batch.facts.get("imported_by")
    at = minute_of(str(batch.facts.get("imported_at") or ""))
    refused = len(batch.facts.get("refused") or ())
    but = f", but for {counted(refused, 'item')}" if refused else ""
    return (f"{at} by {by}" if by else at) + but


def moments_of(events: list[Event]) -> list[Moment]:
    """Give what happened to a batch, oldest first."""
    return [
        Moment(
            minute_of(event.at),
            word_of(event) + detail_of(event),
            str(event.body.get("by") or ""),
        )
        for event in events
        if event.kind in HAPPENED
    ]
