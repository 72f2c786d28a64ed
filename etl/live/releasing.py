"""Transitions 4 to 7, driven from wherever a batch stands to where it can go.

    approved ─start─> started ─check again, publish─> published ─report─> reported ─close─> closed
        │                │ └─ differs ─> staged r+1, waits for an approval
        └────────────────┴─ ended, refused ─> voided        published, reported ─> quarantined

Each step is a function of its own module that begins by looking at where the batch stands, so the
same drive serves `release` and whatever finds a batch half-way.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from etl.batches.ledger import Batch
from etl.batches.states import Kind, State
from etl.errors import EXIT_USER, EtlError, HeldElsewhere, Problem, UserMustFix
from etl.live import publishing, reporting
from etl.live.approving import UNATTENDED, approve, check_answered, second_name_missing
from etl.live.closing import close
from etl.live.desk import Desk
from etl.live.ending import hold_back, lapse, vanish
from etl.live.history import last_words
from etl.live.hours import is_past_margin, minutes_left
from etl.live.outcomes import Outcome, Released, exit_code_of, name_of
from etl.live.publishing import Ask, out_of_time
from etl.live.refusing import carry_out, refuse
from etl.live.reviewing import ask_as_now
from etl.live.starting import start
from etl.pleo.failures import JobNotFound
from etl.sentences import counted

#: States from which nothing leads on without a person.
RESTING = frozenset({State.STAGED, State.CLOSED, State.VOIDED, State.QUARANTINED})
#: What says of itself that the files must not be imported yet.
_WARNED = frozenset({"REL-11", "REL-12"})
#: What is done with a batch in a state, for whoever waits for it.
_DOES = {
    State.APPROVED: "starting the export in Pleo",
    State.STARTED: "making the files again",
    State.PUBLISHED: "reporting the items",
    State.REPORTED: "ending the export in Pleo",
}


def release(
    desk: Desk,
    batch: Batch,
    *,
    by: str | None = None,
    unattended: bool = False,
    ask: Ask | None = None,
) -> Released:
    """Release an approved batch: start, publish, report, close.

    A staged batch is approved first where nobody is there to (unattended); a job that can only be
    refused is refused. `ask` asks a person about a new revision while there is time.

    Raises: UserMustFix REL-1 without an approval; HeldElsewhere REVIEW-4 where another person
    must approve as well; HeldElsewhere, TryLater as Pleo answers. The
    batch stays where it is then, and the next command goes on from there.
    """
    is_refusal = batch.facts.get("refusal") is not None
    if batch.state is State.APPROVED:
        was = batch
        batch = ask_as_now(desk, batch)
        if batch.seq != was.seq:
            check_answered(batch)
            raise second_name_missing(batch, needed=desk.approvals)
    if batch.state is State.STAGED and not is_refusal:
        if unattended and desk.approvals > 1:
            raise second_name_missing(batch, needed=desk.approvals)  # nobody there is no person
        if unattended:
            batch = approve(desk, batch, by=by or UNATTENDED, content=batch.content)
        if batch.state is State.STAGED:
            raise second_name_missing(batch) if batch.approvals else _not_approved(batch)
    batch = drive(desk, batch, ask=ask)
    return Released(**outcome_of(desk, batch))


def _not_approved(batch: Batch) -> UserMustFix:
    return UserMustFix(
        Problem(
            "REL-1",
            f"{name_of(batch)} is not approved",
            f"revision {batch.revision}",
            "look at it with `pleo-etl review`, and approve it there, or release it as it is with"
            " `pleo-etl release --yes`",
        )
    )


def drive(desk: Desk, batch: Batch, *, ask: Ask | None = None) -> Batch:
    """Take a batch as far as it goes without a person."""
    while True:
        before = batch
        try:
            batch = _stepped(desk, batch, ask=ask)
        except EtlError as error:
            _warn_of_files(desk, batch, error)
            raise
        if batch.state in RESTING and not _is_refused(batch):
            break
        assert batch.seq > before.seq, "a step that does nothing would go on for ever"
    if batch.state is State.QUARANTINED:
        batch = hold_back(desk, batch)
    return batch


def _stepped(desk: Desk, batch: Batch, *, ask: Ask | None) -> Batch:
    try:
        return _step(desk, batch, ask=ask)
    except JobNotFound as missing:
        return vanish(desk, desk.ledger.find(desk.company_id, batch.id), missing)


def _warn_of_files(desk: Desk, batch: Batch, error: EtlError) -> None:
    """Say that files are out of which Pleo may never hear: whatever stops here is not about them.

    If they are imported now and Pleo ends the export first, their items come a second time.
    """
    if any(problem.code in _WARNED for problem in error.problems):
        return
    with suppress(EtlError):  # a ledger that cannot be read is what stops here
        batch = desk.ledger.find(desk.company_id, batch.id)
        if batch.state in (State.PUBLISHED, State.REPORTED) and not batch.renders_nothing:
            desk.remark(
                f"the files of {name_of(batch)} are out, but Pleo is not told all yet: do not"
                " import them before `pleo-etl release` has gone on to the end"
            )


def _is_refused(batch: Batch) -> bool:
    """Say whether a staged batch only waits for Pleo to be told that its job is refused."""
    return batch.state is State.STAGED and (
        batch.facts.get("refusal") is not None or batch.refuse_intended_at is not None
    )


def _step(desk: Desk, batch: Batch, *, ask: Ask | None) -> Batch:
    """Do the one transition that a batch's state asks for."""
    desk.tell(_DOES.get(batch.state, ""))
    if batch.refuse_intended_at is not None and batch.state is not State.VOIDED:
        return carry_out(desk, batch)
    refusal = batch.facts.get("refusal")
    if refusal is not None and batch.is_started and batch.state is State.STARTED:
        return refuse(desk, batch, reason=refusal["reason"], failure_type=refusal["type"])
    if batch.state is State.APPROVED or _is_refused(batch):
        return _publish_without_job(desk, batch) if batch.job_id is None else start(desk, batch)
    if batch.state is State.STARTED:
        return _from_started(desk, batch, ask=ask)
    if batch.state is State.PUBLISHED:
        if batch.job_id is None:
            return desk.ledger.append(batch, Kind.CLOSED, {"event": None})
        return reporting.report(desk, batch)
    if batch.state is State.REPORTED:
        return close(desk, batch)
    return batch


