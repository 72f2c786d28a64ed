"""An item is in one released batch at most: claims, what becomes of them, who gives them back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from etl.batches.ledger import Batch, Became, Ledger, NewBatch, migrations
from etl.batches.ledger.records import Holding
from etl.batches.ledger.rows import claim_row
from etl.batches.ledger.schema import CLAIM
from etl.batches.states import Kind, State
from etl.errors import HeldElsewhere, UserMustFix
from tests.fakes.ledgers import (
    COMPANY,
    WAY,
    body_of,
    open_in,
    quarantined,
    verdict,
    walk,
    walk_until,
)


def who_has(ledger: Ledger, *entries: str) -> dict[str, tuple[int, str]]:
    claims = ledger.claims(COMPANY, entries or ("a", "b"))
    return {entry: (claim.batch.number, str(claim.became)) for entry, claim in claims.items()}


def next_batch(number: int, *, first: int, **more: Any) -> dict[str, dict[str, Any]]:
    """Give the changes of bodies that make it the company's next batch, of the item a alone."""
    return {
        "reserved": {"job": f"job-{number}", "number": number, "first_vouchers": {"": first},
                     "entries": ["a"], **more},
        "staged": {"last_vouchers": {"": first}},
        "approved": {"verdicts": [verdict("a")]},
        "report_intended": {"entries": ["a"]},
        "acknowledged": {"entries": ["a"]},
    }  # fmt: skip


def again(ledger: Ledger, number: int, *, first: int, last: Kind = Kind.CLOSED) -> Batch:
    """Book the item a a second time, because a person said so."""
    bodies = next_batch(number, first=first)
    batch = walk_until(ledger, Kind.STAGED, **bodies)
    said = {"by": "Ann", "decisions": {"a": {"do": "again", "reason": "lost"}}}
    batch = ledger.append(batch, Kind.ANSWERED, said)
    rest = [Kind.APPROVED, Kind.START_INTENDED, Kind.STARTED, Kind.PUBLISH_INTENDED,
            Kind.PUBLISHED, Kind.REPORT_INTENDED, Kind.ACKNOWLEDGED, Kind.REPORTED,
            Kind.CLOSED]  # fmt: skip
    return walk(ledger, *rest[: rest.index(last) + 1], batch=batch, **bodies)


def test_exported_items_stay_booked_and_failed_ones_are_free(ledger: Ledger) -> None:
    walk_until(ledger, Kind.RESERVED)
    assert who_has(ledger) == {"a": (1, "held"), "b": (1, "held")}
    walk(ledger, *[kind for kind, _ in WAY[1:]], batch=ledger.find(COMPANY, "1"))
    assert who_has(ledger) == {"a": (1, "booked")}


def test_a_claim_says_what_the_batch_said_of_the_item(ledger: Ledger) -> None:
    said = verdict("a", external_id="P-1", fingerprint="f" * 64)
    walk_until(ledger, Kind.CLOSED, approved={"verdicts": [said, verdict("b", "failed")]})
    claim = ledger.claims(COMPANY.upper(), ["A"])["A"]
    assert claim.verdict is not None
    assert (claim.verdict.external_id, claim.verdict.fingerprint) == ("P-1", "f" * 64)
    assert (claim.verdict.vouchers, claim.verdict.body) == (("1",), b'{"id":"a"}')
    assert claim.batch.state is State.CLOSED


@pytest.mark.parametrize("last", [Kind.RESERVED, Kind.STAGED, Kind.APPROVED, Kind.STARTED])
def test_a_voided_batch_gives_back_its_claims(ledger: Ledger, last: Kind) -> None:
    walk(ledger, Kind.VOIDED, batch=walk_until(ledger, last))
    assert who_has(ledger) == {}


@pytest.mark.parametrize(
    ("imported", "left"), [(True, {"a": (1, "booked")}), (False, {})], ids=["imported", "not"]
)
def test_settling_keeps_or_gives_back(
    ledger: Ledger, imported: bool, left: dict[str, tuple[int, str]]
) -> None:
    batch = quarantined(ledger)
    assert who_has(ledger) == {"a": (1, "held"), "b": (1, "held")}
    batch = ledger.append(batch, Kind.SETTLED, {"imported": imported, "by": "Ann"})
    assert batch.state is (State.CLOSED if imported else State.VOIDED)
    assert batch.is_imported is imported
    assert who_has(ledger) == left


