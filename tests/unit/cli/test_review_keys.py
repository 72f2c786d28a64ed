"""The review with single keys: every key, what is refused, and the minutes left in sight."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from click.testing import Result

from etl.cli import keys
from etl.cli.review_prompt import KEYS
from tests.fakes.items import item
from tests.unit.cli.live import Live, three_items
from tests.unit.cli.test_review import HOSTILE, only, set_company, too_wide
from tests.unit.cli.test_review_acts import FIRST, SECOND, batch_of, said_of


def press(live: Live, typed: str, *words: str) -> Result:
    """Sit at the terminal, and type."""
    return live.run("review", *words, given=typed, attended=True)


#: What stands behind the keys: the last line, which waits for one.
WAITS = "0 of 1 approved. Your key: "


def test_it_begins_with_what_decides_and_says_the_minutes_and_the_keys(staged: Live) -> None:
    result = press(staged, "q")
    assert result.exit_code == 0
    page = re.escape(batch_of(staged)["id"])
    assert re.fullmatch(
        rf"acme: batch 1, revision 1 \({page}\)\n"
        r"\[look\] 2 of 3 items are in the file\n"
        r"  3 listed = 2 in the file \+ 1 rejected\n"
        r"  2 vouchers, 2 postings\n"
        r"  staged: it waits for your review\n"
        r"Checks: all 6 hold, the files were read back\n"
        r"\n"
        r"Totals  EUR 149.00 debit and credit\n"
        r"Pleo wallets    in     out  movement\n"
        r"  1360 EUR    0.00  149.00   -149.00\n"
        r"\n"
        r"What waits for you\n"
        r"      1 item rejected, for 1 cause  key x\n"
        r"      1 remark to look at           key n\n"
        r"      2 vouchers to look through    key v\n"
        r"\n"
        r"Read\n"
        rf"  .pleo-etl/batches/acme/{page}/r1/review.html\n",
        result.stdout,
    )
    assert result.stderr.splitlines()[-4:] == [
        "",
        "v voucher  / find  i items  n notes  x rejected  s summary  m more  r reject",
        "a approve  l release  d discard  q quit  ? help",
        f"60 minutes left, {WAITS}q",
    ]


def test_the_keys_that_are_told_are_those_that_do_something_now(staged: Live) -> None:
    told = press(staged, "vvr\nprivate\nq").stderr.split(WAITS)
    assert len(told) == 5
    keys_of = [re.findall(r"(?:^|  )(\S) (?=[a-z])", _two_last(part)) for part in told]
    assert keys_of[0] == list("v/inxsmraldq?")
    assert keys_of[1] == list("vw/inxsmraldq?")  # an item is shown
    assert keys_of[2] == list("pw/inxsmraldq?")  # that was the last one
    assert keys_of[3] == list("v/inxsmrualdq?")  # another revision, and something to undo


def _two_last(part: str) -> str:
    """Give the lines that tell the keys: those above the last one, which is cut."""
    return "  ".join(part.splitlines()[-3:-1])


def test_the_first_screen_again_and_all_of_it(staged: Live) -> None:
    shown = press(staged, "smq").stdout
    assert shown.count("What waits for you") == 2
    assert shown.count("because the line has no account") == 1


def test_what_changed_since_one_looked_is_said_in_two_lines(staged: Live) -> None:
    first, second = press(staged, f"r{FIRST}\nprivate\nsq", "--by", "Ann").stdout.split(
        "What waits for you", 1
    )
    assert "since revision" not in first
    said = (
        "  since revision 1, which you looked at: 1 item now kept out of the files, moved\n"
        "  1360 EUR +119.00 and 4650 EUR -119.00, 1 item with another number\n"
    )
    assert said in second
    other = press(staged, "q", "--by", "Ben").stdout
    assert "  since revision 1, which Ann looked at: 1 item" in other
    assert said in staged.run("review", "--by", " ann").stdout
    assert "since revision" not in staged.run("review", "1", "--revision", "1").stdout


def test_the_end_of_the_input_is_the_end(staged: Live) -> None:
    assert press(staged, "").exit_code == 0


def test_help_names_every_key_and_every_key_does_something(staged: Live) -> None:
    said = press(staged, "?q").stderr
    for key, told in KEYS.items():
        assert f"  {key}  {told.does}" in said
        assert "does nothing here" not in press(staged, f"{key}\nnq").stderr
    assert "'y' does nothing here; ? tells the keys" in press(staged, "yq").stderr


def test_vouchers_one_by_one_and_back(staged: Live) -> None:
    shown = press(staged, "vvvpq").stdout
    places = re.findall(r"voucher \d, .*\((\d of \d)\)", shown)
    assert places == ["1 of 2", "2 of 2", "1 of 2"]
    assert "that was the last one" in shown


def test_finding_vouchers_by_words(staged: Live) -> None:
    shown = press(staged, "/30.00\nvw/\nvq").stdout
    assert "1 voucher found; v shows them" in shown
    assert '(1 of 1 with "30.00")' in shown
    assert "table: accounts" in shown  # w, of the item that is shown
    assert "2 vouchers found" in shown


def test_items_rejections_and_the_review_again(staged: Live) -> None:
    shown = press(staged, "ixsq").stdout
    assert "in the file" in shown
    assert 'Pleo shows: "the line has no account' in shown
    assert shown.count("[look] 2 of 3 items are in the file") == 2


def test_an_item_is_rejected_and_that_is_undone(staged: Live) -> None:
    result = press(staged, "r4113001\nprivate\nu\nq", "--by", "Ann")
    assert "batch 1 (" in result.stderr
    assert (
        "\n1 of 3 items is in the file\n  3 listed = 1 in the file + 2 rejected\n" in result.stdout
    )
    assert (
        "\n2 of 3 items are in the file\n  3 listed = 2 in the file + 1 rejected\n" in result.stdout
    )
    assert f"undo it for which item? [{FIRST[:8]}]" in result.stderr
    assert (said_of(staged), batch_of(staged)["revision"]) == ({}, 3)
    assert 'answered, by Ann: reject 9f1f6086 "private"' in staged.run("history", "1").stdout


def test_the_voucher_that_is_shown_is_the_item_that_is_meant(staged: Live) -> None:
    press(staged, "vr\nprivate\nq")
    assert list(said_of(staged)) == [FIRST]


@pytest.mark.parametrize("typed", ["r\nq", "r4113001\n\nq", "rnobody\nq", "uq"])
def test_nothing_is_done_without_item_and_reason(staged: Live, typed: str) -> None:
    before = batch_of(staged)
    result = press(staged, typed)
    assert result.exit_code == 0
    assert re.search("nothing was|ANS-4", result.stderr)
    assert batch_of(staged) == before


def test_approving_is_asked_about_and_no_is_no(staged: Live) -> None:
    result = press(staged, "anq", "--by", "Ann")
    assert "60 minutes left, 0 of 1 approved: approve as Ann? [y/N] no" in result.stderr
    assert batch_of(staged)["approvals"] == []
    result = press(staged, "ayq", "--by", "Ann")
    assert "is approved by Ann" in result.stderr
    assert "60 minutes left, 1 of 1 approved. Your key: " in result.stderr
    assert [one["by"] for one in batch_of(staged)["approvals"]] == ["Ann"]


def test_approve_and_release_in_one_go_ends_with_what_to_do_next(staged: Live) -> None:
    job = staged.pleo.jobs[batch_of(staged)["job"]]
    result = press(staged, "ly")
    assert (result.exit_code, job.status) == (1, "completed_with_errors")
    assert "next: import the files in outbox/acme/0001-" in result.stderr


def test_the_templates_own_import_steps_follow_a_release(live: Live) -> None:
    readme = live.root / "templates" / "plain" / "README.md"
    readme.write_text("# Plain\n\n## How to import\n\n1. Open the books.\n2. Take the file.\n")
    live.job()
    live.run("run")
    shown = press(live, "ly").stdout
    assert re.search(
        r"Import\n  outbox/acme/0001-\w+\n  1. Open the books.\n  2. Take the file.\n"
        r"  pleo-etl imported 1  when your ERP has taken them\n",
        shown,
    )


def test_discarding_is_asked_about(staged: Live) -> None:
    assert "nothing was done" in press(staged, "dnq").stderr
    assert press(staged, "dy").exit_code == 0
    assert "nothing is staged" in staged.run("review").stderr


def test_questions_are_answered_below_what_they_ask_about(live: Live) -> None:
    set_company(live, "must_answer: [REV-1]")
    live.job()
    live.run("run")
    result = press(live, "nreceipts are on paper\nq")
    assert re.search("1 question to answer +key n", result.stdout)
    assert "  n answer  " in result.stderr
    assert "your answer to REV-1 (empty: later):" in result.stderr
    (asked,) = only(live.json("review"))["questions"]
    assert asked["answer"] == "receipts are on paper"
    assert "there are no notes" not in result.stdout


@pytest.mark.parametrize("key", ["a", "l"])
def test_what_is_missing_is_said_before_anybody_is_asked_to_approve(live: Live, key: str) -> None:
    live.job()
    live.run("run", "--release")
    set_company(live, "must_answer: [REV-1]")
    live.job()
    live.run("run")
    said = " ".join(press(live, f"{key}q").stderr.split())
    assert "approve as" not in said
    assert "first answer, with key n: " in said
    assert "whether 2 items that came before are booked already" in said
    assert "JOB-9" not in said
    press(live, "nbq")
    assert batch_of(live)["approvals"] == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nbq", {FIRST: "already_booked", SECOND: "already_booked"}),
        ("ngq", {FIRST: "again", SECOND: "again"}),
        ("nobgq", {FIRST: "already_booked", SECOND: "again"}),
        ("no\ngq", {SECOND: "again"}),
        ("n\nq", {}),
        ("ngnbq", {FIRST: "already_booked", SECOND: "already_booked"}),  # the last word counts
        ("ngn\nq", {FIRST: "again", SECOND: "again"}),
    ],
)
def test_what_was_booked_before_is_answered_for_all_or_one_by_one(
    live: Live, typed: str, said: dict[str, str]
) -> None:
    live.job()
    live.run("run", "--release")
    live.job()
    live.run("run")
    press(live, typed)
    assert {entry: does for entry, (does, _reason) in said_of(live).items()} == said


def test_after_a_lapse_approving_what_is_unchanged_is_one_keystroke(live: Live) -> None:
    job = live.job()
    live.run("run")
    press(live, "vvq", "--by", "Ann")  # looked at, and not approved
    live.pleo.cancel_job(job)
    live.job()
    live.run("run")
    result = press(live, "aq", "--by", "Ann")
    assert "2 of 3 items were reviewed or approved on 2026-04-01 and are unchanged" in result.stdout
    assert "all of it was reviewed or approved before and is unchanged" in result.stderr
    assert [one["by"] for one in batch_of(live)["approvals"]] == ["Ann"]


def test_what_was_answered_before_a_lapse_is_shown_and_one_keystroke_approves(live: Live) -> None:
    set_company(live, "must_answer: [REV-1]")
    job = live.job()
    live.run("run")
    press(live, "vvnreceipts are on paper\nq", "--by", "Ann")
    first = batch_of(live)["id"][:6]
    live.pleo.cancel_job(job)
    live.job()
    live.run("run")
    result = press(live, "naq", "--by", "Bea")
    assert re.search("1 question answered before, and unchanged since +key n", result.stdout)
    said = " ".join(result.stdout.split())
    words = f'answered before, in void batch {first} on 2026-04-01 by Ann: "receipts are on paper"'
    assert words in said
    assert "your answer to REV-1" not in result.stderr
    assert "all of it was reviewed or approved before and is unchanged" in result.stderr
    assert [one["by"] for one in batch_of(live)["approvals"]] == ["Bea"]
    told = " ".join(live.run("history", "1").stdout.split())
    assert f'REV-1 "receipts are on paper" as answered in void batch {first} by Ann' in told
    (asked,) = only(live.json("review"))["questions"]
    assert (asked["answer"], asked["before"]) == ("receipts are on paper", words)
    page = live.root / only(live.json("review"))["review"]
    assert words in html.unescape(page.read_text(encoding="utf-8")).replace("Answered", "answered")


def test_what_was_answered_of_fewer_items_is_asked_again(live: Live) -> None:
    set_company(live, "must_answer: [REV-1]")
    job = live.job(entries=[SECOND])
    live.run("run")
    press(live, "nreceipts are on paper\nq", "--by", "Ann")
    live.pleo.cancel_job(job)
    live.job()
    live.run("run")
    shown = live.run("review").stdout
    assert 'by Ann: "receipts are on paper" – asked again: 1 item more' in " ".join(shown.split())
    assert too_wide(shown) == []
    assert "first answer, with key n" in press(live, "aq").stderr
    assert batch_of(live)["approvals"] == []


def test_what_is_new_since_then_comes_first_and_is_asked_about(live: Live) -> None:
    job = live.job(entries=[SECOND])
    live.run("run")
    press(live, "vq")
    live.pleo.cancel_job(job)
    live.job()
    live.run("run")
    result = press(live, "vanq")
    assert "1 of 3 items was reviewed or approved on 2026-04-01 and is unchanged" in result.stdout
    assert "EUR 119.00" in result.stdout.split("(1 of 2)")[1]
    assert "approve as" in result.stderr
    assert batch_of(live)["approvals"] == []


def test_an_approval_at_once_is_noted_as_that_and_not_as_a_review(staged: Live) -> None:
    press(staged, "ayq", "--by", "Ann")
    told = staged.run("history", "1").stdout
    assert "approved, by Ann" in told
    assert "reviewed" not in told


def test_an_approval_notes_what_was_looked_at_before_it(staged: Live) -> None:
    assert "noted: 1 item looked at" in press(staged, "vayq", "--by", "Ann").stderr
    told = staged.run("history", "1").stdout
    assert re.search("reviewed, by Ann, 1 item\n.*approved, by Ann", told)


def test_what_was_looked_at_is_noted_when_one_leaves(staged: Live) -> None:
    assert "noted: 1 item looked at" in press(staged, "vq").stderr
    assert "noted" not in press(staged, "q").stderr
    assert "reviewed, by " in staged.run("history", "1").stdout


# ── somebody else is at work too ────────────────────────────────────────────────────────────


class Typist:
    """Presses keys one by one; between them something else may happen."""

    def __init__(self, *presses: Any) -> None:
        self._presses = list(presses)

    def __call__(self, _seconds: float | None = None) -> str:
        while callable(self._presses[0]):
            self._presses.pop(0)()
        return str(self._presses.pop(0))


def test_stale_content_is_refused_and_the_batch_is_shown_as_it_is_now(
    staged: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    def somebody_else() -> None:
        staged.run("review", "--reject", FIRST, "--reason", "private", "--by", "Ben")

    monkeypatch.setattr(keys, "pressed", Typist("a", somebody_else, "y", "q"))
    result = press(staged, "", "--by", "Ann")
    assert "error[REL-2]" in result.stderr
    assert "look at it again" in result.stderr
    assert "[look] 1 of 3 items is in the file" in result.stdout
    assert batch_of(staged)["approvals"] == []


def test_while_nobody_types_the_minutes_go_down_and_a_change_is_told(
    staged: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reject() -> None:
        staged.run("review", "--reject", FIRST, "--reason", "private", "--by", "Ben")

    typist = Typist(
        lambda: staged.pleo.advance(51 * 60), "", lambda: staged.pleo.advance(60), reject, "", "q"
    )
    monkeypatch.setattr(keys, "pressed", typist)
    said = press(staged, "").stderr
    assert "60 minutes left, 0 of 1 approved" in said
    assert "9 minutes left, 0 of 1 approved" in said
    assert "8 minutes left, 0 of 1 approved, changed (s shows it). Your key: " in said


def test_the_second_person_gives_the_second_name(live: Live) -> None:
    set_company(live, "approvals: 2")
    live.job()
    live.run("run")
    said = press(live, "aylyq", "--by", "Ann").stderr
    assert "1 of 2 approvals are given" in said
    assert "error[REVIEW-4]" in said
    assert "next" not in said.split("REVIEW-4")[1]
    result = press(live, "ly", "--by", "Ben")
    assert result.exit_code == 1
    assert "is released and reported" in result.stderr


def test_pleo_ends_the_export_while_somebody_reads(staged: Live) -> None:
    job = staged.pleo.jobs[batch_of(staged)["job"]]
    staged.pleo.cancel_job(job)
    result = press(staged, "lyq")
    assert "lapsed" in result.stdout
    assert "export the items again in Pleo" in result.stderr
    assert not list((staged.root / "outbox").rglob("*.csv"))


def test_a_lock_that_is_held_is_said_and_the_review_goes_on(
    staged: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    from etl.batches.lock import company_lock
    from etl.clock import SystemClock

    with company_lock(staged.root, "acme", clock=SystemClock(), what="pleo-etl run"):
        result = press(staged, "ayxq")
    assert "LOCK-1" in result.stderr
    assert "Pleo shows:" in result.stdout


# ── where there is nothing to sit at ────────────────────────────────────────────────────────


def test_with_json_or_with_parts_nothing_is_asked(staged: Live) -> None:
    for words in (["--json"], ["--items"], ["1"], ["--xlsx", "a.xlsx"]):
        assert WAITS not in press(staged, "q", *words).stderr


def test_nothing_staged_asks_nothing(live: Live) -> None:
    result = press(live, "aaa")
    assert (result.exit_code, "nothing is staged" in result.stderr) == (0, True)


def test_80_columns_and_no_escape_codes_with_keys_too(live: Live) -> None:
    entries = [item(n=1, note=HOSTILE, merchant=HOSTILE), *three_items()[1:]]
    live.add("acme", entries)
    live.job()
    live.run("run")
    result = press(live, f"vwi/{HOSTILE}\nxnr4113001\n{HOSTILE}\nu\n?anldn\x1bq", "--by", HOSTILE)
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(result.stdout + result.stderr)
    lines = [part for line in result.stderr.splitlines() for part in line.split("\r")]
    # The name of the reviewer stands in questions as long as it is.
    # What is typed, and the end of the line with it, is not on this screen.
    said = "\n".join(line for line in lines if not re.search(r"\[y/N\]|\? |: batch", line))
    assert too_wide(result.stdout, said) == []
