"""The whole view of two batches against figures that were worked out by hand from their items.

First, offline (golden/first.json):

    item 1  card_purchase  Café Müller   119.00 EUR  6640 -> 4650, VSt19: 100 + 19, a receipt
    item 2  card_purchase  Taxi Berlin    30.00 EUR  6670, not in accounts.csv; no tax, no receipt
    item 3  card_purchase  Café Müller    10.00 EUR  no account: rejected
    item 4  card_purchase  Café Müller    80.00 USD  6640 twice: 50 + 30, wallet 1361, no receipt

Second, live (golden/second.json), after a batch that booked items 1 and 2 as vouchers 1 and 2:

    item 2  30.00 EUR  booked already, as a person says
    item 3  44.00 EUR  invoice RE-7 of Nordhost GmbH, which item 1 of the first batch is
    item 4  10.00 EUR  no account: rejected
    item 5  12.00 EUR  the reviewer rejects it: wrong month
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from etl.live.viewing import open_shelf, view_of
from etl.pipeline import Request, convert
from etl.review import ReviewView
from etl.review.model import Concerned, FileView, Voucher
from etl.workspace import load_workspace
from tests.fakes.items import invoice, item, page
from tests.fakes.transport import SandboxClockOf
from tests.fakes.workshop import receipt
from tests.unit.cli.live import make_live
from tests.unit.cli.workspaces import ACCOUNTS, MAPPING, TEMPLATE

GOLDEN = Path(__file__).parent / "golden"
RECEIPT = receipt()
FIRST = [
    item(n=1, wallet="119.00 EUR", files=[RECEIPT],
         lines=[{"account": "6640 Bewirtung", "tax": "VSt19 0.19 inclusive 19.00"}]),
    item(n=2, wallet="30.00 EUR", date="2026-03-11T10:00:00Z", merchant="Taxi Berlin",
         lines=[{"account": "6670 Reise"}]),
    item(n=3, lines=[{"account": None}]),
    item(n=4, wallet="80.00 USD", contra="1361 Pleo USD",
         lines=[{"account": "6640 Bewirtung", "gross": "50.00"},
                {"account": "6640 Bewirtung", "gross": "30.00"}]),
]  # fmt: skip
SECOND = [
    item(n=1, wallet="119.00 EUR", merchant="Nordhost GmbH", files=[RECEIPT],
         invoice=invoice("RE-7", "2026-03-01")),
    item(n=2, wallet="30.00 EUR", merchant="Taxi Berlin", files=[RECEIPT]),
    item(n=3, wallet="44.00 EUR", merchant="Nordhost GmbH", files=[RECEIPT],
         invoice=invoice("RE-7", "2026-03-01")),
    item(n=4, lines=[{"account": None}], files=[RECEIPT]),
    item(n=5, wallet="12.00 EUR", files=[RECEIPT]),
]  # fmt: skip
NAMES = {one["accountingEntryId"]: f"item {n}" for n, one in enumerate(SECOND, 1)}


def told(view: ReviewView) -> Any:
    """Give everything that the view tells, but for hashes and for ids that are made anew."""
    control = view.control
    return _plain({
        "headline": view.headline,
        "state": view.state,
        "sentences": view.sentences,
        "counts": _fields(view.counts),
        "checks": [check.name for check in control.checks if check.holds],
        "totals": _rows(control.totals, "currency debit credit"),
        "wallets": _rows(control.wallets, "account currency money_in money_out movement items"),
        "accounts": _rows(control.accounts, "account currency debit credit balance rows share"),
        "tax codes": _rows(control.tax_codes, "code currency base tax notional gross lines"),
        "types": _rows(control.types, "label currency items amount"),
        "vendors": _rows(control.vendors, "label currency items amount"),
        "periods": _rows(control.periods, "label currency items amount"),
        "days": _rows(control.days, "label amount share"),
        "rules": _rows(view.rules_used, "role rule items"),
        "notes": [
            [note.code, note.meaning, note.is_blocking, note.count,
             [_item(one) for one in note.concerned]]
            for note in view.notes
        ],
        "cures": {
            group.title: [
                [cause.code, cause.fix, cause.pleo_words, cause.failure_type, cause.items,
                 [_item(one) for one in cause.concerned]]
                for cause in group.causes
            ]
            for group in view.cures
        },
        "not booked here": {
            group.title: [_item(one) for one in group.concerned] for group in view.aside
        },
        "looked through": view.looked_through and _fields(view.looked_through),
        "vouchers": [_voucher(one) for one in view.vouchers.full],
        "files": [_file(one) for one in view.files],
        "proof": [view.proof_holds, view.proof_rows],
    })  # fmt: skip


def _fields(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


def _rows(rows: Iterable[Any], names: str) -> list[list[Any]]:
    return [[getattr(row, name) for name in names.split()] for row in rows]


def _item(one: Concerned) -> list[Any]:
    return [one.item_id, one.title, one.currency, one.amount, one.detail]


def _voucher(one: Voucher) -> dict[str, Any]:
    names = "account contra_account role currency debit credit net tax tax_code text"
    return {
        "number": one.number, "date": str(one.date), "item": one.source.item_id,
        "title": one.source.title, "total": one.total, "receipts": one.source.receipts,
        "lines": _rows(one.source.lines, "account tax gross"),
        "postings": _rows(one.postings, names),
        "reasons": _rows(one.reasons, "target value rule"),
        "remarks": one.note_codes,
    }  # fmt: skip


def _file(one: FileView) -> dict[str, Any]:
    return {
        "name": one.name, "form": one.form, "postings": one.postings, "lines": one.lines,
        "columns": "".join(one.columns), "rows": [list(row.cells) for row in one.rows],
        "traces": {
            str(trace.row.row): [
                trace.item_id, trace.title, trace.row.line, trace.receipts,
                {
                    letters: [
                        cell.column, cell.value, cell.expression,
                        [[source.name, source.value, source.rule or source.origin,
                          source.table, source.table_row] for source in cell.sources],
                    ]
                    for letters, cell in zip(trace.letters, trace.row.cells, strict=True)
                    # The account, the amount and the text stand for the others.
                    if letters in ("C", "E", "H")
                },
            ]
            for trace in one.traces
        },
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """Give a value as JSON has it, ids by their number."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str):
        return re.sub("[0-9a-f-]{36}", lambda hit: NAMES.get(hit.group(), hit.group()), value)
    return value


