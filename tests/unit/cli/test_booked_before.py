"""Items that come again wait for an answer: no face calls them rejected, one act answers for all.

Items 1 and 2 of three were booked in batch 1; item 3 has no account, and is rejected each time.
"""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from etl.live.viewing import open_shelf, view_of
from etl.review import ReviewView
from etl.review.report import render_report
from etl.workspace import load_workspace
from tests.fakes.transport import SandboxClockOf
from tests.unit.cli.live import Live, copied, make_released, temporary_folder
from tests.unit.cli.test_review import only
from tests.unit.cli.test_review_acts import FIRST, SECOND, THIRD


@pytest.fixture
def live(released: Live) -> Live:
    """Give a workspace whose three items were released, and exported again."""
    released.job()
    return released


@functools.cache
def _waiting() -> Live:
    """Let them wait for an answer, once for all tests of this process."""
    live = make_released(temporary_folder())
    live.job()
    live.run("run")
    return live


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.chdir(tmp_path)
    return copied(_waiting(), tmp_path)


def seen(live: Live, revision: int | None = None) -> ReviewView:
    workspace = load_workspace(live.root / "pleo-etl.yaml")
    with open_shelf(workspace, "acme", clock=SandboxClockOf(live.pleo)) as shelf:
        assert shelf is not None
        batch = shelf.ledger.find(shelf.company_id, "2")
        return view_of(shelf, batch, revision=revision).view


def test_run_counts_them_apart_and_leads_to_the_review(live: Live) -> None:
    said = live.run("run")
    assert "3 items: 2 waiting for your answer, 1 rejected" in said.stderr
    words = " ".join(said.stderr.split())
    assert "next: `pleo-etl review` asks of 2 items that came before whether they are" in words
    assert "pleo-etl release" not in said.stderr


def test_nothing_is_rejected_where_all_only_wait(live: Live) -> None:
    live.run("discard", "--yes")
    for job in live.pleo.jobs.values():
        live.pleo.cancel_job(job)
    live.job(entries=[FIRST, SECOND])
    said = live.run("run")
    assert said.exit_code == 0
    assert "rejected" not in said.stderr


def test_status_leads_to_the_review(waiting: Live) -> None:
    said = waiting.run("status").stdout
    assert "2 items wait for your answer: they were booked before" in said
    calls = [line.strip() for line in said.splitlines() if line.startswith("    pleo-etl")]
    assert calls[0].startswith("pleo-etl review  ")
    assert "JOB-9" not in said


def test_the_view_has_them_as_one_group_of_their_own(waiting: Live) -> None:
    view = seen(waiting)
    assert view.headline == "2 of 3 items wait for your answer"
    assert view.state == "look"
    assert view.sentences[1:] == (
        "2 items were booked before: say whether they are booked already, or to be booked again",
        "1 item was rejected, for 1 cause",
    )
    counts = view.counts
    assert (counts.listed, counts.waiting, counts.rejected, counts.rendered) == (3, 2, 1, 0)
    assert counts.adds_up
    assert [cause.concerned[0].item_id for cause in view.causes] == [THIRD]
    assert view.waiting is not None
    assert view.waiting.count == 2
    assert [(one.item_id, one.title, one.detail) for one in view.waiting.concerned] == [
        (FIRST, "Café Müller",
         "this item is in the books already: batch 1 of 2026-04-01, voucher 1"),
        (SECOND, "Café Müller",
         "this item is in the books already: batch 1 of 2026-04-01, voucher 2"),
    ]  # fmt: skip


def test_the_headline_says_it_also_beside_what_is_in_the_file(waiting: Live) -> None:
    waiting.run("review", "--again", FIRST)
    assert seen(waiting).headline == "1 of 3 items is in the file, 1 waits for your answer"
    waiting.run("review", "--again", SECOND)
    view = seen(waiting)
    assert view.headline == "2 of 3 items are in the file"
    assert view.waiting is None
    assert view.counts.waiting == 0


def test_an_old_revision_is_shown_as_it_was(waiting: Live) -> None:
    waiting.run("review", "--already-booked", "all")
    assert seen(waiting, 1).counts.waiting == 2
    assert seen(waiting, 2).counts.already_booked == 2


