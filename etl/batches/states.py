"""The states of a batch, and what may happen to it in which: the table that the ledger enforces.

      reserved          approved        started       published       reported       closed
 (job) ─────> staged ─────────> approved ────> started ─────> published ────> reported ────> closed
               │  ^ staged (r+1)   │  │           │               └──────┬───────┘             ^
               │  └────────────────┘──┼───────────┤                      │ quarantined         │
               │                      │           │                      v                     │
               └──────> voided <──────┴───────────┘     voided <── quarantined ── settled ─────┘
                                                              not imported     imported

A batch of no job (a reversal) is never started and never reported. A batch that renders nothing
publishes nothing. What a batch may also need to be is checked in `ledger.conditions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a batch stands; reserved and not yet rendered is `staged` with revision 0."""

    STAGED = "staged"
    APPROVED = "approved"
    STARTED = "started"
    PUBLISHED = "published"
    REPORTED = "reported"
    CLOSED = "closed"
    QUARANTINED = "quarantined"
    VOIDED = "voided"


#: The company's next batch must wait while one of these is there.
UNSETTLED = frozenset(State) - {State.CLOSED, State.VOIDED}


class Kind(StrEnum):
    """What may happen to a batch. Intents are stored before the effect, results after it."""

    RESERVED = "reserved"
    STAGED = "staged"
    ANSWERED = "answered"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    START_INTENDED = "start_intended"
    STARTED = "started"
    PUBLISH_INTENDED = "publish_intended"
    PUBLISHED = "published"
    REPORT_INTENDED = "report_intended"
    ACKNOWLEDGED = "acknowledged"
    REPORTED = "reported"
    FINAL_INTENDED = "final_intended"
    CLOSED = "closed"
    REFUSE_INTENDED = "refuse_intended"
    VOIDED = "voided"
    QUARANTINED = "quarantined"
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"
    IMPORTED = "imported"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Transition:
    """What an event does to the state.

    sources  states it may happen in; none: there is no batch yet
    target   the state after it; None: as before
    """

    sources: frozenset[State]
    target: State | None = None


def _from(*sources: State, to: State | None = None) -> Transition:
    return Transition(frozenset(sources), to)


_S = State
TRANSITIONS: Mapping[Kind, Transition] = {
    Kind.RESERVED: _from(to=_S.STAGED),
    Kind.STAGED: _from(_S.STAGED, _S.APPROVED, _S.STARTED, to=_S.STAGED),
    Kind.ANSWERED: _from(_S.STAGED),
    Kind.REVIEWED: _from(_S.STAGED),
    # The approval that completes it; before that the batch stays staged.
    Kind.APPROVED: _from(_S.STAGED, to=_S.APPROVED),
    Kind.START_INTENDED: _from(_S.STAGED, _S.APPROVED),
    Kind.STARTED: _from(_S.STAGED, _S.APPROVED, to=_S.STARTED),
    Kind.PUBLISH_INTENDED: _from(_S.APPROVED, _S.STARTED),
    Kind.PUBLISHED: _from(_S.APPROVED, _S.STARTED, to=_S.PUBLISHED),
    Kind.REPORT_INTENDED: _from(_S.STARTED, _S.PUBLISHED),
    Kind.ACKNOWLEDGED: _from(_S.STARTED, _S.PUBLISHED),
    Kind.REPORTED: _from(_S.STARTED, _S.PUBLISHED, to=_S.REPORTED),
    Kind.FINAL_INTENDED: _from(_S.REPORTED),
    Kind.CLOSED: _from(_S.PUBLISHED, _S.REPORTED, to=_S.CLOSED),
    Kind.REFUSE_INTENDED: _from(_S.STAGED, _S.APPROVED, _S.STARTED),
    Kind.VOIDED: _from(_S.STAGED, _S.APPROVED, _S.STARTED, to=_S.VOIDED),
    Kind.QUARANTINED: _from(_S.PUBLISHED, _S.REPORTED, to=_S.QUARANTINED),
    # Not imported: the batch is voided instead.
    Kind.SETTLED: _from(_S.QUARANTINED, to=_S.CLOSED),
    Kind.WITHDRAWN: _from(_S.CLOSED),
    Kind.IMPORTED: _from(_S.CLOSED),
    Kind.REVERSED: _from(_S.CLOSED),
}
