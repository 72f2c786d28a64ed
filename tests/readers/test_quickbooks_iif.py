"""QuickBooks' files, read by a reader of their own: structure, signs, the manifest's sums."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from tests.readers.iif import NotIif, read_iif

GOLDEN = Path(__file__).parent.parent / "golden" / "quickbooks-iif"
FILES = sorted(GOLDEN.glob("*/expected/*.iif"))
REFERENCE = GOLDEN / "reference" / "expected" / "pleo_1.iif"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parts[-3])
def test_the_file_is_iif_and_sums_to_what_the_manifest_says(path: Path) -> None:
    transactions = read_iif(path.read_bytes())
    manifest = json.loads((path.parent / "manifest.json").read_bytes())
    (stated,) = manifest["files"]
    assert sum(len(one.rows) for one in transactions) == stated["rows"]
    assert len(transactions) == manifest["counts"]["vouchers"]
    debit = sum(one.debit for one in transactions)
    assert stated["totals"] == [
        {"currency": "USD", "debit": f"{debit:.2f}", "credit": f"{debit:.2f}"}
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parts[-3])
def test_every_account_sums_to_what_the_manifest_says(path: Path) -> None:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for transaction in read_iif(path.read_bytes()):
        for row in transaction.rows:
            sums[row.account] += row.amount
    controls = json.loads((path.parent / "manifest.json").read_bytes())["controls"]["accounts"]
    assert dict(sums) == {
        one["account"]: Decimal(one["debit"]) - Decimal(one["credit"]) for one in controls
    }


def test_the_reference_says_what_the_description_says() -> None:
    card, bill = read_iif(REFERENCE.read_bytes())
    assert (card.type, card.date.isoformat()) == ("CREDIT CARD", "2026-03-04")
    assert [(row.account, row.amount) for row in card.rows] == [
        ("Pleo Card", Decimal("-24.00")),
        ("Meals", Decimal("20.00")),
        ("VAT Input", Decimal("4.00")),
    ]
    assert (bill.type, bill.rows[0].name, bill.rows[0].number) == (
        "BILL", "Harbour Print Ltd", "HP-2291",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b"20.00", b"20.01", "not in balance"),
        (b"\r\nENDTRNS\r\nTRNS", b"\r\nTRNS", "second TRNS"),
        (b"SPL\t\tCREDIT CARD\t03/04/26\tMeals", b"SPL\t\tBILL\t03/04/26\tMeals", "type or date"),
        (b"03/10/26\tMarketing", b"03/11/26\tMarketing", "type or date"),
        (b"Harbour Print Ltd", b"", "without a name"),
        (b"Pleo Card\t", b"Pleo Card\t\t", "values for"),
        (b"Team breakfast", b'Team "breakfast"', "quotation mark"),
        (b"\tCREDIT CARD\t", b"\tCARD\t", "type 'CARD'"),
        (b"\t-24.00", b"\t-24,00", "amount"),
        (b"PLEO-1001", b"PLEO-1000001", "number"),
        (b"!ENDTRNS\r\n", b"", "no definition"),
    ],
)
def test_the_reader_refuses_what_quickbooks_refuses(old: bytes, new: bytes, what: str) -> None:
    content = REFERENCE.read_bytes()
    assert old in content
    with pytest.raises(NotIif, match=what):
        read_iif(content.replace(old, new))


def test_a_last_transaction_without_end_is_refused() -> None:
    content = REFERENCE.read_bytes().removesuffix(b"ENDTRNS\r\n")
    with pytest.raises(NotIif, match="no ENDTRNS"):
        read_iif(content)
