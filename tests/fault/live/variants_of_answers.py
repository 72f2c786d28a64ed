"""Broken variants of what a person answers: reversals, adoptions, imports in part, lost ledgers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from etl.batches import states
from etl.batches.ledger import Batch, conditions, deciding
from etl.batches.states import Kind, State
from etl.live import answers, approving, desk, ending, jobs, publishing, reversing
from etl.live.retelling import Telling
from tests.fakes import line
from tests.fault.live.breaking import Patch, anything_goes, everywhere, variant


@variant("a reversal debits what its batch has debited", only="answers", first=1)
def reversal_is_no_mirror(patch: Patch) -> None:
    real = line._book

    def book(*args: Any, is_mirrored: bool = False, **more: Any) -> None:
        real(*args, **more)

    patch.setattr(line, "_book", book)


@variant("a reversal takes back what the ERP has refused, too", only="answers", first=25)
def refused_is_reversed(patch: Patch) -> None:
    real = reversing._of

    def of(desk: Any, batch: Batch) -> Any:
        return real(desk, replace(batch, facts={**batch.facts, "refused": []}))

    patch.setattr(reversing, "_of", of)
    patch.setattr(publishing, "check_stored", lambda _desk, _batch: None)


@variant("a batch may be reversed as often as one likes", only="answers", first=1)
def reversed_twice(patch: Patch) -> None:
    patch.setattr(Batch, "is_reversed", False)
    anything_goes(patch)


@variant(
    "the items of a reversed batch are free, and its reversal never goes out",
    only="answers",
    first=10,
)
def free_and_not_reversed(patch: Patch) -> None:
    def publish(desk: Any, reversal: Batch) -> Batch:
        batch = desk.ledger.find(desk.company_id, str(reversal.facts["reverses"]))
        if not batch.is_reversed:
            desk.ledger.append(batch, Kind.REVERSED, {"by": "anna", "batch": reversal.id})
        return desk.ledger.append(reversal, Kind.CLOSED, {"event": None})

    anything_goes(patch)
    patch.setattr(deciding, "_check_reversal", lambda *_args, **_more: None)
    patch.setattr(states, "TRANSITIONS", _from_everywhere())
    patch.setattr(conditions, "TRANSITIONS", _from_everywhere())
    patch.setattr(reversing, "_publish", publish)


def _from_everywhere() -> dict[Kind, Any]:
    """Let a batch be closed from any state."""
    closed = replace(states.TRANSITIONS[Kind.CLOSED], sources=frozenset(State))
    return {**states.TRANSITIONS, Kind.CLOSED: closed}


@variant("what the ERP refused of a batch frees all of it", only="answers", first=119)
def one_refused_frees_all(patch: Patch) -> None:
    def named(desk: Any, batch: Batch, refused: Any) -> list[str]:
        booked = [one.entry_id for one in desk.ledger.verdicts(batch.id) if one.vouchers]
        return sorted(booked) if refused else []

    patch.setattr(answers, "_named_items", named)


@variant(
    "a job that is taken over is taken with what others have exported of it",
    only="answers",
    first=16,
)
def adopted_with_all_items(patch: Patch) -> None:
    real = jobs.fetch_job

    def fetch(desk: Any, job: Any) -> Any:
        return replace(real(desk, job), skipped=frozenset())

    everywhere(patch, "fetch_job", fetch)
    everywhere(patch, "_check_open", lambda *_args: None)


@variant(
    "a released batch whose job has vanished is closed as if all were well",
    only="answers",
    first=24,
)
def vanished_is_closing(patch: Patch) -> None:
    real = ending.vanish

    def vanish(desk: Any, batch: Batch, missing: Any) -> Batch:
        if batch.state in (State.PUBLISHED, State.REPORTED):
            return desk.ledger.append(batch, Kind.CLOSED, {"event": "completed"})
        return real(desk, batch, missing)

    anything_goes(patch)
    everywhere(patch, "vanish", vanish)


@variant("a batch of a job that has vanished waits for ever", only="answers", first=24)
def vanished_is_waited_for(patch: Patch) -> None:
    def vanish(_desk: Any, _batch: Batch, missing: Any) -> Batch:
        raise missing

    everywhere(patch, "vanish", vanish)


@variant("a ledger that is made again takes what is out for withdrawn", only="answers", first=9)
def rebuilt_as_withdrawn(patch: Patch) -> None:
    real = Telling._closed

    def closed(telling: Telling, batch: Batch, one: Any) -> Batch:
        return real(telling, batch, replace(one, is_withdrawn=True))

    patch.setattr(Telling, "_closed", closed)


@variant("a ledger works with an outbox that it does not know", only="answers", first=11)
def outbox_of_another_ledger(patch: Patch) -> None:
    patch.setattr(desk, "check_identity", lambda *_args, **_more: None)


@variant("one person is enough where two must approve", only="answers", first=3)
def one_person_is_enough(patch: Patch) -> None:
    real = approving.approve

    def approve(desk: Any, batch: Batch, **more: Any) -> Batch:
        return real(replace(desk, approvals=1), batch, **more)

    patch.setattr(approving, "approve", approve)
    everywhere(patch, "approve", approve)


@variant("whoever approves twice counts as two", only="answers", first=170)
def one_person_counts_twice(patch: Patch) -> None:
    real = approving.approve

    def approve(desk: Any, batch: Batch, *, by: str, content: str | None = None) -> Batch:
        return real(desk, batch, by=f"{by}{len(batch.approvals)}", content=content)

    patch.setattr(approving, "approve", approve)
