"""The talk at the end of a conversion: causes first, 80 columns, readable without colour."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import click
import pytest

from etl.cli import talk
from tests.fakes.items import item
from tests.unit.cli.workspaces import MAPPING, Workspace

WIDTH = 80


def test_no_line_of_a_problem_ends_inside_a_call() -> None:
    fix = "  fix: the batch waits: say what became of it, `pleo-etl settle 7 --imported`, and go on"
    assert talk.broken(fix, 70) == [
        "  fix: the batch waits: say what became of it,",
        "    `pleo-etl settle 7 --imported`, and go on",
    ]


EXPECTED = """\
rejected[MAP-20], 3 items: no expense account is found: looked for "4711" in accounts.csv
  at item ID, line 1, acme.yaml:9:3, and 3 more
  fix: add a row with pleo = "4711" and a value to accounts.csv, or a rule to the \
mapping (`account.expense`)
rejected[ITEM-13]: the lines add up to 9.00 EUR, the item says 10.00
  at item ID, items.json, item 5
  fix: correct the item in Pleo, or ask Pleo about it

[look] 1 of 5 items is in the file
  5 listed = 1 in the file + 4 rejected
  1 voucher, 1 posting

Checks: all 6 hold, the files were read back

Totals  debit  credit
  EUR   10.00   10.00

Pleo wallets    in    out  movement
  1360 EUR    0.00  10.00    -10.00

To look at
     1 item  no receipt in Pleo (REV-1)

Next: open out/review.html, then import as it says at its end
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def strict(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Give a workspace whose expense accounts all stand in a table."""
    text = MAPPING.replace('    - {use: "{{ line.account.code }}"}\n', "")
    (workspace.root / "acme.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(workspace.root)
    return workspace


def _items(workspace: Workspace) -> str:
    unknown = [{"account": "4711 X"}]
    twice = [{"account": "4711 X", "gross": "4.00"}, {"account": "4711 X", "gross": "6.00"}]
    workspace.items(
        item(n=1), item(n=2, lines=unknown), item(n=3, lines=unknown), item(n=4, lines=twice),
        item(n=5, lines=[{"account": "6640 B", "gross": "9.00"}]),
    )  # fmt: skip
    return "items.json"


def test_one_cause_is_told_once_with_what_it_stops(strict: Workspace) -> None:
    result = strict.run("convert", _items(strict), "-t", "plain", "-m", "acme.yaml", "-o", "out")
    assert re.sub("[0-9a-f]{8}-[0-9a-f-]{27}", "ID", result.stderr) == EXPECTED
    assert result.stdout == "out/plain_1_1.csv\n"


def test_json_is_complete(strict: Workspace) -> None:
    words = ["convert", _items(strict), "-t", "plain", "-m", "acme.yaml", "-o", "out", "--json"]
    told = json.loads(strict.run(*words).stdout)
    assert (told["exit_code"], told["folder"], len(told["rejections"])) == (1, "out", 5)
    assert told["counts"]["rendered"] == 1
    assert [total["currency"] for total in told["totals"]] == ["EUR"]
    assert [note["code"] for note in told["notes"]] == ["REV-1"]
    assert [file["name"] for file in told["files"]] == ["plain_1_1.csv"]


def test_on_a_terminal_no_line_is_wider_than_it(
    strict: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from etl.pipeline import Request, convert

    conversion = convert(
        Request(sources=[_items(strict)], template="plain", mapping=Path("acme.yaml"))
    )
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    talk.show_causes(conversion.view.causes, rest="")
    told = click.unstyle(terminal.getvalue())
    lines = told.splitlines()
    assert max(map(len, lines)) <= WIDTH
    # Nothing but the place of the breaks differs from what a file gets.
    assert "accounts.csv\n  at" in re.sub(r"\n    *(?=\w)", " ", "\n".join(lines))
    assert told.startswith("rejected[MAP-20], 3 items: ")


def test_the_first_twenty_causes_are_on_screen(
    strict: Workspace,
) -> None:
    many = [item(n=n, lines=[{"account": f"{1000 + n} X"}]) for n in range(1, 24)]
    strict.items(*many)
    words = ["convert", "items.json", "-t", "plain", "-m", "acme.yaml", "-o", "out"]
    told = strict.run(*words).stderr
    assert told.count("rejected[MAP-20]") == 20
    assert "and 3 more causes (all are in out/rejections.csv)\n" in told
