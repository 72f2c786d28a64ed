"""Postings of generated items: the engine against the reference poster, and what always holds."""

from __future__ import annotations

from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.forms import Form
from etl.frames import ROLES
from etl.postings import Postings, load_posting_rules
from tests.reference_poster import JOURNAL, Refused, post_item
from tests.security.lines import scaled
from tests.unit.postings.books import COMPANY_CURRENCY, Item, Line, amount, post

#: Every shipped rule, taking both signs.
RULES = load_posting_rules({rule.id: {"value": "any"} for rule in load_posting_rules()})

TAX_TYPES = (None, "inclusive", "exclusive", "reverse")
CURRENCIES = (("EUR", None), ("EUR", "SEK"), ("USD", "EUR"), ("USD", "SEK"))

forms = st.builds(
    Form,
    name=st.just("form"),
    shape=st.sampled_from(["pair", "legs"]),
    tax=st.sampled_from(["by_code", "net_and_tax", "separate"]),
    mixed_signs=st.sampled_from(["swap", "swap", "swap", "refuse"]),
    contra=st.sampled_from(["one", "one", "per_line"]),
)


def _cents(number: int) -> str:
    return str(Decimal(number) / 100)


@st.composite
def lines(draw: st.DrawFn, *, is_foreign: bool, sign: int) -> Line:
    """Draw a line; most are what Pleo sends, some are twisted."""
    gross = sign * draw(st.integers(0, 400)) * draw(st.sampled_from([1, 1, 1, 1, -1]))
    tax_type = draw(st.sampled_from(TAX_TYPES))
    is_twisted = draw(st.integers(0, 19)) == 0
    share = draw(st.integers(0, 130 if is_twisted else 100))
    tax = gross * share // 100 if tax_type or is_twisted else 0
    rate = draw(st.integers(50, 150))
    other_gross = gross * rate // 100 + (draw(st.integers(-2, 2)) if is_twisted else 0)
    other_tax = tax * rate // 100 + (draw(st.integers(-2, 2)) if is_twisted else 0)
    other = (_cents(other_gross), _cents(other_tax)) if is_foreign else None
    if other and draw(st.integers(0, 9)) == 0:
        other = (draw(st.sampled_from([other[0], None])), None)
    accounts: dict[str, str | None] = {
        role: draw(st.sampled_from([role.upper(), role.upper(), f"{role}-2"])) for role in ROLES
    }
    if is_twisted:
        accounts[draw(st.sampled_from(["tax_in", "tax_out"]))] = None
    return Line(
        gross=_cents(gross),
        tax=_cents(tax) if tax_type or tax or draw(st.booleans()) else None,
        tax_type=tax_type,
        other=other,
        accounts=accounts,
        code=draw(st.sampled_from([None, "I19"])),
    )


@st.composite
def items(draw: st.DrawFn) -> Item:
    kind, sub_type = draw(st.sampled_from(sorted(JOURNAL, key=str)))
    methods = ["journal"] if kind.startswith("wallet_") else ["journal", "accounts_payable"]
    currency, other = draw(st.sampled_from(CURRENCIES))
    sign = draw(st.sampled_from([1, 1, -1]))
    drawn = draw(st.lists(lines(is_foreign=other is not None, sign=sign), min_size=1, max_size=4))
    if other == COMPANY_CURRENCY:
        drawn = [replace(line, book=line.other) for line in drawn]
    return Item(
        tuple(drawn),
        type=kind,
        sub_type=sub_type,
        method=draw(st.sampled_from(methods)),
        currency=currency,
        other_currency=other,
    )


batches = st.lists(items(), min_size=1, max_size=4).map(
    lambda found: tuple(replace(item, id=f"i{n}") for n, item in enumerate(found))
)


def plain(item: Item) -> dict[str, Any]:
    """Write an item for the reference poster."""
    rows = []
    for line in item.lines:
        own = (line.gross, line.tax)
        book = line.book or (own if item.currency == COMPANY_CURRENCY else (None, None))
        other = line.other or own
        rows.append(
            {
                "gross": amount(line.gross),
                "tax": amount(line.tax),
                "tax_type": line.tax_type,
                "code": line.code,
                "accounts": line.accounts,
                "book": tuple(map(amount, book)),
                "other": tuple(map(amount, other)),
            }
        )
    return {
        "type": item.type,
        "sub_type": item.sub_type,
        "method": item.method,
        "currency": item.currency,
        "lines": rows,
    }


