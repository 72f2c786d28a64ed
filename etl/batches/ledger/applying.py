"""What an event makes of a batch, its verdicts and its claims: one pure function.

The ledger stores what it gives beside the event, in the same transaction. `verify` plays all
events through it again and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from etl.batches.ledger.claiming import Claims, book, free, hold, hold_again
from etl.batches.ledger.instants import write_instant
from etl.batches.ledger.records import Approval, Batch, Event, Verdict
from etl.batches.states import TRANSITIONS, Kind, State

#: Why numbers of a batch are not used again, or are: decided when the event is appended.
NUMBERS, FREED, GAP = "numbers", "freed", "gap"
#: Kinds whose body names the items that the event is about.
_NAMED = {
    Kind.RESERVED: "entries",
    Kind.ANSWERED: "decisions",
    Kind.IMPORTED: "refused",
    Kind.REPORT_INTENDED: "entries",
    Kind.ACKNOWLEDGED: "entries",
}
#: Kinds that read or change claims, and verdicts.
CLAIMING = frozenset({
    Kind.RESERVED, Kind.ANSWERED, Kind.APPROVED, Kind.CLOSED, Kind.VOIDED, Kind.SETTLED,
    Kind.WITHDRAWN, Kind.IMPORTED, Kind.REVERSED,
})  # fmt: skip
JUDGING = frozenset({
    Kind.STAGED, Kind.APPROVED, Kind.REPORT_INTENDED, Kind.ACKNOWLEDGED, Kind.REPORTED,
    Kind.CLOSED, Kind.SETTLED,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch with what an event may touch of its verdicts and of the claims on its items.

    verdicts  key of the item -> verdict
    """

    batch: Batch | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    claims: Claims = field(default_factory=dict)


def key_of(entry_id: str) -> str:
    """Give an item's id as it is compared: ids that differ in case only are one item's."""
    return entry_id.casefold()


def named_entries(kind: Kind, body: Mapping[str, Any]) -> list[str] | None:
    """Give the keys of the items that an event is about; None when it is about all of them."""
    if kind not in _NAMED:
        return None
    return sorted({key_of(entry) for entry in body.get(_NAMED[kind]) or ()})


def apply(rows: Rows, event: Event) -> Rows:
    """Give what is stored after an event, from what was stored before it.

    Needs: the rows that the event touches; that the event may happen (`conditions`).
    """
    if event.kind is Kind.RESERVED:
        return _reserve(rows, event)
    assert rows.batch is not None
    target = TRANSITIONS[event.kind].target
    batch = replace(rows.batch, state=target or rows.batch.state, seq=event.seq)
    facts = {**batch.facts, **_facts(event)}
    rows = replace(rows, batch=replace(batch, facts=facts))
    return _APPLY[event.kind](rows, event) if event.kind in _APPLY else rows


def _reserve(rows: Rows, event: Event) -> Rows:
    body = event.body
    batch = Batch(
        id=event.batch_id, company_id=event.company_id, job_id=body["job"],
        number=body["number"], state=State.STAGED, revision=0, content=None, approvals=(),
        first_vouchers=dict(body["first_vouchers"]), last_vouchers={}, created_at=event.at,
        seq=event.seq, facts=_facts(event),
    )  # fmt: skip
    keys = named_entries(event.kind, body) or []
    return Rows(batch, {}, hold(rows.claims, batch, keys))


