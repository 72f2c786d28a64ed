"""Xero's files, read by a reader of their own: columns, bills, tax, the manifest's sums."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.fakes.items import invoice, item, page, vendor
from tests.readers.xero import Bill, NotXero, read_xero

GOLDEN = Path(__file__).parent.parent / "golden" / "xero-bills"
FILES = sorted(GOLDEN.glob("*/expected/xero_bills_*.csv"))
REFERENCE = GOLDEN / "reference" / "expected" / "xero_bills_1_1_tax_exclusive.csv"


def bills_of(path: Path) -> list[Bill]:
    return read_xero(
        path.read_bytes(),
        inclusive=path.name.endswith("_inclusive.csv"),
        date_format="%m/%d/%Y" if path.parts[-3] == "us-dates" else "%d/%m/%Y",
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parts[-3])
def test_the_bills_sum_to_what_the_manifest_says(path: Path) -> None:
    bills = bills_of(path)
    manifest = json.loads((path.parent / "manifest.json").read_bytes())
    (stated,) = manifest["files"]
    assert sum(len(bill.lines) for bill in bills) == stated["rows"]
    assert len(bills) == manifest["counts"]["vouchers"]
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for bill in bills:
        # A line below zero debits the contact and credits the account.
        sums[bill.currency] += sum(abs(line.gross) for line in bill.lines)
    assert stated["totals"] == [
        {"currency": currency, "debit": f"{total:.2f}", "credit": f"{total:.2f}"}
        for currency, total in sorted(sums.items())
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parts[-3])
def test_every_account_and_contact_sums_to_what_the_manifest_says(path: Path) -> None:
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for bill in bills_of(path):
        for line in bill.lines:
            sums[line.account, bill.currency] += line.gross
            sums[bill.contact, bill.currency] -= line.gross
    controls = json.loads((path.parent / "manifest.json").read_bytes())["controls"]["accounts"]
    assert dict(sums) == {
        (one["account"], one["currency"]): Decimal(one["debit"]) - Decimal(one["credit"])
        for one in controls
    }


def test_the_reference_says_what_the_description_says() -> None:
    (bill,) = bills_of(REFERENCE)
    assert (bill.contact, bill.number) == ("Harbour Print Ltd", "HP-2291")
    assert (bill.date.isoformat(), bill.due.isoformat()) == ("2026-03-10", "2026-04-09")
    assert [(line.account, line.gross, line.tax) for line in bill.lines] == [
        ("400", Decimal("180.00"), Decimal("30.00")),
        ("425", Decimal("12.00"), Decimal("0.00")),
    ]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b"*TaxType", b"TaxType", "columns"),
        (b"Zero Rated Expenses", b"Zero rated expenses", "rate"),
        (b",150.00,", b",150,", "amount"),
        (b"Brochures", b"", "description"),
        (b",Department,", b",,", "tracking"),
        (b"09/04/2026,,,Delivery", b"10/04/2026,,,Delivery", "differ"),
        (b",150.00,", b",-150.00,", "credit"),
    ],
)
def test_the_reader_refuses_what_xero_refuses(old: bytes, new: bytes, what: str) -> None:
    content = REFERENCE.read_bytes()
    assert old in content
    with pytest.raises(NotXero, match=what):
        read_xero(content.replace(old, new), inclusive=False)


def test_bill_501_goes_into_a_second_file(tmp_path: Path) -> None:
    from etl.cli import main

    items = [
        item(
            n=n, type="invoice", method="accounts_payable", wallet="12.00 GBP",
            vendor=vendor("HARB", "Harbour Print Ltd", "GBP"),
            invoice=invoice(f"HP-{n}", "2026-03-08"),
        )
        for n in range(1, 502)
    ]  # fmt: skip
    source, out = tmp_path / "items.json", tmp_path / "out"
    source.write_text(json.dumps(page(*items)))
    mapping = str(GOLDEN / "mapping.yaml")
    command = ["convert", str(source), "-t", "xero-bills", "-m", mapping, "-o", str(out)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    parts = [out / f"xero_bills_1_{number}_tax_inclusive.csv" for number in (1, 2)]
    read = [read_xero(part.read_bytes(), inclusive=True) for part in parts]
    assert [len(bills) for bills in read] == [500, 1]
    assert len({bill.number for bills in read for bill in bills}) == 501
