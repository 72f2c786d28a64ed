"""What depends on other batches: decided while nobody else can write, and kept in the event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from etl.batches.ledger import failures, reading
from etl.batches.ledger.applying import FREED, GAP, NUMBERS
from etl.batches.ledger.records import Batch, NewBatch
from etl.batches.states import Kind, State

Body = Mapping[str, Any]


def check_unchanged(stored: Batch | None, given: Batch | NewBatch) -> None:
    """Refuse to append to a batch that is not as the caller has read it.

    Raises: HeldElsewhere LED-7; UserMustFix LED-6.
    """
    if isinstance(given, NewBatch):
        if stored is not None:
            raise failures.changed_meanwhile(stored.number)
        return
    if stored is None:
        raise failures.no_batch(given.id)
    if stored.seq != given.seq:
        raise failures.changed_meanwhile(stored.number)


def check_new(connection: Connection, *, company_id: str, kind: Kind, body: Body) -> None:
    """Refuse a new batch while there is an unsettled one, or with numbers that were used.

    Raises: HeldElsewhere LED-7; BodyWrong.
    """
    if kind is not Kind.RESERVED:
        raise failures.body_wrong(kind, "a batch begins with `reserved`")
    other = reading.unsettled(connection, company_id)
    if other is not None:
        raise failures.unsettled_exists(f"batch {other.number}")
    used = reading.used_numbers(connection, company_id)
    for scope, first in body["first_vouchers"].items():
        if first <= used.vouchers.get(scope, 0):
            raise failures.number_taken(f"voucher number {first} {scope}".rstrip())


def decide(connection: Connection, batch: Batch | None, *, kind: Kind, body: Body) -> Body:
    """Give the body with what only the ledger knows.

    Raises: UserMustFix LED-8.
    """
    if batch is None:
        return body
    if kind is Kind.REVERSED:
        _check_reversal(batch, other=reading.batch(connection, body["batch"]))
    if kind is Kind.WITHDRAWN and batch.facts.get("reverses"):
        _check_mirror(batch, of=reading.batch(connection, batch.facts["reverses"]))
    is_void = kind is Kind.VOIDED or (kind is Kind.SETTLED and not body["imported"])
    if not is_void:
        return body
    return {**body, NUMBERS: GAP if reading.later_number_held(connection, batch) else FREED}


def _check_reversal(batch: Batch, *, other: Batch | None) -> None:
    """Refuse to free what a batch has booked before its mirror is through."""
    if other is None or other.company_id != batch.company_id:
        why = "as there is no such reversal"
    elif other.facts.get("reverses") != batch.id:
        why = f"as batch {other.number} does not reverse it"
    elif other.state is not State.CLOSED or other.is_withdrawn:
        why = f"as its reversal, batch {other.number}, is not closed"
    else:
        return
    raise failures.not_allowed(batch.number, state=batch.state, kind=Kind.REVERSED, why=why)


def _check_mirror(batch: Batch, *, of: Batch | None) -> None:
    """Refuse to withdraw a reversal whose original was given back: it would be booked twice."""
    if of is not None and of.is_reversed:
        why = f"as batch {of.number} counts as reversed by it"
        raise failures.not_allowed(batch.number, state=batch.state, kind=Kind.WITHDRAWN, why=why)
