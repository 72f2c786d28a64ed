"""A timestamp becomes a date once, in the company's zone (T-01)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from etl.dates import date_only, local_date

ZONES = [
    "Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Helsinki", "America/New_York",
    "America/St_Johns", "Asia/Kolkata", "Asia/Tokyo", "Australia/Adelaide", "Pacific/Auckland",
    "Pacific/Kiritimati", "UTC",
]  # fmt: skip


def dates_of(texts: list[str | None], zone: str) -> list[date | None]:
    frame = pl.DataFrame({"t": texts}, schema={"t": pl.String})
    return frame.select(local_date(pl.col("t"), zone)).to_series().to_list()


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2025-12-31", "2028-02-29"])
def test_every_half_hour_agrees_with_zoneinfo(zone: str, day: str) -> None:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(seconds=1)
    instants = [start + timedelta(minutes=30 * step) for step in range(96)]
    texts: list[str | None] = [instant.strftime("%Y-%m-%dT%H:%M:%SZ") for instant in instants]
    expected = [instant.astimezone(ZoneInfo(zone)).date() for instant in instants]
    assert dates_of(texts, zone) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-05T00:00:00Z", date(2026, 3, 5)),  # midnight UTC is the date as written
        ("2026-03-05", date(2026, 3, 5)),
        ("2026-03-05T23:40:12.1234567Z", date(2026, 3, 5)),
        ("2026-03-05T00:30:00+01:00", date(2026, 3, 4)),
        ("2026-03-05T00:30:00+0100", date(2026, 3, 4)),
        ("2026-03-05T04:59Z", date(2026, 3, 4)),
        ("2026-02-30", None),
        ("2026-02-30T10:00:00Z", None),
        ("2026-03-05T25:00:00Z", None),
        ("2026-03-05T10:00:00", None),  # no zone: not guessed
        ("05.03.2026", None),
        ("2026-03-05\n", None),
        ("٢٠٢٦-03-05", None),
        ("", None),
        (None, None),
    ],
)
def test_odd_timestamps(text: str | None, expected: date | None) -> None:
    assert dates_of([text], "America/New_York") == [expected]


def test_date_only_reads_the_first_ten_characters() -> None:
    frame = pl.DataFrame({"t": ["2026-02-20T00:00:00Z", "2026-02-20", "soon"]})
    assert frame.select(date_only(pl.col("t"))).to_series().to_list() == [
        date(2026, 2, 20),
        date(2026, 2, 20),
        None,
    ]
