"""Which form a voucher takes, which file it goes into, and whether the template's checks hold."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from etl.frames import FILE_KEY, ITEM_KEY, VOUCHER_KEY
from etl.rendering.columns import Lets
from etl.rendering.contexts import Context
from etl.rendering.faults import Findings
from etl.rendering.material import IS_FIRST, VOUCHER_ROW, Material, rows_of
from etl.rendering.plans import CheckPlan, FilePlan, Plan, Value, make_forms
from etl.rendering.templates import Template

_NO_FILES = pl.DataFrame(schema={FILE_KEY: pl.UInt32})


def batch_material(
    lets: Lets,
    *,
    items: pl.DataFrame,
    vouchers: pl.DataFrame,
    lines: pl.DataFrame | None = None,
    postings: pl.DataFrame | None = None,
    attachments: pl.DataFrame | None = None,
) -> Material:
    """Put the frames of a whole batch together, before any file is known.

    Needs: vouchers in order; every posting's voucher among them.
    """
    nothing = pl.DataFrame()
    return Material(
        files=_NO_FILES,
        items=items,
        lines=nothing if lines is None else lines,
        vouchers=vouchers,
        postings=nothing if postings is None else with_voucher_rows(postings, vouchers),
        attachments=nothing if attachments is None else attachments,
        lists=None,
        lets=lets,
    )


def with_voucher_rows(postings: pl.DataFrame, vouchers: pl.DataFrame) -> pl.DataFrame:
    """Keep the postings of some vouchers, in their order, with the row of the voucher.

    Where all postings are kept and stand in order, as the stage before leaves them, no column is
    moved.
    """
    rows = rows_of(vouchers[VOUCHER_KEY], postings[VOUCHER_KEY]).alias(VOUCHER_ROW)
    added = [rows]
    if FILE_KEY in vouchers.columns:
        added.append(vouchers[FILE_KEY].gather(rows))
    found = postings.drop(VOUCHER_ROW, FILE_KEY, IS_FIRST, strict=False).hstack(added)
    if rows.has_nulls():
        found = found.filter(pl.col(VOUCHER_ROW).is_not_null())
    by = [VOUCHER_ROW, "posting.index"]
    if not found.select(_is_sorted(by)).item():
        found = found.sort(by, maintain_order=True)
    is_first = pl.col(VOUCHER_ROW) != pl.col(VOUCHER_ROW).shift(1)
    return found.with_columns(is_first.fill_null(value=True).alias(IS_FIRST))


def _is_sorted(by: list[str]) -> pl.Expr:
    """Say whether rows already stand in the order of two columns."""
    first, second = (pl.col(name) for name in by)
    before = (first.shift(1) < first) | ((first.shift(1) == first) & (second.shift(1) <= second))
    return before.fill_null(value=True).all()


def assign_forms(
    vouchers: pl.DataFrame,
    items: pl.DataFrame,
    template: Template,
    *,
    constants: Mapping[str, object] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give every voucher the first form of the template that fits.

    Gives: the vouchers with voucher.form, without those of rejected items; rejections: CELL-1
    where the template does not support the item's bookkeeping method or has no form for it.
    """
    lets, forms = make_forms(template, constants=constants)
    findings = Findings(items)
    material = batch_material(lets, items=items, vouchers=vouchers)
    method = material.frame(Context.VOUCHER, ["item.method"])["item.method"]
    supported = method.is_in(template.document.supports.methods)
    form = pl.Series(pl.repeat(None, vouchers.height, dtype=pl.String, eager=True))
    for chosen, when in forms:
        if when is None:
            form = form.fill_null(chosen.name)
        else:
            fits = truth(material, Context.VOUCHER, value=when)
            form = pl.select(
                pl.when(form.is_null() & fits).then(pl.lit(chosen.name)).otherwise(form)
            ).to_series()
    rows = vouchers.select(ITEM_KEY, "voucher.kind", "voucher.contra_role", "voucher.contra_side")
    where = str(template.source.place("rows"))
    findings.reject(
        rows.with_columns(method.alias("method")).filter(~supported),
        "CELL-1",
        message=pl.format(
            "the template {} does not support the bookkeeping method {}",
            pl.lit(template.id), pl.col("method"),
        ),
        fix="use a template that does, or change the method in Pleo's settings",
        where=str(template.source.place("supports")),
    )  # fmt: skip
    names = ", ".join(chosen.name for chosen, _when in forms)
    findings.reject(
        rows.filter(supported & form.is_null()),
        "CELL-1",
        message=pl.format(
            "no form of the template fits a voucher of kind {} whose {} stands on the {} side"
            f" (its forms: {names})",
            "voucher.kind", "voucher.contra_role", "voucher.contra_side",
        ),
        fix="add a form to the template's rows, or book such items another way",
        where=where,
    )  # fmt: skip
    rejections = findings.all_rejections()
    formed = vouchers.with_columns(form.alias("voucher.form"))
    kept = formed.join(
        rejections.select(ITEM_KEY).unique(), on=ITEM_KEY, how="anti", maintain_order="left"
    )
    return kept, rejections


