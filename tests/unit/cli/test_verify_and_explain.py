"""`verify` and `explain` need the folder alone, and say exactly what they find."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etl.batches.manifest import MANIFEST
from etl.files import sha256
from tests.fakes.items import item
from tests.unit.cli.conftest import Workspace

FIRST = item(n=1, wallet="119.00 EUR", lines=[{"account": "6640 Bewirtung"}])
REJECTED = item(n=9, lines=[{"account": None}])


@pytest.fixture
def folder(workspace: Workspace) -> Path:
    items = workspace.items(FIRST, item(n=2), item(n=3), REJECTED)
    assert workspace.convert(items).exit_code == 1
    for name in ("acme.yaml", "accounts.csv", "items.json", "plain/template.yaml"):
        (workspace.root / name).unlink()
    return workspace.root / "out"


def errors(workspace: Workspace, folder: Path) -> list[dict[str, Any]]:
    result = workspace.run("verify", str(folder), "--json")
    document = json.loads(result.stdout)
    assert document["exit_code"] == result.exit_code
    assert (result.exit_code == 2) == bool(document["errors"])
    found: list[dict[str, Any]] = document["errors"]
    return found


def test_an_untouched_folder_is_proved(workspace: Workspace, folder: Path) -> None:
    result = workspace.run("verify", str(folder))
    assert result.exit_code == 0
    assert "proved: 1 file, 3 rows" in result.stderr


def test_every_changed_byte_of_the_file_names_file_and_line(
    workspace: Workspace, folder: Path
) -> None:
    path = folder / "plain_1_1.csv"
    raw = path.read_bytes()
    for at in range(0, len(raw), 23):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        (error,) = errors(workspace, folder)[:1]
        line = raw[:at].count(b"\n") + 1
        assert error["code"] == "VER-3"
        assert error["where"].endswith(f"plain_1_1.csv:{line}")
        assert f"plain_1_1.csv has been changed in line {line}" in error["what"]


def test_a_line_more_is_named_once(workspace: Workspace, folder: Path) -> None:
    path = folder / "plain_1_1.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[1], *lines[2:]]))
    assert [error["where"][-4:] for error in errors(workspace, folder)] == ["sv:3"]


def test_a_missing_file_is_named(workspace: Workspace, folder: Path) -> None:
    (folder / "plain_1_1.csv").unlink()
    (error,) = errors(workspace, folder)
    assert error["code"] == "VER-3"
    assert "plain_1_1.csv cannot be read" in error["what"]


@pytest.mark.parametrize("name", ["review.html", "rejections.csv", "explain.parquet"])
def test_a_changed_report_is_named(workspace: Workspace, folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes() + b" ")
    (error,) = errors(workspace, folder)
    assert name in error["what"]


def test_a_changed_manifest_names_itself(workspace: Workspace, folder: Path) -> None:
    path = folder / MANIFEST
    raw = path.read_bytes()
    for at in range(0, len(raw), 211):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        (error,) = errors(workspace, folder)
        assert error["code"] == "VER-2"
        assert MANIFEST in error["what"]
        assert error["where"].endswith(MANIFEST)


def test_a_folder_without_manifest_is_refused(workspace: Workspace) -> None:
    (error,) = errors(workspace, workspace.root)
    assert error["code"] == "VER-1"


def test_a_note_beside_the_files_does_no_harm(workspace: Workspace, folder: Path) -> None:
    (folder / "imported.txt").write_text("on Friday")
    assert errors(workspace, folder) == []


# ── explain ─────────────────────────────────────────────────────────────────────────────────


def explain(workspace: Workspace, folder: Path, wanted: str) -> dict[str, Any]:
    result = workspace.run("explain", wanted, str(folder), "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.mark.parametrize("name", ["id", "first characters", "reference"])
def test_an_item_is_found_by(workspace: Workspace, folder: Path, name: str) -> None:
    wanted = {
        "id": FIRST["accountingEntryId"],
        "first characters": FIRST["accountingEntryId"][:8],
        "reference": "4113001",
    }[name]
    assert explain(workspace, folder, wanted)["item"]["id"] == FIRST["accountingEntryId"]


def test_a_value_names_rule_table_row_and_what_lost(workspace: Workspace, folder: Path) -> None:
    (row,) = explain(workspace, folder, "4113001")["rows"]
    assert (row["file"], row["row"], row["line"]) == ("plain_1_1.csv", 2, 1)
    assert row["posting_rule"] == "card_purchase/journal"
    cells = {cell["column"]: cell for cell in row["cells"]}
    account = cells["Account"]
    assert account["expression"] == "{{ posting.account }}"
    assert account["place"].startswith("plain/template.yaml:")
    (source,) = account["sources"]
    assert source["value"] == "4650"
    assert source["target"] == "account.expense"
    assert source["place"].startswith("acme.yaml:")
    assert source["table_row"] == 2
    assert [(lost["why"]) for lost in source["lost"]] == ["comes after"]
    assert cells["Contra"]["sources"][0]["target"] == "account.wallet"
    assert cells["Ref"]["sources"][0]["origin"] == "Pleo's reconciliation id"


def test_a_rule_that_did_not_match_has_lost(workspace: Workspace) -> None:
    other = item(n=5, lines=[{"account": "7777 Other"}])
    workspace.convert(workspace.items(other))
    (row,) = explain(workspace, workspace.root / "out", "4113005")["rows"]
    (source,) = next(c for c in row["cells"] if c["column"] == "Account")["sources"]
    assert source["rule"] == "use: {{ line.account.code }}"
    assert [lost["why"] for lost in source["lost"]] == [
        "table accounts has no row with a value for this line"
    ]


def test_a_rejected_item_says_why(workspace: Workspace, folder: Path) -> None:
    result = workspace.run("explain", REJECTED["accountingEntryId"], str(folder))
    assert "failed" in result.stdout
    assert "missing_configuration: the line has no account" in result.stdout


@pytest.mark.parametrize("wanted", ["nothing", "", "x" * 300])
def test_an_unknown_item_is_exit_2(workspace: Workspace, folder: Path, wanted: str) -> None:
    result = workspace.run("explain", wanted, str(folder))
    assert result.exit_code == 2
    assert "error[VER-5]" in result.stderr


def test_changed_evidence_is_not_believed(workspace: Workspace, folder: Path) -> None:
    path = folder / "explain.parquet"
    pl.DataFrame({"item.id": ["x"]}).write_parquet(path)
    result = workspace.run("explain", "4113001", str(folder))
    assert result.exit_code == 2
    assert "error[VER-3]" in result.stderr


# ── what hashes alone would not catch ───────────────────────────────────────────────────────


@pytest.fixture
def readable(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder whose template can be found by its id, as a shipped one can."""
    (workspace.root / "templates").mkdir()
    (workspace.root / "plain").rename(workspace.root / "templates" / "plain")
    monkeypatch.chdir(workspace.root)
    items = workspace.items(FIRST, item(n=2))
    result = workspace.run(
        "convert", items, "-t", "plain", "-m", "acme.yaml", "-o", "out", "-p", "ledger=AP"
    )
    assert result.exit_code == 0
    return workspace.root / "out"


