"""The ledger: our lasting record of what became of every item of every export job.

Events are only appended. What they make of batches, verdicts and claims is stored in the same
transaction; the unique keys of the database, not this code, are what keeps an item from being
claimed twice and a company from having two unsettled batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

from sqlalchemy import Connection

from etl.batches.ledger import failures, reading, verifying, writing
from etl.batches.ledger.applying import apply, key_of
from etl.batches.ledger.bodies import check_body
from etl.batches.ledger.conditions import check_allowed
from etl.batches.ledger.deciding import check_new, check_unchanged, decide
from etl.batches.ledger.records import Batch, Claim, Event, Gap, NewBatch, Numbers, Verdict
from etl.batches.ledger.store import Store
from etl.batches.states import Kind, State
from etl.clock import Clock
from etl.errors import Problem

#: Shorter beginnings of an id are too likely to mean another batch.
MIN_PREFIX = 4


class Ledger:
    """An open ledger; made by `open_ledger`. One process, one thread, one at a time."""

    def __init__(self, store: Store, *, ledger_id: str, clock: Clock) -> None:
        self.id = ledger_id
        self._store = store
        self._clock = clock

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def empty_log(self) -> None:
        """Bring everything into the ledger's file, so that it may be moved without its log."""
        self._store.empty_log()

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def batches(self, company_id: str, *, states: Iterable[State] | None = None) -> list[Batch]:
        """Give a company's batches, oldest first."""
        with self._store.reading() as connection:
            found = reading.batches(connection, company_id.casefold())
        wanted = None if states is None else set(states)
        return [batch for batch in found if wanted is None or batch.state in wanted]

    def find(self, company_id: str, ref: str) -> Batch:
        """Give the batch with a number, an id, or an id that begins so.

        A number that was given back and used again means the batch that holds it.
        Raises: UserMustFix LED-6.
        """
        batches = self.batches(company_id)
        word = ref.strip().casefold()
        exact = [batch for batch in batches if batch.id == word]
        if exact:
            return exact[0]
        if word.isascii() and word.isdigit():
            numbered = [batch for batch in batches if batch.number == int(word)]
            holding = [batch for batch in numbered if batch.holds_numbers]
            if numbered:
                return (holding or numbered)[-1]
        begun = [batch for batch in batches if batch.id.startswith(word)]
        if len(word) < MIN_PREFIX or not begun:
            raise failures.no_batch(ref)
        if len(begun) > 1:
            raise failures.several_batches(ref, [batch.id for batch in begun])
        return begun[0]

    def unsettled(self, company_id: str) -> Batch | None:
        """Give the batch that the company's next one must wait for, if there is one."""
        with self._store.reading() as connection:
            return reading.unsettled(connection, company_id.casefold())

    def events(self, company_id: str, batch_id: str | None = None) -> list[Event]:
        """Give what happened to a company's batches, or to one of them, in order."""
        with self._store.reading() as connection:
            return reading.events(connection, company_id=company_id.casefold(), batch_id=batch_id)

    def listed(self, batch: Batch) -> tuple[str, ...]:
        """Give the ids of the items that the batch was reserved with."""
        return tuple(self._last(batch, Kind.RESERVED)["entries"])

    def items(self, batch: Batch) -> list[Mapping[str, Any]]:
        """Give the items of the batch's revision, as `staged` said; none before the first."""
        return list(self._last(batch, Kind.STAGED).get("items") or ())

    def _last(self, batch: Batch, kind: Kind) -> Mapping[str, Any]:
        bodies = [one.body for one in self.events(batch.company_id, batch.id) if one.kind is kind]
        return bodies[-1] if bodies else {}

    def verdicts(self, batch_id: str) -> list[Verdict]:
        """Give what Pleo is told of each item of a batch, in the order of the items' ids."""
        with self._store.reading() as connection:
            return list(reading.verdicts(connection, batch_id).values())

    def claims(self, company_id: str, entry_ids: Iterable[str]) -> dict[str, Claim]:
        """Give the live claims on some items: item -> batch, and what the batch said of it."""
        asked = {key_of(entry): entry for entry in entry_ids}
        with self._store.reading() as connection:
            found = reading.live_claims(
                connection, company_id=company_id.casefold(), keys=sorted(asked)
            )
        return {asked[key_of(claim.entry_id)]: claim for claim in found}

    def next_numbers(
        self,
        company_id: str,
        *,
        per_fiscal_year: bool,
        first_batch: int = 1,
        first_voucher: int = 1,
    ) -> Numbers:
        """Give the numbers that the next batch begins with; `first_*` are configured ones."""
        with self._store.reading() as connection:
            found = reading.used_numbers(connection, company_id.casefold())
        known = {scope: max(last + 1, first_voucher) for scope, last in found.vouchers.items()}
        vouchers = {scope: one for scope, one in known.items() if (scope != "") == per_fiscal_year}
        others = {scope: one for scope, one in known.items() if scope not in vouchers}
        return Numbers(max(found.batch + 1, first_batch), vouchers, others, first_voucher)

    def gaps(self, company_id: str) -> list[Gap]:
        """Give the numbers that no import holds: of withdrawn batches, and of voided later."""
        return [gap for batch in self.batches(company_id) if (gap := reading.gap_of(batch))]

    def append(self, batch: Batch | NewBatch, kind: Kind, body: Mapping[str, Any]) -> Batch:
        """Store what happened to a batch, and what follows from it; give the batch as it is now.

        Raises: UserMustFix LED-8; HeldElsewhere LED-7, LED-8, LED-9; BodyWrong. Nothing is
        stored then.
        """
        kind = Kind(kind)
        check_body(kind, body)
        with self._store.writing() as connection:
            return self._append(connection, batch, kind=kind, body=body)

    def _append(
        self,
        connection: Connection,
        batch: Batch | NewBatch,
        *,
        kind: Kind,
        body: Mapping[str, Any],
    ) -> Batch:
        company = batch.company_id.casefold()
        before = reading.rows(connection, company_id=company, batch_id=batch.id, kind=kind,
                              body=body)  # fmt: skip
        check_unchanged(before.batch, batch)
        if before.batch is None:
            check_new(connection, company_id=company, kind=kind, body=body)
        else:
            check_allowed(before, kind, body)
        event = Event(
            number=reading.next_event(connection),
            company_id=company,
            batch_id=batch.id,
            seq=1 if before.batch is None else before.batch.seq + 1,
            kind=kind,
            at=self._clock.now(),
            body=decide(connection, before.batch, kind=kind, body=body),
        )
        after = apply(before, event)
        writing.store(connection, event, before=before, after=after)
        assert after.batch is not None
        return after.batch

    def verify(self) -> list[Problem]:
        """Play all events again, and name what is stored otherwise than they say."""
        with self._store.reading() as connection:
            return verifying.verify(connection)
