"""Posting dates, periods and fiscal years (R102 to R104)."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.mapping.calendar import Calendar, make_calendar
from etl.mapping.document import Company, Periods
from tests.unit.mapping.written import codes, load, mapped

RULES = """
map:
  account.expense: [{use: "1"}]
  account.wallet: [{use: "1360"}]
"""
COMPANY_FACTS: dict[str, Any] = {
    "name": "Acme",
    "id": "5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10",
    "time_zone": "Europe/Berlin",
    "currency": "EUR",
}


def calendar(fiscal_year: str = "01-01", closed_until: date | None = None) -> Calendar:
    company = Company(**COMPANY_FACTS, fiscal_year=fiscal_year)
    periods = Periods(closed_until=closed_until, on_closed="next_open")
    return make_calendar(company, periods, None)


@pytest.mark.parametrize(
    ("first", "day", "start", "end", "label", "year", "number"),
    [
        ("01-01", date(2026, 3, 9), date(2026, 1, 1), date(2026, 12, 31), "2026", 2026, 3),
        ("01-01", date(2026, 12, 31), date(2026, 1, 1), date(2026, 12, 31), "2026", 2026, 12),
        ("07-01", date(2026, 6, 30), date(2025, 7, 1), date(2026, 6, 30), "2025/26", 2025, 12),
        ("07-01", date(2026, 7, 1), date(2026, 7, 1), date(2027, 6, 30), "2026/27", 2026, 1),
        ("04-06", date(2026, 4, 5), date(2025, 4, 6), date(2026, 4, 5), "2025/26", 2025, 12),
        ("04-06", date(2026, 5, 5), date(2026, 4, 6), date(2027, 4, 5), "2026/27", 2026, 1),
        ("04-06", date(2026, 5, 6), date(2026, 4, 6), date(2027, 4, 5), "2026/27", 2026, 2),
        # a year that ends on 28 or 29 February
        ("03-01", date(2028, 2, 29), date(2027, 3, 1), date(2028, 2, 29), "2027/28", 2027, 12),
        ("03-01", date(2027, 2, 28), date(2026, 3, 1), date(2027, 2, 28), "2026/27", 2026, 12),
        ("02-28", date(2028, 2, 29), date(2028, 2, 28), date(2029, 2, 27), "2028/29", 2028, 1),
        ("12-01", date(1999, 12, 1), date(1999, 12, 1), date(2000, 11, 30), "1999/00", 1999, 1),
    ],
)
def test_fiscal_years_and_periods(
    first: str, day: date, start: date, end: date, label: str, year: int, number: int
) -> None:
    found = calendar(first).fiscal_year(day)
    assert (found.start, found.end, found.label) == (start, end, label)
    period = calendar(first).period(day)
    assert period is not None
    assert (period.year, period.number) == (year, number)


@settings(deadline=None)
@given(
    day=st.dates(),
    month=st.integers(1, 12),
    first=st.integers(1, 28),
)
def test_every_day_lies_in_its_period_and_its_period_in_its_year(
    day: date, month: int, first: int
) -> None:
    kept = calendar(f"{month:02d}-{first:02d}")
    year, period = kept.fiscal_year(day), kept.period(day)
    assert period is not None
    assert year.start <= period.start <= day <= period.end <= year.end
    assert 1 <= period.number <= 12
    if period.end < date.max:
        following = kept.period(period.end + timedelta(days=1))
        assert following is not None
        assert following.start == period.end + timedelta(days=1)


@pytest.mark.parametrize("value", ["02-29", "13-01", "00-10", "01-31", "1-1", "01.01", "2026-1-1"])
def test_first_days_that_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="MM-DD"):
        calendar(value)


def test_a_closed_date_is_rejected(tmp_path: Path) -> None:
    text = RULES + "periods: {closed_until: 2026-03-09}\n"
    result = mapped(load(tmp_path, text), {}, {"item.date": date(2026, 3, 10)})
    assert codes(result) == [("MAP-35", None, "accounting_system_validation_failure")]
    assert result.rejections["message"][0] == (
        "posting date 2026-03-09 is in a closed period (closed until 2026-03-09)"
    )
    assert result.rejections["where"][0] == "acme.yaml:6:10"
    assert result.items["voucher.date"].to_list() == [date(2026, 3, 10)]


def test_a_closed_date_is_shifted_and_noted(tmp_path: Path) -> None:
    text = RULES + "periods: {closed_until: 2026-09-30, on_closed: next_open}\n"
    item = {"item.invoice.date": date(2026, 2, 1), "item.invoice.due_date": date(2026, 4, 1)}
    result = mapped(load(tmp_path, text), item, {"item.date": date(2026, 10, 2)})
    first = result.items.row(0, named=True)
    assert first["voucher.date"] == date(2026, 10, 1)
    assert first["voucher.original_date"] == date(2026, 3, 9)
    assert first["voucher.document_date"] == date(2026, 2, 1)
    assert first["voucher.due_date"] == date(2026, 4, 1)
    assert first["voucher.period"] == 202610
    assert result.items["voucher.document_date"][1] == date(2026, 10, 2)
    assert result.notes.select("item_id", "code", "detail").rows() == [
        ("item-0", "DATE-SHIFTED",
         "posting date 2026-03-09 is in a closed period, posted on 2026-10-01")
    ]  # fmt: skip


PERIODS = """year,number,start,end,status
2026,3,2026-03-01,2026-03-28,closed
2026,4,2026-03-29,2026-04-25,open
2026,5,2026-04-26,2026-05-23,closed
2026,6,2026-05-24,2026-06-20,open
"""


@pytest.mark.parametrize(
    ("day", "closed_until", "posted", "number"),
    [
        (date(2026, 3, 9), None, date(2026, 3, 29), 4),
        (date(2026, 4, 1), None, date(2026, 4, 1), 4),
        (date(2026, 5, 1), None, date(2026, 5, 24), 6),
        (date(2026, 4, 1), "2026-04-03", date(2026, 4, 4), 4),
        (date(2026, 3, 9), "2026-05-30", date(2026, 5, 31), 6),
    ],
)
def test_listed_periods(
    tmp_path: Path, day: date, closed_until: str | None, posted: date, number: int
) -> None:
    until = f"closed_until: {closed_until}, " if closed_until else ""
    text = "reference: ref\n" + RULES + f"periods: {{{until}on_closed: next_open}}\n"
    result = mapped(load(tmp_path, text, ref__periods_csv=PERIODS), {"item.date": day})
    row = result.items.row(0, named=True)
    assert (row["voucher.date"], row["voucher.period.number"]) == (posted, number)
    assert row["voucher.fiscal_year.start"] == date(2026, 3, 1)
    assert row["voucher.fiscal_year.end"] == date(2026, 6, 20)


def test_a_stated_fiscal_year_comes_before_the_list(tmp_path: Path) -> None:
    company = (
        "company: {name: A, id: 5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10, time_zone: Europe/Berlin, "
        'currency: EUR, fiscal_year: "01-01"}\nreference: ref\n'
    )
    mapping = load(tmp_path, company + RULES, ref__periods_csv=PERIODS)
    result = mapped(mapping, {"item.date": date(2026, 4, 1)})
    assert result.items["voucher.fiscal_year.start"].to_list() == [date(2026, 1, 1)]
    assert result.items["voucher.period.number"].to_list() == [4]


def test_dates_without_an_open_period(tmp_path: Path) -> None:
    days = [date(2026, 3, 9), date(2026, 2, 28), date(2026, 6, 21), date(2026, 4, 1)]
    items = [{"item.date": day} for day in days]
    text = "reference: ref\n" + RULES
    result = mapped(load(tmp_path, text, ref__periods_csv=PERIODS), *items)
    assert [code for code, _, _ in codes(result)] == ["MAP-35", "MAP-36", "MAP-36"]
    shut = PERIODS.replace("open", "closed")
    shift = text + "periods: {on_closed: next_open}\n"
    result = mapped(load(tmp_path, shift, ref__periods_csv=shut), {"item.date": days[3]})
    assert codes(result) == [("MAP-35", None, "accounting_system_validation_failure")]
    assert "none after it is open" in result.rejections["message"][0]


def test_closed_to_the_end_of_time(tmp_path: Path) -> None:
    text = RULES + "periods: {closed_until: 9999-12-31, on_closed: next_open}\n"
    assert codes(mapped(load(tmp_path, text), {}))[0][0] == "MAP-35"
