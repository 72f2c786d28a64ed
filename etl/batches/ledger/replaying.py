"""Play events again, in memory, to what the tables should hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from etl.batches.ledger.applying import CLAIMING, JUDGING, Rows, apply, named_entries
from etl.batches.ledger.bodies import check_body
from etl.batches.ledger.conditions import check_allowed
from etl.batches.ledger.records import Batch, Event, Holding, Verdict
from etl.batches.ledger.rows import batch_row, claim_row, verdict_row
from etl.batches.states import Kind


class Replay:
    """What the events so far have made of all batches."""

    def __init__(self) -> None:
        self.batches: dict[str, Batch] = {}
        self._heads: dict[str, str] = {}
        self._verdicts: dict[str, dict[str, Verdict]] = defaultdict(dict)
        #: (company, key of the item) -> batch -> claim
        self._claims: dict[tuple[str, str], dict[str, Holding]] = defaultdict(dict)
        self._claimed: dict[str, set[str]] = defaultdict(set)

    def play(self, event: Event, *, head: str) -> None:
        """Let one event happen. Needs: every event before it was played.

        Raises: EtlError LED-8; BodyWrong; when it cannot have happened.
        """
        check_body(event.kind, event.body)
        before = self._rows(event)
        if before.batch is not None:
            check_allowed(before, event.kind, event.body)
        after = apply(before, event)
        assert after.batch is not None
        self.batches[event.batch_id] = after.batch
        self._heads[event.batch_id] = head
        if event.kind in (Kind.STAGED, Kind.APPROVED):
            self._verdicts[event.batch_id] = dict(after.verdicts)
        else:
            self._verdicts[event.batch_id].update(after.verdicts)
        for (owner, key), claim in after.claims.items():
            self._claims[event.company_id, key][owner] = claim
            self._claimed[owner].add(key)

    def follows(self, event: Event, *, previous: str) -> bool:
        """Say whether an event is the next one of its batch."""
        batch = self.batches.get(event.batch_id)
        if batch is None:
            return event.kind is Kind.RESERVED and event.seq == 1 and previous == ""
        is_next = event.seq == batch.seq + 1 and previous == self._heads[event.batch_id]
        return is_next and event.company_id == batch.company_id

    def _rows(self, event: Event) -> Rows:
        keys = named_entries(event.kind, event.body)
        verdicts = self._verdicts[event.batch_id] if event.kind in JUDGING else {}
        if keys is not None:
            verdicts = {key: verdicts[key] for key in keys if key in verdicts}
        claims: dict[tuple[str, str], Holding] = {}
        if event.kind in CLAIMING:
            claims = {
                (owner, key): claim
                for key in (sorted(self._claimed[event.batch_id]) if keys is None else keys)
                for owner, claim in self._claims[event.company_id, key].items()
            }
        return Rows(self.batches.get(event.batch_id), verdicts, claims)

    def batch_rows(self) -> Iterator[dict[str, Any]]:
        """Give the rows that the table of batches should hold."""
        for batch in self.batches.values():
            yield batch_row(batch, head=self._heads[batch.id])

    def verdict_rows(self) -> Iterator[dict[str, Any]]:
        """Give the rows that the table of verdicts should hold."""
        for batch_id, verdicts in self._verdicts.items():
            for key, verdict in verdicts.items():
                yield verdict_row(batch_id, key, verdict)

    def claim_rows(self) -> Iterator[dict[str, Any]]:
        """Give the rows that the table of claims should hold."""
        for owners in self._claims.values():
            for claim in owners.values():
                yield claim_row(claim)
