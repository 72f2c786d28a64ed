"""C-03: the installed command is killed at random times and at every kind of request.

The next command finds what was left, without a person, and within five seconds of its own work.
"""

from __future__ import annotations

import random

import pytest

from tests.fault.live import invariants, places
from tests.fault.live.amounts import SHARDS, amount
from tests.fault.live.machine import Done, Machine, machine

KILLS = amount(default=3, full=200)
KILLS_PER_STORY = amount(default=3, full=5)
#: Stories are played until this many kills fell: some fall when a command has ended already.
TESTS = min(SHARDS, KILLS // KILLS_PER_STORY)
SHARE = -(-KILLS // TESTS)
MAX_SECONDS = 5.0
#: A command takes about this long on an idle machine; kills fall before and after it too.
LONGEST = 2.5
MAX_COMMANDS = 12
KILLED = -9


@pytest.mark.parametrize("number", range(TESTS))
def test_killed_anywhere_the_next_command_goes_on(number: int) -> None:
    stories = kills = 0
    while kills < SHARE:
        kills += _story(number + TESTS * stories)
        stories += 1
        assert stories <= SHARE, f"{stories} stories brought {kills} kills"
    print(f"{stories} stories: {kills} kills")


def _story(seed: int) -> int:
    """Play a story; give how often a command was killed."""
    chance = random.Random(f"kills {seed}")
    with machine() as place:
        company = place.add_company("acme", chance.randint(1, 30))
        place.pleo.add_job(company, is_vendor_based=False)
        left, said = KILLS_PER_STORY, [f"seed {seed}"]
        for number in range(MAX_COMMANDS):
            words = ("run",) if number % 2 == 0 else ("release", "--yes")
            if left and chance.random() < 0.8:
                done = _killed(place, words, chance)
                left -= done.code == KILLED
            else:
                done = place.run(*words)
            said.append(f"{words} -> {done.code}, {done.seconds:.1f} s\n{done.out}{done.err}")
            story = "\n".join(said)
            assert done.code in (KILLED, 0, 1), story
            assert "Traceback" not in done.err, story
            assert done.code == KILLED or done.seconds <= MAX_SECONDS, story
            assert not _look(place, is_settled=False), story
            if not left and number % 2 and not any(j.is_running for j in place.pleo.jobs.values()):
                break
        # What was killed last may still have to be finished, though Pleo has ended the job.
        for words in (("run",), ("release", "--yes")):
            assert place.run(*words).code in (0, 1)
        found = _look(place, is_settled=True)
        assert not found, "\n".join([*said, *found])
        _check_a_further_run(place)
        return KILLS_PER_STORY - left


def _killed(place: Machine, words: tuple[str, ...], chance: random.Random) -> Done:
    if chance.random() < 0.5:
        return place.end_after(words, chance.uniform(0.05, LONGEST))
    request = chance.randint(1, 8)
    return place.end_at(words, request=request, is_after=chance.random() < 0.5)


def _look(place: Machine, *, is_settled: bool) -> list[str]:
    found = invariants.Found()
    for name in place.names:
        released = invariants.read_outbox(place.root / "outbox" / name)
        wanted = places.company_id(name)
        jobs = {j.id: j for j in place.pleo.jobs.values() if j.company_id == wanted}
        invariants.check_vouchers(released, found)
        invariants.check_listed(released, jobs, found)
        invariants.check_told(released, jobs, is_settled=is_settled, found=found)
        if is_settled:
            entries = place.pleo.companies[wanted].entries
            invariants.check_nothing_lost(released, jobs, entries=entries, found=found)
    if is_settled:
        for path in (*invariants.left_over(place.root), *invariants.held(place.root)):
            found.hold(False, f"INV5 {path}")
    return found.violations


def _check_a_further_run(place: Machine) -> None:
    before = invariants.snapshot(place.root, place.pleo.jobs)
    assert place.run("run").code == 0
    assert place.run("release", "--yes").code in (0, 1)
    assert invariants.snapshot(place.root, place.pleo.jobs) == before
