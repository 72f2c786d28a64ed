"""Every QuadraCompta file among the golden files is one that the manual allows."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.readers.quadratus import FIELDS, LENGTH, fields, read_entries
from tests.readers.samples import WITHOUT_ACCOUNT, convert_samples

GOLDEN = Path(__file__).parent.parent / "golden" / "quadratus"
FILES = sorted(GOLDEN.glob("*/expected/PLEO_*.txt"))
REFERENCE = (GOLDEN / "reference" / "expected" / "PLEO_1.txt").read_bytes()

of_all_files = pytest.mark.parametrize(
    "path", FILES, ids=[path.parent.parent.name for path in FILES]
)


def test_the_table_covers_the_record_without_gap_or_overlap() -> None:
    place = 1
    for at, width in FIELDS.values():
        assert at == place
        place += width
    assert place == LENGTH + 1


@of_all_files
def test_the_manual_allows_every_record(path: Path) -> None:
    assert read_entries(path.read_bytes())[1] == []
    assert path.read_bytes().isascii()


@of_all_files
def test_totals_and_vouchers_are_those_of_the_manifest(path: Path) -> None:
    manifest: dict[str, Any] = json.loads(path.with_name("manifest.json").read_text("utf-8"))
    (stated,) = manifest["files"]
    entries, _ = read_entries(path.read_bytes())
    debit = sum(entry.amount for entry in entries if entry.amount > 0)
    credit = -sum(entry.amount for entry in entries if entry.amount < 0)
    assert [(Decimal(one["debit"]), Decimal(one["credit"])) for one in stated["totals"]] == [
        (debit, credit)
    ]
    assert stated["rows"] == len(entries)
    assert manifest["counts"]["vouchers"] == len({entry.key for entry in entries})
    assert {entry.currency for entry in entries} == {one["currency"] for one in stated["totals"]}


def test_a_receipt_stands_on_the_first_record_of_its_entry() -> None:
    """Of four files two are delivered: the first of its item, and of a type with three letters."""
    path = GOLDEN / "receipts" / "expected" / "PLEO_1.txt"
    files = [entry.file for entry in read_entries(path.read_bytes())[0]]
    assert files == ["00000001.jpg", "", "", "", "00000002.pdf", ""]


def test_every_case_but_the_empty_one_has_a_file() -> None:
    cases = {path.parent.name for path in GOLDEN.glob("*/case.yaml")}
    assert cases - {path.parent.parent.name for path in FILES} == {"empty-batch"}


def test_every_type_of_item_can_be_written(tmp_path: Path) -> None:
    rejected = convert_samples("quadratus", tmp_path / "out", parameters={})
    assert rejected == [WITHOUT_ACCOUNT]
    (file,) = (tmp_path / "out").glob("PLEO_*.txt")
    entries, found = read_entries(file.read_bytes())
    assert found == []
    assert len(entries) == 84


def put(line: bytes, name: str, value: str) -> bytes:
    at, width = FIELDS[name]
    return line[: at - 1] + value.ljust(width).encode("cp1252") + line[at - 1 + width :]


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("type", "C", "type"),
        ("account", "6256-000", "account"),
        ("folio", "001", "folio"),
        ("date", "2026-3", "date"),
        ("date", "310226", "date"),
        ("label", "", "label is empty"),
        ("side", "S", "side"),
        ("sign", "-", "sign"),
        ("amount", "000000118.18", "amount"),
        ("amount", "000000000000", "amount"),
        ("due", "      ", "due"),
        ("currency", "", "currency is empty"),
        ("journal 3", "XX", "journal 3"),
        ("old document", "XXXXX", "old document"),
        ("label 30", "Autre", "label 30"),
        ("file", "000000001.pd", "file"),
        ("reserved", "x", "reserved is not blank"),
    ],
)
def test_the_reader_finds(name: str, value: str, found: str) -> None:
    lines = REFERENCE.split(b"\r\n")
    assert fields(lines[0])[name] != value
    broken = b"\r\n".join([put(lines[0], name, value), *lines[1:]])
    assert f"line 1: {found}" in read_entries(broken)[1]


def test_the_reader_finds_what_concerns_lines() -> None:
    assert "line 1: 232 bytes" in read_entries(b"M" + REFERENCE)[1]
    assert "the last line has no end" in read_entries(REFERENCE.rstrip())[1]
    lost = b"\r\n".join(REFERENCE.split(b"\r\n")[1:])
    assert read_entries(lost)[1] == ["('PL', '090326', '8F2A1') does not balance"]
