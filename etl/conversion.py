"""What a conversion is made of: its recipe, its frames, where it comes from, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from etl import __version__
from etl.batches.explanation import show
from etl.batches.manifest import MANIFEST, Made
from etl.batches.output import OutputPlan, Owner, plan_output
from etl.batches.recipe import batch_id
from etl.batches.verdicts import Counts
from etl.errors import EXIT_GOOD, EXIT_SOME_REJECTED
from etl.expressions import Lookup
from etl.findings import join_findings, without
from etl.mapping import LoadedMapping
from etl.postings import PostingRules
from etl.rendering import Template
from etl.review import ReviewView


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that is read besides the items, each part checked, and what a person decided."""

    template: Template
    mapping: LoadedMapping
    rules: PostingRules
    lookups: Mapping[str, Lookup] = field(default_factory=dict)
    import_guide: str = ""
    batch_number: int = 1
    first_voucher: int = 1

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

    def without_rejected(self, rejections: pl.DataFrame) -> Booked:
        """Drop the items that were rejected since, with everything of them."""
        return replace(
            self,
            items=without(self.items, rejections),
            lines=without(self.lines, rejections),
            vouchers=without(self.vouchers, rejections),
            postings=without(self.postings, rejections),
            attachments=without(self.attachments, rejections),
            nothing_to_book=without(self.nothing_to_book, rejections),
            notes=without(self.notes, rejections),
            rejections=join_findings([self.rejections, rejections]),
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a conversion comes from: hash and size of the input, the clock, the batch's name."""

    batch_id: str
    input_sha256: str
    items: int
    lines: int
    created: datetime | None


def name_batch(recipe: Recipe, input_sha256: str) -> str:
    """Name an offline batch."""
    return batch_id(
        input_sha256,
        company=recipe.mapping.company.id,
        template=recipe.template.id,
        number=recipe.batch_number,
    )


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
        "job.id": None,
        "job.created": None,
        "company.id": company.id,
        "company.name": company.name,
        "company.currency": company.currency,
        "company.time_zone": company.time_zone,
        "company.fiscal_year": company.fiscal_year,
        "company.country": company.country,
        "company.tax_id": company.tax_id,
        "engine.version": __version__,
    }
