"""Small hand-made books: items, vouchers and postings as the stages before rendering give them.

item 0  "a-1"  card purchase  119.00 EUR  Café Müller    net 100.00, tax 19.00
item 1  "b-2"  refund          45.50 EUR  Taxi; "Nord"
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etl.errors import UserMustFix
from etl.frames import (
    ATTACHMENT,
    ATTACHMENT_WIRE,
    CHECKED_LINES,
    ITEM,
    ITEM_WIRE,
    POSTING,
    VOUCHER,
    Column,
    dimension_column,
    schema,
)
from etl.rendering import Rendered, Template, load_template, render

CONSTANTS: dict[str, object] = {
    "batch.id": "batch-1",
    "batch.number": 7,
    "batch.created": dt.datetime(2026, 4, 1, 9, 30, 15, 123000, tzinfo=dt.UTC),
    "job.id": None,
    "job.created": None,
    "company.id": "c-1",
    "company.name": "Acme GmbH",
    "company.currency": "EUR",
    "company.time_zone": "Europe/Berlin",
    "company.fiscal_year": "01-01",
    "engine.version": "0.1.0",
}

HEAD = """\
id: {id}
title: A test
version: 1
target: {{system: none, format: none, source: none, checked: 2026-11-20, confidence: own}}
"""


def frame(columns: tuple[Column, ...], rows: list[dict[str, Any]], *more: str) -> pl.DataFrame:
    """Make a frame with every column of some groups; what a row does not say is null."""
    kinds = {**{name: pl.UInt32() for name in more}, **schema(columns)}
    return pl.DataFrame(
        {name: [row.get(name) for row in rows] for name in kinds}, schema=kinds, strict=True
    )


def money(text: str) -> Decimal:
    return Decimal(text)


@dataclass
class Books:
    """Rows of every frame, to be changed by a test before they become frames."""

    items: list[dict[str, Any]] = field(default_factory=list)
    vouchers: list[dict[str, Any]] = field(default_factory=list)
    postings: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    dimensions: tuple[str, ...] = ()

    def frames(self) -> dict[str, pl.DataFrame]:
        dimensions = tuple(dimension_column(name) for name in self.dimensions)
        return {
            "items": frame((*ITEM_WIRE, *ITEM), self.items),
            "lines": frame(CHECKED_LINES, []),
            "vouchers": frame(VOUCHER, self.vouchers, "voucher.key", "item.key"),
            "postings": frame(
                (*POSTING, *dimensions), self.postings,
                "posting.key", "voucher.key", "item.key", "line.key",
            ),
            "attachments": frame((*ATTACHMENT_WIRE, *ATTACHMENT), self.attachments),
        }  # fmt: skip

    def add(
        self,
        item_id: str,
        *,
        amount: str = "119.00",
        text: str = "Text",
        date: dt.date = dt.date(2026, 3, 9),
        currency: str = "EUR",
        accounts: tuple[str, str] = ("4930", "1280"),
        shape: str = "pair",
        **more: Any,
    ) -> None:
        """Add an item with one voucher: one pair, or an expense leg and its contra leg.

        `more` are columns by name, each set in the frame that has it.
        """
        key = len(self.items)
        value = money(amount)
        side, other = ("debit", "credit") if value >= 0 else ("credit", "debit")
        item = {
            "item.key": key, "item.id": item_id, "item.type": "card_purchase", "item.date": date,
            "item.amount": value, "item.currency": currency, "item.method": "journal",
            "item.reconciliation_id": f"R-{item_id}", "item.where": f"items.json item {key + 1}",
        }  # fmt: skip
        voucher = {
            "voucher.key": key, "item.key": key, "voucher.id": f"{item_id}/entry",
            "voucher.number": key + 1, "voucher.kind": "entry", "voucher.form": shape,
            "voucher.date": date, "voucher.original_date": date, "voucher.document_date": date,
            "voucher.text": text, "voucher.reference": f"R-{item_id}",
            "voucher.currency": currency, "voucher.total": abs(value),
            "voucher.contra_role": "wallet", "voucher.contra_side": other,
            "voucher.contra_account": accounts[1],
            "voucher.period": date.year * 100 + date.month,
            "voucher.fiscal_year.start": dt.date(date.year, 1, 1),
            "voucher.fiscal_year.end": dt.date(date.year, 12, 31),
            "voucher.fiscal_year.label": str(date.year),
        }  # fmt: skip
        for column, given in more.items():
            for row in (item, voucher):
                if column.split(".")[0] == next(iter(row)).split(".")[0]:
                    row[column] = given
        self.items.append(item)
        self.vouchers.append(voucher)
        legs = [(accounts[0], accounts[1], side, False)]
        if shape == "legs":
            legs = [(accounts[0], None, side, False), (accounts[1], None, other, True)]
        for index, (account, contra, at, is_contra) in enumerate(legs, start=1):
            self.postings.append(
                _posting(self, key, index=index, value=abs(value), side=at)
                | {
                    "posting.shape": shape, "posting.is_contra": is_contra,
                    "posting.account": account, "posting.contra_account": contra,
                    "posting.text": text, "posting.currency": currency,
                    "posting.ledger": "bank" if is_contra else "general",
                }
                | {name: given for name, given in more.items() if name.startswith("posting.")}
            )  # fmt: skip


def _posting(books: Books, key: int, *, index: int, value: Decimal, side: str) -> dict[str, Any]:
    nothing = money("0.00")
    return {
        "posting.key": len(books.postings), "voucher.key": key, "item.key": key, "line.key": None,
        "posting.index": index, "posting.side": side, "posting.amount": value,
        "posting.signed": value if side == "debit" else -value,
        "posting.debit": value if side == "debit" else nothing,
        "posting.credit": nothing if side == "debit" else value,
        "posting.dimensions": [],
    }  # fmt: skip


def two_items() -> Books:
    """Give the books drawn at the top."""
    books = Books()
    books.add("a-1", text="Café Müller")
    books.add("b-2", amount="-45.50", text='Taxi; "Nord"')
    return books


def write_template(folder: Path, body: str, *, name: str = "test") -> Path:
    """Write a template with the usual head into a folder of its own."""
    path = folder / name / "template.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD.format(id=name) + body, encoding="utf-8")
    return path


def load(folder: Path, body: str, *, given: dict[str, str] | None = None) -> Template:
    """Write and load a template, with parameters."""
    return load_template(write_template(folder, body)).with_parameters(given or {})


def rendered(
    folder: Path, body: str, books: Books, *, given: dict[str, str] | None = None, **more: Any
) -> Rendered:
    """Write a template and render books with it."""
    template = load(folder, body, given=given)
    return render(template, **books.frames(), constants={**CONSTANTS}, **more)


PAIR = "rows: [{shape: pair, tax: by_code}]\n"
LEGS = "rows: [{shape: legs, tax: separate}]\n"


def text_of(result: Rendered, number: int = 0, encoding: str = "utf-8") -> str:
    assert result.rejections.is_empty(), result.rejections.to_dicts()
    return result.files[number].content.decode(encoding)


def problem_codes(error: pytest.ExceptionInfo[UserMustFix]) -> list[str]:
    return [problem.code for problem in error.value.problems]
