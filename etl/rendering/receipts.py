"""Receipts: which files of an item are delivered, what they are called, and where they lie.

attachments ─ types, size, number ─> delivered ─ name ─> item.attachments, attachment.name
                   └─> notes and rejections
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from etl.files import is_safe_name
from etl.frames import ITEM_KEY, VOUCHER_KEY
from etl.rendering.choosing import batch_material, texts
from etl.rendering.contexts import Context
from etl.rendering.document import Attachments
from etl.rendering.faults import Findings
from etl.rendering.material import VOUCHER_ROW
from etl.rendering.plans import Plan

#: Bytes of receipts that were fetched, by item.key and attachment.number.
Contents = Mapping[tuple[int, int], bytes]
FOLDER = "attachments"
_NUMBER = "attachment.number"
_NAME = "attachment.name"


@dataclass(frozen=True)
class Receipts:
    """The receipts of a batch.

    items        the items, with the names of their delivered receipts
    delivered    attachments that are delivered, in the order of vouchers and upload
    """

    items: pl.DataFrame
    delivered: pl.DataFrame

    def paths(self, place: str) -> pl.DataFrame:
        """Say where each receipt lies beside the files of the batch.

        Gives: item.key, attachment.number, attachment.name, path (null inside of a zip).
        """
        prefix = {"folder": f"{FOLDER}/", "beside": ""}.get(place)
        path = pl.lit(None, pl.String) if prefix is None else pl.lit(prefix) + pl.col(_NAME)
        return self.delivered.select(ITEM_KEY, _NUMBER, _NAME, path.alias("path"))


def deliver_receipts(
    plan: Plan,
    *,
    items: pl.DataFrame,
    vouchers: pl.DataFrame,
    attachments: pl.DataFrame,
    contents: Contents | None,
    findings: Findings,
) -> Receipts:
    """Choose and name the receipts that a template delivers.

    Needs: vouchers in order; contents None where receipts cannot be fetched: then names are given
    all the same, and a template without `attachments` delivers none. Where they can be, such a
    template delivers all of them under the names that they have (R98: none is lost silently).
    """
    spec = plan.template.document.attachments
    first = (
        vouchers.select(ITEM_KEY, VOUCHER_KEY)
        .with_row_index(VOUCHER_ROW)
        .unique(ITEM_KEY, keep="first", maintain_order=True)
    )
    placed = attachments.join(
        first, on=ITEM_KEY, how="inner", validate="m:1", maintain_order="left"
    ).sort(VOUCHER_ROW, _NUMBER, maintain_order=True)
    if spec is None and contents is None:
        return Receipts(items, placed.clear())
    where = str(plan.template.source.place("attachments"))
    kept = _accepted(placed, spec or Attachments(), findings=findings, where=where)
    if contents is not None or (spec is not None and spec.place == "pack"):
        at_hand = contents or {}
        have = pl.Series(
            [pair in at_hand for pair in kept.select(ITEM_KEY, _NUMBER).iter_rows()],
            dtype=pl.Boolean,
        )
        findings.note(kept.filter(~have), "RECEIPT-MISSING", _named("{} is not at hand"))
        kept = kept.filter(have)
    kept = kept.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("attachment.file_number")
    )
    if spec is not None:
        kept = _name(plan, kept, items=items, vouchers=vouchers)
    named_at = where if plan.attachment_name is None else plan.attachment_name.where
    _refuse_names(kept, findings=findings, where=named_at)
    if spec is not None and spec.required:
        bare = vouchers.select(ITEM_KEY).unique(maintain_order=True)
        bare = bare.join(kept.select(ITEM_KEY).unique(), on=ITEM_KEY, how="anti")
        lost = placed.filter(pl.col("attachment.problem").is_not_null())
        was_lost = bare.join(lost, on=ITEM_KEY, how="semi", maintain_order="left")
        findings.reject(
            was_lost, "CELL-21", message="the format requires a receipt, and it could not be had",
            fix="open the receipt in Pleo, and upload it again if it does not show", where=where,
            failure_type="receipt_download_failure",
        )  # fmt: skip
        findings.reject(
            bare.join(was_lost, on=ITEM_KEY, how="anti", maintain_order="left"), "CELL-21",
            message="the format requires a receipt, and there is none to deliver",
            fix="add a receipt to the expense in Pleo", where=where,
        )  # fmt: skip
    return Receipts(_renamed(items, kept), kept)


def _accepted(
    placed: pl.DataFrame, spec: Attachments, *, findings: Findings, where: str
) -> pl.DataFrame:
    """Keep the receipts that can be had, of accepted types, sizes and number."""
    missing = pl.col("attachment.problem").is_not_null()
    findings.note(
        placed.filter(missing),
        "RECEIPT-MISSING",
        pl.format("{} could not be had: {}", "attachment.name", "attachment.problem"),
    )
    kept = placed.filter(~missing)
    if spec.types is not None:
        taken = pl.col("attachment.extension").is_in(spec.types).fill_null(value=False)
        findings.note(
            kept.filter(~taken),
            "RECEIPT-LEFT-OUT",
            _named(f"{{}} is not of a type that the format takes ({', '.join(spec.types)})"),
        )
        kept = kept.filter(taken)
    if spec.max_bytes is not None:
        too_large = (pl.col("attachment.bytes") > spec.max_bytes).fill_null(value=False)
        findings.reject(
            kept.filter(too_large), "CELL-19",
            message=pl.format(
                f"the receipt {{}} has {{}} bytes, and the format takes {spec.max_bytes}",
                "attachment.name", "attachment.bytes",
            ),
            fix="replace it in Pleo with a smaller file", where=where,
        )  # fmt: skip
    if spec.per_item is None:
        return kept
    place = pl.int_range(pl.len()).over(ITEM_KEY)
    extra = kept.filter(place >= spec.per_item)
    if spec.more == "refuse":
        findings.reject(
            extra, "CELL-20",
            message=f"the item has more receipts than the format takes ({spec.per_item})",
            fix="merge the receipts into one file in Pleo", where=where,
        )  # fmt: skip
    else:
        findings.note(
            extra, "RECEIPT-LEFT-OUT", _named(f"{{}}: the format takes {spec.per_item} per item")
        )
    return kept.filter(place < spec.per_item)


def _name(
    plan: Plan, kept: pl.DataFrame, *, items: pl.DataFrame, vouchers: pl.DataFrame
) -> pl.DataFrame:
    """Give receipts the names that the template wants."""
    assert plan.attachment_name is not None
    material = batch_material(plan.lets, items=items, vouchers=vouchers, attachments=kept)
    names = texts(material, Context.ATTACHMENT, value=plan.attachment_name)
    return kept.with_columns(names.alias("attachment.name"))


def _refuse_names(named: pl.DataFrame, *, findings: Findings, where: str) -> None:
    """Reject items with a receipt whose name no file can have, or that another receipt has."""
    names = named["attachment.name"]
    safe = pl.Series([name is not None and is_safe_name(name) for name in names], dtype=pl.Boolean)
    folded = pl.Series([name.casefold() if name else "" for name in names], dtype=pl.String)
    faulty = named.filter(~(safe & folded.is_first_distinct()))
    findings.reject(
        faulty,
        "CELL-22",
        message=pl.format(
            '"{}" cannot be the name of a receipt, or another receipt has it',
            pl.col("attachment.name").fill_null(""),
        ),
        fix="let attachments.name of the template make names of letters and digits, all different",
        where=where,
    )


def _renamed(items: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Write the names of delivered receipts into the items."""
    names = kept.group_by(ITEM_KEY, maintain_order=True).agg(
        pl.col("attachment.name").alias("item.attachments"),
        *(
            pl.col(f"attachment.{name}").first().alias(f"item.attachment.{name}")
            for name in ("name", "extension", "guid")
        ),
    )
    columns = [name for name in names.columns if name != ITEM_KEY]
    return items.drop(columns, strict=False).join(
        names, on=ITEM_KEY, how="left", validate="m:1", maintain_order="left"
    )


def _named(text: str) -> pl.Expr:
    return pl.format(text, "attachment.name")


def receipt_bytes(delivered: pl.DataFrame) -> pl.DataFrame:
    """Sum the announced bytes of the receipts by voucher."""
    return delivered.group_by(VOUCHER_KEY).agg(
        pl.col("attachment.bytes").fill_null(0).sum().cast(pl.Int64).alias("bytes")
    )
