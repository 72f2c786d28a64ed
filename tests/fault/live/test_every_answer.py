"""C-01 for what a person answers: a stop at every seam of each answer, and of what follows it.

A batch of three items was released. Then something is said of it, or something goes wrong, the
items come again, and everybody goes on until nothing is left. A stopped command is given again.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.fault.live.amounts import IS_FULL
from tests.fault.live.people import Person
from tests.fault.live.stops import Seams
from tests.fault.live.world import World

SEED = 1
#: Of each answer so many places, unless all of them are tried.
SAMPLE = 5
MAX_TIMES = 4
MAX_ROUNDS = 6


def _reverse(world: World, person: Person) -> None:
    _until_it_ends(person, person.reverse)
    person.take_in()
    _export(world)


def _withdraw(world: World, person: Person) -> None:
    person.folders.clear()
    person.imported.clear()
    _until_it_ends(person, person.withdraw)
    _export(world)


def _say_imported(world: World, person: Person) -> None:
    (batch,) = person.released()
    refused = sorted(batch.entries)[0]
    person.refuse(batch, {refused})
    _until_it_ends(person, person.say_imported)
    _export(world)


def _rebuild(world: World, person: Person) -> None:
    world.lose_ledger("", is_whole_folder=False)
    _until_it_ends(person, lambda: person.command("rebuild"))
    _export(world)


def _rebuild_without_anything(world: World, person: Person) -> None:
    world.lose_ledger("", is_whole_folder=True)
    _until_it_ends(person, lambda: person.command("rebuild"))
    _export(world)


def _adopt(world: World, person: Person) -> None:
    company = world.company("acme")
    job = world.pleo.add_job(company, [company.add(person.new_entry())], is_vendor_based=False)
    world.pleo.move_job(job, "started")
    _until_it_ends(person, lambda: person.command("adopt", job=job.id))


def _settle(world: World, person: Person) -> None:
    """The job ends when its files are out, and they were not imported."""
    company = world.company("acme")
    job = world.pleo.add_job(company, [company.add(person.new_entry())], is_vendor_based=False)
    person.command("run")
    world.seams.named_meetings["after files.move_folder"] = lambda: world.pleo.cancel_job(job)
    _until_it_ends(person, lambda: person.command("release"))
    _until_it_ends(person, person.answer)
    _export(world)


def _vanish(world: World, person: Person) -> None:
    """Pleo forgets the job when its files are out."""
    company = world.company("acme")
    job = world.pleo.add_job(company, [company.add(person.new_entry())], is_vendor_based=False)
    person.command("run")
    world.seams.named_meetings["after files.move_folder"] = lambda: world.vanish(job)
    _until_it_ends(person, lambda: person.command("release"))
    _until_it_ends(person, person.answer)
    _export(world)


ANSWERS: dict[str, Callable[[World, Person], None]] = {
    "reverse": _reverse, "withdraw": _withdraw, "imported": _say_imported, "rebuild": _rebuild,
    "rebuild without anything": _rebuild_without_anything, "adopt": _adopt, "settle": _settle,
    "vanish": _vanish,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_stop_at_every_seam_of_an_answer(name: str) -> None:
    count = _play(name, 0)
    places = list(range(1, count + 1))
    if not IS_FULL:
        places = random.Random(f"{SEED} {name}").sample(places, min(SAMPLE, count))
    for place in places:
        _play(name, place)
    print(f"{name}: {len(places)} of {count} places")


def _play(name: str, place: int) -> int:
    """Stop at a seam (0: nowhere); give how many there are."""
    seams = Seams()
    with World(("acme",), seed=SEED, seams=seams) as world:
        company = world.add_company("acme", 3)
        world.pleo.add_job(company, is_vendor_based=False)
        person = Person(world, "acme", random.Random(SEED), is_hasty=False)
        person.go_on()
        assert person.is_done()
        seams.passed.clear()
        seams.plan[:] = [place] if place else []
        ANSWERS[name](world, person)
        for _ in range(MAX_ROUNDS):
            if person.is_done():
                break
            person.go_on()
        count = len(seams.passed)
        seams.plan.clear()
        story = "\n".join([f"{name}, a stop at {place} {seams.stopped}", *world.log])
        assert person.is_done(), story
        person.export_the_rest()
        for _ in range(MAX_ROUNDS):
            if person.is_done():
                break
            person.go_on()
        found = world.look(is_settled=True, is_last=True)
        assert not found, f"{story}\n{found}"
        before = world.snapshot()
        person.command("run")
        assert not world.differences(before), story
    return count


def _until_it_ends(person: Person, act: Callable[[], object]) -> None:
    """Do something, and do it again for as long as it is stopped."""
    for _ in range(MAX_TIMES):
        act()
        if person.last is not None and not person.last.is_stopped:
            return


def _export(world: World) -> None:
    """Click Export for everything once more."""
    world.pleo.add_job(world.company("acme"), is_vendor_based=False)
