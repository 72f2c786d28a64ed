"""Jobs that end, are taken by somebody else, or can only be refused (rows 4, 5c, 8, 10)."""

from __future__ import annotations

import pytest

from etl.batches.states import State
from etl.errors import EtlError, Problem
from etl.live.folders import DO_NOT_IMPORT
from etl.pleo.client import PleoClient
from etl.pleo.failures import JobNotFound
from etl.pleo.sandbox.jobs import Job
from tests.fakes.items import item
from tests.unit.live.scene import Scene

HOUR = 3600


# ── row 10: the job ended before anything was published ──


@pytest.mark.parametrize("how", ["expired", "cancelled"])
def test_a_lapsed_batch_is_void_and_the_person_is_told_to_export_again(
    scene: Scene, how: str
) -> None:
    job = scene.export()
    scene.run()
    if how == "expired":
        scene.pleo.advance(HOUR)
    else:
        scene.pleo.cancel_job(job)
    outcome = scene.release()
    assert (outcome.word, outcome.exit_code) == ("voided", 4)
    assert "export the items again in Pleo" in outcome.next_step
    assert ("job_expired" if how == "expired" else "canceled_by_user") in outcome.says
    assert scene.events() == []
    assert scene.batch().state == State.VOIDED


def test_run_says_that_the_batch_lapsed(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.pleo.advance(HOUR)
    outcome = scene.run()
    assert (outcome.word, outcome.exit_code) == ("nothing", 4)
    assert [problem.code for problem in outcome.problems] == ["JOB-3"]
    assert scene.run().exit_code == 0


def test_the_next_export_takes_the_place_and_the_numbers_of_a_lapsed_one(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.pleo.advance(HOUR)
    job = scene.export()
    staged = scene.run()
    assert staged.word == "staged"
    assert staged.batch is not None
    assert (staged.batch.number, staged.batch.job_id) == (1, job.id)
    scene.release()
    assert scene.booked() == sorted(scene.entries)


def test_a_job_that_ends_after_the_start_and_before_publishing_voids_the_batch(
    scene: Scene,
) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "tx started")
    scene.pleo.cancel_job(job)
    outcome = scene.release()
    assert (outcome.word, outcome.exit_code) == ("voided", 4)
    assert scene.released() == []


# ── Pleo does not know the job any more ──


@pytest.mark.parametrize(
    "stop",
    [
        ("before", "send started"), ("after", "send started"), ("after", "tx started"),
        ("before", "tx publish_intended"), ("before", "move_folder"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("again", ["run", "release"])
def test_a_job_that_vanishes_before_anything_is_out_voids_the_batch(
    scene: Scene, stop: tuple[str, str], again: str
) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, *stop)
    del scene.pleo.jobs[job.id]
    outcome = scene.finish()[-1]
    assert (outcome.word, outcome.exit_code) == ("voided", 4)
    assert "does not know the export job any more" in outcome.says
    assert scene.released() == []
    scene.export()
    assert getattr(scene, again)().exit_code == 0
    assert scene.release().exit_code == 0


def test_a_staged_batch_whose_job_vanishes_is_void(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    del scene.pleo.jobs[job.id]
    assert scene.run().word == "nothing"
    assert scene.batch().state == State.VOIDED


@pytest.mark.parametrize(
    "stop",
    [
        ("after", "move_folder"), ("before", "report"), ("after", "report"),
        ("after", "tx reported"), ("before", "send completed"), ("after", "send completed"),
    ],
)  # fmt: skip
def test_a_job_that_vanishes_when_files_are_out_quarantines(
    scene: Scene, stop: tuple[str, str]
) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, *stop)
    del scene.pleo.jobs[job.id]
    outcome = scene.release()
    assert (outcome.word, outcome.exit_code) == ("quarantined", 4)
    assert "does not know the export job any more" in outcome.says
    assert (scene.released()[0] / DO_NOT_IMPORT).exists()


def test_a_job_whose_new_revision_waits_vanishes(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "tx started")
    line = scene.company.entries[scene.entries[0]]["accountingEntryLines"][0]
    line["lineAmount"]["inWalletCurrency"]["value"] += 1
    assert scene.finish()[-1].word == "waiting"
    del scene.pleo.jobs[job.id]
    assert scene.finish()[-1].word == "voided"


def test_a_job_that_is_not_found_while_pleo_lists_it_is_not_decided_upon(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.export()
    scene.run()

    def missing(_client: PleoClient, _job: str) -> None:
        raise JobNotFound(Problem("PLEO-3", "Pleo does not know the export job", "", ""))

    monkeypatch.setattr(PleoClient, "get_job", missing)
    with pytest.raises(JobNotFound):
        scene.release()
    assert scene.batch().state == State.APPROVED


# ── row 4: the margin, and jobs of somebody else ──


def test_too_little_time_is_left_to_start(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.pleo.advance(HOUR - 300)
    with pytest.raises(EtlError, match="REL-4") as caught:
        scene.release()
    assert caught.value.exit_code == 4
    assert "5 minutes" in str(caught.value)
    assert scene.events() == []


def test_enough_time_is_left_just_before_the_margin(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.pleo.advance(HOUR - 301)
    assert scene.release().word == "closed"


def test_a_job_in_progress_that_is_not_ours(scene: Scene) -> None:
    job = scene.export()
    scene.pleo.move_job(job, "started")
    with pytest.raises(EtlError, match="JOB-1") as caught:
        scene.run()
    assert caught.value.exit_code == 4
    said = str(caught.value)
    assert job.id in said
    assert "60 minutes left" in said
    assert f"pleo-etl adopt {job.id}" in said
    assert "2026-04-01 08:00 UTC" in said


@pytest.mark.parametrize("again", ["run", "release"])
def test_somebody_else_starts_the_job_of_a_staged_batch(scene: Scene, again: str) -> None:
    job = scene.export()
    scene.run()
    scene.approve()
    scene.pleo.advance(60)
    scene.pleo.move_job(job, "started")
    with pytest.raises(EtlError, match="JOB-1"):
        getattr(scene, again)()
    assert scene.batch().state == State.VOIDED
    assert scene.events() == []


def test_somebody_else_is_quicker_between_our_look_and_our_start(scene: Scene) -> None:
    """Our start is refused and no earlier one was sent: the job cannot be ours."""
    job = scene.export()
    scene.run()
    real = scene.pleo.move_job

    scene.stopped(scene.release, "before", "send started")
    with scene.desk() as desk:  # forget the intent as if it had just been stored
        from etl.live.starting import _send

        batch = desk.unsettled()
        assert batch is not None
        real(job, "started")
        with pytest.raises(EtlError, match="JOB-1"):
            _send(desk, batch, is_first=True)
    assert scene.batch().state == State.VOIDED


def test_a_start_from_before_our_intent_is_not_ours(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "tx start_intended")
    assert job.started_at is None
    scene.pleo.move_job(job, "started")
    assert job.started_at is not None
    job.started_at = job.started_at.replace(hour=7)
    with pytest.raises(EtlError, match="JOB-1"):
        scene.release()
    assert scene.batch().state == State.VOIDED


# ── row 5c: refusals ──


def _refused(scene: Scene, job: Job, *, kind: str, code: str) -> None:
    staged = scene.run()
    assert (staged.word, staged.exit_code) == ("staged", 2)
    assert [problem.code for problem in staged.problems] == [code]
    assert scene.events() == []
    assert job.status == "pending"
    outcome = scene.release()
    assert (outcome.word, outcome.exit_code) == ("voided", 2)
    assert scene.events() == ["started", "failed"]
    assert (job.status, job.failure_type) == ("failed", kind)
    assert job.failure_reason
    assert scene.released() == []


def test_missing_contra_accounts(scene: Scene) -> None:
    job = scene.export()
    scene.company.has_contra_accounts = False
    _refused(scene, job, kind="missing_configuration", code="JOB-6")
    assert "Settings" in str(job.failure_reason)


def test_contra_accounts_that_are_gone_when_it_is_released(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    scene.company.has_contra_accounts = False
    outcome = scene.release()
    assert (outcome.word, outcome.exit_code) == ("voided", 2)
    assert [problem.code for problem in outcome.problems] == ["JOB-6"]
    assert (job.status, job.failure_type) == ("failed", "missing_configuration")
    assert scene.released() == []


def test_vendor_bookkeeping_without_support(scene: Scene) -> None:
    job = scene.export(is_vendor_based=True)
    scene.settings["vendors"] = False
    _refused(scene, job, kind="invalid_configuration", code="JOB-5")


def test_an_item_of_another_company(scene: Scene) -> None:
    scene.company.entries[scene.entries[1]]["companyId"] = "12abc3d4-e567-490e-9234-abc56e78fabc"
    job = scene.export()
    _refused(scene, job, kind="invalid_configuration", code="JOB-7")


def test_an_item_twice_in_a_job(scene: Scene) -> None:
    job = scene.export()
    scene.pleo.faults.add("page-repeat@export-items:1-")
    scene.pleo.faults.add("page-repeat@list-items:1-")
    from etl.live.jobs import _doubles, _Head
    from etl.pleo.shapes import JobItem

    entry = scene.entries[0]
    with scene.desk() as desk:
        shown = [JobItem(entry, job.id, "pending"), JobItem(entry.upper(), job.id, "pending")]
        refusal = _doubles(desk, [_Head(entry), _Head(scene.entries[1])], shown)
    assert refusal is not None
    assert (refusal.problem.code, refusal.failure_type) == ("JOB-8", "validation_failure")
    assert entry in refusal.reason


def test_a_refusal_is_taken_back_when_its_cause_is_mended_in_time(scene: Scene) -> None:
    job = scene.export()
    scene.company.has_contra_accounts = False
    scene.run()
    scene.company.has_contra_accounts = True
    staged = scene.run()
    assert (staged.word, staged.exit_code, staged.problems) == ("staged", 0, ())
    assert scene.release().word == "closed"
    assert job.status == "completed"
    assert scene.batch().number == 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "effect",
    ["tx start_intended", "send started", "tx started", "tx refuse_intended", "send failed",
     "tx voided"],
)  # fmt: skip
@pytest.mark.parametrize("fault", [None, "lost-answer@send-event:2", "late=2@send-event:2"])
def test_a_refusal_stopped_anywhere_is_carried_out(
    scene: Scene, when: str, effect: str, fault: str | None
) -> None:
    job = scene.export()
    scene.company.has_contra_accounts = False
    scene.run()
    if fault:
        scene.pleo.faults.add(fault)
    scene.stopped(scene.release, when, effect)
    scene.release()
    assert (job.status, job.failure_type) == ("failed", "missing_configuration")
    assert scene.batch().state == State.VOIDED
    assert scene.run().word == "nothing"


# ── row 8: quarantine ──


@pytest.mark.parametrize("how", ["expired", "cancelled"])
@pytest.mark.parametrize(
    "effect", ["move_folder", "tx published", "report", "tx acknowledged", "tx reported"]
)
def test_a_job_that_ends_after_publishing_quarantines_the_batch(
    scene: Scene, how: str, effect: str
) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", effect)
    if how == "expired":
        scene.pleo.advance(HOUR)
    else:
        scene.pleo.cancel_job(job)
    outcome = scene.release()
    assert (outcome.word, outcome.exit_code) == ("quarantined", 4)
    (folder,) = scene.released()
    note = (folder / DO_NOT_IMPORT).read_text()
    assert "DO NOT IMPORT" in note
    assert "settle" in note
    assert scene.batch().state == State.QUARANTINED
    with pytest.raises(EtlError, match="JOB-2") as caught:
        scene.run()
    assert caught.value.exit_code == 4
    assert "settle" in str(caught.value)


def test_stopped_between_quarantine_and_its_note(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "after", "tx published")
    scene.pleo.cancel_job(job)
    scene.stopped(scene.release, "after", "tx quarantined")
    (folder,) = scene.released()
    assert not (folder / DO_NOT_IMPORT).exists()
    (outcome,) = scene.finish()
    assert (outcome.word, outcome.exit_code) == ("quarantined", 4)
    assert (folder / DO_NOT_IMPORT).exists()


def test_a_job_that_ends_with_nothing_published_is_void_and_not_quarantined(scene: Scene) -> None:
    scene.company.entries.clear()
    scene.company.add(item(n=9, lines=[{"account": None}]))
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "before", "report")
    scene.pleo.cancel_job(job)
    assert scene.release().word == "voided"
    assert scene.batch().state == State.VOIDED
