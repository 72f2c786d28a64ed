"""Row rules of items and lines: each failure is a rejection of its item, all found at once.

    who       item of this company                                        ITEM-12
    when      dates that are dates, within a sane range                   ITEM-8, ITEM-9
    currency  known, with two decimals, the same on header and lines      ITEM-15 to ITEM-17
    amounts   lines add up to the item; net, tax and amount fit           ITEM-13, ITEM-14, ITEM-18
    receipts  there, where the mapping requires them                      ITEM-20

Amounts are then stated in voucher currency: supplier currency for invoices, else wallet (R87).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from etl.dates import local_date
from etl.findings import join_findings, note, reject, without
from etl.frames import (
    CHECKED_ITEMS,
    CHECKED_LINES,
    INGESTED_ITEMS,
    ITEM_KEY,
    ITEM_WHERE,
    Column,
    Type,
    empty,
    schema,
)
from etl.items import contracts, currencies
from etl.items.reading import Ingested
from etl.items.values import quoted

if TYPE_CHECKING:
    import pandera.polars as pa

FIRST_DATE = dt.date(2000, 1, 1)
LAST_DATE = dt.date(2099, 12, 31)
#: Setting that accepts amounts in currencies without two decimals as hundredths.
HUNDREDTHS_SETTING = "amounts_in_hundredths"
_ASK = "correct the item in Pleo, or ask Pleo about it"
_SIDES = ("wallet", "supplier")
#: After these nothing more can be said of an item: its kind or its date is not known, it belongs
#: to other books, it is told of elsewhere, or we are at fault.
_ENDS_THE_MATTER = (
    "ITEM-4", "ITEM-5", "ITEM-7", "ITEM-8", "ITEM-9", "ITEM-11", "ITEM-12", "ITEM-19",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """What the checks need to know of the company: id in Pleo, time zone, currency."""

    id: str
    time_zone: str
    currency: str


@dataclass(frozen=True)
class Checked:
    """Items, lines and attachments of items that may be posted; rejections and notes of the checks.

    Items rejected by the ingest are gone from the frames too, but not repeated in `rejections`.
    `refused_items` and `refused_lines` are the rejected items that later stages can still look at,
    so that all problems of an item are told at once.
    """

    items: pl.DataFrame
    lines: pl.DataFrame
    attachments: pl.DataFrame
    rejections: pl.DataFrame
    notes: pl.DataFrame
    refused_items: pl.DataFrame
    refused_lines: pl.DataFrame


def check(
    ingested: Ingested,
    company: CompanyFacts,
    *,
    amounts_in_hundredths: Collection[str] = (),
    types_with_receipt: Collection[str] = (),
) -> Checked:
    """Check every rule on every item, and state the amounts in voucher currency.

    Needs: frames of the ingest. `amounts_in_hundredths` names currencies without two decimals
    whose amounts the bookkeeper has found to come in hundredths (export-api.md section 13.1);
    `types_with_receipt` the types of items that are rejected without a receipt.
    Gives: CHECKED_ITEMS, CHECKED_LINES of accepted items.
    Raises: BatchInvalid IN-10 if a frame itself is wrong.
    """
    contracts.validate(ingested.items, contracts.ingested_items())
    unverified = currencies.OTHER_DECIMALS - set(amounts_in_hundredths)
    items = _state_items(ingested.items, company, unverified)
    lines = _state_lines(ingested.lines, items, company)
    rejections = join_findings(
        [
            _check_company(items, company),
            *_check_dates(items),
            *_check_currencies(items, unverified),
            *(_check_line_currencies(lines, side) for side in _SIDES),
            *_check_sums(items, lines),
            *_check_taxes(lines),
            *_check_receipts(items, ingested.attachments, types_with_receipt),
        ]
    ).sort(ITEM_KEY, "line", "code", "message", nulls_last=False)
    everything = join_findings([ingested.rejections, rejections])
    broken = join_findings(
        [
            _check_contract(without(items, everything), contracts.checked_items(), CHECKED_ITEMS),
            _check_contract(without(lines, everything), contracts.checked_lines(), CHECKED_LINES),
        ]
    )
    everything = join_findings([everything, broken])
    accepted = without(items, everything).select(list(schema(CHECKED_ITEMS)))
    accepted_lines = without(lines, everything).select(list(schema(CHECKED_LINES)))
    refused_items, refused_lines = _still_readable(items, lines, everything)
    return Checked(
        accepted,
        accepted_lines,
        without(ingested.attachments, everything),
        join_findings([rejections, broken]),
        _note_hidden_amounts(accepted),
        refused_items,
        refused_lines,
    )


def _state_items(
    items: pl.DataFrame, company: CompanyFacts, unverified: Collection[str]
) -> pl.DataFrame:
    """Add date, voucher currency and the other currency; unverified other amounts are hidden."""
    is_invoice = (pl.col("item.type") == "invoice").fill_null(False)

    def pick(what: str, *, other: bool = False) -> pl.Expr:
        supplier, wallet = pl.col(f"item.supplier_{what}"), pl.col(f"item.wallet_{what}")
        return pl.when(is_invoice != other).then(supplier).otherwise(wallet)

    is_verified = ~pick("currency", other=True).is_in(list(unverified))
    return items.with_columns(
        local_date(pl.col("item.date_text"), company.time_zone).alias("item.date"),
        pick("amount").alias("item.amount"),
        pick("currency").alias("item.currency"),
        pl.when(is_verified).then(pick("amount", other=True)).alias("item.original_amount"),
        pl.when(is_verified).then(pick("currency", other=True)).alias("item.original_currency"),
    )


def _state_lines(lines: pl.DataFrame, items: pl.DataFrame, company: CompanyFacts) -> pl.DataFrame:
    """Add the amounts in voucher currency, in the company's and in the other currency."""
    of_item = items.select(
        ITEM_KEY, "item.id", ITEM_WHERE, "item.currency", "item.original_currency",
        "item.wallet_currency", "item.supplier_currency",
        (pl.col("item.type") == "invoice").fill_null(False).alias("is_invoice"),
    )  # fmt: skip
    joined = lines.join(of_item, on=ITEM_KEY, how="left", validate="m:1", maintain_order="left")
    assert joined.height == lines.height
    kind = pl.col("line.tax.type")
    nothing = pl.lit(0).cast(lines.schema["line.wallet_gross"])

    def of_side(side: str, what: str) -> pl.Expr:
        gross = pl.col(f"line.{side}_gross")
        tax = pl.col(f"line.{side}_tax").fill_null(nothing)
        if what == "gross":
            return gross
        if what == "tax":
            return tax
        return pl.when(kind.is_in(["inclusive", "exclusive"])).then(gross - tax).otherwise(gross)

    def pick(what: str, *, other: bool = False) -> pl.Expr:
        is_supplier = pl.col("is_invoice") != other
        return (
            pl.when(is_supplier).then(of_side("supplier", what)).otherwise(of_side("wallet", what))
        )

    is_shown = pl.col("item.original_currency").is_not_null()
    book = {
        what: pl.when(pl.col("item.currency") == company.currency)
        .then(pick(what))
        .when(pl.col("item.original_currency") == company.currency)
        .then(pick(what, other=True))
        for what in ("gross", "base", "tax")
    }
    return joined.with_columns(
        *(pick(what).alias(f"line.{what}") for what in book),
        *(expr.alias(f"line.book_{what}") for what, expr in book.items()),
        *(
            pl.when(is_shown).then(pick(what, other=True)).alias(f"line.original_{what}")
            for what in book
        ),
        pl.when(pl.col("is_invoice"))
        .then(pl.col("line.supplier_net"))
        .otherwise(pl.col("line.wallet_net"))
        .alias("net"),
    )