#: Names of a body's keys that stay with the batch, and what they are called there.
_KEPT: Mapping[Kind, Mapping[str, str]] = {
    Kind.RESERVED: {
        "job_created_at": "job_created_at", "attempt": "attempt", "adopted": "adopted",
        "reverses": "reverses", "repeats": "repeats",
    },
    Kind.STAGED: {
        "recipe": "recipe", "input": "input", "at": "staged_at", "counts": "counts",
        "totals": "totals", "blocking": "blocking", "refusal": "refusal",
    },
    Kind.APPROVED: {"needed": "needed"},
    Kind.START_INTENDED: {
        "pleo_time": "start_pleo_time", "job_updated_at": "start_job_updated_at",
    },
    Kind.STARTED: {"read_back": "start_read_back"},
    Kind.PUBLISH_INTENDED: {"folder": "publish_folder"},
    Kind.PUBLISHED: {"folder": "published_folder"},
    Kind.FINAL_INTENDED: {"event": "final_event", "reason": "final_reason", "type": "final_type"},
    Kind.CLOSED: {"event": "final_event"},
    Kind.REFUSE_INTENDED: {
        "reason": "refuse_reason", "type": "refuse_type", "problem": "refuse_problem",
    },
    Kind.VOIDED: {"why": "voided_why", "by": "voided_by"},
    Kind.QUARANTINED: {"why": "quarantined_why"},
    Kind.SETTLED: {"imported": "settled_imported", "by": "settled_by"},
    Kind.WITHDRAWN: {"by": "withdrawn_by"},
    Kind.IMPORTED: {"by": "imported_by", "refused": "refused"},
    Kind.REVERSED: {"by": "reversed_by", "batch": "reversal"},
}  # fmt: skip
#: Kinds whose time stays with the batch as `<kind>_at`.
_TIMED = frozenset({
    Kind.STAGED, Kind.STARTED, Kind.PUBLISHED, Kind.REPORTED, Kind.CLOSED, Kind.VOIDED,
    Kind.QUARANTINED, Kind.SETTLED, Kind.WITHDRAWN, Kind.IMPORTED, Kind.REVERSED,
})  # fmt: skip


def _facts(event: Event) -> dict[str, Any]:
    """Give what the batch keeps of an event's body."""
    facts: dict[str, Any] = {}
    if event.kind in _TIMED:
        facts[f"{event.kind}_at"] = write_instant(event.at)
    for name, kept in _KEPT.get(event.kind, {}).items():
        if name in event.body:
            facts[kept] = event.body[name]
    return facts


def _batch(rows: Rows) -> Batch:
    assert rows.batch is not None
    return rows.batch


def _with_facts(rows: Rows, **facts: Any) -> Rows:
    batch = _batch(rows)
    return replace(rows, batch=replace(batch, facts={**batch.facts, **facts}))


def _stage(rows: Rows, event: Event) -> Rows:
    """Take a revision: approvals of an earlier content, and its verdicts, are void."""
    body = event.body
    batch = replace(
        _batch(rows),
        revision=body["revision"],
        content=body["content"],
        approvals=(),
        last_vouchers=dict(body.get("last_vouchers") or {}),
        publish_intended_at=None,
    )
    return replace(rows, batch=batch, verdicts={})


def _answer(rows: Rows, event: Event) -> Rows:
    batch, body = _batch(rows), event.body
    decisions = body.get("decisions") or {}
    again = {key_of(entry) for entry, said in decisions.items() if said.get("do") == "again"}
    others = {key_of(entry) for entry in decisions} - again
    claims = hold_again(rows.claims, batch, sorted(again))
    taken = [
        key for key in sorted(others)
        if (own := claims.get((batch.id, key))) is not None and own.took_from is not None
    ]  # fmt: skip
    rows = replace(rows, claims=free(claims, batch.id, taken))
    kept = {**batch.facts.get("decisions", {}), **decisions}
    notes = {**batch.facts.get("notes", {}), **(body.get("notes") or {})}
    return _with_facts(rows, decisions=kept, notes=notes)


def _review(rows: Rows, event: Event) -> Rows:
    seen = {*_batch(rows).facts.get("reviewed", ()), *event.body["entries"]}
    return _with_facts(rows, reviewed=sorted(seen), reviewed_by=event.body["by"])


def approvers(approvals: Sequence[Approval], *, by: str) -> set[str]:
    """Give who approved, as persons are told apart, once `by` has too."""
    return {name.strip().casefold() for name in (*(one.by for one in approvals), by)}


def _approve(rows: Rows, event: Event) -> Rows:
    """Add an approval; the one that completes them brings the verdicts."""
    batch, body = _batch(rows), event.body
    is_complete = len(approvers(batch.approvals, by=body["by"])) >= body["needed"]
    approvals = (*batch.approvals, Approval(body["by"], event.at))
    state = State.APPROVED if is_complete else State.STAGED
    verdicts = {key_of(one["entry"]): _verdict(one) for one in body.get("verdicts") or ()}
    return replace(rows, batch=replace(batch, approvals=approvals, state=state), verdicts=verdicts)


