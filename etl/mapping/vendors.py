"""Vendor resolution: which vendor of the ERP an export item belongs to.

    vendor on the item ──> code · external id · tax id         (the supplier is then ignored)
    else the supplier  ──> code · account · tax id             first key with exactly one hit
    owed to an employee ─> employee code                       (the merchant has been paid)
    several hits ──> none        only a blocked vendor ──> blocked        no list ──> as sent

Source: Pleo's accounts payable design (code, then account, then tax identifier) and concept
(an expense that the employee paid is owed to the employee as vendor).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from etl.frames import VOUCHER
from etl.mapping.reference import ACTIVE, CODE, NAME, Listing

#: Left: what the item has. Right: columns of the list, a row counts once if any of them hits.
_BY_VENDOR = (
    ("item.vendor.code", ("~vendor_code",)),
    ("item.vendor.external_id", ("~external_id",)),
    ("item.vendor.tax_id", ("~tax_id",)),
)
_BY_SUPPLIER = (
    ("item.supplier.code", ("~vendor_code", "~external_id")),
    ("item.supplier.account", ("~account", "~vendor_code")),
    ("item.supplier.tax_id", ("~tax_id",)),
)
_BY_EMPLOYEE = (("item.user.code", ("~vendor_code", "~external_id")),)
#: Under accounts payable these are owed to, or settled with, an employee.
_EMPLOYEE_TYPES = (
    "out_of_pocket", "mileage", "per_diem", "direct_reimbursement", "external_reimbursement",
)  # fmt: skip
_VENDOR_FIELDS = (
    "item.vendor.name", "item.vendor.code", "item.vendor.external_id", "item.vendor.tax_id",
    "item.vendor.registration_number",
)  # fmt: skip
COLUMNS = tuple(column.name for column in VOUCHER if column.name.startswith("voucher.vendor."))
STATE = "~vendor"
LOOKED_FOR = "~vendor.looked_for"


def resolve_vendors(items: pl.DataFrame, vendors: Listing | None) -> pl.DataFrame:
    """Find the vendor of each item.

    Needs: items with type, method and the vendor, supplier and user columns.
    Gives: the same rows with voucher.vendor.code, name and tax_id, STATE (found, blocked or
    none) and LOOKED_FOR, the names and numbers that were looked for, in words.
    """
    has_vendor = pl.any_horizontal(pl.col(name).is_not_null() for name in _VENDOR_FIELDS)
    is_owed = pl.col("item.type").is_in(_EMPLOYEE_TYPES)
    is_owed = (is_owed & (pl.col("item.method") == "accounts_payable")).fill_null(False)
    asked = items.with_columns(
        has_vendor.alias("~by_vendor"),
        (~has_vendor & is_owed).alias("~by_employee"),
        (~has_vendor & ~is_owed).alias("~by_supplier"),
    ).with_columns(
        _first_of(
            vendor=_words("vendor", "code", "external_id", "tax_id"),
            employee=_words("user", "code"),
            supplier=_words("supplier", "code", "account", "tax_id"),
        ).alias(LOOKED_FOR)
    )
    found = _as_sent(asked) if vendors is None else _from_list(asked, vendors)
    assert found.height == items.height
    return found.drop("~by_vendor", "~by_employee", "~by_supplier")


def _first_of(*, vendor: pl.Expr, employee: pl.Expr, supplier: pl.Expr) -> pl.Expr:
    """Choose by whom an item's vendor is."""
    return (
        pl.when("~by_vendor").then(vendor).when("~by_employee").then(employee).otherwise(supplier)
    )


def _words(kind: str, *fields: str) -> pl.Expr:
    """Name what the item says about its vendor; null where it says nothing."""
    shown = "employee" if kind == "user" else kind
    parts = [
        pl.format(f'{shown} {field.replace("_", " ")} "{{}}"', pl.col(f"item.{kind}.{field}"))
        for field in ("name", *fields)
    ]
    words = pl.concat_str(parts, separator=", ", ignore_nulls=True)
    return pl.when(words != "").then(words)


