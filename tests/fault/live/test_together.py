"""C-09: two to eight commands at once, for one company and for different ones."""

from __future__ import annotations

import random

import pytest

from tests.fault.live import invariants
from tests.fault.live.amounts import amount
from tests.fault.live.machine import Machine, machine

ROUNDS = amount(default=2, full=60)
HELD = 4
#: How long a loser may take, of its own work.
MAX_SECONDS = 2.0


@pytest.mark.parametrize("number", range(2))
def test_at_once(number: int) -> None:
    print(f"{len(range(number, ROUNDS, 2))} rounds")
    for seed in range(number, ROUNDS, 2):
        chance = random.Random(f"together {seed}")
        names = ["acme"] if chance.random() < 0.6 else ["acme", "bravo"]
        with machine(names) as place:
            for name in names:
                place.pleo.add_job(place.add_company(name, 6), is_vendor_based=False)
            for what in ("run", "release"):
                _at_once(place, what, names, chance)
            _finish(place, names)


def _at_once(place: Machine, what: str, names: list[str], chance: random.Random) -> None:
    calls = []
    for _ in range(chance.randint(2, 8)):
        more = ["--yes"] if what == "release" else []
        words = [what, *more, "--company", chance.choice(names)]
        calls.append((words, place.start(*words)))
    for words, process in calls:
        done = place.wait(process, words)
        assert done.code in (0, 1, HELD), f"{words}\n{done.err}"
        assert "Traceback" not in done.err
        if done.code == HELD and "LOCK-1" in done.err:
            assert done.seconds <= MAX_SECONDS
            assert "pid" in done.err or "process" in done.err


def _finish(place: Machine, names: list[str]) -> None:
    for name in names:
        for words in (("run",), ("release", "--yes")):
            done = place.run(*words, "--company", name)
            assert done.code in (0, 1), done.err
        (released,) = invariants.read_outbox(place.root / "outbox" / name)
        assert len(released.items) == 6
    assert all(job.status == "completed" for job in place.pleo.jobs.values())
    sent = [seen.call.body for seen in place.pleo.seen if seen.call.operation == "send-event"]
    starts = [body for body in sent if b'"started"' in body]
    assert len(starts) == len(names)
    assert not list(invariants.held(place.root))
