"""Shapes of the small pictures: plain numbers, so that the page needs no drawing code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from etl.review.model import Counts, DayTotal, GroupTotal
from etl.review.totals import share_of

WIDTH = 1000
HEIGHT = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a picture, in units of its view box, and what it stands for."""

    x: int
    width: int
    height: int
    label: str
    kind: str = ""

    @property
    def y(self) -> int:
        return HEIGHT - self.height


def day_bars(days: Sequence[DayTotal], unit: str) -> tuple[Bar, ...]:
    """Draw a bar per day or month; days without postings leave a gap, so that time is even."""
    if not days:
        return ()
    places = _places(days, unit)
    slots = max(places) + 1
    step = WIDTH / slots
    gap = min(4.0, step / 4)
    return tuple(
        Bar(
            x=round(place * step + gap / 2),
            width=max(2, round(step - gap)),
            height=max(1, day.share * HEIGHT // 1000),
            label=day.label,
            kind="minus" if day.amount < 0 else "",
        )
        for place, day in zip(places, days, strict=True)
    )


def _places(days: Sequence[DayTotal], unit: str) -> list[int]:
    if unit == "month":
        months = [int(day.label[:4]) * 12 + int(day.label[5:7]) for day in days]
        return [month - months[0] for month in months]
    dates = [dt.date.fromisoformat(day.label) for day in days]
    return [(date - dates[0]).days for date in dates]


def shares_of(groups: Sequence[GroupTotal]) -> tuple[int, ...]:
    """Give the lengths of bars, in thousandths of the longest of their currency."""
    largest: dict[str, Decimal] = {}
    for group in groups:
        size = abs(group.amount)
        largest[group.currency] = max(size, largest.get(group.currency, size))
    return tuple(share_of(group.amount, largest[group.currency]) for group in groups)


def count_bars(counts: Counts) -> tuple[Bar, ...]:
    """Draw where the listed items are, as parts of one bar."""
    parts = (
        ("rendered", counts.rendered),
        ("waiting", counts.waiting),
        ("rejected", counts.rejected),
        ("booked", counts.already_booked),
        ("nothing", counts.nothing_to_book),
        ("skipped", counts.skipped),
    )
    whole = max(1, sum(count for _, count in parts))
    bars = []
    start = 0
    for kind, count in parts:
        if count:
            width = max(4, WIDTH * count // whole)
            bars.append(Bar(start, width, HEIGHT, kind, kind))
            start += width
    return tuple(bars)
