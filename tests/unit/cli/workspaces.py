"""A small workspace to convert in: one template, one mapping, and items made short."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from etl.cli import main
from tests.fakes.items import page

TEMPLATE = """\
id: plain
title: Plain CSV
version: 1
target: {system: Any, format: CSV, source: none, checked: 2026-11-20, confidence: assumed}
parameters: {ledger: {default: GL}}
supports: {methods: [journal, accounts_payable], currency: foreign}
needs: {tax_code: optional}
carries:
  reconciliation_id: Ref
  reconciled_entries: {not: "the file has no column for it"}
  attendees: {not: "the file has no column for it"}
rows: [{name: pair, shape: pair, tax: by_code}]
files:
  journal:
    name: "plain_{{ batch.number }}_{{ file.number }}.csv"
    kind: csv
    encoding: cp1252
    newline: lf
    csv: {delimiter: ";", quoting: text, header: names}
    formats: {decimal: ".", date: YYYY-MM-DD}
    columns:
      - {name: No, value: "{{ voucher.number }}", type: integer, means: voucher}
      - {name: Date, value: "{{ voucher.date }}", type: date, means: date}
      - {name: Account, value: "{{ posting.account }}", means: account, required: true}
      - {name: Contra, value: "{{ posting.contra_account }}", means: contra_account}
      - {name: Amount, value: "{{ posting.signed }}", type: amount, means: signed}
      - {name: Currency, value: "{{ posting.currency }}", means: currency}
      - {name: Tax, value: "{{ posting.tax_code }}", means: tax_code}
      - {name: Text, value: "{{ posting.text }}", max: 40, overflow: cut}
      - {name: Ref, value: "{{ voucher.reference }}", max: 50, means: reference}
      - {name: Made, value: "{{ batch.created }}", type: datetime, format: YYYY-MM-DDTHH:mm}
      - {name: Ledger, value: "{{ parameters.ledger }}"}
external_id: "{{ voucher.reference }}"
"""
MAPPING = """\
company:
  name: Musterfirma GmbH
  id: 5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10
  time_zone: Europe/Berlin
  currency: EUR
tables:
  accounts: {file: accounts.csv, key: [pleo]}
map:
  account.expense:
    - {table: accounts, key: ["{{ line.account.code }}"], take: erp}
    - {use: "{{ line.account.code }}"}
  account.wallet: [{use: "{{ item.contra_account.code }}"}]
  tax_code: [{use: "{{ line.tax.code }}"}, {use: none}]
  text: [{use: "{{ [item.supplier.name, item.note] | join(' ') }}"}]
"""
ACCOUNTS = "pleo,erp\n6640,4650\n"


@dataclass(frozen=True)
class Workspace:
    """A folder with template and mapping, and `pleo-etl` run in it."""

    root: Path

    def items(self, *items: dict[str, Any], name: str = "items.json") -> str:
        path = self.root / name
        path.write_text(json.dumps(page(*items)), encoding="utf-8")
        return str(path)

    def convert(self, items: str, *more: str, out: str = "out") -> Result:
        fixed = ["-t", str(self.root / "plain"), "-m", str(self.root / "acme.yaml")]
        return self.run("convert", items, *fixed, "-o", str(self.root / out), *more)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, list(words))

    def manifest(self, out: str = "out") -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.root / out / "manifest.json").read_bytes())
        return manifest

    def files(self, out: str = "out") -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.root / out).iterdir()}


def make_workspace(root: Path) -> Workspace:
    (root / "plain").mkdir(parents=True)
    (root / "plain" / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
    (root / "acme.yaml").write_text(MAPPING, encoding="utf-8")
    (root / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    return Workspace(root)
