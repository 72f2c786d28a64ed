"""Mapped codes against the reference lists: what the ERP does not know is rejected.

Codes are those of the ERP, after mapping. A list that is not there is not checked against.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from etl.findings import join_findings, no_rejections, reject
from etl.mapping.cells import ROW_COLUMN
from etl.mapping.loading import LoadedMapping
from etl.mapping.reference import ACTIVE, CODE, NAME, Listing, Reference
from etl.mapping.rules import Target
from etl.mapping.tables import FROM_COLUMN, TO_COLUMN

_KNOWN, _ACTIVE = "~known", "~active"


def with_chart(
    frame: pl.DataFrame, role: str, reference: Reference, attributes: Sequence[str]
) -> pl.DataFrame:
    """Add what the reference list says about the account of a role.

    Gives: chart.<role>.<attribute> for each attribute that is read, `~name.<role>` and, to be
    checked, `~known.<role>` (row of the list) and `~active.<role>`.
    """
    own = [f"~name.{role}", f"~known.{role}", f"~active.{role}"]
    charted = [f"chart.{role}.{attribute}" for attribute in attributes]
    if reference.accounts is None:
        return frame.with_columns(
            pl.lit(None, pl.String()).alias(own[0]),
            pl.lit(None, pl.UInt32()).alias(own[1]),
            pl.lit(None, pl.Boolean()).alias(own[2]),
        )
    accounts = reference.accounts.frame.select(
        pl.col(CODE).alias(f"account.{role}"),
        pl.col(NAME).alias(own[0]),
        pl.col(ROW_COLUMN).alias(own[1]),
        pl.col(ACTIVE).alias(own[2]),
        *(pl.col(a).alias(name) for a, name in zip(attributes, charted, strict=True)),
    )
    joined = frame.join(
        accounts, on=f"account.{role}", how="left", validate="m:1", maintain_order="left"
    )
    assert joined.height == frame.height
    return joined


def refuse_unknown_account(
    frame: pl.DataFrame, target: Target, *, wanted: pl.Expr, reference: Reference
) -> pl.DataFrame:
    """Reject lines whose account the ERP does not know, or has closed (after with_chart).

    An account payable may be a vendor's number instead: it is looked up there.
    """
    listing, role = reference.accounts, target.role
    if listing is None or role is None:
        return no_rejections()
    is_vendor = pl.lit(False)
    if role == "payable":
        is_vendor = pl.col(target.name) == pl.col("voucher.vendor.code")
        if reference.vendors is not None:
            codes = reference.vendors.frame.filter(pl.col(ACTIVE))[CODE].implode()
            is_vendor = is_vendor | pl.col(target.name).is_in(codes)
    asked = wanted & pl.col(target.name).is_not_null() & ~is_vendor.fill_null(False)
    bad = frame.filter(asked & ~pl.col(f"~active.{role}").fill_null(False))
    return _refuse(
        bad.with_columns(pl.col(f"~known.{role}").alias(_KNOWN)), target,
        code="MAP-30", what="account", listing=listing,
    )  # fmt: skip


def refuse_unknown_tax_code(
    frame: pl.DataFrame, target: Target, *, reference: Reference
) -> pl.DataFrame:
    """Reject lines whose tax code the ERP does not know, or no longer uses."""
    if reference.tax_codes is None:
        return no_rejections()
    return _refuse_by(
        frame, target, reference.tax_codes.frame,
        listing=reference.tax_codes, code="MAP-31", what="tax code",
    )  # fmt: skip


def refuse_unknown_value(
    frame: pl.DataFrame, target: Target, *, mapping: LoadedMapping
) -> pl.DataFrame:
    """Reject lines whose dimension value the ERP does not know, or not on the posting date.

    A dimension of which the list has no value at all is not checked.
    """
    listing = mapping.reference.dimension_values
    if listing is None:
        return no_rejections()
    groups = mapping.names_of_dimension(target.name)
    values = listing.frame.filter(pl.col("~dimension").is_in(groups))
    if values.is_empty():
        return no_rejections()
    return _refuse_by(
        frame, target, values.unique(CODE, keep="first", maintain_order=True),
        listing=listing, code="MAP-32", what=f"{mapping.in_words(target.name)} value",
    )  # fmt: skip


def _refuse_by(
    frame: pl.DataFrame,
    target: Target,
    known: pl.DataFrame,
    *,
    listing: Listing,
    code: str,
    what: str,
) -> pl.DataFrame:
    asked = frame.filter(pl.col(target.name).is_not_null())
    dated = [name for name in (FROM_COLUMN, TO_COLUMN) if name in known.columns]
    rows = known.select(
        pl.col(CODE).alias(target.name),
        pl.col(ROW_COLUMN).alias(_KNOWN),
        pl.col(ACTIVE).alias(_ACTIVE),
        *dated,
    )
    joined = asked.join(rows, on=target.name, how="left", validate="m:1", maintain_order="left")
    assert joined.height == asked.height
    good = pl.col(_ACTIVE).fill_null(False)
    if dated:
        good = good & pl.col("voucher.date").is_between(FROM_COLUMN, TO_COLUMN).fill_null(True)
    return _refuse(joined.filter(~good), target, code=code, what=what, listing=listing)


def _refuse(
    rows: pl.DataFrame, target: Target, *, code: str, what: str, listing: Listing
) -> pl.DataFrame:
    if rows.is_empty():
        return no_rejections()
    value, line = pl.col(target.name), pl.col(_KNOWN)
    when = " on the posting date" if FROM_COLUMN in listing.frame.columns else ""
    is_missing = line.is_null()
    rules = target.candidates()
    where = pl.col(f"rule.{target.name}").replace_strict(
        [rule.number for rule in rules], [str(rule.place) for rule in rules],
        default=None, return_dtype=pl.String,
    )  # fmt: skip
    missing = reject(
        rows.filter(is_missing), code,
        message=pl.format(f'{what} "{{}}" is not in {listing.written}', value),
        fix="add it to the list if the ERP has it, else correct it in Pleo or in the mapping",
        where=where,
    )  # fmt: skip
    closed = reject(
        rows.filter(~is_missing), code,
        message=pl.format(
            f'{what} "{{}}" is not active{when} ({listing.written}:{{}})', value, line
        ),
        fix="choose another one in Pleo or in the mapping, or activate it in the list",
        where=where,
    )  # fmt: skip
    return join_findings([missing, closed])
