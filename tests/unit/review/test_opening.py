"""The first words of a review: what was found, and afterwards what became of the batch."""

from __future__ import annotations

from dataclasses import replace

import pytest

from etl.review import ReviewView
from etl.review.opening import opening
from etl.review.situation import Situation
from etl.review.terminal import Shown, overview


def situation(word: str, state: str = "closed") -> Situation:
    return Situation(
        company="acme", number=7, revision=2, state=state, word=word, folder="outbox/acme/0007-ab",
        sentence="its files are ready to be imported, once",
    )  # fmt: skip


def test_while_it_waits_the_view_speaks(view: ReviewView) -> None:
    first = opening(view, situation("staged", "staged"))
    assert first == opening(view)
    assert (first.state, first.headline, first.sentences) == (
        view.state, view.headline, view.sentences,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("word", "state", "headline"),
    [
        ("released", "good", "Batch 7 is released: import EXTF_Pleo_7_1.csv"),
        ("imported", "good", "Batch 7 is imported"),
        ("closed", "good", "Batch 7 is done: there was nothing to import"),
        ("reversed", "look", "Batch 7 is reversed: another batch takes it back"),
        ("withdrawn", "stop", "Do not import batch 7: it was withdrawn"),
        ("quarantined", "stop", "Do not import batch 7"),
        ("published", "stop", "Do not import batch 7 yet"),
        ("lapsed", "stop", "Batch 7 has lapsed: nothing of it went out"),
        ("void", "stop", "Do not import batch 7: it is void"),
    ],
)
def test_afterwards_it_is_said_what_became_of_it(
    view: ReviewView, word: str, state: str, headline: str
) -> None:
    named = replace(view.files[0], name="EXTF_Pleo_7_1.csv")
    first = opening(replace(view, files=(named,)), situation(word))
    assert (first.state, first.headline) == (state, headline)
    assert first.sentences == ("7 of 11 items are in the file", "3 items rejected")


def test_several_files_are_counted(view: ReviewView) -> None:
    two = replace(view, files=(view.files[0], view.files[0]))
    assert opening(two, situation("released")).headline == (
        "Batch 7 is released: import its 2 files"
    )


def test_the_terminal_says_what_to_import_where_and_what_then(view: ReviewView) -> None:
    named = replace(view.files[0], name="a.csv")
    shown = Shown(situation=situation("released"), revision=2)
    view = replace(view, files=(named,), import_steps=("Open the books.",))
    lines = [line.text for line in overview(view, shown)]
    assert lines[1] == "[ok] Batch 7 is released: import a.csv"
    assert lines[-4:] == [
        "Import",
        "  outbox/acme/0007-ab",
        "  1. Open the books.",
        "  pleo-etl imported 7  when your ERP has taken them",
    ]
    assert not [line for line in lines if "[look]" in line]
