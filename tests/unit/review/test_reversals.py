"""A batch that takes another one back says so everywhere, and says nothing of Pleo."""

from __future__ import annotations

from decimal import Decimal

import pytest
from lxml import html

from etl.review import ReviewView, make_view, render_report
from etl.review.opening import opening
from etl.review.situation import Situation
from etl.review.summary import counts_of, render_summary
from etl.review.workbook import sheets_of
from tests.unit.review import batches


@pytest.fixture
def view() -> ReviewView:
    """Give the batch worked out by hand as if it took back batch 6."""
    manifest = batches.manifest()
    manifest["batch"]["reverses"] = "b-six"
    return make_view(manifest, batches.frames(), files=batches.files(), reverses=6)


def test_the_first_words_are_which_batch_it_takes_back(view: ReviewView) -> None:
    assert view.headline == "Reversal of batch 6: 7 of 11 items are in the file"
    assert view.sentences[0] == "It takes back what batch 6 booked; Pleo is told nothing of it"
    assert "[look] Reversal of batch 6: 7 of 11" in render_summary(view)
    ended = Situation(company="acme", number=7, revision=1, state="closed", word="imported")
    assert opening(view, ended).headline == "Batch 7 (reversal of batch 6) is imported"


def test_its_items_are_not_listed_by_pleo(view: ReviewView) -> None:
    assert next(counts_of(view, 80)).startswith("  11 of batch 6 = 7 in the file + 3 rejected")
    page = html.document_fromstring(render_report(view)).text_content()
    assert "Booked by batch 6" in page
    assert "Listed by Pleo" not in page
    control = next(iter(sheets_of(view)))
    assert ("Reverses batch", "6", None) in control.rows
    assert ("Booked by that batch", 11, None) in control.rows


def test_there_is_nothing_to_compare_in_pleo(view: ReviewView) -> None:
    page = html.document_fromstring(render_report(view)).text_content()
    assert "What batch 6 moved, the other way; nothing moves in Pleo" in page
    assert "Compare the movement" not in page


def test_what_is_taken_back_is_not_remarked_again(view: ReviewView) -> None:
    # Items 3 and 5 have no receipt, which was a remark when they were booked.
    booked = make_view(batches.manifest(), batches.frames(), files=batches.files())
    assert [note.code for note in booked.notes] == ["DATE-SHIFTED", "REV-1"]
    assert [note.code for note in view.notes] == ["DATE-SHIFTED"]


def test_what_is_no_cost_goes_the_other_way_too(view: ReviewView) -> None:
    topup = next(row for row in view.control.types if row.label == "wallet topup")
    assert topup.amount == Decimal("-5000.00")
