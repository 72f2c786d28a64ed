"""The contract of a frame at a seam: its columns, their types, which may be null, which are keys.

Pandera states and checks it, on eager frames only, with validation proven to be switched on. It
never coerces and never drops a row: a row that breaks the contract is named, and rejected by
whoever asked; whatever cannot be pinned to a row stops the whole batch.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.errors import BatchInvalid, Problem
from etl.frames import CHECKED_ITEMS, CHECKED_LINES, INGESTED_ITEMS, Column

if TYPE_CHECKING:
    import pandera.polars as pa

MAX_SHOWN = 20
_OFF = "checks of pleo-etl itself are switched off, so nothing was converted"
_OURS = "this is a defect of pleo-etl: please report it with the message"

_NEVER_NULL_ITEM = {
    "item.key", "item.where", "item.id", "item.company_id", "item.type", "item.method",
    "item.reconciliation_id", "item.date_text", "item.date", "item.amount", "item.currency",
    "item.wallet_amount", "item.wallet_currency", "item.supplier_amount", "item.supplier_currency",
}  # fmt: skip
_NEVER_NULL_LINE = {
    "item.key", "line.key", "line.number", "line.count", "line.gross", "line.base", "line.tax",
    "line.wallet_gross", "line.wallet_net", "line.supplier_gross", "line.supplier_net",
}  # fmt: skip


def faulty_rows(frame: pl.DataFrame, contract: pa.DataFrameSchema) -> dict[int, str]:
    """Check a frame against its contract, and name the rows that break it and how.

    Gives: nothing for a good frame, else a text by row number.
    Raises: BatchInvalid IN-10 if validation is switched off or narrowed (T6), if the frame is
    lazy (T5), if the contract coerces (T9), drops rows (T7) or ignores nulls (T8), or if the
    frame itself is wrong or a check cannot run (T10).
    """
    import pandera.config
    import pandera.errors

    settings = pandera.config.get_config_context(validation_depth_default=None)
    if not settings.validation_enabled:
        raise _stop(_OFF, "remove PANDERA_VALIDATION_ENABLED from the environment")
    if settings.validation_depth not in (None, pandera.config.ValidationDepth.SCHEMA_AND_DATA):
        raise _stop(_OFF, "remove PANDERA_VALIDATION_DEPTH from the environment")
    if not isinstance(frame, pl.DataFrame):
        raise _stop("a lazy frame cannot be checked", _OURS)
    _refuse_lenient(contract)
    try:
        contract.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        return _by_row(error.failure_cases)
    except pandera.errors.SchemaError as error:
        raise _stop(f"a frame breaks its contract: {error}", _OURS) from error
    return {}


def validate(frame: pl.DataFrame, contract: pa.DataFrameSchema) -> pl.DataFrame:
    """Check a frame of which no row may break the contract, and give it back unchanged.

    Raises: BatchInvalid IN-10; see faulty_rows.
    """
    faulty = faulty_rows(frame, contract)
    if faulty:
        shown = "; ".join(f"row {row}: {what}" for row, what in list(faulty.items())[:MAX_SHOWN])
        raise _stop(f"a frame breaks its contract in {len(faulty)} rows: {shown}", _OURS)
    return frame


def _by_row(failures: pl.DataFrame) -> dict[int, str]:
    """Sort failures by row; one without a row concerns the whole frame (T10)."""
    found: dict[int, str] = {}
    for case in failures.iter_rows(named=True):
        place = case["column"] or "frame"
        what = f"{place}: {case['check']} ({case['failure_case']})"
        if case["index"] is None:
            raise _stop(f"a frame breaks its contract: {what}", _OURS)
        row = int(case["index"])
        found[row] = f"{found[row]}, {what}" if row in found else what
    return found


def _refuse_lenient(contract: pa.DataFrameSchema) -> None:
    """Refuse a contract that repairs or hides what it should report."""
    parts = [contract, *contract.columns.values()]
    if any(getattr(part, "coerce", False) for part in parts):
        raise _stop("a contract may not coerce", _OURS)
    if any(getattr(part, "drop_invalid_rows", False) for part in parts):
        raise _stop("a contract may not drop rows", _OURS)
    if any(check.ignore_na for check in contract.checks):
        raise _stop("a check across columns may not ignore nulls", _OURS)


def _stop(what: str, fix: str) -> BatchInvalid:
    return BatchInvalid(Problem("IN-10", what, "", fix))


def _contract(
    groups: Iterable[Column],
    *,
    never_null: Collection[str],
    keys: Collection[str],
    checks: Collection[Any] = (),
) -> pa.DataFrameSchema:
    import pandera.polars as pa

    return pa.DataFrameSchema(
        {
            column.name: pa.Column(
                column.dtype, nullable=column.name not in never_null, unique=column.name in keys
            )
            for column in groups
        },
        strict=True,
        ordered=True,
        checks=list(checks),
    )


@functools.cache
def ingested_items() -> pa.DataFrameSchema:
    """Give the contract of items as read: little is sure before the checks."""
    return _contract(
        INGESTED_ITEMS,
        never_null={"item.key", "item.where", "item.wallet_amount", "item.supplier_amount"},
        keys={"item.key"},
    )


@functools.cache
def checked_items() -> pa.DataFrameSchema:
    """Give the contract of items that may be posted."""
    return _contract(CHECKED_ITEMS, never_null=_NEVER_NULL_ITEM, keys={"item.key", "item.id"})


@functools.cache
def checked_lines() -> pa.DataFrameSchema:
    """Give the contract of lines that may be posted: base and tax make the amount (R81)."""
    import pandera.polars as pa

    gross, base, tax = (pl.col(f"line.{name}") for name in ("gross", "base", "tax"))
    is_part = pl.col("line.tax.type").is_in(["inclusive", "exclusive"]).fill_null(False)
    adds_up = pl.when(is_part).then(base + tax == gross).otherwise(base == gross).fill_null(False)
    return _contract(
        CHECKED_LINES,
        never_null=_NEVER_NULL_LINE,
        keys={"line.key"},
        checks=[
            pa.Check(
                lambda data: data.lazyframe.select(adds_up), ignore_na=False, name="base and tax"
            )
        ],
    )
