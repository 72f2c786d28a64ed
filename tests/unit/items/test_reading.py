"""Export items become frames: what is exact stays exact, what is wrong is rejected alone."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from etl.frames import INGESTED_ITEMS, schema
from etl.money import MAX_HUNDREDTHS
from tests.unit.items.elements import (
    DROP,
    PLAIN,
    SAMPLE,
    SPLIT,
    all_codes,
    encode,
    messages,
    numbered,
    put,
    read,
    sample,
)  # fmt: skip

VALUE = "amount.inWalletCurrency.value"


def with_text(item: dict[str, Any], path: str, json_text: str) -> bytes:
    """Give the JSON of an item with a value spelled as given."""
    put(item, path, "@@@")
    return encode(item).replace(b'"@@@"', json_text.encode())


def test_every_field_arrives() -> None:
    ingested = read(SAMPLE[13])
    row = ingested.items.to_dicts()[0]
    assert row == row | {
        "item.key": 0,
        "item.where": "items.json, item 1",
        "item.id": "2f9b6c1e-7a3d-4e58-9c04-b1a2c3d4e502",
        "item.type": "invoice",
        "item.method": "accounts_payable",
        "item.date_text": "2026-03-02T00:00:00Z",
        "item.wallet_amount": Decimal("1190.00"),
        "item.wallet_currency": "EUR",
        "item.supplier.tax_id": "DE123456789",
        "item.vendor.registration_number": "HRB 12345",
        "item.vendor.external_id": "70045",
        "item.user.name": "Jonas Weber",
        "item.user.code": None,
        "item.team.name": None,
        "item.invoice.number": "RE-2026-0311",
        "item.invoice.date": dt.date(2026, 2, 20),
        "item.invoice.due_date": dt.date(2026, 3, 6),
        "item.invoice.paid_date": dt.date(2026, 3, 2),
        "item.invoice.iban": "DE02120300000000202051",
        "item.service_from": dt.date(2026, 1, 1),
        "item.service_to": dt.date(2026, 3, 31),
        "item.reconciled_entries": None,
        "item.url": "https://app.example.com/export/2f9b6c1e-7a3d-4e58-9c04-b1a2c3d4e502",
    }
    line = ingested.lines.to_dicts()[0]
    assert line == line | {
        "line.number": 1,
        "line.count": 1,
        "line.account.code": "4925",
        "line.wallet_net": Decimal("1000.00"),
        "line.wallet_tax": Decimal("190.00"),
        "line.tax.rate": Decimal("0.190000"),
        "line.tax.in_account": "1576",
        "line.tag_groups": ["COSTCENTER"],
        "line.tag_codes": ["CC-20"],
    }
    assert ingested.items.columns == list(schema(INGESTED_ITEMS))


def test_lists_arrive_in_order() -> None:
    row = read(SAMPLE[0], SAMPLE[22]).items.sort("item.reconciliation_id").to_dicts()
    assert row[0]["item.reconciled_entries"] == ["4113920", "4114020"]
    assert row[1]["item.attendees"] == ["Asha Patel", "Tom Reed"]


def test_items_are_ordered_by_id_whatever_the_order_of_the_input() -> None:
    forth, back = read(*SAMPLE), read(*reversed(SAMPLE))
    assert forth.items["item.id"].to_list() == sorted(item["accountingEntryId"] for item in SAMPLE)
    assert forth.items.drop("item.where").equals(back.items.drop("item.where"))
    assert forth.lines.equals(back.lines)
    assert forth.attachments.equals(back.attachments)


@pytest.mark.parametrize("value", [0, -1, 1, MAX_HUNDREDTHS, -MAX_HUNDREDTHS])
def test_whole_hundredths_are_exact(value: int) -> None:
    item = sample(amount__inWalletCurrency__value=value)
    ingested = read(item)
    assert ingested.rejections.is_empty()
    assert ingested.items["item.wallet_amount"].item() == Decimal(value).scaleb(-2)


@pytest.mark.parametrize(
    "text",
    [
        "10.0", "1e3", "10.5", "1E2", '"11900"', "true", "null", "[1]", "{}", "-0.0",
        str(MAX_HUNDREDTHS + 1), str(-MAX_HUNDREDTHS - 1), "9" * 30, "9" * 5000,
    ],
)  # fmt: skip
def test_any_other_amount_is_refused(text: str) -> None:
    for path in (VALUE, "accountingEntryLines.0.tax.amount.inSupplierCurrency.value"):
        ingested = read(with_text(sample(), path, text), SAMPLE[SPLIT])
        assert ingested.rejections["code"].to_list() == ["ITEM-2"]
        assert ingested.items.height == 1
        assert ingested.listed == 2


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "01", "+1", "0x1", "1."])
def test_what_is_no_json_number_is_refused(text: str) -> None:
    assert all_codes(with_text(sample(), VALUE, text)) == ["IN-7"]


@pytest.mark.parametrize(
    ("path", "value", "code", "says"),
    [
        ("accountingEntryId", DROP, "ITEM-1", "accountingEntryId is missing"),
        ("accountingEntryId", "0815", "ITEM-3", 'accountingEntryId is "0815", not a UUID'),
        ("accountingEntryId", "", "ITEM-3", 'accountingEntryId is "", not a UUID'),
        ("additionalInformation.reconciliationId", DROP, "ITEM-1", "reconciliationId is missing"),
        ("additionalInformation.reconciliationId", "", "ITEM-3", "reconciliationId is empty"),
        ("additionalInformation.reconciliationId", " \t", "ITEM-3", "reconciliationId is empty"),
        ("type", "overdraft", "ITEM-4", 'item type "overdraft" is not known'),
        ("type", None, "ITEM-1", "type is null, not text"),
        ("subType", "bonus", "ITEM-5", 'sub type "bonus" is not known'),
        ("bookkeeping", {"method": "cash"}, "ITEM-7", 'bookkeeping method "cash" is not known'),
        ("accountingEntryLines.0.tax.type", "partial", "ITEM-6", 'tax type "partial"'),
        ("accountingEntryLines.0.tax.type", "", "ITEM-6", 'tax type "" is not known'),
        ("accountingEntryLines", [], "ITEM-10", "the item has no lines"),
        ("accountingEntryLines", {}, "ITEM-1", "accountingEntryLines is an object, not a list"),
        ("accountingEntryLines.0.lineAmount", DROP, "ITEM-1", "lineAmount is missing"),
        ("accountingEntryLines.0.tax.amount", DROP, "ITEM-1", "tax.amount is missing"),
        ("accountingEntryLines.0.account.code", 4650, "ITEM-1", "account.code is 4650, not text"),
        ("accountingEntryLines.0.tax.rate", "0.19", "ITEM-1", "not a number of at most 1000"),
        ("accountingEntryLines.0.tags.0", 1, "ITEM-1", "tags[0] is 1, not an object"),
        ("note", ["a"], "ITEM-1", "note is a list, not text"),
        ("files.0.size", "12", "ITEM-1", 'files[0].size is the text "12", not a whole number'),
        ("servicePeriod", {"from": "soon"}, "ITEM-8", 'service_from is "soon", not a date'),
        ("servicePeriod", {"to": "2026-02-30"}, "ITEM-8", 'service_to is "2026-02-30"'),
    ],
)
def test_what_is_wrong_is_said_with_its_path(
    path: str, value: object, code: str, says: str
) -> None:
    item = sample()
    put(item, path, value)
    ingested = read(item, SAMPLE[SPLIT])
    (rejection,) = ingested.rejections.to_dicts()
    assert rejection["code"] == code
    assert says in rejection["message"]
    assert rejection["fix"]
    assert rejection["where"] == "items.json, item 1"
    assert rejection["failure_type"] == "validation_failure"
    assert rejection["line"] == (1 if "Lines.0" in path else None)


def test_all_problems_of_an_item_are_said_at_once() -> None:
    item = sample(SPLIT, note=1, type=None)
    put(item, "accountingEntryLines.1.lineAmount.inWalletCurrency.value", 1.5)
    put(item, "accountingEntryLines.0.lineAmount.inWalletCurrency.currency", DROP)
    rejections = read(item).rejections.to_dicts()
    assert [(r["code"], r["line"]) for r in rejections] == [
        ("ITEM-1", None), ("ITEM-1", None), ("ITEM-1", 1), ("ITEM-2", 2),
    ]  # fmt: skip
    assert {r["item_id"] for r in rejections} == {item["accountingEntryId"]}


@pytest.mark.parametrize(
    "element",
    [
        b'{"accountingEntryId":', b"", b"[]", b"1", b"null", b'"x"', b"{}", b"\xff", None,
        b'{"a":' * 200 + b"1" + b"}" * 200, b"[" * 100_000, b'{"note":"\\ud83d"}', b"{}{}",
    ],
)  # fmt: skip
def test_an_element_of_any_kind_is_one_rejected_item(element: bytes | None) -> None:
    ingested = read(element, SAMPLE[PLAIN])
    assert ingested.listed == 2
    assert ingested.items["item.key"].to_list() == [0]
    assert ingested.rejections["item.key"].unique().to_list() == [1]
    assert set(ingested.rejections["code"]) <= {"IN-7", "IN-9", "ITEM-1"}


def test_half_of_a_surrogate_pair_is_refused_and_a_whole_one_is_not() -> None:
    assert all_codes(with_text(sample(), "note", '"a \\ud83d b"')) == ["IN-7"]
    ingested = read(with_text(sample(), "note", '"a \\ud83d\\ude00 b"'))
    assert ingested.items["item.note"].item() == "a 😀 b"


@pytest.mark.parametrize(
    "key", ["note", "amount", "value", "currency", "type", "web", "exportItem"]
)
@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize("first", ["null", '"x"', '"x\\" :\\u00e9/"'])
def test_a_key_that_stands_twice_is_refused(key: str, spaced: bool, first: str) -> None:
    indent = 2 if spaced else None
    text = json.dumps(sample(), indent=indent, separators=None if spaced else (",", ":"))
    space = " \n" if spaced else ""
    where = text.index(f'"{key}"')
    doubled = f'{text[:where]}"{key}"{space}:{space}{first},{text[where:]}'.encode()
    ingested = read(doubled, SAMPLE[SPLIT])
    assert ingested.rejections["code"].to_list() == ["IN-8"]
    assert f'{key}" stands twice' in ingested.rejections["message"].item()


def test_a_key_spelled_with_an_escape_does_not_hide_its_double() -> None:
    text = encode(sample()).replace(b'"note":', b'"n\\u006fte":"x","note":', 1)
    assert all_codes(text) == ["IN-8"]


@pytest.mark.parametrize("indent", [None, 0, 4])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_spelling_makes_no_difference(indent: int | None, ascii_only: bool) -> None:
    spelled = [json.dumps(i, indent=indent, ensure_ascii=ascii_only).encode() for i in SAMPLE]
    plain, other = read(*SAMPLE), read(*spelled)
    assert other.items.equals(plain.items)
    assert other.lines.equals(plain.lines)


def test_unknown_fields_are_noted() -> None:
    item = sample(mood="good")
    item["supplier"] |= {"mood": None, "more": {"x": [1]}}
    put(item, "accountingEntryLines.0.tags.0.colour", "red")
    ingested = read(item, SAMPLE[SPLIT])
    assert ingested.rejections.is_empty()
    assert ingested.items.height == 2
    (note,) = ingested.notes.to_dicts()
    assert note["code"] == "ITEM-FIELDS"
    assert note["item_id"] == item["accountingEntryId"]
    assert note["detail"] == (
        "unknown fields: accountingEntryLines.tags.colour, mood, supplier.mood, supplier.more"
    )


NULLABLE = [
    "_links", "subType", "note", "bookkeeping", "contraAccount", "supplier", "vendor", "user",
    "team", "servicePeriod", "files", "accountingEntryLines.0.account",
    "accountingEntryLines.0.tags", "accountingEntryLines.0.tags.0", "accountingEntryLines.0.tax",
    "accountingEntryLines.0.tax.code", "accountingEntryLines.0.tax.rate",
    "accountingEntryLines.0.tax.ingoingTaxAccount", "accountingEntryLines.0.accountingEntryLineId",
    "additionalInformation.attendees", "additionalInformation.attendees.0",
    "additionalInformation.reconciledEntries", "additionalInformation.invoiceInformation",
    "supplier.name", "user.name", "files.0", "files.0.type", "files.0.size", "_links.web",
]  # fmt: skip


@pytest.mark.parametrize("path", NULLABLE)
@pytest.mark.parametrize("value", [None, DROP])
def test_what_may_be_null_may_also_be_absent(path: str, value: object) -> None:
    item = sample()
    put(item, path, value)
    ingested = read(item)
    assert ingested.rejections.is_empty()
    assert ingested.items.height == 1


def test_empty_and_blank_text_is_null() -> None:
    item = sample(note="", subType="  ")
    item["supplier"]["name"] = "\t\n"
    item["accountingEntryLines"][0]["account"]["code"] = " "
    ingested = read(item)
    assert ingested.items.select("item.note", "item.sub_type", "item.supplier.name").row(0) == (
        None, None, None,
    )  # fmt: skip
    assert ingested.lines["line.account.code"].item() is None


def test_country_undefined_is_none() -> None:
    item = sample()
    item["supplier"]["country"] = "UNDEFINED"
    assert read(item).items["item.supplier.country"].item() is None


@pytest.mark.parametrize(
    ("kind", "bookkeeping", "method"),
    [
        ("card_purchase", None, "journal"),
        ("card_purchase", {"method": "none"}, "journal"),
        ("card_purchase", {"method": "accounts_payable"}, "accounts_payable"),
        ("wallet_topup", {"method": "accounts_payable"}, "journal"),
        ("wallet_unload", {"method": "accounts_payable"}, "journal"),
    ],
)
def test_the_method(kind: str, bookkeeping: object, method: str) -> None:
    item = sample(type=kind, bookkeeping=bookkeeping)
    assert read(item).items["item.method"].item() == method


def test_a_copy_that_says_the_same_is_rejected_and_the_first_stays() -> None:
    copy = sample(PLAIN)
    copy["files"][0]["url"] = "https://files.example.com/another-link"
    copy["accountingEntryId"] = copy["accountingEntryId"].upper()
    for items in ((SAMPLE[0], SAMPLE[1], SAMPLE[0]), (SAMPLE[0], SAMPLE[1], SAMPLE[0], SAMPLE[0])):
        ingested = read(*items)
        assert ingested.rejections["code"].to_list() == ["ITEM-11"] * (len(items) - 2)
        kept = ingested.items.filter(
            ~ingested.items["item.key"].is_in(ingested.rejections["item.key"].to_list())
        )
        assert set(kept["item.id"]) == {
            SAMPLE[0]["accountingEntryId"],
            SAMPLE[1]["accountingEntryId"],
        }
    assert all_codes(SAMPLE[0], copy) == ["ITEM-11"]


@pytest.mark.parametrize(
    "change",
    [
        {"note": "other"},
        {"accountingEntryLines__0__account__code": "4980"},
        {"accountingEntryLines__0__lineAmount__inWalletCurrency__value": 1},
        {"files": []},
        {"note": 1},
    ],
)
def test_copies_that_differ_are_all_rejected(change: dict[str, object]) -> None:
    ingested = read(sample(), sample(**change), SAMPLE[SPLIT])
    repeats = ingested.rejections.filter(ingested.rejections["code"] == "ITEM-11")
    assert repeats.height == 2
    assert "not alike" in repeats["message"][0]


def test_many_items_one_wrong() -> None:
    items = numbered([SAMPLE[0]] * 3000)
    items[1234] = sample(note=7)
    ingested = read(*items)
    assert ingested.listed == 3000
    assert ingested.items.height == 2999
    assert ingested.rejections.height == 1


def test_nothing_at_all() -> None:
    ingested = read()
    assert (ingested.listed, ingested.items.height, ingested.lines.height) == (0, 0, 0)
    assert all_codes() == []


def test_messages_stay_short_and_on_one_line() -> None:
    item = sample(type="x" * 10_000, note="a\nb")
    put(item, "accountingEntryLines.0.account.name", 5)
    for message in messages(item, sample(SPLIT, subType="\u2028" * 500)):
        assert len(message) < 300
        assert message.isprintable()
