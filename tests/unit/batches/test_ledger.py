"""What the ledger keeps of each event, the numbers it gives, and who may append to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from etl.batches.ledger import Batch, Ledger, NewBatch, Numbers, applying, reading, writing
from etl.batches.ledger import ledger as ledger_module
from etl.batches.ledger.applying import Rows, apply
from etl.batches.ledger.claiming import hold
from etl.batches.ledger.failures import BodyWrong
from etl.batches.ledger.records import Event
from etl.batches.states import Kind, State
from etl.errors import HeldElsewhere, UserMustFix
from tests.fakes.ledgers import (
    COMPANY,
    CONTENT,
    FOLDER,
    WAY,
    body_of,
    quarantined,
    verdict,
    walk,
    walk_until,
)


def second(number: int, *, first: int, **more: Any) -> dict[str, Mapping[str, Any]]:
    """Change bodies so that they make a batch of other items, with other numbers."""
    entries = [f"{number}-a", f"{number}-b"]
    return {
        "reserved": {
            "number": number,
            "first_vouchers": {"": first},
            "entries": entries,
            **more,
        },
        "staged": {"last_vouchers": {"": first + 1}},
        "approved": {"verdicts": [verdict(entry) for entry in entries]},
        "report_intended": {"entries": entries},
        "acknowledged": {"entries": entries},
    }


def test_a_batch_along_the_way(ledger: Ledger) -> None:
    batch: Batch | NewBatch = NewBatch(COMPANY, id="0123456789ab")
    for seq, (kind, state) in enumerate(WAY, start=1):
        batch = ledger.append(batch, kind, body_of(kind))
        assert (batch.state, batch.seq) == (state, seq)
        assert ledger.find(COMPANY, "0123") == batch
        is_unsettled = state is not State.CLOSED
        assert ledger.unsettled(COMPANY) == (batch if is_unsettled else None)
    assert isinstance(batch, Batch)
    events = ledger.events(COMPANY, batch.id)
    assert [event.kind for event in events] == [kind for kind, _ in WAY]
    assert [event.number for event in events] == list(range(1, 13))
    assert events[1].body == body_of(Kind.STAGED)
    at = datetime(2026, 3, 9, 8, tzinfo=UTC)
    assert at < events[0].at < events[11].at
    assert batch.created_at == events[0].at
    assert (batch.job_id, batch.content, batch.revision) == ("job-1", CONTENT, 1)
    assert [one.by for one in batch.approvals] == ["Ann"]
    assert batch.approvals[0].at == events[2].at


def test_an_intent_is_pending_until_its_result(ledger: Ledger) -> None:
    pending = {}
    batch: Batch | NewBatch = NewBatch(COMPANY)
    for kind, _ in WAY:
        batch = ledger.append(batch, kind, body_of(kind))
        pending[kind] = [
            name for name in ("start", "publish", "report", "final", "refuse")
            if getattr(batch, f"{name}_intended_at") is not None
        ]  # fmt: skip
    assert {kind: names for kind, names in pending.items() if names} == {
        Kind.START_INTENDED: ["start"],
        Kind.PUBLISH_INTENDED: ["publish"],
        Kind.REPORT_INTENDED: ["report"],
        Kind.FINAL_INTENDED: ["final"],
    }


def test_what_is_to_be_reported_shrinks_as_pleo_acknowledges(ledger: Ledger) -> None:
    batch = walk_until(ledger, Kind.REPORT_INTENDED)
    assert batch.facts["reporting"] == ["a", "b"]
    batch = ledger.append(batch, Kind.ACKNOWLEDGED, {"entries": ["B"]})
    assert batch.facts["reporting"] == ["a"]
    assert batch.report_intended_at is not None
    assert [one.acknowledged for one in ledger.verdicts(batch.id)] == [False, True]
    batch = ledger.append(batch, Kind.ACKNOWLEDGED, {"entries": ["a", "b"]})
    assert batch.report_intended_at is None
    assert [one.acknowledged for one in ledger.verdicts(batch.id)] == [True, True]


def test_facts_are_kept_under_their_names(ledger: Ledger) -> None:
    bodies: dict[str, Mapping[str, Any]] = {
        "reserved": {"job_created_at": "2026-03-09T07:00:00Z", "attempt": 1, "adopted": True,
                     "reverses": None, "repeats": {"a": {"batch": "x"}}},
        "staged": {"recipe": "r", "input": "i", "at": "2026-03-09T07:30:00Z", "totals": [],
                   "blocking": ["RECEIPT-MISSING"]},
    }  # fmt: skip
    batch = walk_until(ledger, Kind.STAGED, **bodies)
    for name in ("job_created_at", "attempt", "adopted", "reverses", "repeats"):
        assert batch.facts[name] == bodies["reserved"][name]
    for name in ("recipe", "input", "totals", "blocking"):
        assert batch.facts[name] == bodies["staged"][name]
    assert batch.facts["staged_at"] == "2026-03-09T07:30:00Z"
    answers = {"by": "Ann", "decisions": {"b": {"do": "reject", "reason": "private"}}}
    batch = ledger.append(batch, Kind.ANSWERED, {**answers, "notes": {"RECEIPT-MISSING": "ok"}})
    batch = ledger.append(batch, Kind.ANSWERED, {"by": "Bo", "decisions": {"a": {"do": "undo"}}})
    assert batch.facts["decisions"] == {**answers["decisions"], "a": {"do": "undo"}}  # type: ignore[dict-item]
    assert batch.facts["notes"] == {"RECEIPT-MISSING": "ok"}
    batch = ledger.append(batch, Kind.REVIEWED, {"by": "Ann", "entries": ["b"]})
    batch = ledger.append(batch, Kind.REVIEWED, {"by": "Bo", "entries": ["b", "a"]})
    assert (batch.facts["reviewed"], batch.facts["reviewed_by"]) == (["a", "b"], "Bo")
    rest = [kind for kind, _ in WAY[2:]]
    batch = walk(ledger, *rest, batch=batch)
    assert batch.facts["published_folder"] == FOLDER
    assert batch.facts["final_event"] == "completed_with_errors"
    assert batch.facts["start_pleo_time"] == "2026-03-09T08:00:00Z"
    assert batch.facts["closed_at"].startswith("2026-03-09T08:00:")


def test_listed_entries_and_items_of_the_revision(ledger: Ledger) -> None:
    batch = walk_until(ledger, Kind.RESERVED)
    assert ledger.listed(batch) == ("a", "b")
    assert ledger.items(batch) == []
    item = {"id": "a", "verdict": "exported"}
    batch = walk(ledger, Kind.STAGED, batch=batch, staged={"items": [item]})
    batch = walk(ledger, Kind.STAGED, batch=batch, staged={"items": [item, item], "revision": 2})
    assert ledger.items(batch) == [item, item]


def test_batches_are_listed_oldest_first_and_by_state(ledger: Ledger) -> None:
    walk_until(ledger, Kind.CLOSED, new=NewBatch(COMPANY, id="ffffffffffff"))
    walk_until(ledger, Kind.STAGED, new=NewBatch(COMPANY, id="000000000000"), **second(2, first=2))
    assert [one.number for one in ledger.batches(COMPANY.upper())] == [1, 2]
    assert [one.number for one in ledger.batches(COMPANY, states=[State.STAGED])] == [2]
    assert ledger.batches("another company") == []


def test_a_batch_is_found_by_number_id_or_beginning(ledger: Ledger) -> None:
    one = walk_until(ledger, Kind.CLOSED, new=NewBatch(COMPANY, id="abcd11112222"))
    two = walk_until(ledger, Kind.STAGED, new=NewBatch(COMPANY, id="abcd33334444"),
                     **second(2, first=2))  # fmt: skip
    for ref, found in (("1", one), (" 0002 ", two), ("ABCD1", one), ("abcd33334444", two)):
        assert ledger.find(COMPANY, ref) == found
    for ref in ("3", "abc", "abce", "", "٢"):
        with pytest.raises(UserMustFix, match="LED-6"):
            ledger.find(COMPANY, ref)
    with pytest.raises(UserMustFix, match="LED-6") as several:
        ledger.find(COMPANY, "abcd")
    assert "abcd11112222, abcd33334444" in str(several.value)


def test_a_number_that_was_given_back_means_who_has_it_now(ledger: Ledger) -> None:
    first = walk(ledger, Kind.VOIDED, batch=walk_until(ledger, Kind.STAGED))
    assert ledger.find(COMPANY, "1") == first
    now = walk_until(ledger, Kind.STAGED)
    assert ledger.find(COMPANY, "1") == now


def test_nobody_appends_to_what_he_has_not_seen(ledger: Ledger) -> None:
    old = walk_until(ledger, Kind.STAGED)
    walk(ledger, Kind.REVIEWED, batch=old)
    with pytest.raises(HeldElsewhere, match="LED-7"):
        walk(ledger, Kind.APPROVED, batch=old)
    with pytest.raises(HeldElsewhere, match="LED-7"):
        walk_until(ledger, Kind.RESERVED, new=NewBatch(COMPANY, id=old.id))
    with pytest.raises(UserMustFix, match="LED-6"):
        walk(ledger, Kind.REVIEWED, batch=replace(old, id="f" * 12))
    assert [event.kind for event in ledger.events(COMPANY)][-1] is Kind.REVIEWED


def test_a_ledger_that_does_not_compare_loses_an_event(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant without the comparison of seq lets a stale approval through."""
    monkeypatch.setattr(ledger_module, "check_unchanged", lambda *_: None)
    with pytest.raises(pytest.fail.Exception):
        test_nobody_appends_to_what_he_has_not_seen(ledger)


