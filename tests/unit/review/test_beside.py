"""What stands beside the batch: items that are not booked here, what was seen before, bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from etl.live.line import Decisions
from etl.review import Earlier, ReviewView, Sighting, make_view, render_report
from etl.review.causes import MAX_CONCERNED
from etl.review.charts import shares_of
from etl.review.model import GroupTotal, NoteGroup
from tests.fakes.items import item
from tests.fakes.workshop import FACTS, Workshop, receipt
from tests.unit.review import batches

LINES = [{"account": "4920 Telefon"}]
IN_FILE, OTHER, REJECTED = (f"0000000{key}-aaaa-4bbb-8ccc-dddddddddddd" for key in (0, 1, 7))


def view_with(*sightings: Sighting, asked: Sequence[str] = ()) -> ReviewView:
    return make_view(
        batches.manifest(), batches.frames(), files=batches.files(),
        earlier=Earlier(tuple(sightings), 3, 1), asked=asked,
    )  # fmt: skip


def group(view: ReviewView, code: str) -> NoteGroup:
    return next(one for one in view.notes if one.code == code)


def test_what_was_seen_before_is_a_remark_on_the_item_with_its_voucher() -> None:
    view = view_with(
        Sighting("REV-4", IN_FILE.upper(), "invoice 7 stands on item x"),
        Sighting("REV-5", OTHER, "batch 1 of 2026-04-01, voucher 2"),
    )
    (one,) = group(view, "REV-4").concerned
    assert (one.item_id, one.detail) == (IN_FILE, "invoice 7 stands on item x")
    assert one.anchor == next(v.anchor for v in view.vouchers.full if v.source.item_id == IN_FILE)
    assert [one.item_id for one in group(view, "REV-5").concerned] == [OTHER]
    assert view.looked_through is not None
    page = render_report(view)
    assert "compared with those of 3 earlier batches; the items of 1 more are not stored" in page


def test_of_an_item_that_is_in_no_file_nothing_is_said() -> None:
    view = view_with(Sighting("REV-4", REJECTED, "x"), Sighting("REV-4", "unknown", "x"))
    assert "REV-4" not in {one.code for one in view.notes}


def test_sightings_change_nothing_but_remarks() -> None:
    plain = make_view(batches.manifest(), batches.frames(), files=batches.files())
    seen = view_with(Sighting("REV-4", IN_FILE, "x"))
    without = tuple(one for one in seen.notes if one.code != "REV-4")
    vouchers = replace(
        seen.vouchers,
        full=tuple(
            replace(one, note_codes=tuple(code for code in one.note_codes if code != "REV-4"))
            for one in seen.vouchers.full
        ),
    )
    same = replace(
        seen, notes=without, vouchers=vouchers, looked_through=None, sentences=plain.sentences
    )
    assert same == plain


def test_a_remark_that_is_asked_about_comes_first_and_must_be_answered() -> None:
    view = view_with(asked=("REV-1",))
    assert view.notes[0].code == "REV-1"
    assert [one.is_blocking for one in view.notes] == [True, False]
    assert "1 question must be answered" in view.sentences
    assert "must be answered</span>" in render_report(view)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> ReviewView:
    """Give a view of 60 items, 52 of them skipped, one booked already; the first is in the file."""
    root: Path = tmp_path_factory.mktemp("settled")
    items = [item(n=n, lines=LINES, files=[receipt(n)]) for n in range(1, 61)]
    items[59]["accountingEntryLines"] = None  # cannot be read, and is skipped all the same
    ids = [one["accountingEntryId"] for one in items]
    said = Decisions(already_booked={ids[1]: "V-7"}, skipped=frozenset(ids[8:]))
    revision = Workshop(root).stage(items).render(said, facts=FACTS)
    return revision.conversion.view


def test_skipped_and_booked_items_are_listed_with_why(settled: ReviewView) -> None:
    booked, skipped = settled.aside
    assert (booked.title, skipped.title) == ("Already booked", "Skipped")
    (one,) = booked.concerned
    assert (one.title, one.amount, one.currency) == ("Café Müller", Decimal("10.00"), "EUR")
    assert one.detail == "as voucher V-7"
    assert (skipped.count, len(skipped.concerned), skipped.left_out) == (52, MAX_CONCERNED, 2)
    counts = settled.counts
    assert (counts.already_booked, counts.skipped) == (booked.count, skipped.count)
    page = render_report(settled)
    assert "An earlier batch has booked them" in page
    assert "had their verdict in Pleo before this batch was made" in page


def test_what_books_nothing_is_listed(view: ReviewView) -> None:
    (nothing,) = view.aside
    assert (nothing.title, nothing.count) == ("Nothing to book", view.counts.nothing_to_book)
    assert [one.title for one in nothing.concerned] == ["personal spend"]


def test_bars_are_as_long_as_their_amounts_within_a_currency() -> None:
    groups = [
        GroupTotal("a", "EUR", 1, Decimal("200.00")),
        GroupTotal("b", "EUR", 1, Decimal("-50.00")),
        GroupTotal("c", "USD", 1, Decimal("5.00")),
        GroupTotal("d", "SEK", 1, Decimal("0.00")),
    ]
    assert shares_of(groups) == (1000, 250, 1000, 0)
