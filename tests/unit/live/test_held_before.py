"""What a person held back stays held back in the export after a lapse, where it is as it was."""

from __future__ import annotations

import pytest

from etl.batches.standing import detail_of
from etl.batches.states import Kind, State
from etl.errors import UserMustFix
from etl.live import last_words, reviewing
from etl.live.history import earlier_of
from etl.live.situations import Hour, situation_of
from etl.review.situation import Situation
from tests.fakes.items import COMPANY
from tests.unit.live.scene import BY, Scene

OTHER = "B. Lind"


@pytest.fixture
def staged(scene: Scene) -> Scene:
    scene.export()
    scene.run()
    return scene


def say(scene: Scene, place: int, do: str, *, by: str = OTHER, reason: str = "private") -> None:
    with scene.desk() as desk:
        batch = desk.unsettled()
        assert batch is not None
        said = {scene.entries[place]: {"do": do, "reason": reason}}
        reviewing.answer(desk, batch, by=by, decisions=said)


def look(scene: Scene) -> None:
    """Look at every item."""
    with scene.desk() as desk:
        batch = desk.unsettled()
        assert batch is not None
        reviewing.review(desk, batch, by=BY, entries=scene.entries)


def lapse(scene: Scene) -> None:
    scene.pleo.advance(3601)
    scene.run()


def come_again(scene: Scene) -> None:
    """Let the export lapse, and stage the next one."""
    lapse(scene)
    scene.export()
    scene.run()


def change(scene: Scene, place: int, amount: int = 4321) -> None:
    lines = scene.company.entries[scene.entries[place]]["accountingEntryLines"]
    lines[0]["lineAmount"]["inWalletCurrency"]["value"] = amount


def situation(scene: Scene) -> Situation:
    with scene.desk() as desk:
        assert desk.ledger.verify() == []
        batch = desk.ledger.batches(COMPANY)[-1]
        return situation_of(desk, batch, name="acme", hour=Hour(), needed=1)


