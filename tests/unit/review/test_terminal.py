"""The review on a terminal, from the view alone: exact lines, width, and nothing that steers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.review import ReviewView, make_view
from etl.review.short_names import is_short_for, short_names
from etl.review.situation import Approved, Decision, Question, Repeat, Situation
from etl.review.summary import columns_of
from etl.review.terminal import Line, Shown, overview, rejections, remarks, sight
from etl.review.terminal_totals import sums
from etl.review.terminal_vouchers import item_list, voucher_screen
from tests.unit.review import batches

#: What a terminal would obey, and what changes the direction of a line.
STEERING = {*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u202e", "\u2066", "\u200f"}
HOSTILE = "\x1b[2J\x1b]0;x\x07\x9b1m\u202e\u2066\r\nA\t" + "語" * 60
SITUATION = Situation(
    company="acme", batch_id="0123456789ab", number=7, revision=2, state="staged", word="staged",
    sentence="it waits for your answers", needed=2, minutes_left=42,
    approvals=(Approved("Ann", "2026-04-01 08:00"), Approved(" ANN", "2026-04-01 08:01")),
    questions=(Question("REV-1", "no receipt in Pleo", ("item-1", "item-2", "item-3", "item-4")),),
    repeats=(Repeat("item-5", "batch 3 of 2026-03-01, voucher 17", is_open=True),),
)  # fmt: skip


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def whole(situation: Situation, view: ReviewView, *, width: int = 80, **more: object) -> list[Line]:
    shown = Shown(situation=situation, revision=situation.revision, width=width, **more)  # type: ignore[arg-type]
    return overview(view, shown)


def test_what_decides_comes_first(view: ReviewView) -> None:
    assert texts(whole(SITUATION, view))[:19] == [
        "acme: batch 7, revision 2 (0123456789ab)",
        "[look] 7 of 11 items are in the file",
        "  11 listed = 7 in the file + 3 rejected + 1 nothing to book",
        "  7 vouchers, 15 postings",
        "  staged: it waits for your answers",
        "  42 minutes left, 1 of 2 approved",
        "  approved by Ann, 2026-04-01 08:00 UTC",
        "  approved by  ANN, 2026-04-01 08:01 UTC",
        "",
        "Checks: all 6 hold, the files were read back",
        "",
        "Answer first",
        "  no receipt in Pleo (REV-1, 4 items)",
        "    item-1",
        "    item-2",
        "    item-3",
        "    and 1 more item",
        '    pleo-etl review --answer REV-1="what you found"',
        "  1 item was booked before (see below)",
    ]


def test_the_same_name_twice_counts_once() -> None:
    assert sight(SITUATION) == "42 minutes left, 1 of 2 approved"


def test_few_minutes_and_a_stop_are_said_in_words_not_in_colour_alone(view: ReviewView) -> None:
    urgent = whole(replace(SITUATION, minutes_left=1), view)
    (line,) = [line for line in urgent if "left" in line.text]
    assert (line.text.strip(), line.style) == ("1 minute left, 1 of 2 approved", "stop")
    manifest = batches.manifest()
    manifest["read_back"] = {"ok": False, "rows": 0}
    stopped = whole(SITUATION, make_view(manifest, batches.frames(), files={}))
    assert "[STOP] Do not import this: 1 check failed" in texts(stopped)


def test_who_can_cure_it_stands_above_the_cure(view: ReviewView) -> None:
    lines = texts(rejections(view.cures, Shown(situation=SITUATION), few=3))
    assert lines[:2] == [
        "Rejected, by who can cure it",
        "  In Pleo, by the employee or whoever codes the expense",
    ]
    place = lines.index("  In your lists and tables, by the bookkeeper")
    assert lines[place + 1].startswith("    2 items  add account 4999 to mappings/accounts.csv")


def test_keys_instead_of_calls(view: ReviewView) -> None:
    with_keys = "\n".join(texts(whole(SITUATION, view, has_keys=True)))
    assert "pleo-etl" not in with_keys
    assert "Answer first (key n)" in with_keys


def test_calls_name_the_company_where_there_are_several(view: ReviewView) -> None:
    lines = texts(whole(SITUATION, view, option=" --company acme"))
    calls = [line for line in lines if "pleo-etl " in line]
    assert calls
    assert all("--company acme" in call for call in calls)


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("text", [HOSTILE, "x" * 300, "a b " * 90, "語 " * 90])
def test_no_line_is_wider_than_the_terminal_and_none_steers_it(text: str, width: int) -> None:
    view = make_view(batches.manifest(), batches.with_text(text), files=batches.files())
    situation = replace(
        SITUATION, company=text, sentence=text, time_words=text,
        approvals=(Approved(text, text),), decisions=(Decision(text, "reject", text),),
        questions=(Question("REV-1", text, (text,)),), repeats=(Repeat(text, text, is_open=True),),
    )  # fmt: skip
    shown = Shown(situation=situation, revision=2, width=width, titles={text: text})
    lines = whole(situation, view, width=width, titles={text: text})
    lines += remarks(view.notes, shown, few=50) + rejections(view.cures, shown, few=50)
    for voucher in view.vouchers.full:
        lines += voucher_screen(voucher, place="1 of 1", width=width)
    items = [{"id": text, "verdict": "failed", "vouchers": [], "external_id": text}]
    lines += item_list(items, {}, waiting=(), situation=situation, width=width)
    for line in lines:
        assert line.style == "whole" or columns_of(line.text) <= width, line
        assert not STEERING & set(line.text), line


@given(st.lists(st.text("0123456789abcdef-", min_size=1, max_size=40), max_size=12))
@settings(deadline=None, max_examples=200)
def test_short_names_tell_items_apart(ids: list[str]) -> None:
    names = short_names(ids)
    assert set(names) == set(ids)
    assert len(set(names.values())) == len(set(ids))
    for entry, name in names.items():
        assert entry.startswith(name) or is_short_for(name, entry)


def test_the_whole_review_has_the_sums_of_the_control_sheet(view: ReviewView) -> None:
    lines = texts(whole(SITUATION, view))
    at = lines.index("By type                          amount")
    assert lines[at + 1 : at + 6] == [
        "  card purchase  EUR  3 items    425.50",  # 119.00 + 214.00 + 92.50
        "  out of pocket  EUR   1 item     35.00",
        "  refund         EUR   1 item    -23.80",
        "  wallet topup   EUR   1 item  5 000.00",
        "  card purchase  GBP   1 item     80.00",
    ]
    assert [line.split("  ")[0] for line in lines if line.startswith("By ")] == [
        "By account", "By tax code", "By vendor or merchant", "By type", "By period", "By file",
    ]  # fmt: skip
    assert "  VSt19        EUR   80.00  15.20   95.20" in lines


def test_a_long_list_of_sums_is_cut_and_says_where_the_rest_is(view: ReviewView) -> None:
    account = view.control.accounts[0]
    many = tuple(replace(account, account=str(1000 + at)) for at in range(13))
    lines = texts(sums(replace(view, control=replace(view.control, accounts=many)), 80))
    at = lines.index("  and 3 more; all on the page and in --xlsx")
    assert lines[at - 1].startswith("  1009 ")