def _check_company(items: pl.DataFrame, company: CompanyFacts) -> pl.DataFrame:
    is_own = pl.col("item.company_id").str.to_lowercase() == company.id.lower()
    return reject(
        items.filter(~is_own.fill_null(False)),
        "ITEM-12",
        message=pl.format(
            "the item is of company {}, not {}", "item.company_id", pl.lit(company.id)
        ),
        fix="convert it with the mapping of its own company, or correct the id in this one",
    )


def _check_dates(items: pl.DataFrame) -> list[pl.DataFrame]:
    dates = ["item.date", *(c.name for c in INGESTED_ITEMS if c.type is Type.DATE)]
    found = [
        reject(
            items.filter(pl.col("item.date").is_null()),
            "ITEM-8",
            message=pl.format("date is {}, not a date", quoted("item.date_text")),
            fix=_ASK,
        )
    ]
    for name in dates:
        day = pl.col(name)
        outside = items.filter((day < FIRST_DATE) | (day > LAST_DATE))
        what = pl.format(
            "{} is {}, not between {} and {}",
            pl.lit(name.removeprefix("item.")), day.cast(pl.String), pl.lit(str(FIRST_DATE)),
            pl.lit(str(LAST_DATE)),
        )  # fmt: skip
        found.append(reject(outside, "ITEM-9", message=what, fix=_ASK))
    return found


