"""One command per company at a time; whoever comes second is told who is first."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path

import pytest

from etl import files
from etl.batches import lock as lock_module
from etl.batches.lock import company_lock
from etl.errors import HeldElsewhere, Problem, UserMustFix
from tests.fakes.ledgers import SteppingClock

NOTE = Path(".pleo-etl/locks/acme.json")


def refused(root: Path, name: str = "acme", *, clock: SteppingClock | None = None) -> str:
    with (
        pytest.raises(HeldElsewhere) as refusal,
        company_lock(root, name, clock=clock or SteppingClock(), what="pleo-etl run"),
    ):
        pytest.fail("both have the lock")
    (problem,) = refusal.value.problems
    assert problem.code == "LOCK-1"
    return problem.what


def test_the_second_is_told_who_has_it_since_when_and_for_what(tmp_path: Path) -> None:
    with company_lock(tmp_path, "acme", clock=SteppingClock(), what="pleo-etl release"):
        assert refused(tmp_path) == (
            f"`pleo-etl release` (process {os.getpid()} on {socket.gethostname()},"
            ' since 2026-03-09 08:00:01 UTC) works on company "acme"'
        )
        with (
            pytest.raises(HeldElsewhere, match="LOCK-1"),
            company_lock(tmp_path, "acme", clock=SteppingClock(), what="pleo-etl run"),
        ):
            pytest.fail("both have the lock")
        with company_lock(tmp_path, "other", clock=SteppingClock(), what="pleo-etl run"):
            pass
    with company_lock(tmp_path, "acme", clock=SteppingClock(), what="pleo-etl run"):
        assert refused(tmp_path).startswith("`pleo-etl run`")


def test_the_note_is_private_and_goes_with_the_lock(tmp_path: Path) -> None:
    with company_lock(tmp_path, "acme", clock=SteppingClock(), what="pleo-etl run"):
        assert stat.S_IMODE((tmp_path / NOTE).stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / NOTE).parent.stat().st_mode) == 0o700
        assert json.loads((tmp_path / NOTE).read_text())["command"] == "pleo-etl run"
    assert not (tmp_path / NOTE).exists()


def test_a_failing_command_lets_go(tmp_path: Path) -> None:
    for stop in (KeyboardInterrupt(), UserMustFix(Problem("X", "x", "", ""))):
        with (
            pytest.raises(type(stop)),
            company_lock(tmp_path, "acme", clock=SteppingClock(), what="pleo-etl run"),
        ):
            raise stop
        assert not (tmp_path / NOTE).exists()


def test_a_note_that_cannot_be_written_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise files.cannot_write(path, OSError(28, "No space left on device"))

    monkeypatch.setattr(files, "write_private", full)
    with (
        pytest.raises(UserMustFix, match="OUT-2"),
        company_lock(tmp_path, "acme", clock=SteppingClock(), what="pleo-etl run"),
    ):
        pytest.fail("there is no note")
    monkeypatch.undo()
    with company_lock(tmp_path, "acme", clock=SteppingClock(), what="pleo-etl run"):
        pass


def test_a_place_that_cannot_be_locked_is_named(tmp_path: Path) -> None:
    (tmp_path / NOTE).with_suffix(".lock").mkdir(parents=True)
    with (
        pytest.raises(UserMustFix, match="OUT-2"),
        company_lock(tmp_path, "acme", clock=SteppingClock(), what="pleo-etl run"),
    ):
        pytest.fail("there is no lock")


@pytest.mark.parametrize(
    "note", [None, "", "{", "[]", "7", '{"pid": 1}', '{"pid": "x", "host": "h"}', "\ud800"]
)
def test_a_note_that_says_nothing_is_waited_for_a_moment(tmp_path: Path, note: str | None) -> None:
    clock = SteppingClock()
    with company_lock(tmp_path, "acme", clock=SteppingClock(), what="pleo-etl release"):
        if note is None:
            (tmp_path / NOTE).unlink()
        else:
            (tmp_path / NOTE).write_bytes(note.encode(errors="surrogatepass"))
        assert refused(tmp_path, clock=clock) == 'another command works on company "acme"'
    assert 0 < clock.slept < 1


def test_a_holder_that_has_just_begun_is_named(tmp_path: Path) -> None:
    class Waiting(SteppingClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.slept > 0.15:
                (tmp_path / NOTE).write_text(said)

    with company_lock(tmp_path, "acme", clock=SteppingClock(), what="pleo-etl release"):
        said = (tmp_path / NOTE).read_text()
        (tmp_path / NOTE).unlink()
        assert refused(tmp_path, clock=Waiting()).startswith("`pleo-etl release`")


def test_no_broken_lock_goes_unnoticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant without the lock of the system is caught by the first test."""

    class Open:
        def __init__(self, *_: object, **__: object) -> None: ...

        def acquire(self) -> None: ...

        def release(self) -> None: ...

    monkeypatch.setattr(lock_module.filelock, "FileLock", Open)
    with pytest.raises(pytest.fail.Exception):
        test_the_second_is_told_who_has_it_since_when_and_for_what(tmp_path)


def test_what_a_killed_holder_left_of_its_note_is_swept(tmp_path: Path) -> None:
    left = tmp_path / NOTE.parent / f".pleo-etl.{NOTE.name}.0123abcd.part"
    left.parent.mkdir(parents=True)
    left.write_text("{")
    with company_lock(tmp_path, "acme", clock=SteppingClock(), what="pleo-etl run"):
        assert not left.exists()
