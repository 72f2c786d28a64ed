"""Rows of the tables to records, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from etl.batches.ledger.failures import damaged
from etl.batches.ledger.instants import read_instant, write_instant
from etl.batches.ledger.records import Approval, Batch, Became, Event, Holding, Verdict
from etl.batches.ledger.sealing import check_seal, seal, write_json
from etl.batches.states import Kind, State
from etl.documents import read_json

_INTENTS = ("start", "publish", "report", "final", "refuse")


def event_row(event: Event, *, previous: str) -> dict[str, Any]:
    """Give the row of an event; `previous` is the digest of the batch's event before it."""
    return seal(
        {
            "number": event.number,
            "company_id": event.company_id,
            "batch_id": event.batch_id,
            "seq": event.seq,
            "kind": str(event.kind),
            "at": write_instant(event.at),
            "body": write_json(dict(event.body)),
            "previous": previous,
        }
    )


def read_event(row: Mapping[str, Any]) -> Event:
    """Read an event."""
    check_seal(row, table="event")
    if row["kind"] not in set(Kind):
        raise damaged(f'it holds an event "{row["kind"]}", which this version does not know')
    return Event(
        number=row["number"],
        company_id=row["company_id"],
        batch_id=row["batch_id"],
        seq=row["seq"],
        kind=Kind(row["kind"]),
        at=read_instant(row["at"]),
        body=read_json(row["body"]),
    )


def batch_row(batch: Batch, *, head: str) -> dict[str, Any]:
    """Give the row of a batch; `head` is the digest of its last event."""
    record = {
        "job_id": batch.job_id,
        "revision": batch.revision,
        "content": batch.content,
        "approvals": [[one.by, write_instant(one.at)] for one in batch.approvals],
        "first_vouchers": dict(batch.first_vouchers),
        "last_vouchers": dict(batch.last_vouchers),
        "created_at": write_instant(batch.created_at),
        "is_started": batch.is_started,
        "intents": {name: _write(getattr(batch, f"{name}_intended_at")) for name in _INTENTS},
        "facts": dict(batch.facts),
    }
    return seal(
        {
            "id": batch.id,
            "company_id": batch.company_id,
            "number": batch.number,
            "seq": batch.seq,
            "state": str(batch.state),
            "unsettled": int(batch.is_unsettled),
            "holds_numbers": int(batch.holds_numbers),
            "record": write_json(record),
            "head": head,
        }
    )


def read_batch(row: Mapping[str, Any]) -> Batch:
    """Read a batch."""
    check_seal(row, table="batch")
    record = read_json(row["record"])
    return Batch(
        id=row["id"],
        company_id=row["company_id"],
        job_id=record["job_id"],
        number=row["number"],
        state=State(row["state"]),
        revision=record["revision"],
        content=record["content"],
        approvals=tuple(Approval(by, read_instant(at)) for by, at in record["approvals"]),
        first_vouchers=record["first_vouchers"],
        last_vouchers=record["last_vouchers"],
        created_at=read_instant(record["created_at"]),
        seq=row["seq"],
        is_started=record["is_started"],
        holds_numbers=bool(row["holds_numbers"]),
        facts=record["facts"],
        **{f"{name}_intended_at": _read(record["intents"][name]) for name in _INTENTS},
    )


def _write(at: datetime | None) -> str | None:
    return None if at is None else write_instant(at)


def _read(text: str | None) -> datetime | None:
    return None if text is None else read_instant(text)


def verdict_row(batch_id: str, key: str, verdict: Verdict) -> dict[str, Any]:
    """Give the row of a verdict."""
    return seal(
        {
            "batch_id": batch_id,
            "entry_key": key,
            "entry_id": verdict.entry_id,
            "verdict": verdict.verdict,
            "body": verdict.body.decode(),
            "external_id": verdict.external_id,
            "failure_type": verdict.failure_type,
            "failure_reason": verdict.failure_reason,
            "fingerprint": verdict.fingerprint,
            "vouchers": write_json(list(verdict.vouchers)),
            "acknowledged": int(verdict.acknowledged),
        }
    )


def read_verdict(row: Mapping[str, Any]) -> Verdict:
    """Read a verdict."""
    check_seal(row, table="verdict")
    return Verdict(
        entry_id=row["entry_id"],
        verdict=row["verdict"],
        body=row["body"].encode(),
        external_id=row["external_id"],
        failure_type=row["failure_type"],
        failure_reason=row["failure_reason"],
        fingerprint=row["fingerprint"],
        vouchers=tuple(read_json(row["vouchers"])),
        acknowledged=bool(row["acknowledged"]),
    )


def claim_row(holding: Holding) -> dict[str, Any]:
    """Give the row of a claim."""
    return seal(
        {
            "batch_id": holding.batch_id,
            "entry_key": holding.entry_id,
            "company_id": holding.company_id,
            "became": str(holding.became),
            "live": int(holding.is_live),
            "took_from": holding.took_from,
        }
    )


def read_claim(row: Mapping[str, Any]) -> Holding:
    """Read a claim."""
    check_seal(row, table="claim")
    return Holding(
        row["company_id"], row["entry_key"], row["batch_id"], Became(row["became"]),
        row["took_from"],
    )  # fmt: skip
