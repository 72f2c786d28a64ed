"""Workspaces on disk: a template whose rows name their item, a mapping, and a Pleo to talk to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.fakes.items import item

TEMPLATE = """\
id: seams
title: A table that names the item of each row
version: 1
target: {system: Any, format: CSV, source: none, checked: 2026-11-20, confidence: assumed}
supports: {methods: [journal, accounts_payable], currency: foreign}
needs: {tax_code: optional}
carries:
  reconciliation_id: reference
  reconciled_entries: {not: "the file has no column for it"}
  attendees: {not: "the file has no column for it"}
attachments: {name: "{{ attachment.name }}", place: folder}
rows: [{name: legs, shape: legs, tax: by_code}]
files:
  journal:
    name: "journal_{{ batch.number }}_{{ file.number }}.csv"
    kind: csv
    encoding: utf-8
    newline: lf
    csv: {delimiter: ",", quoting: minimal, header: names}
    formats: {decimal: ".", date: YYYY-MM-DD}
    columns:
      - {name: voucher, value: "{{ voucher.number }}", type: integer, means: voucher}
      - {name: item, value: "{{ item.id }}", required: true}
      - {name: date, value: "{{ voucher.date }}", type: date, means: date}
      - {name: account, value: "{{ posting.account }}", means: account, required: true}
      - name: debit
        value: "{{ posting.amount if posting.side == 'debit' }}"
        type: amount
        min: 0
        means: debit
      - name: credit
        value: "{{ posting.amount if posting.side == 'credit' }}"
        type: amount
        min: 0
        means: credit
      - {name: currency, value: "{{ posting.currency }}", means: currency}
      - {name: tax code, value: "{{ posting.tax_code }}", means: tax_code}
      - {name: text, value: "{{ posting.text }}", max: 60, overflow: cut}
      - {name: reference, value: "{{ voucher.reference }}", max: 50, means: reference}
external_id: "{{ voucher.reference }}"
"""
MAPPING = """\
company:
  name: {name}
  id: {id}
  time_zone: Europe/Berlin
  currency: EUR
map:
  account.expense: [{{use: "{{{{ line.account.code }}}}"}}]
  account.wallet: [{{use: "{{{{ item.contra_account.code }}}}"}}]
  tax_code: [{{use: "{{{{ line.tax.code }}}}"}}, {{use: none}}]
  text: [{{use: "{text}"}}]
"""
NAMESPACE = uuid.UUID("0b9d6f0e-0a5e-4f0c-9f7a-3e1c2d4b5a69")
NAMES = ("acme", "bravo", "carat")


def company_id(name: str) -> str:
    """Give the id of a company in Pleo."""
    return str(uuid.uuid5(NAMESPACE, name))


def entries(name: str, count: int, *, first: int = 1) -> list[dict[str, Any]]:
    """Give export items of a company: every third is split, every seventh lacks its account."""
    return [_entry(name, n) for n in range(first, first + count)]


def _entry(name: str, n: int) -> dict[str, Any]:
    if n % 7 == 0:
        lines: list[dict[str, Any]] = [{"account": None}]
    elif n % 3 == 0:
        lines = [{"account": "6640 Bewirtung", "gross": "4.00"},
                 {"account": "6815 Bürobedarf", "gross": f"{n % 50}.01"}]  # fmt: skip
    else:
        lines = [{"account": "6640 Bewirtung"}]
    wallet = f"{4 + n % 50}.01 EUR" if n % 3 == 0 and n % 7 else f"{n}.07 EUR"
    given = item(n=n, wallet=wallet, lines=lines, company=company_id(name))
    given["accountingEntryId"] = str(uuid.uuid5(NAMESPACE, f"{name} {n}"))
    return given


def write_workspace(
    root: Path,
    names: Sequence[str],
    *,
    base_url: str,
    more: Mapping[str, str] | None = None,
    approvals: int = 1,
) -> None:
    """Write a workspace with the template and one mapping per company."""
    (root / "seams").mkdir(parents=True)
    (root / "seams" / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
    lines = [f"pleo: {{base_url: {base_url}}}", "companies:"]
    for name in names:
        write_mapping(root, name)
        lines.append(
            f"  {name}: {{id: {company_id(name)}, template: ./seams, mapping: {name}.yaml,"
            f" approvals: {approvals}}}"
        )
    lines += [f"{key}: {value}" for key, value in (more or {}).items()]
    (root / "pleo-etl.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_mapping(root: Path, name: str, text: str = "{{ item.supplier.name }}") -> None:
    """Write the mapping of a company; another text makes another recipe."""
    made = MAPPING.format(name=name, id=company_id(name), text=text)
    (root / f"{name}.yaml").write_text(made, encoding="utf-8")
