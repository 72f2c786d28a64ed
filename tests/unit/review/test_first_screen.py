"""The first screen of a review on a terminal: it fits, however much there is to say."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from etl.review import ReviewView, make_view
from etl.review.figures import WalletMovement
from etl.review.model import AsideGroup
from etl.review.summary import columns_of
from etl.review.terminal import Shown
from etl.review.terminal_lines import Line
from etl.review.terminal_summary import first_screen
from tests.unit.review import batches
from tests.unit.review.test_terminal import HOSTILE, SITUATION, STEERING

#: Lines that are left on a terminal of 24 above an empty one, two of keys, and the one that waits.
ROOM = 20


def screen(view: ReviewView, *, height: int = 24, **more: object) -> list[Line]:
    given = {"situation": SITUATION, "revision": 2, "has_keys": True, **more}
    return first_screen(view, Shown(**given), height=height)  # type: ignore[arg-type]


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def with_wallets(view: ReviewView, count: int) -> ReviewView:
    wallets = tuple(
        WalletMovement(
            account=str(1360 + number), name="Pleo", currency="EUR", money_in=Decimal("1000.00"),
            money_out=Decimal("2190.50"), booked=Decimal("-1190.50"), booked_currency="EUR",
            items=1,
        )
        for number in range(count)
    )  # fmt: skip
    return replace(view, control=replace(view.control, wallets=wallets))


def test_what_decides_and_what_waits_with_its_key(view: ReviewView) -> None:
    assert texts(screen(view, page="r2/review.html")) == [
        "acme: batch 7, revision 2 (0123456789ab)",
        "[look] 7 of 11 items are in the file",
        "  11 listed = 7 in the file + 3 rejected + 1 nothing to book",
        "  7 vouchers, 15 postings",
        "  staged: it waits for your answers",
        "  approved by Ann, 2026-04-01 08:00 UTC",
        "  approved by  ANN, 2026-04-01 08:01 UTC",
        "Checks: all 6 hold, the files were read back",
        "",
        "Totals  EUR 5 484.30, GBP 80.00 debit and credit",
        "Pleo wallets        in     out  movement",
        "  1360 EUR    5 023.80  425.50  4 598.30",
        "  1361 GBP        0.00   80.00    -80.00",
        "",
        "What waits for you",
        "      1 item was booked before: already booked, or again?  key n",
        "      1 question to answer                                 key n",
        "      3 items rejected, for 2 causes                       key x",
        "      1 more remark to look at                             key n",
        "      7 vouchers to look through                           key v",
    ]


def test_a_taller_terminal_names_the_page_and_more_wallets(view: ReviewView) -> None:
    lines = texts(screen(with_wallets(view, 12), height=60, page="r2/review.html"))
    assert sum(line.startswith("  13") for line in lines) == 12
    assert lines[-2:] == ["Read", "  r2/review.html"]
    small = texts(screen(with_wallets(view, 12)))
    assert sum(line.startswith("  13") for line in small) == 2
    assert "  and 10 more wallets" in small


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("wallets", [0, 1, 2])
@pytest.mark.parametrize("changed", ["", "since revision 1: 1 cell", "since revision 1 " * 40])
def test_it_fits_on_24_lines(view: ReviewView, width: int, wallets: int, changed: str) -> None:
    waiting = AsideGroup("Waits for your answer", "why", 29, ())
    counts = replace(view.counts, waiting=29, already_booked=4, skipped=5, listed=49)
    full = replace(with_wallets(view, wallets), counts=counts, waiting=waiting)
    page = ".pleo-etl/batches/acme/0123456789ab/r2/review.html"
    lines = screen(full, width=width, page=page, changed=changed)
    assert len(lines) <= ROOM
    told = [line.text for line in lines if "since revision" in line.text]
    most = 1 if wallets == 2 else 2  # the sums of two wallets leave less room
    assert len(told) == min(most, changed.count("since"))
    assert changed.count("since") < 2 or told[-1].endswith(" …")
    assert all(line.style == "whole" or columns_of(line.text) <= width for line in lines)


def test_nothing_from_outside_steers_it_or_makes_it_wider() -> None:
    view = make_view(batches.manifest(), batches.with_text(HOSTILE), files=batches.files())
    situation = replace(SITUATION, company=HOSTILE, sentence=HOSTILE, time_words=HOSTILE)
    for line in screen(view, situation=situation, width=60):
        assert line.style == "whole" or columns_of(line.text) <= 60, line
        assert not STEERING & set(line.text), line
