"""Reverse a batch that was imported: its postings with sides swapped, as a batch of its own.

    render, prove ─> tx reserved (no job; who) ─> r1/ ─> tx staged ─> tx approved ─> tx publish
      intended ─> rename into the outbox ─> tx published ─> tx closed
      ─> tx reversed (of the first batch: its items are free again)

    where two must approve   it stays staged until another person wants the same reversal

    stopped in between   the next command goes on from the state that it finds
    cannot be made       as it was approved, or any more: void, as nothing of it is out

Pleo is told nothing: it has the items as exported, and they can be exported again.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from etl import files
from etl.batches.ledger import Batch, NewBatch
from etl.batches.ledger.applying import approvers
from etl.batches.states import Kind, State
from etl.errors import Problem, UserMustFix
from etl.live import publishing
from etl.live.answering import Answered, cannot, choose, in_words, is_in_the_books
from etl.live.deciding import facts_of, held_by
from etl.live.desk import Desk
from etl.live.ending import void
from etl.live.line import BatchFacts, Reversed, Revision
from etl.live.outcomes import name_of
from etl.live.staging import instant, job_created


def reverse(desk: Desk, batch: Batch | str | None = None, *, by: str) -> Answered:
    """Make, approve and release the reversal of a batch whose files the ERP has.

    Raises: UserMustFix ANS-1, ANS-2; ANS-6 where there is nothing to make it of; HeldElsewhere
    JOB-2 while another batch is unsettled.
    """
    batch = choose(desk, batch, fits=_is_reversible, answer="reverse")
    if not batch.is_reversed:
        if not _is_reversible(batch):
            raise cannot(desk, batch, "reversed")
        waiting = desk.unsettled()
        if waiting is not None and waiting.facts.get("reverses") != batch.id:
            raise held_by(waiting, f"company {desk.name}")
        reversal = go_on(desk, waiting or _reserve(desk, batch, by=by), by=by)
        if reversal.state is State.STAGED:
            return _wait(desk, reversal, of=batch)
        batch = desk.ledger.find(desk.company_id, batch.id)
    reversal = desk.ledger.find(desk.company_id, str(batch.facts["reversal"]))
    return Answered(**in_words(desk, reversal))


def _wait(desk: Desk, reversal: Batch, *, of: Batch) -> Answered:
    """Say that another person must agree before anything of a reversal is out."""
    names = " and ".join(one.by for one in reversal.approvals)
    return Answered(
        word="waiting",
        says=f"{name_of(reversal)} takes the bookings of {name_of(of)} back. It is approved by"
        f" {names}, and {desk.approvals} persons must approve it; nothing of it is out",
        next_step=f"another person says `pleo-etl reverse {of.number} --by NAME`;"
        " `pleo-etl discard` gives it up",
        batch=reversal,
        folder=desk.stored(reversal).revision_folder(reversal.revision),
    )


def _is_reversible(batch: Batch) -> bool:
    return is_in_the_books(batch) and not batch.facts.get("reverses")


def finish_reversals(desk: Desk) -> list[Batch]:
    """Go on with reversals that were stopped; give those that were finished now."""
    finished = []
    batches = desk.ledger.batches(desk.company_id)
    by_id = {batch.id: batch for batch in batches}
    for batch in batches:
        reverses = batch.facts.get("reverses")
        if reverses is None or batch.state is State.VOIDED:
            continue
        if waits_for_another(batch):
            continue
        if batch.is_unsettled or not by_id[reverses].is_reversed:
            came_to = go_on(desk, batch)
            finished += [] if waits_for_another(came_to) else [came_to]
    return finished


def _names_on(reversal: Batch) -> set[str]:
    return approvers(reversal.approvals, by="") - {""}


def waits_for_another(reversal: Batch) -> bool:
    """Say whether a reversal waits for another person: only that one's call takes it further."""
    is_reversal = bool(reversal.facts.get("reverses"))
    return is_reversal and reversal.state is State.STAGED and bool(reversal.approvals)


def _of(desk: Desk, batch: Batch) -> Reversed:
    """Name what a batch has booked: not what was failed, booked before, or refused by the ERP."""
    refused = {entry.casefold() for entry in batch.facts.get("refused") or ()}
    booked = {
        one.entry_id: one.fingerprint or ""
        for one in desk.ledger.verdicts(batch.id)
        if one.vouchers and one.entry_id.casefold() not in refused
    }
    return Reversed(batch.id, batch.number, booked)


def _render(desk: Desk, batch: Batch, facts: BatchFacts) -> Revision:
    stored = desk.stored(batch)
    if not stored.has_input():
        raise _nothing_left(desk, batch, "what it was made of is no longer stored here")
    of = _of(desk, batch)
    recipe = stored.recipe_folder(batch.revision)
    revision = desk.line.reverse(recipe, items=stored.read_items(), facts=facts, of=of)
    if revision.is_empty:
        raise _nothing_left(desk, batch, "it has nothing in the books")
    return revision