def truth(material: Material, context: Context, *, value: Value) -> pl.Series:
    """Evaluate a condition on the rows of a context."""
    frame = material.frame(context, value.compiled.reads)
    return frame.select(pl.int_range(pl.len()).alias("#"), value.compiled.expr.alias("is"))["is"]


def texts(material: Material, context: Context, *, value: Value) -> pl.Series:
    """Evaluate a text value on the rows of a context."""
    frame = material.frame(context, value.compiled.reads)
    rows = pl.int_range(pl.len()).alias("#")
    return frame.select(rows, value.compiled.expr.alias("text"))["text"]


def choose_files(
    plan: Plan, material: Material, *, findings: Findings
) -> list[tuple[FilePlan, pl.DataFrame]]:
    """Give every file the vouchers that belong into it.

    A voucher reaches exactly one file that is no companion; otherwise its item is rejected.
    """
    vouchers = material.vouchers
    reached = pl.repeat(0, vouchers.height, dtype=pl.Int32, eager=True)
    chosen = []
    for file in plan.files:
        belongs = pl.repeat(value=True, n=vouchers.height, dtype=pl.Boolean, eager=True)
        if file.where is not None:
            belongs = truth(material, Context.VOUCHER, value=file.where)
        chosen.append((file, vouchers if belongs.all() else vouchers.filter(belongs)))
        if not file.spec.companion:
            reached = reached + belongs.cast(pl.Int32)
    where = str(plan.template.source.place("files"))
    rows = vouchers.select(ITEM_KEY, "voucher.kind", "voucher.form").with_columns(
        reached.alias("reached")
    )
    findings.reject(
        rows.filter(pl.col("reached") != 1),
        "CELL-17",
        message=pl.format(
            "a voucher of kind {} and form {} belongs in {} files of the template, not in one",
            "voucher.kind", "voucher.form", "reached",
        ),
        fix="let `where` of the files give every voucher to exactly one of them",
        where=where,
    )  # fmt: skip
    return chosen


def run_checks(plan: Plan, material: Material, *, findings: Findings) -> None:
    """Reject the items that break a check of the template (checks of files run with the file)."""
    contexts = {"voucher": Context.VOUCHER, "item": Context.VOUCHER, "posting": Context.POSTING}
    for check in plan.checks:
        context = contexts.get(check.check.for_)
        if context is not None:
            broken = ~truth(material, context, value=check.that)
            if broken.any():
                _reject_broken(check, context, material=material, findings=findings, broken=broken)


def _reject_broken(
    plan: CheckPlan, context: Context, *, material: Material, findings: Findings, broken: pl.Series
) -> None:
    frame = material.frame(context, [])
    rows = frame.select(ITEM_KEY).with_columns(
        texts(material, context, value=plan.message).fill_null("").alias("text")
    )
    findings.reject(
        rows.filter(broken).unique(maintain_order=True),
        plan.check.code,
        message=pl.col("text"),
        fix=plan.check.fix,
        where=plan.that.where,
        failure_type=plan.check.failure_type,
    )
