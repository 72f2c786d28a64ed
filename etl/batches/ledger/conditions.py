"""What must be true before an event may happen, beyond the state that it starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from etl.batches.ledger import failures
from etl.batches.ledger.applying import Rows, approvers, key_of, named_entries
from etl.batches.ledger.records import Batch, Became
from etl.batches.states import TRANSITIONS, Kind, State
from etl.errors import EtlError

Body = Mapping[str, Any]


def check_allowed(rows: Rows, kind: Kind, body: Body) -> None:
    """Refuse what may not happen to a batch now.

    Needs: the rows that the event touches, of a batch that is in the ledger.
    Raises: UserMustFix LED-8; HeldElsewhere LED-8; BodyWrong.
    """
    batch = rows.batch
    assert batch is not None
    sources = TRANSITIONS[kind].sources
    if batch.state not in sources:
        states = ", ".join(sorted(sources)) or "a batch that is not there yet"
        raise _refuse(batch, kind, f"only to {states}")
    if kind in _CONDITIONS:
        why = _CONDITIONS[kind](batch, body)
        if why is not None:
            raise _refuse(batch, kind, why)
    if kind in _CHECKS:
        _CHECKS[kind](rows, kind, body)


def _refuse(batch: Batch, kind: Kind, why: str) -> EtlError:
    return failures.not_allowed(batch.number, state=batch.state, kind=kind, why=why)


def _may_stage(batch: Batch, body: Body) -> str | None:
    if "reporting" in batch.facts:
        return "as Pleo was told of it already"
    if body["revision"] != batch.revision + 1:
        return f"as its next revision is {batch.revision + 1}"
    return None


def _may_approve(batch: Batch, body: Body) -> str | None:
    if batch.revision == 0:
        return "as nothing was rendered yet"
    if (body["content"], body["revision"]) != (batch.content, batch.revision):
        return f"as its content is another now (revision {batch.revision})"
    if batch.facts.get("refusal"):
        return "as the whole job is refused"
    return None


def _may_intend_start(batch: Batch, _body: Body) -> str | None:
    if batch.is_started:
        return "as its job was started already"
    if batch.job_id is None:
        return "as it belongs to no job"
    if batch.state is State.STAGED and not batch.facts.get("refusal"):
        return "as it is not approved"
    return None


def _may_start(batch: Batch, _body: Body) -> str | None:
    if batch.start_intended_at is None and not batch.is_started:  # or by an earlier revision
        return "as the intent to start was not stored"
    return None


def _may_intend_publishing(batch: Batch, _body: Body) -> str | None:
    if not batch.approvals:
        return "as it is not approved"
    if batch.state is State.APPROVED and batch.job_id is not None and not batch.is_started:
        return "as its job is not started"
    if batch.renders_nothing:
        return "as it has nothing to publish"
    if batch.refuse_intended_at is not None:
        return "as its job is being refused"
    return None


def _may_publish(batch: Batch, body: Body) -> str | None:
    if batch.publish_intended_at is None:
        return "as the intent to publish was not stored"
    if batch.facts["publish_folder"] != body["folder"]:
        return f"as it was to be {batch.facts['publish_folder']}"
    return None


def _may_report(batch: Batch, _body: Body) -> str | None:
    if batch.job_id is None:
        return "as it belongs to no job"
    if batch.state is State.STARTED and not (batch.renders_nothing and batch.approvals):
        return "as it is not published"
    return None


def _may_close(batch: Batch, _body: Body) -> str | None:
    if batch.state is State.PUBLISHED and batch.job_id is not None:
        return "as its items are not reported"
    return None


def _may_refuse(batch: Batch, _body: Body) -> str | None:
    return None if batch.is_started else "as its job is not started"


def _may_withdraw(batch: Batch, _body: Body) -> str | None:
    if batch.is_imported:
        return "as it was imported"
    return _is_still_there(batch)


def _may_import(batch: Batch, body: Body) -> str | None:
    if batch.is_imported and not set(body["refused"]) > set(batch.facts.get("refused") or ()):
        return "as it was imported already"
    return _is_still_there(batch)


def _may_reverse(batch: Batch, _body: Body) -> str | None:
    return _is_still_there(batch)


def _is_still_there(batch: Batch) -> str | None:
    if batch.is_withdrawn:
        return "as it was withdrawn"
    if batch.is_reversed:
        return "as it was reversed"
    return None


_CONDITIONS: Mapping[Kind, Callable[[Batch, Body], str | None]] = {
    Kind.STAGED: _may_stage,
    Kind.APPROVED: _may_approve,
    Kind.START_INTENDED: _may_intend_start,
    Kind.STARTED: _may_start,
    Kind.PUBLISH_INTENDED: _may_intend_publishing,
    Kind.PUBLISHED: _may_publish,
    Kind.REPORT_INTENDED: _may_report,
    Kind.ACKNOWLEDGED: _may_report,
    Kind.REPORTED: _may_report,
    Kind.CLOSED: _may_close,
    Kind.REFUSE_INTENDED: _may_refuse,
    Kind.WITHDRAWN: _may_withdraw,
    Kind.IMPORTED: _may_import,
    Kind.REVERSED: _may_reverse,
}


def _check_answers(rows: Rows, kind: Kind, body: Body) -> None:
    """Refuse to take an item over from a batch that is not through with it."""
    batch = rows.batch
    assert batch is not None
    again = {
        key_of(entry)
        for entry, said in (body.get("decisions") or {}).items()
        if said.get("do") == "again"
    }
    for (owner, key), claim in rows.claims.items():
        if key in again and owner != batch.id and claim.became is Became.HELD:
            raise _refuse(batch, kind, "as another batch has the item")


def _check_verdicts(rows: Rows, kind: Kind, body: Body) -> None:
    """Refuse verdicts that come too early or too late, and rows of items that others have."""
    batch = rows.batch
    assert batch is not None
    is_complete = len(approvers(batch.approvals, by=body["by"])) >= body["needed"]
    if is_complete != ("verdicts" in body):
        raise failures.body_wrong(kind, "verdicts come with the approval that completes it")
    live = {key: claim for (_, key), claim in rows.claims.items() if claim.is_live}
    for said in body.get("verdicts") or ():
        if batch.job_id is None or said["verdict"] != "exported" or not said.get("vouchers"):
            continue
        claim = live.get(key_of(said["entry"]))
        if claim is None or claim.batch_id != batch.id:
            raise failures.claimed_elsewhere(batch.number, f"item {said['entry']}")


def _check_reported(rows: Rows, kind: Kind, body: Body) -> None:
    """Refuse items that no verdict was stored for."""
    unknown = [key for key in named_entries(kind, body) or () if key not in rows.verdicts]
    if unknown:
        raise failures.body_wrong(kind, f"no verdict is stored for item {unknown[0]}")


def _check_all_acknowledged(rows: Rows, kind: Kind, _body: Body) -> None:
    """Refuse to be through while Pleo has not taken every verdict."""
    batch = rows.batch
    assert batch is not None
    left = sum(not verdict.acknowledged for verdict in rows.verdicts.values())
    if left:
        raise _refuse(batch, kind, f"as {left} of its verdicts are not acknowledged")


_CHECKS: Mapping[Kind, Callable[[Rows, Kind, Body], None]] = {
    Kind.ANSWERED: _check_answers,
    Kind.APPROVED: _check_verdicts,
    Kind.REPORT_INTENDED: _check_reported,
    Kind.ACKNOWLEDGED: _check_reported,
    Kind.REPORTED: _check_all_acknowledged,
}