def _check_currencies(items: pl.DataFrame, unverified: Collection[str]) -> list[pl.DataFrame]:
    found = []
    for side in _SIDES:
        name = f"item.{side}_currency"
        unknown = items.filter(~pl.col(name).is_in(list(currencies.KNOWN)).fill_null(False))
        what = pl.format("the {} currency {} is not known", pl.lit(side), quoted(name))
        found.append(reject(unknown, "ITEM-15", message=what, fix=_ASK))
    doubtful = items.filter(pl.col("item.currency").is_in(list(unverified)))
    what = pl.format(
        "{} does not have two decimals, and Pleo does not say in which unit it sends such amounts",
        "item.currency",
    )
    fix = (
        f"compare one such item with Pleo; if it comes in hundredths, add the currency to "
        f'"{HUNDREDTHS_SETTING}" in the mapping'
    )
    return [*found, reject(doubtful, "ITEM-16", message=what, fix=fix)]


def _check_line_currencies(lines: pl.DataFrame, side: str) -> pl.DataFrame:
    name, header = f"line.{side}_currencies", f"item.{side}_currency"
    differing = lines.filter(pl.col(name).ne_missing(pl.col(header)))
    what = pl.format(
        "the line is in {}, its item in {} ({} currency)",
        quoted(name), quoted(header), pl.lit(side),
    )  # fmt: skip
    return reject(differing, "ITEM-17", message=what, fix=_ASK)


def _check_sums(items: pl.DataFrame, lines: pl.DataFrame) -> list[pl.DataFrame]:
    """Compare the lines with the header: in wallet currency, for invoices in both (R44, R81)."""
    summed = lines.group_by(ITEM_KEY, maintain_order=True).agg(
        pl.col(f"line.{side}_gross").sum().alias(f"{side}_sum") for side in _SIDES
    )
    both = items.join(
        summed, on=ITEM_KEY, how="inner", validate="1:1", maintain_order="left"
    )  # an item without lines is rejected for that
    found = []
    for side in _SIDES:
        total, amount = pl.col(f"{side}_sum"), pl.col(f"item.{side}_amount")
        concerned = pl.lit(True) if side == "wallet" else pl.col("item.type") == "invoice"
        differing = both.filter(concerned & total.ne_missing(amount))
        what = pl.format(
            "the lines add up to {} {}, the item says {}",
            total.cast(pl.String), f"item.{side}_currency", amount.cast(pl.String),
        )  # fmt: skip
        found.append(reject(differing, "ITEM-13", message=what, fix=_ASK))
    return found


