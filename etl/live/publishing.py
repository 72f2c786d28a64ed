"""Transition 5: what was approved is made once more, compared, and only then put into the outbox.

GET job (time left) ─> GET both layers (all ours still open) ─> render with the batch's recipe
  ├─ same content ─> tx publish_intended ─> rename r<n>/ into the outbox ─> tx published
  ├─ differs ─> tx staged r+1: needs a new approval          (5a; never published without)
  └─ past the margin ─> refuse                               (5c)

stopped after the intent   that content lies in the outbox: published · else rename again
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from etl import files
from etl.batches.ledger import Batch
from etl.batches.states import Kind
from etl.errors import HeldElsewhere, Problem, UserMustFix
from etl.live.approving import approve
from etl.live.deciding import Material, Rendered, facts_of, render
from etl.live.desk import Desk
from etl.live.ending import lapse
from etl.live.folders import content_in, holds_exactly
from etl.live.history import story_of
from etl.live.hours import is_past_margin
from etl.live.jobs import Fetched, fetch_job
from etl.live.outcomes import name_of
from etl.live.refusing import NOT_AS_APPROVED, refuse
from etl.live.staging import job_created, make_revision, store_input
from etl.live.starting import unknown_state
from etl.live.viewing import render_again
from etl.pleo.failures import JobOver
from etl.pleo.shapes import Job
from etl.sentences import counted


@dataclass(frozen=True, slots=True)
class Difference:
    """What a person is asked about while Pleo's clock runs: the approved revision, and the new."""

    before: Batch
    after: Batch
    seconds_left: float


#: Shows a difference, and gives the name of who approves the new revision; None: nobody does.
Ask = Callable[[Difference], str | None]


def check_again(desk: Desk, batch: Batch, *, ask: Ask | None) -> Batch:
    """Make sure that what was approved is what Pleo still lists; gives the batch as it was then.

    Gives: the same batch; or one that is staged anew, approved anew, or voided.
    Raises: HeldElsewhere REL-8 when somebody else has reported items of the job.
    """
    job = desk.pleo.get_job(batch.job_id or "")
    if job.is_over:
        return lapse(desk, batch, job)
    if not job.is_running:
        raise unknown_state(batch, job)
    if is_past_margin(desk, job):
        return out_of_time(desk, batch)
    try:
        fetched = fetch_job(desk, job)
    except JobOver:
        return lapse(desk, batch, desk.pleo.get_job(job.id))
    if fetched.refusal is not None:
        return refuse(
            desk, batch, reason=fetched.refusal.reason, failure_type=fetched.refusal.failure_type,
            problem=fetched.refusal.problem,
        )  # fmt: skip
    _check_open(desk, batch, fetched)
    if sorted(story_of(desk, batch).entries) != sorted(fetched.entries):
        reason = "The items of the export changed while it was released – export them again"
        return refuse(desk, batch, reason=reason, failure_type=NOT_AS_APPROVED)
    if not desk.stored(batch).has_input():
        store_input(desk, batch, fetched)  # an older attempt was stopped while it replaced it
    rendered = _render_again(desk, batch, fetched)
    if is_past_margin(desk, job):
        return out_of_time(desk, batch)
    if rendered.revision.content != batch.content:
        return _differs(desk, batch, fetched, ask=ask)
    folder = desk.stored(batch).revision_folder(batch.revision)
    # What was rendered now is believed, not what lies there: whoever can write into the folder can
    # write a manifest that fits, or put a file beside the others.
    revision = rendered.revision
    if not revision.is_empty and not holds_exactly(folder, revision.hashes):
        # What lies there is not what was approved, or not all of it. The folder itself stays: once
        # publishing is intended, a folder that is gone means that it was put out.
        files.empty_folder(folder)
        rendered.revision.write(folder)
    return batch


def _check_open(desk: Desk, batch: Batch, fetched: Fetched) -> None:
    skipped = {entry.casefold() for entry in story_of(desk, batch).skipped}
    touched = [
        item.entry_id
        for item in fetched.shown
        if item.entry_id.casefold() not in skipped
        and (not item.is_open or item.external_id is not None)
    ]
    if touched:
        raise HeldElsewhere(
            Problem(
                "REL-8",
                f"somebody else has reported {counted(len(touched), 'item')} of {name_of(batch)},"
                " which is not published yet",
                f"job {batch.job_id}, item {touched[0]}",
                "find out which other integration works on this company; then end the export in"
                " Pleo and export the items again",
            )
        )


