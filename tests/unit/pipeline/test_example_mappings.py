"""The example mappings with the templates that they are for."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from etl.pipeline import Request, convert

ROOT = Path(__file__).parents[3]


def _rows(template: str, mapping: str) -> list[dict[str, str]]:
    request = Request(
        sources=[str(ROOT / "sample_data/items-uk.ndjson")],
        template=template,
        mapping=ROOT / "mappings" / mapping,
        parameters={},
    )
    (file,) = convert(request).files
    return list(csv.DictReader(io.StringIO(bytes(file.content).decode("cp1252"))))


def test_xero_gets_the_name_of_a_tax_rate_and_no_code() -> None:
    # Item 5200004: 300.00 and 20 % on top, T1 in Pleo.
    (bill,) = _rows("xero-bills", "example-xero.yaml")
    chosen = ("*ContactName", "*UnitAmount", "*AccountCode", "*TaxType", "Currency")
    assert [bill[name] for name in chosen] == [
        "Paper Trail Ltd", "360.00", "7504", "20% (VAT on Expenses)", "GBP",
    ]  # fmt: skip


def test_sage_gets_the_code_and_the_number_of_the_supplier() -> None:
    (bill,) = [
        row for row in _rows("sage-50-uk", "example-uk.yaml") if row["Type"] == "PI"
    ]  # fmt: skip
    chosen = ("Account Reference", "Net Amount", "Tax Code", "Tax Amount", "Extra Reference")
    assert [bill[name] for name in chosen] == ["PAPER01", "300.00", "T1", "60.00", "PT-4471"]
