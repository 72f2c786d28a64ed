"""The lists of a file: accounts, vendors, currencies, dimensions and objects that it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from etl.frames import FILE_KEY, LEDGERS, LISTS, POSTING_KEY, schema

_DIMENSION = "posting.dimension."


@dataclass(frozen=True)
class Labels:
    """What reference lists call dimensions and their values."""

    dimensions: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lists:
    """The lists of all parts of a file, each made when it is first read.

    Needs: vouchers and postings with file.key.
    """

    vouchers: pl.DataFrame
    postings: pl.DataFrame
    items: pl.DataFrame
    labels: Labels

    def frame(self, name: str) -> pl.DataFrame:
        """Give a list by name, sorted by file and code, with file.key; sums are exact."""
        return getattr(self, name)  # type: ignore[no-any-return]

    def owners(self, name: str) -> pl.DataFrame:
        """Say which items an element of a list comes from: file.key, code and item.key."""
        postings = self.postings
        if name == "accounts":
            sides = [
                postings.select(FILE_KEY, pl.col(column).alias("account.number"), "item.key")
                for column in ("posting.account", "posting.contra_account")
            ]
            return pl.concat(sides).unique(maintain_order=True)
        if name == "vendors":
            code = pl.col("voucher.vendor.code").alias("vendor.code")
            return self.vouchers.select(FILE_KEY, code, "item.key").unique(maintain_order=True)
        if name == "currencies":
            code = pl.col("posting.currency").alias("currency.code")
            return postings.select(FILE_KEY, code, "item.key").unique(maintain_order=True)
        objects = self.posting_objects.join(
            postings.select(POSTING_KEY, "item.key"), on=POSTING_KEY, how="left", validate="m:1"
        )
        if name == "dimensions":
            dimension = pl.col("object.dimension").alias("dimension.name")
            return objects.select(FILE_KEY, dimension, "item.key").unique(maintain_order=True)
        columns = [FILE_KEY, "object.dimension", "object.code", "item.key"]
        return objects.select(columns).unique(maintain_order=True)

    def items_of(self, name: str, rows: pl.Series) -> pl.DataFrame:
        """Give the items behind some rows of a list: row and item.key."""
        owners = self.owners(name)
        by = [column for column in owners.columns if column != "item.key"]
        numbered = self.frame(name).with_row_index("row")
        elements = numbered.filter(pl.col("row").is_in(rows.implode()))
        return (
            elements.select("row", *by)
            .join(owners, on=by, how="inner", validate="m:m", maintain_order="left")
            .select("row", "item.key")
        )

    @cached_property
    def posting_objects(self) -> pl.DataFrame:
        """Dimension values of every posting."""
        return _objects_of_postings(self.postings, self.labels)

    @cached_property
    def objects(self) -> pl.DataFrame:
        columns = [FILE_KEY, "object.dimension", "object.code", "object.label"]
        used = self.posting_objects.select(columns).unique(maintain_order=True)
        return _sorted(used, "objects", by=["object.dimension", "object.code"])

    @cached_property
    def accounts(self) -> pl.DataFrame:
        return _accounts(self.vouchers, self.postings)

    @cached_property
    def vendors(self) -> pl.DataFrame:
        return _vendors(self.vouchers, self.items)

    @cached_property
    def currencies(self) -> pl.DataFrame:
        return _sums(self.postings, "posting.currency", prefix="currency")

    @cached_property
    def dimensions(self) -> pl.DataFrame:
        return _dimensions(self.objects, self.labels)


def _objects_of_postings(postings: pl.DataFrame, labels: Labels) -> pl.DataFrame:
    """Give the dimension values of every posting: file.key, posting.key and the object."""
    names = sorted(name for name in postings.columns if name.startswith(_DIMENSION))
    keys = [FILE_KEY, POSTING_KEY]
    if not names:
        return pl.DataFrame(schema={**postings.select(keys).schema, **schema(LISTS["objects"])})
    order = postings.select(*keys, pl.int_range(pl.len()).alias("#at"))
    found = (
        pl.concat([order, postings.select(names)], how="horizontal")
        .unpivot(names, index=[*keys, "#at"], variable_name="name", value_name="object.code")
        .filter(pl.col("object.code").is_not_null() & (pl.col("object.code") != ""))
        .with_columns(pl.col("name").str.strip_prefix(_DIMENSION).alias("object.dimension"))
        .sort("#at", "object.dimension", maintain_order=True)
    )
    label = [
        labels.objects.get(pair)
        for pair in zip(found["object.dimension"], found["object.code"], strict=True)
    ]
    return found.select(
        *keys,
        "object.dimension",
        "object.code",
        pl.Series("object.label", label, dtype=pl.String),
    )


def _accounts(vouchers: pl.DataFrame, postings: pl.DataFrame) -> pl.DataFrame:
    """Sum accounts; the contra account of a pair stands on the other side."""
    own = postings.select(
        FILE_KEY,
        pl.col("posting.account").alias("account.number"),
        pl.col("posting.account_name").alias("account.name"),
        pl.col("posting.ledger").alias("account.ledger"),
        pl.col("posting.debit").alias("account.debit"),
        pl.col("posting.credit").alias("account.credit"),
    )
    ledger = vouchers.select(
        "voucher.key",
        pl.col("voucher.contra_role")
        .replace_strict(dict(LEDGERS), default="general", return_dtype=pl.String)
        .alias("account.ledger"),
    )
    contra = (
        postings.filter(pl.col("posting.contra_account").is_not_null())
        .join(ledger, on="voucher.key", how="left", validate="m:1", maintain_order="left")
        .select(
            FILE_KEY,
            pl.col("posting.contra_account").alias("account.number"),
            pl.col("posting.contra_account_name").alias("account.name"),
            "account.ledger",
            pl.col("posting.credit").alias("account.debit"),
            pl.col("posting.debit").alias("account.credit"),
        )
    )
    rows = pl.concat([own, contra]).filter(pl.col("account.number").is_not_null())
    summed = rows.group_by(FILE_KEY, "account.number").agg(
        pl.col("account.name").drop_nulls().first(),
        pl.col("account.ledger").drop_nulls().first(),
        pl.col("account.debit").sum(),
        pl.col("account.credit").sum(),
    )
    return _sorted(summed, "accounts", by=["account.number"])


def _vendors(vouchers: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    country = items.select(
        "item.key",
        pl.coalesce("item.vendor.country", "item.supplier.country").alias("vendor.country"),
    )
    rows = vouchers.filter(pl.col("voucher.vendor.code").is_not_null()).join(
        country, on="item.key", how="left", validate="m:1", maintain_order="left"
    )
    found = rows.group_by(
        FILE_KEY, pl.col("voucher.vendor.code").alias("vendor.code"), maintain_order=True
    ).agg(
        pl.col("voucher.vendor.name").drop_nulls().first().alias("vendor.name"),
        pl.col("voucher.vendor.tax_id").drop_nulls().first().alias("vendor.tax_id"),
        pl.col("vendor.country").drop_nulls().first(),
    )
    return _sorted(found, "vendors", by=["vendor.code"])


def _sums(postings: pl.DataFrame, by: str, *, prefix: str) -> pl.DataFrame:
    summed = (
        postings.filter(pl.col(by).is_not_null())
        .group_by(FILE_KEY, pl.col(by).alias(f"{prefix}.code"))
        .agg(
            pl.col("posting.debit").sum().alias(f"{prefix}.debit"),
            pl.col("posting.credit").sum().alias(f"{prefix}.credit"),
        )
    )
    return _sorted(summed, "currencies", by=[f"{prefix}.code"])


def _dimensions(objects: pl.DataFrame, labels: Labels) -> pl.DataFrame:
    names = objects.select(FILE_KEY, pl.col("object.dimension").alias("dimension.name")).unique()
    label = [labels.dimensions.get(name, name) for name in names["dimension.name"]]
    return _sorted(
        names.with_columns(pl.Series("dimension.label", label, dtype=pl.String)),
        "dimensions",
        by=["dimension.name"],
    )


def _sorted(frame: pl.DataFrame, name: str, *, by: list[str]) -> pl.DataFrame:
    """Order a list, give it the columns of its kind, and say which file each row is of."""
    columns = schema(LISTS[name])
    return (
        frame.sort(FILE_KEY, *by)
        .select(FILE_KEY, *(pl.col(column).cast(dtype) for column, dtype in columns.items()))
        .with_columns(pl.col(FILE_KEY).cast(pl.UInt32).alias("#file"))
    )