def expected(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


def convert_first(folder: Path) -> ReviewView:
    """Convert the first batch in a folder, and give its view."""
    (folder / "templates" / "plain").mkdir(parents=True)
    (folder / "templates" / "plain" / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
    (folder / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    (folder / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    (folder / "items.json").write_text(json.dumps(page(*FIRST)), encoding="utf-8")
    source, template = str(folder / "items.json"), str(folder / "templates" / "plain")
    request = Request(sources=[source], template=template, mapping=folder / "mapping.yaml")
    return convert(request).view


def test_the_view_of_an_offline_batch(tmp_path: Path) -> None:
    assert told(convert_first(tmp_path)) == expected("first.json")


def test_the_view_of_a_live_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    live = make_live(tmp_path)
    live.add("acme", SECOND)
    ids = list(NAMES)
    live.job("acme", ids[:2])
    assert live.run("run").exit_code == 0
    assert live.run("release", "--yes").exit_code == 0
    live.job("acme", ids[1:])
    assert live.run("run").exit_code == 1
    live.run("review", "--already-booked", ids[1])
    live.run("review", "--reject", ids[4], "--reason", "wrong month")
    workspace = load_workspace(tmp_path / "pleo-etl.yaml")
    with open_shelf(workspace, "acme", clock=SandboxClockOf(live.pleo)) as shelf:
        assert shelf is not None
        batch = shelf.ledger.find(shelf.company_id, "2")
        assert told(view_of(shelf, batch).view) == expected("second.json")
