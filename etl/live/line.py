"""The line for live batches: stored items and a stored recipe become a revision of a batch.

It is the line of `convert` (etl.pipeline), fed from a batch's own folder instead of files, with
the receipts, and with what people and the ledger decided about single items.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from etl import files
from etl.batches.manifest import MANIFEST, Total
from etl.batches.verdicts import Counts
from etl.batching import Refused as Refused
from etl.conversion import Conversion
from etl.live.stored import StoredFile, changed
from etl.live.stored_views import StoredView, write_view
from etl.review import NOTHING_EARLIER, BatchFrames, Earlier, RuleText

_PIECE = 1024 * 1024
#: Where receipts lie, by entry id and number.
Contents = Mapping[tuple[str, int], Path]
#: Code of a note -> item -> what the note says of it.
Remarks = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """What a batch is called and where it comes from; a batch without a job is a reversal.

    first_vouchers: the first voucher number by fiscal year, or under "" where numbers run on.
    earlier: what earlier batches say of its items. asked: codes of notes that the workspace wants
    a person to answer.
    """

    id: str
    number: int
    job_id: str | None = None
    job_created: datetime | None = None
    first_vouchers: Mapping[str, int] = field(default_factory=lambda: {"": 1})
    earlier: Earlier = NOTHING_EARLIER
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided about single items, by entry id.

    rejected        by the reviewer, and why (REVIEW-1)
    failed          for a reason that the line cannot see
    already_booked  with the external id of the voucher that it stands in
    skipped         final in Pleo before the batch was made
    answered        codes of blocking notes that a person has answered
    """

    rejected: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, Refused] = field(default_factory=dict)
    already_booked: Mapping[str, str] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What became of an item.

    verdict: exported, failed or skipped. vouchers: their numbers as text, in print order.
    fingerprint: hash of what it books (accounts, amounts, tax codes, dates), whatever its verdict;
    None where nothing can be booked.
    """

    id: str | None
    verdict: str
    external_id: str | None
    failure_type: str | None
    failure_reason: str | None
    vouchers: tuple[str, ...]
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class Revision:
    """A proved rendering of a batch; nothing of it is written yet.

    last_vouchers  the last number used, by fiscal year, or under "" where numbers run on
    blocking       notes that a person must answer, with the items concerned
    remarks        what these notes say, by their code and item
    is_empty       nothing was rendered: there is no file for the ERP
    frames, rules  what single vouchers are shown from
    receipts       where the files lie that go with it, by entry id and number
    """

    content: str
    recipe: str
    input: str
    counts: Counts
    totals: Sequence[Total]
    items: tuple[ItemOutcome, ...]
    last_vouchers: Mapping[str, int]
    blocking: tuple[tuple[str, tuple[str, ...]], ...]
    conversion: Conversion
    frames: BatchFrames = field(repr=False)
    rules: Sequence[RuleText] = field(repr=False)
    receipts: Contents = field(repr=False, default_factory=dict)
    remarks: Remarks = field(repr=False, default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return self.counts.rendered == 0

    @property
    def hashes(self) -> dict[str, str]:
        """Give path and SHA-256 of every file that `write` writes."""
        made = [*self.conversion.files, *self.conversion.reports]
        found = {one.name: files.sha256(one.content) for one in made}
        found[MANIFEST] = files.sha256(self.conversion.manifest)
        return found | {one.path: one.sha256 for one in self.conversion.receipts}

    def write(self, folder: Path) -> None:
        """Write the revision into a folder that is not there yet, exactly as it is published.

        The manifest is written last: a folder that has one is whole.
        Raises: UserMustFix OUT-1 (something else lies there), OUT-2 when the disk refuses, LINE-2
        where a receipt is not what was fetched.
        """
        plan = self.conversion.plan(folder)
        receipts = self.conversion.receipts
        for inside in dict.fromkeys([folder, *((folder / one.path).parent for one in receipts)]):
            files.make_folder(inside)
        for receipt in receipts:
            target = folder / receipt.path
            source = self.receipts[(receipt.item_id, receipt.number)]
            files.write_pieces(target, checked_pieces(source, receipt.sha256), mode=0o644)
        for made in plan.new:
            files.write_atomic(folder / made.name, made.content)

    def write_view(self, path: Path) -> str:
        """Store what a person sees of it; give the hash by which it is known again.

        Raises: UserMustFix OUT-2 when the disk or the folder refuses.
        """
        return write_view(path, StoredView(self.conversion.view, self.frames, self.rules))


def checked_pieces(path: Path, sha256: str) -> Iterator[bytes]:
    """Give a file piece by piece; at its end it must have been the file of this hash.

    Raises: UserMustFix LINE-2.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as handle:
            while piece := handle.read(_PIECE):
                digest.update(piece)
                yield piece
    except OSError:
        raise changed(path) from None
    if digest.hexdigest() != sha256:
        raise changed(path)


@dataclass(frozen=True, slots=True)
class Reversed:
    """The batch that a reversal takes back: its name, and what each of its items booked."""

    id: str
    number: int
    fingerprints: Mapping[str, str]


class Line(Protocol):
    """What the protocol of the live flow needs of the line."""

    @property
    def per_fiscal_year(self) -> bool:
        """Say whether voucher numbers begin anew with every fiscal year (template now in use)."""
        ...

    def store_recipe(self, folder: Path) -> None:
        """Copy all that decides bytes besides the items into a folder, whole or not at all."""
        ...

    def supports_vendor_bookkeeping(self, recipe: Path) -> bool:
        """Say whether the stored template can hold invoices of vendors."""
        ...

    def render(
        self,
        recipe: Path,
        *,
        items: Sequence[bytes],
        files: Sequence[StoredFile],
        contents: Contents,
        facts: BatchFacts,
        decisions: Decisions,
    ) -> Revision:
        """Render a batch with its stored recipe."""
        ...

    def reverse(
        self, recipe: Path, *, items: Sequence[bytes], facts: BatchFacts, of: Reversed
    ) -> Revision:
        """Render the mirrored postings of a closed batch, with the recipe that made it."""
        ...
