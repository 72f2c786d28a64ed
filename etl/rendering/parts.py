"""Which voucher goes into which file, and where a further file begins.

vouchers ─ where ─> file ─ split by, max ─> parts (file.key 0, 1, …) ─> facts of each part
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from etl.frames import FILE, FILE_KEY, ITEM_KEY, VOUCHER_KEY, schema
from etl.rendering.document import Split

_BY: Mapping[str, pl.Expr] = {
    "fiscal_year": pl.col("voucher.fiscal_year.start"),
    "month": pl.col("voucher.date").dt.strftime("%Y-%m"),
    "currency": pl.col("voucher.currency"),
    "voucher": pl.int_range(pl.len()),
}
_ONE_OF_VOUCHERS = (
    "fiscal_year.start", "fiscal_year.end", "fiscal_year.label", "period", "period.year",
    "period.number", "period.start", "period.end",
)  # fmt: skip


def split_vouchers(vouchers: pl.DataFrame, split: Split, *, sizes: pl.DataFrame) -> pl.DataFrame:
    """Give vouchers a part each, in output order.

    Needs: vouchers in order; sizes, rows and bytes of each voucher by voucher.key (bytes 0 where
    they do not matter).
    Gives: vouchers sorted by part, with file.key from 0 without gaps.
    """
    by = [_BY[name].alias(f"#by{number}") for number, name in enumerate(split.by)]
    names = [f"#by{number}" for number in range(len(by))]
    frame = vouchers.with_columns(by) if by else vouchers
    frame = frame.join(
        sizes, on=VOUCHER_KEY, how="left", validate="1:1", maintain_order="left"
    ).with_columns(pl.col("rows", "bytes").fill_null(0))
    if by:
        frame = frame.sort(names, maintain_order=True, nulls_last=True)
        group = pl.struct(names).rle_id()
    else:
        group = pl.lit(0, pl.UInt32)
    frame = frame.with_columns(group.alias("#group"))
    frame = frame.with_columns(_pieces(frame, split).alias("#piece"))
    return frame.with_columns(
        pl.struct("#group", "#piece").rle_id().cast(pl.UInt32).alias(FILE_KEY)
    ).drop(*names, "#group", "#piece", "rows", "bytes")


def _pieces(frame: pl.DataFrame, split: Split) -> pl.Series:
    """Number the pieces of every group so that none is larger than allowed.

    A voucher that is too large alone stands alone; the caller rejects it.
    """
    limits = {"rows": split.max.rows, "vouchers": split.max.vouchers, "bytes": split.max.bytes}
    held = {name: limit for name, limit in limits.items() if limit is not None}
    none = pl.Series(pl.repeat(0, frame.height, dtype=pl.UInt32, eager=True))
    if not held or frame.is_empty():
        return none
    amounts = frame.select(
        "#group", pl.lit(1, pl.Int64).alias("vouchers"), pl.col("rows", "bytes").cast(pl.Int64)
    )
    totals = amounts.group_by("#group").agg(pl.col(*held).sum())
    if all((totals[name] <= limit).all() for name, limit in held.items()):
        return none
    piece, used, last = 0, dict.fromkeys(held, 0), None
    pieces: list[int] = []
    columns = {name: amounts[name].to_list() for name in held}
    for row, group in enumerate(amounts["#group"].to_list()):
        if group != last:
            piece, used, last = 0, dict.fromkeys(held, 0), group
        added = {name: columns[name][row] for name in held}
        begun = any(used.values())
        if begun and any(used[name] + added[name] > limit for name, limit in held.items()):
            piece, used = piece + 1, dict.fromkeys(held, 0)
        used = {name: used[name] + added[name] for name in held}
        pieces.append(piece)
    return pl.Series(pieces, dtype=pl.UInt32)


def too_large(vouchers: pl.DataFrame, split: Split, *, sizes: pl.DataFrame) -> pl.DataFrame:
    """Give the vouchers that do not fit into a file even alone: item.key and what is too much."""
    held = [
        pl.when(pl.col(name) > limit).then(
            pl.format("{} " + name + ", and a file may hold " + str(limit), pl.col(name))
        )
        for name, limit in (("rows", split.max.rows), ("bytes", split.max.bytes))
        if limit is not None
    ]
    if not held:
        return pl.DataFrame(schema={ITEM_KEY: pl.UInt32, "much": pl.String})
    joined = vouchers.join(sizes, on=VOUCHER_KEY, how="left", validate="1:1")
    return joined.select(ITEM_KEY, pl.coalesce(held).alias("much")).filter(
        pl.col("much").is_not_null()
    )


def sums_of(postings: pl.DataFrame) -> pl.DataFrame:
    """Sum the postings of every file by currency: rows, debit, credit, and the pairs among them.

    Gives: file.key, currency, rows, debit, credit, paired (debit and credit of pairs, which stand
    on both sides), sorted.
    """
    is_pair = pl.col("posting.shape") == "pair"
    debit, credit = pl.col("posting.debit"), pl.col("posting.credit")
    return (
        postings.group_by(FILE_KEY, pl.col("posting.currency").alias("currency"))
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            debit.sum().alias("debit"),
            credit.sum().alias("credit"),
            debit.filter(is_pair).sum().alias("paired_debit"),
            credit.filter(is_pair).sum().alias("paired_credit"),
        )
        .sort(FILE_KEY, "currency")
    )


def file_facts(vouchers: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """Give the FILE columns of every part.

    Needs: vouchers with file.key; sums of their postings.
    Units: debit and credit in the file's currency; null where there are several.
    """

    def one(name: str) -> pl.Expr:
        column = pl.col(name)
        return pl.when((column.min() == column.max()) & (column.null_count() == 0)).then(
            column.first()
        )

    of_vouchers = vouchers.group_by(FILE_KEY).agg(
        pl.len().cast(pl.Int64).alias("file.vouchers"),
        pl.col("voucher.date").min().alias("file.first_date"),
        pl.col("voucher.date").max().alias("file.last_date"),
        *(one(f"voucher.{name}").alias(f"file.{name}") for name in _ONE_OF_VOUCHERS),
    )
    is_one = pl.len() == 1
    of_postings = sums.group_by(FILE_KEY).agg(
        pl.col("rows").sum().alias("file.rows"),
        pl.when(is_one).then(pl.col("debit").sum()).alias("file.debit"),
        pl.when(is_one).then(pl.col("credit").sum()).alias("file.credit"),
        pl.when(is_one).then(pl.col("currency").first()).alias("file.currency"),
    )
    joined = (
        of_vouchers.join(of_postings, on=FILE_KEY, how="left", validate="1:1")
        .sort(FILE_KEY)
        .with_columns(
            (pl.col(FILE_KEY).cast(pl.Int64) + 1).alias("file.number"),
            pl.len().cast(pl.Int64).alias("file.count"),
            pl.col("file.rows").fill_null(0),
        )
    )
    wanted = schema(FILE)
    return joined.select(FILE_KEY, *(pl.col(name).cast(kind) for name, kind in wanted.items()))


def totals_of(sums: pl.DataFrame) -> pl.DataFrame:
    """Give debit and credit by file and currency; a pair counts on both sides."""
    return sums.select(
        FILE_KEY,
        "currency",
        (pl.col("debit") + pl.col("paired_credit")).alias("debit"),
        (pl.col("credit") + pl.col("paired_debit")).alias("credit"),
    )