def _check_taxes(lines: pl.DataFrame) -> list[pl.DataFrame]:
    """Check net amount and tax in voucher currency (export-api.md section 13.2)."""
    gross, tax, net = pl.col("line.gross"), pl.col("line.tax"), pl.col("net")
    kind = pl.col("line.tax.type")
    expected = pl.when(kind == "inclusive").then(gross).when(kind == "exclusive").then(gross - tax)
    misfit = lines.filter(expected.is_not_null() & net.ne_missing(expected))
    misfit_text = pl.format(
        "tax type {}: the net amount is {}, but amount {} and tax {} make it {}",
        kind, *(value.cast(pl.String) for value in (net, gross, tax, expected)),
    )  # fmt: skip
    is_part = kind.is_in(["inclusive", "exclusive"])
    other_sign = (tax != 0) & (tax.sign() != gross.sign())
    # A reverse-charge tax stands beside the amount and may have no amount to be a part of.
    odd = lines.filter(kind.is_not_null() & (other_sign | (is_part & (tax.abs() > gross.abs()))))
    odd_text = pl.format(
        "tax {} does not fit the amount {}: it has another sign, or is larger",
        tax.cast(pl.String), gross.cast(pl.String),
    )  # fmt: skip
    return [
        reject(misfit, "ITEM-14", message=misfit_text, fix=_ASK),
        reject(odd, "ITEM-18", message=odd_text, fix=_ASK),
    ]


def _check_receipts(
    items: pl.DataFrame, attachments: pl.DataFrame, types: Collection[str]
) -> list[pl.DataFrame]:
    wanting = items.filter(pl.col("item.type").is_in(list(types)))
    at_hand = attachments.filter(pl.col("attachment.problem").is_null())
    bare = wanting.join(at_hand, on=ITEM_KEY, how="anti", maintain_order="left")
    lost = bare.join(attachments, on=ITEM_KEY, how="semi", maintain_order="left")
    never = bare.join(attachments, on=ITEM_KEY, how="anti", maintain_order="left")
    rule = "the mapping requires receipts (receipts: required)"
    return [
        reject(
            never, "ITEM-20", message=f"the item has no receipt, and {rule}",
            fix="add the receipt to the expense in Pleo, then export again",
        ),
        reject(
            lost, "ITEM-20", message=f"the receipt could not be had, and {rule}",
            fix="open the receipt in Pleo, and upload it again if it does not show",
            failure_type="receipt_download_failure",
        ),
    ]  # fmt: skip


def _still_readable(
    items: pl.DataFrame, lines: pl.DataFrame, rejections: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give the rejected items with lines that later stages can look at without guessing."""
    if rejections.is_empty():
        return empty(CHECKED_ITEMS), empty(CHECKED_LINES)
    final = rejections.filter(pl.col("code").is_in(_ENDS_THE_MATTER))
    told = without(
        items.join(rejections, on=ITEM_KEY, how="semi", maintain_order="left"), final
    ).select(list(schema(CHECKED_ITEMS)))
    told_lines = lines.join(told, on=ITEM_KEY, how="semi", maintain_order="left").select(
        list(schema(CHECKED_LINES))
    )
    faulty = [
        frame[list(contracts.faulty_rows(frame, contract))][ITEM_KEY]
        for frame, contract in (
            (told, contracts.checked_items()),
            (told_lines, contracts.checked_lines()),
        )
    ]
    is_whole = ~pl.col(ITEM_KEY).is_in(pl.concat(faulty).implode())
    return told.filter(is_whole), told_lines.filter(is_whole)


def _check_contract(
    frame: pl.DataFrame, contract: pa.DataFrameSchema, groups: Iterable[Column]
) -> pl.DataFrame:
    """Reject items whose rows break the contract in spite of all rules before (our defect)."""
    faulty = contracts.faulty_rows(frame.select(list(schema(groups))), contract)
    told = frame[list(faulty)].with_columns(pl.Series("broken", list(faulty.values()), pl.String))
    return reject(
        told,
        "ITEM-19",
        message=pl.format("the item breaks the contract of the frame: {}", "broken"),
        fix="this is a defect of pleo-etl: please report it with the message",
    )


def _note_hidden_amounts(accepted: pl.DataFrame) -> pl.DataFrame:
    hidden = accepted.filter(pl.col("item.original_currency").is_null())
    return note(
        hidden,
        "ITEM-OTHER",
        "the amount in the other currency is left out: that currency does not have two decimals",
    )
