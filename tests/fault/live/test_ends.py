"""C-04: told to end by the system, by Ctrl-C, by a closed terminal, or by a reader that went away.

The exit code is a shell's own for it, nothing of a traceback is shown, and the next command goes
on as after a kill.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess

import pytest

from tests.fault.live import invariants
from tests.fault.live.amounts import amount
from tests.fault.live.machine import Machine, machine

TIMES = amount(default=1, full=20)
CODES = {signal.SIGTERM: (143,), signal.SIGINT: (130,), signal.SIGHUP: (129, -1)}
WORDS = (("run",), ("release", "--yes"))


@pytest.mark.parametrize("number", sorted(CODES), ids=lambda number: signal.Signals(number).name)
def test_told_to_end(number: signal.Signals) -> None:
    print(f"{TIMES * len(WORDS)} commands told to end")
    for seed in range(TIMES):
        chance = random.Random(f"ends {number} {seed}")
        with machine() as place:
            _begin(place)
            for words in WORDS:
                request = chance.randint(1, 4 if words == ("run",) else 7)
                done = place.end_at(
                    words, request=request, is_after=chance.random() < 0.5, by=number
                )
                story = f"seed {seed}, {words} at request {request}\n{done.out}{done.err}"
                assert done.code in (*CODES[number], 0, 1), story
                assert "Traceback" not in done.err, story
                place.run(*words)
            _finish(place)


def test_a_reader_that_went_away() -> None:
    for _ in range(TIMES):
        with machine() as place:
            _begin(place)
            for words in WORDS:
                read, write = os.pipe()
                os.close(read)
                process = place.start(*words, stdout=write, stderr=subprocess.PIPE)
                os.close(write)
                done = place.wait(process, words)
                assert done.code in (141, 0, 1), done.err
                assert "Traceback" not in done.err
            _finish(place)


def _begin(place: Machine) -> None:
    company = place.add_company("acme", 8)
    place.pleo.add_job(company, is_vendor_based=False)


def _finish(place: Machine) -> None:
    for words in WORDS:
        done = place.run(*words)
        assert done.code in (0, 1), done.err
    (job,) = place.pleo.jobs.values()
    assert job.status == "completed_with_errors"
    (released,) = invariants.read_outbox(place.root / "outbox" / "acme")
    assert len(released.entries) == 7
    assert not list(invariants.left_over(place.root))
    assert not list(invariants.held(place.root))
