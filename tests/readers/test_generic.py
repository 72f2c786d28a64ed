"""Tables read by programs that know nothing of pleo-etl: csv, Polars, openpyxl and fastexcel."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastexcel
import openpyxl
import polars as pl
import pytest

from tests.golden.cases import Case

GOLDEN = Path(__file__).parent.parent / "golden" / "generic"
FILES = sorted(GOLDEN.glob("*/expected/*.csv"))
TABLES = [path for path in FILES if path.name != "rejections.csv"]
MANIFEST = "manifest.json"
BOOKS = [
    {},
    {"layout": "several_lines", "tax_line": "yes"},
    {"layout": "several_lines", "sign": "expenses_positive", "date_format": "DD.MM.YYYY"},
]


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a table as its parameters say that it was written."""
    given = json.loads((path.parent / MANIFEST).read_text())["parameters"]
    marks = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "dot": "."}
    encoding = "utf-8-sig" if given["bom"] == "yes" else given["encoding"]
    text = path.read_bytes().decode(encoding)
    rows = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=marks[given["delimiter"]], strict=True
    )
    found = []
    for row in rows:
        for name in ("Debit", "Credit", "Amount", "Net amount", "Tax amount"):
            row[name] = row[name].replace(marks[given["decimal_mark"]], ".")
        found.append(row)
    return found


def amount(text: Any) -> Decimal:
    return Decimal(str(text or 0))


def name_of(path: Path) -> str:
    return path.parent.parent.name


@pytest.mark.parametrize("path", TABLES, ids=name_of)
def test_every_line_has_all_columns_and_agrees_with_itself(path: Path) -> None:
    rows = rows_of(path)
    given = json.loads((path.parent / MANIFEST).read_text())["parameters"]
    debits = -1 if given["sign"] == "expenses_negative" else 1
    assert rows
    for row in rows:
        assert None not in row
        assert None not in row.values()
        side = "debit" if row["Debit"] else "credit"
        assert (row["Debit or credit"], bool(row["Debit"])) == (side, not row["Credit"])
        signed = amount(row["Debit"]) - amount(row["Credit"])
        assert amount(row["Amount"]) == debits * signed
        if row["Net amount"]:
            assert amount(row["Net amount"]) + amount(row["Tax amount"]) == amount(row["Amount"])


@pytest.mark.parametrize("path", TABLES, ids=name_of)
def test_vouchers_balance_and_the_files_totals_are_those_of_the_manifest(path: Path) -> None:
    manifest = json.loads((path.parent / MANIFEST).read_text())
    several = manifest["parameters"]["layout"] == "several_lines"
    vouchers: dict[str, Decimal] = {}
    totals: dict[str, list[Decimal]] = {}
    for row in rows_of(path):
        debit, credit = amount(row["Debit"]), amount(row["Credit"])
        assert bool(row["Contra account"]) != several
        both = (debit, credit) if several else (debit + credit, debit + credit)
        vouchers[row["Voucher"]] = vouchers.get(row["Voucher"], Decimal(0)) + both[0] - both[1]
        sums = totals.setdefault(row["Currency"], [Decimal(0), Decimal(0)])
        sums[0] += both[0]
        sums[1] += both[1]
    assert set(vouchers.values()) == {Decimal(0)}
    said = {t["currency"]: [Decimal(t["debit"]), Decimal(t["credit"])] for t in manifest["totals"]}
    assert totals == said


def test_polars_reads_the_table_with_all_texts_as_they_are() -> None:
    path = GOLDEN / "letters" / "expected" / "pleo_1_1.csv"
    table = pl.read_csv(path, infer_schema=False)
    assert table["Note"][0] == 'Hotel "Œuvre", Zimmer 7; 80 € – Łódź 東京'
    assert table["Note"][2] == "'=1+1"


@pytest.fixture(params=BOOKS, ids=["one-line", "several-lines-tax", "several-lines-positive"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """Convert items of several cases into a workbook."""
    given = {"format": "xlsx", **request.param}
    out = tmp_path / "out"
    result = _Workbook(GOLDEN / "workbook", given).convert(out)
    assert result.exit_code == 0, result.output
    return out / "pleo_1_1.xlsx", json.loads((out / MANIFEST).read_text())


@dataclass(frozen=True)
class _Workbook(Case):
    """The items of several cases, with other parameters."""

    given: dict[str, str]

    @property
    def settings(self) -> dict[str, Any]:
        items = []
        for number, name in enumerate(("plain", "split", "letters", "foreign-currency")):
            for short in Case(GOLDEN / name).settings["items"]:
                items.append({**short, "n": 10 * number + short["n"]})
        return {"items": items, "parameters": self.given}


def test_a_workbook_has_no_formula_no_link_and_no_text_that_became_a_number(
    book: tuple[Path, dict[str, Any]],
) -> None:
    path, _manifest = book
    opened = openpyxl.load_workbook(path)
    assert opened.sheetnames == ["Pleo"]
    head, *rows = opened["Pleo"].iter_rows()
    names = [cell.value for cell in head]
    for row in rows:
        for name, cell in zip(names, row, strict=True):
            assert cell.hyperlink is None
            assert cell.data_type in ("s", "n", "d"), (name, cell.value)
            assert not (cell.data_type == "s" and str(cell.value).startswith("=")), name
            if name in ("Account number", "Reference", "Cost centre", "Link", "Merchant code"):
                assert cell.value is None or cell.data_type == "s", (name, cell.value)
            if name in ("Debit", "Credit", "Amount", "Company amount"):
                assert cell.value is None or cell.data_type == "n", (name, cell.value)
                assert cell.value is None or cell.number_format == "0.00"
            if name == "Date":
                assert cell.is_date
    accounts = {row[names.index("Account number")].value for row in rows}
    assert "0480" in accounts
    centres = {row[names.index("Cost centre")].value for row in rows}
    assert {"0100", "0200"} <= centres


def test_the_amounts_of_a_workbook_are_exact_and_those_of_the_manifest(
    book: tuple[Path, dict[str, Any]],
) -> None:
    """fastexcel reads numbers as floats; to the cent they are what the manifest says."""
    path, manifest = book
    table = fastexcel.read_excel(path).load_sheet("Pleo", dtypes={0: "int"}).to_polars()
    is_several = manifest["parameters"]["layout"] == "several_lines"
    for total in manifest["totals"]:
        rows = table.filter(pl.col("Currency") == total["currency"])
        sides = [
            sum((Decimal(repr(value)) for value in rows[name].drop_nulls()), Decimal(0))
            for name in ("Debit", "Credit")
        ]
        wanted = [Decimal(total["debit"]), Decimal(total["credit"])]
        assert sides == wanted if is_several else sum(sides) == wanted[0]
    assert table.height == manifest["files"][0]["rows"]
