"""Postings of cases worked by hand, in cases.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etl.documents import read_document
from etl.forms import Form
from etl.postings import Postings
from tests.unit.postings.books import Item, Line, post

CASES = read_document(Path(__file__).with_name("cases.yaml")).data


def _line(text: str) -> Line:
    words = text.split()
    given: dict[str, Any] = {"gross": words.pop(0), "accounts": {}}
    while words:
        word = words.pop(0)
        if word in ("inclusive", "exclusive", "reverse", "untyped"):
            given["tax_type"] = None if word == "untyped" else word
            given["tax"] = words.pop(0)
        elif word in ("book", "other"):
            gross = words.pop(0)
            has_tax = words and (words[0] == "none" or words[0].replace(".", "").isdigit())
            given[word] = (gross, words.pop(0) if has_tax else None)
            given[word] = tuple(None if part == "none" else part for part in given[word])
        else:
            role, account = word.split("=")
            given["accounts"][role] = None if account == "none" else account
    return Line(**given)


def _item(case: dict[str, Any]) -> Item:
    given = dict(case.get("item", {}))
    other = given.pop("other", None)
    return Item(tuple(map(_line, case["lines"])), other_currency=other, **given)


def _form(text: str) -> tuple[Form, bool]:
    shape, tax, *rest = text.split()
    more = dict(word.split("=") for word in rest if word != "single")
    return Form("form", shape, tax, **more), "single" in rest  # type: ignore[arg-type]


def _row(row: dict[str, Any]) -> str:
    """Write a posting as the cases do."""
    contra = row["posting.contra_account"]
    account = row["posting.account"] + (f"/{contra}" if contra else "")
    amount = row["posting.amount"]
    words = [account, row["posting.side"], str(amount)]
    usual = {"net": amount, "tax": 0, "notional_tax": 0}
    for name, value in usual.items():
        if row[f"posting.{name}"] != value:
            words += [name.removesuffix("_tax"), str(row[f"posting.{name}"])]
    for prefix, word in (("book", "book"), ("original", "other")):
        given = row[f"posting.{prefix}_amount"]
        if given != amount:
            words += [word, "none" if given is None else str(given)]
    return " ".join(words)


def _by_voucher(made: Postings) -> dict[str, list[str]]:
    kinds = made.vouchers.select("voucher.key", "voucher.kind")
    rows = made.postings.join(kinds, on="voucher.key", validate="m:1", maintain_order="left")
    found: dict[str, list[str]] = {}
    for row in rows.iter_rows(named=True):
        found.setdefault(row["voucher.kind"], []).append(_row(row))
    return found


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_postings_are_as_worked_by_hand(case: dict[str, Any]) -> None:
    form, single = _form(case["form"])
    made = post(_item(case), form=form, single=single)

    assert _by_voucher(made) == (case["gives"] or {})
    refused = [
        row["code"] + (f" line {row['line']}" if row["line"] else "")
        for row in made.rejections.iter_rows(named=True)
    ]
    assert refused == ([case["rejected"]] if "rejected" in case else [])
    assert made.notes.get_column("code").to_list() == case.get("notes", [])
    assert made.nothing_to_book.height == (1 if case.get("nothing") == "yes" else 0)


def test_there_are_cases_of_every_shape_and_tax_mode() -> None:
    forms = {" ".join(case["form"].split()[:2]) for case in CASES}
    modes = ("by_code", "net_and_tax", "separate")
    assert forms == {f"{shape} {mode}" for shape in ("pair", "legs") for mode in modes}


def test_side_debit_and_credit_say_the_same() -> None:
    made = post(Item((Line("10.00"), Line("-4.00"))), form=Form("f", "legs", "by_code"))
    rows = made.postings.select(
        pl.col("posting.side"), pl.col("^posting[.](signed|debit|credit|amount)$").cast(pl.String)
    )
    assert rows.rows() == [
        ("debit", "10.00", "10.00", "10.00", "0.00"),
        ("credit", "4.00", "-4.00", "0.00", "4.00"),
        ("credit", "6.00", "-6.00", "0.00", "6.00"),
    ]
