"""What a person sees of the live flow: 80 columns, nothing hostile, names completed."""

from __future__ import annotations

import re

import pytest
from click.shell_completion import ShellComplete

from etl.batches.lock import company_lock
from etl.cli import main
from etl.cli.standing import wrapped
from tests.fakes.items import item
from tests.unit.cli.live import OTHER, Live, three_items

#: Errors are broken on a terminal only; a path or a call to copy stays whole.
WHOLE = re.compile(r"^(error\[|  at |  fix: |    pleo-etl | +\S*/\S*$)")


def test_every_screen_fits_into_80_columns(live: Live) -> None:
    live.add("a-company-with-quite-a-long-name", three_items(OTHER))
    live.job("acme")
    live.job("a-company-with-quite-a-long-name")
    seen = []
    for words in (
        "jobs --all", "run --all", "review --all", "status --all", "release --all --yes",
        "status --all", "history --all", "history 1 --company acme", "imported --all --yes",
        "reverse 1 --company acme --yes", "withdraw --all --yes", "ledger verify",
        "jobs --ended --all", "run --all", "discard --all --yes",
    ):  # fmt: skip
        result = live.run(*words.split())
        seen += [(words, line) for line in (result.stdout + result.stderr).splitlines()]
    assert len(seen) > 80
    assert [(words, line) for words, line in seen if len(line) > 80 and not WHOLE.match(line)] == []


@pytest.mark.parametrize(
    "words", ["run", "review", "release --yes", "status", "history", "jobs", "imported --yes"]
)
def test_what_strangers_wrote_cannot_steer_the_terminal(live: Live, words: str) -> None:
    hostile = "\x1b[2J\x1b]0;owned\x07\u202e=1+1"
    live.add("acme", [item(n=1, note=hostile, merchant=hostile), item(n=2, type=hostile)])
    live.job()
    for before in ("run", "release --yes"):
        if words in ("run", "review", "release --yes") and before != "run":
            break
        live.run(*before.split())
    result = live.run(*words.split())
    shown = result.stdout + result.stderr
    assert not set("\x1b\x07\u202e") & set(shown)


def test_lines_that_are_broken_are_printable() -> None:
    assert wrapped("  a\x1b[2J\u202eb") == ["  a\ufffd[2J\ufffdb"]


def test_no_line_ends_inside_a_command() -> None:
    told = "next: look at it with `pleo-etl review --company acme`, then `pleo-etl release --yes`"
    assert wrapped(told) == [
        "next: look at it with `pleo-etl review --company acme`, then",
        "  `pleo-etl release --yes`",
    ]


def test_the_second_command_is_told_who_holds_the_company(live: Live) -> None:
    from etl.clock import SystemClock

    live.job()
    with company_lock(live.root, "acme", clock=SystemClock(), what="pleo-etl release"):
        document = live.json("run", "--company", "acme")
        assert (document["exit_code"], document["errors"][0]["code"]) == (4, "LOCK-1")
        assert "pleo-etl release" in document["errors"][0]["what"]
        assert live.run("status").exit_code == 0
    assert live.run("run").exit_code == 1


# ── what Pleo lists has changed since the review ────────────────────────────────────────────


def change(live: Live) -> None:
    first = next(iter(live.companies["acme"].entries.values()))
    first["note"] = "said otherwise since"


def test_a_person_is_shown_what_differs_and_asked(live: Live) -> None:
    job = live.job()
    live.run("run")
    change(live)
    result = live.run("release", given="y\ny\n", attended=True)
    assert "gives other files than those that were reviewed" in result.stderr
    assert "Release the files as they are now? [y/N] (55 minutes left)" in result.stderr
    assert job.status == "completed_with_errors"
    (file,) = (live.root / "outbox").rglob("plain_1_1.csv")
    assert "said otherwise since" in file.read_text("cp1252")


def test_a_no_leaves_it_to_a_new_review(live: Live) -> None:
    job = live.job()
    live.run("run")
    change(live)
    result = live.run("release", given="y\nn\n", attended=True)
    assert result.exit_code == 4
    (call,) = re.findall(r"pleo-etl (diff \S+ \S+)", result.stderr)
    assert "said otherwise since" in live.run(*call.split()).stdout
    assert job.status == "in_progress"
    assert "changed since it was started" in " ".join(live.run("status").stdout.split())
    assert live.run("release", given="y\n", attended=True).exit_code == 1
    assert job.status == "completed_with_errors"


def test_without_a_person_what_differs_waits_and_is_exit_four(staged: Live) -> None:
    change(staged)
    document = staged.json("release", "--yes")
    assert (document["exit_code"], document["errors"][0]["code"]) == (4, "REL-14")
    assert document["companies"][0]["batch"]["revision"] == 2
    assert not list((staged.root / "outbox").rglob("*.csv"))


# ── completion ──────────────────────────────────────────────────────────────────────────────


def completed(*words: str, begun: str = "") -> list[str]:
    found = ShellComplete(main, {}, "pleo-etl", "_PLEO_ETL_COMPLETE")
    return [one.value for one in found.get_completions(list(words), begun)]


def test_companies_and_batches_are_completed(live: Live) -> None:
    live.add("nordic", three_items(OTHER))
    assert completed("run", "--company") == ["acme", "nordic"]
    assert completed("run", "--company", begun="no") == ["nordic"]
    assert completed("imported") == []
    live.job()
    live.run("run", "--company", "acme", "--release")
    assert completed("imported", "--company", "acme") == ["1"]
    assert completed("history", "--company", "nordic") == []
    (live.root / "pleo-etl.yaml").write_text("no: workspace\n", encoding="utf-8")
    assert completed("run", "--company") == []
    assert completed("imported") == []
