"""What a reviewer has looked at is remembered when it comes again; a rejected item is not."""

from __future__ import annotations

from etl.live import last_words, reviewing
from tests.unit.live.scene import BY, Scene


def looked_at_again(scene: Scene) -> set[str]:
    with scene.desk() as desk:
        batch = desk.unsettled()
        assert batch is not None
        return {
            entry.casefold() for entry in last_words.known_from_before(desk.ledger, batch).entries
        }


def review_all(scene: Scene, *, rejected: str | None = None, undone: bool = False) -> None:
    with scene.desk() as desk:
        batch = desk.unsettled()
        assert batch is not None
        for do in ["reject", "undo"][: 1 + undone] if rejected else []:
            said = {str(rejected): {"do": do, "reason": "not ours"}}
            answered = reviewing.answer(desk, batch, by=BY, decisions=said).batch
            assert answered is not None
            batch = answered
        reviewing.review(desk, batch, by=BY, entries=scene.entries)


def come_again(scene: Scene) -> None:
    (job,) = [one for one in scene.pleo.jobs.values() if one.is_running]
    scene.pleo.cancel_job(job)
    scene.run()
    scene.export()
    scene.run()


def test_what_was_looked_at_and_left_as_it_was_need_not_be_looked_at_again(scene: Scene) -> None:
    scene.export()
    scene.run()
    review_all(scene)
    come_again(scene)
    assert looked_at_again(scene) == set(scene.entries)


def test_what_was_rejected_must_be_looked_at_again(scene: Scene) -> None:
    scene.export()
    scene.run()
    review_all(scene, rejected=scene.entries[0])
    come_again(scene)
    assert looked_at_again(scene) == set(scene.entries[1:])


def test_a_rejection_that_was_taken_back_counts_no_longer(scene: Scene) -> None:
    scene.export()
    scene.run()
    review_all(scene, rejected=scene.entries[0], undone=True)
    come_again(scene)
    assert looked_at_again(scene) == set(scene.entries)
