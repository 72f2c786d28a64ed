"""Processes at once on one ledger and one lock; holders and writers that are killed (C-09, C-10).

The processes are real: what holds here holds for two commands of a company.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from etl.batches.lock import company_lock
from etl.batches.states import Kind
from etl.clock import SystemClock
from etl.errors import HeldElsewhere
from tests.fakes.ledgers import COMPANY, SteppingClock, open_in, walk_until

PROJECT = Path(__file__).parents[2]
#: More of them in a heavy run: PLEO_ETL_ROUNDS=500.
ROUNDS = int(os.environ.get("PLEO_ETL_ROUNDS", "12"))
KILLS = int(os.environ.get("PLEO_ETL_KILLS", "2"))
#: Processes at once; in a heavy run PLEO_ETL_AT_ONCE="2 3 4 5 6 7 8".
COUNTS = [int(count) for count in os.environ.get("PLEO_ETL_AT_ONCE", "5").split()]
NOTE = Path(".pleo-etl/locks/acme.json")


def begin(what: str, root: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fault.ledger_work", what, str(root), *more],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def together(what: str, root: Path, *, count: int, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    running = [begin(what, root, str(rounds)) for _ in range(count)]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * count
    return [json.loads(one) for one in said]


@pytest.mark.parametrize("count", COUNTS)
def test_processes_at_once_lose_no_event_and_share_no_number(tmp_path: Path, count: int) -> None:
    said = together("appending", tmp_path, count=count)
    ends = {end for one in said for end in one["ends"]}
    assert ends <= {"done", "voided", "none", "LED-7", "LED-8", "LED-9"}
    with open_in(tmp_path, create=False) as ledger:
        events = ledger.events(COMPANY)
        assert len(events) == sum(one["stored"] for one in said) > 0
        assert ledger.verify() == []
        assert (
            len(ledger.batches(COMPANY, states=None))
            == Counter(event.kind for event in events)[Kind.RESERVED]
        )
    unsettled: set[str] = set()
    for event in events:
        if event.kind is Kind.RESERVED:
            assert not unsettled, "two unsettled batches"
            unsettled.add(event.batch_id)
        if event.kind is Kind.VOIDED:
            unsettled.discard(event.batch_id)


@pytest.mark.parametrize("count", COUNTS)
def test_one_process_at_a_time_has_the_lock(tmp_path: Path, count: int) -> None:
    with company_lock(tmp_path, "acme", clock=SystemClock(), what="pleo-etl run"):
        (outside,) = together("locking", tmp_path, count=1, rounds=1)
    assert outside["inside"] == 0
    (what,) = outside["told"]
    assert what.startswith(f"`pleo-etl run` (process {os.getpid()} on {socket.gethostname()}, ")
    said = together("locking", tmp_path, count=count)
    assert sum(one["inside"] for one in said) > 0
    assert max(one["longest"] for one in said) < 2
    for what in {what for one in (outside, *said) for what in one["told"]}:
        assert 'works on company "acme"' in what
        assert f"on {socket.gethostname()}, since " in what or what.startswith("another command")
    assert not (tmp_path / NOTE).exists()


def held(root: Path) -> str:
    with (
        pytest.raises(HeldElsewhere, match="LOCK-1") as refusal,
        company_lock(root, "acme", clock=SteppingClock(), what="pleo-etl run"),
    ):
        pytest.fail("two have the lock")
    return refusal.value.problems[0].what


def test_a_killed_holder_keeps_nobody_out(tmp_path: Path) -> None:
    holder = begin("holding", tmp_path)
    assert holder.stdout is not None
    pid = json.loads(holder.stdout.readline())["pid"]
    began = time.monotonic()
    assert held(tmp_path).startswith(f"`pleo-etl release` (process {pid} on ")
    assert time.monotonic() - began < 2
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=60)
    assert (tmp_path / NOTE).exists()
    with company_lock(tmp_path, "acme", clock=SystemClock(), what="pleo-etl run"):
        assert held(tmp_path).startswith(f"`pleo-etl run` (process {os.getpid()} on ")
    assert not (tmp_path / NOTE).exists()


NOTES = [
    json.dumps({"pid": pid, "host": host, "since": since, "command": command})
    for pid in (1, os.getpid(), 999_999_999, -1)
    for host in (socket.gethostname(), "another-machine", "")
    for since in ("2020-01-01 00:00:00 UTC", "2099-01-01 00:00:00 UTC")
    for command in ("pleo-etl release", "")
] + ["", "{}", "[]", "null", "{", "\0" * 4096, "x" * 100_000, '{"pid": null}']


@pytest.mark.parametrize("note", NOTES, ids=range(len(NOTES)))
def test_a_note_of_nobody_keeps_nobody_out(tmp_path: Path, note: str) -> None:
    """The holder died, its pid is another's by now, or it was another machine's."""
    (tmp_path / NOTE).parent.mkdir(parents=True)
    (tmp_path / NOTE).write_text(note)
    (tmp_path / NOTE).with_suffix(".lock").write_text("")
    with company_lock(tmp_path, "acme", clock=SteppingClock(), what="pleo-etl run"):
        assert held(tmp_path).startswith(f"`pleo-etl run` (process {os.getpid()} on ")
    assert not (tmp_path / NOTE).exists()


def test_a_killed_writer_loses_nothing_that_it_was_told_is_stored(tmp_path: Path) -> None:
    told = []
    for _ in range(KILLS):
        writer = begin("writing", tmp_path)
        assert writer.stdout is not None
        told += [writer.stdout.readline().strip() for _ in range(3)]
        writer.send_signal(signal.SIGKILL)
        told += writer.communicate(timeout=60)[0].split("\n")[:-1]
        with open_in(tmp_path, create=False) as ledger:
            assert ledger.verify() == []
            known = {batch.id for batch in ledger.batches(COMPANY)}
            assert set(told) <= known
            batch = ledger.unsettled(COMPANY)
            if batch is not None:
                ledger.append(batch, Kind.VOIDED, {"why": "killed"})
    with open_in(tmp_path, create=False) as ledger:
        assert walk_until(ledger, Kind.CLOSED).number == 1