def told(scene: Scene) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Give the words of what is held back, and the remarks REV-6."""
    with scene.desk() as desk:
        batch = desk.ledger.batches(COMPANY)[-1]
        events = desk.ledger.events(COMPANY, batch.id)
        earlier = earlier_of([one for one in events if one.kind is Kind.STAGED][-1].body)
    return dict(earlier.held), [
        (one.item_id, one.detail) for one in earlier.sightings if one.code == "REV-6"
    ]


def words(scene: Scene, number: int = -2) -> str:
    where = f"void batch {scene.batch(number).id[:6]}"
    return f"held back before, in {where} on {scene.clock.now().date()} by {OTHER}: private"


def test_what_was_held_back_is_held_back_again_and_pleo_has_the_reason(staged: Scene) -> None:
    entry = staged.entries[0]
    say(staged, 0, "reject")
    come_again(staged)
    batch, expected = staged.batch(), words(staged)
    assert told(staged) == ({entry: expected}, [])
    assert (batch.facts["counts"]["rejected"], batch.facts["counts"]["rendered"]) == (1, 2)
    (decision,) = situation(staged).decisions
    assert (decision.entry, decision.does, decision.reason) == (entry, "reject", "private")
    with staged.desk() as desk:
        taken = desk.ledger.events(COMPANY, batch.id)[1]
    where = f"void batch {staged.batch(-2).id[:6]}"
    assert (taken.kind, taken.body["by"]) == (Kind.ANSWERED, "pleo-etl")
    assert detail_of(taken) == f': reject {entry[:8]} "private" as said in {where} by {OTHER}'
    assert "what was said of 1 item before still holds: it is not booked" in staged.said
    assert staged.release().word == "closed"
    assert staged.booked() == sorted(staged.entries[1:])


def test_it_holds_after_a_second_lapse_and_is_still_whose_it_was(staged: Scene) -> None:
    say(staged, 0, "reject")
    come_again(staged)
    come_again(staged)
    assert told(staged)[0] == {staged.entries[0]: words(staged, -3)}


def test_it_is_undone_as_ever_and_does_not_come_back(staged: Scene) -> None:
    say(staged, 0, "reject")
    come_again(staged)
    say(staged, 0, "undo")
    assert (situation(staged).decisions, told(staged)) == ((), ({}, []))
    come_again(staged)
    assert (situation(staged).decisions, told(staged)) == ((), ({}, []))
    assert staged.release().word == "closed"
    assert staged.booked() == sorted(staged.entries)


def test_what_changed_since_is_in_the_files_with_a_remark_and_must_be_looked_at(
    staged: Scene,
) -> None:
    look(staged)
    say(staged, 0, "reject")
    change(staged, 0)
    come_again(staged)
    expected = (staged.entries[0], f"{words(staged)} – it has changed since")
    assert told(staged) == ({}, [expected])
    assert situation(staged).decisions == ()
    assert situation(staged).reviewed_entries == frozenset(staged.entries[1:])
    look(staged)
    come_again(staged)  # somebody has seen it as it is now
    assert told(staged) == ({}, [])
    assert situation(staged).reviewed_entries == frozenset(staged.entries)


def test_what_was_seen_before_somebody_held_it_back_is_not_known_any_more(staged: Scene) -> None:
    lines = staged.company.entries[staged.entries[0]]["accountingEntryLines"]
    as_seen = lines[0]["lineAmount"]["inWalletCurrency"]["value"]
    look(staged)
    change(staged, 0)
    come_again(staged)
    say(staged, 0, "reject")
    change(staged, 0, as_seen)
    come_again(staged)
    assert staged.entries[0] not in situation(staged).reviewed_entries
    assert [entry for entry, _ in told(staged)[1]] == [staged.entries[0]]


def test_unattended_it_is_failed_with_the_reason_of_the_person(staged: Scene) -> None:
    say(staged, 0, "reject")
    lapse(staged)
    job = staged.export()
    assert staged.run_release().exit_code == 1
    assert staged.booked() == sorted(staged.entries[1:])
    assert job.items[staged.entries[0]].failure_reason == "private"


def test_once_pleo_was_told_the_reason_an_export_is_a_new_one(staged: Scene) -> None:
    say(staged, 0, "reject")
    assert staged.release().word == "closed"
    staged.export([staged.entries[0]])
    staged.run()
    assert (situation(staged).decisions, told(staged)) == ((), ({}, []))


def test_a_stop_after_it_was_taken_over_loses_nothing(staged: Scene) -> None:
    say(staged, 0, "reject")
    lapse(staged)
    staged.export()
    staged.stopped(staged.run, "after", "tx answered")
    staged.run()
    assert told(staged)[0] == {staged.entries[0]: words(staged)}
    assert [one.does for one in situation(staged).decisions] == ["reject"]


# ── items that a closed batch has booked ──


@pytest.fixture
def booked(staged: Scene) -> Scene:
    assert staged.release().word == "closed"
    staged.export()
    staged.run()
    return staged


def test_already_booked_holds_and_can_be_said_otherwise(booked: Scene) -> None:
    entry = booked.entries[0]
    say(booked, 0, "already_booked", reason="")
    come_again(booked)
    where = f"void batch {booked.batch(-2).id[:6]} on {booked.clock.now().date()} by {OTHER}"
    assert told(booked)[0] == {entry: f"answered before, in {where}: already booked"}
    assert {one.entry: one.is_open for one in situation(booked).repeats} == {
        entry: False, booked.entries[1]: True, booked.entries[2]: True,
    }  # fmt: skip
    say(booked, 0, "again", reason="")
    assert situation(booked).twice == (entry,)


def test_nobody_there_takes_it_from_nobody_that_an_item_is_booked(booked: Scene) -> None:
    for place in range(3):
        say(booked, place, "already_booked", reason="")
    lapse(booked)
    job = booked.export()
    booked.run_release()
    assert job.status == "failed"


def test_again_is_asked_again_with_what_was_said(booked: Scene) -> None:
    entry = booked.entries[0]
    say(booked, 0, "again", reason="")
    come_again(booked)
    (asked,) = [one for one in situation(booked).open_repeats if one.entry == entry]
    where = f"void batch {booked.batch(-2).id[:6]} on {booked.clock.now().date()} by {OTHER}"
    assert asked.earlier.endswith(f"; answered before, in {where}: book it again")
    assert situation(booked).decisions == ()
    with pytest.raises(UserMustFix):
        booked.approve()
    assert booked.batch().state is State.STAGED


def test_nothing_is_known_of_a_batch_that_is_the_first(staged: Scene) -> None:
    with staged.desk() as desk:
        batch = desk.ledger.batches(COMPANY)[-1]
        assert last_words.known_from_before(desk.ledger, batch) == last_words.Known()
