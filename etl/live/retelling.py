"""Tell a new ledger what the old one knew, as far as the remains of a batch say it.

reserved ─> again ─> staged ─> approved ─> started ─> published ─┬─> reported ─> closed ─> withdrawn
                                                                 ├─> (job in progress: goes on)
                                                                 └─> quarantined ─> settled
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from etl.batches.ledger import Batch, Ledger, NewBatch
from etl.batches.states import Kind
from etl.batches.verdicts import EXPORTED, FAILED
from etl.clock import Clock
from etl.live.approving import report_of
from etl.live.folders import Folders
from etl.live.remains import Left, Remains
from etl.live.staging import instant

BY = "ledger rebuild"


class Then:
    """A clock that stands at the moment that is told of; nothing waits."""

    def __init__(self, clock: Clock) -> None:
        self.at: datetime = clock.now()
        self._clock = clock

    def now(self) -> datetime:
        """Give the moment that is told of."""
        return self.at

    def elapsed(self) -> float:
        """Give seconds since some moment."""
        return self._clock.elapsed()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._clock.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells a ledger of the batches of one company, in the order in which they were made.

    fingerprints  batch id -> item -> what it booked, where that can still be made out
    revisions     batch id -> its revisions, the released one last
    """

    ledger: Ledger
    then: Then
    folders: Folders
    company_id: str
    fingerprints: Mapping[str, Mapping[str, str | None]]
    revisions: Mapping[str, Sequence[Left]]

    def tell(self, one: Remains, *, number: int, is_last: bool) -> Batch:
        """Tell of one batch; is_last: no later one was begun, so it may be unsettled."""
        if one.job is not None:
            self.then.at = one.job.started_at or one.job.created_at
        batch = self._begin(one, number)
        if one.folder is not None:
            folder = self.folders.shown(self.folders.released(batch))
            batch = self._add(batch, Kind.PUBLISH_INTENDED, {"folder": folder})
            batch = self._add(batch, Kind.PUBLISHED, {"folder": folder})
        if one.job_id is None:
            batch = self._add(batch, Kind.CLOSED, {"event": None})
            return self._taken_back(batch, one)
        if one.is_exported or one.folder is None:
            return self._closed(batch, one)
        if one.job is not None and one.job.is_running and not one.is_withdrawn and is_last:
            return self._acknowledge(batch, one)
        return self._quarantined(batch, one, is_last=is_last)

    def _add(self, batch: Batch | NewBatch, kind: Kind, body: Mapping[str, Any]) -> Batch:
        return self.ledger.append(batch, kind, body)

    def _begin(self, one: Remains, number: int) -> Batch:
        """Tell of a batch until its job was started."""
        job_id, job = one.job_id, one.job
        created = None if job is None else instant(job.created_at)
        reserved = {
            "job": job_id, "job_created_at": created, "attempt": 1, "number": number,
            "first_vouchers": {scope: first for scope, (first, _) in one.vouchers.items()},
            "entries": sorted(one.items) if job_id else [], "skipped": [], "adopted": False,
            "unattended": False, "reverses": one.reverses, "repeats": {}, "by": BY,
        }  # fmt: skip
        new = NewBatch(self.company_id) if one.id is None else NewBatch(self.company_id, one.id)
        batch = self._book_again(self._add(new, Kind.RESERVED, reserved), one)
        for left in self.revisions.get(one.id or "") or [Left(1, one)]:
            batch = self._add(batch, Kind.STAGED, self._staged(left))
        approved = {
            "by": BY, "content": batch.content, "revision": batch.revision, "needed": 1,
            "verdicts": [self._verdict(one, entry) for entry in sorted(one.items)]
            if job_id else [],
        }  # fmt: skip
        batch = self._add(batch, Kind.APPROVED, approved)
        if job_id is not None:
            batch = self._add(batch, Kind.START_INTENDED, {"pleo_time": instant(self.then.at)})
            batch = self._add(batch, Kind.STARTED, {"read_back": True})
        return batch

    def _book_again(self, batch: Batch, one: Remains) -> Batch:
        """Tell that a person wanted items once more that an earlier batch had booked."""
        booked = [entry for entry, item in one.items.items() if item["vouchers"]]
        claims = self.ledger.claims(self.company_id, booked) if one.job_id else {}
        again = {
            entry: {"do": "again", "reason": BY}
            for entry, claim in sorted(claims.items()) if claim.batch.id != batch.id
        }  # fmt: skip
        if not again:
            return batch
        return self._add(batch, Kind.ANSWERED, {"by": BY, "decisions": again, "notes": {}})

    def _staged(self, left: Left) -> dict[str, Any]:
        one = left.remains
        if one is None:
            return {"revision": left.number, "content": None, "last_vouchers": {}}
        count = len(one.items)
        lone = {"items": count, "rendered": 0, "rejected": 0, "already_booked": count,
                "nothing_to_book": 0, "skipped": 0, "vouchers": 0, "postings": 0}  # fmt: skip
        head = one.head
        return {
            "revision": left.number, "content": head.get("content") or "unknown",
            "recipe": (head.get("recipe") or {}).get("sha256"),
            "input": (head.get("input") or {}).get("sha256"), "at": instant(self.then.at),
            "last_vouchers": {scope: last for scope, (_, last) in one.vouchers.items()},
            "counts": dict(head.get("counts") or lone), "totals": list(head.get("totals") or ()),
            "items": [self._outcome(one, entry) for entry in sorted(one.items)],
            "blocking": [], "blocking_items": {}, "unattended": False, "refusal": None,
            "view": left.view,
        }  # fmt: skip

    def _outcome(self, one: Remains, entry: str) -> dict[str, Any]:
        item = one.items[entry]
        return {
            "id": entry, "verdict": item["verdict"], "external_id": item.get("external_id"),
            "failure_type": item.get("failure_type"),
            "failure_reason": item.get("failure_reason"),
            # The manifest names vouchers by ids of its own; a person finds them by what is printed.
            "vouchers": [item.get("external_id") or "unknown"] if item["vouchers"] else [],
            "fingerprint": self.fingerprints.get(one.id or "", {}).get(entry),
        }  # fmt: skip

    def _verdict(self, one: Remains, entry: str) -> dict[str, Any]:
        outcome = self._outcome(one, entry)
        told = one.told(entry)
        at = (told.exported_at if told else None) or instant(self.then.at)
        kept = ("external_id", "failure_type", "failure_reason", "fingerprint", "vouchers")
        assert outcome["verdict"] in (EXPORTED, FAILED)
        return {
            "entry": entry, "verdict": outcome["verdict"], "body": report_of(outcome, at=at),
            **{name: outcome[name] for name in kept},
        }  # fmt: skip

    def _acknowledge(self, batch: Batch, one: Remains) -> Batch:
        """Tell what Pleo has taken; the rest is reported by the next command."""
        entries = sorted(one.items)
        taken = [entry for entry in entries if one.is_as_told(entry)]
        batch = self._add(batch, Kind.REPORT_INTENDED, {"entries": entries})
        return self._add(batch, Kind.ACKNOWLEDGED, {"entries": taken}) if taken else batch

    def _closed(self, batch: Batch, one: Remains) -> Batch:
        batch = self._acknowledge(batch, one)
        batch = self._add(batch, Kind.REPORTED, {})
        if one.job is not None and one.job.completed_at is not None:
            self.then.at = one.job.completed_at
        event = one.job.status if one.job else "completed"
        batch = self._add(batch, Kind.FINAL_INTENDED, {"event": event, "reason": None})
        batch = self._add(batch, Kind.CLOSED, {"event": event})
        return self._add(batch, Kind.WITHDRAWN, {"by": BY}) if one.is_withdrawn else batch

    def _quarantined(self, batch: Batch, one: Remains, *, is_last: bool) -> Batch:
        """Tell of a batch that Pleo does not count: settled if a later one was begun."""
        shows = "does not know its job" if one.job is None else f"shows its job as {one.job.status}"
        why = f"Pleo {shows}, and not all its items as they were reported"
        batch = self._add(batch, Kind.QUARANTINED, {"why": why})
        if one.is_withdrawn:
            return self._add(batch, Kind.SETTLED, {"imported": False, "by": BY})
        return batch if is_last else self._add(batch, Kind.SETTLED, {"imported": True, "by": BY})

    def _taken_back(self, reversal: Batch, one: Remains) -> Batch:
        """Tell of the batch that a reversal takes back."""
        if one.reverses is not None:
            ids = {batch.id: batch for batch in self.ledger.batches(self.company_id)}
            first = ids.get(one.reverses)
            if first is not None and not (first.is_withdrawn or first.is_reversed):
                self._add(first, Kind.REVERSED, {"by": BY, "batch": reversal.id})
        return reversal