def _from_started(desk: Desk, batch: Batch, *, ask: Ask | None) -> Batch:
    """Publish what was approved; where nothing was rendered there is only something to report."""
    if batch.renders_nothing and _was_reported_in_part(desk, batch):
        return reporting.report(desk, batch)
    if publishing.is_put_out(desk, batch):
        return publishing.note_published(desk, batch)
    checked = publishing.check_again(desk, batch, ask=ask)
    if checked.seq != batch.seq:
        return checked
    if batch.renders_nothing:
        return reporting.report(desk, batch)
    return publishing.publish(desk, batch)


def _was_reported_in_part(desk: Desk, batch: Batch) -> bool:
    return batch.report_intended_at is not None or any(
        one.acknowledged for one in desk.ledger.verdicts(batch.id)
    )


def _publish_without_job(desk: Desk, batch: Batch) -> Batch:
    """Publish a batch that Pleo does not know of: the reversal of another one."""
    if publishing.is_put_out(desk, batch):
        return publishing.note_published(desk, batch)
    publishing.check_stored(desk, batch)
    return publishing.publish(desk, batch)


def wait_for_approval(desk: Desk, batch: Batch) -> Batch:
    """Look after a started batch whose new revision waits: past the margin its job is refused."""
    try:
        job = desk.pleo.get_job(batch.job_id or "")
    except JobNotFound as missing:
        return vanish(desk, batch, missing)
    if job.is_over:
        return lapse(desk, batch, job)
    return out_of_time(desk, batch) if is_past_margin(desk, job) else batch


