"""Told to end in the middle of a release: its own exit code, and the next command goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.pleo.sandbox import RunningSandbox
from tests.fakes.users import SEARCHED
from tests.fault.test_signals import CODES, PROGRAM, signalled
from tests.unit.cli.live import BASE_URL, Live, make_live


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """Give a workspace whose Pleo listens on the loopback address."""
    made = make_live(tmp_path)
    with RunningSandbox(made.pleo) as running:
        settings = tmp_path / "pleo-etl.yaml"
        settings.write_text(settings.read_text().replace(BASE_URL, running.base_url))
        yield made


def environment(live: Live) -> dict[str, str]:
    return os.environ | live.environment | {"PYTHONPATH": SEARCHED}


def run(live: Live, *words: str, program: tuple[str, ...] = ("-m", "etl.cli")) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, *program, *words],
        cwd=live.root, env=environment(live), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("number", "effect", "place"), signalled([("replace", 1), ("fsync", 1), ("rename", 1)])
)
def test_a_release_that_is_told_to_end_is_finished_by_the_next_one(
    live: Live, *, number: signal.Signals, effect: str, place: int
) -> None:
    job = live.job()
    assert live.run("run").exit_code == 1
    stopper = ("-c", PROGRAM, str(int(number)), effect, str(place))
    code, said = run(live, "release", "--yes", program=stopper)
    assert code == CODES[number], said  # 1 would be a release without such an effect
    assert "pleo-etl release" in said or "nothing is left in between" in said
    assert run(live, "release", "--yes")[0] in (0, 1)
    assert job.status == "completed_with_errors"
    assert len(list((live.root / "outbox").rglob("plain_1_1.csv"))) == 1
    assert "pleo-etl imported 1" in live.run("status").stdout


@pytest.mark.parametrize("number", sorted(CODES))
def test_a_watch_is_ended_at_once(live: Live, number: signal.Signals) -> None:
    watching = subprocess.Popen(
        [sys.executable, "-m", "etl.cli", "run", "--watch"],
        cwd=live.root, env=environment(live), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert watching.stderr is not None
    assert "no export job that waits" in watching.stderr.readline()
    watching.send_signal(number)
    guard = threading.Timer(60, watching.kill)
    guard.start()
    said = watching.stderr.read()
    guard.cancel()
    assert watching.wait() == CODES[number]
    assert "nothing is left in between" in said
    assert "Traceback" not in said
    watching.stderr.close()
