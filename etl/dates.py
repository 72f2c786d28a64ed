"""Date policy: date-only fields are their first ten characters; a timestamp becomes a date once,
in the company's time zone, and exactly midnight UTC counts as the date written.
"""

from __future__ import annotations

import polars as pl

#: What a timestamp or date of Pleo looks like: an ISO date, or an ISO date-time with offset.
DATE_LENGTH = 10
TIMESTAMP_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2}))?$"
)


def date_only(text: pl.Expr) -> pl.Expr:
    """Give the date in the first ten characters, null where they are no date."""
    return text.str.slice(0, DATE_LENGTH).str.to_date("%Y-%m-%d", strict=False)


def local_date(text: pl.Expr, time_zone: str) -> pl.Expr:
    """Give the date of a timestamp in a time zone, null where it is no timestamp.

    Exactly midnight UTC is the date as written: Pleo sends dates that way too.
    """
    seconds = text.str.replace(r"(\.[0-9]{6})[0-9]+", "$1")
    with_offset = seconds.str.replace(r"Z$", "+00:00").str.replace(
        r"T([0-9]{2}:[0-9]{2})([+-])", "T$1:00$2"
    )
    instant = pl.coalesce(
        with_offset.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", strict=False),
        with_offset.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", strict=False),
    )
    is_midnight = instant.dt.time() == pl.time(0, 0, 0)
    moved = instant.dt.convert_time_zone(time_zone).dt.date()
    is_timestamp = text.str.contains(TIMESTAMP_PATTERN)
    as_written = is_midnight | (text.str.len_chars() == DATE_LENGTH)
    value = pl.when(as_written).then(date_only(text)).otherwise(moved)
    return pl.when(is_timestamp).then(value)
