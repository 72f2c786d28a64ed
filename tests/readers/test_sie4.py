"""SIE files, read by a reader of their own: structure, balance, objects, the manifest's sums."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from tests.readers.sie import NotSie, read_sie

GOLDEN = Path(__file__).parent.parent / "golden" / "sie4"
FILES = sorted(GOLDEN.glob("*/expected/*.si"))
REFERENCE = GOLDEN / "reference" / "expected" / "pleo_1_1.si"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_the_file_is_sie_and_sums_to_what_the_manifest_says(path: Path) -> None:
    book = read_sie(path.read_bytes())
    manifest = json.loads((path.parent / "manifest.json").read_bytes())
    (stated,) = [file for file in manifest["files"] if file["name"] == path.name]
    assert sum(len(voucher.rows) for voucher in book.vouchers) == stated["rows"]
    assert stated["totals"] == [
        {"currency": "SEK", "debit": f"{book.debit:.2f}", "credit": f"{book.debit:.2f}"}
    ]
    assert book.single["VALUTA"] == ["SEK"]


@pytest.mark.parametrize("case", sorted({path.parts[-3] for path in FILES}))
def test_every_account_sums_to_what_the_manifest_says(case: str) -> None:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for path in FILES:
        if path.parts[-3] == case:
            for voucher in read_sie(path.read_bytes()).vouchers:
                for row in voucher.rows:
                    sums[row.account] += row.amount
    manifest = json.loads((GOLDEN / case / "expected" / "manifest.json").read_bytes())
    stated = {
        control["account"]: Decimal(control["debit"]) - Decimal(control["credit"])
        for control in manifest["controls"]["accounts"]
    }
    assert sums == stated


def test_every_file_was_found() -> None:
    cases = {path.parts[-3] for path in FILES}
    assert cases == {path.parent.name for path in GOLDEN.glob("*/case.yaml")} - {"empty-batch"}


def test_the_reference_is_understood() -> None:
    book = read_sie(REFERENCE.read_bytes())
    assert book.single["FNAMN"] == ["Räksmörgås & Söner AB"]
    assert book.single["PROGRAM"] == ["Spend Export", "1.0"]
    assert book.objects == {("1", "100"): "Försäljning"}
    (voucher,) = book.vouchers
    assert voucher.text == 'Café Åre "lunch"'
    assert [(row.account, row.objects, row.amount) for row in voucher.rows] == [
        ("5831", (("1", "100"),), Decimal("1000.00")),
        ("2641", (), Decimal("250.00")),
        ("1942", (), Decimal("-1250.00")),
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b" 1000.00 ", b" 1000.01 ", "does not balance"),
        (b" 1000.00 ", b" 1,000.00 ", "amount"),
        (b"#TRANS 5831", b"#TRANS 5832", "no #KONTO"),
        (b'{1 "100"} 1000', b'{1 "200"} 1000', "not declared"),
        (b'{1 "100"} 1000', b"{1} 1000", "pairs"),
        (b"#FLAGGA 0", b"#FLAGGA 1", "#FLAGGA 0"),
        (b"#FORMAT PC8\r\n", b"", "#FORMAT is missing"),
        (b"#GEN 20260331", b'#GEN "20260331"', "quotes"),
        (b"#VALUTA SEK", b"#IB 0 1942 0.00", "no place in 4I"),
        (b'"" 20260305', b'"" 20270305', "not in the year"),
        (b'"" 20260305', b'"" 20260230', "date"),
        (b'"Pleo"\r\n}', b'"Pleo\r\n}', "quote without end"),
        (b'"Pleo"\r\n}\r\n', b'"Pleo"\r\n', "no end"),
        (b'"Pleo"', b'"' + b"P" * 51 + b'"', "51 characters"),
        (b'"Pleo"', b'"Pl\teo"', "control character"),
        (b'"Pleo"', b'"Pl\\eo"', "backslash"),
    ],
)
def test_the_reader_refuses_what_the_manual_forbids(old: bytes, new: bytes, said: str) -> None:
    content = REFERENCE.read_bytes()
    if old not in content:
        pytest.fail(f"{old!r} is not in the file")
    with pytest.raises(NotSie, match=said):
        read_sie(content.replace(old, new, 1))
