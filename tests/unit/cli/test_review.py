"""`pleo-etl review` as it is looked at: 80 columns, nothing hostile, any batch, every part."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path

import openpyxl
import pytest

from etl.review.summary import columns_of
from tests.fakes.items import item
from tests.unit.cli.live import Live, only, three_items

#: Calls, paths and links stay whole: they are there to be copied.
WHOLE = re.compile(r"^\s*(pleo-etl |https://|\.pleo-etl/|outbox/)")
DAY = 24 * 60 * 60
HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e\u2066<b>=1+1\x9b31m [red]x[/red] "


def set_company(live: Live, setting: str) -> None:
    """Give the company a setting in pleo-etl.yaml."""
    path = live.root / "pleo-etl.yaml"
    path.write_text(path.read_text().replace("template: plain", f"{setting}, template: plain"))


def too_wide(*texts: str) -> list[str]:
    lines = [line for text in texts for line in text.splitlines()]
    assert lines
    return [line for line in lines if columns_of(line) > 80 and not WHOLE.match(line)]


# ── the whole ───────────────────────────────────────────────────────────────────────────────


def test_the_screen_in_the_order_in_which_a_bookkeeper_reads(staged: Live) -> None:
    shown = staged.run("review").stdout
    assert shown.splitlines()[1:6] == [
        "[look] 2 of 3 items are in the file",
        "  3 listed = 2 in the file + 1 rejected",
        "  2 vouchers, 2 postings",
        "  staged: it waits for your review",
        "  60 minutes left, 0 of 1 approved",
    ]
    order = (
        "Checks: all", "Totals", "Pleo wallets", "To look at", "Rejected, by who can cure it",
        "Files", "Read", "Next",
    )  # fmt: skip
    places = [shown.index(f"\n{title}") for title in order]
    assert places == sorted(places)
    assert "  1360 EUR    0.00  149.00   -149.00" in shown.splitlines()  # in, out, movement
    assert "pleo-etl review --approve" in shown


def test_one_missing_account_that_stops_forty_items_is_one_line(live: Live) -> None:
    live.add("acme", [item(n=n, lines=[{"account": None}]) for n in range(1, 41)])
    live.job()
    live.run("run")
    shown = live.run("review").stdout
    assert shown.count("(MAP-21)") == 1
    assert "   40 items  choose a category in Pleo, then export again (MAP-21)" in shown
    assert "  In Pleo, by the employee" in shown
    assert shown.count("https://app.pleo.io/export/") == 3  # the first ones, with their links
    assert "and 37 more problems" in shown


def test_every_line_has_80_columns_at_most(live: Live) -> None:
    long = "Gesellschaft für außerordentlich lange Namen mbH & Co. KG 株式会社日本長い名前 " * 3
    bookable = "Gesellschaft für außerordentlich lange Namen mbH & Co. KG " * 3
    account = {"account": f"6640 {'Bewirtung ' * 12}"}
    live.add("acme", [
        item(n=1, wallet="1234567890123.45 EUR", merchant=long, note=long, lines=[account]),
        item(n=2, merchant=long, user=long, lines=[{"account": None}]),
        *[item(n=n, merchant=long) for n in range(4, 20)],
        *[item(n=n, merchant=bookable, lines=[{"account": "4650 B"}]) for n in (3, *range(20, 30))],
    ])  # fmt: skip
    live.job()
    live.run("run", "--release")
    live.job()
    seen = [live.run("run")]
    seen += [live.run(*words.split()) for words in (
        "review", "review --items", "review --item 4113001", "review --item 4113002", "review 1",
        "review 1 --item 4113001", "review 1 --items", "review --already-booked all",
        "review --reject 4113003 --reason why", "review --approve --by A", "review --release",
        "history 2", "status",
    )]  # fmt: skip
    assert [one.stderr for one in seen if one.exit_code not in (0, 1)] == []
    assert too_wide(*[result.stdout + result.stderr for result in seen]) == []


@pytest.mark.parametrize(
    "words",
    ["", "--items", "--item 4113001", "--item 4113002", "--answer X=y", "--reject q --reason z"],
)
def test_no_escape_code_of_a_stranger_reaches_the_terminal(live: Live, words: str) -> None:
    code = "EXP\x1b[31m"
    live.add("acme", [
        item(n=1, note=HOSTILE, merchant=HOSTILE, user=HOSTILE, team=HOSTILE),
        item(n=2, merchant=HOSTILE, lines=[{"account": None}]),
        item(n=3, lines=[{"account": f"6640 {HOSTILE}", "tax": None}], type=code),
    ])  # fmt: skip
    live.job()
    live.run("run")
    result = live.run("review", *words.split(), "--by", HOSTILE)
    for text in (result.stdout, result.stderr):
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\u2066"} & set(text)
    if "item" in words or not words:
        assert "<b>=1+1" in result.stdout


def test_names_and_reasons_of_reviewers_are_strangers_too(staged: Live) -> None:
    staged.run("review", "--reject", "4113001", "--reason", HOSTILE, "--by", HOSTILE)
    staged.run("review", "--approve", "--by", HOSTILE)
    for words in ("review", "history", "history 1", "status", "review --item 4113001"):
        result = staged.run(*words.split())
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(result.stdout + result.stderr), words


def test_with_a_terminal_there_is_colour_and_without_it_the_same_words(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    from etl.cli import screens
    from etl.review.terminal import Line

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    lines = [Line("[look] 1 of 2", "look"), Line("a [b]c[/b] :smile:", "stop"), Line("x\x1b[1m")]
    shown = {}
    for name, value in (("coloured", None), ("plain", "1")):
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        if value:
            monkeypatch.setenv("NO_COLOR", value)
        screen = Terminal()
        monkeypatch.setattr("sys.stdout", screen)
        screens.show(lines)
        shown[name] = screen.getvalue()
    assert "\x1b[33m" in shown["coloured"]
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", shown["plain"])
    without = re.sub(r"\x1b\[[0-9;]*m", "", shown["coloured"])
    assert without == "[look] 1 of 2\na [b]c[/b] :smile:\nx\ufffd[1m\n"


# ── parts of it ─────────────────────────────────────────────────────────────────────────────


def test_the_list_of_items_says_what_became_of_each(staged: Live) -> None:
    rows = [line.split() for line in staged.run("review", "--items").stdout.splitlines()[1:]]
    said = [(row[1:4], row[-1]) for row in rows]
    assert said == [
        (["in", "the", "file"], "119.00"),
        (["in", "the", "file"], "30.00"),
        (["rejected", "Café", "Müller"], "10.00"),
    ]
    listed = only(staged.json("review", "--items"))["items"]
    assert {one["outcome"] for one in listed} == {"in the file", "rejected"}
    assert {one["amount"] for one in listed} == {"119.00", "30.00", "10.00"}


@pytest.mark.parametrize("name", ["id", "ID", "prefix", "reference"])
def test_an_item_is_named_in_any_way_a_person_knows_it(live: Live, name: str) -> None:
    entry = three_items()[2]["accountingEntryId"]  # the rejected one has no reference in the file
    names = {"id": entry, "ID": entry.upper(), "prefix": entry[:6], "reference": "4113003"}
    live.job()
    live.run("run")
    (shown,) = only(live.json("review", "--item", names[name]))["shown"]
    assert shown["id"] == entry


@pytest.mark.parametrize("name", ["nobody", "9f1f6", "", "\x1b[2J"])
def test_a_name_that_means_no_item_is_refused(staged: Live, name: str) -> None:
    result = staged.run("review", "--item", name)
    assert (result.exit_code, "error[ANS-4]" in result.stderr) == (2, True)
    assert "`pleo-etl review --items` lists them" in result.stderr
    assert "\x1b" not in result.stderr


def test_an_item_with_its_postings_and_why_each_cell_is_what_it_is(staged: Live) -> None:
    shown = staged.run("review", "--item", "4113001").stdout
    assert "  EUR 119.00  Café Müller  card purchase" in shown.splitlines()
    assert re.search(r"^  4650 +119\.00$", shown, re.MULTILINE)  # 6640 by the table
    assert "against 1360" in shown
    assert "table: accounts" in shown
    assert "  Amount: 119.00" in shown
    rejected = staged.run("review", "--item", "4113003").stdout
    assert "rejected, it stands in no file" in rejected
    assert "fix: choose a category in Pleo" in rejected


def test_the_control_sheet_as_a_workbook(staged: Live) -> None:
    result = staged.run("review", "--xlsx", "sheet.xlsx")
    assert (result.exit_code, result.stderr) == (0, "written: sheet.xlsx\n")
    book = openpyxl.load_workbook(staged.root / "sheet.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row]
    assert 149 in cells or "149.00" in cells
    book.close()


def test_a_workbook_that_cannot_be_written_is_said(staged: Live) -> None:
    result = staged.run("review", "--xlsx", "not/there/sheet.xlsx")
    assert result.exit_code == 2
    assert "error[OUT-2]" in result.stderr


def test_for_programs_everything_is_in_one_document(staged: Live) -> None:
    result = staged.run("review", "--json")
    company = only(json.loads(result.stdout))
    assert company["counts"]["rejected"] == 1
    assert (company["minutes_left"], company["approvals_needed"]) == (60, 1)
    assert company["batch"]["content"] == company["content"]
    assert [one["code"] for one in company["rejections"]] == ["MAP-21"]
    assert company["rejections"][0]["items"][0]["url"] == "https://app.pleo.io/export/3"
    assert company["wallets"][0]["movement"] == "-149.00"
    assert Path(company["review"]).is_file()
    assert "2 of 3 items are in the file" in result.stderr  # a person may look on


# ── minutes, and what is not there ──────────────────────────────────────────────────────────


def test_the_minutes_left_go_down_and_a_lapsed_job_says_so(live: Live) -> None:
    job = live.job()
    live.run("run")
    live.pleo.advance(52 * 60)
    assert "  8 minutes left, 0 of 1 approved" in live.run("review").stdout
    live.pleo.cancel_job(job)
    shown = live.run("review").stdout
    assert "lapsed: Pleo has ended the export" in shown.replace("\n    ", " ")
    assert "pleo-etl run  when it was exported again in Pleo" in shown
    assert "--approve" not in shown


def test_nothing_staged_says_what_to_do(live: Live) -> None:
    result = live.run("review")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "`pleo-etl run` fetches" in result.stderr
    assert only(live.json("review"))["batch"] is None


def test_a_job_that_can_only_be_refused_has_no_page_and_says_why(live: Live) -> None:
    path = live.root / "templates" / "plain" / "template.yaml"
    path.write_text(path.read_text().replace("journal, accounts_payable", "journal"))
    live.pleo.add_job(live.companies["acme"], None, is_vendor_based=True)
    live.run("run")
    result = live.run("review")
    assert result.exit_code == 0
    assert "it cannot be exported" in result.stderr


# ── old batches ─────────────────────────────────────────────────────────────────────────────


def test_any_old_batch_is_shown_as_it_was(staged: Live) -> None:
    staged.run("review", "--reject", "4113001", "--reason", "private")
    staged.run("release", "--yes", "--by", "A. Patel")
    (staged.root / "accounts.csv").write_text("pleo,erp\n6640,4999\n", encoding="utf-8")
    shown = staged.run("review", "1").stdout
    assert "  3 listed = 1 in the file + 2 rejected" in shown
    assert "  released: its files are ready to be imported, once" in shown
    assert "approved by A. Patel" in shown
    assert re.search(r"^  outbox/acme/0001-\w+/review.html$", shown, re.MULTILINE)
    assert "--approve" not in shown
    first = staged.run("review", "1", "--revision", "1").stdout
    assert "  3 listed = 2 in the file + 1 rejected" in first
    assert "this is revision 1; revision 2 is the newest" in first
    assert "4650" in staged.run("review", "1", "--revision", "1", "--item", "4113001").stdout
    assert staged.run("review", "1", "--revision", "9").exit_code == 2
    assert staged.run("review", "7").exit_code == 2


def lose(live: Live, *, is_private_left: bool) -> None:
    """Lose the ledger, or all that is private, and make the ledger again."""
    for path in (live.root / ".pleo-etl").glob("ledger.db*"):
        path.unlink()
    if not is_private_left:
        shutil.rmtree(live.root / ".pleo-etl")
    assert live.run("ledger", "rebuild", "--yes").exit_code == 0


def test_after_a_rebuild_an_old_batch_is_shown_as_it_was(staged: Live) -> None:
    staged.run("review", "--reject", "4113001", "--reason", "private")
    staged.run("release", "--yes", "--by", "A. Patel")
    differs = staged.run("diff", "1@1", "1@2").stdout
    lose(staged, is_private_left=True)
    assert "  3 listed = 1 in the file + 2 rejected" in staged.run("review", "1").stdout
    first = staged.run("review", "1", "--revision", "1").stdout
    assert "  3 listed = 2 in the file + 1 rejected" in first
    assert "4650" in staged.run("review", "1", "--revision", "1", "--item", "4113001").stdout
    assert staged.run("diff", "1@1", "1@2").stdout == differs
    assert "in the files -> kept out of the files" in differs


def test_after_a_rebuild_without_the_private_folder_the_outbox_is_shown(live: Live) -> None:
    live.job()
    live.run("run", "--release")
    lose(live, is_private_left=False)
    shown = live.run("review", "1")
    assert shown.exit_code == 0
    assert "3 items: 2 in the file" in shown.stdout
    assert "  by wallet, debit less credit\n    1360             EUR        -149.00" in shown.stdout
    assert "    4650             EUR         149.00" in shown.stdout
    assert "no receipt in Pleo (REV-1)" in shown.stdout
    (page,) = re.findall(r"^ +(outbox/\S+review.html)$", shown.stdout, re.MULTILINE)
    assert (live.root / page).is_file()
    said = shown.stderr.replace("\n  ", " ")
    assert "it cannot be shown here: what batch 1" in said
    assert "was made of is not stored here any more, or was changed (LINE-2)" in said


def test_after_retention_the_page_in_the_outbox_is_all_there_is(live: Live) -> None:
    live.job()
    live.run("run", "--release")
    path = live.root / "pleo-etl.yaml"
    path.write_text(path.read_text() + "retention: {days: 30}\n")
    live.pleo.advance(31 * DAY)
    result = live.run("run")
    assert "removed what was stored of 1 batch that ended more than 30 days ago" in result.stderr
    shown = live.run("review", "1")
    assert shown.exit_code == 0
    assert "read it as it was:" in shown.stdout
    (page,) = re.findall(r"^ +(outbox/\S+review.html)$", shown.stdout, re.MULTILINE)
    assert (live.root / page).is_file()
    assert "it ended too long ago (REVIEW-3)" in shown.stderr.replace("\n  ", " ")
    assert "removed" not in live.run("run").stderr  # once


# ── completion ──────────────────────────────────────────────────────────────────────────────


def completed(*words: str) -> list[str]:
    from click.shell_completion import ShellComplete

    from etl.cli import main

    *before, begun = words
    completion = ShellComplete(main, {}, "pleo-etl", "_PLEO_ETL_COMPLETE")
    return [one.value for one in completion.get_completions(list(before), begun)]


def test_items_codes_and_batches_are_completed(live: Live) -> None:
    first, second, third = (one["accountingEntryId"] for one in three_items())
    assert completed("review", "--reject", "") == []
    live.job()
    live.run("run")
    assert set(completed("review", "--reject", "")) == {first, second, third}
    assert completed("review", "--item", third[:3]) == [third]
    assert completed("review", "--undo", "zz") == []
    assert "REV-1=" in completed("review", "--answer", "REV-")
    assert completed("review", "") == ["1"]
    (live.root / "pleo-etl.yaml").write_text("broken: [")
    assert completed("review", "--reject", "") == []
