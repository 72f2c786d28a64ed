"""A batch worked out by hand: eleven items, every figure of its control sheet known beforehand.

    key  type           merchant       wallet        posted as (debit · credit)
    0    card_purchase  Office Depot   119.00 EUR    4930 119.00 · 1360 119.00   VSt19: 100 + 19
    1    card_purchase  Hotel Adlon    214.00 EUR    4666 107.00, 4670 107.00 · 1360 214.00
                                                     VSt7: 100 + 7; second line without tax
    2    refund         Office Depot    23.80 EUR    1360 23.80 · 4930 23.80     VSt19: 20 + 3.80
    3    card_purchase  Cloud Inc       92.50 EUR    4980 92.50 · 1360 92.50     reverse, 17.58
    4    out_of_pocket  Taxi Berlin     35.00 EUR    4670 35.00 · 1755 35.00     moved by one day
    5    wallet_topup   (none)        5000.00 EUR    1360 5000.00 · 1590 5000.00
    6    card_purchase  Pub & Co        80.00 GBP    4654 80.00 · 1361 80.00
    7, 8 card_purchase  rejected: account 4999 is not known
    9    card_purchase  rejected: sums differ
    10   personal_spend nothing to book

Movement of wallet 1360: in 5023.80, out 425.50; of wallet 1361: out 80.00 GBP.
Debits: EUR 119 + 214 + 23.80 + 92.50 + 35 + 5000 = 5484.30; GBP 80.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl

from etl.frames import ITEM_KEY, NOTES, REJECTIONS, empty, schema
from etl.review.columns import ITEM_COLUMNS, LINE_COLUMNS, POSTING_COLUMNS, VOUCHER_COLUMNS
from etl.review.given import BatchFrames, RuleText

Row = dict[str, Any]
RULES = (
    RuleText(
        "account from table accounts by line.account.code", "mappings/acme.yaml:12", "accounts.csv"
    ),
    RuleText("use item.contra_account.code", "mappings/acme.yaml:17"),
    RuleText("use 1755", "mappings/acme.yaml:19"),
    RuleText("use line.tax.code", "mappings/acme.yaml:22"),
)  # fmt: skip
_RULE_COLUMNS = {
    f"{kind}.{target}": pl.UInt16() if kind == "rule" else pl.UInt32()
    for target in ("account.expense", "account.wallet", "account.out_of_pocket", "tax_code")
    for kind in ("rule", "row")
}
NAMES = {
    "4930": "Bürobedarf", "4666": "Übernachtung", "4670": "Reisekosten", "4980": "Software",
    "4654": "Bewirtung", "1360": "Pleo Wallet EUR", "1361": "Pleo Wallet GBP",
    "1755": "Auslagen Mitarbeiter", "1590": "Geldtransit",
}  # fmt: skip
CSV = (
    "Umsatz;Soll/Haben;Konto;Gegenkonto;BU;Datum;Leer;Text\r\n"
    "119,00;S;4930;1360;VSt19;0509;;Office Depot Druckerpapier\r\n"
    "107,00;S;4666;1360;VSt7;0609;;Hotel Adlon\r\n"
    "107,00;S;4670;1360;;0609;;Hotel Adlon Frühstück\r\n"
    "23,80;H;4930;1360;VSt19;0709;;Office Depot\r\n"
    "92,50;S;4980;1360;RC;0809;;Cloud Inc\r\n"
    "35,00;S;4670;1755;;0110;;Taxi\u00a0Berlin\r\n"
    "5000,00;S;1360;1590;;0109;;Pleo\r\n"
    "80,00;S;4654;1361;;1009;;Pub & Co\r\n"
)


def _frame(rows: Sequence[Row], columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    for row in rows:
        assert not set(row) - set(columns), set(row) - set(columns)
    return pl.DataFrame(
        [tuple(row.get(name) for name in columns) for row in rows], schema=dict(columns),
        orient="row",
    )  # fmt: skip


def item(key: int, type_: str, amount: str, **more: Any) -> Row:
    """Make an item; names in `more` have __ for dots and no `item.`."""
    row: Row = {
        ITEM_KEY: key,
        "item.id": f"0000000{key:x}-aaaa-4bbb-8ccc-dddddddddddd",
        "item.type": type_,
        "item.amount": Decimal(amount),
        "item.currency": "EUR",
        "item.wallet_amount": Decimal(amount),
        "item.wallet_currency": "EUR",
        "item.date": dt.date(2026, 9, 5),
        "item.method": "journal",
        "item.reconciliation_id": f"rec-{key:04}",
        "item.where": f"items.json, item {key + 1}",
        "item.url": f"https://app.pleo.io/expenses/{key}",
        "item.attachments": [],
        "rule.id": f"{type_}/journal",
        "rule.debit_role": "expense",
        "rule.credit_role": "wallet",
        "rule.confirmed": True,
    }
    for name, value in more.items():
        dotted = name.replace("__", ".")
        row[dotted if dotted.startswith("rule.") else f"item.{dotted}"] = value
    return row


def line(key: int, number: int, gross: str, base: str, tax: str, **more: Any) -> Row:
    """Make a mapped line; names in `more` have __ for dots and are whole."""
    row: Row = {
        ITEM_KEY: key,
        "line.key": key * 10 + number,
        "line.number": number,
        "line.gross": Decimal(gross),
        "line.base": Decimal(base),
        "line.tax": Decimal(tax),
        "account.wallet": "1360",
        "rule.account.wallet": 1,
    }
    row.update({name.replace("__", "."): value for name, value in more.items()})
    return row


def items() -> list[Row]:
    """Give the items of the batch, the rejected ones too."""
    depot = {"supplier__name": "Office Depot", "user__name": "Ada Berg"}
    return [
        item(0, "card_purchase", "119.00", **depot, note="Druckerpapier & Toner",
             attachments=["rec-0000_01.pdf"]),
        item(1, "card_purchase", "214.00", supplier__name="Hotel Adlon", user__name="Ole Dahl",
             date=dt.date(2026, 9, 6), attachments=["rec-0001_01.jpg", "rec-0001_02.jpg"]),
        item(2, "refund", "23.80", **depot, date=dt.date(2026, 9, 7), rule__debit_role="wallet",
             rule__credit_role="expense", rule__confirmed=False),
        item(3, "card_purchase", "92.50", supplier__name="Cloud Inc",
             original_amount=Decimal("100.00"), original_currency="USD", date=dt.date(2026, 9, 8)),
        item(4, "out_of_pocket", "35.00", supplier__name="Taxi Berlin", user__name="Ada Berg",
             date=dt.date(2026, 9, 30), rule__credit_role="out_of_pocket",
             attachments=["rec-0004_01.png"]),
        item(5, "wallet_topup", "5000.00", date=dt.date(2026, 9, 1), rule__debit_role="wallet",
             rule__credit_role="transfer"),
        item(6, "card_purchase", "80.00", currency="GBP", wallet_currency="GBP",
             supplier__name="Pub & Co", date=dt.date(2026, 9, 10),
             attachments=["rec-0006_01.pdf"]),
        item(7, "card_purchase", "12.00", supplier__name="Kiosk"),
        item(8, "card_purchase", "15.00", supplier__name="Kiosk"),
        item(9, "card_purchase", "18.00", user__name="Ole Dahl"),
        item(10, "personal_spend", "0.00"),
    ]  # fmt: skip


def lines() -> list[Row]:
    """Give the mapped lines of the batch."""
    expense = {"rule__account__expense": 0, "row__account__expense": 14, "rule__tax_code": 3}
    return [
        line(0, 1, "119.00", "100.00", "19.00", account__expense="4930", tax_code="VSt19",
             line__tax__type="inclusive", line__tax__rate=Decimal("0.19"), line__tax__code="VSt19",
             line__account__code="4930", line__account__name="Office supplies",
             line__tag_groups=["PROJECT"], line__tag_codes=["P-7"], **expense),
        line(1, 1, "107.00", "100.00", "7.00", account__expense="4666", tax_code="VSt7",
             line__tax__type="exclusive", line__account__code="4666", **expense),
        line(1, 2, "107.00", "107.00", "0.00", account__expense="4670",
             line__account__code="4670", **expense),
        line(2, 1, "23.80", "20.00", "3.80", account__expense="4930", tax_code="VSt19",
             line__tax__type="inclusive", line__account__code="4930", **expense),
        line(3, 1, "92.50", "92.50", "17.58", account__expense="4980", tax_code="RC",
             line__tax__type="reverse", line__account__code="4980", **expense),
        line(4, 1, "35.00", "35.00", "0.00", account__expense="4670",
             account__out_of_pocket="1755", rule__account__out_of_pocket=2, **expense),
        line(5, 1, "5000.00", "5000.00", "0.00"),
        line(6, 1, "80.00", "80.00", "0.00", **{**expense, "account.wallet": "1361"},
             account__expense="4654"),
    ]  # fmt: skip


#: Item key, number, posting date, contra role, contra side, contra account, total; then the
#: postings as "account role signed tax code".
_VOUCHERS: tuple[tuple[tuple[Any, ...], tuple[str, ...]], ...] = (
    (
        (5, 1, "2026-09-01", "transfer", "credit", "1590", "5000.00"),
        ("1360 wallet 5000.00", "1590 transfer -5000.00"),
    ),
    (
        (0, 2, "2026-09-05", "wallet", "credit", "1360", "119.00"),
        ("4930 expense 119.00 VSt19", "1360 wallet -119.00"),
    ),
    (
        (1, 3, "2026-09-06", "wallet", "credit", "1360", "214.00"),
        ("4666 expense 107.00 VSt7", "4670 expense 107.00", "1360 wallet -214.00"),
    ),
    (
        (2, 4, "2026-09-07", "wallet", "debit", "1360", "23.80"),
        ("4930 expense -23.80 VSt19", "1360 wallet 23.80"),
    ),
    (
        (3, 5, "2026-09-08", "wallet", "credit", "1360", "92.50"),
        ("4980 expense 92.50 RC", "1360 wallet -92.50"),
    ),
    (
        (6, 6, "2026-09-10", "wallet", "credit", "1361", "80.00"),
        ("4654 expense 80.00", "1361 wallet -80.00"),
    ),
    (
        (4, 7, "2026-10-01", "out_of_pocket", "credit", "1755", "35.00"),
        ("4670 expense 35.00", "1755 out_of_pocket -35.00"),
    ),
)


def vouchers_and_postings(shape: str) -> tuple[list[Row], list[Row]]:
    """Give vouchers, and their postings as legs or as pairs."""
    vouchers: list[Row] = []
    postings: list[Row] = []
    sources = {row[ITEM_KEY]: row for row in items()}
    for (key, number, date, role, side, contra, total), legs in _VOUCHERS:
        source = sources[key]
        posted = dt.date.fromisoformat(date)
        vouchers.append(
            {
                "voucher.key": number - 1, ITEM_KEY: key, "voucher.number": number,
                "voucher.kind": "entry", "voucher.date": posted,
                "voucher.original_date": source["item.date"],
                "voucher.reference": source["item.reconciliation_id"],
                "voucher.currency": source["item.currency"], "voucher.total": Decimal(total),
                "voucher.contra_role": role, "voucher.contra_side": side,
                "voucher.contra_account": contra,
                "voucher.period.year": posted.year, "voucher.period.number": posted.month,
            }
        )  # fmt: skip
        for leg in legs:
            account, leg_role, signed, *codes = leg.split()
            is_contra = leg_role == role
            if shape == "pair" and is_contra:
                continue
            amount = Decimal(signed)
            row: Row = {
                "voucher.key": number - 1, ITEM_KEY: key, "posting.shape": shape,
                "posting.role": leg_role, "posting.is_contra": is_contra,
                "posting.account": account, "posting.account_name": NAMES[account],
                "posting.side": "debit" if amount > 0 else "credit",
                "posting.currency": source["item.currency"], "posting.amount": abs(amount),
                "posting.signed": amount, "posting.tax_code": codes[0] if codes else None,
                "posting.text": None if is_contra else source.get("item.supplier.name", "Pleo"),
            }  # fmt: skip
            if shape == "pair":
                row["posting.contra_account"] = contra
                row["posting.contra_account_name"] = NAMES[contra]
            postings.append(row)
    return vouchers, postings


def rejections() -> pl.DataFrame:
    """Give three rejections of two causes."""
    fix = "add account 4999 to mappings/accounts.csv"
    known = {row[ITEM_KEY]: row["item.id"] for row in items()}
    rows = [
        (7, known[7], 1, "MAP-30", "account 4999 is not known", fix, "items.json, item 8",
         "account_unknown"),
        (8, known[8], 1, "MAP-30", "account 4999 is not known", fix, "items.json, item 9",
         "account_unknown"),
        (9, known[9], None, "ITEM-13", "the lines come to 17.00, the item to 18.00",
         "open the expense in Pleo and correct its lines", "items.json, item 10",
         "validation_failure"),
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=schema(REJECTIONS), orient="row")


def notes() -> pl.DataFrame:
    """Give one note: the date of item 4 was moved."""
    known = {row[ITEM_KEY]: row["item.id"] for row in items()}
    rows = [
        (
            4,
            known[4],
            "DATE-SHIFTED",
            "2026-09-30 lies in a closed period, posted on 2026-10-01",
            None,
        )
    ]
    return pl.DataFrame(rows, schema=schema(NOTES), orient="row")


def frames(shape: str = "legs") -> BatchFrames:
    """Give the frames of the batch."""
    vouchers, postings = vouchers_and_postings(shape)
    return BatchFrames(
        items=_frame(items(), ITEM_COLUMNS),
        lines=_frame(lines(), {**LINE_COLUMNS, **_RULE_COLUMNS}),
        vouchers=_frame(vouchers, VOUCHER_COLUMNS),
        postings=_frame(postings, POSTING_COLUMNS),
        rejections=rejections(),
        notes=notes(),
    )


def manifest() -> dict[str, Any]:
    """Give the manifest of the batch."""
    totals = [
        {"currency": "EUR", "debit": "5484.30", "credit": "5484.30"},
        {"currency": "GBP", "debit": "80.00", "credit": "80.00"},
    ]
    rows = {0: [2], 1: [3, 4], 2: [5], 3: [6], 4: [7], 5: [8], 6: [9]}
    return {
        "schema": 1,
        "batch": {"id": "b-2026-09", "number": 1, "company": "Acme GmbH", "job": None,
                  "created": "2026-09-30T12:00:00Z"},
        "template": {"id": "datev-extf", "version": 1, "sha256": "aa" * 32},
        "mapping": {"name": "acme.yaml", "sha256": "bb" * 32},
        "parameters": {"consultant_number": 1001, "client_number": 42},
        "recipe": {"sha256": "cc" * 32, "parts": {"template": "aa" * 32, "mapping": "bb" * 32}},
        "numbers": {"first_voucher": 1, "last_voucher": 7},
        "input": {"sha256": "dd" * 32, "items": 11, "lines": 12},
        "content": "ee" * 32,
        "counts": {"items": 11, "rendered": 7, "rejected": 3, "already_booked": 0,
                   "nothing_to_book": 1, "skipped": 0, "vouchers": 7, "postings": 15},
        "totals": totals,
        "notes": [{"code": "DATE-SHIFTED", "count": 1, "items": [items()[4]["item.id"]]}],
        "files": [{"name": "EXTF_Pleo_1_1.csv", "sha256": "ff" * 32,
                   "bytes": len(CSV.encode("cp1252")), "rows": 8, "totals": totals}],
        "items": [
            {"id": row["item.id"], "verdict": "exported" if row[ITEM_KEY] in rows else "failed",
             "rows": [{"file": "EXTF_Pleo_1_1.csv", "rows": rows[row[ITEM_KEY]]}]
             if row[ITEM_KEY] in rows else []}
            for row in items()
        ],
        "attachments": [],
        "read_back": {"ok": True, "rows": 8},
    }  # fmt: skip


def files() -> dict[str, bytes]:
    """Give the one file of the batch, in Windows-1252."""
    return {"EXTF_Pleo_1_1.csv": CSV.encode("cp1252")}


#: Columns that steer the view; a text from outside never stands there.
SPARED = frozenset(
    {
        "item.currency",
        "item.wallet_currency",
        "item.type",
        "rule.credit_role",
        "posting.currency",
        "posting.role",
        "posting.side",
        "posting.account",
        "voucher.contra_role",
        "voucher.contra_account",
        "voucher.currency",
        "line.tax.type",
    }
)


def with_text(text: str) -> BatchFrames:
    """Give the batch with one text in every text cell of every frame."""
    whole = frames()

    def fill(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(
            pl.lit(text).alias(name)
            for name, dtype in frame.schema.items()
            if dtype == pl.String and name not in SPARED
        )

    return replace(
        whole,
        items=fill(whole.items),
        lines=fill(whole.lines),
        vouchers=fill(whole.vouchers),
        postings=fill(whole.postings),
        rejections=fill(whole.rejections),
        notes=fill(whole.notes),
    )


def repeated(copies: int) -> BatchFrames:
    """Give the batch many times over, every copy with keys and ids of its own."""
    whole = frames()
    step = len(items())
    copy = pl.DataFrame({"copy": range(copies)}, schema={"copy": pl.UInt32})

    def repeat(frame: pl.DataFrame) -> pl.DataFrame:
        shifted = [
            (pl.col(name) + pl.col("copy") * (step * 10 if name == "line.key" else step))
            .cast(frame.schema[name])
            .alias(name)
            for name in (ITEM_KEY, "voucher.key", "line.key")
            if name in frame.columns
        ]
        ids = [
            pl.format("{}-{}", name, "copy").alias(name)
            for name in ("item.id", "item_id", "item.reconciliation_id")
            if name in frame.columns
        ]
        numbered = [
            (pl.col(name) + pl.col("copy") * 7).alias(name)
            for name in ("voucher.number",)
            if name in frame.columns
        ]
        return copy.join(frame, how="cross").with_columns(*shifted, *ids, *numbered).drop("copy")

    return BatchFrames(
        items=repeat(whole.items),
        lines=repeat(whole.lines),
        vouchers=repeat(whole.vouchers),
        postings=repeat(whole.postings),
        rejections=repeat(whole.rejections),
        notes=repeat(whole.notes),
    )


def repeated_manifest(copies: int) -> dict[str, Any]:
    """Give the manifest of the batch many times over."""
    whole = manifest()
    counts = {name: count * copies for name, count in whole["counts"].items()}
    totals = [
        {
            "currency": total["currency"],
            "debit": str(Decimal(total["debit"]) * copies),
            "credit": str(Decimal(total["credit"]) * copies),
        }
        for total in whole["totals"]
    ]
    file = {**whole["files"][0], "totals": totals, "rows": 8 * copies}
    return {**whole, "counts": counts, "totals": totals, "files": [file]}


def nothing() -> BatchFrames:
    """Give a batch without items: frames without rows, and with few columns."""
    none = pl.DataFrame(schema={ITEM_KEY: pl.UInt32(), "voucher.key": pl.UInt32()})
    return BatchFrames(none, none, none, none, empty(REJECTIONS), empty(NOTES))
