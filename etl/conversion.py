"""What a conversion is made of: its recipe, its frames, where it comes from, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl

from etl import __version__
from etl.batches.explanation import show
from etl.batches.manifest import MANIFEST, Made
from etl.batches.output import OutputPlan, Owner, plan_output
from etl.batches.recipe import batch_id
from etl.batches.verdicts import SETTLED, Counts
from etl.dates import local_date
from etl.errors import EXIT_GOOD, EXIT_SOME_REJECTED
from etl.expressions import Lookup
from etl.findings import join_findings, without
from etl.frames import ITEM_KEY
from etl.items import Ingested
from etl.mapping import LoadedMapping
from etl.postings import PostingRules
from etl.rendering import Template
from etl.review import NOTHING_EARLIER, BatchFrames, Earlier, ReviewView, RuleText

#: The scope of voucher numbers that run on from year to year; others are labels of fiscal years.
RUNNING_ON = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that is read besides the items, each part checked, and what a person decided."""

    template: Template
    mapping: LoadedMapping
    rules: PostingRules
    lookups: Mapping[str, Lookup] = field(default_factory=dict)
    import_guide: str = ""
    batch_number: int = 1
    first_vouchers: Mapping[str, int] = field(default_factory=lambda: {RUNNING_ON: 1})

    @property
    def is_per_fiscal_year(self) -> bool:
        """Say whether voucher numbers begin anew with every fiscal year."""
        return self.template.document.numbering == "fiscal_year"

    @property
    def first_voucher(self) -> int:
        """Give the first voucher number; of several fiscal years the lowest."""
        if not self.is_per_fiscal_year:
            return self.first_vouchers.get(RUNNING_ON, 1)
        return min(self.first_vouchers.values(), default=1)

    @property
    def first_numbers(self) -> int | Mapping[str, int]:
        """Give the first voucher number, or one for each fiscal year that has its own."""
        has_years = self.is_per_fiscal_year and self.first_vouchers.keys() != {RUNNING_ON}
        return dict(self.first_vouchers) if has_years else self.first_voucher

    @property
    def is_single_currency(self) -> bool:
        return self.template.document.supports.currency == "single"

    @property
    def parameters(self) -> dict[str, str | None]:
        """Give every parameter of the template as text, defaults included."""
        return {name: show(value) for name, value in sorted(self.template.values.items())}