def forge(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change a file as somebody would who also mends every hash of the manifest."""
    path = folder / name
    before = path.read_bytes()
    after = change(before)
    path.write_bytes(after)
    manifest = (folder / MANIFEST).read_bytes()
    manifest = manifest.replace(sha256(before).encode(), sha256(after).encode())
    manifest = manifest.replace(b'"bytes": %d' % len(before), b'"bytes": %d' % len(after))
    unsealed = re.sub(rb'\n "seal": "[0-9a-f]{64}"', b'\n "seal": ""', manifest)
    sealed = b'\n "seal": "%s"' % sha256(unsealed).encode()
    (folder / MANIFEST).write_bytes(unsealed.replace(b'\n "seal": ""', sealed))


def test_files_are_read_back_where_the_template_is_at_hand(
    workspace: Workspace, readable: Path
) -> None:
    result = workspace.run("verify", str(readable), "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["rows"], document["remarks"]) == (0, 2, [])


def test_without_the_template_verify_says_what_it_could_not_do(
    workspace: Workspace, readable: Path
) -> None:
    path = workspace.root / "templates" / "plain" / "template.yaml"
    path.write_text(path.read_text() + "# changed since\n")
    result = workspace.run("verify", str(readable))
    assert result.exit_code == 0
    assert "the files were not read back" in result.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"4650"', b'"4651"'), (b"119.00", b"119.01"), (b"2026-03-09", b"2026-03-08"),
        (b'"1360"', b'"1361"'), (b'"EUR"', b'"EUX"'), (b'"4113001"', b'"4113002"'),
    ],
)  # fmt: skip
def test_a_forged_cell_is_caught_by_the_content_and_by_the_read_back(
    workspace: Workspace, readable: Path, old: bytes, new: bytes
) -> None:
    forge(readable, "plain_1_1.csv", lambda raw: raw.replace(old, new, 1))
    found = errors(workspace, readable)
    assert {error["code"] for error in found} == {"VER-4"}
    assert found[0]["what"] == "the content hash is not that of the manifest"
    assert found[1]["what"] == "plain_1_1.csv line 2 does not say what was written there"
    assert found[0]["fix"].startswith("take the file from a copy, or convert the items again")
    assert [error["where"][-4:] for error in found[1:]] == ["sv:2"]


def test_forged_totals_are_caught(workspace: Workspace, readable: Path) -> None:
    path = readable / MANIFEST
    path.write_bytes(path.read_bytes().replace(b'"debit": "129.00"', b'"debit": "129.01"'))
    forge(readable, "review.html", lambda raw: raw + b" ")
    assert [
        "totals of plain_1_1.csv" in error["what"] for error in errors(workspace, readable)
    ] == [True]


def test_a_forged_verdict_is_caught(workspace: Workspace, readable: Path) -> None:
    path = readable / MANIFEST
    path.write_bytes(path.read_bytes().replace(b'"verdict":"exported"', b'"verdict":"failed"', 1))
    forge(readable, "review.html", lambda raw: raw + b" ")
    assert ["content hash" in error["what"] for error in errors(workspace, readable)] == [True]
