"""Faults that the stories have found, each told once more as short as it can be."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.fault.live.people import Person
from tests.fault.live.stops import Seams
from tests.fault.live.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with World(("acme",), seed=1, seams=Seams()) as opened:
        opened.add_company("acme", 3)
        yield opened


@pytest.fixture
def person(world: World) -> Person:
    return Person(world, "acme", random.Random(1), is_hasty=False)


def test_a_batch_of_which_no_file_is_out_is_void_and_not_quarantined(
    world: World, person: Person
) -> None:
    """There is no folder that could say DO NOT IMPORT, and nothing that a person could settle."""
    company = world.company("acme")
    world.pleo.add_job(company, is_vendor_based=False)
    person.go_on()
    again = world.pleo.add_job(company, is_vendor_based=False)
    person.command("run")
    person.command("answer", answers={})
    seams = world.seams
    seams.named_meetings["after PUT v3/export-jobs/*/items"] = lambda: world.pleo.cancel_job(again)
    done = person.command("release")
    assert (done.exit_code, done.outcome.word) == (4, "voided")
    assert person.is_done()
    assert not world.look(is_settled=True)


@pytest.mark.parametrize("place", ["after commit", "before files.move_folder"])
def test_a_started_job_whose_items_changed_is_released_after_a_new_approval(
    world: World, person: Person, place: str
) -> None:
    """The new revision is approved and goes on, although its job was started for the old one."""
    company = world.company("acme")
    world.pleo.add_job(company, is_vendor_based=False)
    person.command("run")
    entry = sorted(company.entries)[0]
    amount = company.entries[entry]["accountingEntryLines"][0]["lineAmount"]["inWalletCurrency"]
    amount["value"] += 1
    assert person.command("release").outcome.word == "waiting"
    world.seams.stops_at = place
    assert person.command("release").is_stopped
    assert person.command("release").exit_code == 0
    assert person.is_done()
    assert not world.look(is_settled=True)
