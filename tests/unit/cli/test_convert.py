"""`pleo-etl convert`, as a person uses it: files, exit codes, streams, and what stays the same."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.fakes.items import item
from tests.unit.cli.workspaces import Workspace, make_workspace

Items = Callable[[], Sequence[dict[str, Any]]]

EXPECTED = """\
No;Date;Account;Contra;Amount;Currency;Tax;Text;Ref;Made;Ledger
1;2026-03-09;"4650";"1360";119.00;"EUR";"VSt19";"Café Müller Größe";"4113001";2026-03-11T00:00;"GL"
2;2026-03-11;"4650";"1360";10.00;"EUR";"";"Café Müller";"4113002";2026-03-11T00:00;"GL"
2;2026-03-11;"6815";"1360";20.00;"EUR";"";"Café Müller";"4113002";2026-03-11T00:00;"GL"
"""


def test_files_streams_and_exit_code(workspace: Workspace, some_items: Items) -> None:
    result = workspace.convert(workspace.items(*some_items()))
    assert result.exit_code == 1
    files = workspace.files()
    assert sorted(files) == [
        "explain.parquet", "manifest.json", "plain_1_1.csv", "rejections.csv", "review.html",
    ]  # fmt: skip
    assert files["plain_1_1.csv"].decode("cp1252") == EXPECTED
    assert result.stdout == f"{workspace.root / 'out' / 'plain_1_1.csv'}\n"
    assert "rejected[MAP-21]" in result.stderr
    assert "3 listed = 2 in the file + 1 rejected" in result.stderr


def test_all_good_is_exit_0_and_has_no_rejections_file(workspace: Workspace) -> None:
    result = workspace.convert(workspace.items(item(n=1)))
    assert result.exit_code == 0
    assert "rejections.csv" not in workspace.files()


def test_the_manifest_says_what_was_made(workspace: Workspace, some_items: Items) -> None:
    workspace.convert(workspace.items(*some_items()), "-p", "ledger=AP", "--batch-number", "7")
    manifest = workspace.manifest()
    assert manifest["schema"] == 1
    assert manifest["counts"] == {
        "items": 3, "rendered": 2, "rejected": 1, "already_booked": 0, "nothing_to_book": 0,
        "skipped": 0, "vouchers": 2, "postings": 3,
    }  # fmt: skip
    assert manifest["batch"]["number"] == 7
    assert manifest["batch"]["job"] is None
    assert manifest["batch"]["created"] == "2026-03-11T00:00:00.000Z"
    assert manifest["template"]["id"] == "plain"
    assert manifest["mapping"]["name"] == "acme.yaml"
    assert manifest["parameters"] == {"ledger": "AP", "posting_state": "draft"}
    assert manifest["numbers"] == {"first_voucher": 1, "last_voucher": 2}
    assert manifest["input"]["items"] == 3
    assert manifest["input"]["lines"] == 4
    assert manifest["totals"] == [{"currency": "EUR", "debit": "149.00", "credit": "149.00"}]
    (file,) = manifest["files"]
    assert (file["name"], file["rows"]) == ("plain_7_1.csv", 3)
    assert file["totals"] == manifest["totals"]
    assert manifest["read_back"] == {"ok": True, "rows": 3}


def test_what_was_cut_for_the_file_is_told(workspace: Workspace) -> None:
    result = workspace.convert(workspace.items(item(n=1, note="n" * 40)))
    (note,) = [n for n in workspace.manifest()["notes"] if n["code"] == "TEXT-CUT"]
    assert (note["code"], note["count"]) == ("TEXT-CUT", 1)
    assert "(TEXT-CUT)" in result.stderr


def test_every_item_is_listed_with_its_rows(workspace: Workspace, some_items: Items) -> None:
    given = some_items()
    workspace.convert(workspace.items(*given))
    listed = {entry["id"]: entry for entry in workspace.manifest()["items"]}
    assert sorted(listed) == sorted(one["accountingEntryId"] for one in given)
    split = listed[given[1]["accountingEntryId"]]
    assert split["verdict"] == "exported"
    assert split["external_id"] == "4113002"
    assert split["rows"] == [{"file": "plain_1_1.csv", "rows": [3, 4]}]
    failed = listed[given[2]["accountingEntryId"]]
    assert failed["verdict"] == "failed"
    assert failed["failure_type"] == "missing_configuration"
    assert failed["rows"] == failed["vouchers"] == []


def test_control_totals_by_account_code_type_and_wallet(
    workspace: Workspace, some_items: Items
) -> None:
    workspace.convert(workspace.items(*some_items()))
    controls = workspace.manifest()["controls"]
    by_account = {row["account"]: (row["debit"], row["credit"]) for row in controls["accounts"]}
    assert by_account == {
        "1360": ("0.00", "149.00"), "4650": ("129.00", "0.00"), "6815": ("20.00", "0.00"),
    }  # fmt: skip
    assert [(row["tax_code"], row["debit"]) for row in controls["tax_codes"]] == [
        ("VSt19", "119.00")
    ]
    assert [(row["type"], row["items"]) for row in controls["types"]] == [("card_purchase", 2)]
    assert [(row["wallet"], row["credit"]) for row in controls["wallets"]] == [("1360", "149.00")]


def test_rejections_can_be_read_by_a_spreadsheet(workspace: Workspace, some_items: Items) -> None:
    workspace.convert(workspace.items(*some_items()))
    text = workspace.files()["rejections.csv"].decode("utf-8")
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["item_id"] == some_items()[2]["accountingEntryId"]
    assert row["failure_type"] == "missing_configuration"


def test_json_is_one_document_with_every_rejection(workspace: Workspace, some_items: Items) -> None:
    result = workspace.convert(workspace.items(*some_items()), "--json")
    document = json.loads(result.stdout)
    assert document["exit_code"] == result.exit_code == 1
    assert document["counts"]["rejected"] == 1
    assert [row["code"] for row in document["rejections"]] == ["MAP-21"]
    assert document["content"] == workspace.manifest()["content"]


def test_another_folder_order_and_form_give_the_same_bytes(
    tmp_path: Path, some_items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_workspace(tmp_path / "a"), make_workspace(tmp_path / "deep" / "b")
    first.convert(first.items(*some_items()))
    shuffled = list(some_items())
    random.Random(4).shuffle(shuffled)
    lines = "".join(json.dumps(one) + "\n" for one in shuffled).encode()
    path = second.root / "items.ndjson.gz"
    path.write_bytes(gzip.compress(lines))
    monkeypatch.chdir(second.root)
    second.convert(str(path))
    ours, theirs = first.files(), second.files()
    assert ours["plain_1_1.csv"] == theirs["plain_1_1.csv"]
    for part in ("content", "recipe", "input", "batch", "counts", "totals", "controls", "files"):
        assert first.manifest()[part] == second.manifest()[part], part
    without_place = [
        [{k: v for k, v in entry.items() if k != "where"} for entry in one.manifest()["items"]]
        for one in (first, second)
    ]
    assert without_place[0] == without_place[1]


def test_a_second_run_gives_every_byte_again(workspace: Workspace, some_items: Items) -> None:
    items = workspace.items(*some_items())
    workspace.convert(items)
    before = workspace.files()
    assert workspace.convert(items).exit_code == 1
    assert workspace.files() == before
    workspace.convert(items, out="other")
    assert workspace.files("other") == before


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (("-p", "ledger=AP"), {"input"}),
        (("--first-voucher", "5"), {"input"}),
        (("--as-of", "2026-04-01"), {"input"}),
    ],
)
def test_the_recipe_follows_what_a_person_decides(
    workspace: Workspace, some_items: Items, change: tuple[str, ...], same: set[str]
) -> None:
    items = workspace.items(*some_items())
    workspace.convert(items)
    workspace.convert(items, *change, out="other")
    before, after = workspace.manifest(), workspace.manifest("other")
    for part in ("input", "recipe", "content"):
        assert (before[part] == after[part]) == (part in same), part


def test_a_table_of_the_mapping_is_part_of_the_recipe(
    workspace: Workspace, some_items: Items
) -> None:
    items = workspace.items(*some_items())
    workspace.convert(items)
    (workspace.root / "accounts.csv").write_text("pleo,erp\n6640,4650\n9999,1\n")
    workspace.convert(items, out="other")
    before, after = workspace.manifest(), workspace.manifest("other")
    assert before["content"] == after["content"]
    assert before["recipe"]["parts"].keys() == after["recipe"]["parts"].keys()
    changed = {
        name
        for name, value in before["recipe"]["parts"].items()
        if after["recipe"]["parts"][name] != value
    }
    assert changed == {"mapping/accounts.csv"}


def test_numbers_and_clock_can_be_given(workspace: Workspace, some_items: Items) -> None:
    clock = "2026-04-01T13:30:00+02:00"
    workspace.convert(workspace.items(*some_items()), "--first-voucher", "41", "--as-of", clock)
    row = workspace.files()["plain_1_1.csv"].decode("cp1252").splitlines()[1]
    assert row.startswith("41;")
    assert ";2026-04-01T11:30;" in row
    assert workspace.manifest()["numbers"] == {"first_voucher": 41, "last_voucher": 42}


def test_a_rejected_item_leaves_no_gap_in_the_numbers(workspace: Workspace) -> None:
    too_wide = item(n=1, merchant="日本", date="2026-03-01T10:00:00Z")
    workspace.convert(workspace.items(too_wide, item(n=2), item(n=3)))
    lines = workspace.files()["plain_1_1.csv"].decode("cp1252").splitlines()
    assert [line.split(";")[0] for line in lines] == ["No", "1", "2"]
    assert workspace.manifest()["counts"]["rejected"] == 1


@pytest.mark.parametrize("text", ["[]", '{"data": [], "pagination": {}}', ""])
def test_no_items_is_a_conversion_without_files(workspace: Workspace, text: str) -> None:
    path = workspace.root / "empty.json"
    path.write_text(text)
    result = workspace.convert(str(path))
    if text:
        assert result.exit_code == 0
        assert sorted(workspace.files()) == ["explain.parquet", "manifest.json", "review.html"]
        assert workspace.manifest()["batch"]["created"] is None
    else:
        assert result.exit_code == 2


def test_only_rejected_items_is_a_conversion_without_files(workspace: Workspace) -> None:
    result = workspace.convert(workspace.items(item(n=1, lines=[{"account": None}])))
    assert result.exit_code == 1
    assert "plain_1_1.csv" not in workspace.files()
    assert workspace.manifest()["numbers"]["last_voucher"] is None


def test_an_item_that_cannot_be_read_is_listed_and_rejected(workspace: Workspace) -> None:
    path = workspace.root / "items.ndjson"
    path.write_text(json.dumps(item(n=1)) + '\n{"accountingEntryId": \n')
    result = workspace.convert(str(path))
    assert result.exit_code == 1
    manifest = workspace.manifest()
    assert manifest["counts"]["items"] == 2
    assert [entry["id"] for entry in manifest["items"]].count(None) == 1
    assert len({entry["verdict"] for entry in manifest["items"]}) == 2


def test_every_mistake_in_template_and_mapping_is_told_at_once_and_nothing_is_left(
    workspace: Workspace,
) -> None:
    (workspace.root / "accounts.csv").unlink()
    result = workspace.convert(workspace.items(item(n=1)), "-p", "legder=AP")
    assert result.exit_code == 2
    assert "error[TPL-14]" in result.stderr
    assert 'did you mean "ledger"?' in result.stderr
    assert "error[DOC-4]" in result.stderr
    assert not (workspace.root / "out").exists()


@pytest.mark.parametrize("text", ["", "{", "<html>", '"text"', "[1, 2"])
def test_an_input_that_is_no_json_is_exit_2(workspace: Workspace, text: str) -> None:
    path = workspace.root / "broken.json"
    path.write_text(text)
    result = workspace.convert(str(path))
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert not (workspace.root / "out").exists()


@pytest.mark.parametrize("option", ["-t", "-m"])
def test_a_template_or_mapping_that_is_not_there_is_exit_2(
    workspace: Workspace, option: str
) -> None:
    result = workspace.convert(workspace.items(item(n=1)), option, str(workspace.root / "nothing"))
    assert result.exit_code == 2
    assert "\n  fix: " in result.stderr
    assert not (workspace.root / "out").exists()


def test_a_foreign_file_in_the_folder_is_left_alone(workspace: Workspace) -> None:
    (workspace.root / "out").mkdir()
    (workspace.root / "out" / "precious.txt").write_text("mine")
    result = workspace.convert(workspace.items(item(n=1)))
    assert result.exit_code == 2
    assert "error[OUT-1]" in result.stderr
    assert workspace.files() == {"precious.txt": b"mine"}


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--as-of", "yesterday"), "is no date"),
        (("--as-of", "2026-03-31T12:00:00"), "does not say its time zone"),
        (("--first-voucher", "0"), "0 is not in the range"),
        (("-p", "ledger=1", "-p", "ledger=2"), '"ledger" is given twice'),
    ],
)
def test_a_wrong_option_is_exit_2(workspace: Workspace, words: tuple[str, ...], what: str) -> None:
    result = workspace.convert(workspace.items(item(n=1)), *words)
    assert result.exit_code == 2
    assert what in result.stderr


def test_output_names_no_folder_of_the_machine(workspace: Workspace, some_items: Items) -> None:
    workspace.convert(workspace.items(*some_items()))
    for name, content in workspace.files().items():
        assert str(workspace.root).encode() not in content, name


def test_broken_and_repeated_items_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    again = item(n=1) | {"note": "another note"}
    nameless = item(n=4) | {"accountingEntryId": None}
    no_amount = {k: v for k, v in item(n=3).items() if k != "amount"}
    good = [item(n=1), again, nameless, no_amount, item(n=6, lines=[]), item(n=10)]
    texts = [json.dumps(one) for one in good] + ['{"broken":', "[1]", "null", json.dumps(good[0])]
    seen = []
    for seed in range(3):
        workspace = make_workspace(tmp_path / str(seed))
        random.Random(seed).shuffle(texts)
        path = workspace.root / "items.ndjson"
        path.write_text("\n".join(texts) + "\n")
        assert workspace.convert(str(path)).exit_code == 1
        manifest = workspace.manifest()
        for entry in manifest["items"]:
            entry.pop("where", None)
        parts = ("content", "input", "recipe", "batch", "counts", "items", "files")
        seen.append([manifest[part] for part in parts])
        assert manifest["counts"]["items"] == len(texts)
    assert seen[0] == seen[1] == seen[2]


def test_the_control_sheet_is_a_workbook_where_one_is_asked_for(
    workspace: Workspace, some_items: Items
) -> None:
    sheet = workspace.root / "month.xlsx"
    result = workspace.convert(workspace.items(*some_items()), "--control-sheet", str(sheet))
    assert result.exit_code == 1
    rows = openpyxl.load_workbook(sheet)["Control"].iter_rows(values_only=True)
    answers = {row[0]: row[1] for row in rows}
    assert (answers["Listed by Pleo"], answers["In the file"], answers["Rejected"]) == (3, 2, 1)
    assert "month.xlsx" not in workspace.files()