def test_withdrawing_gives_back_all_and_importing_what_the_erp_refused(ledger: Ledger) -> None:
    both = {"verdicts": [verdict("a"), verdict("b")]}
    batch = walk_until(ledger, Kind.CLOSED, approved=both)
    batch = ledger.append(batch, Kind.IMPORTED, {"by": "Ann", "refused": ["B"]})
    assert who_has(ledger) == {"a": (1, "booked")}
    assert batch.is_imported


def test_an_item_is_not_claimed_twice(ledger: Ledger) -> None:
    walk_until(ledger, Kind.CLOSED)
    bodies = next_batch(2, first=2)
    batch = walk_until(ledger, Kind.STAGED, **bodies)
    assert who_has(ledger, "a") == {"a": (1, "booked")}
    with pytest.raises(HeldElsewhere, match="LED-8") as refusal:
        walk(ledger, Kind.APPROVED, batch=batch, **bodies)
    assert refusal.value.problems[0].where == "item a"
    already = {"verdicts": [verdict("a", vouchers=[])]}
    assert walk(ledger, Kind.APPROVED, batch=batch, approved=already).state is State.APPROVED


def test_again_takes_the_item_over(ledger: Ledger) -> None:
    walk_until(ledger, Kind.CLOSED)
    second = again(ledger, 2, first=2)
    assert second.state is State.CLOSED
    assert who_has(ledger, "a") == {"a": (2, "booked")}
    assert ledger.claims(COMPANY, ["a"])["a"].took_from == ledger.find(COMPANY, "1").id


@pytest.mark.parametrize("answer", ["already_booked", "reject", "undo"])
def test_another_answer_gives_the_item_back_to_the_first(ledger: Ledger, answer: str) -> None:
    walk_until(ledger, Kind.CLOSED)
    batch = walk_until(ledger, Kind.STAGED, **next_batch(2, first=2))
    for do, owner in (("again", 2), ("again", 2), (answer, 1), ("again", 2), (answer, 1)):
        decisions = {"A": {"do": do, "reason": "x"}}
        batch = ledger.append(batch, Kind.ANSWERED, {"by": "Ann", "decisions": decisions})
        became = "held" if owner == 2 else "booked"
        assert who_has(ledger, "a") == {"a": (owner, became)}


def test_what_gives_back_the_second_makes_the_first_the_owner_again(ledger: Ledger) -> None:
    walk_until(ledger, Kind.CLOSED)
    for number, end in ((2, Kind.VOIDED), (3, Kind.WITHDRAWN), (4, Kind.IMPORTED)):
        last = Kind.APPROVED if end is Kind.VOIDED else Kind.CLOSED
        held = [one.number for one in ledger.batches(COMPANY) if one.holds_numbers]
        batch = again(ledger, held[-1] + 1, first=held[-1] + 1, last=last)
        assert who_has(ledger, "a")["a"][0] == batch.number, number
        refused = {"refused": ["a"]} if end is Kind.IMPORTED else {}
        ledger.append(batch, end, body_of(end, **refused))
        assert who_has(ledger, "a") == {"a": (1, "booked")}, end


def test_an_item_of_three_batches_goes_back_past_one_that_was_withdrawn(ledger: Ledger) -> None:
    walk_until(ledger, Kind.CLOSED)
    second = again(ledger, 2, first=2)
    third = again(ledger, 3, first=3)
    walk(ledger, Kind.WITHDRAWN, batch=second)
    assert who_has(ledger, "a") == {"a": (3, "booked")}
    walk(ledger, Kind.WITHDRAWN, batch=third)
    assert who_has(ledger, "a") == {"a": (1, "booked")}


def test_an_item_goes_back_to_nobody_when_all_before_were_withdrawn(ledger: Ledger) -> None:
    first = walk_until(ledger, Kind.CLOSED)
    second = again(ledger, 2, first=2)
    walk(ledger, Kind.WITHDRAWN, batch=first)
    assert who_has(ledger, "a") == {"a": (2, "booked")}
    walk(ledger, Kind.WITHDRAWN, batch=second)
    assert who_has(ledger, "a") == {}


def test_again_for_an_item_that_nobody_has_claims_it(ledger: Ledger) -> None:
    first = walk_until(ledger, Kind.CLOSED)
    batch = walk_until(ledger, Kind.STAGED, **next_batch(2, first=2))
    walk(ledger, Kind.WITHDRAWN, batch=first)
    assert who_has(ledger, "a") == {}
    said = {"by": "Ann", "decisions": {"a": {"do": "again"}}}
    ledger.append(batch, Kind.ANSWERED, said)
    assert who_has(ledger, "a") == {"a": (2, "held")}
    assert ledger.claims(COMPANY, ["a"])["a"].took_from is None