def _as_sent(items: pl.DataFrame) -> pl.DataFrame:
    code = _first_of(
        vendor=pl.coalesce("item.vendor.code", "item.vendor.external_id"),
        employee=pl.col("item.user.code"),
        supplier=pl.coalesce("item.supplier.code", "item.supplier.account"),
    )
    name = _first_of(
        vendor=pl.col("item.vendor.name"),
        employee=pl.col("item.user.name"),
        supplier=pl.col("item.supplier.name"),
    )
    tax_id = _first_of(
        vendor=pl.col("item.vendor.tax_id"),
        employee=pl.lit(None, pl.String()),
        supplier=pl.col("item.supplier.tax_id"),
    )
    known = code.is_not_null()
    return items.with_columns(
        code.alias("voucher.vendor.code"),
        pl.when(known).then(name).alias("voucher.vendor.name"),
        pl.when(known).then(tax_id).alias("voucher.vendor.tax_id"),
        pl.when(known).then(pl.lit("found")).otherwise(pl.lit("none")).alias(STATE),
    )


def _from_list(items: pl.DataFrame, vendors: Listing) -> pl.DataFrame:
    rows = vendors.frame.with_row_index("~index").with_columns(
        pl.col("~tax_id").alias("~tax_id_sent"), _tax_number(pl.col("~tax_id")).alias("~tax_id")
    )
    steps = [
        *(("~by_vendor", column, keys) for column, keys in _BY_VENDOR),
        *(("~by_employee", column, keys) for column, keys in _BY_EMPLOYEE),
        *(("~by_supplier", column, keys) for column, keys in _BY_SUPPLIER),
    ]
    found = items.with_columns(
        pl.lit(None, dtype=pl.UInt32).alias("~index"),
        pl.lit(False).alias("~blocked"),
    )
    for applies, column, keys in steps:
        found = _try_key(found, rows, applies=applies, column=column, keys=keys)
    chosen = rows.select(
        "~index",
        pl.col(CODE).alias("voucher.vendor.code"),
        pl.col(NAME).alias("voucher.vendor.name"),
        pl.col("~tax_id_sent").alias("voucher.vendor.tax_id"),
    )
    is_found, is_blocked = pl.col("~index").is_not_null(), pl.col("~blocked")
    state = (
        pl.when(is_found).then(pl.lit("found"))
        .when(is_blocked).then(pl.lit("blocked"))
        .otherwise(pl.lit("none"))
    )  # fmt: skip
    return (
        found.join(chosen, on="~index", how="left", validate="m:1", maintain_order="left")
        .with_columns(state.alias(STATE))
        .drop("~index", "~blocked")
    )


def _try_key(
    items: pl.DataFrame, rows: pl.DataFrame, *, applies: str, column: str, keys: Sequence[str]
) -> pl.DataFrame:
    """Take the one active vendor that a key hits, where no key before it decided."""
    hits = (
        pl.concat([rows.select(pl.col(key).alias("~asked"), "~index", ACTIVE) for key in keys])
        .drop_nulls("~asked")
        .unique(["~asked", "~index"])
        .group_by("~asked")
        .agg(
            pl.col("~index").filter(pl.col(ACTIVE)).n_unique().alias("~active_hits"),
            pl.col("~index").filter(pl.col(ACTIVE)).min().alias("~hit"),
        )
    )
    undecided = pl.col("~index").is_null() & ~pl.col("~blocked") & pl.col(applies)
    text = _tax_number(pl.col(column)) if keys == ("~tax_id",) else pl.col(column).str.strip_chars()
    joined = items.with_columns(pl.when(undecided).then(text).alias("~asked")).join(
        hits, on="~asked", how="left", validate="m:1", maintain_order="left"
    )
    one = pl.col("~active_hits") == 1
    return joined.with_columns(
        pl.when(one).then("~hit").otherwise("~index").alias("~index"),
        (pl.col("~blocked") | (pl.col("~active_hits") == 0).fill_null(False)).alias("~blocked"),
    ).drop("~asked", "~active_hits", "~hit")


def _tax_number(text: pl.Expr) -> pl.Expr:
    """Compare tax numbers without blanks and case."""
    return text.str.replace_all(r"[ \u00a0]", "").str.to_uppercase()
