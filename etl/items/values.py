"""Columns as read become values: amounts, dates, lists; and what has no value is rejected."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from etl.dates import TIMESTAMP_PATTERN, date_only
from etl.findings import join_findings, reject
from etl.frames import INGESTED_ITEMS, INGESTED_LINES, ITEM_KEY, ITEM_WHERE, Type, schema
from etl.items.careful import UUID_PATTERN
from etl.items.columns import DOUBTFUL, LINE_CURRENCIES, ROW, SEPARATOR
from etl.money import RATE, RATE_PLACES, hundredths_to_amount
from etl.text import blank_to_null, clean, has_steering

ITEM_TYPES = (
    "card_purchase", "card_invoice", "out_of_pocket", "mileage", "per_diem",
    "external_reimbursement", "direct_reimbursement", "invoice", "invoice_payment", "chargeback",
    "refund", "cashback", "atm_withdrawal", "wallet_topup", "wallet_unload", "personal_spend",
    "fee",
)  # fmt: skip
SUB_TYPES = (
    "reimbursement_to_employee", "reimbursement_to_employee_refund", "reimbursement_to_company",
    "invoice_payment_sent", "invoice_payment_returned", "interest",
)  # fmt: skip
TAX_TYPES = ("inclusive", "exclusive", "reverse")
METHODS = ("none", "journal", "accounts_payable")
#: Always posted as journal, whatever the item says (R40).
ALWAYS_JOURNAL = ("wallet_topup", "wallet_unload")
MAX_QUOTED = 60

_LISTS = {
    "item.reconciled_entries", "item.attendees", "line.tag_groups", "line.tag_codes",
}  # fmt: skip
_UPDATE = "update pleo-etl, or ask Pleo about this item; unknown values are never guessed"
_ASK = "ask Pleo about this item"


@dataclass(frozen=True)
class Valued:
    """Items and lines with values, and the rejections of those without."""

    items: pl.DataFrame
    lines: pl.DataFrame
    rejections: pl.DataFrame


def split_lists(frame: pl.DataFrame) -> pl.DataFrame:
    """Turn joined texts into lists; null where there are none."""
    return frame.with_columns(
        pl.col(name).str.split(SEPARATOR) for name in frame.columns if name in _LISTS
    )


def apply_text_policy(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Apply the text policy to the rows that may need it.

    Gives: the frame (rows in any order, without the flag), and the rows of items in which
    characters were replaced.
    """
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    flagged = frame.filter(DOUBTFUL)
    if flagged.is_empty():
        return _without_blank_texts(frame.drop(DOUBTFUL), texts), flagged.select(ROW)
    plain = _without_blank_texts(frame.filter(~pl.col(DOUBTFUL)).drop(DOUBTFUL), texts)
    lists = [name for name in frame.columns if name in _LISTS]
    steered = pl.any_horizontal(
        *(has_steering(pl.col(name)) for name in texts),
        *(pl.col(name).list.eval(has_steering(pl.element())).list.any() for name in lists),
    )
    changed = flagged.filter(steered).select(ROW)
    cleaned = flagged.drop(DOUBTFUL).with_columns(
        *(clean(pl.col(name)) for name in texts),
        *(_clean_list(name) for name in lists),
    )
    return pl.concat([plain, cleaned]), changed


def _without_blank_texts(frame: pl.DataFrame, texts: list[str]) -> pl.DataFrame:
    """Make null of texts that have nothing but blanks, in the few columns that have one."""
    starts = frame.select(pl.col(name).str.starts_with(" ").any() for name in texts)
    concerned = [name for name in texts if starts[name].item()]
    return frame.with_columns(blank_to_null(pl.col(name)) for name in concerned)


def _clean_list(name: str) -> pl.Expr:
    """Clean the texts of a list; tags keep their places, since two lists belong together."""
    cleaned = pl.col(name).list.eval(clean(pl.element()))
    if name.startswith("line.tag_"):
        return cleaned
    kept = cleaned.list.drop_nulls()
    return pl.when(kept.list.len() > 0).then(kept)


