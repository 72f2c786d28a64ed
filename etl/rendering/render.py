"""Render a batch: vouchers and postings become the bytes of the files that the ERP reads.

forms ─> files and parts ─> records ─> bytes      pure; nothing is written here
   └────────┴──────────────┴──> rejections and notes of items
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from etl.errors import Problem, UserMustFix
from etl.expressions import Lookup
from etl.frames import ITEM_KEY
from etl.rendering.choosing import batch_material, choose_files, run_checks, texts
from etl.rendering.contexts import Context
from etl.rendering.faults import Findings
from etl.rendering.file_run import FileRun
from etl.rendering.filenames import name_problems
from etl.rendering.lists import Labels
from etl.rendering.material import Material
from etl.rendering.outcome import FileSource, Rendered, RenderedFile, ValueSource
from etl.rendering.plans import Plan, make_plan
from etl.rendering.receipts import FOLDER, Contents, Receipts, deliver_receipts
from etl.rendering.templates import Template


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
    receipts: Contents | None = None,
) -> Rendered:
    """Render a batch with a template that knows its parameters.

    Needs: items (key item.key), mapped lines (key line.key), numbered vouchers with their forms
    (keys voucher.key, item.key), postings (keys posting.key, voucher.key, item.key, line.key),
    attachments (item.key, attachment.number); constants of the run by name (batch.*, job.*,
    company.*, engine.version); lookups, the tables that the template may look up; labels of
    dimensions and their values; receipts that were fetched (see deliver_receipts).
    Raises: UserMustFix FILE-* where no item is to blame, and what makes no plan.
    """
    plan = make_plan(template, constants=constants, lookups=lookups)
    findings = Findings(items)
    vouchers = _in_order(vouchers)
    delivered = deliver_receipts(
        plan,
        items=items,
        vouchers=vouchers,
        attachments=attachments,
        contents=receipts,
        findings=findings,
    )
    material = batch_material(
        plan.lets,
        items=delivered.items,
        lines=lines,
        vouchers=vouchers,
        postings=postings,
        attachments=delivered.delivered,
    )
    run_checks(plan, material, findings=findings)
    files: list[RenderedFile] = []
    rendered_from: list[FileSource] = []
    for file_plan, chosen in choose_files(plan, material, findings=findings):
        run = FileRun(plan, file_plan, material, findings, labels or Labels(), receipts or {})
        files.extend(run.files(chosen))
        if run.sheets is not None:
            rendered_from.append(FileSource(file_plan, run.sheets))
    _stop_at([*findings.problems, *_name_problems(plan, files, receipts=delivered)])
    rejections = findings.all_rejections()
    return Rendered(
        files=() if rejections.height else tuple(files),
        rejections=rejections,
        notes=findings.all_notes(),
        external_ids=_external_ids(plan, material),
        receipts=delivered.paths(_receipt_place(plan)),
        sources=value_sources(plan),
        rendered_from=tuple(rendered_from),
    )


def _stop_at(problems: Sequence[Problem]) -> None:
    if problems:
        raise UserMustFix(list(dict.fromkeys(problems)))


def _in_order(vouchers: pl.DataFrame) -> pl.DataFrame:
    """Sort vouchers by their number; a large batch that is in order already is not copied."""
    if vouchers["voucher.number"].is_sorted():
        return vouchers
    return vouchers.sort("voucher.number", maintain_order=True)


def value_sources(plan: Plan) -> tuple[ValueSource, ...]:
    """Say where the value of every column is written in the template."""
    return tuple(
        ValueSource(
            file=file.key,
            record=record.name,
            number=cell.number,
            name=cell.name,
            expression=cell.column.value,
            where=cell.where,
            means=cell.column.means,
        )
        for file in plan.files
        for record in file.records.values()
        for cell in record.cells
    )


def _receipt_place(plan: Plan) -> str:
    attachments = plan.template.document.attachments
    return attachments.place if attachments is not None else "folder"


def _name_problems(
    plan: Plan, files: Sequence[RenderedFile], *, receipts: Receipts
) -> list[Problem]:
    """Check the names of files, and of receipts that lie beside them."""
    named = [(file.name, _where(plan, file)) for file in files]
    if _receipt_place(plan) == "beside" and plan.attachment_name is not None:
        where = plan.attachment_name.where
        named.extend((name, where) for name in receipts.delivered["attachment.name"])
    return name_problems(named, taken=[FOLDER])


def _where(plan: Plan, file: RenderedFile) -> str:
    return next(one.name.where for one in plan.files if one.key == file.file)


def _external_ids(plan: Plan, material: Material) -> pl.DataFrame:
    """Give what Pleo is told for every item: the id of its first voucher (R112)."""
    ids = texts(material, Context.VOUCHER, value=plan.external_id)
    return (
        material.vouchers.select(ITEM_KEY)
        .with_columns(ids.alias("external_id"))
        .unique(ITEM_KEY, keep="first", maintain_order=True)
    )