def _verdict(said: Mapping[str, Any]) -> Verdict:
    return Verdict(
        entry_id=said["entry"],
        verdict=said["verdict"],
        body=said["body"].encode(),
        external_id=said.get("external_id"),
        failure_type=said.get("failure_type"),
        failure_reason=said.get("failure_reason"),
        fingerprint=said.get("fingerprint"),
        vouchers=tuple(said.get("vouchers") or ()),
    )


def _intend(note: Callable[[Batch, datetime], Batch]) -> Callable[[Rows, Event], Rows]:
    def keep(rows: Rows, event: Event) -> Rows:
        return replace(rows, batch=note(_batch(rows), event.at))

    return keep


def _start(rows: Rows, _event: Event) -> Rows:
    return replace(rows, batch=replace(_batch(rows), is_started=True, start_intended_at=None))


def _publish(rows: Rows, _event: Event) -> Rows:
    return replace(rows, batch=replace(_batch(rows), publish_intended_at=None))


def _intend_report(rows: Rows, event: Event) -> Rows:
    batch = _batch(rows)
    waiting = {*batch.facts.get("reporting", ()), *event.body["entries"]}
    rows = replace(rows, batch=replace(batch, report_intended_at=event.at))
    return _with_facts(rows, reporting=sorted(waiting))


def _acknowledge(rows: Rows, event: Event) -> Rows:
    batch = _batch(rows)
    keys = named_entries(event.kind, event.body) or []
    known = {key: replace(rows.verdicts[key], acknowledged=True) for key in keys}
    left = [one for one in batch.facts.get("reporting", ()) if key_of(one) not in known]
    if not left:
        batch = replace(batch, report_intended_at=None)
    rows = replace(rows, batch=batch, verdicts={**rows.verdicts, **known})
    return _with_facts(rows, reporting=left)


def _report(rows: Rows, _event: Event) -> Rows:
    return replace(rows, batch=replace(_batch(rows), report_intended_at=None))


def _close(rows: Rows, _event: Event) -> Rows:
    batch = replace(_batch(rows), final_intended_at=None)
    exported = {key for key, verdict in rows.verdicts.items() if verdict.verdict == "exported"}
    return replace(rows, batch=batch, claims=book(rows.claims, batch.id, exported))


def _void(rows: Rows, event: Event) -> Rows:
    batch = replace(
        _batch(rows),
        state=State.VOIDED,
        holds_numbers=event.body.get(NUMBERS) != FREED,
        start_intended_at=None, publish_intended_at=None, report_intended_at=None,
        final_intended_at=None, refuse_intended_at=None,
    )  # fmt: skip
    return _free_all(replace(rows, batch=batch), event)


def _free_all(rows: Rows, _event: Event) -> Rows:
    return replace(rows, claims=free(rows.claims, _batch(rows).id, None))


def _settle(rows: Rows, event: Event) -> Rows:
    if not event.body["imported"]:
        return _void(rows, event)
    rows = replace(rows, batch=replace(_batch(rows), report_intended_at=None))
    imported = {"imported_at": write_instant(event.at), "imported_by": event.body["by"]}
    return _with_facts(_close(rows, event), **imported)


def _import(rows: Rows, event: Event) -> Rows:
    refused = named_entries(event.kind, event.body) or []
    return replace(rows, claims=free(rows.claims, _batch(rows).id, refused))


_APPLY: Mapping[Kind, Callable[[Rows, Event], Rows]] = {
    Kind.STAGED: _stage,
    Kind.ANSWERED: _answer,
    Kind.REVIEWED: _review,
    Kind.APPROVED: _approve,
    Kind.START_INTENDED: _intend(lambda batch, at: replace(batch, start_intended_at=at)),
    Kind.STARTED: _start,
    Kind.PUBLISH_INTENDED: _intend(lambda batch, at: replace(batch, publish_intended_at=at)),
    Kind.PUBLISHED: _publish,
    Kind.REPORT_INTENDED: _intend_report,
    Kind.ACKNOWLEDGED: _acknowledge,
    Kind.REPORTED: _report,
    Kind.FINAL_INTENDED: _intend(lambda batch, at: replace(batch, final_intended_at=at)),
    Kind.CLOSED: _close,
    Kind.REFUSE_INTENDED: _intend(lambda batch, at: replace(batch, refuse_intended_at=at)),
    Kind.VOIDED: _void,
    Kind.SETTLED: _settle,
    Kind.WITHDRAWN: _free_all,
    Kind.IMPORTED: _import,
    Kind.REVERSED: _free_all,
}
