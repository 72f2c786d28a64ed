"""What is read from the tables; every row's digest is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select

from etl.batches.ledger import failures
from etl.batches.ledger.applying import (
    CLAIMING,
    JUDGING,
    Rows,
    named_entries,
)  # fmt: skip
from etl.batches.ledger.records import Batch, Claim, Event, Gap, Holding, Verdict
from etl.batches.ledger.rows import read_batch, read_claim, read_event, read_verdict
from etl.batches.ledger.schema import BATCH, CLAIM, EVENT, VERDICT
from etl.batches.states import Kind, State

#: How many values one statement names; SQLite before 3.32 allows 999.
CHUNK = 500


def fetch(
    connection: Connection, table: Table, *conditions: ColumnElement[bool]
) -> Iterator[dict[str, Any]]:
    """Give rows of a table that fulfil some conditions, in the order of its key."""
    query = select(table).where(*conditions).order_by(*table.primary_key.columns)
    for row in connection.execute(query).mappings():
        yield dict(row)


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def batches(connection: Connection, company_id: str) -> list[Batch]:
    """Give a company's batches, oldest first."""
    query = (
        select(BATCH)
        .join(EVENT, (EVENT.c.batch_id == BATCH.c.id) & (EVENT.c.seq == 1))
        .where(BATCH.c.company_id == company_id)
        .order_by(EVENT.c.number)
    )
    return [read_batch(dict(row)) for row in connection.execute(query).mappings()]


def batch(connection: Connection, batch_id: str) -> Batch | None:
    """Give the batch with an id."""
    found = [read_batch(row) for row in fetch(connection, BATCH, BATCH.c.id == batch_id)]
    return found[0] if found else None


def unsettled(connection: Connection, company_id: str) -> Batch | None:
    """Give a company's unsettled batch."""
    ours = (BATCH.c.company_id == company_id, BATCH.c.unsettled == 1)
    found = [read_batch(row) for row in fetch(connection, BATCH, *ours)]
    return found[0] if found else None


def events(connection: Connection, *, company_id: str, batch_id: str | None) -> list[Event]:
    """Give events, in the order in which they happened."""
    conditions = [EVENT.c.company_id == company_id]
    if batch_id is not None:
        conditions.append(EVENT.c.batch_id == batch_id)
    return [read_event(row) for row in fetch(connection, EVENT, *conditions)]


def next_event(connection: Connection) -> int:
    """Give the number of the next event."""
    return (connection.execute(select(func.max(EVENT.c.number))).scalar() or 0) + 1


def verdicts(
    connection: Connection, batch_id: str, keys: Sequence[str] | None = None
) -> dict[str, Verdict]:
    """Give the verdicts of a batch by the keys of their items (of some of them)."""
    own = VERDICT.c.batch_id == batch_id
    if keys is None:
        found = list(fetch(connection, VERDICT, own))
    else:
        found = [
            row
            for chunk in _chunks(keys)
            for row in fetch(connection, VERDICT, own, VERDICT.c.entry_key.in_(chunk))
        ]
    return {row["entry_key"]: read_verdict(row) for row in found}


def _claims_on(connection: Connection, company_id: str, keys: Sequence[str]) -> list[Holding]:
    """Give all claims on some items, live or not."""
    ours = CLAIM.c.company_id == company_id
    return [
        read_claim(row)
        for chunk in _chunks(keys)
        for row in fetch(connection, CLAIM, ours, CLAIM.c.entry_key.in_(chunk))
    ]


def _keys_of(connection: Connection, batch_id: str) -> list[str]:
    query = select(CLAIM.c.entry_key).where(CLAIM.c.batch_id == batch_id)
    return sorted(connection.execute(query).scalars())


def rows(
    connection: Connection,
    *,
    company_id: str,
    batch_id: str,
    kind: Kind,
    body: Mapping[str, Any],
) -> Rows:
    """Give what an event may touch: the batch, and of verdicts and claims what it is about."""
    keys = named_entries(kind, body)
    judged = verdicts(connection, batch_id, keys) if kind in JUDGING else {}
    claimed: list[Holding] = []
    if kind in CLAIMING:
        own = _keys_of(connection, batch_id) if keys is None else keys
        claimed = _claims_on(connection, company_id, own)
    claims = {(one.batch_id, one.entry_id): one for one in claimed}
    return Rows(batch(connection, batch_id), judged, claims)


def live_claims(connection: Connection, *, company_id: str, keys: Sequence[str]) -> list[Claim]:
    """Give the live claims on some items."""
    live = [one for one in _claims_on(connection, company_id, keys) if one.is_live]
    owners = {owner: batch(connection, owner) for owner in sorted({one.batch_id for one in live})}
    judged = {
        owner: verdicts(connection, owner, [one.entry_id for one in live if one.batch_id == owner])
        for owner in owners
    }
    return [_claim(one, owners[one.batch_id], judged[one.batch_id]) for one in live]


def _claim(one: Holding, owner: Batch | None, judged: Mapping[str, Verdict]) -> Claim:
    if owner is None:
        raise failures.damaged("a claim belongs to no batch")
    return Claim(one.entry_id, owner, one.became, one.took_from, judged.get(one.entry_id))


@dataclass(frozen=True, slots=True)
class Used:
    """The highest numbers that a company has used."""

    batch: int
    vouchers: Mapping[str, int]


def used_numbers(connection: Connection, company_id: str) -> Used:
    """Give the highest numbers that were used and not given back."""
    ours = (BATCH.c.company_id == company_id, BATCH.c.holds_numbers == 1)
    holding = [read_batch(row) for row in fetch(connection, BATCH, *ours)]
    vouchers: dict[str, int] = {}
    for one in holding:
        for scope, last in used_vouchers(one).items():
            vouchers[scope] = max(last, vouchers.get(scope, 0))
    return Used(max((one.number for one in holding), default=0), vouchers)


def used_vouchers(one: Batch) -> dict[str, int]:
    """Give the last number of each scope that a batch uses, also while nothing is rendered."""
    begun = {scope: first - 1 for scope, first in one.first_vouchers.items()}
    return {**begun, **one.last_vouchers}


def gap_of(one: Batch) -> Gap | None:
    """Give the numbers that a batch took with it, if it is in no books."""
    if one.is_withdrawn:
        why = "withdrawn"
    elif one.state is State.VOIDED and one.holds_numbers:
        why = "voided after later numbers were used"
    else:
        return None
    vouchers = {
        scope: (one.first_vouchers.get(scope, 1), last)
        for scope, last in one.last_vouchers.items()
        if last >= one.first_vouchers.get(scope, 1)
    }
    return Gap(one.id, one.number, why, vouchers)


def later_number_held(connection: Connection, one: Batch) -> bool:
    """Say whether a later batch of the company uses higher numbers."""
    query = select(func.count()).where(
        BATCH.c.company_id == one.company_id,
        BATCH.c.holds_numbers == 1,
        BATCH.c.number > one.number,
    )
    return bool(connection.execute(query).scalar())
