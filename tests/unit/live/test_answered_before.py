"""What was answered before a lapse holds for the same items as they were, and for nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from etl.batches.standing import detail_of
from etl.batches.states import Kind, State
from etl.errors import UserMustFix
from etl.live import reviewing
from etl.live.situations import Hour, situation_of
from etl.review.situation import Question
from tests.fakes.items import COMPANY, item
from tests.fakes.line import BLOCKING
from tests.unit.live.scene import BY, Scene

OTHER = "B. Lind"
PAPER = "the receipts are on paper"


@pytest.fixture
def asking(scene: Scene) -> Scene:
    """Ask a person about the first two of the three items."""
    for entry in scene.entries[:2]:
        change(scene, entry, note="ask")
    scene.export()
    scene.run()
    return scene


def change(scene: Scene, entry: str, **more: Any) -> None:
    scene.company.entries[entry] |= more


def say(
    scene: Scene, notes: Mapping[str, str] | None = None, *, by: str = BY, **decisions: str
) -> None:
    """Answer the question, or say something of the items `first`, `second`, `third`."""
    places = dict(zip(("first", "second", "third"), scene.entries, strict=True))
    said = {places[name]: {"do": do, "reason": "private"} for name, do in decisions.items()}
    with scene.desk() as desk:
        batch = desk.unsettled()
        assert batch is not None
        reviewing.answer(desk, batch, by=by, decisions=said, notes=notes)


def come_again(scene: Scene, entries: list[str] | None = None) -> None:
    """Let the export lapse, and stage the next one."""
    scene.pleo.advance(3601)
    scene.run()
    scene.export(entries)
    scene.run()


def question(scene: Scene) -> Question:
    with scene.desk() as desk:
        batch = desk.ledger.batches(COMPANY)[-1]
        assert desk.ledger.verify() == []
        stands = situation_of(desk, batch, name="acme", hour=Hour(), needed=1)
        (asked,) = stands.questions
        return asked


def void_name(scene: Scene, number: int = -2) -> str:
    return f"void batch {scene.batch(number).id[:6]}"


def check_it_must_be_answered(asking: Scene) -> None:
    """Make sure that the question stands in the way until it is answered anew."""
    with pytest.raises(UserMustFix) as refused:
        asking.approve()
    assert refused.value.problems[0].code == "REL-3"
    say(asking, {BLOCKING: "looked at anew"})
    assert question(asking).answer == "looked at anew"
    assert asking.release().word == "closed"


def test_an_answer_holds_when_the_same_items_come_again(asking: Scene) -> None:
    say(asking, {BLOCKING: PAPER}, by=OTHER)
    come_again(asking)
    asked = question(asking)
    assert asked.items == tuple(sorted(asking.entries[:2]))
    assert asked.answer == PAPER
    where = f"in {void_name(asking)} on {asking.clock.now().date()} by B. Lind"
    assert asked.before == f'answered before, {where}: "{PAPER}"'
    batch = asking.batch()
    assert (batch.state, batch.revision, batch.approvals) == (State.STAGED, 1, ())
    with asking.desk() as desk:
        staged = desk.ledger.events(COMPANY, batch.id)[-1]
    assert f'; ASKED "{PAPER}" as answered in {void_name(asking)} by B. Lind' in detail_of(staged)
    assert asking.release().word == "closed"
    assert asking.booked() == sorted(asking.entries)


def test_an_answer_of_long_ago_holds_after_another_lapse_and_is_still_whose_it_was(
    asking: Scene,
) -> None:
    say(asking, {BLOCKING: PAPER}, by=OTHER)
    come_again(asking)
    come_again(asking)
    assert question(asking).answer == PAPER
    assert f"{void_name(asking, -3)} " in question(asking).before


@pytest.mark.parametrize(
    ("amount", "entries", "changed"),
    [
        (4321, None, "1 item changed"),
        (None, [0, 2], "1 item fewer"),
        (4321, [0, 2], "1 item fewer, 1 item changed"),
    ],
)
def test_what_has_changed_is_asked_again_and_says_so(
    asking: Scene, amount: int | None, entries: list[int] | None, changed: str
) -> None:
    say(asking, {BLOCKING: PAPER})
    if amount is not None:
        lines = asking.company.entries[asking.entries[0]]["accountingEntryLines"]
        lines[0]["lineAmount"]["inWalletCurrency"]["value"] = amount
    come_again(asking, entries and [asking.entries[place] for place in entries])
    asked = question(asking)
    assert asked.answer == ""
    assert asked.before.endswith(f'by {BY}: "{PAPER}" – asked again: {changed}')
    check_it_must_be_answered(asking)


def test_an_answer_for_some_items_does_not_hold_for_more(asking: Scene) -> None:
    say(asking, {BLOCKING: PAPER})
    change(asking, asking.entries[2], note="ask")
    come_again(asking)
    assert question(asking).answer == ""
    assert question(asking).before.endswith("asked again: 1 item more")


def test_of_other_items_the_question_is_a_new_one(asking: Scene) -> None:
    say(asking, {BLOCKING: PAPER})
    new = asking.company.add(item(n=9, note="ask"))
    come_again(asking, [new])
    assert (question(asking).answer, question(asking).before) == ("", "")


def test_what_is_other_again_in_the_same_export_is_asked_again(asking: Scene) -> None:
    say(asking, {BLOCKING: PAPER})
    come_again(asking)
    assert question(asking).answer == PAPER
    lines = asking.company.entries[asking.entries[0]]["accountingEntryLines"]
    lines[0]["lineAmount"]["inWalletCurrency"]["value"] = 4321
    asking.run()
    assert (asking.batch().revision, question(asking).answer) == (2, "")
    assert question(asking).before.endswith("asked again: 1 item changed")


def test_an_item_that_is_held_back_here_does_not_take_the_answer_away(asking: Scene) -> None:
    say(asking, {BLOCKING: PAPER})
    come_again(asking)
    say(asking, second="reject")
    assert question(asking).answer == PAPER
    assert question(asking).items == (asking.entries[0],)
    say(asking, second="undo")
    assert question(asking).answer == PAPER
    assert asking.release().word == "closed"


def test_an_answer_given_while_an_item_was_held_back_is_of_the_others_alone(asking: Scene) -> None:
    say(asking, second="reject")
    say(asking, {BLOCKING: PAPER})
    come_again(asking)
    assert question(asking).answer == PAPER
    say(asking, second="undo")
    assert question(asking).answer == ""
    assert question(asking).before.endswith("asked again: 1 item more")


def test_the_last_answer_counts_and_can_be_given_otherwise(asking: Scene) -> None:
    say(asking, {BLOCKING: "first"})
    say(asking, {BLOCKING: PAPER}, by=OTHER)
    come_again(asking)
    assert question(asking).answer == PAPER
    say(asking, {BLOCKING: "otherwise"})
    assert question(asking).answer == "otherwise"
    come_again(asking)
    assert question(asking).answer == "otherwise"
    assert f"by {BY}: " in question(asking).before


def test_what_nobody_answered_is_asked_as_for_the_first_time(asking: Scene) -> None:
    come_again(asking)
    assert (question(asking).answer, question(asking).before) == ("", "")


def test_what_was_booked_since_is_asked_again(asking: Scene) -> None:
    say(asking, {BLOCKING: PAPER})
    assert asking.release().word == "closed"
    asking.export()
    asking.run()
    say(asking, first="again", second="again", third="again")
    assert question(asking).answer == ""
    assert question(asking).before.endswith("asked again: 2 items changed")


def test_a_stop_before_the_revision_is_stored_takes_no_answer_with_it(asking: Scene) -> None:
    say(asking, {BLOCKING: PAPER})
    asking.pleo.advance(3601)
    asking.run()
    asking.export()
    asking.stopped(asking.run, "before", "tx staged")
    asking.run()
    assert question(asking).answer == PAPER
    batch = asking.batch()
    with asking.desk() as desk:
        kinds = [one.kind for one in desk.ledger.events(COMPANY, batch.id)]
    assert kinds == [Kind.RESERVED, Kind.STAGED]


# ── in the same batch ──


def test_an_answer_does_not_hold_for_more_items_of_the_next_revision(asking: Scene) -> None:
    say(asking, {BLOCKING: PAPER}, by=OTHER)
    assert question(asking).answer == PAPER
    assert question(asking).before == ""
    change(asking, asking.entries[2], note="ask")
    asking.run()
    asked = question(asking)
    assert (asked.answer, asked.items) == ("", tuple(sorted(asking.entries)))
    day = asking.clock.now().date()
    assert asked.before == (
        f'answered before on {day} by B. Lind: "{PAPER}" – asked again: 1 item more'
    )
    check_it_must_be_answered(asking)


def test_an_answer_does_not_hold_for_other_figures_of_the_next_revision(asking: Scene) -> None:
    say(asking, {BLOCKING: PAPER})
    lines = asking.company.entries[asking.entries[0]]["accountingEntryLines"]
    lines[0]["lineAmount"]["inWalletCurrency"]["value"] = 4321
    asking.run()
    assert question(asking).answer == ""
    assert question(asking).before.endswith("asked again: 1 item changed")


def test_an_answer_holds_for_fewer_items_of_the_next_revision(asking: Scene) -> None:
    say(asking, {BLOCKING: PAPER})
    change(asking, asking.entries[1], note="")
    asking.settings["text"] = "U"
    asking.run()
    assert question(asking).answer == PAPER
    assert question(asking).items == (asking.entries[0],)
    assert question(asking).before == ""


def test_nobody_there_keeps_an_answer_that_was_given_in_this_batch(asking: Scene) -> None:
    say(asking, {BLOCKING: PAPER})
    assert asking.run_release().exit_code == 0
    assert asking.booked() == sorted(asking.entries)