# ── in words ────────────────────────────────────────────────────────────────────────────────


def outcome_of(desk: Desk, batch: Batch) -> dict[str, Any]:
    """Say what a batch has come to."""
    told = {
        State.CLOSED: _closed,
        State.VOIDED: _voided,
        State.QUARANTINED: _quarantined,
    }.get(batch.state, _waiting)(desk, batch)
    return {"batch": batch, **told}


def _closed(desk: Desk, batch: Batch) -> dict[str, Any]:
    if batch.renders_nothing:
        says = f"{name_of(batch)} is closed; there was nothing to put into a file"
        return {"word": "closed", "says": says, "exit_code": exit_code_of(batch)}
    folder = desk.folders.released(batch)
    return {
        "word": "closed",
        "says": f"{name_of(batch)} is released and reported: {_as_pleo_shows(batch)}",
        "next_step": f"import the files in {desk.folders.shown(folder)}",
        "exit_code": exit_code_of(batch),
        "folder": folder,
    }


def _as_pleo_shows(batch: Batch) -> str:
    """Say how many items Pleo shows as exported, and how many as failed."""
    counts = batch.facts.get("counts") or {}
    failed = int(counts.get("rejected", 0))
    exported = int(counts.get("items", 0)) - failed - int(counts.get("skipped", 0))
    return f"{counted(exported, 'item')} exported" + (f", {failed} failed" if failed else "")


def _voided(desk: Desk, batch: Batch) -> dict[str, Any]:
    how = last_words(desk, batch)
    refusal = (batch.facts.get("refusal") or {}).get("problem") or batch.facts.get("refuse_problem")
    if refusal is not None and batch.facts.get("voided_why") == "refused":
        problem = Problem(**refusal)
        says = f"the export job was refused, and Pleo shows why: {problem.what}"
        return {"word": "voided", "says": says, "next_step": problem.fix,
                "exit_code": EXIT_USER, "problems": (problem,)}  # fmt: skip
    what = f"{name_of(batch)} was not released and is void"
    problem = Problem(
        "JOB-3",
        f"{what}: {how}" if how else what,
        f"job {batch.job_id}",
        "export the items again in Pleo, then `pleo-etl run`; what was reviewed is remembered",
    )
    return {"word": "voided", "says": problem.what, "next_step": problem.fix,
            "exit_code": HeldElsewhere.exit_code, "problems": (problem,)}  # fmt: skip


def _quarantined(desk: Desk, batch: Batch) -> dict[str, Any]:
    folder = desk.folders.released(batch)
    problem = Problem(
        "REL-13",
        f"{name_of(batch)} is quarantined: it was released, but"
        f" {batch.facts.get('quarantined_why')}",
        desk.folders.shown(folder),
        f"do not import it; then `pleo-etl settle {batch.id} --not-imported`. If it was imported"
        f" already: `pleo-etl settle {batch.id} --imported`",
    )
    return {"word": "quarantined", "says": problem.what, "next_step": problem.fix,
            "exit_code": HeldElsewhere.exit_code, "problems": (problem,),
            "folder": folder}  # fmt: skip


def _waiting(desk: Desk, batch: Batch) -> dict[str, Any]:
    """Say that a new revision waits for its approval while Pleo's clock runs."""
    job = desk.pleo.get_job(batch.job_id or "")
    left = minutes_left(desk, job)
    problem = Problem(
        "REL-14",
        f"what Pleo lists has changed since {name_of(batch)} was approved: revision"
        f" {batch.revision} was made and is not approved",
        f"job {batch.job_id}",
        "look at it with `pleo-etl review`, then release it with `pleo-etl release`",
    )
    folder = desk.stored(batch).revision_folder(batch.revision)
    return {"word": "waiting", "says": problem.what, "next_step": problem.fix,
            "exit_code": HeldElsewhere.exit_code, "problems": (problem,),
            "minutes_left": left, "folder": folder}  # fmt: skip


__all__ = ["Outcome", "drive", "outcome_of", "release", "wait_for_approval"]