def test_a_company_has_one_unsettled_batch(ledger: Ledger) -> None:
    walk_until(ledger, Kind.STAGED)
    with pytest.raises(HeldElsewhere, match="LED-7") as refusal:
        walk_until(ledger, Kind.RESERVED, **second(2, first=2))
    assert "batch 1 of the company" in str(refusal.value)
    walk_until(ledger, Kind.STAGED, new=NewBatch("another company"))


def test_the_database_itself_refuses_a_second_unsettled_batch(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk_until(ledger, Kind.STAGED)
    monkeypatch.setattr(ledger_module, "check_new", lambda *_, **__: None)
    with pytest.raises(HeldElsewhere, match="LED-7"):
        walk_until(ledger, Kind.RESERVED, **second(2, first=2))


def test_the_database_itself_refuses_a_number_that_is_used(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk_until(ledger, Kind.CLOSED)
    monkeypatch.setattr(ledger_module, "check_new", lambda *_, **__: None)
    with pytest.raises(HeldElsewhere, match="LED-7"):
        walk_until(ledger, Kind.RESERVED, **second(1, first=2))


def test_the_database_itself_refuses_a_second_event_in_one_place(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = walk_until(ledger, Kind.STAGED)
    walk(ledger, Kind.REVIEWED, batch=old)
    monkeypatch.setattr(reading, "rows", lambda *_, **__: Rows(old))
    with pytest.raises(HeldElsewhere, match="LED-7"):
        walk(ledger, Kind.REVIEWED, batch=old)


def test_the_database_itself_refuses_to_book_what_is_booked(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant that reserves without looking at earlier batches."""
    walk_until(ledger, Kind.CLOSED)
    monkeypatch.setattr(applying, "hold", lambda _, batch, keys: hold({}, batch, keys))
    with pytest.raises(HeldElsewhere, match="LED-8"):
        walk_until(ledger, Kind.RESERVED, **second(2, first=2, entries=["a"]))


def test_a_key_that_nobody_has_thought_of_is_not_explained_away(ledger: Ledger) -> None:
    error = IntegrityError("INSERT", None, Exception("FOREIGN KEY constraint failed"))
    assert writing._explain(error, walk_until(ledger, Kind.STAGED)) is error


def test_numbers_that_are_used_are_refused(ledger: Ledger) -> None:
    walk_until(ledger, Kind.CLOSED, staged={"last_vouchers": {"": 5}})
    with pytest.raises(HeldElsewhere, match="voucher number 5"):
        walk_until(ledger, Kind.RESERVED, **second(2, first=5))
    with pytest.raises(HeldElsewhere, match="batch number 1"):
        walk_until(ledger, Kind.RESERVED, **second(1, first=6))
    walk_until(ledger, Kind.RESERVED, **second(2, first=6))


def numbers(ledger: Ledger, **given: Any) -> tuple[int, int]:
    found = ledger.next_numbers(COMPANY, per_fiscal_year=False, **given)
    return found.batch, found.voucher()


def test_numbers_go_on_and_begin_where_the_company_says(ledger: Ledger) -> None:
    assert numbers(ledger) == (1, 1)
    assert numbers(ledger, first_batch=7, first_voucher=1000) == (7, 1000)
    batch = walk_until(ledger, Kind.RESERVED)
    assert numbers(ledger) == (2, 1)
    batch = walk(ledger, Kind.STAGED, batch=batch, staged={"last_vouchers": {"": 11}})
    assert numbers(ledger) == (2, 12)
    assert numbers(ledger, first_batch=2, first_voucher=12) == (2, 12)
    assert numbers(ledger, first_batch=9, first_voucher=1000) == (9, 1000)
    walk(ledger, Kind.VOIDED, batch=batch)
    assert numbers(ledger) == (1, 1)
    assert ledger.gaps(COMPANY) == []


def test_vouchers_are_counted_per_fiscal_year(ledger: Ledger) -> None:
    years = {"reserved": {"first_vouchers": {"2025": 41, "2026": 1}},
             "staged": {"last_vouchers": {"2025": 42, "2026": 0}}}  # fmt: skip
    walk_until(ledger, Kind.CLOSED, **years)
    found = ledger.next_numbers(COMPANY, per_fiscal_year=True, first_voucher=1)
    assert found == Numbers(2, {"2025": 43, "2026": 1})
    assert found.first_vouchers(["2025", "2027"]) == {"2025": 43, "2027": 1}
    plain = ledger.next_numbers(COMPANY, per_fiscal_year=False, first_voucher=5)
    assert (plain.vouchers, plain.voucher(), plain.voucher("2025")) == ({}, 5, 43)


def test_a_withdrawn_batch_leaves_a_gap(ledger: Ledger) -> None:
    batch = walk_until(ledger, Kind.CLOSED, staged={"last_vouchers": {"": 3, "2026": 0}})
    walk(ledger, Kind.WITHDRAWN, batch=batch)
    assert numbers(ledger) == (2, 4)
    (gap,) = ledger.gaps(COMPANY)
    assert (gap.batch_id, gap.number, gap.why) == (batch.id, 1, "withdrawn")
    assert gap.vouchers == {"": (1, 3)}


def test_numbers_of_a_batch_that_was_not_imported_are_free(ledger: Ledger) -> None:
    batch = quarantined(ledger)
    batch = ledger.append(batch, Kind.SETTLED, {"imported": False, "by": "Ann"})
    assert (batch.state, batch.holds_numbers) == (State.VOIDED, False)
    assert numbers(ledger) == (1, 1)
    assert ledger.gaps(COMPANY) == []


def test_numbers_are_a_gap_when_a_later_batch_has_used_higher_ones(ledger: Ledger) -> None:
    """A rebuilt ledger can know a later batch while an earlier one is still quarantined."""
    walk_until(ledger, Kind.CLOSED, **second(2, first=9))
    batch = quarantined(ledger, reserved={"number": 1, "first_vouchers": {"": 11}},
                        staged={"last_vouchers": {"": 12}})  # fmt: skip
    batch = ledger.append(batch, Kind.SETTLED, {"imported": False, "by": "Ann"})
    assert (batch.state, batch.holds_numbers) == (State.VOIDED, True)
    assert numbers(ledger) == (3, 13)
    (gap,) = ledger.gaps(COMPANY)
    assert (gap.number, gap.vouchers) == (1, {"": (11, 12)})
    assert gap.why == "voided after later numbers were used"


def test_events_are_never_changed_and_never_removed(ledger: Ledger) -> None:
    walk_until(ledger, Kind.STAGED)
    for statement in ("UPDATE event SET body = '{}'", "DELETE FROM event"):
        with pytest.raises(IntegrityError, match="events are never"), ledger._store.writing() as to:
            to.exec_driver_sql(statement)
    assert len(ledger.events(COMPANY)) == 2


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (Kind.RESERVED, {"number": 0}),
        (Kind.RESERVED, {"number": True}),
        (Kind.RESERVED, {"number": "1"}),
        (Kind.RESERVED, {"job": ""}),
        (Kind.RESERVED, {"entries": "ab"}),
        (Kind.RESERVED, {"entries": [""]}),
        (Kind.RESERVED, {"first_vouchers": {"": -1}}),
        (Kind.RESERVED, {"first_vouchers": {1: 1}}),
        (Kind.RESERVED, {"first_vouchers": [1]}),
        (Kind.STAGED, {"totals": [{"debit": 1.5}]}),
        (Kind.STAGED, {"totals": [{"debit": Decimal("1.5")}]}),
        (Kind.STAGED, {"counts": {1: 1}}),
        (Kind.STAGED, {"counts": []}),
        (Kind.APPROVED, {"verdicts": [{"entry": "a"}]}),
        (Kind.ANSWERED, {"decisions": {"a": "again"}}),
        (Kind.SETTLED, {"imported": "yes"}),
        (Kind.REVIEWED, {"by": None}),
    ],
)
def test_a_body_that_cannot_be_stored_is_refused(
    ledger: Ledger, kind: Kind, more: dict[str, Any]
) -> None:
    batch = walk_until(ledger, Kind.STAGED)
    with pytest.raises(BodyWrong, match="cannot be stored"):
        ledger.append(batch, kind, body_of(kind, **more))
    body = body_of(kind)
    body.pop(next(iter(more)), None)
    if next(iter(more)) not in ("totals", "counts", "verdicts", "decisions"):
        with pytest.raises(BodyWrong, match="is missing or of the wrong kind"):
            ledger.append(batch, kind, body)
    assert ledger.find(COMPANY, "1") == batch


def test_a_verdict_of_no_item_is_not_reported(ledger: Ledger) -> None:
    batch = walk_until(ledger, Kind.PUBLISHED)
    for kind in (Kind.REPORT_INTENDED, Kind.ACKNOWLEDGED):
        with pytest.raises(BodyWrong, match="no verdict is stored for item x"):
            ledger.append(batch, kind, {"entries": ["a", "x"]})


def test_texts_of_any_letters_come_back_as_they_were(ledger: Ledger) -> None:
    odd = "a\0b \ud800 \u2028 'quote' \U0001f600 é"
    batch = walk_until(ledger, Kind.STAGED, staged={"note": odd})
    assert ledger.events(COMPANY, batch.id)[1].body["note"] == odd


def test_applying_is_pure() -> None:
    """The same rows and event give the same, and what went in is as it was."""
    event = Event(1, "c", "b", 1, Kind.RESERVED, datetime(2026, 3, 9, tzinfo=UTC),
                  body_of(Kind.RESERVED))  # fmt: skip
    first = apply(Rows(), event)
    staged = Event(2, "c", "b", 2, Kind.STAGED, datetime(2026, 3, 9, tzinfo=UTC),
                   body_of(Kind.STAGED))  # fmt: skip
    before = repr(first)
    assert apply(first, staged) == apply(first, staged)
    assert repr(first) == before
