"""The answers that only a person can give, each safe to give again after a stop.

discard        staged or approved: give it up              tx voided
settle         quarantined: was it imported?               tx settled, or taken back
withdraw       released, not imported: take it back        files away, then tx withdrawn
mark_imported  released: the ERP has it, but for some      tx imported (items it refused: freed)
adopt          a job that somebody else started            staged like any other, marked as adopted
reverse        imported: book it the other way round       see etl.live.reversing

Needs, of each: `finish` was called before, so that nothing is half done. `by` is who says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from etl import files
from etl.batches.ledger import Batch, Verdict
from etl.batches.states import Kind, State
from etl.errors import HeldElsewhere, Problem, UserMustFix
from etl.live.answering import (
    AGAIN,
    Answered,
    cannot,
    choose,
    in_words,
    is_in_the_books,
    is_released,
)
from etl.live.deciding import held_by
from etl.live.desk import Desk
from etl.live.ending import void
from etl.live.folders import DO_NOT_IMPORT
from etl.live.outcomes import Staged, name_of
from etl.live.reversing import reverse
from etl.live.staging import stage_job
from etl.live.withdrawing import take_back
from etl.pleo.shapes import Job

__all__ = ["adopt", "discard", "mark_imported", "reverse", "settle", "withdraw"]

#: Characters of an item's id that are enough to name it.
MIN_PREFIX = 6


def discard(desk: Desk, batch: Batch | str | None = None, *, by: str) -> Answered:
    """Give up a batch of which nothing is out; its items and numbers are free again.

    Raises: UserMustFix ANS-1, ANS-2.
    """
    batch = choose(desk, batch, fits=lambda one: one.is_unsettled, answer="discard")
    is_begun = batch.is_started or batch.start_intended_at is not None
    if batch.state is not State.VOIDED:
        if is_begun or batch.state not in (State.STAGED, State.APPROVED):
            raise cannot(desk, batch, "discarded")
        if batch.job_id is None and batch.publish_intended_at is not None:
            raise cannot(desk, batch, "discarded")
        batch = void(desk, batch, why="discarded", by=by)
    again = f"adopt {batch.job_id}" if batch.facts.get("adopted") else "run"
    return Answered(
        word="voided",
        says=f"{name_of(batch)} is given up; nothing of it went out, and Pleo was told nothing",
        next_step=f"the export in Pleo ends by itself within the hour; `pleo-etl {again}` stages"
        " it again until then" if batch.job_id else "",
        batch=batch,
    )  # fmt: skip


def settle(desk: Desk, batch: Batch | str | None = None, *, imported: bool, by: str) -> Answered:
    """Say whether a quarantined batch was imported: its items are booked, or free again.

    Raises: UserMustFix ANS-1, ANS-2.
    """
    batch = choose(desk, batch, fits=_is_quarantined, answer="settle")
    if batch.state is State.QUARANTINED:
        if not imported:
            batch = take_back(desk, batch, by=by)
        else:
            batch = desk.ledger.append(batch, Kind.SETTLED, {"imported": True, "by": by})
    elif batch.facts.get("settled_imported") is not imported:
        raise cannot(desk, batch, "settled")
    if imported:
        files.remove_file(desk.folders.released(batch) / DO_NOT_IMPORT)
    return Answered(**in_words(desk, batch))


def _is_quarantined(batch: Batch) -> bool:
    return batch.state is State.QUARANTINED


def withdraw(desk: Desk, batch: Batch | str | None = None, *, by: str) -> Answered:
    """Take back a released batch that nobody has imported; its items are free again.

    Raises: UserMustFix ANS-1, ANS-2.
    """
    batch = choose(desk, batch, fits=is_released, answer="withdraw")
    if not batch.is_withdrawn:
        if not is_released(batch) or batch.facts.get("reverses"):
            raise cannot(desk, batch, "withdrawn")
        _not_while_taken_back(desk, batch)
        batch = take_back(desk, batch, by=by)
    return Answered(**in_words(desk, batch))


def mark_imported(
    desk: Desk, batch: Batch | str | None = None, *, by: str, refused: Sequence[str] = ()
) -> Answered:
    """Say that the ERP has taken a batch, but for some items, which are free again.

    Said once more with other items, these are refused as well: that may be noticed later.

    Needs: refused, names of items: their id, its first six characters or more, or the reference
    that the file prints; several in one text with blanks or commas between.
    Raises: UserMustFix ANS-1, ANS-2; ANS-4 for a name that means no item, or several.
    """
    batch = choose(desk, batch, fits=is_released, answer="imported")
    items = _named_items(desk, batch, refused)
    known = batch.facts.get("refused") or ()
    items = sorted({*known, *items})
    if not batch.is_imported and not is_released(batch):
        raise cannot(desk, batch, "marked as imported")
    if not batch.is_imported or items != sorted(known):
        if not is_in_the_books(batch):
            raise cannot(desk, batch, "marked as imported in another way")
        _not_while_taken_back(desk, batch)
        batch = desk.ledger.append(batch, Kind.IMPORTED, {"by": by, "refused": items})
    return Answered(**in_words(desk, batch))


def _not_while_taken_back(desk: Desk, batch: Batch) -> None:
    """Refuse to change what a reversal was made of while that waits for another person."""
    waiting = desk.unsettled()
    if waiting is not None and waiting.facts.get("reverses") == batch.id:
        raise held_by(waiting, f"company {desk.name}")


def _named_items(desk: Desk, batch: Batch, names: Sequence[str]) -> list[str]:
    """Give the ids of the items that names mean, in the order of the ids."""
    booked = [one for one in desk.ledger.verdicts(batch.id) if one.vouchers]
    found: set[str] = set()
    problems = []
    for name in (one for text in names for one in _singly(text, booked)):
        meant = _meant(name, booked)
        if len(meant) == 1:
            found.add(meant[0].entry_id)
            continue
        what = f'"{name}" is no item that {name_of(batch)} has booked'
        if meant:
            what = f'"{name}" means {len(meant)} items of {name_of(batch)}'
        fix = (
            "give the item's id, six or more of its first characters, or the reference that the"
            " file prints"
        )
        problems.append(Problem("ANS-4", what, f"company {desk.name}", fix))
    if problems:
        raise UserMustFix(problems)
    return sorted(found)


def _singly(text: str, booked: Sequence[Verdict]) -> list[str]:
    """Take apart what names several items; a reference may hold blanks and commas itself."""
    parts = [part for part in re.split(r"[\s,;]+", text) if part]
    is_one = _meant(text, booked) or not any(_meant(part, booked) for part in parts)
    return [text] if is_one else parts


def _meant(name: str, booked: Sequence[Verdict]) -> list[Verdict]:
    word = name.strip().casefold()
    exact = [one for one in booked if word in (one.entry_id.casefold(), _reference(one))]
    if exact or len(word) < MIN_PREFIX:
        return exact
    return [one for one in booked if one.entry_id.casefold().startswith(word)]


def _reference(verdict: Verdict) -> str | None:
    return None if verdict.external_id is None else verdict.external_id.casefold()


def adopt(desk: Desk, job_id: str) -> Staged:
    """Stage a job that is in progress and was started by somebody else who has given it up.

    Items that have a verdict already are left alone.
    Raises: HeldElsewhere JOB-2 while another batch is unsettled; ANS-5 for a job that is not in
    progress, or not of this company.
    """
    waiting = desk.unsettled()
    job = desk.pleo.get_job(job_id)
    if waiting is not None:
        is_same = waiting.job_id is not None and waiting.job_id.casefold() == job.id.casefold()
        is_ours = is_same and waiting.facts.get("adopted") and waiting.state is State.STAGED
        if not is_ours:
            raise held_by(waiting, f"company {desk.name}")
    if job.company_id.casefold() != desk.company_id.casefold():
        raise _not_to_adopt(desk, job, "it is of another company", "name the company's own job")
    if job.is_pending:
        raise _not_to_adopt(
            desk, job, "nobody has started it", "take it like any other, with `pleo-etl run`"
        )
    if not job.is_running:
        raise _not_to_adopt(desk, job, f'Pleo shows it as "{job.status}"', AGAIN)
    return stage_job(desk, job, waiting=waiting, adopted=True)


def _not_to_adopt(desk: Desk, job: Job, why: str, fix: str) -> HeldElsewhere:
    what = f"export job {job.id} cannot be taken over: {why}"
    return HeldElsewhere(Problem("ANS-5", what, f"company {desk.name}", fix))