def _nothing_left(desk: Desk, batch: Batch, why: str) -> UserMustFix:
    return UserMustFix(
        Problem(
            "ANS-6",
            f"no reversal can be made of {name_of(batch)}: {why}",
            f"company {desk.name}",
            "reverse its vouchers by hand in your ERP; its manifest.json names them",
        )
    )


def _reserve(desk: Desk, batch: Batch, *, by: str) -> Batch:
    """Store the reversal and its numbers; it is rendered before, so that it can be made at all."""
    numbers = desk.ledger.next_numbers(desk.company_id, per_fiscal_year=desk.line.per_fiscal_year)
    first = {**numbers.vouchers, **numbers.first_vouchers()}
    new = NewBatch(desk.company_id)
    _render(desk, batch, BatchFacts(new.id, numbers.batch, None, job_created(batch), first))
    body: dict[str, Any] = {
        "job": None, "job_created_at": None, "attempt": 1, "number": numbers.batch,
        "first_vouchers": first, "entries": [], "skipped": [], "adopted": False,
        "unattended": False, "reverses": batch.id, "repeats": {}, "by": by,
    }  # fmt: skip
    return desk.ledger.append(new, Kind.RESERVED, body)


def go_on(desk: Desk, reversal: Batch, *, by: str = "") -> Batch:
    """Take a reversal from where it stands to its end, or to where another person must approve.

    Needs: who says so now; by default the person who began it.
    """
    batch = desk.ledger.find(desk.company_id, str(reversal.facts["reverses"]))
    by = by.strip() or str(desk.ledger.events(desk.company_id, reversal.id)[0].body["by"])
    if reversal.state is State.STAGED and reversal.revision == 0:
        reversal = _stage(desk, reversal, of=batch)
    if reversal.state is State.STAGED:
        reversal = _approve(desk, reversal, by=by)
    if reversal.state is State.APPROVED:
        reversal = _publish(desk, reversal)
    if reversal.state is State.PUBLISHED:
        reversal = desk.ledger.append(reversal, Kind.CLOSED, {"event": None})
    if reversal.state is State.CLOSED and not batch.is_reversed:
        desk.ledger.append(batch, Kind.REVERSED, {"by": by, "batch": reversal.id})
    return reversal


def _approve(desk: Desk, reversal: Batch, *, by: str) -> Batch:
    """Note that a person wants exactly this; the last one who must brings it on its way."""
    names = _names_on(reversal) | {by.casefold()}
    if names == _names_on(reversal) and len(names) < desk.approvals:
        return reversal  # the same name counts once
    body: dict[str, Any] = {
        "by": by, "content": reversal.content, "revision": reversal.revision,
        "needed": desk.approvals,
    }  # fmt: skip
    body |= {"verdicts": []} if len(names) >= desk.approvals else {}
    return desk.ledger.append(reversal, Kind.APPROVED, body)


def _publish(desk: Desk, reversal: Batch) -> Batch:
    if publishing.is_put_out(desk, reversal):
        return publishing.note_published(desk, reversal)
    try:
        publishing.check_stored(desk, reversal)
    except UserMustFix as error:
        raise _give_up(desk, reversal, error) from None
    return publishing.publish(desk, reversal)


def _give_up(desk: Desk, reversal: Batch, error: UserMustFix) -> UserMustFix:
    """Void a reversal of which nothing is out: every command would stop at it otherwise.

    Gives: what to raise.
    """
    void(desk, reversal, why="discarded", by="pleo-etl", how=error.problems[0].what)
    of = desk.ledger.find(desk.company_id, str(reversal.facts["reverses"]))
    what = f"the reversal of {name_of(of)} was given up, and nothing of it is out"
    fix = f"`pleo-etl reverse {of.number}` makes it anew, or says why it cannot"
    return UserMustFix(
        [replace(one, what=f"{what}: {one.what}", fix=fix) for one in error.problems]
    )


def _stage(desk: Desk, reversal: Batch, *, of: Batch) -> Batch:
    try:
        revision = _render(desk, of, facts_of(reversal, job_created(of)))
    except UserMustFix as error:
        raise _give_up(desk, reversal, error) from None
    stored = desk.stored(reversal)
    stored.make()
    folder = stored.revision_folder(1)
    files.remove_folder(folder)
    revision.write(folder)
    view = revision.write_view(stored.view_file(1))
    body: dict[str, Any] = {
        "revision": 1, "content": revision.content, "recipe": revision.recipe,
        "input": revision.input, "at": instant(desk.clock.now()),
        "last_vouchers": dict(revision.last_vouchers), "counts": asdict(revision.counts),
        "totals": [asdict(total) for total in revision.totals],
        "items": [asdict(item) for item in revision.items],
        "blocking": [], "blocking_items": {}, "unattended": False, "refusal": None,
        "view": view,
    }  # fmt: skip
    return desk.ledger.append(reversal, Kind.STAGED, body)
