"""A ledger in an empty folder, and batches walked through it step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from etl.batches.ledger import Batch, Ledger, NewBatch, open_ledger
from etl.batches.states import Kind, State

URL = "sqlite:///.pleo-etl/ledger.db"
FILE = Path(".pleo-etl/ledger.db")
COMPANY = "5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10"
FOLDER = "0001-0123456789ab"
CONTENT = "c" * 64


class SteppingClock:
    """A clock that goes one second with each look, and waits in no time."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
        self.slept = 0.0

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def elapsed(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def open_in(root: Path, **given: Any) -> Ledger:
    """Open the ledger of a folder, or make it."""
    return open_ledger(given.pop("url", URL), root=root, clock=SteppingClock(), **given)


def verdict(entry: str, said: str = "exported", **more: Any) -> dict[str, Any]:
    """Give a verdict as an approval brings it; an exported item has a voucher."""
    vouchers = ["1"] if said == "exported" else []
    return {"entry": entry, "verdict": said, "body": f'{{"id":"{entry}"}}',
            "vouchers": vouchers, **more}  # fmt: skip


def body_of(kind: Kind, **more: Any) -> dict[str, Any]:
    """Give the smallest body of a kind, for a batch of the items a (exported) and b (failed)."""
    bodies: Mapping[Kind, Mapping[str, Any]] = {
        Kind.RESERVED: {"job": "job-1", "number": 1, "first_vouchers": {"": 1},
                        "entries": ["a", "b"]},
        Kind.STAGED: {"revision": 1, "content": CONTENT, "last_vouchers": {"": 1},
                      "counts": {"items": 2, "rendered": 1}, "refusal": None},
        Kind.ANSWERED: {"by": "Ann"},
        Kind.REVIEWED: {"by": "Ann", "entries": ["a"]},
        Kind.APPROVED: {"by": "Ann", "content": CONTENT, "revision": 1, "needed": 1,
                        "verdicts": [verdict("a"), verdict("b", "failed")]},
        Kind.START_INTENDED: {"pleo_time": "2026-03-09T08:00:00Z"},
        Kind.PUBLISH_INTENDED: {"folder": FOLDER},
        Kind.PUBLISHED: {"folder": FOLDER},
        Kind.REPORT_INTENDED: {"entries": ["a", "b"]},
        Kind.ACKNOWLEDGED: {"entries": ["a", "b"]},
        Kind.FINAL_INTENDED: {"event": "completed_with_errors"},
        Kind.CLOSED: {"event": "completed_with_errors"},
        Kind.REFUSE_INTENDED: {"reason": "no support", "type": "invalid_configuration"},
        Kind.VOIDED: {"why": "discarded", "by": "Ann"},
        Kind.QUARANTINED: {"why": "Pleo ended the job"},
        Kind.SETTLED: {"imported": True, "by": "Ann"},
        Kind.WITHDRAWN: {"by": "Ann"},
        Kind.IMPORTED: {"by": "Ann", "refused": []},
        Kind.REVERSED: {"by": "Ann", "batch": "0" * 12},
    }  # fmt: skip
    return {**bodies.get(kind, {}), **more}


#: The way of a batch through a job, in order, and the states it passes.
WAY: Sequence[tuple[Kind, State]] = (
    (Kind.RESERVED, State.STAGED),
    (Kind.STAGED, State.STAGED),
    (Kind.APPROVED, State.APPROVED),
    (Kind.START_INTENDED, State.APPROVED),
    (Kind.STARTED, State.STARTED),
    (Kind.PUBLISH_INTENDED, State.STARTED),
    (Kind.PUBLISHED, State.PUBLISHED),
    (Kind.REPORT_INTENDED, State.PUBLISHED),
    (Kind.ACKNOWLEDGED, State.PUBLISHED),
    (Kind.REPORTED, State.REPORTED),
    (Kind.FINAL_INTENDED, State.REPORTED),
    (Kind.CLOSED, State.CLOSED),
)


def walk(
    ledger: Ledger,
    *kinds: Kind,
    batch: Batch | NewBatch | None = None,
    **bodies: Mapping[str, Any],
) -> Batch:
    """Append events one after the other; `bodies` changes those of some kinds."""
    now: Batch | NewBatch = batch or NewBatch(COMPANY)
    for kind in kinds:
        now = ledger.append(now, kind, body_of(kind, **bodies.get(kind, {})))
    assert isinstance(now, Batch)
    return now


def walk_until(
    ledger: Ledger, last: Kind, *, new: NewBatch | None = None, **bodies: Mapping[str, Any]
) -> Batch:
    """Take a new batch along the way, up to an event."""
    way = [kind for kind, _ in WAY]
    return walk(ledger, *way[: way.index(last) + 1], batch=new, **bodies)


def quarantined(ledger: Ledger, **bodies: Mapping[str, Any]) -> Batch:
    """Give a batch that was published, and whose job Pleo has ended."""
    batch = walk_until(ledger, Kind.PUBLISHED, **bodies)
    return walk(ledger, Kind.QUARANTINED, batch=batch)
