"""The summary on the terminal: exact text, width, and nothing that could steer a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from etl.review import ReviewView, make_view, render_summary
from etl.review.summary import columns_of
from tests.unit.review import batches

EXPECTED = """\
[look] 7 of 11 items are in the file
  11 listed = 7 in the file + 3 rejected + 1 nothing to book
  7 vouchers, 15 postings

Checks: all 6 hold, the files were read back

Totals     debit    credit
  EUR   5 484.30  5 484.30
  GBP      80.00     80.00

Pleo wallets        in     out  movement
  1360 EUR    5 023.80  425.50  4 598.30
  1361 GBP        0.00   80.00    -80.00

Files
  EXTF_Pleo_1_1.csv  8 postings

To look at
     1 item  the posting date was in a closed period and was shifted
             (DATE-SHIFTED)
     1 item  no receipt in Pleo (REV-1)

Not booked here
     1 item  Nothing to book: personal spend

Rejected, the cure first
In Pleo, by the employee or whoever codes the expense
     1 item  open the expense in Pleo and correct its lines (ITEM-13)

In your lists and tables, by the bookkeeper
    2 items  add account 4999 to mappings/accounts.csv (MAP-30)

Next: open out/2026-09/review.html, then import as it says at its end
"""


def test_the_whole_summary(view: ReviewView) -> None:
    assert render_summary(view, folder="out/2026-09/") == EXPECTED


def test_a_failed_check_says_not_to_import() -> None:
    manifest = batches.manifest()
    manifest["read_back"] = {"ok": False, "rows": 0}
    text = render_summary(make_view(manifest, batches.frames(), files={}))
    assert text.startswith("[STOP] Do not import this: 1 check failed\n")
    assert "Checks that failed\n  The files were read back and match: 0 postings" in text
    assert text.endswith("Do not import these files; see review.html\n")


def test_an_empty_batch() -> None:
    manifest = {"counts": {}, "read_back": {"ok": True, "rows": 0}}
    text = render_summary(make_view(manifest, batches.nothing(), files={}))
    assert text.startswith("[ok] Nothing to import\n  0 listed = 0\n")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred\x1b[0m\x1b]0;title\x07",
        "ordinary words " * 60,
        "unbroken" * 60,
        "漢字の長い名前" * 30,
        "rtl \u202etxt\u2066 zero\u200bwidth e\u0301",
        "line\nbreak\rreturn\ttab\x00nul\x9b5m",
    ],
)
def test_nothing_from_outside_steers_the_terminal_or_breaks_its_width(
    text: str, width: int
) -> None:
    manifest = batches.manifest()
    manifest["files"][0]["name"] = text
    view = make_view(manifest, batches.with_text(text), files={})
    written = render_summary(view, width=width, folder=text)
    for character in written.replace("\n", ""):
        assert character.isprintable(), repr(character)
    # The folder is the user's own, and a path that is to be opened stays whole.
    without_path = render_summary(view, width=width)
    assert max(columns_of(line) for line in without_path.splitlines()) <= width


def test_many_of_each_are_counted_not_listed() -> None:
    view = make_view(batches.manifest(), batches.frames(), files=batches.files())
    cures = (replace(view.cures[0], causes=view.causes * 9),)
    many = replace(view, files=view.files * 9, cures=cures, notes=view.notes * 9)
    text = render_summary(many)
    assert "  and 4 more, named in manifest.json" in text
    assert "  and 13 more causes in rejections.csv" in text
    assert "  and 13 more remarks" in text


def test_the_path_to_open_is_never_cut(view: ReviewView) -> None:
    folder = "books/" + "a-long-name-" * 10
    assert f"{folder}/review.html" in render_summary(view, folder=folder)


def test_without_anything_rendered_there_is_something_to_cure(view: ReviewView) -> None:
    nothing = replace(view, counts=replace(view.counts, rendered=0))
    assert "cure what out/rejections.csv lists" in render_summary(nothing, folder="out")
