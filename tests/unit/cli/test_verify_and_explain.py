"""`verify` and `explain` need the folder alone, and say exactly what they find."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etl.batches.evidence import read_evidence
from etl.batches.explanation import explain_between
from etl.batches.manifest import MANIFEST
from etl.cli import talk
from etl.files import sha256
from tests.fakes.items import item
from tests.golden.cases import all_cases
from tests.unit.cli.workspaces import Workspace

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
    assert "proved: 1 file, 3 rows; nothing has changed since" in result.stderr


def test_the_hash_is_short_and_in_words(workspace: Workspace, folder: Path) -> None:
    content = workspace.manifest()["content"]
    said = workspace.run("verify", str(folder)).stderr
    assert f"content {content[:12]}: so begins the hash of files, verdicts and receipts" in said
    assert content not in said
    document = json.loads(workspace.run("verify", str(folder), "--json").stdout)
    assert document["content"] == content


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([REJECTED], "nothing was rendered, as the item was rejected"),
        ([REJECTED, item(n=8, lines=[{"account": None}])],
         "nothing was rendered, as all 2 items were rejected"),
        ([item(n=7, wallet="0.00 EUR", lines=[{"account": "6640 Bewirtung", "gross": "0.00"}])],
         "nothing was rendered, as there was nothing to book"),
    ],
    ids=["one rejected", "all rejected", "nothing to book"],
)  # fmt: skip
def test_a_batch_without_files_says_so(
    workspace: Workspace, items: list[dict[str, Any]], said: str
) -> None:
    workspace.convert(workspace.items(*items))
    assert not list((workspace.root / "out").glob("plain_*"))
    result = workspace.run("verify", str(workspace.root / "out"))
    assert result.exit_code == 0
    assert result.stderr == f"{said}; the reports are as they were written\n"


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
    assert result.stdout.splitlines() == [
        f"item {REJECTED['accountingEntryId']}: rejected, it stands in no file"
        " (missing_configuration)",
        "  [MAP-21] the line has no account",
        "    at line 1, items.json, item 4",
        "    fix: choose a category in Pleo, then export again",
    ]


def test_a_rejected_item_is_found_by_its_number_in_pleo(workspace: Workspace, folder: Path) -> None:
    found = explain(workspace, folder, "4113009")
    assert found["item"]["id"] == REJECTED["accountingEntryId"]
    (problem,) = found["rejections"]
    assert (problem["code"], problem["line"]) == ("MAP-21", "1")


def test_without_the_list_of_rejections_the_reason_stays(
    workspace: Workspace, folder: Path
) -> None:
    (folder / "rejections.csv").unlink()
    said = workspace.run("explain", "4113009", str(folder)).stdout
    assert "  the line has no account – choose a category in Pleo" in said
    assert "  at items.json, item 4" in said


# ── explain: what stands in the file ────────────────────────────────────────────────────────


def test_each_column_begins_with_what_stands_in_the_file(
    workspace: Workspace, folder: Path
) -> None:
    said = workspace.run("explain", "4113001", str(folder)).stdout.splitlines()
    at = said.index("  Account: 4650")
    assert said[at + 1] == "    {{ posting.account }} in line 24: from mapping"
    assert said[at + 2].startswith("      won: table: accounts, key: {{ line.account.code }}")
    assert "in table accounts, row 2 (acme.yaml:" in said[at + 2]
    assert said[at + 3].startswith("      lost: use: {{ line.account.code }} – comes after")
    # The amount is printed as the file has it, with a sign and a decimal point.
    assert "  Amount: 119.00" in said
    assert "  empty: Tax (--json says why)" in said
    assert not any(line.startswith("  Tax") for line in said)


def test_values_are_those_of_the_line(workspace: Workspace, folder: Path) -> None:
    (row,) = explain(workspace, folder, "4113001")["rows"]
    line = (folder / "plain_1_1.csv").read_text("cp1252").splitlines()[row["row"] - 1]
    assert row["printed"] == line
    assert [cell["value"] for cell in row["cells"]] == [cell.strip('"') for cell in line.split(";")]
    assert row["never_filled"] == 0


def test_a_text_with_delimiter_and_quotes_is_one_value(workspace: Workspace) -> None:
    workspace.convert(workspace.items(item(n=1, merchant="A", note='Hotel "Zur Post"; Zi. 7')))
    (row,) = explain(workspace, workspace.root / "out", "4113001")["rows"]
    values = {cell["column"]: cell["value"] for cell in row["cells"]}
    assert values["Text"] == 'A Hotel "Zur Post"; Zi. 7'


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_values_of_a_changed_file_are_not_shown(
    workspace: Workspace, folder: Path, change: str
) -> None:
    path = folder / "plain_1_1.csv"
    path.unlink() if change == "gone" else path.write_bytes(path.read_bytes() + b" ")
    found = explain(workspace, folder, "4113001")
    assert {cell["value"] for cell in found["rows"][0]["cells"]} == {None}
    assert found["remarks"] == [
        "plain_1_1.csv is missing or has been changed: what stands in it is not shown"
    ]
    said = workspace.run("explain", "4113001", str(folder)).stdout
    assert said.splitlines()[-1] == found["remarks"][0]
    assert "\n  Account\n" in said


@pytest.mark.parametrize(
    ("case", "wanted", "values"),
    [
        ("generic/workbook", "4113001", {"Voucher": "1", "Date": "2026-03-09", "Debit": "119"}),
        ("quadratus/split", "4113001", {"Compte": "60640000", "Date": "090326", "Sens": "D"}),
        ("quickbooks-iif/split", "4113001", {"!TRNS": "TRNS", "AMOUNT": "-120.00"}),
        # netsuite-journal leaves columns out that nothing stands in.
        ("netsuite-journal/plain", "4113001", {"Account": "7500", "Debit": "45.00", "Credit": ""}),
        ("quadratus/receipts", "4113001", {"Type": "M", "Date": "090326"}),
        ("sie4/plain", "4113003", {"date": "20260305", "account": "5800", "amount": "400.00"}),
        ("unit4-business-world/plain", "4113001", {"date": "2026-03-09", "kind": "GL"}),
        (
            "hledger/plain",
            "4113001",
            {
                "date": "2026-03-03",
                "status": "!",
                "payee": "Café Müller",
                "attendees": "Asha Patel / Tom Reed",
                "receipts": "",
            },
        ),
    ],
)
def test_every_kind_of_file_gives_its_values(
    workspace: Workspace, tmp_path: Path, case: str, wanted: str, values: dict[str, str | None]
) -> None:
    (golden,) = [one for one in all_cases() if one.name == case]
    golden.convert(tmp_path / "golden")
    row = explain(workspace, tmp_path / "golden", wanted)["rows"][0]
    found = {cell["column"]: cell["value"] for cell in row["cells"]}
    assert {name: found[name] for name in values} == values


HEAD_OF_2 = {
    "date": "2026-03-03", "status": "!", "number": "2", "payee": "Café Müller", "text": "Lunch",
    "id": "9f1f6086-0763-5583-af86-c8275711ebca", "reference": "4113001", "type": "card_purchase",
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "row", "wanted"),
    [
        ("hledger/plain", 18, ("head of the voucher", HEAD_OF_2)),
        ("hledger/plain", 20, ("head of the voucher", {"attendees": "Asha Patel / Tom Reed"})),
        ("hledger/plain", 1, None),  # a comment on the file, with the name Pleo in it
        ("hledger/plain", 7, None),  # an account
        ("sie4/plain", 24, None),  # a brace
        ("unit4-business-world/plain", 3, None),  # the file's own head
        ("unit4-business-world/plain", 9, ("expense", {"amount": "54.00", "curr": "54.00"})),
        ("unit4-business-world/plain", 18,  # of the voucher below it, not of the one above
         ("head of the voucher", {"period": "202603", "date": "2026-03-10"})),
        ("datev-extf/plain", 1, None),  # no layout: its lines are postings
    ],
)  # fmt: skip
def test_a_line_beside_postings_is_explained_by_what_stands_in_it(
    tmp_path: Path, case: str, row: int, wanted: tuple[str, dict[str, str]] | None
) -> None:
    (golden,) = [one for one in all_cases() if one.name == case]
    golden.convert(tmp_path / "golden")
    evidence = read_evidence(tmp_path / "golden" / "explain.parquet")
    (name,) = evidence.facts.files
    content = (tmp_path / "golden" / name).read_bytes()
    found = explain_between(evidence, name, row=row, content=content)
    said = found and (found[1].role, {cell.column: cell.value for cell in found[1].cells})
    assert said == wanted


def test_a_row_of_datev_takes_about_one_screen(workspace: Workspace, tmp_path: Path) -> None:
    (golden,) = [one for one in all_cases() if one.name == "datev-extf/plain"]
    golden.convert(tmp_path / "golden")
    said = workspace.run("explain", "4113001", str(tmp_path / "golden")).stdout.splitlines()
    assert len(said) < 60
    assert "columns that the template never fills" in said[-1]


def test_on_a_terminal_lines_are_broken_between_words(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = workspace.run("explain", "4113001", str(folder)).stdout
    monkeypatch.setattr(talk, "terminal_width", lambda _stream=None: 60)
    broken = workspace.run("explain", "4113001", str(folder)).stdout
    assert max(map(len, whole.splitlines())) > 100
    assert broken.split() == whole.split()
    longest = max(map(len, re.split(r"\s+", whole)))
    assert all(len(line) <= max(60, longest + 8) for line in broken.splitlines())


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
