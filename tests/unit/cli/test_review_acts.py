"""What a reviewer says in one call: each act, what is refused, exit codes, two names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.items import item
from tests.unit.cli.live import Live, three_items
from tests.unit.cli.test_review import only, set_company

FIRST, SECOND, THIRD = (one["accountingEntryId"] for one in three_items())


def batch_of(live: Live) -> dict[str, Any]:
    return only(live.json("review"))["batch"]  # type: ignore[no-any-return]


def said_of(live: Live) -> dict[str, tuple[str, str]]:
    """Give what was said of items: id -> what, reason."""
    return {one["entry"]: (one["does"], one["reason"]) for one in only(live.json("review"))["said"]}


def errors(document: dict[str, Any]) -> tuple[int, list[str]]:
    return document["exit_code"], [one["code"] for one in document["errors"]]


# ── answers about items ─────────────────────────────────────────────────────────────────────


def test_several_items_are_rejected_in_one_call_and_one_revision_follows(staged: Live) -> None:
    result = staged.run(
        "review", "--reject", FIRST[:6], "--reject", "4113002", "--reason", "private", "--by", "A"
    )
    assert result.exit_code == 1
    assert "3 items: 3 rejected" in result.stderr
    assert "60 minutes left, 0 of 1 approved" in result.stderr
    assert said_of(staged) == {FIRST: ("reject", "private"), SECOND: ("reject", "private")}
    assert batch_of(staged)["revision"] == 2


def test_undo_takes_it_back_and_the_content_is_the_first_one_again(staged: Live) -> None:
    before = batch_of(staged)["content"]
    staged.run("review", "--reject", FIRST, "--reason", "private")
    assert batch_of(staged)["content"] != before
    assert staged.run("review", "--undo", FIRST).exit_code == 1  # one is still rejected
    assert (said_of(staged), batch_of(staged)["content"]) == ({}, before)


def test_the_same_answer_twice_changes_nothing(staged: Live) -> None:
    staged.run("review", "--reject", FIRST, "--reason", "private")
    before = batch_of(staged)
    result = staged.run("review", "--reject", FIRST, "--reason", "private")
    assert "that was said before; nothing has changed" in result.stderr
    assert batch_of(staged) == before


@pytest.mark.parametrize(
    ("words", "both"),
    [
        (["--undo", "all", "--again", "all"], "--again all and --undo all exclude each other"),
        (["--already-booked", "ALL", "--undo", "all"],
         "--already-booked all and --undo all exclude each other"),
        (["--again", "all", "--already-booked", "all"],
         "--already-booked all and --again all exclude each other"),
        (["--reject", FIRST[:6], "--reason", "private", "--undo", FIRST],
         f"--reject {FIRST[:6]} and --undo {FIRST} are about one item: say one"),
        (["--undo", SECOND, "--again", SECOND],
         f"--again {SECOND} and --undo {SECOND} are about one item: say one"),
    ],
)  # fmt: skip
def test_two_things_said_of_one_item_are_refused_and_nothing_changes(
    staged: Live, words: list[str], both: str
) -> None:
    before = batch_of(staged)
    result = staged.run("review", *words)
    assert result.exit_code == 2
    assert both in " ".join(result.stderr.split())
    assert batch_of(staged) == before


def test_what_was_booked_before_is_answered_item_by_item(live: Live) -> None:
    live.job()
    live.run("run", "--release")
    live.job()
    live.run("run")
    shown = live.run("review").stdout
    assert "Answer first" in shown
    assert "    batch 1 of 2026-04-01, voucher 1: waits for your answer" in shown
    assert errors(live.json("review", "--approve")) == (2, ["REL-3"])
    live.run("review", "--already-booked", FIRST[:8], "--again", "4113002")
    assert said_of(live) == {FIRST: ("already_booked", ""), SECOND: ("again", "")}
    shown = live.run("review").stdout
    assert "  you said already booked of 1 item" in shown
    assert "batch 1 of 2026-04-01, voucher 2: you said again" in shown
    assert "  3 listed = 1 in the file + 1 rejected + 1 already booked" in shown
    live.run("review", "--undo", SECOND)
    live.run("review", "--again", "all")  # every one, also what was said to be booked
    assert said_of(live) == {FIRST: ("again", ""), SECOND: ("again", "")}
    live.run("review", "--already-booked", "all", "--again", "4113002")  # the name goes first
    assert said_of(live) == {FIRST: ("already_booked", ""), SECOND: ("again", "")}
    live.run("review", "--undo", "all")
    assert said_of(live) == {}
    live.run("review", "--already-booked", "all", "--again", "4113002")
    assert only(live.json("review", "--release"))["outcome"] == "closed"


def test_a_note_that_must_be_answered(live: Live) -> None:
    set_company(live, "must_answer: [REV-1]")
    live.job()
    live.run("run")
    shown = live.run("review").stdout
    assert shown.index("Answer first") < shown.index("Totals")
    assert '    pleo-etl review --answer REV-1="what you found"' in shown
    assert "--approve" not in shown
    assert errors(live.json("review", "--approve")) == (2, ["REL-3"])
    document = live.json("review", "--answer", "REV-1=receipts are on paper", "--approve")
    assert (document["exit_code"], only(document)["outcome"]) == (1, "approved")
    (asked,) = only(live.json("review"))["questions"]
    assert asked["answer"] == "receipts are on paper"
    assert 'REV-1 "receipts are on paper"' in live.run("history", "1").stdout


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("company:", "# a comment\n\ncompany:", ""),
        ('{use: "4980"}', '{use: "4990"}', "3 items changed"),
    ],
    ids=["only the lines have moved", "it gives another account"],
)
def test_an_answer_about_a_fallback_holds_while_it_gives_the_same(
    live: Live, before: str, after: str, says: str
) -> None:
    set_company(live, "must_answer: [MAP-FALLBACK]")
    (live.root / "accounts.csv").write_text("pleo,erp\n1,4650\n", encoding="utf-8")
    mapping = live.root / "acme.yaml"
    text = mapping.read_text(encoding="utf-8")
    text = text.replace('{use: "{{ line.account.code }}"}', '{use: "4980"}')
    mapping.write_text(text, encoding="utf-8")
    live.job()
    live.run("run")
    live.run("review", "--answer", "MAP-FALLBACK=new categories")
    live.run("discard", "--yes")
    mapping.write_text(text.replace(before, after, 1), encoding="utf-8")
    live.run("run")
    (asked,) = only(live.json("review"))["questions"]
    assert len(asked["items"]) == 3  # one of them has no category at all
    assert asked["answer"] == ("" if says else "new categories")
    assert says in asked["before"]


def test_what_the_settings_ask_now_must_be_answered_before_it_is_approved(staged: Live) -> None:
    set_company(staged, "must_answer: [REV-1]")  # nobody was asked when it was staged
    refused = staged.json("review", "--approve")
    assert errors(refused) == (2, ["REL-3"])
    assert '--answer REV-1="what you found"' in refused["errors"][0]["fix"]
    assert batch_of(staged)["approvals"] == []
    assert errors(staged.json("release", "--yes")) == (2, ["REL-3"])
    document = staged.json("review", "--answer", "REV-1=receipts are on paper", "--approve")
    assert only(document)["outcome"] == "approved"


def test_what_the_settings_ask_now_is_asked_also_of_what_was_approved(staged: Live) -> None:
    staged.run("review", "--approve", "--by", "Ann")
    set_company(staged, "must_answer: [REV-1]")
    assert errors(staged.json("release", "--yes")) == (2, ["REL-3"])
    assert {method for method, _path in staged.requests()} == {"GET"}
    assert batch_of(staged)["approvals"] == []


def test_the_names_that_are_needed_now_count_also_for_what_was_approved(staged: Live) -> None:
    staged.run("review", "--approve", "--by", "Ann")
    set_company(staged, "approvals: 2")
    assert errors(staged.json("release", "--yes")) == (4, ["REVIEW-4"])
    assert {method for method, _path in staged.requests()} == {"GET"}
    staged.run("review", "--approve", "--by", "Ann")
    assert staged.run("review", "--release", "--by", "Ben").exit_code == 1


def test_all_is_refused_where_nothing_came_before_or_two_things_are_said(staged: Live) -> None:
    refused = staged.json("review", "--again", "all")
    assert errors(refused) == (2, ["JOB-12"])
    assert "no item of this batch was booked before" in refused["errors"][0]["what"]
    both = staged.run("review", "--again", "all", "--already-booked", "all")
    assert both.exit_code == 2
    assert "exclude each other" in both.stderr


# ── approve, release, discard ───────────────────────────────────────────────────────────────


def test_all_in_one_call(staged: Live) -> None:
    job = staged.pleo.jobs[only(staged.json("review"))["batch"]["job"]]
    result = staged.run(
        "review", "--reject", SECOND, "--reason", "private", "--release", "--by", "A. Patel",
        "--xlsx", "sheet.xlsx",
    )  # fmt: skip
    assert result.exit_code == 1
    assert job.status == "completed_with_errors"
    assert [one.status for one in job.items.values()] == ["successful", "failed", "failed"]
    assert "next: import the files in outbox/acme/0001-" in result.stderr
    assert (staged.root / "sheet.xlsx").is_file()
    (batch,) = only(staged.json("history"))["batches"]
    assert [one["by"] for one in batch["approvals"]] == ["A. Patel"]


def test_a_release_said_twice_happens_once(staged: Live) -> None:
    content = batch_of(staged)["content"]
    assert staged.run("review", "--release").exit_code == 1
    writes = [one for one in staged.requests() if one[0] != "GET"]
    assert errors(staged.json("review", "--release")) == (2, ["CLI-5"])
    assert errors(staged.json("review", "--release", "--content", content)) == (2, ["CLI-5"])
    assert [one for one in staged.requests() if one[0] != "GET"] == writes


def test_discard_needs_no_second_word_and_tells_pleo_nothing(staged: Live) -> None:
    result = staged.run("review", "--discard", "--by", "A")
    assert result.exit_code == 0
    assert {method for method, _path in staged.requests()} == {"GET"}
    assert "nothing is staged" in staged.run("review").stderr


def test_stale_content_is_refused_with_a_sentence_and_nothing_is_changed(staged: Live) -> None:
    content = batch_of(staged)["content"]
    staged.run("review", "--reject", FIRST, "--reason", "private")
    before = batch_of(staged)
    for act in (["--approve"], ["--release"], ["--discard"], ["--undo", FIRST]):
        result = staged.run("review", *act, "--content", content[:12])
        assert result.exit_code == 2
        assert "error[REL-2]: batch 1 is not what was looked at: revision 2 waits" in result.stderr
        assert "look at it again" in result.stderr
    assert batch_of(staged) == before
    assert staged.run("review", "--approve", "--content", before["content"][:12]).exit_code == 0


def test_an_answer_voids_the_approval(staged: Live) -> None:
    staged.run("review", "--approve", "--by", "A")
    assert batch_of(staged)["state"] == "approved"
    assert errors(staged.json("review", "--reject", FIRST, "--reason", "x")) == (2, ["JOB-12"])
    (staged.root / "accounts.csv").write_text("pleo,erp\n6640,4999\n", encoding="utf-8")
    staged.run("run")
    assert (batch_of(staged)["state"], batch_of(staged)["approvals"]) == ("staged", [])


# ── two names ───────────────────────────────────────────────────────────────────────────────


def test_two_persons_approve_and_the_same_one_twice_counts_once(live: Live) -> None:
    set_company(live, "approvals: 2")
    job = live.job()
    live.run("run")
    result = live.run("review", "--approve", "--by", "Ann")
    assert result.exit_code == 0
    assert "1 of 2 approvals are given" in result.stderr
    assert "60 minutes left, 1 of 2 approved" in result.stderr
    live.run("review", "--approve", "--by", " ANN ")
    assert "  60 minutes left, 1 of 2 approved" in live.run("review").stdout
    assert "approved by Ann, and another person must approve it" in live.run("status").stdout
    assert errors(live.json("review", "--release", "--by", "ann")) == (4, ["REVIEW-4"])
    assert errors(live.json("release", "--yes", "--by", "ann")) == (4, ["REVIEW-4"])
    assert job.status == "pending"
    assert only(live.json("review", "--release", "--by", "Ben"))["outcome"] == "closed"
    assert job.status == "completed_with_errors"
    (batch,) = only(live.json("history"))["batches"]
    assert [one["by"] for one in batch["approvals"]] == ["Ann", "Ben"]


def test_where_two_must_approve_an_unattended_run_releases_nothing(live: Live) -> None:
    set_company(live, "approvals: 2")
    job = live.job()
    assert errors(live.json("run", "--release")) == (4, ["REVIEW-4"])
    assert job.status == "pending"


# ── what was reviewed before ────────────────────────────────────────────────────────────────


def test_after_a_lapse_what_was_reviewed_and_is_unchanged_is_said(live: Live) -> None:
    job = live.job()
    live.run("run")
    live.run("review", "--approve")
    live.pleo.cancel_job(job)
    live.run("release", "--yes")
    live.pleo.advance(24 * 60 * 60)
    live.job()
    live.run("run")
    assert "  2 of 3 items were reviewed or approved on 2026-04-01 and are unchanged" in (
        live.run("review").stdout.splitlines()
    )
    known = only(live.json("review"))["reviewed_before"]
    assert known == {"items": 2, "on": "2026-04-01"}


def test_an_item_that_was_rejected_unseen_is_not_called_reviewed(live: Live) -> None:
    live.job()
    live.run("run", "--release")
    live.job()
    live.run("run")
    assert only(live.json("review"))["reviewed_before"]["items"] == 0


# ── what makes no sense ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--reject 4113001", "--reject needs --reason"),
        ("--reason private", "--reason needs --reject"),
        ("--answer REV-1", "is not CODE=TEXT"),
        ("--answer =text", "is not CODE=TEXT"),
        ("--answer REV-1=", "is not CODE=TEXT"),
        ("--discard --approve", "--discard excludes"),
        ("--discard --undo 4113001", "--discard excludes"),
        ("--content abcdef012345", "it needs an act"),
        ("--content abc --approve", "12 characters or more"),
        ("1 --approve", "an act is about what waits"),
        ("--revision 1 --release", "an act is about what waits"),
        ("--items --approve", "look at items first"),
        ("--item 4113001 --approve", "look at items first"),
        ("--all --reject 4113001 --reason x", "for one company"),
        ("--all --item 4113001", "about one company"),
        ("1 --all", "exclude each other"),
        ("--revision 0", "0 is not in the range"),
    ],
)
def test_options_that_mean_nothing_together(staged: Live, words: str, says: str) -> None:
    before = batch_of(staged)
    result = staged.run("review", *words.split())
    assert (result.exit_code, says in result.stderr) == (2, True), result.stderr
    assert batch_of(staged) == before


def test_nobody_approves_under_no_name(staged: Live) -> None:
    assert "--by names nobody" in staged.run("review", "--approve", "--by", " ").stderr
    assert batch_of(staged)["approvals"] == []


@pytest.mark.parametrize("act", ["--approve", "--release", "--discard", "--undo 4113001"])
def test_without_anything_staged_every_act_says_so(live: Live, act: str) -> None:
    assert errors(live.json("review", *act.split())) == (2, ["CLI-5"])


def test_a_reason_that_is_blank_is_none(staged: Live) -> None:
    result = staged.run("review", "--reject", FIRST, "--reason", "  ")
    assert (result.exit_code, "--reject needs --reason" in result.stderr) == (2, True)


def test_the_reason_reaches_pleos_users(staged: Live) -> None:
    job = staged.pleo.jobs[batch_of(staged)["job"]]
    staged.run("review", "--reject", FIRST, "--reason", "private, please repay", "--release")
    told = job.items[FIRST]
    assert told.status == "failed"
    assert "private, please repay" in (told.failure_reason or "")


def test_items_whose_ids_begin_alike_are_told_apart(live: Live) -> None:
    from etl.review.short_names import short_names

    alike = ["11111111-0000-4000-8000-00000000aaaa", "11111111-0000-4000-8000-00000000bbbb"]
    entries = [item(n=1), item(n=2)]
    for entry, given in zip(entries, alike, strict=True):
        entry["accountingEntryId"] = given
    live.add("acme", entries)
    live.job()
    live.run("run")
    result = live.run("review", "--reject", "111111", "--reason", "x")
    assert (result.exit_code, '"111111" means 2 items' in result.stderr) == (2, True)
    names = short_names(alike)
    assert list(names.values()) == ["11111111…aaaa", "11111111…bbbb"]
    assert live.run("review", "--reject", names[alike[1]], "--reason", "x").exit_code == 1
    assert list(said_of(live)) == [alike[1]]
