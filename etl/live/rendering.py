"""The line of one company: its recipe stored, and batches rendered or reversed with a stored one.

stored items + receipts + stored recipe + facts ─> book ─> decide ─> render, prove ─> revision
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from etl.assembling import assemble, last_vouchers, verdicts_of
from etl.batches.manifest import Total
from etl.batches.recipe import hash_input
from etl.batching import RECEIPTS, Decided, Refused, decide, fingerprints, with_receipts
from etl.codes import CODES
from etl.conversion import (
    Booked,
    Conversion,
    Origin,
    Recipe,
    newest_date,
    review_frames,
    rule_texts,
)
from etl.frames import ITEM_KEY
from etl.items import Ingested, ingest
from etl.live.line import (
    BatchFacts,
    Contents,
    Decisions,
    ItemOutcome,
    Remarks,
    Reversed,
    Revision,
    checked_pieces,
)
from etl.live.recipes import (
    load_stored_recipe,
    load_trial_recipe,
    store_recipe,
    workspace_recipe,
)
from etl.live.reversal import check_same, mirrored, only_items, prove_reversal, without_receipts
from etl.live.stored import ITEMS, StoredFile
from etl.pipeline import Proved, book_all, prove_batch
from etl.review.remarks import sightings
from etl.sources.raw import Limits, RawItems
from etl.workspace import Workspace

_REJECTED = "REVIEW-1"
#: What Pleo is told of an item that the reviewer has rejected.
_FIX = "change it in Pleo as the reviewer asks, then export it again"


class CompanyLine:
    """The line with the template, mapping and parameters of one company of a workspace."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name

    @property
    def per_fiscal_year(self) -> bool:
        """Say whether voucher numbers begin anew with every fiscal year (template now in use)."""
        return workspace_recipe(self.workspace, self.name).is_per_fiscal_year

    def store_recipe(self, folder: Path) -> None:
        """Copy all that decides bytes besides the items into a folder.

        Raises: UserMustFix with what is wrong with the recipe, OUT-2 when the disk refuses.
        """
        store_recipe(self.workspace, self.name, folder=folder)

    def supports_vendor_bookkeeping(self, recipe: Path) -> bool:
        """Say whether the stored template can hold invoices of vendors."""
        methods = load_stored_recipe(recipe).template.document.supports.methods
        return "accounts_payable" in methods

    def load(self, recipe: Path) -> Recipe:
        """Load a stored recipe as it was stored."""
        return load_stored_recipe(recipe)

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
        """Render a batch with its stored recipe. Nothing is written.

        Raises: UserMustFix LINE-1, LINE-2 where the stored recipe or a receipt cannot be used,
        PROOF-*, FILE-* where what it makes cannot be proved.
        """
        loaded = self.load(recipe)
        ingested = with_receipts(_read(items), _fetched(files))
        open_ = replace(facts, asked=facts.asked - decisions.answered)
        made = _make(ingested, loaded, facts=open_, decided=_decided(decisions))
        booked = book_all(made.ingested, made.recipe, origin=made.origin)
        prints = fingerprints(booked)
        proved = prove_batch(
            decide(booked, made.decided),
            made.recipe,
            origin=made.origin,
            receipts=_Receipts.of(made.ingested, files, contents=contents),
        )
        revision = _revision(proved, made, prints=prints, answered=decisions.answered)
        return replace(revision, receipts=contents)

    def reverse(
        self, recipe: Path, *, items: Sequence[bytes], facts: BatchFacts, of: Reversed
    ) -> Revision:
        """Render the mirrored postings of a closed batch, with the recipe that made it.

        Items that the batch did not book are no part of it. Receipts stay with the batch.
        Raises: UserMustFix LINE-2 where the stored recipe cannot be used, LINE-3 where the
        template cannot express it, LINE-4 where this pleo-etl would book an item differently.
        """
        loaded = load_stored_recipe(recipe, any_version=True)
        ingested = only_items(_read(items), of.fingerprints)
        made = _make(ingested, loaded, facts=facts, decided=Decided(), of=of)
        check_same(fingerprints(book_all(ingested, loaded, origin=made.origin)), of)
        made = replace(made, recipe=mirrored(made.recipe))
        booked = book_all(ingested, made.recipe, origin=made.origin)
        booked = without_receipts(booked)
        proved = prove_reversal(booked, made.recipe, origin=made.origin, of=of)
        return _revision(proved, made, prints=fingerprints(booked), answered=frozenset())


class TrialLine(CompanyLine):
    """The line of a company with another mapping in the place of the stored ones."""

    def __init__(self, workspace: Workspace, name: str, mapping: Path) -> None:
        super().__init__(workspace, name)
        self.mapping = mapping

    def load(self, recipe: Path) -> Recipe:
        """Load the template and the parameters of a stored recipe, and the mapping to try."""
        return load_trial_recipe(recipe, self.mapping)


@dataclass(frozen=True, slots=True)
class _Made:
    """What a batch is rendered from."""

    ingested: Ingested
    recipe: Recipe
    origin: Origin
    decided: Decided


