"""Texts full of signs that mean something to a format change nothing but themselves.

The seed is fixed, so that a failure comes again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from etl.cli import main
from tests.fakes.items import item, page
from tests.golden.cases import ROOT
from tests.readers.sie import read_sie
from tests.readers.test_hledger import assert_good, transactions

SIGNS = (
    *"abÅé€ ;|,:[](){}*!\"'\\/@=~#%&<>$+-._",
    *("\t", "\n", "\u00a0", "\u2003", "\u3000", "\u2028", "\u200b", "\ufeff", "\u0301", "\u202e"),
    *(
        "日",
        "🍣",
        "2026-01-01",
        "date:",
        " ; ",
        " @@ EUR 1.00 ",
        "  ",
        "#TRANS",
        "#VER",
        "}",
        '" "',
    ),
)
ITEMS = 150
ACCOUNTS = ("6110 Papper", "5800 Resor")


def hostile(random: Random, longest: int) -> str:
    return "".join(random.choice(SIGNS) for _ in range(random.randint(1, longest)))


def hostile_items(currency: str, contra: str, group: str, account: Callable[[], str]) -> Any:
    """Make expenses of 12.50 with a line of 12.00 (2.00 of it tax) and one of 0.50."""
    random = Random(20261120)

    def text(longest: int = 12) -> str:
        return hostile(random, longest)

    return page(
        *(
            item(
                n=n, wallet=f"12.50 {currency}", contra=contra, merchant=text(), note=text(40),
                user=text(), attendees=[text(), text()], reconciliation_id=f"R{n} {text(8)}",
                date=f"2026-03-{1 + n % 28:02d}T10:00:00Z",
                lines=[
                    {"account": account(), "gross": "12.00", "tags": {group: text()},
                     "tax": f"M{n} 0.2 inclusive 2.00 in=2641"},
                    {"account": account(), "gross": "0.50"},
                ],
            )
            for n in range(1, ITEMS + 1)
        )
    )  # fmt: skip


def convert(made: Any, template: str, folder: Path, *more: str) -> dict[str, Any]:
    """Convert the items, and give the manifest."""
    items = folder / "items.json"
    items.write_text(json.dumps(made), encoding="utf-8")
    mapping = folder / "mapping.yaml"
    source = (ROOT / template / "mapping.yaml").read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    without = [line for line in lines if not line.startswith(("reference:", "tables:", "  dimens"))]
    mapping.write_text("".join(without), encoding="utf-8")
    command = ["convert", str(items), "-t", template, "-m", str(mapping)]
    result = CliRunner().invoke(main, [*command, "-o", str(folder / "out"), *more])
    assert result.exit_code in (0, 1), result.output
    manifest: dict[str, Any] = json.loads((folder / "out" / "manifest.json").read_bytes())
    return manifest


def test_hledger_sees_the_same_transactions(tmp_path: Path) -> None:
    random = Random(1)
    made = hostile_items(
        "EUR", "1360", "Date", lambda: f"{hostile(random, 6)} {hostile(random, 6)}"
    )
    manifest = convert(made, "hledger", tmp_path)
    journal = tmp_path / "out" / "pleo_1.journal"
    assert manifest["counts"]["rendered"] > ITEMS // 2
    assert_good(journal)
    for transaction in transactions(journal):
        names = [name for name, _ in transaction["ttags"]]
        assert names == ["pleo-id", "pleo-ref", "pleo-type", "pleo-url", "attendees"]
        assert transaction["tstatus"] == "Pending"
        for posting in transaction["tpostings"]:
            assert posting["ptype"] == "RegularPosting"
            assert (posting["pdate"], posting["pdate2"]) == (None, None)
            assert {name for name, _ in posting["ptags"]} <= {"tax", "dimension-date"}


@pytest.mark.parametrize("suppliers", ["no", "yes"])
def test_a_reader_of_sie_sees_the_same_vouchers(suppliers: str, tmp_path: Path) -> None:
    random = Random(2)
    made = hostile_items("SEK", "1942 Pleo", "Projekt", lambda: random.choice(ACCOUNTS))
    more = ("-p", "organisation_number=555555-5555", "-p", f"supplier_dimension={suppliers}")
    manifest = convert(made, "sie4", tmp_path, *more)
    book = read_sie((tmp_path / "out" / "pleo_1_1.si").read_bytes(), declared=False)
    assert ITEMS // 6 < len(book.vouchers) == manifest["counts"]["rendered"]
    for voucher in book.vouchers:
        accounts = [row.account for row in voucher.rows]
        assert (accounts[1], accounts[3:]) == ("2641", ["1942"])
        assert [f"{row.amount}" for row in voucher.rows] == ["10.00", "2.00", "0.50", "-12.50"]
        assert [row.objects for row in voucher.rows[1:]] == [(), (), ()]
    tagged = [voucher for voucher in book.vouchers if voucher.rows[0].objects]
    assert len(tagged) >= len(book.vouchers) - 3  # a tag of nothing but blanks is none
