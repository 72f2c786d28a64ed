"""Store an event and what it changed: the rows that differ, and no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select
from sqlalchemy.exc import IntegrityError

from etl.batches.ledger import failures
from etl.batches.ledger.applying import Rows
from etl.batches.ledger.records import Batch, Event, Holding
from etl.batches.ledger.rows import batch_row, claim_row, event_row, verdict_row
from etl.batches.ledger.schema import BATCH, CLAIM, EVENT, VERDICT
from etl.batches.ledger.sealing import DIGEST
from etl.errors import EtlError


def store(connection: Connection, event: Event, *, before: Rows, after: Rows) -> None:
    """Write an event, its batch, and the verdicts and claims that it changed.

    Raises: HeldElsewhere LED-7, LED-8, when a unique key of the database refuses.
    """
    assert after.batch is not None
    try:
        head = _store_event(connection, event)
        _store_batch(connection, after.batch, before=before.batch, head=head)
        _store_verdicts(connection, after.batch.id, before=before, after=after)
        _store_claims(connection, before=before, after=after)
    except IntegrityError as error:
        raise _explain(error, after.batch) from error


def _store_event(connection: Connection, event: Event) -> str:
    query = select(EVENT.c.digest).where(
        EVENT.c.batch_id == event.batch_id, EVENT.c.seq == event.seq - 1
    )
    row = event_row(event, previous=connection.execute(query).scalar() or "")
    connection.execute(insert(EVENT), row)
    return str(row[DIGEST])


def _store_batch(connection: Connection, batch: Batch, *, before: Batch | None, head: str) -> None:
    row = batch_row(batch, head=head)
    if before is None:
        connection.execute(insert(BATCH), row)
        return
    connection.execute(BATCH.update().where(BATCH.c.id == batch.id).values(row))


def _store_verdicts(connection: Connection, batch_id: str, *, before: Rows, after: Rows) -> None:
    gone = [key for key in before.verdicts if key not in after.verdicts]
    changed = [
        (key, verdict) for key, verdict in after.verdicts.items()
        if before.verdicts.get(key) != verdict
    ]  # fmt: skip
    old = [key for key, _ in changed if key in before.verdicts]
    _remove(connection, VERDICT, [(batch_id, key) for key in (*gone, *old)])
    _add(connection, VERDICT, [verdict_row(batch_id, key, verdict) for key, verdict in changed])


def _store_claims(connection: Connection, *, before: Rows, after: Rows) -> None:
    changed: list[Holding] = [
        claim for key, claim in after.claims.items() if before.claims.get(key) != claim
    ]
    keys = [(claim.batch_id, claim.entry_id) for claim in changed]
    _remove(connection, CLAIM, [key for key in keys if key in before.claims])
    _add(connection, CLAIM, [claim_row(claim) for claim in changed])


def _remove(connection: Connection, table: Table, keys: Sequence[tuple[str, str]]) -> None:
    for batch_id, entry_key in keys:
        connection.execute(
            delete(table).where(table.c.batch_id == batch_id, table.c.entry_key == entry_key)
        )


def _add(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), [dict(row) for row in rows])


def _explain(error: IntegrityError, batch: Batch) -> EtlError | IntegrityError:
    """Say which of the database's keys refused, in words."""
    text = str(error.orig)
    if "batch.company_id, batch.number" in text:
        return failures.number_taken(f"batch number {batch.number}")
    if "batch.company_id" in text:
        return failures.unsettled_exists("another batch")
    if "claim.company_id" in text:
        return failures.claimed_elsewhere(batch.number, "")
    if "event." in text or "batch.id" in text:
        return failures.changed_meanwhile(batch.number)
    return error