@dataclass(frozen=True, slots=True)
class Booked:
    """The frames of a conversion. Every frame but `everyone` is without rejected items.

    everyone         item.key, item.id and item.where of every listed item
    refused          rejected items as they were read
    nothing_to_book  items whose postings would all be zero
    settled          items that are not booked here: booked already (exported, with the external id
                     of then), or skipped
    aside            the settled items as they were read, where they could be
    """

    everyone: pl.DataFrame
    refused: pl.DataFrame
    items: pl.DataFrame
    lines: pl.DataFrame
    vouchers: pl.DataFrame
    postings: pl.DataFrame
    attachments: pl.DataFrame
    nothing_to_book: pl.DataFrame
    rejections: pl.DataFrame
    notes: pl.DataFrame
    settled: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SETTLED))
    aside: pl.DataFrame = field(default_factory=pl.DataFrame)

    def refuse(self, rejections: pl.DataFrame) -> Booked:
        """Reject items: they leave the batch, and stand among the refused."""
        fewer = self.without_rejected(rejections)
        gone = self.items.join(fewer.items, on=ITEM_KEY, how="anti", maintain_order="left")
        return replace(fewer, refused=pl.concat([self.refused, gone], how="diagonal"))

    def set_aside(self, settled: pl.DataFrame) -> Booked:
        """Leave out items that are not booked here, with all that was found about them."""
        return replace(
            self._without(settled),
            refused=without(self.refused, settled),
            rejections=without(self.rejections, settled),
            settled=settled,
            aside=pl.concat(
                [
                    one.join(settled, on=ITEM_KEY, how="semi", maintain_order="left")
                    for one in (self.items, self.refused)
                ],
                how="diagonal",
            ),
        )

    def without_rejected(self, rejections: pl.DataFrame) -> Booked:
        """Drop the items that were rejected since, with everything of them."""
        fewer = self._without(rejections)
        return replace(fewer, rejections=join_findings([self.rejections, rejections]))

    def _without(self, items: pl.DataFrame) -> Booked:
        names = (
            "items", "lines", "vouchers", "postings", "attachments", "nothing_to_book", "notes",
        )  # fmt: skip
        kept = {name: without(getattr(self, name), items) for name in names}
        return replace(self, **kept)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a conversion comes from: hash and size of the input, the clock, the batch's name.

    job_id, job_created   the export job, of a live batch
    reverses              the batch that this one takes back, and its number, which is only shown
    decided               what was decided about single items, as it counts in the recipe
    has_receipts          whether receipts were fetched; offline there are none
    earlier               what earlier batches say of the items; only shown
    asked                 codes of notes that a person must answer here; only shown
    """

    batch_id: str
    input_sha256: str
    items: int
    lines: int
    created: datetime | None
    job_id: str | None = None
    job_created: datetime | None = None
    reverses: str | None = None
    reverses_number: int | None = None
    decided: Any = None
    has_receipts: bool = False
    earlier: Earlier = NOTHING_EARLIER
    asked: frozenset[str] = frozenset()


def name_batch(recipe: Recipe, input_sha256: str) -> str:
    """Name an offline batch."""
    return batch_id(
        input_sha256,
        company=recipe.mapping.company.id,
        template=recipe.template.id,
        number=recipe.batch_number,
    )


def newest_date(ingested: Ingested, time_zone: str) -> datetime | None:
    """Give midnight of the newest item date: the clock of an offline conversion."""
    dates = ingested.items.select(local_date(pl.col("item.date_text"), time_zone))
    newest = dates.to_series().max()
    return datetime.combine(newest, time(), UTC) if isinstance(newest, date) else None


@dataclass(frozen=True, slots=True)
class CarriedFile:
    """A receipt that goes with the files: where it lies beside them, and whose it is."""

    path: str
    item_id: str
    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a conversion gives, before anything is written."""

    files: Sequence[Made]
    reports: Sequence[Made]
    manifest: bytes
    head: Mapping[str, Any]
    view: ReviewView
    counts: Counts
    rejections: pl.DataFrame
    owner: Owner
    receipts: Sequence[CarriedFile] = ()

    @property
    def exit_code(self) -> int:
        return EXIT_SOME_REJECTED if self.counts.rejected else EXIT_GOOD

    @property
    def notes(self) -> Sequence[Mapping[str, Any]]:
        notes: Sequence[Mapping[str, Any]] = self.head["notes"]
        return notes

    @property
    def file_names(self) -> list[str]:
        """Give the names of the files that the ERP reads."""
        return [file.name for file in self.files]

    def plan(self, folder: Path) -> OutputPlan:
        """Plan to write everything into a folder, manifest last."""
        everything = [*self.files, *self.reports, Made(MANIFEST, self.manifest)]
        return plan_output(folder, everything, owner=self.owner)

    def summary(self) -> dict[str, Any]:
        """Give the JSON document of `convert --json`: the manifest but for its items."""
        rejections = self.rejections.drop("item.key").to_dicts()
        return dict(self.head) | {
            "exit_code": self.exit_code, "errors": [], "rejections": rejections,
        }  # fmt: skip


def instant(time: datetime | None) -> str | None:
    """Write a time as the manifest does."""
    return None if time is None else time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def constants_of(recipe: Recipe, origin: Origin) -> dict[str, object]:
    """Give the names that are the same for the whole run, with their values."""
    company = recipe.mapping.company
    return {
        "batch.id": origin.batch_id,
        "batch.number": recipe.batch_number,
        "batch.created": origin.created,
        "job.id": origin.job_id,
        "job.created": origin.job_created,
        "company.id": company.id,
        "company.name": company.name,
        "company.currency": company.currency,
        "company.time_zone": company.time_zone,
        "company.fiscal_year": company.fiscal_year,
        "company.country": company.country,
        "company.tax_id": company.tax_id,
        "engine.version": __version__,
    }


def review_frames(booked: Booked) -> BatchFrames:
    """Give the frames that a reviewer's view is made of; rejected items stand among the items."""
    return BatchFrames(
        items=pl.concat([booked.items, booked.refused], how="diagonal"),
        lines=booked.lines,
        vouchers=booked.vouchers,
        postings=booked.postings,
        rejections=booked.rejections,
        notes=booked.notes,
        settled=_settled(booked),
    )


def _settled(booked: Booked) -> pl.DataFrame:
    """Give the items that are not booked here, with what is known of them."""
    listed = booked.everyone.join(
        booked.settled, on=ITEM_KEY, validate="1:1", maintain_order="left"
    )
    if booked.aside.is_empty():
        return listed
    known = booked.aside.drop("item.id", "item.where")
    return listed.join(known, on=ITEM_KEY, how="left", validate="1:1", maintain_order="left")


def rule_texts(recipe: Recipe) -> tuple[RuleText, ...]:
    """Give the mapping's rules in words, in the order of their numbers."""
    mapping = recipe.mapping
    texts = [RuleText(rule.text, str(rule.place), rule.table) for rule in mapping.rules]
    for target in mapping.targets:
        last = target.fallback()
        if last is not None:
            tables = (rule.table for rule in target.candidates() if rule.table is not None)
            after = tuple(dict.fromkeys(str(mapping.tables[name].file) for name in tables))
            known = texts[last.number]
            texts[last.number] = replace(known, fallback_of=target.name, after=after)
    return tuple(texts)