def make_values(items: pl.DataFrame, lines: pl.DataFrame) -> Valued:
    """Turn hundredths into amounts and text into dates, and reject what is none.

    Needs: items and lines as laid out, with item.key, item.where and line.key.
    Gives: INGESTED_ITEMS, INGESTED_LINES (the latter with the currencies of each line).
    """
    dates = [c.name for c in INGESTED_ITEMS if c.type is Type.DATE]
    valued = items.with_columns(
        *(_amount(c.name) for c in INGESTED_ITEMS if c.type is Type.AMOUNT),
        *(_date(name).alias(name) for name in dates),
        _method().alias("item.method"),
    ).select(list(schema(INGESTED_ITEMS)))
    valued_lines = lines.with_columns(
        *(_amount(c.name) for c in INGESTED_LINES if c.type is Type.AMOUNT),
        pl.col("line.tax.rate").str.to_decimal(scale=RATE_PLACES).cast(RATE),
    ).select(*schema(INGESTED_LINES), *LINE_CURRENCIES)
    places = valued.select(ITEM_KEY, "item.id", ITEM_WHERE)
    rejections = join_findings(
        [
            *_reject_ids(items),
            *_reject_words(items),
            *(_reject_date(items, name) for name in dates),
            _reject_tax_types(lines, places),
            _reject_empty(items, lines),
        ]
    )
    return Valued(valued, valued_lines, rejections)


def _amount(name: str) -> pl.Expr:
    return hundredths_to_amount(pl.col(name)).alias(name)


def _date(name: str) -> pl.Expr:
    """Give the date of a date-only field, whether it is written with a time or without."""
    text = pl.col(name)
    return pl.when(text.str.contains(TIMESTAMP_PATTERN)).then(date_only(text))


def _method() -> pl.Expr:
    method = pl.col("item.method")
    return (
        pl.when(pl.col("item.type").is_in(ALWAYS_JOURNAL) | method.is_null() | (method == "none"))
        .then(pl.lit("journal"))
        .otherwise(method)
    )


def quoted(name: str) -> pl.Expr:
    """Give a text for a message: clipped, in quotes, or the word "nothing"."""
    text = pl.col(name)
    clipped = (
        pl.when(text.str.len_chars() > MAX_QUOTED)
        .then(text.str.slice(0, MAX_QUOTED - 1) + "…")
        .otherwise(text)
    )
    return pl.format('"{}"', clipped).fill_null("nothing")


def _reject_ids(items: pl.DataFrame) -> list[pl.DataFrame]:
    malformed = ~pl.col("item.id").str.contains(UUID_PATTERN)
    return [
        reject(
            items.filter(malformed.fill_null(True)),
            "ITEM-3",
            message=pl.format("accountingEntryId is {}, not a UUID", quoted("item.id")),
            fix=_ASK,
        ),
        reject(
            items.filter(pl.col("item.reconciliation_id").is_null()),
            "ITEM-3",
            message="additionalInformation.reconciliationId is empty",
            fix=_ASK,
        ),
    ]


def _reject_words(items: pl.DataFrame) -> list[pl.DataFrame]:
    """Reject types, sub types and methods that are not on Pleo's lists (R38)."""
    kind, sub, method = (pl.col(f"item.{name}") for name in ("type", "sub_type", "method"))
    always = kind.is_in(ALWAYS_JOURNAL).fill_null(False)
    unknown = (
        ("ITEM-4", "item.type", "item type", ~kind.is_in(ITEM_TYPES).fill_null(False)),
        ("ITEM-5", "item.sub_type", "sub type", ~sub.is_in(SUB_TYPES)),
        ("ITEM-7", "item.method", "bookkeeping method", ~always & ~method.is_in(METHODS)),
    )
    return [
        reject(
            items.filter(is_unknown),
            code,
            message=pl.format("{} {} is not known", pl.lit(word), quoted(name)),
            fix=_UPDATE,
        )
        for code, name, word, is_unknown in unknown
    ]


def _reject_date(items: pl.DataFrame, name: str) -> pl.DataFrame:
    wrong = items.filter(pl.col(name).is_not_null() & _date(name).is_null())
    field = name.removeprefix("item.")
    return reject(
        wrong,
        "ITEM-8",
        message=pl.format("{} is {}, not a date", pl.lit(field), quoted(name)),
        fix=_ASK,
    )


def _reject_tax_types(lines: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    kind = pl.col("line.tax.type")
    # A tax object without a type that can be read has an amount all the same.
    has_tax = pl.col("line.wallet_tax").is_not_null()
    unknown = lines.filter(has_tax & ~kind.is_in(TAX_TYPES).fill_null(False))
    return reject(
        unknown.join(places, on=ITEM_KEY, how="left", validate="m:1"),
        "ITEM-6",
        message=pl.format("tax type {} is not known", quoted("line.tax.type")),
        fix=_UPDATE,
    )


def _reject_empty(items: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    return reject(
        items.join(lines, on=ITEM_KEY, how="anti", maintain_order="left"),
        "ITEM-10",
        message="the item has no lines",
        fix="open the item in Pleo and export it again",
    )