def test_the_terminal_has_one_line_of_them_and_no_cause(waiting: Live) -> None:
    said = waiting.run("review").stdout
    assert "3 listed = 2 waiting for your answer + 1 rejected" in said
    assert "JOB-9" not in said
    assert "pleo-etl review --already-booked all" in said
    listed = waiting.run("review", "--items").stdout
    assert listed.count("waits for you") == 2
    assert listed.count("rejected") == 1


def test_the_page_has_a_section_of_them(waiting: Live) -> None:
    page = render_report(seen(waiting))
    assert '<div class="waiting"><dt>Waiting for you</dt><dd>2</dd></div>' in page
    assert '<div class="rejected"><dt>Rejected</dt><dd>1</dd></div>' in page
    assert '<li><a href="#waiting">To answer <span class="tally">2</span></a></li>' in page
    assert page.count('<article class="cause">') == 1
    of_them = page[page.index('<section id="waiting"') : page.index('<section id="glance"')]
    assert of_them.count("<tr><th scope=") == 3  # the head, and two items
    assert "2 items" in of_them


def test_the_control_sheet_counts_them_apart(waiting: Live) -> None:
    waiting.run("review", "--xlsx", "sheet.xlsx")
    content = (waiting.root / "sheet.xlsx").read_bytes()
    book = openpyxl.load_workbook(io.BytesIO(content))
    control = {row[0]: row[1] for row in book["Control"].iter_rows(values_only=True)}
    assert (control["Waiting for your answer"], control["Rejected"]) == (2, 1)
    aside = list(book["Not booked here"].iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in aside] == ["Waits for your answer"] * 2
    assert len(list(book["Rejected"].iter_rows(min_row=2))) == 1


def test_programs_are_told_too(waiting: Live) -> None:
    told = only(waiting.json("review"))
    assert (told["counts"]["waiting"], told["counts"]["rejected"]) == (2, 1)
    assert told["waiting"]["count"] == 2
    assert [one["id"] for one in told["waiting"]["items"]] == [FIRST, SECOND]
    assert [one["code"] for one in told["rejections"]] == ["MAP-21"]
    assert told["batch"]["counts"]["waiting"] == 2
    items: list[dict[str, Any]] = only(waiting.json("review", "--items"))["items"]
    outcomes = {one["id"]: (one["outcome"], one["failure_reason"] is None) for one in items}
    assert outcomes[FIRST] == ("waits for you", True)
    assert outcomes[THIRD] == ("rejected", False)


def test_the_question_cannot_be_answered_as_a_note(waiting: Live) -> None:
    refused = waiting.json("review", "--answer", "JOB-9=they are booked")
    assert [one["code"] for one in refused["errors"]] == ["JOB-12"]
    assert "--already-booked all" in refused["errors"][0]["fix"]


def test_unattended_they_are_rejected_and_pleo_is_told_why(live: Live) -> None:
    said = live.run("run", "--release")
    assert "3 items: 3 rejected" in said.stderr
    assert "waiting for your answer" not in said.stderr
    assert seen(live).counts.rejected == 3


def test_what_pleo_is_told_of_them_is_what_was_answered(waiting: Live) -> None:
    waiting.run("review", "--already-booked", "all")
    waiting.run("release", "--yes")
    job = list(waiting.pleo.jobs.values())[-1]
    told = {entry: (one.status, one.external_id) for entry, one in job.items.items()}
    assert told[FIRST] == ("successful", "4113001")
    assert told[SECOND] == ("successful", "4113002")
    assert told[THIRD][0] == "failed"


def test_what_waited_is_told_by_where_it_went(waiting: Live) -> None:
    """It was never rejected, and what is booked already is in no file."""
    waiting.run("review", "--again", FIRST[:6], "--already-booked", SECOND[:6], "--by", "ann")
    found = waiting.json("diff", "2@1", "2@2")
    places = {one["id"]: (one["before"], one["after"]) for one in found["items"]}
    assert places == {FIRST: ("failed", "exported"), SECOND: ("failed", "no_row")}
    said = waiting.run("diff", "2@1", "2@2").stdout
    assert "kept out of the files -> in the files" in said
    assert "kept out of the files -> not booked here" in said
    assert "rejected" not in said.replace(THIRD, "")
