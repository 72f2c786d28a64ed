"""The contract of a frame at a seam: its columns, their types, which may be null, which are keys.

Pandera states and checks it, on eager frames only, with validation proven to be switched on. It
never coerces and never drops a row. A row-level failure is a defect of ours here, since every
row rule has had its turn before; so any failure at all stops the whole batch.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.errors import Problem, UserMustFix
from etl.frames import CHECKED_ITEMS, CHECKED_LINES, INGESTED_ITEMS, Column

if TYPE_CHECKING:
    import pandera.polars as pa

MAX_SHOWN = 20


def validate(frame: pl.DataFrame, contract: pa.DataFrameSchema) -> pl.DataFrame:
    """Check a frame against its contract and give it back unchanged.

    Raises: UserMustFix IN-10 if validation is switched off, if the frame is lazy, or if the
    contract coerces, drops rows or is not kept, by one row or by the whole frame.
    """
    import pandera.config
    import pandera.errors

    settings = pandera.config.get_config_context(validation_depth_default=None)
    if not settings.validation_enabled:
        raise _stop(
            "checks are switched off (PANDERA_VALIDATION_ENABLED)", "unset that variable"
        )  # T6
    if settings.validation_depth not in (None, pandera.config.ValidationDepth.SCHEMA_AND_DATA):
        raise _stop(
            f"checks are narrowed to {settings.validation_depth.value} (PANDERA_VALIDATION_DEPTH)",
            "unset that variable",
        )
    if not isinstance(frame, pl.DataFrame):
        raise _stop("a lazy frame cannot be checked", _OURS)  # T5
    _refuse_lenient(contract)
    try:
        contract.validate(frame, lazy=True)
    except (pandera.errors.SchemaErrors, pandera.errors.SchemaError) as error:
        raise _stop(f"a frame breaks its contract: {_told(error)}", _OURS) from error
    return frame
