"""Posting dates, periods and fiscal years.

    item.date ──> voucher.original_date ──(closed?)──> voucher.date ──> period, fiscal year
                                             ├─ reject:    the item is refused
                                             └─ next_open: first open day after it, with a note

Each distinct date is worked out once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from etl.findings import join_findings, no_notes, no_rejections, note, reject
from etl.frames import VOUCHER, schema
from etl.mapping.document import Company, Periods
from etl.mapping.reference import ACTIVE, Listing

MONTHS = 12
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """An accounting period."""

    year: int
    number: int
    start: date
    end: date
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class FiscalYear:
    """A fiscal year; the label is 2026, or 2026/27 where it spans two calendar years."""

    start: date
    end: date

    @property
    def label(self) -> str:
        first, last = self.start.year, self.end.year
        return f"{first:04d}" if first == last else f"{first:04d}/{last % 100:02d}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """What is open and closed. Listed periods are in order and never overlap."""

    closed_until: date | None
    shifts: bool
    first_month: int
    first_day: int
    listed: tuple[Period, ...] | None
    years_from_list: bool

    def fiscal_year(self, day: date) -> FiscalYear:
        """Give the fiscal year of a day."""
        if self.years_from_list and self.listed is not None:
            period = self.period(day)
            assert period is not None
            same = [other for other in self.listed if other.year == period.year]
            return FiscalYear(same[0].start, same[-1].end)
        year = day.year if self._first_day_of(day.year) <= day else day.year - 1
        following = self._first_day_of(year + 1)
        end = date.max if following == date.max else following - _ONE_DAY
        return FiscalYear(self._first_day_of(year), end)

    def period(self, day: date) -> Period | None:
        """Give the period of a day, None where the list of periods does not have it."""
        if self.listed is not None:
            place = bisect_right([period.start for period in self.listed], day) - 1
            found = self.listed[place] if place >= 0 else None
            return found if found is not None and day <= found.end else None
        year = self.fiscal_year(day)
        months = (day.year - year.start.year) * MONTHS + day.month - year.start.month
        number = months + 1 if day.day >= year.start.day else months
        start = _add_months(year.start, number - 1)
        following = _add_months(year.start, number)
        end = min(following - _ONE_DAY, year.end) if following > start else year.end
        return Period(year.start.year, number, start, end)

    def is_closed(self, day: date) -> bool:
        """Say whether nothing may be posted on a day (that has a period)."""
        if self.closed_until is not None and day <= self.closed_until:
            return True
        period = self.period(day)
        return period is not None and not period.is_open

    def next_open(self, day: date) -> date | None:
        """Give the first open day after a closed one."""
        first = day
        if self.closed_until is not None and first <= self.closed_until:
            if self.closed_until == date.max:
                return None
            first = self.closed_until + _ONE_DAY
        if self.listed is None:
            return first
        days = (max(p.start, first) for p in self.listed if p.is_open and p.end >= first)
        return next(days, None)

    def _first_day_of(self, year: int) -> date:
        """Give the first day of a fiscal year, as far as dates reach."""
        if year < date.min.year:
            return date.min
        return date.max if year > date.max.year else date(year, self.first_month, self.first_day)


def make_calendar(company: Company, periods: Periods, listing: Listing | None) -> Calendar:
    """Make the calendar of a mapping.

    Fiscal years come from the mapping where it states the first day, else from periods.csv.
    """
    month, day = company.fiscal_year.split("-")
    listed = None
    if listing is not None:
        rows = listing.frame.select("year", "number", "start", "end", ACTIVE).rows()
        listed = tuple(Period(*row) for row in rows)
    return Calendar(
        closed_until=periods.closed_until,
        shifts=periods.on_closed == "next_open",
        first_month=int(month),
        first_day=int(day),
        listed=listed,
        years_from_list="fiscal_year" not in company.model_fields_set,
    )


@dataclass(frozen=True, slots=True)
class Dated:
    """Items with posting dates, and what was found on the way."""

    items: pl.DataFrame
    rejections: pl.DataFrame
    notes: pl.DataFrame


def date_vouchers(items: pl.DataFrame, calendar: Calendar, *, place: str) -> Dated:
    """Give each item its posting date, period and fiscal year.

    Needs: items with item.date and the invoice dates; `place` names the calendar in messages.
    Gives: the same rows with voucher.original_date to voucher.fiscal_year.label. An item that is
    rejected keeps its own date.
    """
    days = items["item.date"].unique().drop_nulls().sort().to_list()
    dated = items.with_columns(
        pl.col("item.date").alias("voucher.original_date"),
        pl.coalesce("item.invoice.date", "item.date").alias("voucher.document_date"),
        pl.col("item.invoice.due_date").alias("voucher.due_date"),
    ).join(
        _worked_out(days, calendar),
        left_on="item.date", right_on="~day", how="left", validate="m:1", maintain_order="left",
    )  # fmt: skip
    assert dated.height == items.height
    shifted = dated.filter(pl.col("~verdict") == "shifted")
    moved = pl.format(
        "posting date {} is in a closed period, posted on {}",
        pl.col("voucher.original_date"), pl.col("voucher.date"),
    )  # fmt: skip
    notes = note(shifted, "DATE-SHIFTED", moved) if shifted.height else no_notes()
    return Dated(dated.drop("~verdict"), _refused(dated, calendar, place), notes)


def _worked_out(days: Iterable[date], calendar: Calendar) -> pl.DataFrame:
    names = {
        "~day": pl.Date(),
        "~verdict": pl.String(),
        **{name: dtype for name, dtype in schema(VOUCHER).items() if name in _DATED},
    }
    return pl.DataFrame([_work_out(day, calendar) for day in days], schema=names, orient="row")


_DATED = {
    "voucher.date", "voucher.period", "voucher.period.year", "voucher.period.number",
    "voucher.period.start", "voucher.period.end", "voucher.fiscal_year.start",
    "voucher.fiscal_year.end", "voucher.fiscal_year.label",
}  # fmt: skip


def _work_out(day: date, calendar: Calendar) -> tuple[object, ...]:
    verdict, posted = "open", day
    if calendar.is_closed(day):
        following = calendar.next_open(day) if calendar.shifts else None
        verdict = "shifted" if following else "never open" if calendar.shifts else "closed"
        posted = following or day
    period = calendar.period(posted)
    if period is None:
        return (day, "no period" if verdict == "open" else verdict, posted, *[None] * 8)
    year = calendar.fiscal_year(posted)
    return (
        day, verdict, posted, period.year * 100 + period.number, period.year, period.number,
        period.start, period.end, year.start, year.end, year.label,
    )  # fmt: skip


def _refused(dated: pl.DataFrame, calendar: Calendar, place: str) -> pl.DataFrame:
    found = [no_rejections()]
    closed = "posting date {} is in a closed period" + _until(calendar)
    for verdict, message, fix in (
        (
            "closed",
            closed,
            "change the date in Pleo, open the period, or let the mapping post it in the next"
            " open one (`on_closed: next_open`)",
        ),
        (
            "never open",
            closed + " and none after it is open",
            "open a period in periods.csv, or add the next one",
        ),
    ):
        rows = dated.filter(pl.col("~verdict") == verdict)
        text = pl.format(message, pl.col("item.date"))
        found.append(reject(rows, "MAP-35", message=text, fix=fix, where=place))
    rows = dated.filter(pl.col("~verdict") == "no period")
    text = pl.format("posting date {} is in no period of periods.csv", pl.col("item.date"))
    fix = "add the period to periods.csv"
    found.append(reject(rows, "MAP-36", message=text, fix=fix, where=place))
    return join_findings(found)


def _until(calendar: Calendar) -> str:
    closed = calendar.closed_until
    return f" (closed until {closed.isoformat()})" if closed is not None else ""


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.month - 1 + months, MONTHS)
    if day.year + year > date.max.year:
        return date.max
    return date(day.year + year, month + 1, day.day)
