"""`run --wait` and `--watch`, and what Ctrl-C leaves: nothing waits here, time is moved."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from etl.cli.interrupting import Terminated
from tests.fakes.transport import SandboxClockOf
from tests.unit.cli.live import Live


class Moments(SandboxClockOf):
    """A clock that does something each time somebody waits."""

    def __init__(self, live: Live, *acts: Callable[[], object]) -> None:
        super().__init__(live.pleo)
        self._acts = list(acts)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._acts.pop(0)()


def stop() -> None:
    raise KeyboardInterrupt


def terminate() -> None:
    raise Terminated


def nothing() -> None:
    pass


def test_wait_stages_the_next_export_and_ends(live: Live) -> None:
    clock = Moments(live, nothing, live.job)
    result = live.run("run", "--wait", clock=clock)
    assert result.exit_code == 1
    assert result.stderr.count("no export job that waits") == 1
    assert "batch 1" in result.stderr
    assert clock.slept == [300, 300]


def test_wait_goes_on_where_pleo_is_down_for_a_while(live: Live) -> None:
    live.job()
    live.pleo.faults.add("error=503@list-jobs:1-")
    clock = SandboxClockOf(live.pleo)
    rounds = []

    class Recovering(Moments):
        def sleep(self, seconds: float) -> None:
            clock.sleep(seconds)
            if seconds == 60:  # between rounds; within a call the pauses are others
                rounds.append(seconds)
                live.pleo.faults.clear()

    result = live.run("run", "--wait", "--every", "60", clock=Recovering(live))
    assert (result.exit_code, len(rounds)) == (1, 1)


def test_watch_asks_politely_and_stages_each_export(live: Live) -> None:
    clock = Moments(live, live.job, nothing, stop)
    result = live.run("run", "--watch", "--every", "600", clock=clock)
    assert result.exit_code == 130
    assert clock.slept == [600, 600, 600]
    assert result.stderr.count("is staged, revision 1") == 1
    assert result.stderr.count("it waits for your review") == 2  # once found, once when stopped
    lists = [path for _method, path in live.requests() if path == "/v3/export-jobs"]
    assert len(lists) <= 4


def test_watch_lets_an_export_go_that_ended_unreviewed_and_stages_the_next(live: Live) -> None:
    def export_again() -> None:
        live.pleo.advance(3600)
        live.job()

    result = live.run("run", "--watch", clock=Moments(live, live.job, nothing, export_again, stop))
    assert [job.failure_type for job in live.pleo.jobs.values()] == ["job_expired", None]
    assert "Pleo ended the export job of batch 1" in result.stderr
    assert result.stderr.count("is staged, revision 1") == 2
    said = [one["state"] for one in live.json("history")["companies"][0]["batches"]]
    assert sorted(said) == ["staged", "voided"]


def test_watch_goes_on_after_an_export_that_was_refused(live: Live) -> None:
    def mend() -> None:
        live.companies["acme"].has_contra_accounts = True
        live.job()

    live.companies["acme"].has_contra_accounts = False
    live.job()
    result = live.run("run", "--watch", "--release", clock=Moments(live, mend, stop))
    assert result.exit_code == 130
    assert [job.status for job in live.pleo.jobs.values()] == ["failed", "completed_with_errors"]


def test_watch_and_release_goes_on_with_the_next_export(live: Live) -> None:
    result = live.run("run", "--watch", "--release", clock=Moments(live, live.job, stop))
    assert result.exit_code == 130
    assert [job.status for job in live.pleo.jobs.values()] == ["completed_with_errors"]
    assert "nothing is left in between" in result.stderr


def test_watch_says_the_same_failure_once_and_ends_where_only_a_person_can_help(
    live: Live,
) -> None:
    live.pleo.faults.add("error=503@list-jobs:1-")
    ended = live.run("run", "--watch", "--every", "60", clock=Failing(live))
    assert ended.exit_code == 130
    assert ended.stderr.count("error[") == 1
    live.pleo.faults.clear()
    live.environment["PLEO_API_KEY_ACME"] = "of-another-pleo"
    assert live.run("run", "--watch", clock=Moments(live)).exit_code == 2


class Failing(Moments):
    """Three rounds in which Pleo is down, then Ctrl-C."""

    rounds = 0

    def sleep(self, seconds: float) -> None:
        SandboxClockOf.sleep(self, seconds)
        if seconds == 60:
            self.rounds += 1
            if self.rounds == 3:
                raise KeyboardInterrupt


def test_every_has_a_least_and_wait_and_watch_exclude_each_other(live: Live) -> None:
    assert live.json("run", "--watch", "--every", "5")["errors"][0]["code"] == "CLI-1"
    assert live.json("run", "--watch", "--wait")["errors"][0]["code"] == "CLI-1"


@pytest.mark.parametrize(("end", "code"), [(stop, 130), (terminate, 143)])
def test_an_interruption_says_what_stays_and_what_the_next_command_does(
    live: Live, monkeypatch: pytest.MonkeyPatch, end: Callable[[], None], code: int
) -> None:
    from etl.live import publishing

    job = live.job()
    live.run("run")
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "publish", lambda *_given: end())
        result = live.run("release", "--yes", "--json")
    assert result.exit_code == code
    document = json.loads(result.stdout)
    assert (document["exit_code"], document["companies"][0]["outcome"]) == (code, "interrupted")
    assert "the export is started in Pleo, and no file is out yet" in result.stderr
    assert "pleo-etl release  goes on where it stopped" in result.stderr
    assert live.run("release", "--yes").exit_code == 1
    assert job.status == "completed_with_errors"


def test_an_interruption_before_anything_was_begun_says_so(live: Live) -> None:
    result = live.run("run", "--wait", clock=Moments(live, stop))
    assert result.exit_code == 130
    assert result.stderr.endswith(
        "interrupted\nnothing is left in between; the same command begins anew\n"
    )