def _make(
    ingested: Ingested,
    recipe: Recipe,
    *,
    facts: BatchFacts,
    decided: Decided,
    of: Reversed | None = None,
) -> _Made:
    input_sha256 = hash_input(
        items=ingested.items,
        lines=ingested.lines,
        attachments=ingested.attachments,
        rejections=ingested.rejections,
    )
    newest = newest_date(ingested, recipe.mapping.company.time_zone)
    origin = Origin(
        batch_id=facts.id,
        input_sha256=input_sha256,
        items=ingested.listed,
        lines=ingested.lines.height,
        created=facts.job_created or newest,
        job_id=facts.job_id,
        job_created=facts.job_created if facts.job_id is not None else None,
        reverses=of.id if of else None,
        reverses_number=of.number if of else None,
        decided=decided.as_document(),
        has_receipts=of is None,
        earlier=facts.earlier,
        asked=facts.asked,
    )
    recipe = replace(recipe, batch_number=facts.number, first_vouchers=facts.first_vouchers)
    return _Made(ingested, recipe, origin, decided)


def _read(items: Sequence[bytes]) -> Ingested:
    """Read stored items; messages name their line in the file of stored items."""
    limit = Limits().item
    kept = [item if len(item) <= limit else None for item in items]
    return ingest([RawItems(ITEMS, "line", range(1, len(items) + 1), kept, limit)])


def _fetched(files: Sequence[StoredFile]) -> pl.DataFrame:
    rows = [(one.entry_id, one.number, one.bytes, one.sha256, one.problem) for one in files]
    return pl.DataFrame(rows, schema=RECEIPTS, orient="row")


def _decided(decisions: Decisions) -> Decided:
    failure_type = CODES[_REJECTED].failure_type or ""
    refused = dict(decisions.failed)
    for entry, reason in decisions.rejected.items():
        said = f"rejected by the reviewer: {reason}" if reason else "rejected by the reviewer"
        refused[entry] = Refused(_REJECTED, failure_type, said, _FIX)
    return Decided(refused, decisions.already_booked, decisions.skipped)


class _Receipts(Mapping[tuple[int, int], bytes]):
    """The bytes of receipts by item.key and number, read from the disk when they are asked for."""

    def __init__(self, places: Mapping[tuple[int, int], tuple[Path, str]]) -> None:
        self._places = places

    @classmethod
    def of(
        cls, ingested: Ingested, files: Sequence[StoredFile], *, contents: Contents
    ) -> _Receipts:
        keys: dict[str, list[int]] = {}
        for key, entry in ingested.items.select(ITEM_KEY, "item.id").iter_rows():
            keys.setdefault((entry or "").casefold(), []).append(key)
        found = {(entry.casefold(), number): path for (entry, number), path in contents.items()}
        return cls({
            (key, one.number): (found[(one.entry_id.casefold(), one.number)], one.sha256)
            for one in files
            if one.sha256 is not None and (one.entry_id.casefold(), one.number) in found
            for key in keys.get(one.entry_id.casefold(), ())
        })  # fmt: skip

    def __getitem__(self, place: tuple[int, int]) -> bytes:
        return b"".join(checked_pieces(*self._places[place]))

    def __contains__(self, place: object) -> bool:
        return place in self._places

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _revision(
    proved: Proved, made: _Made, *, prints: Mapping[str, str], answered: frozenset[str]
) -> Revision:
    booked = proved.booked
    conversion: Conversion = assemble(
        booked, proved.rendered, recipe=made.recipe, origin=made.origin, proof=proved.proof
    )
    remarks = _blocking(booked, made.origin, answered=answered)
    return Revision(
        content=conversion.head["content"],
        recipe=conversion.head["recipe"]["sha256"],
        input=made.origin.input_sha256,
        counts=conversion.counts,
        totals=[Total(**total) for total in conversion.head["totals"]],
        items=tuple(_outcomes(proved, prints)),
        last_vouchers=last_vouchers(booked, made.recipe),
        blocking=tuple((code, tuple(said)) for code, said in remarks.items()),
        remarks=remarks,
        conversion=conversion,
        frames=review_frames(booked),
        rules=rule_texts(made.recipe),
    )


def _outcomes(proved: Proved, prints: Mapping[str, str]) -> Iterator[ItemOutcome]:
    numbers = proved.booked.vouchers.group_by(ITEM_KEY, maintain_order=True).agg(
        pl.col("voucher.number").cast(pl.String)
    )
    verdicts = verdicts_of(proved.booked, proved.rendered).join(
        numbers, on=ITEM_KEY, how="left", validate="1:1", maintain_order="left"
    )
    columns = (
        "id", "verdict", "external_id", "failure_type", "failure_reason", "voucher.number",
    )  # fmt: skip
    for entry, verdict, external_id, kind, reason, vouchers in verdicts.select(columns).iter_rows():
        fingerprint = prints.get(entry or "")
        yield ItemOutcome(
            entry, verdict, external_id, kind, reason, tuple(vouchers or ()), fingerprint
        )


def _blocking(booked: Booked, origin: Origin, *, answered: frozenset[str]) -> Remarks:
    """Give the notes that a person must answer, and has not, with what they say of each item."""
    codes = {name for name, code in CODES.items() if code.kind == "blocking note"}
    open_ = (codes | origin.asked) - answered
    seen = sightings(origin.earlier, booked.items, vouchers=booked.vouchers)
    notes = [one.select("code", "item_id", "detail") for one in (booked.notes, seen)]
    # A note about the mapping as a whole is of no item that could be held back.
    rows = pl.concat(notes).filter(pl.col("code").is_in(open_) & pl.col("item_id").is_not_null())
    found: dict[str, dict[str, list[str]]] = {}
    for code, entry, detail in rows.sort("code", "item_id", "detail").iter_rows():
        found.setdefault(code, {}).setdefault(entry, []).append(detail)
    return found
