"""Transitions 1, 2 and 10: a job becomes a staged batch, and a staged batch a newer revision.

list jobs ─> read the whole job              GET only; no file exists before the last page
  ─> tx reserved (batch, claims, numbers)
  ─> receipts, recipe, items ─> job.json     the private folder, synced; job.json last
  ─> render, prove ─> r<n>/                  beside an older revision
  ─> tx staged (revision n)                  the switch

stopped after `reserved`   revision 0: the next run makes the revision from what is stored,
                           or fetches again where job.json is missing
stopped before `staged`    the older revision, and its approval, stand
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from etl import files
from etl.batches.ledger import Batch, NewBatch
from etl.batches.ledger.applying import approvers
from etl.batches.states import Kind, State
from etl.errors import EXIT_USER, HeldElsewhere, Problem, UserMustFix
from etl.live import receipts
from etl.live.deciding import (
    REPEAT,
    Material,
    Rendered,
    facts_of,
    find_repeats,
    held_by,
)
from etl.live.desk import Desk
from etl.live.earlier import find_earlier
from etl.live.ending import lapse, vanish, void
from etl.live.history import Story, story_of
from etl.live.hours import minutes_left, too_late
from etl.live.jobs import (
    Fetched,
    Refusal,
    fetch_job,
    jobs_and_ended,
    no_vendor_bookkeeping,
    refuse_foreign,
    unknown_exports,
)
from etl.live.outcomes import NothingToDo, Staged, exit_code_of, name_of, next_step_of
from etl.live.remembering import prints_of, render_as_said
from etl.live.stored import JOB
from etl.pleo.failures import JobNotFound
from etl.pleo.shapes import Job


def stage_next(desk: Desk, *, unattended: bool = False) -> Staged | NothingToDo:
    """Stage the company's oldest pending job; a staged batch of the same job is replaced.

    Raises: HeldElsewhere JOB-1 (a job that somebody else has started), JOB-2 (an unsettled batch).
    """
    waiting = desk.unsettled()
    if waiting is not None and (waiting.job_id is None or is_begun(waiting)):
        raise held_by(waiting, f"company {desk.name}")
    jobs, ended = jobs_and_ended(desk)
    lapsed = None
    if waiting is not None and not any(_is_for(job, waiting) for job in jobs):
        lapsed, waiting = _let_go(desk, waiting), None
    foreign = next((job for job in jobs if not job.is_pending and not _is_for(job, waiting)), None)
    if foreign is not None:
        raise refuse_foreign(desk, foreign)
    job = next((job for job in jobs if waiting is None or _is_for(job, waiting)), None)
    if job is None:
        return _nothing(lapsed)
    if lapsed is not None:  # the batch that is staged now is another one
        desk.remark(_lapsed(lapsed).what)
    if ended:
        desk.remark(unknown_exports(ended))
    is_adopted = waiting is not None and bool(waiting.facts.get("adopted"))
    return stage_job(desk, job, waiting=waiting, adopted=is_adopted, unattended=unattended)


def is_begun(batch: Batch) -> bool:
    """Say whether Pleo may have heard of a batch: from then on it is finished, not replaced."""
    return (
        batch.state not in (State.STAGED, State.APPROVED)
        or batch.is_started
        or batch.start_intended_at is not None
        or batch.publish_intended_at is not None
        or batch.refuse_intended_at is not None
    )


def _is_for(job: Job, batch: Batch | None) -> bool:
    """Say whether a batch can still be made of a job: an adopted one is in progress already."""
    if batch is None or job.id.casefold() != (batch.job_id or "").casefold():
        return False
    return job.is_pending or (job.is_running and bool(batch.facts.get("adopted")))


def _let_go(desk: Desk, batch: Batch) -> Batch:
    """Void a batch whose job is no longer pending: it can never be released."""
    try:
        return lapse(desk, batch, desk.pleo.get_job(batch.job_id or ""))
    except JobNotFound as missing:
        return vanish(desk, batch, missing)


def _nothing(lapsed: Batch | None) -> NothingToDo:
    if lapsed is None:
        return NothingToDo(word="nothing", says="Pleo has no export job that waits")
    problem = _lapsed(lapsed)
    return NothingToDo(
        word="nothing",
        says=problem.what,
        next_step=problem.fix,
        exit_code=HeldElsewhere.exit_code,
        batch=lapsed,
        problems=(problem,),
    )


def _lapsed(batch: Batch) -> Problem:
    return Problem(
        "JOB-3",
        f"Pleo ended the export job of {name_of(batch)} before it was released; the batch is void",
        f"job {batch.job_id}",
        "export the items again in Pleo, then `pleo-etl run`",
    )


def stage_job(
    desk: Desk,
    job: Job,
    *,
    waiting: Batch | None = None,
    adopted: bool = False,
    unattended: bool = False,
) -> Staged:
    """Make a staged batch of a job; `waiting` is the one that an earlier run made of it."""
    desk.tell("reading the items")
    fetched = fetch_job(desk, job)
    repeats = find_repeats(desk, _open(fetched), own=waiting)
    if waiting is not None and not _is_same(desk, waiting, fetched, repeats=repeats):
        void(desk, waiting, why="replaced")
        waiting = None
        repeats = find_repeats(desk, _open(fetched), own=None)
    batch = waiting or _reserve(
        desk, fetched, repeats=repeats, adopted=adopted, unattended=unattended
    )
    return complete(desk, batch, fetched, unattended=unattended)


def _open(fetched: Fetched) -> list[str]:
    return [entry for entry in fetched.entries if entry not in fetched.skipped]


def _is_same(
    desk: Desk, batch: Batch, fetched: Fetched, *, repeats: Mapping[str, Mapping[str, Any]]
) -> bool:
    """Say whether a waiting batch holds exactly these entries, so that it may be staged again."""
    story = story_of(desk, batch)
    return (
        fetched.refusal is None
        and batch.facts.get("refusal") is None
        and sorted(story.entries) == sorted(fetched.entries)
        and story.skipped == fetched.skipped
        and dict(repeats) == dict(batch.facts.get("repeats") or {})
    )


def _reserve(
    desk: Desk,
    fetched: Fetched,
    *,
    repeats: Mapping[str, Mapping[str, Any]],
    adopted: bool,
    unattended: bool,
) -> Batch:
    """Store the batch, its claims and its numbers, before anything is made of the job."""
    job = fetched.job
    numbers = desk.ledger.next_numbers(desk.company_id, per_fiscal_year=desk.line.per_fiscal_year)
    first = dict(numbers.vouchers) if desk.line.per_fiscal_year else numbers.first_vouchers()
    earlier = [one for one in desk.ledger.batches(desk.company_id) if one.job_id == job.id]
    body = {
        "job": job.id,
        "job_created_at": instant(job.created_at),
        "attempt": len(earlier) + 1,
        "number": numbers.batch,
        "first_vouchers": first,
        "entries": _open(fetched),
        "skipped": sorted(fetched.skipped),
        "adopted": adopted,
        "unattended": unattended,
        "reverses": None,
        "repeats": {entry: dict(one) for entry, one in repeats.items()},
    }
    return desk.ledger.append(NewBatch(desk.company_id), Kind.RESERVED, body)


def complete(desk: Desk, batch: Batch, fetched: Fetched, *, unattended: bool) -> Staged:
    """Store what was fetched, render it, and switch to the new revision."""
    stored, revision = desk.stored(batch), batch.revision + 1
    stored.make()
    recipe = stored.recipe_folder(revision)
    files.remove_folder(recipe)
    desk.line.store_recipe(recipe)
    refusal = fetched.refusal
    if refusal is None and fetched.job.is_vendor_based:
        is_able = desk.line.supports_vendor_bookkeeping(recipe)
        refusal = None if is_able else no_vendor_bookkeeping(desk)
    if refusal is not None:
        return _stage_refusal(desk, batch, refusal, job=fetched.job)
    store_input(desk, batch, fetched)
    return make_revision(desk, batch, job=fetched.job, unattended=unattended)


def store_input(desk: Desk, batch: Batch, fetched: Fetched) -> None:
    """Keep the items and their receipts with the batch; what is there already is kept as it is."""
    stored, job = desk.stored(batch), fetched.job
    if (
        stored.has_input()
        and stored.read_items() == list(fetched.items)
        and all(file.problem is None for file in stored.read_attachments())
    ):
        return
    files.remove_file(stored.folder / JOB)  # from here on there is no input until all is there
    desk.tell("fetching the receipts")
    got = receipts.download(desk, job.id, links=fetched.links, into=stored.attachments_folder)
    document = {
        "id": job.id,
        "company_id": job.company_id,
        "created_at": instant(job.created_at),
        "number_of_items": job.number_of_items,
        "vendor_based_bookkeeping": job.is_vendor_based,
        "is_interactive": job.is_interactive,
    }
    stored.write_input(document, items=fetched.items, attachments=got)


def stored_material(desk: Desk, batch: Batch, story: Story, *, revision: int) -> Material:
    """Give what the private folder of a batch holds for rendering it."""
    stored = desk.stored(batch)
    return Material(
        recipe=stored.recipe_folder(revision),
        items=stored.read_items(),
        files=stored.read_attachments(),
        contents=stored.contents(),
        skipped=story.skipped,
        unattended=story.unattended,
    )


def make_revision(desk: Desk, batch: Batch, *, job: Job | None, unattended: bool = False) -> Staged:
    """Render a batch from its stored input as its next revision; the same content stays as it is.

    Needs: the recipe of the next revision stored.
    """
    desk.tell("making the files")
    story = story_of(desk, batch)
    stored, number = desk.stored(batch), batch.revision + 1
    material = stored_material(desk, batch, story, revision=number)
    material = replace(
        material,
        unattended=unattended,
        earlier=find_earlier(desk, batch, material.items),
        asked=frozenset(desk.company.must_answer),
    )
    facts = facts_of(batch, job_created(batch))
    batch, material, rendered = render_as_said(desk, batch, material, facts=facts)
    if batch.revision and _is_as_before(desk, batch, rendered):
        files.remove_folder(stored.recipe_folder(number))
        return told(desk, batch, job)
    folder = stored.revision_folder(number)
    files.remove_folder(folder)
    rendered.revision.write(folder)
    body = _staged_body(desk, batch, rendered, material=material)
    body["view"] = rendered.revision.write_view(stored.view_file(number))
    staged = desk.ledger.append(batch, Kind.STAGED, body)
    if batch.approvals:
        names = ", ".join(dict.fromkeys(approval.by for approval in batch.approvals))
        desk.remark(f"{name_of(batch)} has changed: the approval by {names} no longer counts")
    return told(desk, staged, job)


def _is_as_before(desk: Desk, batch: Batch, rendered: Rendered) -> bool:
    """Say whether a new revision would be the one that is there, recipe and all."""
    if not has_names_enough(desk, batch):
        return False
    facts = batch.facts
    before = (batch.content, facts.get("recipe"), sorted(facts.get("blocking") or ()))
    revision = rendered.revision
    if before != (revision.content, revision.recipe, sorted(rendered.blocking)):
        return False
    try:
        desk.line.supports_vendor_bookkeeping(desk.stored(batch).recipe_folder(batch.revision))
    except UserMustFix:  # its recipe can no longer be read, so that it could not be released
        return False
    return True


def has_names_enough(desk: Desk, batch: Batch) -> bool:
    """Say whether an approved batch has as many names as are needed now; others need none yet."""
    names = approvers(batch.approvals, by="") - {""}
    return batch.state is not State.APPROVED or len(names) >= desk.approvals


def _staged_body(
    desk: Desk, batch: Batch, rendered: Rendered, *, material: Material
) -> dict[str, Any]:
    revision = rendered.revision
    return {
        "revision": batch.revision + 1,
        "content": revision.content,
        "recipe": revision.recipe,
        "input": revision.input,
        "at": instant(desk.pleo_time()),
        "last_vouchers": dict(revision.last_vouchers),
        "counts": _counts(rendered),
        "totals": [asdict(total) for total in revision.totals],
        "items": [asdict(item) for item in revision.items],
        "blocking": sorted(rendered.blocking),
        "blocking_items": {code: list(items) for code, items in rendered.blocking.items()},
        "blocking_prints": prints_of(batch, rendered),
        "unattended": material.unattended,
        # What was known then: a later look at this revision shows the same.
        "earlier": asdict(material.earlier),
        "asked": sorted(material.asked),
        "refusal": None,
    }


def _counts(rendered: Rendered) -> dict[str, int]:
    """Count the items: what only waits until a person says what becomes of it is not rejected."""
    counts, waiting = asdict(rendered.revision.counts), len(rendered.blocking.get(REPEAT, ()))
    return counts | {"rejected": counts["rejected"] - waiting, "waiting": waiting}


def _stage_refusal(desk: Desk, batch: Batch, refusal: Refusal, *, job: Job) -> Staged:
    """Stage that the job can only be refused: Pleo is told when the batch is released."""
    body: dict[str, Any] = {
        "revision": batch.revision + 1, "content": files.sha256(refusal.reason.encode()),
        "recipe": None, "input": None,
        "at": instant(desk.pleo_time()), "last_vouchers": {}, "counts": {}, "totals": [],
        "items": [], "blocking": [], "unattended": False,
        "refusal": {
            "reason": refusal.reason, "type": refusal.failure_type,
            "problem": asdict(refusal.problem),
        },
    }  # fmt: skip
    return told(desk, desk.ledger.append(batch, Kind.STAGED, body), job)


def told(desk: Desk, batch: Batch, job: Job | None) -> Staged:
    """Say what a staged batch is, and what to do with it."""
    left = None if job is None else minutes_left(desk, job)
    refusal = batch.facts.get("refusal")
    if refusal is not None:
        problem = Problem(**refusal["problem"])
        return Staged(
            word="staged", batch=batch, minutes_left=left, problems=(problem,),
            says=f"export job {batch.job_id} can only be refused: `pleo-etl release` tells Pleo"
            " why, and `pleo-etl run` tries again once the cause is mended",
            next_step=problem.fix,
            exit_code=EXIT_USER,
        )  # fmt: skip
    folder = desk.stored(batch).revision_folder(batch.revision)
    says = f"{name_of(batch)} is staged, revision {batch.revision}"
    next_step = next_step_of(batch)
    if batch.state is State.APPROVED:
        names = ", ".join(dict.fromkeys(approval.by for approval in batch.approvals))
        says = f"{name_of(batch)} has not changed since {names} approved it"
        next_step = "`pleo-etl release`"
    late = job and too_late(job, at=desk.pleo.time(), margin=desk.margin)
    return Staged(
        word=str(batch.state), batch=batch, minutes_left=left, folder=folder,
        says=says,
        next_step=late.says if late else next_step,
        only_command=late.command if late else "",
        exit_code=exit_code_of(batch),
    )  # fmt: skip


def instant(at: datetime) -> str:
    """Write a moment as Pleo does: UTC, Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def job_created(batch: Batch) -> datetime | None:
    """Give when the job of a batch was created: the clock value of its files."""
    text = batch.facts.get("job_created_at")
    return None if text is None else datetime.fromisoformat(text)
