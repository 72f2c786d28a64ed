"""`diff`: two batches side by side, worked out by hand from three small items."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.items import item
from tests.golden.cases import ROOT as GOLDEN
from tests.golden.cases import Case
from tests.unit.cli.workspaces import Workspace

LUNCH = item(n=1, wallet="119.00 EUR", lines=[{"account": "6640 Bewirtung"}])
PAPER = item(n=2, wallet="30.00 EUR", lines=[{"account": "6815 Bürobedarf"}])
LAMP = item(n=3, wallet="50.00 EUR", lines=[{"account": "6815 Bürobedarf"}])
BARE = item(n=4, lines=[{"account": None}])


def difference(workspace: Workspace, *more: str) -> dict[str, Any]:
    root = workspace.root
    result = workspace.run("diff", str(root / "old"), str(root / "new"), "--json", *more)
    assert result.exit_code == 0
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def edit(path: Path, old: str, new: str) -> None:
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode()))


def test_the_same_batch_twice_has_no_difference(workspace: Workspace) -> None:
    items = workspace.items(LUNCH, PAPER, BARE)
    for out in ("old", "new"):
        workspace.convert(items, out=out)
    found = difference(workspace)
    assert found["same"] is True
    assert (found["accounts"], found["items"], found["cells"]) == ([], [], [])
    assert found["unchanged"] == 3
    said = workspace.run("diff", str(workspace.root / "old"), str(workspace.root / "new")).stdout
    assert "the two say the same, to the cent and to the cell" in said


def test_another_account_moves_money_and_changes_one_cell_per_row(workspace: Workspace) -> None:
    items = workspace.items(LUNCH, PAPER)
    workspace.convert(items, out="old")
    edit(workspace.root / "accounts.csv", "6640,4650", "6640,4653")
    workspace.convert(items, out="new")
    found = difference(workspace)
    assert found["accounts"] == [
        {"account": "4650", "currency": "EUR", "before": "119.00", "after": "0.00",
         "moved": "-119.00"},
        {"account": "4653", "currency": "EUR", "before": "0.00", "after": "119.00",
         "moved": "119.00"},
    ]  # fmt: skip
    (cell,) = found["cells"]
    assert (cell["column"], cell["before"], cell["after"]) == ("Account", "4650", "4653")
    assert (cell["row_before"], cell["row_after"]) == (2, 2)
    assert found["unchanged"] == 1
    assert [fact["what"] for fact in found["made_with"]] == ["mapping/accounts.csv"]


def test_an_item_that_leaves_only_renumbers_the_others(workspace: Workspace) -> None:
    workspace.convert(workspace.items(LUNCH, PAPER, LAMP), out="old")
    workspace.convert(workspace.items(PAPER, LAMP), out="new")
    found = difference(workspace)
    assert [(one["before"], one["after"]) for one in found["items"]] == [("exported", None)]
    assert found["cells"] == []
    assert (found["only_renumbered"], found["unchanged"]) == (2, 0)
    moved = {move["account"]: move["moved"] for move in found["accounts"]}
    assert moved == {"1360": "119.00", "4650": "-119.00"}


def test_an_item_that_is_now_rejected_says_why_and_lists_no_cells(workspace: Workspace) -> None:
    items = workspace.items(LUNCH, PAPER)
    workspace.convert(items, out="old")
    edit(workspace.root / "acme.yaml", '    - {use: "{{ line.account.code }}"}\n', "")
    workspace.convert(items, out="new")
    found = difference(workspace)
    (one,) = found["items"]
    assert (one["before"], one["after"]) == ("exported", "failed")
    assert "6815" in one["reason"]
    assert found["cells"] == []
    said = workspace.run("diff", str(workspace.root / "old"), str(workspace.root / "new")).stdout
    assert "in the files -> kept out of the files" in said


def test_cells_of_a_workbook_are_compared_like_any_other(workspace: Workspace) -> None:
    edit(workspace.root / "plain" / "template.yaml", "kind: csv", "kind: xlsx")
    edit(workspace.root / "plain" / "template.yaml", "    encoding: cp1252\n    newline: lf\n", "")
    edit(
        workspace.root / "plain" / "template.yaml",
        'csv: {delimiter: ";", quoting: text, header: names}', "xlsx: {sheet: Journal}",
    )  # fmt: skip
    edit(workspace.root / "plain" / "template.yaml", ".csv", ".xlsx")
    items = workspace.items(LUNCH)
    assert workspace.convert(items, out="old").exit_code == 0
    edit(workspace.root / "accounts.csv", "6640,4650", "6640,4653")
    workspace.convert(items, out="new")
    (cell,) = difference(workspace)["cells"]
    assert (cell["column"], cell["before"], cell["after"]) == ("Account", "4650", "4653")
    told = workspace.run("diff", str(workspace.root / "old"), str(workspace.root / "new")).stdout
    assert "\ncells: 1 cell of 1 item differs\n" in told


def test_another_template_compares_money_and_items_only(workspace: Workspace) -> None:
    items = workspace.items(LUNCH, PAPER)
    workspace.convert(items, out="old")
    other = workspace.root / "other"
    shutil.copytree(workspace.root / "plain", other)
    edit(other / "template.yaml", "id: plain", "id: other")
    mapping, out = str(workspace.root / "acme.yaml"), str(workspace.root / "new")
    workspace.run("convert", items, "-t", str(other), "-m", mapping, "-o", out)
    found = difference(workspace)
    assert (found["cells_compared"], found["cells"], found["accounts"]) == (False, [], [])


def test_a_changed_file_is_not_compared(workspace: Workspace) -> None:
    items = workspace.items(LUNCH)
    for out in ("old", "new"):
        workspace.convert(items, out=out)
    edit(workspace.root / "new" / "plain_1_1.csv", "119.00", "118.00")
    result = workspace.run("diff", str(workspace.root / "old"), str(workspace.root / "new"))
    assert result.exit_code == 2
    assert "error[VER-3]: plain_1_1.csv is missing or has been changed" in result.stderr


@pytest.mark.parametrize("empty", ["old", "new"])
def test_a_batch_with_nothing_in_it_is_compared_too(workspace: Workspace, empty: str) -> None:
    for out in ("old", "new"):
        workspace.convert(workspace.items(*(() if out == empty else (LUNCH,))), out=out)
    found = difference(workspace)
    (one,) = found["items"]
    verdicts = [None, "exported"] if empty == "old" else ["exported", None]
    assert [one["before"], one["after"]] == verdicts


@pytest.mark.parametrize(("template", "is_said"), [("datev-extf", True), ("hledger", False)])
def test_whether_costs_stand_with_their_tax_is_said(
    workspace: Workspace, tmp_path: Path, template: str, is_said: bool
) -> None:
    """DATEV gets 119.00 and a tax code, hledger 100.00 and 19.00."""
    for out, case in (("old", "plain"), ("new", "split")):
        Case(GOLDEN / template / case).convert(tmp_path / out)
    said = workspace.run("diff", str(tmp_path / "old"), str(tmp_path / "new")).stdout
    assert "money moved (debit positive)" in said
    assert ("costs stand here with their tax" in said) == is_said
