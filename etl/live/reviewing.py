"""What a reviewer says of a staged batch, and the revision that follows from it (transition 2).

tx answered (who, per item: reject, undo, already_booked, again; per note: the answer)
  ─> render from the stored input with the batch's own recipe ─> r<n+1>/ ─> tx staged

stopped in between   what was said is kept; the next answer, or `run`, makes the revision
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from etl import files
from etl.batches.ledger import Batch, Event
from etl.batches.states import Kind, State
from etl.errors import Problem, UserMustFix
from etl.live.deciding import REPEAT
from etl.live.desk import Desk
from etl.live.last_words import AGAIN, ALREADY_BOOKED, REJECT, UNDO
from etl.live.outcomes import Staged, name_of
from etl.live.staging import has_names_enough, is_begun, make_revision


def answer(
    desk: Desk,
    batch: Batch,
    *,
    by: str,
    decisions: Mapping[str, Mapping[str, str]] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Staged:
    """Take a reviewer's answers, and stage what follows from them.

    Needs: decisions, item -> {"do": reject | undo | already_booked | again, "reason"}; notes, the
    code of a blocking note -> what the reviewer says to it.
    Raises: UserMustFix JOB-12 for an answer that cannot be taken; nothing is stored then.
    """
    said = {entry: dict(one) for entry, one in (decisions or {}).items()}
    _check(desk, batch, said)
    if REPEAT in (notes or {}):
        raise _cannot(
            "whether items are booked already is said of the items", REPEAT,
            fix="`pleo-etl review --already-booked all`, or `--again all`, or of single items",
        )  # fmt: skip
    body = {"by": by, "decisions": said, "notes": dict(notes or {})}
    batch = desk.ledger.append(batch, Kind.ANSWERED, body)
    _keep_recipe(desk, batch)
    return make_revision(desk, batch, job=None)


def follow(desk: Desk, batch: Batch) -> Batch:
    """Make the revision that an answer asks for, where a stop came between the two.

    Without it the approval would be of files that the reviewer has changed already.
    """
    if batch.state is not State.STAGED or not batch.revision or batch.facts.get("refusal"):
        return batch
    events = desk.ledger.events(desk.company_id, batch.id)
    kinds = [event.kind for event in events if event.kind in (Kind.ANSWERED, Kind.STAGED)]
    if kinds[-1] is not Kind.ANSWERED:
        return batch
    _keep_recipe(desk, batch)
    return make_revision(desk, batch, job=None).batch or batch


def ask_as_now(desk: Desk, batch: Batch) -> Batch:
    """Make the revision anew where the settings want more to be answered than they did then.

    An approval of what was asked of nobody would go round them.
    """
    if batch.state not in (State.STAGED, State.APPROVED) or not batch.revision:
        return batch
    if is_begun(batch) or batch.job_id is None or batch.facts.get("refusal"):
        return batch
    events = desk.ledger.events(desk.company_id, batch.id)
    staged = next(event.body for event in reversed(events) if event.kind is Kind.STAGED)
    settled = {*(staged.get("asked") or ()), *(batch.facts.get("notes") or ())}
    if settled.issuperset(desk.company.must_answer) and has_names_enough(desk, batch):
        return batch
    _keep_recipe(desk, batch)
    return make_revision(desk, batch, job=None).batch or batch


def review(desk: Desk, batch: Batch, *, by: str, entries: Sequence[str]) -> Batch:
    """Remember which items a person has looked at, for the next time they come."""
    return desk.ledger.append(batch, Kind.REVIEWED, {"by": by, "entries": list(entries)})


def asked_of(events: Sequence[Event]) -> frozenset[str]:
    """Give the items of which was asked, in any revision, whether they are booked already.

    They can be answered, and answered otherwise later, also where the answer was taken over from
    an earlier batch; one that came with other postings cannot.
    """
    asked: set[str] = set()
    for event in events:
        if event.kind is Kind.STAGED:
            asked.update((event.body.get("blocking_items") or {}).get(REPEAT, ()))
        elif event.kind is Kind.ANSWERED:
            said = event.body.get("decisions") or {}
            asked.update(entry for entry, one in said.items() if one["do"] == ALREADY_BOOKED)
    return frozenset(asked)


def _check(desk: Desk, batch: Batch, said: Mapping[str, Mapping[str, str]]) -> None:
    if batch.state is not State.STAGED or not batch.revision or batch.facts.get("refusal"):
        raise _cannot(f"{name_of(batch)} is {batch.state}, not staged", "review")
    if batch.facts.get("reverses"):
        fix = "`pleo-etl discard` gives it up"
        raise _cannot(f"{name_of(batch)} takes another batch back as it was", "review", fix=fix)
    known = {entry.casefold() for entry in desk.ledger.listed(batch)}
    repeats = batch.facts.get("repeats") or {}
    answerable = asked_of(desk.ledger.events(desk.company_id, batch.id))
    for entry, one in said.items():
        if entry.casefold() not in known:
            raise _cannot(f"{name_of(batch)} has no item {entry}", entry)
        if one["do"] not in (REJECT, UNDO, ALREADY_BOOKED, AGAIN):
            raise _cannot(f'"{one["do"]}" is no answer', entry)
        if one["do"] == REJECT and not one.get("reason", "").strip():
            raise _cannot("a rejection needs a reason: Pleo shows it to the company", entry)
        if one["do"] in (ALREADY_BOOKED, AGAIN) and not (entry in repeats and entry in answerable):
            raise _cannot(
                f"item {entry} was not booked before with these postings, so it can be neither"
                f' "{ALREADY_BOOKED}" nor "{AGAIN}"', entry,
            )  # fmt: skip


def _cannot(what: str, where: str, *, fix: str = "") -> UserMustFix:
    fix = fix or "`pleo-etl review` shows the batch and what may be said of its items"
    return UserMustFix(Problem("JOB-12", what, where, fix))


def _keep_recipe(desk: Desk, batch: Batch) -> None:
    """Give the next revision the recipe of this one: an answer changes items, not rules."""
    stored = desk.stored(batch)
    target = stored.recipe_folder(batch.revision + 1)
    files.remove_folder(target)
    files.copy_folder(stored.recipe_folder(batch.revision), target)
