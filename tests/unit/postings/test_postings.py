"""What a posting knows besides its amounts, and how postings of several vouchers stand together."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from etl.forms import Form
from etl.frames import POSTING, schema
from etl.postings import Postings, load_posting_rules, make_postings, parts
from tests.unit.postings.books import Item, Line, frames, post, vouchers_of

PAIR = Form("f", "pair", "by_code")
LEGS = Form("f", "legs", "by_code")
SEPARATE = Form("f", "legs", "separate")


def values(made: Postings, *names: str) -> list[tuple[Any, ...]]:
    return made.postings.select(*(f"posting.{name}" for name in names)).rows()


def test_postings_have_every_column_with_its_type() -> None:
    made = post(Item((Line("10.00", project="P"),)), form=LEGS).postings
    expected = {
        "posting.key": pl.UInt32(),
        "voucher.key": pl.UInt32(),
        "item.key": pl.UInt32(),
        "line.key": pl.UInt32(),
        **schema(POSTING),
        "posting.dimension.project": pl.String(),
        "target.journal": pl.String(),
    }
    assert dict(made.schema) == expected


def test_only_wanted_columns_are_made_and_they_are_the_same() -> None:
    items = (
        Item((Line("119.00", "19.00", "inclusive", other=("1300.00", "200.00")),),
             other_currency="SEK"),
        Item((Line("10.00"),), id="i2", method="accounts_payable"),
    )  # fmt: skip
    every = post(*items, form=SEPARATE).postings
    for name in every.columns:
        some = post(*items, form=SEPARATE, columns={name}).postings
        assert name in some.columns
        assert some.equals(every.select(some.columns)), name
    fewest = post(*items, form=SEPARATE, columns=set()).postings.columns
    assert fewest == [
        "posting.key", "voucher.key", "item.key", "line.key", "posting.index", "posting.role",
        "posting.shape", "posting.is_contra", "posting.account", "posting.contra_account",
        "posting.side", "posting.currency", "posting.amount", "posting.signed",
    ]  # fmt: skip


def test_a_summed_leg_has_no_line_and_no_dimension() -> None:
    lines = (Line("10.00", project="P1", text="A"), Line("5.00", project="P2", text="B"))
    made = post(Item(lines), form=LEGS)
    assert made.postings.get_column("line.key").to_list() == [0, 1, None]
    assert values(made, "dimension.project", "dimensions", "text", "is_contra", "index") == [
        ("P1", ["project"], "A", False, 1),
        ("P2", ["project"], "B", False, 2),
        (None, [], "A", True, 3),
    ]


def test_a_payment_has_no_line_and_no_dimension() -> None:
    lines = (Line("10.00", project="P1", code="I19"),)
    made = post(Item(lines, method="accounts_payable"), form=PAIR)
    assert made.postings.get_column("line.key").to_list() == [0, None]
    assert values(made, "dimension.project", "tax_code", "text") == [
        ("P1", "I19", "text 1"),
        (None, None, "text 1"),
    ]


def test_a_contra_leg_per_line_keeps_line_and_text_but_no_dimension() -> None:
    form = Form("f", "legs", "by_code", contra="per_line")
    lines = (Line("10.00", project="P1", text="A", code="I"), Line("5.00", text="B"))
    made = post(Item(lines), form=form)
    assert made.postings.get_column("line.key").to_list() == [0, 0, 1, 1]
    assert values(made, "role", "text", "tax_code", "dimension.project") == [
        ("expense", "A", "I", "P1"),
        ("wallet", "A", None, None),
        ("expense", "B", None, None),
        ("wallet", "B", None, None),
    ]


def test_the_tax_code_stands_on_cost_and_tax_rows_only() -> None:
    line = Line("119.00", "19.00", "reverse", code="R19")
    assert values(post(Item((line,)), form=SEPARATE), "role", "tax_code") == [
        ("expense", "R19"), ("tax_in", "R19"), ("tax_out", "R19"), ("wallet", None),
    ]  # fmt: skip
    made = post(Item((line,), type="personal_spend"), form=PAIR)
    assert values(made, "role", "tax_code", "tax", "notional_tax") == [
        ("employee", None, Decimal(0), Decimal(0))
    ]
    paid = Item((line,), type="invoice_payment", sub_type="invoice_payment_sent")
    assert values(post(paid, form=LEGS), "role", "tax_code") == [
        ("payable", None),
        ("wallet", None),
    ]


def test_a_contra_leg_has_no_tax_code_whatever_its_role() -> None:
    rules = load_posting_rules({"fee/journal": {"debit": "expense", "credit": "cashback"}})
    form = Form("f", "legs", "by_code", contra="per_line")
    made = post(Item((Line("10.00", code="I19"),), type="fee"), form=form, rules=rules)
    assert values(made, "role", "tax_code") == [("expense", "I19"), ("cashback", None)]


def test_the_tax_code_stays_when_a_pair_is_turned() -> None:
    form = Form("f", "pair", "by_code", account_is="wallet")
    made = post(Item((Line("119.00", "19.00", "inclusive", code="I19"),)), form=form)
    assert values(made, "role", "tax_code", "tax") == [("wallet", "I19", Decimal("19.00"))]


def test_a_summed_row_has_the_target_that_all_lines_agree_on() -> None:
    agreed = Item((Line("1.00", journal="J"), Line("2.00", journal="J")))
    split = Item((Line("1.00", journal="J"), Line("2.00", journal="K")), id="i2")
    partial = Item((Line("1.00", journal="J"), Line("2.00")), id="i3")
    made = post(agreed, split, partial, form=LEGS)
    assert made.postings.get_column("target.journal").to_list() == [
        "J", "J", "J", "J", "K", None, "J", None, None,
    ]  # fmt: skip


def test_names_stand_beside_accounts() -> None:
    line = Line("119.00", "19.00", "reverse")
    made = post(Item((line,)), form=Form("f", "pair", "separate"))
    assert values(made, "account_name", "contra_account_name") == [
        ("name of EXPENSE", "name of WALLET"),
        ("name of TAX_IN", "name of TAX_OUT"),
    ]
    made = post(Item((line,)), form=SEPARATE)
    assert values(made, "account_name", "contra_account_name") == [
        ("name of EXPENSE", None),
        ("name of TAX_IN", None),
        ("name of TAX_OUT", None),
        ("name of WALLET", None),
    ]
    form = Form("f", "pair", "by_code", account_is="wallet")
    assert values(post(Item((line,)), form=form), "account_name", "contra_account_name") == [
        ("name of WALLET", "name of EXPENSE")
    ]


@pytest.mark.parametrize(
    ("item", "ledgers"),
    [
        (Item((Line("1.00"),)), ["general", "bank"]),
        (Item((Line("1.00"),), type="invoice"), ["general", "vendor"]),
        (Item((Line("1.00"),), type="mileage"), ["general", "employee"]),
        (Item((Line("1.00"),), type="personal_spend"), ["employee", "bank"]),
        (Item((Line("1.00"),), type="wallet_topup"), ["bank", "bank"]),
        (
            Item(
                (Line("1.00"),),
                type="external_reimbursement",
                sub_type="reimbursement_to_employee",
            ),
            ["employee", "bank"],
        ),
    ],
)
def test_the_ledger_is_that_of_the_role(item: Item, ledgers: list[str]) -> None:
    assert [row[0] for row in values(post(item, form=LEGS), "ledger")] == ledgers


@pytest.mark.parametrize(
    ("item", "single", "rate", "other"),
    [
        (Item((Line("10.00"),)), False, "1.000000", "EUR"),
        (
            Item((Line("10.00", other=("110.00", None)),), other_currency="SEK"),
            False,
            "1.000000",
            "SEK",
        ),
        (
            Item((Line("100.00", book=("91.00", None)),), currency="USD", other_currency="EUR"),
            False,
            "1.098901",  # 100 / 91 = 1.0989010989…
            "EUR",
        ),
        (
            Item((Line("100.00", book=("91.00", None)),), currency="USD", other_currency="EUR"),
            True,
            "1.000000",
            "USD",
        ),
        (
            Item((Line("100.00", other=("910.00", None)),), currency="USD", other_currency="SEK"),
            False,
            None,
            "SEK",
        ),
    ],
)
def test_the_rate_is_the_item_s_and_for_information(
    item: Item, single: bool, rate: str | None, other: str
) -> None:
    made = post(item, form=PAIR, single=single)
    expected = None if rate is None else Decimal(rate)
    assert values(made, "rate", "original_currency") == [(expected, other)]


@pytest.mark.parametrize(
    ("line", "currency", "other", "rate"),
    [
        (Line("100.00", other=("910.00", None)), "EUR", "SEK", "1.000000"),
        (Line("100.00", book=("91.00", None)), "USD", "EUR", "0.910000"),
        (Line("100.00", other=("910.00", None)), "USD", "SEK", None),
    ],
)
def test_the_rate_to_book_is_the_other_way_round(
    line: Line, currency: str, other: str, rate: str | None
) -> None:
    made = post(Item((line,), currency=currency, other_currency=other), form=PAIR)
    assert values(made, "rate_to_book") == [(None if rate is None else Decimal(rate),)]


def test_all_lines_of_an_item_have_one_rate() -> None:
    lines = (Line("0.01", book=("0.01", None)), Line("99.99", book=("90.99", None)))
    made = post(Item(lines, currency="USD", other_currency="EUR"), form=LEGS)
    assert {row[0] for row in values(made, "rate")} == {Decimal("1.098901")}


def test_currency_follows_the_template() -> None:
    item = Item((Line("100.00", book=("91.00", None)),), currency="USD", other_currency="EUR")
    assert values(post(item, form=PAIR), "currency", "amount") == [("USD", Decimal("100.00"))]
    made = post(item, form=PAIR, single=True)
    names = ("currency", "amount", "book_amount", "original_amount")
    assert values(made, *names) == [("EUR", Decimal("91.00"), Decimal("91.00"), Decimal("100.00"))]


def test_tax_is_known_in_every_currency() -> None:
    line = Line("119.00", "19.00", "inclusive", book=("108.00", "17.24"))
    made = post(Item((line,), currency="USD", other_currency="EUR"), form=PAIR)
    assert values(made, "net", "tax", "book_net", "book_tax", "original_tax") == [
        tuple(map(Decimal, ("100.00", "19.00", "90.76", "17.24", "17.24")))
    ]
    line = Line("100.00", "19.00", "reverse", book=("91.00", "17.29"))
    made = post(Item((line,), currency="USD", other_currency="EUR"), form=PAIR)
    assert values(made, "net", "notional_tax", "book_net", "book_notional_tax") == [
        tuple(map(Decimal, ("100.00", "19.00", "91.00", "17.29")))
    ]


@pytest.mark.parametrize("form", [PAIR, SEPARATE])
def test_an_unknown_amount_is_unknown_in_all_its_names(form: Form) -> None:
    item = Item((Line("1.00", other=("9.00", None)),), currency="USD", other_currency="SEK")
    made = post(item, form=form).postings
    names = [name for name in made.columns if name.startswith("posting.book_")]
    assert len(names) == 7
    assert made.select(names).row(0) == (None,) * 7


def test_each_voucher_takes_its_own_form() -> None:
    made = vouchers_of(Item((Line("10.00"), Line("5.00")), method="accounts_payable"))
    forms = {"PI": Form("PI", "pair", "net_and_tax"), "J": Form("J", "legs", "separate")}
    is_invoice = pl.col("voucher.kind") == "invoice"
    vouchers = made.vouchers.with_columns(
        pl.when(is_invoice).then(pl.lit("PI")).otherwise(pl.lit("J")).alias("voucher.form")
    )
    items, lines = frames(Item((Line("10.00"), Line("5.00")), method="accounts_payable"))
    postings = make_postings(
        vouchers, made.entries, items, lines,
        forms=forms, single_currency=False, company_currency="EUR",
    )  # fmt: skip
    assert values(postings, "shape", "account", "contra_account", "index") == [
        ("pair", "EXPENSE", "PAYABLE", 1),
        ("pair", "EXPENSE", "PAYABLE", 2),
        ("legs", "PAYABLE", None, 1),
        ("legs", "WALLET", None, 2),
    ]


def test_a_rejected_voucher_takes_the_whole_item_with_it() -> None:
    """The payment could be posted; without its invoice it is half an expense."""
    bad = Item((Line("10.00", "12.00", "inclusive"),), method="accounts_payable")
    made = post(bad, Item((Line("1.00"),), id="i2"), form=PAIR)
    assert made.rejections.get_column("item_id").to_list() == ["i1"]
    assert made.postings.get_column("item.key").to_list() == [1]
    assert made.vouchers.get_column("voucher.id").to_list() == ["i2/entry"]
    assert made.nothing_to_book.is_empty()


def test_amounts_that_are_equal_by_chance_keep_their_own_tax() -> None:
    line = Line("119.00", "19.00", "inclusive", other=("119.00", "18.00"))
    made = post(Item((line,), other_currency="USD"), form=PAIR)
    assert values(made, "book_tax", "original_amount", "original_tax", "original_net") == [
        tuple(map(Decimal, ("19.00", "119.00", "18.00", "101.00")))
    ]


def test_what_both_vouchers_lack_is_said_once() -> None:
    item = Item(
        (Line("1.00", other=("9.00", None)),),
        method="accounts_payable",
        currency="USD",
        other_currency="SEK",
    )
    made = vouchers_of(item)
    kinds = made.vouchers.with_columns(pl.col("voucher.kind").alias("voucher.form"))
    items, lines = frames(item)
    postings = make_postings(
        kinds, made.entries, items, lines,
        forms={name: Form(name, "pair", "by_code") for name in ("invoice", "payment")},
        single_currency=True, company_currency="EUR",
    )  # fmt: skip
    assert postings.rejections.get_column("code").to_list() == ["CUR-1"]


def test_a_rejected_item_is_not_noted() -> None:
    bad = Item((Line("0.00"), Line("10.00", "12.00", "inclusive")))
    assert post(bad, form=PAIR).notes.is_empty()


def test_zero_rows_are_counted_per_item() -> None:
    made = post(Item((Line("0.00"), Line("0.00"), Line("1.00"))), form=PAIR)
    assert made.notes.select("item_id", "code", "detail").rows() == [
        ("i1", "ZERO-LEG", "rows of zero amount not made: 2")
    ]


def test_nothing_to_book_has_no_voucher() -> None:
    made = post(Item((Line("0.00"),)), Item((Line("1.00"),), id="i2"), form=LEGS)
    assert made.nothing_to_book.rows() == [(0, "i1")]
    assert made.vouchers.get_column("voucher.id").to_list() == ["i2/entry"]
    assert made.postings.get_column("posting.key").to_list() == [0, 1]


def test_no_vouchers_make_no_postings() -> None:
    full = post(Item((Line("1.00"),)), form=PAIR)
    made = vouchers_of(Item((Line("1.00"),)))
    items, lines = frames(Item((Line("1.00"),)))
    vouchers = made.vouchers.clear().with_columns(pl.lit(None, pl.String).alias("voucher.form"))
    empty = make_postings(
        vouchers, made.entries.clear(), items.clear(), lines.clear(),
        forms={}, single_currency=False, company_currency="EUR",
    )  # fmt: skip
    assert empty.postings.is_empty()
    assert empty.postings.schema == full.postings.schema


def test_parts_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [
        Item((Line("119.00", "19.00", "inclusive"), Line("1.00")), id=f"i{n}", method=method)
        for n, method in enumerate(["journal", "accounts_payable"] * 4)
    ]
    whole = post(*items, form=SEPARATE)
    monkeypatch.setattr(parts.parts_by_item, "__kwdefaults__", {"size": 3})
    parted = post(*items, form=SEPARATE)
    assert parted.postings.equals(whole.postings)
    assert parted.vouchers.equals(whole.vouchers)


@pytest.mark.parametrize(
    ("line", "form", "words"),
    [
        (
            Line("10.00", "12.00", "inclusive"),
            PAIR,
            "the tax 12.00 does not fit the amount 10.00 (tax type inclusive)",
        ),
        (
            Line("10.00", "1.00", None),
            PAIR,
            "the tax 1.00 does not fit the amount 10.00 (tax type missing)",
        ),
        (
            Line("10.00", "1.00", "inclusive", accounts={"tax_in": None}),
            SEPARATE,
            "the form f posts tax separately, and the line has no account for the role tax_in",
        ),
    ],
)
def test_messages_name_what_is_wrong(line: Line, form: Form, words: str) -> None:
    row = post(Item((line,)), form=form).rejections.row(0, named=True)
    assert row["message"] == words
    assert row["where"] == "items.json, item 1"


def test_the_ways_out_of_a_missing_company_amount_are_named() -> None:
    item = Item((Line("1.00", other=("9.00", None)),), currency="USD", other_currency="SEK")
    row = post(item, form=PAIR, single=True).rejections.row(0, named=True)
    assert row["code"] == "CUR-1"
    assert row["failure_type"] == "invalid_configuration"
    assert "EUR only" in row["message"]
    assert "USD and SEK" in row["message"]
    assert 'a template with "currency: foreign"' in row["fix"]
    assert "by hand" in row["fix"]
