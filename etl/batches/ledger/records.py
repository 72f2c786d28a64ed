"""What the ledger hands out: batches, events, verdicts, claims and numbers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from etl.batches.states import UNSETTLED, Kind, State

#: As long as the id of an offline batch.
ID_BYTES = 6


def new_id() -> str:
    """Give an id for a batch that nobody else has."""
    return secrets.token_hex(ID_BYTES)


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch that is not in the ledger yet: what `reserved` is appended to."""

    company_id: str
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved the content of a batch, and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as its events made it.

    revision        0: reserved, nothing was rendered yet
    content         what the revision hashes to; approvals are of this content
    first_vouchers  scope -> number; the scope is "" or a fiscal year
    seq             number of its last event: who appends must have seen it
    *_intended_at   an intent whose result is not stored yet
    is_started      Pleo's job was started, though the batch may be staged again since
    holds_numbers   False once its numbers were given back
    facts           what else the events said, by name (see `applying`)
    """

    id: str
    company_id: str
    job_id: str | None
    number: int
    state: State
    revision: int
    content: str | None
    approvals: tuple[Approval, ...]
    first_vouchers: Mapping[str, int]
    last_vouchers: Mapping[str, int]
    created_at: datetime
    seq: int
    is_started: bool = False
    holds_numbers: bool = True
    start_intended_at: datetime | None = None
    publish_intended_at: datetime | None = None
    report_intended_at: datetime | None = None
    final_intended_at: datetime | None = None
    refuse_intended_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_unsettled(self) -> bool:
        """Say whether the company's next batch must wait for this one."""
        return self.state in UNSETTLED

    @property
    def renders_nothing(self) -> bool:
        """Say whether the revision has no row in any file, so that nothing is published."""
        counts = self.facts.get("counts")
        return counts is not None and counts.get("rendered") == 0

    @property
    def is_withdrawn(self) -> bool:
        return "withdrawn_at" in self.facts

    @property
    def is_imported(self) -> bool:
        return "imported_at" in self.facts

    @property
    def is_reversed(self) -> bool:
        return "reversed_by" in self.facts


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a batch; never changed, never removed.

    number  counts all events of the ledger; seq those of the batch
    """

    number: int
    company_id: str
    batch_id: str
    seq: int
    kind: Kind
    at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Pleo is told of an item: stored before it is first sent, and never changed after.

    body  the exact JSON that is sent, so that a second sending is the same bytes
    """

    entry_id: str
    verdict: str
    body: bytes
    external_id: str | None
    failure_type: str | None
    failure_reason: str | None
    fingerprint: str | None
    vouchers: tuple[str, ...]
    acknowledged: bool = False


class Became(StrEnum):
    """What became of a batch's claim on an item."""

    HELD = "held"
    BOOKED = "booked"
    SUPERSEDED = "superseded"
    FREED = "freed"


@dataclass(frozen=True, slots=True)
class Holding:
    """A batch's claim on an item as it is stored.

    took_from  the earlier batch that had booked the item, when a person said `again`
    """

    company_id: str
    entry_id: str
    batch_id: str
    became: Became
    took_from: str | None = None

    @property
    def is_live(self) -> bool:
        """Say whether it keeps other batches from the item; one per item at most."""
        return self.became in (Became.HELD, Became.BOOKED)


@dataclass(frozen=True, slots=True)
class Claim:
    """The live claim on an item: which batch has it, and what that batch said of it."""

    entry_id: str
    batch: Batch
    became: Became
    took_from: str | None
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers that a company's next batch begins with.

    vouchers  scope -> next number, for each scope of the way of numbering that was used
    others    the same for scopes of the other way of numbering, which the company once had
    """

    batch: int
    vouchers: Mapping[str, int]
    others: Mapping[str, int] = field(default_factory=dict)
    first_voucher: int = 1

    def voucher(self, scope: str = "") -> int:
        """Give the next voucher number of a scope: "" or a fiscal year."""
        return {**self.others, **self.vouchers}.get(scope, self.first_voucher)

    def first_vouchers(self, scopes: Sequence[str] = ("",)) -> dict[str, int]:
        """Give the next voucher number of each scope."""
        return {scope: self.voucher(scope) for scope in scopes}


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that no import holds, and why: what an auditor asks about."""

    batch_id: str
    number: int
    why: str
    vouchers: Mapping[str, tuple[int, int]]
