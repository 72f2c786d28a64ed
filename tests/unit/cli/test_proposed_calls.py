"""Where there are several companies, every call that is proposed names its company.

It is copied as it stands: without the option it would only be refused.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from etl.workspace import load_workspace
from tests.unit.cli.live import OTHER, Live, make_live, three_items

#: A call of a command that asks for a company where there are several.
CALL = re.compile(
    r"pleo-etl (?:run|review|release|discard|status|jobs|history|settle|withdraw|imported|reverse"
    r"|adopt|login|logout)\b[^`\n\"]*"
)
ACME = ("--company", "acme")


class Proposed:
    """Gives commands for acme, and looks at what each of them says, to persons and programs."""

    def __init__(self, live: Live) -> None:
        self.live = live
        #: Every call that was proposed.
        self.calls: set[str] = set()

    def give(self, *words: str) -> None:
        for how in ((), ("--json",)):
            said = self.live.run(*words, *ACME, *how)
            # Lines are broken between words, and never inside a call.
            self._look(said.stdout + said.stderr, words)

    def look_at(self, text: str) -> None:
        self._look(text, ())

    def _look(self, text: str, words: tuple[str, ...]) -> None:
        found = {call[0].strip() for call in CALL.finditer(text)}
        assert all("--company acme" in call for call in found), (words, sorted(found))
        self.calls |= found


@pytest.fixture
def proposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proposed:
    monkeypatch.chdir(tmp_path)
    live = make_live(tmp_path)
    live.add("nordic", three_items(OTHER)[:2])
    return Proposed(live)


def test_from_the_export_to_the_books(proposed: Proposed) -> None:
    live = proposed.live
    proposed.give("status")
    proposed.give("release", "--yes")
    live.job()
    for words in (("jobs",), ("status",), ("run",), ("status",), ("review", "--approve"), ("run",)):
        proposed.give(*words)
    for words in (("withdraw", "1", "--yes"), ("settle", "1", "--imported", "--yes")):
        proposed.give(*words)
    proposed.give("release", "--yes")
    for words in (("status",), ("history",), ("history", "1"), ("discard", "1", "--yes")):
        proposed.give(*words)
    live.job()
    for words in (("run",), ("status",), ("release", "--yes"), ("discard", "--yes")):
        proposed.give(*words)
    proposed.give("imported", "1", "--yes")
    proposed.give("withdraw", "1", "--yes")
    assert len(proposed.calls) > 5


def test_what_is_refused_or_held(proposed: Proposed) -> None:
    live = proposed.live
    live.companies["acme"].has_contra_accounts = False
    live.job()
    for words in (("run",), ("status",), ("release", "--yes")):
        proposed.give(*words)
    live.companies["acme"].has_contra_accounts = True
    foreign = live.job()
    live.pleo.move_job(foreign, "started")
    proposed.give("run")
    proposed.give("status")
    live.pleo.cancel_job(foreign)
    lapsed = live.job()
    live.run("run", *ACME)
    live.pleo.cancel_job(lapsed)
    for words in (("status",), ("release", "--yes"), ("run",)):
        proposed.give(*words)
    assert any("adopt" in call for call in proposed.calls)


def test_what_is_quarantined(proposed: Proposed) -> None:
    live = proposed.live
    job = live.job()
    live.run("run", *ACME)
    live.pleo.faults.add("error=503@report-items:1-")
    proposed.give("release", "--yes")
    live.pleo.faults.clear()
    live.pleo.cancel_job(job)
    for words in (("release", "--yes"), ("status",), ("run",), ("discard", "--yes")):
        proposed.give(*words)
    (note,) = live.root.rglob("DO-NOT-IMPORT.txt")
    proposed.look_at(note.read_text(encoding="utf-8"))
    proposed.give("settle", "--not-imported", "--yes")
    assert any("settle" in call for call in proposed.calls)


def test_what_concerns_the_credential_and_the_ledger(proposed: Proposed) -> None:
    live = proposed.live
    live.job()
    proposed.give("run")
    live.environment["PLEO_API_KEY_ACME"] = "of-another-pleo"
    for words in (("status",), ("jobs",), ("run",), ("adopt", OTHER, "--yes")):
        proposed.give(*words)
    proposed.look_at(live.run("check", "--online").stderr)
    proposed.look_at(live.run("ledger", "rebuild", "--force", "--yes").stderr)
    del live.environment["PLEO_API_KEY_ACME"]
    proposed.give("run")
    (live.root / ".pleo-etl" / "ledger.db").unlink()
    proposed.give("status")
    proposed.give("diff", "1", "2")
    assert any("login" in call for call in proposed.calls)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("`pleo-etl run`, or `pleo-etl jobs --ended`",
         "`pleo-etl run --company b`, or `pleo-etl jobs --ended --company b`"),
        ("`pleo-etl login --company b`", "`pleo-etl login --company b`"),
        ("`pleo-etl ledger rebuild`", "`pleo-etl ledger rebuild`"),  # it is of all companies
    ],
)  # fmt: skip
def test_a_call_is_named_once_and_only_where_it_needs_it(
    tmp_path: Path, text: str, named: str
) -> None:
    company = "{id: 5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b1%d, template: t, mapping: m.yaml}"
    path = tmp_path / "pleo-etl.yaml"
    path.write_text(f"companies:\n  b: {company % 0}\n")
    assert load_workspace(path).named_in(text, "b") == text
    path.write_text(f"companies:\n  a: {company % 1}\n  b: {company % 0}\n")
    assert load_workspace(path).named_in(text, "b") == named


def test_a_command_of_one_company_proposes_no_all(proposed: Proposed) -> None:
    assert ", or --all" in proposed.live.run("run").stderr
    assert ", or --all" not in proposed.live.run("adopt", OTHER).stderr
