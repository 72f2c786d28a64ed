"""NetSuite journals read by Python's csv module, and held to the rules of NetSuite's help."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.fakes.items import item, page
from tests.readers.samples import WITHOUT_ACCOUNT, convert_samples

GOLDEN = Path(__file__).parent.parent / "golden" / "netsuite-journal"
FILES = sorted(GOLDEN.glob("*/expected/*.csv"))
FILES = [path for path in FILES if path.name != "rejections.csv"]
HEADER = ("External ID", "Date", "Subsidiary", "Currency", "Exchange Rate", "Account", "Debit")
OF_ENTRY = ("Date", "Subsidiary", "Currency", "Exchange Rate", "Memo")
_DATE = re.compile(r"[0-9]{1,4}([/.-])[0-9]{1,2}\1[0-9]{1,4}\Z")
_AMOUNT = re.compile(r"[0-9]{1,10}\.[0-9]{2}\Z")
_RATE = re.compile(r"[0-9]+(\.[0-9]{1,6})?\Z")
REFERENCE = GOLDEN / "reference" / "expected" / "pleo_77_1.csv"

of_all_files = pytest.mark.parametrize(
    "path", FILES, ids=[path.parent.parent.name for path in FILES]
)


def rows_of(content: bytes) -> list[dict[str, str]]:
    text = content.decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True, restkey="surplus"))


def faults(content: bytes) -> list[str]:
    """Say what NetSuite would refuse."""
    rows = rows_of(content)
    if not rows or tuple(rows[0])[: len(HEADER)] != HEADER:
        return ["header"]
    found = []
    for number, row in enumerate(rows, 2):
        if "surplus" in row or None in row.values():
            return [f"line {number}: number of columns"]
        if bool(row["Debit"]) == bool(row["Credit"]):
            found.append(f"line {number}: debit or credit")
        if not _AMOUNT.match(row["Debit"] or row["Credit"]):
            found.append(f"line {number}: amount")
        if not row["Account"] or not row["External ID"] or not _DATE.match(row["Date"]):
            found.append(f"line {number}: account, external id or date")
        if row["Exchange Rate"] and not _RATE.match(row["Exchange Rate"]):
            found.append(f"line {number}: exchange rate")
        if any(value != value.strip() for value in row.values()):
            found.append(f"line {number}: outer blanks")
    if not found:
        seen = set()
        for key, group in groupby(rows, key=lambda row: row["External ID"]):
            entry = list(group)
            found += [f"{key}: {fault}" for fault in faults_of_entry(entry)]
            found += [f"{key}: torn apart"] if key in seen else []
            seen.add(key)
    return found


def faults_of_entry(entry: list[dict[str, str]]) -> list[str]:
    found = [] if len(entry) >= 2 else ["fewer than two lines"]
    found += [f"several {name}" for name in OF_ENTRY if len({row[name] for row in entry}) > 1]
    sides = [sum(Decimal(row[side] or 0) for row in entry) for side in ("Debit", "Credit")]
    return found + (["out of balance"] if sides[0] != sides[1] else [])


@of_all_files
def test_netsuites_rules_find_no_fault(path: Path) -> None:
    assert faults(path.read_bytes()) == []
    assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n")


@of_all_files
def test_totals_and_entries_are_those_of_the_manifest(path: Path) -> None:
    manifest: dict[str, Any] = json.loads(path.with_name("manifest.json").read_text("utf-8"))
    (stated,) = manifest["files"]
    rows = rows_of(path.read_bytes())
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in rows:
        sums[row["Currency"]][0] += Decimal(row["Debit"] or 0)
        sums[row["Currency"]][1] += Decimal(row["Credit"] or 0)
    assert stated["rows"] == len(rows)
    assert manifest["counts"]["vouchers"] == len({row["External ID"] for row in rows})
    assert sums == {
        one["currency"]: [Decimal(one["debit"]), Decimal(one["credit"])] for one in stated["totals"]
    }


def test_every_case_but_the_empty_one_has_a_file() -> None:
    cases = {path.parent.name for path in GOLDEN.glob("*/case.yaml")}
    assert cases - {path.parent.parent.name for path in FILES} == {"empty-batch"}


def test_every_type_of_item_can_be_written(tmp_path: Path) -> None:
    rejected = convert_samples("netsuite-journal", tmp_path / "out", parameters={})
    assert rejected == [WITHOUT_ACCOUNT]
    assert faults((tmp_path / "out" / "pleo_1_1.csv").read_bytes()) == []


def test_a_job_takes_25000_rows_and_no_entry_is_torn(tmp_path: Path) -> None:
    """8,334 entries of 3 rows are 25,002 rows: 8,333 entries (24,999 rows) fill the first file."""
    from etl.cli import main

    line = {"account": "7400 Meals", "tax": "T20 0.2 inclusive 4.00"}
    items = [item(n=n, wallet="24.00 GBP", lines=[line]) for n in range(1, 8335)]
    source = tmp_path / "items.json"
    source.write_text(json.dumps(page(*items)), "utf-8")
    command = ["convert", str(source), "-t", "netsuite-journal", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(main, [*command, "-m", str(GOLDEN / "mapping.yaml")])
    assert result.exit_code == 0, result.output
    first, second = sorted((tmp_path / "out").glob("pleo_*.csv"))
    assert len(rows_of(first.read_bytes())) == 24_999
    assert [row["External ID"] for row in rows_of(second.read_bytes())] == ["PLEO-1-8334"] * 3
    assert faults(first.read_bytes()) + faults(second.read_bytes()) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("External ID,Date", "ExternalID,Date", ["header"]),
        (",Northgate Cafe PLEO", ",Northgate, Cafe PLEO", ["line 2: number of columns"]),
        ("20.00,,", "20.00,20.00,", ["line 2: debit or credit"]),
        ("20.00,,", '"20,00",,', ["line 2: amount"]),
        ("20.00,,", "10000000020.00,,", ["line 2: amount"]),
        ("20.00,,", "20.01,,", ["PLEO-77-1: out of balance"]),
        (",7400,", ",,", ["line 2: account, external id or date"]),
        (",GBP,1,2201", ",EUR,1,2201", ["PLEO-77-1: several Currency"]),
        (",GBP,1,2201", ',GBP,"1,0",2201', ["line 3: exchange rate"]),
        (",Sales,", ",Sales ,", ["line 2: outer blanks"]),
        (
            "PLEO-77-1,31/03/2026,Brightwater Ltd,GBP,1,1230",
            "PLEO-77-2,31/03/2026,Brightwater Ltd,GBP,1,1230",
            [
                "PLEO-77-1: out of balance",
                "PLEO-77-2: fewer than two lines",
                "PLEO-77-2: out of balance",
            ],
        ),
    ],
)
def test_the_reader_finds(old: str, new: str, found: list[str]) -> None:
    text = REFERENCE.read_bytes().decode()
    assert text.count(old) == 1
    assert faults(text.replace(old, new).encode()) == found


def test_the_reader_finds_a_torn_entry() -> None:
    lines = (GOLDEN / "plain" / "expected" / "pleo_1_1.csv").read_text("utf-8").splitlines()
    torn = [lines[0], *lines[1:3], *lines[4:6], lines[3]]
    assert "PLEO-1-1: torn apart" in faults("\n".join(torn).encode())
