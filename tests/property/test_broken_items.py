"""N-10, N-11: every field of an item broken in every way, against a poster of its own.

What is accepted must be posted as the reference poster posts it, from the JSON read here again;
everything else is rejected with a code, or stops the command with one.
"""

from __future__ import annotations

import copy
import gzip
import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etl.codes import CODES
from etl.conversion import Origin
from etl.errors import UserMustFix
from etl.items import ingest
from etl.pipeline import Request, book, load_recipe
from etl.sources import read_sources
from tests.property.mutations import DROP, SAMPLE, paths
from tests.reference_poster import Refused, post_item
from tests.security.lines import SCALE, scaled
from tests.unit.cli.workspaces import TEMPLATE

MAPPING = """\
company:
  name: Musterfirma GmbH
  id: 5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10
  time_zone: Europe/Berlin
  currency: EUR
posting_rules:
  accept: [ACCEPTED]
fallback_payable: "70999"
map:
  account.expense: [{use: "{{ line.account.code }}"}]
  account.cashback: [{use: "{{ line.account.code }}"}]
  account.wallet: [{use: "{{ item.contra_account.code }}"}]
  account.payable: [{use: "70000"}]
  account.out_of_pocket: [{use: "1740"}]
  account.reimbursement: [{use: "1755"}]
  account.employee: [{use: "1530"}]
  account.transfer: [{use: "1200"}]
  account.tax_in: [{use: "{{ line.tax.in_account }}"}, {use: "1570"}]
  account.tax_out: [{use: "{{ line.tax.out_account }}"}, {use: "1780"}]
  tax_code: [{use: "{{ line.tax.code }}"}, {use: none}]
  text: [{use: "{{ item.note }}"}, {use: none}]
"""
FORMS = {
    "pair": {"shape": "pair", "tax": "by_code", "mixed_signs": "swap", "contra": "one"},
    "legs": {"shape": "legs", "tax": "separate", "mixed_signs": "swap", "contra": "one"},
}
#: Missing, null, of another kind, huge, of no list, text for a number and a number for text.
BREAKS: list[Any] = [
    DROP, None, "", "x", "unheard_of", "x" * 10_000, "Ma\u0308rz \u202e\0", "11900", "1e3", "EUR",
    "USD", "JPY", "UNDEFINED", "reverse", "accounts_payable", "refund", "2026-02-30",
    "0026-03-01T00:00:00Z", 0, 1, -1, -11900, 11900.5, 1e300, 10**15, 10**16, 10**60, -(10**15),
    0.1, True, False, [], [None], ["x"], {}, {"x": 1}, [[[[[[[[[[1]]]]]]]]]],
]  # fmt: skip


@pytest.fixture(scope="module", params=FORMS)
def recipe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("books")
    form = FORMS[request.param]
    rows = f"shape: {form['shape']}, tax: {form['tax']}"
    (folder / "plain").mkdir()
    template = TEMPLATE.replace("shape: pair, tax: by_code", rows)
    (folder / "plain" / "template.yaml").write_text(template, encoding="utf-8")
    rules = (Path(__file__).parents[2] / "mappings/posting-rules.yaml").read_text(encoding="utf-8")
    # Rules that are confirmed need no acceptance; to name them all the same is no mistake.
    ids = re.findall(r"^  ([a-z_]+(?:/[a-z_]+)+):", rules, re.M)
    mapping = folder / "mapping.yaml"
    mapping.write_text(MAPPING.replace("ACCEPTED", ", ".join(ids)), encoding="utf-8")
    given = Request(sources=(), template=str(folder / "plain"), mapping=mapping)
    return request.param, load_recipe(given)


def broken(base: dict[str, Any], path: tuple[str | int, ...], change: Any) -> dict[str, Any]:
    item = copy.deepcopy(base)
    holder: Any = item
    for step in path[:-1]:
        holder = holder[step]
    if change is DROP:
        del holder[path[-1]]
    else:
        holder[path[-1]] = copy.deepcopy(change)
    return item


