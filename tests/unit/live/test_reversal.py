"""Reversals: what a batch booked, with debit and credit in each other's places."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from etl.errors import UserMustFix
from etl.live.line import BatchFacts, Decisions, Reversed, Revision
from etl.verification import verify_folder
from tests.fakes.items import item, vendor
from tests.fakes.workshop import CREATED, StagedBatch, Workshop, receipt
from tests.security.lines import LINES, Line

NEXT = BatchFacts("b-two", 2, None, CREATED, {"": 8})
TAX = "VSt19 0.19 inclusive 19.00 in=1576"
ITEMS = [
    item(n=1, wallet="119.00 EUR", lines=[{"account": "4650 Bewirtungskosten", "tax": TAX}]),
    item(n=2, type="refund", wallet="20.00 EUR", lines=[{"account": "4660 Reisekosten"}]),
    item(n=3, type="wallet_topup", wallet="500.00 EUR", lines=[{}], merchant=None),
    item(n=4, method="accounts_payable", wallet="70.00 EUR", vendor=vendor("70057", "Vendor"),
         lines=[{"account": "4930 Büro"}]),
    item(n=5, lines=[{"account": "4650 Bewirtungskosten"}], files=[receipt()]),
]  # fmt: skip
IDS = [one["accountingEntryId"] for one in ITEMS]


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> StagedBatch:
    return Workshop(tmp_path_factory.mktemp("reversal")).stage(ITEMS)


def reversed_of(revision: Revision) -> Reversed:
    prints = {one.id: one.fingerprint for one in revision.items if one.vouchers}
    return Reversed("b-one", 1, {str(entry): str(said) for entry, said in prints.items()})


def reverse(staged: StagedBatch, revision: Revision, **more: Any) -> Revision:
    given: dict[str, Any] = {"facts": NEXT, "of": reversed_of(revision)} | more
    return staged.line.reverse(staged.recipe, items=staged.stored.read_items(), **given)


def rows_of(revision: Revision) -> list[dict[str, str]]:
    (made,) = revision.conversion.files
    return list(csv.DictReader(io.StringIO(made.content.decode("utf-8-sig"))))


def balances(revision: Revision) -> Mapping[tuple[str, str], Decimal]:
    """Give what each account gained or lost, from the file: debits less credits."""
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows_of(revision):
        signed = Decimal(row["Debit"] or 0) - Decimal(row["Credit"] or 0)
        found[(row["Account number"], row["Currency"])] += signed
        found[(row["Contra account"], row["Currency"])] -= signed
    return {account: amount for account, amount in found.items() if amount}


def test_every_account_is_back_where_it_was(staged: StagedBatch) -> None:
    then = staged.render()
    back = reverse(staged, then)
    assert balances(then)[("4650", "EUR")] == Decimal("129.00")  # 119.00 and 10.00
    assert balances(back) == {account: -amount for account, amount in balances(then).items()}
    assert (back.counts.items, back.counts.rendered) == (5, 5)
    assert back.totals == then.totals


def test_it_is_a_batch_of_its_own_that_names_the_other(staged: StagedBatch, tmp_path: Path) -> None:
    then = staged.render()
    back = reverse(staged, then)
    manifest = json.loads(back.conversion.manifest)
    assert manifest["batch"] == {
        "id": "b-two", "number": 2, "job": None, "company": ITEMS[0]["companyId"],
        "created": "2026-04-01T09:30:15.000Z", "reverses": "b-one",
    }  # fmt: skip
    assert manifest["numbers"]["first_voucher"] == 8
    assert manifest["attachments"] == []  # the receipts stay with the batch that was reversed
    back.write(tmp_path / "out")
    assert verify_folder(tmp_path / "out").problems == []
    assert not (tmp_path / "out" / "attachments").exists()


def test_an_invoice_is_taken_back_by_a_credit_note(staged: StagedBatch) -> None:
    then, back = staged.render(), reverse(staged, staged.render())

    def kinds(revision: Revision) -> list[tuple[str, str]]:
        wanted = [row for row in rows_of(revision) if row["Reference"] == "4113004"]
        return sorted((row["Voucher kind"], row["Debit or credit"]) for row in wanted)

    assert kinds(then) == [("invoice", "debit"), ("payment", "debit")]
    assert kinds(back) == [("credit_note", "credit"), ("payment", "credit")]


def test_tax_goes_back_with_its_base(staged: StagedBatch) -> None:
    then, back = staged.render(), reverse(staged, staged.render())
    (before,) = (row for row in rows_of(then) if row["Reference"] == "4113001")
    (after,) = (row for row in rows_of(back) if row["Reference"] == "4113001")
    for column in ("Tax code", "Date", "Reference", "Currency"):
        assert after[column] == before[column]
    assert (before["Debit or credit"], after["Debit or credit"]) == ("debit", "credit")
    assert {row["Tax amount"].lstrip("-") for row in (before, after)} == {"19.00"}


def test_texts_are_marked(staged: StagedBatch) -> None:
    then, back = staged.render(), reverse(staged, staged.render())
    texts = [row["Text"] for row in rows_of(then)]
    assert sorted(row["Text"] for row in rows_of(back)) == sorted(f"Reversal: {t}" for t in texts)


def test_where_the_format_has_no_room_texts_stay_as_they_were(tmp_path: Path) -> None:
    made = Workshop(tmp_path)
    own = tmp_path / "templates" / "own"
    own.mkdir(parents=True)
    (own / "template.yaml").write_text(
        "id: own\nextends: generic\nversion: 1\ncolumns:\n  Text: {max: 20, overflow: refuse}\n"
    )
    made.settings(template="own", parameters={})
    staged = made.stage([item(n=1, merchant="Bäckerei am Markt", lines=[{"account": "4650 B"}])])
    then = staged.render()
    back = reverse(staged, then)
    assert [row["Text"] for row in rows_of(back)] == ["Bäckerei am Markt"]


def test_items_that_the_batch_did_not_book_are_no_part_of_it(staged: StagedBatch) -> None:
    said = Decisions(
        rejected={IDS[0]: ""}, already_booked={IDS[1]: "V"}, skipped=frozenset(IDS[2:3])
    )
    then = staged.render(said)
    back = reverse(staged, then)
    assert sorted(one.id or "" for one in back.items) == sorted(IDS[3:])
    assert balances(back) == {account: -amount for account, amount in balances(then).items()}


def test_reversed_twice_it_is_the_same_batch_again(staged: StagedBatch) -> None:
    then = staged.render()
    assert reverse(staged, then).content == reverse(staged, then).content


def test_what_would_be_booked_differently_today_is_not_reversed(staged: StagedBatch) -> None:
    of = reversed_of(staged.render())
    of = replace(of, fingerprints={**of.fingerprints, IDS[1]: "0" * 64})
    with pytest.raises(UserMustFix) as refused:
        reverse(staged, staged.render(), of=of)
    assert [problem.code for problem in refused.value.problems] == ["LINE-4"]
    assert str(refused.value) == (
        "error[LINE-4]: batch 1 was booked differently from what pleo-etl makes of it today\n"
        f"  at item {IDS[1]}\n"
        "  fix: reverse the batch in the ERP by hand; its vouchers stand in review.html of the"
        " batch"
    )


def test_an_item_that_is_not_stored_is_not_reversed(staged: StagedBatch) -> None:
    of = reversed_of(staged.render())
    of = replace(of, fingerprints={**of.fingerprints, "e-0": "0" * 64})
    with pytest.raises(UserMustFix, match=r"LINE-4.*\n.*item e-0"):
        reverse(staged, staged.render(), of=of)


def test_another_version_may_reverse_what_it_books_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Workshop(tmp_path)
    staged = made.stage(ITEMS[:1])
    then = staged.render()
    monkeypatch.setattr("etl.assembling.__version__", "99.1.0")
    assert balances(reverse(staged, then)) == {
        account: -amount for account, amount in balances(then).items()
    }


def test_a_template_that_cannot_take_back_says_so(tmp_path: Path) -> None:
    made = Workshop(tmp_path)
    own = tmp_path / "templates" / "own"
    own.mkdir(parents=True)
    (own / "template.yaml").write_text(
        "id: own\nextends: generic\nversion: 1\nchecks:\n"
        "  - {code: OWN-1, for: voucher, that: \"{{ voucher.contra_side == 'credit' }}\",\n"
        '     message: "only expenses can be imported", fix: "book it by hand",\n'
        "     failure_type: validation_failure}\n"
    )
    made.settings(template="own", parameters={})
    staged = made.stage(ITEMS[:1])
    with pytest.raises(UserMustFix) as refused:
        reverse(staged, staged.render())
    assert str(refused.value) == (
        "error[LINE-3]: the template own cannot express the reversal of batch 1: only expenses"
        " can be imported\n"
        "  at batch b-one\n"
        "  fix: reverse the batch in the ERP by hand; its vouchers stand in review.html of the"
        " batch"
    )


BILLS_ONLY = "xero-bills"


def test_an_import_of_bills_only_cannot_take_back(tmp_path: Path) -> None:
    made = Workshop(tmp_path, BILLS_ONLY)
    staged = made.stage(made.like.items())
    with pytest.raises(UserMustFix, match=r"LINE-3.*this import of Xero makes bills only"):
        reverse(staged, staged.render())


@pytest.mark.parametrize(
    "line", [line for line in LINES if line.template != BILLS_ONLY], ids=lambda line: line.template
)
def test_every_other_shipped_template_takes_back_its_plain_batch(
    line: Line, tmp_path: Path
) -> None:
    """Nothing is left on any account: the control totals of both batches change sides."""
    made = Workshop(tmp_path, line.template)
    staged = made.stage(line.items())
    then = staged.render()
    assert then.counts.rendered
    back = reverse(staged, then)
    assert back.totals == then.totals

    def sides(revision: Revision) -> dict[tuple[str, str], tuple[str, str]]:
        accounts = json.loads(revision.conversion.manifest)["controls"]["accounts"]
        return {
            (row["account"], row["currency"]): (row["debit"], row["credit"]) for row in accounts
        }

    mirrored = {account: side[::-1] for account, side in sides(then).items()}
    assert sides(back) == mirrored
