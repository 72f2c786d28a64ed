"""A finished conversion: the ERP's files, the reports for people, and the manifest of both.

frames, rendered files ─> verdicts, totals, hashes ─> manifest head ─┬─> review.html
                                                                     ├─> explain.parquet
                                                                     └─> manifest.json
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from etl import __version__
from etl.batches.controls import batch_totals, control_totals, make_sides
from etl.batches.evidence import EVIDENCE, Facts, Frames, RuleFact, write_evidence
from etl.batches.explanation import show
from etl.batches.manifest import MANIFEST, Made, Manifest, Total, summarise_notes
from etl.batches.output import OutputPlan, Owner, plan_output
from etl.batches.recipe import batch_id, content_hash, make_recipe, members_of
from etl.batches.rejected import REJECTIONS_FILE, write_rejections
from etl.batches.verdicts import (
    FAILED,
    Counts,
    as_lines,
    decide_verdicts,
    list_attachments,
    list_items,
)
from etl.errors import EXIT_GOOD, EXIT_SOME_REJECTED
from etl.findings import join_findings, without
from etl.frames import ITEM_KEY, KEY, POSTING_KEY
from etl.mapping import LoadedMapping
from etl.postings import PostingRules
from etl.rendering import Rendered, RenderedFile, Template

REVIEW = "review.html"
#: Libraries that decide bytes: another version of one is another recipe.
_LIBRARIES = ("jinja2", "msgspec", "polars", "xlsxwriter")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that is read besides the items, each part checked, and what a person decided."""

    template: Template
    mapping: LoadedMapping
    rules: PostingRules
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
    nothing_to_book  items whose postings would all be zero
    """

    everyone: pl.DataFrame
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


def assemble(
    booked: Booked, rendered: Rendered, *, recipe: Recipe, origin: Origin, rows_read: int
) -> Conversion:
    """Make the manifest and the reports of a proved conversion.

    Needs: numbered vouchers; rendered files that were read back, `rows_read` rows in all.
    """
    files = [_made(file) for file in rendered.files]
    places = _places(rendered.files)
    external_ids = without(rendered.external_ids, booked.rejections)
    verdicts = decide_verdicts(
        booked.everyone, rejections=booked.rejections, external_ids=external_ids
    )
    attached = list_attachments(booked.attachments, booked.items)
    counts = _count(booked, verdicts)
    sides = make_sides(booked.postings, booked.vouchers)
    manifest = Manifest(
        batch={
            "id": origin.batch_id, "number": recipe.batch_number, "job": None,
            "company": recipe.mapping.company.id, "created": instant(origin.created),
        },
        template={
            "id": recipe.template.id, "version": recipe.template.document.version,
            "sha256": recipe.template.sha256,
        },
        mapping={
            "name": recipe.mapping.name,
            "sha256": recipe.mapping.fingerprint[recipe.mapping.name],
        },
        parameters=recipe.parameters,
        recipe=make_recipe(
            template=recipe.template.fingerprint,
            mapping=recipe.mapping.fingerprint,
            settings={
                "parameters": recipe.parameters,
                "posting rules": recipe.rules.sha256,
                "numbers": [recipe.batch_number, recipe.first_voucher],
                "clock": instant(origin.created),
            },
            versions={"pleo-etl": __version__} | {name: version(name) for name in _LIBRARIES},
        ),
        numbers={
            "first_voucher": recipe.first_voucher,
            "last_voucher": booked.vouchers["voucher.number"].max(),
        },
        input={"sha256": origin.input_sha256, "items": origin.items, "lines": origin.lines},
        content=content_hash(
            [members_of(file.name, file.content) for file in rendered.files],
            verdicts=verdicts.drop(ITEM_KEY),
            attachments=attached,
        ),
        counts=counts,
        totals=batch_totals(sides),
        controls=control_totals(sides, booked.items),
        notes=summarise_notes(booked.notes),
        files=files,
        items=list_items(
            verdicts,
            items=booked.everyone,
            vouchers=booked.vouchers.select(ITEM_KEY, "voucher.id"),
            rows=booked.postings.select(POSTING_KEY, ITEM_KEY)
            .join(places, on=POSTING_KEY, validate="1:1")
            .select(ITEM_KEY, "file", "row"),
        ),
        attachments=as_lines(attached),
        read_back={"ok": True, "rows": rows_read},
    )  # fmt: skip
    evidence = write_evidence(
        Frames(booked.items, booked.lines, booked.vouchers, booked.postings, places),
        collect_facts(recipe, rendered, origin),
        {file.name: file.content for file in rendered.files if file.kind != "xlsx"},
    )
    head = manifest.head()
    page = _review(booked, rendered, recipe=recipe, manifest=manifest)
    reports = [Made(REVIEW, page), Made(EVIDENCE, evidence)]
    if booked.rejections.height:
        reports.append(Made(REJECTIONS_FILE, write_rejections(booked.rejections)))
    return Conversion(
        files=files,
        reports=reports,
        manifest=manifest.write(reports),
        head=head,
        counts=counts,
        rejections=booked.rejections,
        owner=Owner(recipe.mapping.company.id, recipe.template.id, recipe.batch_number),
    )


def _made(file: RenderedFile) -> Made:
    totals = [Total(currency, *_texts(sums)) for currency, *sums in file.totals.iter_rows()]
    return Made(file.name, file.content, rows=file.rows, totals=totals)


def _texts(amounts: Sequence[Any]) -> list[str]:
    return [f"{amount:f}" for amount in amounts]


def _places(files: Sequence[RenderedFile]) -> pl.DataFrame:
    """Give file and line of every posting; companions repeat what stands elsewhere."""
    empty = pl.DataFrame(schema={POSTING_KEY: KEY, "file": pl.String, "row": pl.Int64})
    return pl.concat(
        [
            empty,
            *(
                file.lines.select(
                    pl.col(POSTING_KEY).cast(KEY),
                    pl.lit(file.name).alias("file"),
                    pl.col("line").cast(pl.Int64).alias("row"),
                )
                for file in files
                if not file.companion
            ),
        ]
    )


def _count(booked: Booked, verdicts: pl.DataFrame) -> Counts:
    rejected = verdicts.filter(pl.col("verdict") == FAILED).height
    rendered = booked.postings[ITEM_KEY].n_unique()
    nothing = booked.items.join(booked.postings, on=ITEM_KEY, how="anti").height
    return Counts(
        items=verdicts.height,
        rendered=rendered,
        rejected=rejected,
        already_booked=0,
        nothing_to_book=nothing,
        skipped=0,
        vouchers=booked.vouchers.height,
        postings=booked.postings.height,
    )


def collect_facts(recipe: Recipe, rendered: Rendered, origin: Origin) -> Facts:
    """Collect what explanations need and what is the same for every row."""
    mapping = recipe.mapping
    constants = {name: show(value) for name, value in constants_of(recipe, origin).items()}
    constants |= {f"parameters.{name}": text for name, text in recipe.parameters.items()}
    return Facts(
        rules=[RuleFact(r.target, r.text, str(r.place), r.table) for r in mapping.rules],
        candidates={t.name: [r.number for r in t.candidates()] for t in mapping.targets},
        cells=[],
        postings={rule.id: rule.place for rule in recipe.rules},
        files={file.name: file.file for file in rendered.files},
        constants=constants,
    )


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


def _review(booked: Booked, rendered: Rendered, *, recipe: Recipe, manifest: Manifest) -> bytes:
    """Write the page for the reviewer."""
    return b""