def every_break() -> Iterator[dict[str, Any]]:
    """Give sample items with one thing broken; nightly runs break every item in every way."""
    stride = max(1, int(16 / SCALE))
    number = 0
    for at, base in enumerate(SAMPLE):
        for path in paths(base):
            for kind, change in enumerate(BREAKS):
                number += 1
                if (number + at + kind) % stride == 0 or change in (None, DROP):
                    item = broken(base, path, change)
                    if item.get("accountingEntryId") == base["accountingEntryId"]:
                        item["accountingEntryId"] = f"00000000-0000-4000-8000-{number:012}"
                    yield item


def clean(text: Any) -> str | None:
    """Apply the policy of texts, as the manual of the items says it."""
    assert text is None or isinstance(text, str), text
    text = unicodedata.normalize("NFC", text or "")
    text = re.sub(
        "[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+", " ", text
    )
    return text if text.strip() else None


def money(amount: dict[str, Any], side: str) -> tuple[Decimal, str]:
    value, currency = amount[f"in{side}Currency"]["value"], amount[f"in{side}Currency"]["currency"]
    assert isinstance(value, int | float), value
    assert not isinstance(value, bool), value
    cents = Decimal(str(value))
    assert cents == cents.to_integral_value(), value
    assert re.fullmatch("[A-Z]{3}", currency), currency
    return cents / 100, currency


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """Read an item for the reference poster, trusting nothing; what is odd raises."""
    is_invoice = item["type"] == "invoice"
    sides = ("Supplier", "Wallet") if is_invoice else ("Wallet", "Supplier")
    total, currency = money(item["amount"], sides[0])
    _, other_currency = money(item["amount"], sides[1])
    method = (item.get("bookkeeping") or {}).get("method")
    is_transfer = item["type"] in ("wallet_topup", "wallet_unload")  # always a journal
    assert is_transfer or method in (None, "", "none", "journal", "accounts_payable"), method
    is_payable = method == "accounts_payable" and not is_transfer
    rows = []
    for line in item["accountingEntryLines"]:
        own, other = [], []
        tax = line.get("tax") or None
        for amount in (line["lineAmount"], tax["amount"] if tax else None):
            for amounts, side, wanted in (
                (own, sides[0], currency),
                (other, sides[1], other_currency),
            ):
                value, found = money(amount, side) if amount else (Decimal(0), wanted)
                assert found == wanted
                amounts.append(value)
        net, _ = money(line["netAmount"], sides[0])
        tax = tax or {}
        assert tax.get("type") in (None, "inclusive", "exclusive", "reverse")
        if tax.get("type") == "exclusive":
            assert net == own[0] - own[1]
        accounts = {
            "expense": clean((line.get("account") or {}).get("code")),
            "wallet": clean((item.get("contraAccount") or {}).get("code")),
            "payable": "70000", "out_of_pocket": "1740", "reimbursement": "1755",
            "employee": "1530", "transfer": "1200",
            "tax_in": clean(tax.get("ingoingTaxAccount")) or "1570",
            "tax_out": clean(tax.get("outgoingTaxAccount")) or "1780",
        }  # fmt: skip
        accounts["cashback"] = accounts["expense"]
        rows.append(
            {"gross": own[0], "tax": own[1], "tax_type": tax.get("type"),
             "code": clean(tax.get("code")), "accounts": accounts,
             "book": (None, None), "other": (None, None)}
        )  # fmt: skip
    assert sum(row["gross"] for row in rows) == total
    return {
        "type": item["type"], "sub_type": item.get("subType") or None,
        "method": "accounts_payable" if is_payable else "journal",
        "currency": currency, "lines": rows,
    }  # fmt: skip


def posted_rows(postings: pl.DataFrame, vouchers: pl.DataFrame) -> dict[int, Counter[Any]]:
    kinds = vouchers.select("voucher.key", "voucher.kind")
    names = ("role", "account", "contra_account", "tax_code", "signed")
    rows = postings.join(kinds, on="voucher.key", validate="m:1").select(
        "item.key", "voucher.kind", *(f"posting.{name}" for name in names)
    )
    found: dict[int, Counter[Any]] = {}
    for key, *row in rows.iter_rows():
        found.setdefault(key, Counter())[tuple(row)] += 1
    return found


