"""Sage 50's files, read by a reader of their own: columns, journals, the manifest's sums."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from tests.readers.sage50 import NotSage, read_sage

GOLDEN = Path(__file__).parent.parent / "golden" / "sage-50-uk"
FILES = sorted(GOLDEN.glob("*/expected/*.csv"))
FILES = [path for path in FILES if path.name != "rejections.csv"]
REFERENCE = GOLDEN / "reference" / "expected" / "sage50_1.csv"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parts[-3])
def test_the_file_sums_to_what_the_manifest_says(path: Path) -> None:
    rows = read_sage(path.read_bytes())
    manifest = json.loads((path.parent / "manifest.json").read_bytes())
    (stated,) = manifest["files"]
    assert len(rows) == stated["rows"]
    # A row of a journal has one side, all others have both.
    debit = sum(row.gross for row in rows if row.type != "JC")
    credit = sum(row.gross for row in rows if row.type != "JD")
    assert stated["totals"] == [
        {"currency": "GBP", "debit": f"{debit:.2f}", "credit": f"{credit:.2f}"}
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parts[-3])
def test_every_account_sums_to_what_the_manifest_says(path: Path) -> None:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in read_sage(path.read_bytes()):
        sums[row.nominal] += row.signed
        if not row.is_journal:
            sums[row.account] -= row.signed
    controls = json.loads((path.parent / "manifest.json").read_bytes())["controls"]["accounts"]
    assert dict(sums) == {
        one["account"]: Decimal(one["debit"]) - Decimal(one["credit"]) for one in controls
    }


def test_the_reference_says_what_the_description_says() -> None:
    rows = read_sage(REFERENCE.read_bytes())
    assert [(row.type, row.account, row.nominal, row.signed) for row in rows] == [
        ("BP", "1230", "7400", Decimal("24.00")),
        ("BR", "1230", "7500", Decimal("-6.00")),
        ("BP", "1230", "8200", Decimal("43.21")),
        ("JD", "", "7400", Decimal("18.50")),
        ("JC", "", "2205", Decimal("-18.50")),
    ]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b"20.00,T1", b"-20.00,T1", "amount"),
        (b"20.00,T1", b"20.0,T1", "amount"),
        (b",T1,4.00", b",1,4.00", "tax code"),
        (b"BP,1230,7400", b"BX,1230,7400", "type"),
        (b"BP,1230,7400", b"BP,,7400", "account reference"),
        (b"BP,1230,7400", b"BP,123000001,7400", "9 characters"),
        (b"04/03/2026", b"2026-03-04", "date"),
        (b"04/03/2026", b"4/3/2026", "date"),
        (b"JC,,2205,0,31/03/2026", b"JC,,2205,0,30/03/2026", "does not balance"),
        (b"Department Code", b"Department", "columns"),
        (b"\r\n", b"\n", "CR LF"),
    ],
)  # fmt: skip
def test_the_reader_refuses_what_sage_refuses(old: bytes, new: bytes, what: str) -> None:
    content = REFERENCE.read_bytes()
    assert old in content
    with pytest.raises(NotSage, match=what):
        read_sage(content.replace(old, new))


def test_rows_of_a_journal_that_stand_apart_are_refused() -> None:
    head, *rows = REFERENCE.read_bytes().splitlines(keepends=True)
    apart = b"".join([head, rows[3], *rows[:3], rows[4]])
    with pytest.raises(NotSage, match="do not stand together"):
        read_sage(apart)