def mirror_of(ledger: Ledger, batch: Batch, *, last: Kind = Kind.CLOSED) -> Batch:
    """Make the reversal of a batch: a batch of no job."""
    bodies: dict[str, dict[str, Any]] = {
        "reserved": {"job": None, "number": 2, "first_vouchers": {"": 2}, "entries": ["a"],
                     "reverses": batch.id},
        "staged": {"last_vouchers": {"": 2}},
        "approved": {"verdicts": [verdict("a")]},
    }  # fmt: skip
    way = [Kind.RESERVED, Kind.STAGED, Kind.APPROVED, Kind.PUBLISH_INTENDED, Kind.PUBLISHED,
           Kind.CLOSED]  # fmt: skip
    return walk(ledger, *way[: way.index(last) + 1], **bodies)


def test_a_reversed_batch_gives_back_what_it_booked(ledger: Ledger) -> None:
    batch = walk_until(ledger, Kind.CLOSED)
    mirror = mirror_of(ledger, batch)
    assert who_has(ledger, "a") == {"a": (1, "booked")}
    batch = ledger.append(batch, Kind.REVERSED, {"by": "Ann", "batch": mirror.id})
    assert batch.is_reversed
    assert who_has(ledger) == {}
    with pytest.raises(UserMustFix, match="as it was reversed"):
        ledger.append(batch, Kind.REVERSED, {"by": "Ann", "batch": mirror.id})
    with pytest.raises(UserMustFix, match="as batch 1 counts as reversed by it"):
        walk(ledger, Kind.WITHDRAWN, batch=mirror)


def test_a_batch_is_reversed_by_its_own_closed_mirror_only(ledger: Ledger) -> None:
    batch = walk_until(ledger, Kind.CLOSED)

    def why(other: str) -> str:
        with pytest.raises(UserMustFix, match="LED-8") as refusal:
            ledger.append(batch, Kind.REVERSED, {"by": "Ann", "batch": other})
        return refusal.value.problems[0].what.rpartition("now, ")[2]

    assert why("0" * 12) == "as there is no such reversal"
    assert why(batch.id) == "as batch 1 does not reverse it"
    other = walk_until(ledger, Kind.RESERVED, new=NewBatch("another company"))
    assert why(other.id) == "as there is no such reversal"
    mirror = mirror_of(ledger, batch, last=Kind.PUBLISHED)
    assert why(mirror.id) == "as its reversal, batch 2, is not closed"
    mirror = walk(ledger, Kind.CLOSED, batch=mirror)
    walk(ledger, Kind.WITHDRAWN, batch=mirror)
    assert why(mirror.id) == "as its reversal, batch 2, is not closed"


def test_claims_of_companies_do_not_meet(ledger: Ledger) -> None:
    walk_until(ledger, Kind.RESERVED)
    other = walk_until(ledger, Kind.RESERVED, new=NewBatch("another company"))
    assert other.number == 1
    assert ledger.claims("another company", ["a"])["a"].batch == other
    assert who_has(ledger) == {"a": (1, "held"), "b": (1, "held")}


def test_many_items_are_asked_for_at_once(ledger: Ledger) -> None:
    """More than one statement can name."""
    entries = [f"item-{number:04}" for number in range(1201)]
    walk_until(ledger, Kind.RESERVED, reserved={"entries": entries})
    assert len(ledger.claims(COMPANY, entries)) == 1201


def second_claim(ledger: Ledger, *, entry: str = "a") -> None:
    """Write a live claim as a program would that does not look first."""
    batch = walk_until(ledger, Kind.RESERVED, **next_batch(2, first=2))
    row = claim_row(Holding(batch.company_id, entry, batch.id, Became.HELD))
    with ledger._store.writing() as connection:
        connection.execute(CLAIM.insert(), row)


def test_the_database_itself_refuses_a_second_live_claim(ledger: Ledger) -> None:
    walk_until(ledger, Kind.CLOSED)
    with pytest.raises(IntegrityError, match=r"claim\.company_id"):
        second_claim(ledger)


def test_without_the_unique_key_a_second_claim_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant without the key is caught by the test before this one."""
    first = migrations.MIGRATIONS[0]
    kept = [statement for statement in first.statements if "claim_live" not in statement]
    assert len(kept) == len(first.statements) - 1
    monkeypatch.setattr(migrations, "MIGRATIONS", (replace(first, statements=kept),))
    with open_in(tmp_path / "weak") as weak, pytest.raises(pytest.fail.Exception):
        test_the_database_itself_refuses_a_second_live_claim(weak)