def test_no_broken_field_is_posted_wrongly(recipe: Any, tmp_path: Path) -> None:
    form, loaded = recipe
    items = list(every_break())
    path = tmp_path / "items.ndjson"
    path.write_text("".join(f"{json.dumps(item)}\n" for item in items), encoding="ascii")
    ingested = ingest(read_sources([str(path)]))
    origin = Origin(batch_id="b", input_sha256="0", items=0, lines=0, created=None)
    booked = book(ingested, loaded, origin=origin)
    assert ingested.listed == len(items)
    accepted, rejected = set(booked.items["item.key"]), set(booked.rejections["item.key"])
    assert accepted | rejected == set(range(len(items)))
    assert not accepted & rejected
    assert set(booked.rejections["code"].unique()) <= CODES.keys()
    places = dict(booked.everyone.select("item.key", "item.where").iter_rows())
    found = posted_rows(booked.postings, booked.vouchers)
    nothing = set(booked.nothing_to_book["item.key"])
    for key in sorted(accepted):
        item = items[int(places[key].rsplit(":", 1)[1]) - 1]
        try:
            rows = post_item(plain(item), FORMS[form])
        except (Refused, AssertionError, KeyError, TypeError, AttributeError) as error:
            pytest.fail(f"accepted, but the reference says {error!r}: {json.dumps(item)[:3000]}")
        expected = Counter((*row[:6],) for row in rows)
        assert found.get(key, Counter()) == expected, json.dumps(item)[:3000]
        assert rows or key in nothing
    assert len(accepted) > len(items) // 5


# ── bodies that are broken as a whole ───────────────────────────────────────────────────────


def read(content: bytes, folder: Path, name: str = "items.json") -> tuple[str, int]:
    """Read a file; give the code that stopped it, or "" and how many items were accepted."""
    path = folder / name
    path.write_bytes(content)
    try:
        ingested = ingest(read_sources([str(path)]))
    except UserMustFix as error:
        (problem,) = error.problems
        return problem.code, 0
    assert set(ingested.rejections["code"]) <= CODES.keys()
    return "", ingested.items.height


@pytest.mark.parametrize("form", ["page", "list", "item", "lines"])
def test_a_file_cut_off_at_any_byte_is_stopped_or_rejected(form: str, tmp_path: Path) -> None:
    one = SAMPLE[1]
    whole = {"page": {"data": [SAMPLE[0], one]}, "list": [SAMPLE[0], one]}.get(form, one)
    content = json.dumps(whole, ensure_ascii=False).encode()
    name = "items.json"
    if form == "lines":
        content, name = json.dumps(SAMPLE[0]).encode() + b"\n" + content, "items.ndjson"
    stride = max(1, int(23 / SCALE))
    known = 0 if form == "item" else 1
    for end in range(0, len(content), stride):
        code, accepted = read(content[:end], tmp_path, name)
        is_whole_page = form == "page" and end == len(content) - 1
        assert code.startswith("IN-") or (accepted <= known and not is_whole_page), end
        if form in ("page", "list"):
            assert code.startswith("IN-"), end


def test_a_gzip_cut_off_or_flipped_at_any_byte(tmp_path: Path) -> None:
    plain_text = json.dumps({"data": SAMPLE[:2]}).encode()
    packed = gzip.compress(plain_text, mtime=0)
    stride = max(1, int(17 / SCALE))
    for at in range(0, len(packed), stride):
        code, _ = read(packed[:at], tmp_path)
        assert code.startswith("IN-")
        changed = bytearray(packed)
        changed[at] ^= 0x10
        code, accepted = read(bytes(changed), tmp_path)
        assert code.startswith("IN-") or accepted == 2, at  # the header has fields without meaning


