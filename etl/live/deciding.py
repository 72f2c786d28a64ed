"""What is decided about single items before the line renders them: by people, or by the ledger.

The same entry in a later job (it was closed before in another batch):

    same postings as then, or   nobody has answered        failed, and it blocks the approval
    (after a rebuild) unknown   "already booked"           successful, with the old external id
                                "again"                    rendered like any other
                                unattended                 failed
    other postings than then                               failed: reverse the earlier batch first
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from etl.batches.ledger import Batch
from etl.batches.standing import REPEATED
from etl.batches.states import State
from etl.codes import CODES
from etl.errors import HeldElsewhere, Problem
from etl.live.desk import Desk
from etl.live.line import BatchFacts, Contents, Decisions, ItemOutcome, Line, Refused, Revision
from etl.live.stored import StoredFile
from etl.review import NOTHING_EARLIER, Earlier

REPEAT, CHANGED, UNANSWERED = REPEATED, "JOB-10", "JOB-11"
#: Rounds of failing what blocks, when nobody is there to answer; each makes the batch smaller.
MAX_ROUNDS = 10


class HasLine(Protocol):
    """What has the line of a company: a desk, or a shelf that is only read."""

    @property
    def line(self) -> Line: ...


@dataclass(frozen=True, slots=True)
class Material:
    """What a batch is rendered from.

    earlier  what earlier batches say of its items
    asked    codes of notes that the workspace wants a person to answer
    """

    recipe: Path
    items: Sequence[bytes]
    files: Sequence[StoredFile]
    contents: Contents
    skipped: frozenset[str]
    unattended: bool
    earlier: Earlier = NOTHING_EARLIER
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A revision, and what a person must answer before it can be approved: code -> items."""

    revision: Revision
    blocking: Mapping[str, tuple[str, ...]]


def find_repeats(
    desk: Desk, entries: Sequence[str], *, own: Batch | None
) -> dict[str, dict[str, Any]]:
    """Give the entries that stand in a closed batch, with what is known of it.

    Raises: HeldElsewhere JOB-2 for an entry that another unsettled batch holds.
    """
    repeats = {}
    claims = desk.ledger.claims(desk.company_id, entries)
    for entry in entries:
        claim = claims.get(entry)
        if claim is None:
            continue
        if own is not None and claim.batch.id == own.id:
            if entry in (own.facts.get("repeats") or {}):  # taken over: a person said "again"
                repeats[entry] = dict(own.facts["repeats"][entry])
            continue
        if claim.batch.state is not State.CLOSED:
            raise held_by(claim.batch, f"item {entry}")
        verdict = claim.verdict
        repeats[entry] = {
            "batch": claim.batch.id,
            "number": claim.batch.number,
            "at": str(claim.batch.facts.get("closed_at") or "")[:10],
            "vouchers": list(verdict.vouchers) if verdict else [],
            "external_id": verdict.external_id if verdict else None,
            "fingerprint": verdict.fingerprint if verdict else None,
        }
    return repeats


def another_reverses(reversal: Batch) -> str:
    """Say how a second person approves a reversal."""
    return f"another person says `pleo-etl reverse {reversal.facts['reverses']} --by NAME`"


def held_by(batch: Batch, where: str) -> HeldElsewhere:
    """Say that an unsettled batch must be dealt with first."""
    settle = f"pleo-etl settle {batch.id}"
    done = {
        State.QUARANTINED: f"say what became of it: `{settle} --imported` or"
        f" `{settle} --not-imported`",
        State.STAGED: "review and release it, or `pleo-etl discard` it",
        State.APPROVED: "release it with `pleo-etl release`, or `pleo-etl discard` it",
    }
    what = f"batch {batch.number} ({batch.id}) is {batch.state} and must be settled first"
    if batch.facts.get("reverses") and batch.state is State.STAGED:
        names = " and ".join(one.by for one in batch.approvals) or "nobody"
        what = (
            f"batch {batch.number} ({batch.id}) takes another batch back: it is approved by"
            f" {names}, and another person must approve it"
        )
        done[State.STAGED] = f"{another_reverses(batch)}, or `pleo-etl discard` gives it up"
    return HeldElsewhere(
        Problem(
            "JOB-2",
            what,
            where,
            done.get(batch.state, "run `pleo-etl release`: it finishes what was begun"),
        )
    )


def facts_of(batch: Batch, job_created: Any) -> BatchFacts:
    """Give what the line is told of a batch."""
    return BatchFacts(batch.id, batch.number, batch.job_id, job_created, batch.first_vouchers)


