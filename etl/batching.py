"""What a live batch adds to the line: receipts, decisions about items, and fingerprints.

ingested + receipts that were fetched ─> booked ─┬─> fingerprints
                                                 └─ + decisions ─> rendered
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from etl.batches.recipe import canonical
from etl.batches.verdicts import EXPORTED, SETTLED, SKIPPED
from etl.conversion import Booked
from etl.files import sha256
from etl.findings import join_findings, no_rejections, note, reject
from etl.frames import ITEM_KEY, VOUCHER_KEY
from etl.items import Ingested
from etl.money import AMOUNT

_NUMBER = "attachment.number"
#: What became of a receipt: its entry, its place in the item, and the file if there is one.
RECEIPTS = {
    "id": pl.String(),
    _NUMBER: pl.Int64(),
    "bytes": pl.Int64(),
    "sha256": pl.String(),
    "problem": pl.String(),
}
NOT_FETCHED = "it was not fetched"


def with_receipts(ingested: Ingested, receipts: pl.DataFrame) -> Ingested:
    """Say of every attachment what became of it.

    Needs: receipts (RECEIPTS), one row per entry id and number.
    Gives: attachments with hash and size of the files that were fetched, and a problem for every
    other one; notes of files that are not what Pleo announced.
    """
    known = receipts.with_columns(_folded("id")).rename({"bytes": "found"})
    owners = ingested.items.select(ITEM_KEY, "item.id", id=_folded("item.id"))
    joined = (
        ingested.attachments.join(owners, on=ITEM_KEY, how="left", validate="m:1")
        .join(known, on=["id", _NUMBER], how="left", validate="m:1", maintain_order="left")
    )  # fmt: skip
    has_file = pl.col("sha256").is_not_null()
    attachments = joined.with_columns(
        pl.col("sha256").alias("attachment.sha256"),
        pl.when(has_file)
        .then("found")
        .otherwise("attachment.bytes")
        .alias("attachment.bytes"),
        pl.when(~has_file)
        .then(pl.col("problem").fill_null(NOT_FETCHED))
        .alias("attachment.problem"),
    ).select(ingested.attachments.columns)  # fmt: skip
    odd = note(
        joined.filter(has_file & pl.col("problem").is_not_null()),
        "RECEIPT-ODD",
        pl.format("{}: {}", "attachment.name", "problem"),
    )
    return replace(
        ingested,
        attachments=attachments,
        notes=join_findings([ingested.notes, odd]).sort(ITEM_KEY, maintain_order=True),
    )


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an item is reported as failed though the line would book it."""

    code: str
    failure_type: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about single items, by entry id.

    refused   failed, and why
    booked    booked already, with the external id of then
    skipped   final in Pleo before the batch was made
    """

    refused: Mapping[str, Refused] = field(default_factory=dict)
    booked: Mapping[str, str] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()

    def as_document(self) -> Any:
        """Give what counts in the recipe; None where nothing was decided."""
        document = {
            "refused": {
                entry: [one.code, one.failure_type, one.message, one.fix]
                for entry, one in self.refused.items()
            },
            "booked": dict(self.booked),
            "skipped": sorted(self.skipped),
        }
        return document if any(document.values()) else None


def decide(booked: Booked, decided: Decided) -> Booked:
    """Take items out of a batch as was decided; a decision about no listed item says nothing.

    An item that is skipped or booked already is that, whatever else is said or found about it.
    """
    rows = [
        *((entry.casefold(), EXPORTED, known) for entry, known in decided.booked.items()),
        *((entry.casefold(), SKIPPED, None) for entry in decided.skipped),
    ]  # fmt: skip
    shape = {"id": pl.String()} | {name: SETTLED[name] for name in ("verdict", "external_id")}
    said = pl.DataFrame(rows, schema=shape, orient="row").unique("id", keep="last")
    settled = _of_listed(booked, said).select(*SETTLED)
    if settled.height:
        booked = booked.set_aside(settled)
    left = booked.everyone.join(booked.settled, on=ITEM_KEY, how="anti", maintain_order="left")
    refused = _refusals(replace(booked, everyone=left), decided.refused)
    return booked.refuse(refused) if refused.height else booked


def _of_listed(booked: Booked, said: pl.DataFrame) -> pl.DataFrame:
    """Give the listed items that something is said of, by folded id."""
    everyone = booked.everyone.with_columns(_folded("item.id").alias("id"))
    return everyone.join(said, on="id", how="inner", validate="m:1", maintain_order="left")


def _refusals(booked: Booked, refused: Mapping[str, Refused]) -> pl.DataFrame:
    rows = [
        (entry.casefold(), one.code, one.failure_type, one.message, one.fix)
        for entry, one in refused.items()
    ]
    names = ("id", "code", "failure_type", "message", "fix")
    said = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String()), orient="row")
    items = _of_listed(booked, said.unique("id", keep="last"))
    return join_findings(
        [
            no_rejections(),
            *(
                reject(
                    part, str(code), message=pl.col("message"), fix=pl.col("fix"),
                    failure_type=str(failure_type),
                )
                for (code, failure_type), part in items.partition_by(
                    "code", "failure_type", as_dict=True, maintain_order=True
                ).items()
            ),
        ]
    ).sort(ITEM_KEY)  # fmt: skip


def fingerprints(booked: Booked) -> dict[str, str]:
    """Give a hash of what each item books, without numbers and texts.

    Two items with one fingerprint move the same amounts on the same accounts, under the same tax
    codes and dates, whether their template prints pairs or legs.
    """
    dated = booked.postings.join(
        booked.vouchers.select(VOUCHER_KEY, "voucher.date"), on=VOUCHER_KEY, validate="m:1"
    )
    zero, signed = pl.lit(0, AMOUNT), pl.col("posting.signed")
    shared = {
        "currency": pl.col("posting.currency"),
        "date": pl.col("voucher.date").cast(pl.String),
    }
    own = dated.select(
        ITEM_KEY, account="posting.account", tax_code="posting.tax_code", signed=signed,
        tax=pl.col("posting.tax").fill_null(zero) + pl.col("posting.notional_tax").fill_null(zero),
        **shared,
    )  # fmt: skip
    contra = dated.filter(pl.col("posting.contra_account").is_not_null()).select(
        ITEM_KEY, account="posting.contra_account", tax_code=pl.lit(None, pl.String),
        signed=-signed, tax=zero, **shared,
    )  # fmt: skip
    by = (ITEM_KEY, "date", "account", "currency", "tax_code")
    sums = pl.concat([own, contra], how="diagonal_relaxed").group_by(by).agg(
        pl.col("signed", "tax").sum().cast(pl.String)
    )  # fmt: skip
    sums = sums.sort(by, nulls_last=True)
    ids = dict(booked.everyone.select(ITEM_KEY, "item.id").iter_rows())
    rows: dict[int, list[Sequence[Any]]] = {}
    for key, *moved in sums.iter_rows():
        rows.setdefault(key, []).append(moved)
    return {ids[key]: sha256(canonical(moved)) for key, moved in rows.items() if ids[key]}


def _folded(name: str) -> pl.Expr:
    return pl.col(name).str.to_lowercase()