def rows_by_item(made: Postings) -> dict[int, list[tuple[Any, ...]]]:
    kinds = made.vouchers.select("voucher.key", "voucher.kind")
    names = ("role", "account", "contra_account", "tax_code", "signed", "book_signed",
             "original_signed", "net", "tax", "notional_tax")  # fmt: skip
    rows = made.postings.join(
        kinds, on="voucher.key", how="left", validate="m:1", maintain_order="left"
    ).select("item.key", "voucher.kind", *(f"posting.{name}" for name in names))
    found: dict[int, list[tuple[Any, ...]]] = {}
    for key, *row in rows.iter_rows():
        found.setdefault(key, []).append(tuple(row))
    return found


def codes_of(made: Postings, item: Item) -> set[str]:
    return set(made.rejections.filter(pl.col("item_id") == item.id).get_column("code"))


@settings(max_examples=scaled(150), deadline=None)
@given(batches, forms, st.booleans())
def test_the_engine_posts_what_the_reference_posts(
    batch: tuple[Item, ...], form: Form, single: bool
) -> None:
    made = post(*batch, form=form, rules=RULES, single=single)
    found = rows_by_item(made)
    for key, item in enumerate(batch):
        try:
            expected = post_item(
                plain(item), asdict(form), company=COMPANY_CURRENCY if single else None
            )
        except Refused as why:
            expected, reason = [], {str(why)}
        else:
            reason = set()
        assert found.get(key, []) == expected
        assert reason <= codes_of(made, item)
        assert bool(reason) == bool(codes_of(made, item))


@settings(max_examples=scaled(60), deadline=None)
@given(batches, forms, st.booleans())
def test_every_voucher_balances_in_every_amount(
    batch: tuple[Item, ...], form: Form, single: bool
) -> None:
    made = post(*batch, form=form, rules=RULES, single=single).postings
    for prefix in ("", "book_", "original_"):
        debit, credit = (pl.col(f"posting.{prefix}{side}") for side in ("debit", "credit"))
        legs = made.filter(pl.col("posting.shape") == "legs")
        sums = legs.group_by("voucher.key").agg(
            debit.sum(), credit.sum(), debit.null_count().alias("unknown")
        )
        assert sums.filter(debit != credit).is_empty()
        counts = legs.group_by("voucher.key").len()
        whole = sums.join(counts, on="voucher.key", validate="1:1")
        assert whole.filter(
            ~pl.col("unknown").is_in([0]) & (pl.col("unknown") != pl.col("len"))
        ).is_empty()


@settings(max_examples=scaled(60), deadline=None)
@given(batches, forms)
def test_the_lines_side_adds_up_to_the_lines(batch: tuple[Item, ...], form: Form) -> None:
    """Base and tax make gross; ingoing and outgoing tax of a reverse charge cancel out."""
    made = post(*batch, form=form, rules=RULES)
    is_in_and_out = pl.col("posting.contra_account").str.contains("(?i)tax_out").fill_null(False)
    main = made.postings.filter(~pl.col("posting.is_contra"), ~is_in_and_out)
    sums = dict(main.group_by("voucher.key").agg(pl.col("posting.signed").sum()).iter_rows())
    for row in made.vouchers.iter_rows(named=True):
        item = batch[row["item.key"]]
        gross = sum((Decimal(line.gross) for line in item.lines), Decimal(0))
        assert abs(sums.get(row["voucher.key"], 0)) == abs(gross) == row["voucher.total"]


@settings(max_examples=scaled(30), deadline=None)
@given(batches, forms, st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter(
    batch: tuple[Item, ...], form: Form, random: Any
) -> None:
    shuffled = list(batch)
    random.shuffle(shuffled)
    first, second = (
        post(*some, form=form, rules=RULES, columns=None) for some in (batch, tuple(shuffled))
    )
    assert first.postings.equals(second.postings)
    assert first.rejections.sort("item_id", "code", "line").equals(
        second.rejections.sort("item_id", "code", "line")
    )


@settings(max_examples=scaled(30), deadline=None)
@given(batches, forms)
def test_an_item_is_posted_alone_as_in_a_batch(batch: tuple[Item, ...], form: Form) -> None:
    together = rows_by_item(post(*batch, form=form, rules=RULES))
    for key, item in enumerate(batch):
        alone = rows_by_item(post(item, form=form, rules=RULES))
        assert alone.get(0, []) == together.get(key, [])
