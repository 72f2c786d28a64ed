"""Checks of Pleo's export rules, section 17, that need a Pleo; each named by its number."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.errors import EtlError, TryLater
from etl.live.folders import DO_NOT_IMPORT
from etl.pleo.sandbox.pleo import Manners
from tests.fakes.items import item
from tests.unit.cli.live import make_staged
from tests.unit.live.scene import Scene


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    found = Scene(tmp_path / "work")
    monkeypatch.setenv("PLEO_API_KEY_ACME", found.key)
    found.hook(monkeypatch)
    return found


def test_check_1_only_the_older_of_two_jobs_is_started_and_then_the_other(scene: Scene) -> None:
    older = scene.export(scene.entries[:1])
    scene.pleo.advance(60)
    newer = scene.export(scene.entries[1:])
    scene.run()
    scene.stopped(scene.release, "before", "tx closed")
    assert (older.status, newer.status) == ("completed", "pending")
    scene.run()
    assert newer.status == "pending"
    scene.release()
    assert newer.status == "completed"
    assert newer.started_at is not None
    assert older.completed_at is not None
    assert newer.started_at >= older.completed_at


def test_check_2_run_makes_get_requests_only(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.run()
    assert {request.method for request in scene.transport.sent} == {"GET"}


def test_check_2_what_only_looks_makes_get_requests_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    live = make_staged(tmp_path)
    looks = (
        ("jobs",), ("status",), ("history",), ("review",), ("check", "--online"),
        ("ledger", "verify", "--online"), ("run",), ("discard", "--yes"),
    )  # fmt: skip
    for words in looks:
        before = len(live.requests())
        assert live.run(*words).exit_code in (0, 1), words
        assert {method for method, _path in live.requests()[before:]} <= {"GET"}, words
    assert len(live.requests()) > len(looks)
    assert [job.status for job in live.pleo.jobs.values()] == ["pending"]


def test_check_3_a_restart_after_60_of_150_reports_sends_the_other_90(scene: Scene) -> None:
    for n in range(4, 151):
        scene.company.add(item(n=n))
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "before", "report")
    for entry in sorted(scene.entries)[:60]:  # Pleo has these; nobody could note it here
        shown = job.items[entry]
        with scene.desk() as desk:
            (verdict,) = [one for one in desk.ledger.verdicts(scene_id(scene, desk))
                          if one.entry_id == entry]  # fmt: skip
        shown.status, shown.external_id = "successful", verdict.external_id
    before = len(scene.pleo.seen)
    scene.release()
    sent = [one.call for one in scene.pleo.seen[before:]]
    assert "send-event" in [call.operation for call in sent]
    assert scene.events() == ["started", "completed"]
    reported = [one["accountingEntryId"] for body in scene.bodies("report-items") for one in body]
    assert len(reported) == 90
    assert set(reported) == set(sorted(scene.entries)[60:])
    assert scene.booked() == sorted(scene.entries)


def scene_id(scene: Scene, desk: object) -> str:
    batch = desk.unsettled()  # type: ignore[attr-defined]
    assert batch is not None
    return str(batch.id)


def test_check_4_150_results_go_in_requests_of_100_and_50(scene: Scene) -> None:
    for n in range(4, 151):
        scene.company.add(item(n=n))
    scene.export()
    scene.run()
    refused = scene.entries[20]
    scene.pleo.refuse_item(refused, "ACCOUNTING_ENTRY_UPDATE_FAILED")
    scene.release()
    bodies = scene.bodies("report-items")
    assert [len(body) for body in bodies] == [100, 50, 1]
    assert bodies[2][0]["accountingEntryId"] == refused


@pytest.mark.parametrize("layer", ["list-items", "export-items"])
def test_check_5_no_file_exists_before_the_third_page_is_read(scene: Scene, layer: str) -> None:
    for n in range(4, 7):
        scene.company.add(item(n=n))
    scene.pleo.manners = Manners(largest_page=2)
    scene.export()
    scene.pleo.faults.add(f"error=503@{layer}:3-")
    with pytest.raises(TryLater):
        scene.run()
    assert not list((scene.root / ".pleo-etl").glob("batches/*/*"))
    assert scene.released() == []
    with scene.desk() as desk:
        assert desk.ledger.batches(scene.company.id) == []


def test_check_6_an_item_of_another_company_renders_nothing_and_fails_the_job(
    scene: Scene,
) -> None:
    entry = scene.company.entries[scene.entries[1]]
    entry["companyId"] = "12abc3d4-e567-490e-9234-abc56e78fabc"
    job = scene.export()
    staged = scene.run()
    assert staged.exit_code == 2
    assert not list(scene.root.rglob("*.csv"))
    scene.release()
    assert (job.status, job.failure_type) == ("failed", "invalid_configuration")
    assert not list(scene.root.rglob("*.csv"))


def test_check_19_all_failed_is_failed_and_some_failed_is_with_errors(scene: Scene) -> None:
    bad = scene.company.add(item(n=8, lines=[{"account": None}]))
    all_failed = scene.export([bad])
    scene.run()
    scene.release()
    assert (all_failed.status, all_failed.failure_type) == ("failed", "validation_failure")
    some_failed = scene.export()
    scene.run()
    scene.release()
    assert some_failed.status == "completed_with_errors"
    assert some_failed.failure_type is None
    sent = scene.bodies("send-event")
    assert [body["event"] for body in sent] == [
        "started", "failed", "started", "completed_with_errors",
    ]  # fmt: skip
    assert [sorted(body) for body in sent if body["event"] != "failed"] == [["event", "jobId"]] * 3


def test_check_20_a_422_on_the_report_quarantines_and_tells_the_user(scene: Scene) -> None:
    job = scene.export()
    scene.run()
    scene.stopped(scene.release, "before", "report")
    scene.pleo.cancel_job(job)
    with pytest.MonkeyPatch.context() as patch:  # so that the report itself is what meets the 422
        from etl.live import reporting

        patch.setattr(reporting, "_look", lambda _desk, batch: batch)
        outcome = scene.release()
    assert [one.status for one in scene.pleo.seen if one.call.operation == "report-items"] == [422]
    assert (outcome.word, outcome.exit_code) == ("quarantined", 4)
    assert "do not import it" in outcome.next_step
    assert (scene.released()[0] / DO_NOT_IMPORT).is_file()


def test_check_21_the_same_entry_in_a_second_job_is_not_rendered_again(scene: Scene) -> None:
    scene.export()
    scene.run()
    scene.release()
    second = scene.export()
    scene.run_release()
    assert scene.booked() == sorted(scene.entries)
    assert {one.status for one in second.items.values()} == {"failed"}


def test_check_22_missing_contra_accounts_fail_the_job_and_name_the_place(scene: Scene) -> None:
    job = scene.export()
    scene.company.has_contra_accounts = False
    staged = scene.run()
    assert staged.exit_code == 2
    assert "Settings, Accounting" in staged.next_step
    assert job.status == "pending"
    scene.run_release()
    assert (job.status, job.failure_type) == ("failed", "missing_configuration")
    assert "Settings, Accounting" in str(job.failure_reason)


def test_a_page_that_lies_stops_before_anything_is_stored(scene: Scene) -> None:
    scene.export()
    scene.pleo.faults.add("page-gap@export-items:1-")
    with pytest.raises(EtlError) as caught:
        scene.run()
    assert caught.value.exit_code == 3
    with scene.desk() as desk:
        assert desk.ledger.batches(scene.company.id) == []
