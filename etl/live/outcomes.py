"""What a command of the live flow has done, in the words for the person who ran it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.batches.ledger import Batch
from etl.batches.standing import is_mostly_rejected
from etl.errors import EXIT_GOOD, EXIT_SOME_REJECTED, Problem
from etl.sentences import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a batch, or why nothing was done.

    word          staged | approved | waiting | closed | voided | quarantined | nothing
    says          what happened, as sentences
    next_step     what to do now; empty where there is nothing to do
    minutes_left  until Pleo ends the job, by Pleo's clock; None when it is not running
    folder        what to open: the review of a staged batch, the files of a released one
    only_command  the one that is left, where a staged batch can no longer be released
    """

    word: str
    says: str
    next_step: str = ""
    exit_code: int = EXIT_GOOD
    batch: Batch | None = None
    minutes_left: int | None = None
    problems: tuple[Problem, ...] = ()
    folder: Path | None = None
    only_command: str = ""

    @property
    def counts(self) -> Mapping[str, int]:
        """Give the five counts of the batch's revision, with vouchers and postings."""
        counts: Mapping[str, int] = (self.batch.facts.get("counts") or {}) if self.batch else {}
        return counts

    def document(self) -> dict[str, Any]:
        """Give it as --json says it."""
        batch = self.batch
        return {
            "outcome": self.word,
            "says": self.says,
            "next_step": self.next_step,
            "minutes_left": self.minutes_left,
            "folder": None if self.folder is None else str(self.folder),
            "batch": None if batch is None else {
                "id": batch.id, "number": batch.number, "job": batch.job_id,
                "state": str(batch.state), "revision": batch.revision, "content": batch.content,
                "counts": dict(self.counts),
            },
        }  # fmt: skip


class Staged(Outcome):
    """A revision waits for review and approval; or Pleo's job can only be refused."""

    __slots__ = ()


class NothingToDo(Outcome):
    """There is no pending job; what is unfinished was finished before."""

    __slots__ = ()


class Finished(Outcome):
    """What an earlier command began was finished or undone."""

    __slots__ = ()


class Released(Outcome):
    """What `release` came to: closed, voided, quarantined, or a new revision that waits."""

    __slots__ = ()


def exit_code_of(batch: Batch) -> int:
    """Give the exit code of a batch that went well: 1 where items were rejected."""
    counts = batch.facts.get("counts") or {}
    return EXIT_SOME_REJECTED if counts.get("rejected") else EXIT_GOOD


def name_of(batch: Batch) -> str:
    """Name a batch in a sentence."""
    return f"batch {batch.number} ({batch.id})"


def next_step_of(batch: Batch) -> str:
    """Say what to do with a staged batch: what must be answered comes before its release."""
    waiting = (batch.facts.get("counts") or {}).get("waiting", 0)
    if waiting:
        verb = "it is" if waiting == 1 else "they are"
        asks = f"`pleo-etl review` asks of {counted(waiting, 'item')} that came before"
        return f"{asks} whether {verb} booked already; nothing is released before that"
    if batch.facts.get("blocking"):
        return "`pleo-etl review` asks what must be answered; nothing is released before that"
    if is_mostly_rejected(batch):
        return _cure_first(batch)
    return "look at it with `pleo-etl review`, then `pleo-etl release`"


def _cure_first(batch: Batch) -> str:
    """Say what to do where most is rejected: what has one cause is cured before a release."""
    rejected, items = batch.facts["counts"]["rejected"], batch.facts["counts"]["items"]
    many, rest = "everything is", "it reports all to Pleo as failed"
    if rejected < items:
        many = f"{rejected} of {counted(items, 'item')} are"
        rest = "it releases the rest, and reports these to Pleo as failed"
    return (
        f"{many} rejected: `pleo-etl review` shows the causes; cure them, then `pleo-etl run` makes"
        f" the files anew. `pleo-etl release` stays possible: {rest}"
    )
