"""SIE files, read by a reader of their own: structure, balance, objects, the manifest's sums."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from etl.cli import main
from tests.fakes.items import item, page
from tests.readers.sie import NotSie, read_sie

ROOT = Path(__file__).parent.parent.parent
GOLDEN = ROOT / "tests" / "golden" / "sie4"
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


def test_the_swedish_sample_is_sie(tmp_path: Path) -> None:
    """Eight vouchers: 20,000.00 loaded; 1,250.00; 778.00; 1,123.45 and 280.86 of reverse charge;
    125.00 back; 424.00, its repayment, and 49.00, on the debit side together 24,454.31.
    """
    command = ["convert", str(ROOT / "sample_data" / "items-se.ndjson"), "-t", "sie4"]
    command += ["-m", str(ROOT / "mappings" / "example-se.yaml"), "-o", str(tmp_path)]
    command += ["-p", "organisation_number=555555-5555"]
    assert CliRunner().invoke(main, command).exit_code == 0
    book = read_sie((tmp_path / "pleo_1_1.si").read_bytes())
    assert (len(book.vouchers), book.debit) == (8, Decimal("24454.31"))
    assert book.objects == {("1", "100"): "Butik", ("1", "200"): "Kontor", ("6", "P1"): "Mässa"}
    assert "Moms 25 %" in {row.text for voucher in book.vouchers for row in voucher.rows}


def test_a_dimension_without_a_number_is_rejected(tmp_path: Path) -> None:
    mapping = (GOLDEN / "mapping.yaml").read_text(encoding="utf-8")
    start = mapping.index("reference: lists/")
    end = mapping.index("map:\n")
    (tmp_path / "mapping.yaml").write_text(mapping[:start] + mapping[end:], encoding="utf-8")
    lines = [{"account": "6110", "tags": {"Butik": "S1", "Projekt": "P7"}}]
    made = item(n=1, wallet="1.00 SEK", contra="1942", lines=lines)
    (tmp_path / "items.json").write_text(json.dumps(page(made)), encoding="utf-8")
    command = ["convert", str(tmp_path / "items.json"), "-t", "sie4", "-o", str(tmp_path / "out")]
    command += ["-m", str(tmp_path / "mapping.yaml"), "-p", "organisation_number=555555-5555"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert 'rejected[CELL-2]: column "dimension_number" is empty' in result.stderr


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
