"""hledger itself reads the journals: strict checks, and sums per account against the manifest."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl.cli import main

ROOT = Path(__file__).parent.parent.parent
GOLDEN = ROOT / "tests" / "golden" / "hledger"
FILES = sorted(GOLDEN.glob("*/expected/*.journal"))
SAMPLES = (
    ("items.json", "example.yaml"),
    ("items-uk.ndjson", "example-uk.yaml"),
    ("items-se.ndjson", "example-se.yaml"),
)
Sums = dict[tuple[str, str], Decimal]


def hledger(journal: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run hledger on a journal, and on nothing else."""
    program = shutil.which("hledger")
    assert program, "hledger is not installed (Debian: apt-get install hledger)"
    command = [program, "-f", str(journal), *words]
    settings = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        command, env=settings, capture_output=True, text=True, timeout=60, check=False
    )


def amount(value: dict[str, Any]) -> Decimal:
    """Read a number of hledger exactly."""
    quantity = value["aquantity"]
    return Decimal(quantity["decimalMantissa"]).scaleb(-quantity["decimalPlaces"])


def transactions(journal: Path) -> list[dict[str, Any]]:
    shown = hledger(journal, "print", "-O", "json")
    assert shown.returncode == 0, shown.stderr
    found: list[dict[str, Any]] = json.loads(shown.stdout)
    return found


def sums_of(journal: Path) -> Sums:
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for transaction in transactions(journal):
        for posting in transaction["tpostings"]:
            for part in posting["pamount"]:
                sums[posting["paccount"], part["acommodity"]] += amount(part)
    return dict(sums)


def stated_sums(manifest: dict[str, Any]) -> Sums:
    return {
        (control["account"], control["currency"]): Decimal(control["debit"])
        - Decimal(control["credit"])
        for control in manifest["controls"]["accounts"]
    }


def assert_good(journal: Path) -> None:
    checked = hledger(journal, "check", "--strict", "ordereddates")
    assert checked.returncode == 0, checked.stderr
    manifest = json.loads(journal.with_name("manifest.json").read_bytes())
    assert sums_of(journal) == stated_sums(manifest)
    assert len(transactions(journal)) == manifest["counts"]["vouchers"]
    at_cost = hledger(journal, "balance", "-B", "-O", "csv").stdout.splitlines()
    assert at_cost[-1] == '"total","0"'


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parts[-3])
def test_hledger_takes_the_golden_journals(path: Path) -> None:
    assert_good(path)


@pytest.mark.parametrize(("items", "mapping"), SAMPLES)
def test_hledger_takes_every_type_of_item(items: str, mapping: str, tmp_path: Path) -> None:
    command = ["convert", str(ROOT / "sample_data" / items), "-t", "hledger"]
    command += ["-m", str(ROOT / "mappings" / mapping), "-o", str(tmp_path)]
    assert CliRunner().invoke(main, command).exit_code in (0, 1)
    assert_good(tmp_path / "pleo_1.journal")


def test_every_journal_was_found() -> None:
    cases = {path.parts[-3] for path in FILES}
    assert cases == {path.parent.name for path in GOLDEN.glob("*/case.yaml")} - {"empty-batch"}


def test_hledger_reads_prices_tags_code_and_status() -> None:
    (first, second) = transactions(GOLDEN / "reference" / "expected" / "pleo_1.journal")
    assert (first["tcode"], first["tstatus"], first["tdate"]) == ("1001", "Cleared", "2024-03-05")
    assert first["tdescription"] == "Taxi Oslo | Airport ride"
    assert ["pleo-ref", "4113001"] in first["ttags"]
    assert first["tpostings"][0]["ptags"] == [["costcentre", "SALES"]]
    assert first["tpostings"][1]["ptags"] == []
    (foreign,) = second["tpostings"][0]["pamount"]
    assert (foreign["acommodity"], amount(foreign)) == ("USD", Decimal(100))
    price = foreign.get("aprice") or foreign["acost"]  # the latter since hledger 1.40
    assert price["tag"] in ("TotalPrice", "TotalCost")
    assert amount(price["contents"]) == Decimal("92.60")


def test_hledger_takes_nothing_in_texts_for_something_else() -> None:
    (_, odd) = transactions(GOLDEN / "letters" / "expected" / "pleo_1.journal")
    assert odd["tdescription"] == "* A / B, C | (x) date:2026-13-01, [2020-99-99] / y"
    assert (odd["tstatus"], odd["tcode"], odd["tdate2"]) == ("Pending", "2", None)
    assert [name for name, _ in odd["ttags"]] == [
        "pleo-id", "pleo-ref", "pleo-type", "pleo-url", "attendees",
    ]  # fmt: skip
    cost = odd["tpostings"][0]
    assert (cost["paccount"], cost["ptype"]) == ("expenses:6800 Porto, Post AG", "RegularPosting")
    assert (cost["pdate"], cost["pdate2"]) == (None, None)
    assert cost["ptags"] == [["costcentre", ".1.. 2"], ["dimension-date", "31"]]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("EUR 100.00  ;", "EUR 100.01  ;", "balance"),
        ("    assets:pleo:1360", "    assets:pleo:1361", "account"),
        ("EUR -119.00", "SEK -119.00", "commodity|balance"),
        ("2026-03-03 !", "2026-03-08 !", "order"),
        ("pleo:1360  EUR", "pleo:1360 EUR", "account"),
    ],
)
def test_hledger_refuses_a_broken_journal(old: str, new: str, said: str, tmp_path: Path) -> None:
    text = (GOLDEN / "plain" / "expected" / "pleo_1.journal").read_text(encoding="utf-8")
    assert old in text
    broken = tmp_path / "broken.journal"
    broken.write_text(text.replace(old, new), encoding="utf-8")
    checked = hledger(broken, "check", "--strict", "ordereddates")
    assert checked.returncode != 0
    assert re.search(said, checked.stderr)