def render(desk: HasLine, batch: Batch, material: Material, *, facts: BatchFacts) -> Rendered:
    """Render a batch with all that is decided about its items.

    Raises: UserMustFix when the stored recipe cannot be used.
    """
    facts = replace(facts, earlier=material.earlier, asked=material.asked)
    base = _said(batch, material)
    repeats: Mapping[str, Mapping[str, Any]] = batch.facts.get("repeats") or {}
    open_repeats: tuple[str, ...] = ()
    decisions = base
    if repeats:
        trial = _render(desk, material, facts=facts, decisions=base)
        decisions, open_repeats = _judge(batch, material, trial.items, base=base)
    if open_repeats and not material.unattended:
        facts = replace(facts, asked=material.asked | {REPEAT})  # it waits, and is not rejected
    revision = _render(desk, material, facts=facts, decisions=decisions)
    if not material.unattended:
        blocking = {code: tuple(items) for code, items in revision.blocking}
        return Rendered(revision, blocking | ({REPEAT: open_repeats} if open_repeats else {}))
    for _ in range(MAX_ROUNDS):
        if not revision.blocking:
            break
        decisions = _fail_unanswered(decisions, revision)
        revision = _render(desk, material, facts=facts, decisions=decisions)
    return Rendered(revision, {code: tuple(items) for code, items in revision.blocking})


def _render(
    desk: HasLine, material: Material, *, facts: BatchFacts, decisions: Decisions
) -> Revision:
    return desk.line.render(
        material.recipe,
        items=material.items,
        files=material.files,
        contents=material.contents,
        facts=facts,
        decisions=decisions,
    )


def _said(batch: Batch, material: Material) -> Decisions:
    """Give what a reviewer has said of items, and the notes of which an answer holds."""
    said: Mapping[str, Mapping[str, str]] = batch.facts.get("decisions") or {}
    rejected = {entry: one["reason"] for entry, one in said.items() if one["do"] == "reject"}
    answered = material.earlier.answered
    return Decisions(rejected=rejected, skipped=material.skipped, answered=answered)


def _judge(
    batch: Batch,
    material: Material,
    trial: Sequence[ItemOutcome],
    *,
    base: Decisions,
) -> tuple[Decisions, tuple[str, ...]]:
    """Decide what becomes of entries that a closed batch has booked; give the unanswered ones."""
    said: Mapping[str, Mapping[str, str]] = batch.facts.get("decisions") or {}
    repeats: Mapping[str, Mapping[str, Any]] = batch.facts["repeats"]
    failed: dict[str, Refused] = {}
    booked: dict[str, str] = {}
    unanswered = []
    for now in trial:
        earlier = repeats.get(now.id or "")
        entry = now.id or ""
        answer = said.get(entry, {}).get("do")
        if earlier is None or entry in base.skipped or answer in ("reject", "again"):
            continue
        if now.fingerprint is None and now.verdict == "failed":
            continue  # it is refused for what it is, and books nothing
        if now.fingerprint != (earlier["fingerprint"] or now.fingerprint):
            failed[entry] = _changed(earlier)
        elif answer == "already_booked":
            booked[entry] = earlier["external_id"] or ""
        else:
            failed[entry] = _repeated(earlier, unattended=material.unattended)
            unanswered.append(entry)
    return replace(base, failed=failed, already_booked=booked), tuple(sorted(unanswered))


def _earlier(earlier: Mapping[str, Any]) -> str:
    vouchers = ", ".join(earlier["vouchers"])
    voucher = f", voucher {vouchers}" if vouchers else ""
    return f"batch {earlier['number']} of {earlier['at']}{voucher}"


def _repeated(earlier: Mapping[str, Any], *, unattended: bool) -> Refused:
    """Refuse a repeat: for Pleo where nobody is there, else for the reviewer who must answer."""
    answers = (
        "say in `pleo-etl review` whether the import of that batch is in your books (already"
        " booked) or not (again)"
    )
    for_pleo = (
        "do not export it again; if it shall be booked anew, have that batch withdrawn first, or"
        " reversed if it was imported"
    )
    return Refused(
        REPEAT,
        CODES[REPEAT].failure_type or "",
        f"this item is in the books already: {_earlier(earlier)}",
        for_pleo if unattended else answers,
    )


def _changed(earlier: Mapping[str, Any]) -> Refused:
    return Refused(
        CHANGED,
        CODES[CHANGED].failure_type or "",
        f"this item is in the books already, with other postings: {_earlier(earlier)}",
        f"reverse that batch (`pleo-etl reverse {earlier['number']}`), then export it again",
    )


def _fail_unanswered(decisions: Decisions, revision: Revision) -> Decisions:
    """Fail the items that a person would have to answer for: nobody is there."""
    failed = dict(decisions.failed)
    for code, items in revision.blocking:
        for entry in items:
            failed.setdefault(
                entry,
                Refused(
                    UNANSWERED,
                    CODES[UNANSWERED].failure_type or "",
                    f"a person must look at this item first ({code}: {CODES[code].meaning})"
                    if code in CODES else f"a person must look at this item first ({code})",
                    "export it again and review the batch before it is released",
                ),
            )  # fmt: skip
    return replace(decisions, failed=failed)
