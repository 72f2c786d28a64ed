"""Answers of a person: what they change, that they may be given twice, and every stop in them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from etl.batches.states import State
from etl.errors import EtlError
from etl.live import answers, releasing, reviewing
from etl.live.folders import DO_NOT_IMPORT
from etl.live.outcomes import Outcome
from tests.fakes.items import item
from tests.unit.live.scene import BY, Scene

Answer = Callable[..., Outcome]


def give(scene: Scene, answer: Answer, *given: Any, **more: Any) -> Outcome:
    """Give an answer as a command does: what was begun is finished first."""
    from etl.live import finishing

    with scene.desk() as desk:
        finishing.finish(desk)
        return answer(desk, *given, **more)


def refused(scene: Scene, answer: Answer, *given: Any, **more: Any) -> str:
    with pytest.raises(EtlError) as error:
        give(scene, answer, *given, **more)
    return str(error.value)


def released(scene: Scene, entries: list[str] | None = None) -> str:
    """Release a job; give the id of its batch."""
    scene.export(entries)
    scene.run()
    assert scene.release().word == "closed"
    return scene.batch().id


def quarantined(scene: Scene) -> str:
    """Let Pleo end the job after its files are out; give the id of the batch."""
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "tx published")
    scene.pleo.cancel_job(job)
    scene.finish()
    batch = scene.batch()
    assert batch.state is State.QUARANTINED
    return batch.id


def notes(scene: Scene) -> list[str]:
    """Give the folders of the outbox, withdrawn ones too, that must not be imported."""
    found = (scene.root / "outbox").rglob("DO-NOT-IMPORT.txt")
    return sorted(path.parent.relative_to(scene.root / "outbox" / "acme").as_posix()
                  for path in found)  # fmt: skip


# ── discard ──


def test_a_staged_batch_is_given_up_and_its_number_used_again(scene: Scene) -> None:
    scene.export()
    scene.run()
    outcome = give(scene, answers.discard, by=BY)
    assert (outcome.word, outcome.exit_code) == ("voided", 0)
    assert "batch 1 (" in outcome.says
    assert scene.batch().facts["voided_by"] == BY
    assert scene.events() == []
    again = scene.run()
    assert again.batch is not None
    assert again.batch.number == 1
    assert again.batch.state is State.STAGED


def test_an_approved_batch_is_given_up(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.approve()
    give(scene, answers.discard, by=BY)
    assert scene.batch().state is State.VOIDED


def test_a_batch_is_given_up_twice_without_harm(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.stopped(lambda: give(scene, answers.discard, by=BY), "after", "tx voided")
    outcome = give(scene, answers.discard, scene.batch().id, by=BY)
    assert outcome.word == "voided"
    assert len([one for one in scene.effects if one == "tx voided"]) == 1


def test_a_started_batch_is_not_given_up(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    scene.approve()
    scene.stopped(scene.release, "after", "send started")
    with scene.desk() as desk:
        batch = desk.unsettled()
        with pytest.raises(EtlError, match=r"ANS-2.*its export is started in Pleo"):
            answers.discard(desk, batch, by=BY)
    assert job.status == "in_progress"
    assert scene.finish()[0].word == "closed"


@pytest.mark.parametrize("answer", [answers.discard, answers.withdraw, answers.mark_imported])
def test_nothing_is_there_to_answer(scene: Scene, answer: Answer) -> None:
    assert "ANS-1" in refused(scene, answer, by=BY)
    assert "LED-6" in refused(scene, answer, "17", by=BY)


# ── settle ──


def test_what_was_imported_stays_booked(scene: Scene) -> None:
    batch = quarantined(scene)
    assert notes(scene) == [f"0001-{batch}"]
    outcome = give(scene, answers.settle, imported=True, by=BY)
    assert (outcome.word, outcome.exit_code) == ("settled", 0)
    assert notes(scene) == []
    with scene.desk() as desk:
        claims = desk.ledger.claims(desk.company_id, scene.entries)
    assert [claim.became for claim in claims.values()] == ["booked"] * 3
    assert give(scene, answers.settle, batch, imported=True, by=BY).word == "settled"
    assert "ANS-2" in refused(scene, answers.settle, batch, imported=False, by=BY)


def test_what_was_not_imported_is_put_away_and_may_come_again(scene: Scene) -> None:
    batch = quarantined(scene)
    outcome = give(scene, answers.settle, imported=False, by=BY)
    assert (outcome.word, outcome.folder) == (
        "voided", scene.root / "outbox" / "acme" / "withdrawn" / batch,
    )  # fmt: skip
    assert notes(scene) == [f"withdrawn/{batch}"]
    assert scene.released() == []
    assert give(scene, answers.settle, batch, imported=False, by=BY).word == "voided"
    assert "ANS-2" in refused(scene, answers.settle, batch, imported=True, by=BY)
    again = released(scene)
    assert again != batch
    assert scene.batch().number == 1
    assert scene.booked() == sorted(scene.entries)


def test_only_what_is_quarantined_is_settled(scene: Scene) -> None:
    batch = released(scene)
    for imported in (True, False):
        said = refused(scene, answers.settle, batch, imported=imported, by=BY)
        assert "it is released" in said
    assert "ANS-1" in refused(scene, answers.settle, imported=True, by=BY)


# ── withdraw ──


def test_a_withdrawn_batch_is_out_of_reach_and_its_items_come_again(scene: Scene) -> None:
    batch = released(scene)
    outcome = give(scene, answers.withdraw, by=BY)
    assert (outcome.word, outcome.exit_code) == ("withdrawn", 0)
    assert scene.released() == []
    assert notes(scene) == [f"withdrawn/{batch}"]
    note = scene.root / "outbox" / "acme" / "withdrawn" / batch / "DO-NOT-IMPORT.txt"
    assert f"taken back by {BY}" in note.read_text()
    assert give(scene, answers.withdraw, batch, by=BY).word == "withdrawn"
    released(scene)
    assert scene.batch().number == 2  # the number of a released batch is not used again
    assert scene.booked() == sorted(scene.entries)


def test_what_was_imported_is_not_withdrawn(scene: Scene) -> None:
    batch = released(scene)
    give(scene, answers.mark_imported, by=BY)
    said = refused(scene, answers.withdraw, batch, by=BY)
    assert "your ERP has its files" in said
    assert "pleo-etl reverse" in said
    assert scene.released() != []


def test_a_folder_that_a_person_has_moved_away_is_no_obstacle(scene: Scene) -> None:
    released(scene)
    (folder,) = scene.released()
    folder.rename(scene.root / "elsewhere")
    outcome = give(scene, answers.withdraw, by=BY)
    assert (outcome.word, outcome.folder) == ("withdrawn", None)
    assert "were no longer in the outbox: make sure that nobody imports them" in outcome.says


def test_files_are_put_away_from_where_they_were_put_whatever_the_outbox_is_now(
    scene: Scene,
) -> None:
    batch = released(scene)
    with (scene.root / "pleo-etl.yaml").open("a", encoding="utf-8") as file:
        file.write("outbox: elsewhere\n")
    outcome = give(scene, answers.withdraw, by=BY)
    away = scene.root / "elsewhere" / "acme" / "withdrawn" / batch
    assert (outcome.word, outcome.folder) == ("withdrawn", away)
    assert (away / DO_NOT_IMPORT).is_file()
    assert scene.released() == []


def test_two_folders_of_one_batch_are_left_to_a_person(scene: Scene) -> None:
    batch = released(scene)
    (scene.root / "outbox" / "acme" / "withdrawn" / batch).mkdir(parents=True)
    said = refused(scene, answers.withdraw, batch, by=BY)
    assert "its files lie in two places" in said
    assert scene.batch().is_withdrawn is False
    (scene.root / "outbox" / "acme" / "withdrawn" / batch).rmdir()
    scene.finish()
    assert scene.batch().is_withdrawn


def test_several_released_batches_must_be_told_apart(scene: Scene) -> None:
    first, rest = scene.entries[:1], scene.entries[1:]
    released(scene, first)
    released(scene, rest)
    said = refused(scene, answers.withdraw, by=BY)
    assert "more than one batch could be meant: batch 1 (" in said
    assert "pleo-etl withdraw 2" in said
    give(scene, answers.withdraw, "1", by=BY)
    assert scene.booked() == sorted(rest)


# ── imported ──


def test_what_the_erp_has_refused_may_come_again(scene: Scene) -> None:
    batch = released(scene)
    first, second, third = sorted(scene.entries)
    outcome = give(
        scene, answers.mark_imported, by=BY, refused=[first.upper(), "1/2"],
    )  # fmt: skip
    assert outcome.word == "imported"
    assert outcome.says.endswith("without 2 items that it refused")
    with scene.desk() as desk:
        assert set(desk.ledger.claims(desk.company_id, scene.entries)) == {third}
    same = give(scene, answers.mark_imported, batch, by=BY, refused=[second, first])
    assert same.says == outcome.says
    assert give(scene, answers.mark_imported, batch, by=BY).says == outcome.says
    last = scene.batch().seq
    later = give(scene, answers.mark_imported, batch, by=BY, refused=[third])  # noticed later
    assert later.says.endswith("without 3 items that it refused")
    assert scene.batch().seq > last
    with scene.desk() as desk:
        assert desk.ledger.claims(desk.company_id, scene.entries) == {}
        assert desk.ledger.verify() == []


def test_a_refusal_noticed_late_leaves_an_item_that_came_again_to_its_new_batch(
    scene: Scene,
) -> None:
    batch = released(scene)
    first, second, _third = sorted(scene.entries)
    give(scene, answers.mark_imported, by=BY, refused=[first])
    again = released(scene, [first])
    give(scene, answers.mark_imported, batch, by=BY, refused=[second])
    with scene.desk() as desk:
        claims = desk.ledger.claims(desk.company_id, scene.entries)
        assert claims[first].batch.id == again
        assert second not in claims
        assert desk.ledger.verify() == []
    give(scene, answers.withdraw, again, by=BY)
    assert "ANS-2" in refused(scene, answers.mark_imported, again, by=BY, refused=[first])


def test_names_that_mean_nothing_are_all_named(scene: Scene) -> None:
    released(scene)
    said = refused(
        scene, answers.mark_imported, by=BY, refused=["nobody", scene.entries[0][:3], "1/9"]
    )
    assert said.count("ANS-4") == 3
    assert not scene.batch().is_imported


@pytest.mark.parametrize("between", [" ", ", ", ";", "\t"])
def test_several_may_be_named_in_one_text(scene: Scene, between: str) -> None:
    released(scene)
    first, _second, third = sorted(scene.entries)
    typed = f"{first}{between}1/3"
    give(scene, answers.mark_imported, by=BY, refused=[typed])
    assert scene.batch().facts["refused"] == [first, third]


def test_a_text_of_which_a_part_means_nothing_is_refused_for_that_part(scene: Scene) -> None:
    released(scene)
    said = refused(scene, answers.mark_imported, by=BY, refused=["1/1 1/9", "Hotel, Berlin"])
    assert '"1/9" is no item' in said
    assert '"Hotel, Berlin" is no item' in said
    assert said.count("ANS-4") == 2
    assert not scene.batch().is_imported


def test_a_beginning_that_means_several_items_is_refused(scene: Scene) -> None:
    common = "00c0ffee"
    items = [item(n=n) | {"accountingEntryId": f"{common}-0000-4000-8000-{n:012}"} for n in (1, 2)]
    scene.company = scene.pleo.add_company("acme", items)
    released(scene)
    said = refused(scene, answers.mark_imported, by=BY, refused=[common])
    assert f'"{common}" means 2 items' in said


# ── reverse ──


def rows(scene: Scene, number: int) -> list[list[str]]:
    (folder,) = [one for one in scene.released() if one.name.startswith(f"{number:04d}-")]
    (path,) = folder.glob("*.csv")
    return [line.split(",") for line in path.read_text().splitlines()[1:]]


def test_a_reversal_swaps_the_sides_and_frees_the_items(scene: Scene) -> None:
    batch = released(scene)
    give(scene, answers.mark_imported, by=BY)
    seen = len(scene.pleo.seen)
    outcome = give(scene, answers.reverse, by=BY)
    assert (outcome.word, outcome.exit_code) == ("reversed", 0)
    assert len(scene.pleo.seen) == seen  # Pleo is told nothing
    for there, back in zip(rows(scene, 1), rows(scene, 2), strict=True):
        assert there[1:3] == back[1:3]
        assert (there[3], there[4]) == (back[4], back[3])
    reversal = scene.batch()
    assert (reversal.job_id, reversal.state) == (None, State.CLOSED)
    assert reversal.approvals[0].by == BY
    with scene.desk() as desk:
        assert desk.ledger.claims(desk.company_id, scene.entries) == {}
        assert desk.ledger.find(desk.company_id, batch).is_reversed
        assert desk.ledger.verify() == []
    assert give(scene, answers.reverse, batch, by=BY).batch == reversal
    third = released(scene)
    assert scene.batch().id == third
    assert rows(scene, 3)[0][0] == "7"  # vouchers 1 to 3, 4 to 6 of the reversal


@pytest.fixture
def two(scene: Scene) -> Scene:
    """Give a scene of a company that wants two names, with a batch that the ERP has."""
    released(scene)
    give(scene, answers.mark_imported, "1", by=BY)
    path = scene.root / "pleo-etl.yaml"
    text = path.read_text().replace("template: generic", "approvals: 2, template: generic")
    path.write_text(text)
    return scene


def test_where_two_must_approve_one_person_reverses_nothing(two: Scene) -> None:
    for name in (BY, f" {BY.upper()} "):
        outcome = give(two, answers.reverse, "1", by=name)
        assert outcome.word == "waiting"
        assert "pleo-etl reverse 1 --by NAME" in outcome.next_step
    assert len(two.released()) == 1
    waiting = two.batch()
    assert (waiting.state, [one.by for one in waiting.approvals]) == (State.STAGED, [BY])
    assert two.finish() == []  # no command takes it further, none gives it up
    assert two.batch() == waiting
    with pytest.raises(EtlError, match="another person must approve it") as held:
        two.run()
    assert (held.value.exit_code, held.value.problems[0].code) == (4, "JOB-2")
    assert "--by NAME" in held.value.problems[0].fix
    assert give(two, answers.reverse, "1", by="Ben").word == "reversed"
    assert [one.by for one in two.batch().approvals] == [BY, "Ben"]
    assert len(two.released()) == 2
    with two.desk() as desk:
        assert desk.ledger.claims(desk.company_id, two.entries) == {}
        assert desk.ledger.verify() == []


def test_a_reversal_that_waits_cannot_be_approved_or_changed_by_other_ways(two: Scene) -> None:
    give(two, answers.reverse, "1", by=BY)
    waiting = two.batch()
    with pytest.raises(EtlError, match="takes another batch back, and is approved otherwise"):
        two.approve("Ben")
    with pytest.raises(EtlError, match="REVIEW-4") as error, two.desk() as desk:
        releasing.release(desk, waiting, by="Ben")
    assert "pleo-etl reverse" in error.value.problems[0].fix
    no = {two.entries[0]: {"do": "reject", "reason": "no"}}
    with pytest.raises(EtlError, match="JOB-12"), two.desk() as desk:
        reviewing.answer(desk, waiting, by="Ben", decisions=no)
    assert "JOB-2" in refused(two, answers.mark_imported, "1", by=BY, refused=[two.entries[0]])
    assert len(two.released()) == 1


def test_a_reversal_that_waits_is_given_up_like_any_batch(two: Scene) -> None:
    give(two, answers.reverse, "1", by=BY)
    assert give(two, answers.discard, by=BY).word == "voided"
    assert two.finish() == []
    assert len(two.released()) == 1
    assert give(two, answers.reverse, "1", by="Ben").word == "waiting"  # and begins anew


@pytest.mark.parametrize("effect", ["tx reserved", "tx staged", "tx approved"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stop_makes_no_second_person(two: Scene, when: str, effect: str) -> None:
    two.stopped(lambda: give(two, answers.reverse, "1", by=BY), when, effect)
    assert two.finish() == []
    assert len(two.released()) == 1
    assert give(two, answers.reverse, "1", by=BY).word == "waiting"
    assert give(two, answers.reverse, "1", by="Ben").word == "reversed"


def test_what_the_erp_refused_is_not_reversed(scene: Scene) -> None:
    released(scene)
    give(scene, answers.mark_imported, by=BY, refused=[scene.entries[0]])
    give(scene, answers.reverse, by=BY)
    assert {row[1] for row in rows(scene, 2)} == set(scene.entries[1:])


def _change_files(scene: Scene, _first: str, reversal: str) -> None:
    path = next((scene.root / ".pleo-etl/batches/acme" / reversal / "r1").glob("*.csv"))
    path.write_text(path.read_text() + "x")


def _lose_input(scene: Scene, first: str, _reversal: str) -> None:
    shutil.rmtree(scene.root / ".pleo-etl/batches/acme" / first)


@pytest.mark.parametrize(
    ("stop", "harm", "code"),
    [
        ("reserved", _lose_input, "ANS-6"), ("approved", _lose_input, "LINE-"),
        ("approved", _change_files, "REL-10"), ("publish_intended", _change_files, "REL-10"),
    ],
)  # fmt: skip
def test_a_stopped_reversal_that_cannot_be_made_any_more_is_void(
    scene: Scene, stop: str, harm: Callable[[Scene, str, str], None], code: str
) -> None:
    """Nothing of it is out; `finish` comes before `discard`, so that nobody could give it up."""
    first = released(scene)
    scene.stopped(lambda: give(scene, answers.reverse, by=BY), "after", f"tx {stop}")
    reversal = scene.batch().id
    harm(scene, first, reversal)
    with pytest.raises(EtlError, match=code) as caught:
        scene.finish()
    assert "was given up, and nothing of it is out" in str(caught.value)
    assert (scene.batch().state, len(scene.released())) == (State.VOIDED, 1)
    assert scene.run().word == "nothing"
    if harm is _change_files:
        give(scene, answers.reverse, by=BY)
        assert len(scene.released()) == 2


def test_a_reversal_is_neither_reversed_nor_withdrawn(scene: Scene) -> None:
    released(scene)
    give(scene, answers.reverse, by=BY)
    for answer in (answers.reverse, answers.withdraw):
        said = refused(scene, answer, "2", by=BY)
        assert "ANS-2" in said
        assert "it takes another batch back" in said
    assert "it was reversed" in refused(scene, answers.withdraw, "1", by=BY)
    assert give(scene, answers.mark_imported, "2", by=BY).word == "imported"


def test_without_its_stored_input_nothing_is_reserved(scene: Scene) -> None:
    batch = released(scene)
    (scene.root / ".pleo-etl" / "batches" / "acme" / batch / "job.json").unlink()
    said = refused(scene, answers.reverse, by=BY)
    assert "ANS-6" in said
    assert "by hand" in said
    assert scene.batch().id == batch


def test_a_recipe_that_cannot_be_used_reserves_nothing(scene: Scene) -> None:
    batch = released(scene)
    (scene.root / ".pleo-etl" / "batches" / "acme" / batch / "recipe-1" / "recipe.json").unlink()
    assert "LINE-1" in refused(scene, answers.reverse, by=BY)
    assert scene.batch().id == batch


def test_no_reversal_while_another_batch_waits(scene: Scene) -> None:
    first, rest = scene.entries[:1], scene.entries[1:]
    batch = released(scene, first)
    scene.export(rest)
    scene.run()
    assert "JOB-2" in refused(scene, answers.reverse, batch, by=BY)


# ── adopt ──


def test_a_job_of_somebody_else_is_taken_over(scene: Scene) -> None:
    job = scene.export()
    first, *rest = scene.entries
    assert scene.pleo.move_job(job, "started")
    job.items[first].status = "successful"
    with pytest.raises(EtlError, match=f"JOB-1.*{job.id}"):
        scene.run()
    outcome = give(scene, answers.adopt, job.id)
    assert outcome.word == "staged"
    assert outcome.minutes_left == 60
    scene.run()  # stages it again, and does not let it go
    assert scene.batch().facts["adopted"] is True
    assert scene.release().word == "closed"
    assert scene.events() == ["completed"]  # it was started already
    assert scene.booked() == sorted(rest)
    assert job.status == "completed"


def test_a_job_taken_over_and_given_up_can_only_be_taken_over_again(scene: Scene) -> None:
    job = scene.export()
    assert scene.pleo.move_job(job, "started")
    give(scene, answers.adopt, job.id)
    outcome = give(scene, answers.discard, by=BY)
    assert f"`pleo-etl adopt {job.id}` stages it again" in outcome.next_step
    assert give(scene, answers.adopt, job.id).word == "staged"


def test_only_a_job_in_progress_is_taken_over(scene: Scene) -> None:
    job = scene.export()
    assert "nobody has started it" in refused(scene, answers.adopt, job.id)
    scene.pleo.cancel_job(job)
    assert 'Pleo shows it as "failed"' in refused(scene, answers.adopt, job.id)
    assert "ANS-5" not in refused(scene, answers.adopt, "0b6d6f0e-6d1c-4f5b-9a55-000000000000")


def test_no_job_is_taken_over_while_a_batch_waits(scene: Scene) -> None:
    scene.export(scene.entries[:1])
    scene.run()
    job = scene.export(scene.entries[1:])
    scene.pleo.move_job(job, "started")
    assert "JOB-2" in refused(scene, answers.adopt, job.id)


# ── stops ──

EFFECTS = {
    "withdraw": ["write_atomic", "move_folder", "tx withdrawn", "remove_file"],
    "not imported": ["write_atomic", "move_folder", "tx settled", "remove_file"],
    "imported": ["tx settled", "remove_file"],
    "reverse": [
        "tx reserved", "tx staged", "tx approved", "tx publish_intended", "move_folder",
        "tx published", "tx closed", "tx reversed",
    ],
}  # fmt: skip
STOPS = [
    (what, when, effect)
    for what, effects in EFFECTS.items()
    for effect in effects
    for when in ("before", "after")
]


def prepared(scene: Scene, what: str) -> Callable[[], Outcome]:
    """Bring a batch to where an answer is due; give the command that answers."""
    batch = released(scene) if what in ("withdraw", "reverse") else quarantined(scene)
    if what == "withdraw":
        return lambda: give(scene, answers.withdraw, batch, by=BY)
    if what == "reverse":
        return lambda: give(scene, answers.reverse, batch, by=BY)
    is_imported = what == "imported"
    return lambda: give(scene, answers.settle, batch, imported=is_imported, by=BY)


def ended(scene: Scene) -> dict[str, Any]:
    """Give all that a person could see at the end, but for ids and times."""
    with scene.desk() as desk:
        batches = desk.ledger.batches(desk.company_id)
        claims = desk.ledger.claims(desk.company_id, scene.entries)
        problems = desk.ledger.verify()
    return {
        "states": [(one.number, one.state, one.is_withdrawn, one.is_reversed, one.is_imported)
                   for one in batches],
        "claims": {entry: (claim.became, claim.batch.number) for entry, claim in claims.items()},
        "problems": problems,
        "booked": scene.booked(),
        "notes": len(notes(scene)),
        "left": sorted(path.name for path in scene.root.rglob("withdrawal.json")),
        "temporary": sorted(path.name for path in scene.root.rglob(".pleo-etl.*.part")),
    }  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, dict[str, Any]]:
    """What each answer comes to when nothing stops it."""
    return {}


@pytest.mark.parametrize("is_repeated", [True, False], ids=["given again", "next command"])
@pytest.mark.parametrize(("what", "when", "effect"), STOPS)
def test_a_stopped_answer_is_carried_out(
    scene: Scene, what: str, when: str, effect: str, is_repeated: bool,
    undisturbed: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """By giving it again, or by whatever command comes next; only what was not begun is not."""
    answer = prepared(scene, what)
    scene.stopped(answer, when, effect)
    if is_repeated:
        answer()
    else:
        scene.finish()
    if what not in undisturbed:
        other = Scene(tmp_path_factory.mktemp("undisturbed") / "work")
        monkeypatch.setenv("PLEO_API_KEY_ACME", other.key)
        other.hook(monkeypatch)
        calm = prepared(other, what)
        undisturbed[what] = {"before": ended(other)}
        calm()
        undisturbed[what]["after"] = ended(other)
        monkeypatch.setenv("PLEO_API_KEY_ACME", scene.key)
    # Before the first effect of these two nothing is begun; the others begin with a stored intent.
    is_nothing = (when, effect) in (("before", "tx reserved"), ("before", "tx settled"))
    is_begun = is_repeated or what == "not imported" or not is_nothing
    assert ended(scene) == undisturbed[what]["after" if is_begun else "before"]
    scene.finish()
    assert ended(scene) == undisturbed[what]["after" if is_begun else "before"]
