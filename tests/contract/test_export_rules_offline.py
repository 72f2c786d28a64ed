"""The checks of the export rules that need no Pleo: what a file must hold, worked out by hand.

Numbers are those of section 17 of the export rules. The template prints one leg a row, with tax in
rows of its own, so that every debit and credit can be counted.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl.cli import main
from tests.fakes.items import invoice, item, page, vendor

TEMPLATE = """\
id: legs
title: One leg a row
version: 1
target: {system: Any, format: CSV, source: none, checked: 2026-11-20, confidence: assumed}
supports: {methods: [journal, accounts_payable], currency: foreign}
needs: {tax_code: optional, text: optional}
carries:
  reconciliation_id: Reference
  reconciled_entries: Reconciles
  attendees: {not: "the file has no column for it"}
rows: [{name: entry, shape: legs, tax: separate}]
files:
  journal:
    name: legs.csv
    kind: csv
    encoding: utf-8
    newline: lf
    csv: {delimiter: ";", quoting: minimal, header: names}
    formats: {decimal: ".", date: YYYY-MM-DD}
    columns:
      - {name: No, value: "{{ voucher.number }}", type: integer, means: voucher}
      - {name: Kind, value: "{{ voucher.kind }}"}
      - {name: Date, value: "{{ voucher.date }}", type: date, means: date}
      - {name: Account, value: "{{ posting.account }}", means: account, required: true}
      - {name: Amount, value: "{{ posting.signed }}", type: amount, means: signed}
      - {name: Currency, value: "{{ posting.currency }}", means: currency}
      - {name: Reference, value: "{{ voucher.reference }}", max: 50, means: reference}
      - {name: Reconciles, value: "{{ item.reconciled_entries | join(' ') }}"}
      - {name: State, value: "{{ parameters.posting_state }}"}
external_id: "{{ voucher.reference }}"
"""
MAPPING = """\
company:
  name: Musterfirma GmbH
  id: 5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10
  time_zone: Europe/Berlin
  currency: EUR
posting_rules:
  accept:
    - card_purchase/accounts_payable
    - wallet_topup/journal
    - invoice_payment/invoice_payment_sent/accounts_payable
reference: ref/
map:
  account.expense: [{use: "{{ line.account.code }}"}]
  account.wallet: [{use: "{{ item.contra_account.code }}"}]
  account.payable: [{use: "{{ voucher.vendor.code }}"}]
  account.out_of_pocket: [{use: "1740"}]
  account.transfer: [{use: "1200"}]
  account.tax_in: [{use: "1576"}]