def _render_again(desk: Desk, batch: Batch, fetched: Fetched) -> Rendered:
    """Render what Pleo gives now, with the recipe and the receipts of the batch."""
    stored, story = desk.stored(batch), story_of(desk, batch)
    material = Material(
        recipe=stored.recipe_folder(batch.revision),
        items=fetched.items,
        files=stored.read_attachments(),
        contents=stored.contents(),
        skipped=story.skipped,
        unattended=story.unattended,
        earlier=story.earlier,
        asked=story.asked,
    )
    return render(desk, batch, material, facts=facts_of(batch, job_created(batch)))


def _differs(desk: Desk, batch: Batch, fetched: Fetched, *, ask: Ask | None) -> Batch:
    """Stage what Pleo gives now as a new revision, and ask for its approval where one can."""
    stored, job = desk.stored(batch), fetched.job
    store_input(desk, batch, fetched)
    recipe = stored.recipe_folder(batch.revision + 1)
    files.remove_folder(recipe)
    desk.line.store_recipe(recipe)
    staged = make_revision(desk, batch, job=job, unattended=False).batch
    assert staged is not None
    if ask is None:
        return staged
    return ask_about(desk, batch, staged, job=job, ask=ask)


def ask_about(desk: Desk, before: Batch, after: Batch, *, job: Job, ask: Ask) -> Batch:
    """Let a person decide on a new revision until the margin; then the job is refused."""
    by = ask(Difference(before, after, job.seconds_left(desk.pleo.time()) - desk.margin))
    if is_past_margin(desk, job):
        return out_of_time(desk, after)
    return after if by is None else approve(desk, after, by=by, content=after.content)


def out_of_time(desk: Desk, batch: Batch) -> Batch:
    """End the job: what was approved cannot be released in the time that is left."""
    reason = (
        "The export was not released in time. Nothing was exported – export the items again and"
        " release them within the hour"
    )
    return refuse(desk, batch, reason=reason, failure_type=NOT_AS_APPROVED)


# ── into the outbox ─────────────────────────────────────────────────────────────────────────


def publish(desk: Desk, batch: Batch) -> Batch:
    """Rename the folder of the approved revision into the outbox.

    Needs: that `check_again` or `check_stored` found it as approved.
    """
    target = desk.folders.released(batch)
    if target.exists():
        raise _in_the_way(desk, batch)
    if batch.publish_intended_at is None:
        body = {"folder": desk.folders.shown(target)}
        batch = desk.ledger.append(batch, Kind.PUBLISH_INTENDED, body)
    files.move_folder(desk.stored(batch).revision_folder(batch.revision), target)
    return note_published(desk, batch)


def is_put_out(desk: Desk, batch: Batch) -> bool:
    """Say whether the folder of a stored intent was renamed before the result could be stored.

    The intent was stored with the folder in place. Where it is gone it was renamed, though a
    person may have taken it from the outbox since: to offer it a second time could book it twice.
    """
    if batch.publish_intended_at is None:
        return False
    if content_in(desk.folders.released(batch)) == batch.content:
        return True
    return not desk.stored(batch).revision_folder(batch.revision).exists()


def note_published(desk: Desk, batch: Batch) -> Batch:
    """Store that the folder is in the outbox."""
    if not desk.folders.released(batch).exists():
        desk.remark(f"{name_of(batch)} was released, and has been taken from the outbox since")
    folder = str(batch.facts["publish_folder"])
    return desk.ledger.append(batch, Kind.PUBLISHED, {"folder": folder})


def check_stored(desk: Desk, batch: Batch) -> None:
    """Make sure that a batch without a job lies as it was approved: there is no Pleo to ask.

    Raises: UserMustFix REL-10; LINE-1, LINE-2 where it cannot be made again to compare.
    """
    made = render_again(desk, batch)
    folder = desk.stored(batch).revision_folder(batch.revision)
    if made.content == batch.content and holds_exactly(folder, made.hashes):
        return
    raise UserMustFix(
        Problem(
            "REL-10",
            f"the stored files of {name_of(batch)} are missing or were changed",
            f"revision {batch.revision}",
            "discard the batch and make it again",
        )
    )


def _in_the_way(desk: Desk, batch: Batch) -> UserMustFix:
    target = desk.folders.released(batch)
    return UserMustFix(
        Problem(
            "REL-9",
            f"the outbox has a folder {target.name} already, and it was not released",
            desk.folders.shown(target),
            "move that folder away, then run `pleo-etl release` again",
        )
    )
