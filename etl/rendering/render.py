"""Render a batch: vouchers and postings become the bytes of the files that the ERP reads.

forms ─> files and parts ─> records ─> bytes      pure; nothing is written here
   └────────┴──────────────┴──> rejections and notes of items
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from etl.errors import UserMustFix
from etl.expressions.scope import Lookup
from etl.frames import FILE_KEY, ITEM_KEY, VOUCHER_KEY
from etl.rendering.choosing import (
    batch_material,
    choose_files,
    run_checks,
    texts,
    with_voucher_rows,
)
from etl.rendering.contents import Contents, write_layout, write_table
from etl.rendering.contexts import Context
from etl.rendering.document import Split
from etl.rendering.escapes import writing_of
from etl.rendering.faults import Findings
from etl.rendering.filenames import name_problems
from etl.rendering.lists import Labels, Lists
from etl.rendering.material import FILE_ROW, VOUCHER_ROW, Material
from etl.rendering.parts import file_facts, split_vouchers, sums_of, too_large, totals_of
from etl.rendering.plans import FilePlan, Plan, make_plan
from etl.rendering.sheets import Sheets
from etl.rendering.spreadsheets import write_workbooks
from etl.rendering.templates import Template


@dataclass(frozen=True)
class RenderedFile:
    """A file as the ERP will read it.

    file       its key in the template; number, the part from 1
    members    of a container (zip, xlsx): name and bytes of what is inside, in order
    rows       postings in it
    lines      posting.key and line, from 1
    totals     currency, debit, credit of the amounts printed
    """

    name: str
    content: bytes
    file: str
    number: int
    kind: str
    companion: bool
    rows: int
    lines: pl.DataFrame
    totals: pl.DataFrame
    members: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True)
class Rendered:
    """What a rendering gives. With rejections there are no files: drop the items, render again.

    external_ids  item.key and external_id
    """

    files: tuple[RenderedFile, ...]
    rejections: pl.DataFrame
    notes: pl.DataFrame
    external_ids: pl.DataFrame
    attachments: pl.DataFrame = field(default_factory=pl.DataFrame)


def render(
    template: Template,
    *,
    items: pl.DataFrame,
    lines: pl.DataFrame,
    vouchers: pl.DataFrame,
    postings: pl.DataFrame,
    attachments: pl.DataFrame,
    constants: Mapping[str, object],
    lookups: Mapping[str, Lookup] | None = None,
    labels: Labels | None = None,
) -> Rendered:
    """Render a batch with a template that knows its parameters.

    Needs: items (key item.key), mapped lines (key line.key), numbered vouchers with their forms
    (keys voucher.key, item.key), postings (keys posting.key, voucher.key, item.key, line.key),
    attachments (item.key, attachment.number); constants of the run by name (batch.*, job.*,
    company.*, engine.version); lookups, the tables that the template may look up; labels of
    dimensions and their values.
    Raises: UserMustFix FILE-* where no item is to blame.
    """
    plan = make_plan(template, constants=constants, lookups=lookups)
    findings = Findings(items)
    ordered = vouchers.sort("voucher.number", maintain_order=True)
    material = batch_material(
        plan.lets,
        items=items,
        lines=lines,
        vouchers=ordered,
        postings=postings,
        attachments=attachments,
    )
    run_checks(plan, material, findings)
    files: list[RenderedFile] = []
    for file_plan, chosen in choose_files(plan, material, findings):
        if chosen.height:
            run = _FileRun(plan, file_plan, material, findings, labels or Labels())
            files.extend(run.files(chosen))
    findings.problems.extend(name_problems((file.name, _where(plan, file)) for file in files))
    if findings.problems:
        raise UserMustFix(findings.problems)
    rejections = findings.all_rejections()
    return Rendered(
        files=() if rejections.height else tuple(files),
        rejections=rejections,
        notes=findings.all_notes(),
        external_ids=_external_ids(plan, material),
    )


def _where(plan: Plan, file: RenderedFile) -> str:
    return next(one.name.where for one in plan.files if one.key == file.file)


def _external_ids(plan: Plan, material: Material) -> pl.DataFrame:
    """Give what Pleo is told for every item: the id of its first voucher (R112)."""
    ids = texts(material, Context.VOUCHER, plan.external_id)
    return (
        material.vouchers.select(ITEM_KEY)
        .with_columns(ids.alias("external_id"))
        .unique(ITEM_KEY, keep="first", maintain_order=True)
    )


@dataclass
class _FileRun:
    """Renders one file of the template, in as many parts as it needs."""

    plan: Plan
    file: FilePlan
    batch: Material
    findings: Findings
    labels: Labels

    def files(self, vouchers: pl.DataFrame) -> list[RenderedFile]:
        split = self.file.spec.split
        sizes = self._sizes()
        self._refuse_too_large(vouchers, split, sizes)
        material, sums = self._material(split_vouchers(vouchers, split, sizes=sizes))
        records = list(self.file.records.values())
        sheets = Sheets(
            material, writing_of(self.file.spec, self.file.encoding), self.findings, records
        )
        names = texts(material, Context.FILE, self.file.name)
        contents = self._contents(sheets, material.files.height)
        totals = totals_of(sums)
        lines = material.postings.select("posting.key", FILE_KEY).join(
            contents.lines, on="posting.key", how="inner", validate="1:1", maintain_order="left"
        )
        return [
            RenderedFile(
                name=names[number] or "",
                content=content,
                file=self.file.key,
                number=number + 1,
                kind=self.file.spec.kind,
                companion=self.file.spec.companion,
                rows=material.files["file.rows"][number],
                lines=lines.filter(pl.col(FILE_KEY) == number).drop(FILE_KEY),
                totals=totals.filter(pl.col(FILE_KEY) == number).drop(FILE_KEY),
            )
            for number, content in enumerate(contents.parts)
        ]

    def _contents(self, sheets: Sheets, files: int) -> Contents:
        if self.file.spec.kind == "xlsx":
            return write_workbooks(self.file, sheets, files=files)
        if self.file.layout is not None:
            return write_layout(self.file, sheets)
        return write_table(self.file, sheets, files=files)

    def _sizes(self) -> pl.DataFrame:
        """Count rows and bytes of every voucher."""
        return self.batch.postings.group_by(VOUCHER_KEY).agg(
            pl.len().cast(pl.Int64).alias("rows"), pl.lit(0, pl.Int64).alias("bytes")
        )

    def _material(self, vouchers: pl.DataFrame) -> tuple[Material, pl.DataFrame]:
        """Put together what the records of the file read, and sum its postings."""
        placed = vouchers.with_columns(
            pl.col(FILE_KEY).alias(FILE_ROW),
            pl.int_range(1, pl.len() + 1).over(FILE_KEY).cast(pl.Int64).alias("voucher.index"),
        )
        postings = with_voucher_rows(self.batch.postings, placed)
        sums = sums_of(postings)
        material = Material(
            files=file_facts(placed, sums),
            items=self.batch.items,
            lines=self.batch.lines,
            vouchers=placed,
            postings=postings,
            attachments=_attachments_of(placed, self.batch.attachments),
            lists=Lists(placed, postings, self.batch.items, self.labels),
            lets=self.plan.lets,
        )
        return material, sums

    def _refuse_too_large(self, vouchers: pl.DataFrame, split: Split, sizes: pl.DataFrame) -> None:
        self.findings.reject(
            too_large(vouchers, split, sizes=sizes),
            "CELL-18",
            message=pl.format("the voucher alone has {}", pl.col("much")),
            fix="split the expense in Pleo",
            where=self.file.name.where,
        )


def _attachments_of(vouchers: pl.DataFrame, attachments: pl.DataFrame) -> pl.DataFrame:
    """Give every attachment to the first voucher of its item in the file."""
    first = (
        vouchers.select(ITEM_KEY, VOUCHER_KEY, FILE_KEY)
        .with_row_index(VOUCHER_ROW)
        .unique(ITEM_KEY, keep="first", maintain_order=True)
    )
    return attachments.join(
        first, on=ITEM_KEY, how="inner", validate="m:1", maintain_order="left"
    ).sort(VOUCHER_ROW, "attachment.number", maintain_order=True)
