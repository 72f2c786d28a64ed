"""GL07 files read by lxml: structure by a grammar made from the manual, then the books."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.readers.samples import WITHOUT_ACCOUNT, convert_samples

GOLDEN = Path(__file__).parent.parent / "golden" / "unit4-business-world"
FILES = sorted(GOLDEN.glob("*/expected/*.xml"))
NAMES = {
    "a": "http://services.agresso.com/schema/ABWTransaction/2011/11/14",
    "l": "http://services.agresso.com/schema/ABWSchemaLib/2011/11/14",
}
GRAMMAR = etree.RelaxNG(etree.parse(Path(__file__).with_name("abw_transaction.rng")))
REFERENCE = GOLDEN / "reference" / "expected" / "PLEO77.xml"

of_all_files = pytest.mark.parametrize(
    "path", FILES, ids=[path.parent.parent.name for path in FILES]
)


def faults(content: bytes) -> list[str]:
    """Say what is wrong with a file: structure, then balance of every voucher, then ledgers."""
    document = etree.fromstring(content)
    if not GRAMMAR.validate(document):
        return ["structure"]
    found = []
    numbers = texts(document, ".//a:Voucher/a:VoucherNo")
    if len(set(numbers)) != len(numbers):
        found.append("two vouchers have one number")
    client = texts(document, "l:ReportClient")
    if client and set(texts(document, ".//l:CompanyCode")) != set(client):
        found.append("several companies")
    for voucher in document.iterfind("a:Voucher", NAMES):
        for name in ("l:Amount", "l:CurrAmount"):
            if sum(map(Decimal, texts(voucher, f".//{name}"))):
                found.append(f"{name} of voucher {texts(voucher, 'a:VoucherNo')[0]} is not 0")
        if len(set(texts(voucher, ".//l:Currency"))) > 1:
            found.append("several currencies in a voucher")
    return found


def texts(element: etree._Element, path: str) -> list[str]:
    return [found.text or "" for found in element.iterfind(path, NAMES)]


def totals(content: bytes) -> dict[str, tuple[Decimal, Decimal]]:
    """Add up debits and credits in the currency of the vouchers."""
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in etree.fromstring(content).iterfind(".//a:Transaction", NAMES):
        amount = Decimal(texts(row, "a:Amounts/l:CurrAmount")[0])
        side = sums[texts(row, "a:GLAnalysis/l:Currency")[0]]
        side[amount < 0] += abs(amount)
    return {currency: (debit, credit) for currency, (debit, credit) in sums.items()}


@of_all_files
def test_structure_and_balance(path: Path) -> None:
    assert faults(path.read_bytes()) == []


@of_all_files
def test_totals_and_rows_are_those_of_the_manifest(path: Path) -> None:
    manifest: dict[str, Any] = json.loads(path.with_name("manifest.json").read_text("utf-8"))
    (stated,) = manifest["files"]
    content = path.read_bytes()
    assert stated["rows"] == len(etree.fromstring(content).findall(".//a:Transaction", NAMES))
    assert {
        one["currency"]: (Decimal(one["debit"]), Decimal(one["credit"])) for one in stated["totals"]
    } == totals(content)
    assert manifest["counts"]["vouchers"] == len(texts(etree.fromstring(content), ".//l:Period"))


def test_every_case_but_the_empty_one_has_a_file() -> None:
    cases = {path.parent.name for path in GOLDEN.glob("*/case.yaml")}
    assert cases - {path.parent.parent.name for path in FILES} == {"empty-batch"}


@pytest.mark.parametrize("tax", ["code", "lines"])
def test_every_type_of_item_can_be_written(tax: str, tmp_path: Path) -> None:
    rejected = convert_samples(
        "unit4-business-world", tmp_path / "out", parameters={"client": "BW", "tax": tax}
    )
    assert rejected == [WITHOUT_ACCOUNT]
    (file,) = (tmp_path / "out").glob("*.xml")
    assert faults(file.read_bytes()) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("agrlib:Account>7400", "agr:Account>7400", "malformed"),
        ("<agrlib:Account>7400</agrlib:Account>", "", "structure"),
        ("<agrlib:Account>7400</agrlib:Account>", "<agr:Account>7400</agr:Account>", "structure"),
        (">24.00</agrlib:Amount>", ">24,00</agrlib:Amount>", "structure"),
        ("202603", "202617", "structure"),
        ("2026-03-31", "31.03.2026", "structure"),
        (">GL<", ">AP<", "structure"),
        (">24.00</agrlib:Amount>", ">24.01</agrlib:Amount>", "l:Amount of voucher 1 is not 0"),
        (">-24.00</agrlib:Curr", ">-24.01</agrlib:Curr", "l:CurrAmount of voucher 1 is not 0"),
        ("CompanyCode>BW<", "CompanyCode>BX<", "several companies"),
    ],
)
def test_the_reader_finds(old: str, new: str, found: str) -> None:
    broken = REFERENCE.read_text("utf-8").replace(old, new)
    assert broken != REFERENCE.read_text("utf-8")
    if found == "malformed":
        with pytest.raises(etree.XMLSyntaxError):
            faults(broken.encode())
    else:
        assert faults(broken.encode()) == [found]