DEEP = 100_000
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \r\n\t ",
    "not a number": b'{"data": [{"accountingEntryId": "x", "amount": NaN}]}',
    "infinity": b'[{"amount": {"value": Infinity}}]',
    "minus infinity": b"[-Infinity]",
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"data":' * DEEP + b"1" + b"}" * DEEP,
    "a deep item": b'{"data": [{"x":' + b"[" * DEEP + b"]" * DEEP + b"}]}",
    "a page": b"<!DOCTYPE html><html><body>Bad gateway</body></html>",
    "an error": b'{"error": {"code": "x"}}',
    "null": b"null",
    "a number": b"7",
    "a text": b'"data"',
    "utf-16": '{"data": []}'.encode("utf-16"),
    "utf-32": '{"data": []}'.encode("utf-32"),
    "latin-1": '{"data": [{"note": "Größe"}]}'.encode("latin-1"),
    "zip": b"PK\x03\x04" + b"\0" * 40,
    "two pages": b'{"data": []}\n{"data": []}',
    "data twice": b'{"data": [], "data": [{}]}',
    "data is null": b'{"data": null}',
    "data is text": b'{"data": "x"}',
    "data is an object": b'{"data": {"x": 1}}',
    "nul": b"\0" * 100,
    "only a mark": b"\xef\xbb\xbf",
    "comma behind": b'[{"x": 1},]',
    "comment": b'// x\n[{"x": 1}]',
    "single quotes": b"[{'x': 1}]",
    "more behind": b"[] []",
    "huge integer": b'[{"amount": {"inWalletCurrency": {"value": ' + b"9" * 100_000 + b"}}}]",
    "huge exponent": b'[{"amount": {"inWalletCurrency": {"value": 1e999999999}}}]',
    "lone surrogate": b'[{"note": "\\ud800"}]',
    "bad escape": b'[{"note": "\\x00"}]',
    "raw control": b'[{"note": "a\x01b"}]',
    "truncated letter": b'[{"note": "\xc3"}]',
    "overlong letter": b'[{"note": "\xc0\xaf"}]',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_broken_bodies_end_with_a_code_or_rejected_items(body: bytes, tmp_path: Path) -> None:
    for name in ("items.json", "items.ndjson"):
        for content in (body, b"\xef\xbb\xbf" + body, gzip.compress(body)):
            code, accepted = read(content, tmp_path, name)
            assert accepted == 0
            assert code == "" or code in CODES


def test_a_gzip_bomb_is_stopped_early(tmp_path: Path) -> None:
    bomb = gzip.compress(b"[" + b" " * 40_000_000, compresslevel=9)
    assert len(bomb) < 60_000
    code, _ = read(bomb, tmp_path)
    assert code == "IN-4"


@pytest.mark.parametrize("key", ["accountingEntryId", "amount", "type", "date", "companyId"])
def test_a_key_that_stands_twice_is_never_read_as_either(key: str, tmp_path: Path) -> None:
    item = json.dumps(SAMPLE[0])
    twice = item[:-1] + f', "{key}": {json.dumps(SAMPLE[1][key])}}}'
    for content in (twice, f"[{twice}]", '{"data": [' + twice + "]}"):
        code, accepted = read(content.encode(), tmp_path)
        assert (code, accepted) == ("", 0)


@pytest.mark.parametrize("size", [-1, 2**48 + 1, 2**63, 10**60])
def test_a_size_that_no_file_has_rejects_its_item_alone(size: int, tmp_path: Path) -> None:
    item = broken(SAMPLE[0], ("files", 0, "size"), size)
    assert read(json.dumps([item, SAMPLE[1]]).encode(), tmp_path) == ("", 1)


def test_random_bytes_never_raise(tmp_path: Path) -> None:
    rng = random.Random(20261120)
    content = json.dumps({"data": SAMPLE[:3]}, ensure_ascii=False).encode()
    for _ in range(scaled(150)):
        changed = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(changed))
            kind = rng.randrange(3)
            if kind == 0:
                changed[at] = rng.randrange(256)
            elif kind == 1:
                del changed[at : at + rng.randint(1, 30)]
            else:
                changed[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 9)))
        code, _ = read(bytes(changed), tmp_path)
        assert code == "" or code in CODES