"""
VENDORS = "vendor_external_id,vendor_code,name,active\nV1,70001,Papier Paul,true\n"


@dataclass(frozen=True)
class Books:
    """A workspace of one template and one mapping."""

    root: Path

    def convert(
        self, *items: dict[str, Any], words: tuple[str, ...] = (), out: str = "out"
    ) -> dict[str, Any]:
        """Convert items; gives what --json says."""
        (self.root / "items.json").write_text(json.dumps(page(*items)), encoding="utf-8")
        named = ["-t", str(self.root / "legs"), "-m", str(self.root / "acme.yaml")]
        result = CliRunner().invoke(
            main,
            ["convert", str(self.root / "items.json"), *named, "-o", str(self.root / out),
             *words, "--json"],
        )  # fmt: skip
        said: dict[str, Any] = json.loads(result.stdout)
        return said

    def legs(self, *columns: str, out: str = "out") -> list[tuple[str, ...]]:
        """Give columns of the file, row by row."""
        text = (self.root / out / "legs.csv").read_text(encoding="utf-8")
        rows = csv.DictReader(text.splitlines(), delimiter=";")
        return [tuple(row[column] for column in columns) for row in rows]

    def refused(self, said: dict[str, Any]) -> list[tuple[str, str]]:
        return [(one["item_id"], one["failure_type"]) for one in said["rejections"]]

    def change(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def books(tmp_path: Path) -> Books:
    (tmp_path / "legs").mkdir()
    (tmp_path / "legs" / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
    (tmp_path / "acme.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "ref").mkdir()
    (tmp_path / "ref" / "vendors.csv").write_text(VENDORS, encoding="utf-8")
    return Books(tmp_path)


def test_check_07_a_line_without_account_fails_its_item_and_no_other(books: Books) -> None:
    bare = item(n=2, lines=[{"account": None}])
    said = books.convert(item(n=1, wallet="10.00 EUR"), bare, item(n=3, wallet="30.00 EUR"))
    assert books.refused(said) == [(bare["accountingEntryId"], "missing_configuration")]
    assert books.legs("Account", "Amount", "Reference") == [
        ("6640", "10.00", "4113001"),
        ("1360", "-10.00", "4113001"),
        ("6640", "30.00", "4113003"),
        ("1360", "-30.00", "4113003"),
    ]


def split(header: str) -> dict[str, Any]:
    lines = [
        {"account": "6640 Bewirtung", "gross": "10.00"},
        {"account": "6805 Telefon", "gross": "20.05"},
        {"account": "6815 Bürobedarf", "gross": "30.10"},
    ]
    return item(n=1, wallet=header, lines=lines)


def test_check_08_a_split_has_a_debit_for_each_line_and_one_credit_of_their_sum(
    books: Books,
) -> None:
    books.convert(split("60.15 EUR"))
    assert books.legs("No", "Account", "Amount") == [
        ("1", "6640", "10.00"),
        ("1", "6805", "20.05"),
        ("1", "6815", "30.10"),
        ("1", "1360", "-60.15"),
    ]


@pytest.mark.parametrize("header", ["60.14 EUR", "60.16 EUR"])
def test_check_08_a_header_that_differs_by_one_cent_fails_the_item(
    books: Books, header: str
) -> None:
    said = books.convert(split(header))
    assert [kind for _item, kind in books.refused(said)] == ["validation_failure"]
    assert said["counts"]["rendered"] == 0
    assert not (books.root / "out" / "legs.csv").exists()


def test_check_09_inclusive_and_exclusive_give_the_same_base_tax_and_total(books: Books) -> None:
    """119.00 with 19 % in it: both ways 100.00 of cost, 19.00 of tax, 119.00 from the wallet."""
    for n, kind in ((1, "inclusive"), (2, "exclusive")):
        line = {"account": "6640 Bewirtung", "tax": f"V19 0.19 {kind} 19.00"}
        sent = item(n=n, wallet="119.00 EUR", lines=[line])
        net = sent["accountingEntryLines"][0]["netAmount"]["inWalletCurrency"]["value"]
        assert net == {"inclusive": 11900, "exclusive": 10000}[kind]
        books.convert(sent, out=kind)
        assert books.legs("Account", "Amount", out=kind) == [
            ("6640", "100.00"),
            ("1576", "19.00"),
            ("1360", "-119.00"),
        ]


KNOWN_SUPPLIER = {"name": "Papier Paul", "code": "V1", "account": None, "taxIdentifier": None}


@pytest.mark.parametrize("merchant", ["Café Müller", KNOWN_SUPPLIER])
def test_check_10_an_unknown_vendor_fails_the_item_whatever_the_supplier(
    books: Books, merchant: Any
) -> None:
    stranger = item(
        n=1, method="accounts_payable", vendor=vendor("V9", "Niemand"), merchant=merchant
    )
    known = item(n=2, method="accounts_payable", vendor=vendor("V1", "Papier Paul"))
    said = books.convert(stranger, known)
    assert books.refused(said) == [(stranger["accountingEntryId"], "vendor_unknown")]
    assert {reference for (reference,) in books.legs("Reference")} == {"4113002"}


def test_check_11_a_wallet_load_is_a_journal_entry_whatever_the_method_says(books: Books) -> None:
    books.convert(item(n=1, type="wallet_topup", method="accounts_payable", wallet="500.00 EUR"))
    assert sorted(books.legs("Kind", "Account", "Amount")) == [
        ("entry", "1200", "-500.00"),
        ("entry", "1360", "500.00"),
    ]


def test_check_12_what_an_employee_paid_is_owed_to_the_employee_not_to_the_wallet(
    books: Books,
) -> None:
    sent = item(n=1, type="out_of_pocket", wallet="42.00 EUR")
    assert sent["contraAccount"] is None
    books.convert(sent)
    assert books.legs("Account", "Amount") == [("6640", "42.00"), ("1740", "-42.00")]


def bill(n: int, **given: Any) -> dict[str, Any]:
    return item(
        n=n, type="invoice", method="accounts_payable", vendor=vendor("V1", "Papier Paul"),
        invoice=invoice("R-77", "2026-03-02"), **given,
    )  # fmt: skip


def payment(n: int, **given: Any) -> dict[str, Any]:
    return item(
        n=n, type="invoice_payment", sub_type="invoice_payment_sent", method="accounts_payable",
        vendor=vendor("V1", "Papier Paul"), **given,
    )  # fmt: skip


def test_check_13_an_invoice_stays_open_until_the_job_that_brings_its_payment(
    books: Books,
) -> None:
    books.convert(bill(1, wallet="250.00 EUR"), out="job-1")
    assert books.legs("Kind", "Account", "Amount", "Reference", "Reconciles", out="job-1") == [
        ("invoice", "6640", "250.00", "4113001", ""),
        ("invoice", "70001", "-250.00", "4113001", ""),
    ]
    paid = payment(2, wallet="250.00 EUR", reconciled_entries=["4113001"])
    books.convert(paid, out="job-2")
    assert books.legs("Kind", "Account", "Amount", "Reference", "Reconciles", out="job-2") == [
        ("payment", "70001", "250.00", "4113002", "4113001"),
        ("payment", "1360", "-250.00", "4113002", "4113001"),
    ]


def test_check_14_an_invoice_is_in_its_own_currency_and_its_payment_in_the_wallets(
    books: Books,
) -> None:
    amounts = {"supplier": "100.00 EUR", "wallet": "86.00 GBP"}
    books.convert(bill(1, **amounts), payment(2, **amounts))
    assert books.legs("Kind", "Amount", "Currency") == [
        ("invoice", "100.00", "EUR"),
        ("invoice", "-100.00", "EUR"),
        ("payment", "86.00", "GBP"),
        ("payment", "-86.00", "GBP"),
    ]


def test_check_15_a_column_too_narrow_for_the_reconciliation_id_stops_everything(
    books: Books,
) -> None:
    books.change("legs/template.yaml", "max: 50", "max: 30")
    said = books.convert(item(n=1))
    assert (said["exit_code"], [error["code"] for error in said["errors"]]) == (2, ["TPL-20"])
    assert "50" in said["errors"][0]["what"]
    assert not (books.root / "out").exists()


def test_check_17_a_closed_period_is_shifted_and_shown_where_the_mapping_adjusts(
    books: Books,
) -> None:
    with (books.root / "acme.yaml").open("a", encoding="utf-8") as file:
        file.write("periods: {closed_until: 2026-03-31, on_closed: next_open}\n")
    sent = item(n=1, date="2026-03-09T10:00:00Z")
    said = books.convert(sent)
    assert set(books.legs("Date")) == {("2026-04-01",)}
    shown = [(note["code"], note["items"]) for note in said["notes"]]
    assert ("DATE-SHIFTED", [sent["accountingEntryId"]]) in shown
    review = (books.root / "out" / "review.html").read_text(encoding="utf-8")
    assert "DATE-SHIFTED" in review


def test_check_17_a_closed_period_fails_the_item_where_the_mapping_is_strict(
    books: Books,
) -> None:
    with (books.root / "acme.yaml").open("a", encoding="utf-8") as file:
        file.write("periods: {closed_until: 2026-03-31, on_closed: reject}\n")
    closed, open_ = item(n=1), item(n=2, date="2026-04-02T10:00:00Z")
    said = books.convert(closed, open_)
    assert books.refused(said) == [
        (closed["accountingEntryId"], "accounting_system_validation_failure")
    ]
    assert set(books.legs("Date")) == {("2026-04-02",)}


def test_check_18_bookings_are_drafts_unless_somebody_says_final(books: Books) -> None:
    books.convert(item(n=1), out="unset")
    assert set(books.legs("State", out="unset")) == {("draft",)}
    books.convert(item(n=1), words=("-p", "posting_state=final"), out="final")
    assert set(books.legs("State", out="final")) == {("final",)}
