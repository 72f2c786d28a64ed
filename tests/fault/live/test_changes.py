"""C-08: settings, mapping, template or version are changed between any two states of a batch.

The batch keeps what it was made with, or stops with a code; put back, it goes on.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.fault.live.people import Person
from tests.fault.live.stops import Seams
from tests.fault.live.world import World

#: The seam at which the release is stopped -> the state in which the change finds the batch.
PLACES = {
    "staged": "before GET v3/export-jobs/*",
    "starting": "after POST v3/export-job-events",
    "publishing": "before files.move_folder",
    "published": "before PUT v3/export-jobs/*/items",
    "reported": "after PUT v3/export-jobs/*/items",
}


def _text(world: World) -> None:
    world.settings["acme"]["text"] = "another mapping"


def _vendors(world: World) -> None:
    world.settings["acme"]["vendors"] = True


def _outbox(world: World) -> None:
    path = world.root / "pleo-etl.yaml"
    path.write_text(path.read_text() + "outbox: elsewhere\n", encoding="utf-8")
    world.outbox_names.append("elsewhere")


def _company(world: World) -> None:
    path = world.root / "pleo-etl.yaml"
    path.write_text(path.read_text().replace("template: ./seams", "template: datev-extf"))


CHANGES: dict[str, Callable[[World], None]] = {
    "mapping": _text,
    "template": _vendors,
    "settings": _outbox,
    "company": _company,
}


@pytest.mark.parametrize("change", sorted(CHANGES))
@pytest.mark.parametrize("state", sorted(PLACES))
def test_a_change_between_two_states(state: str, change: str) -> None:
    seams = Seams()
    with World(("acme",), seed=1, seams=seams) as world:
        company = world.add_company("acme", 3)
        world.pleo.add_job(company, is_vendor_based=False)
        person = Person(world, "acme", random.Random(1), is_hasty=False)
        assert person.command("run").exit_code == 0
        seams.stops_at = PLACES[state]
        assert person.command("release").is_stopped
        settings = (world.root / "pleo-etl.yaml").read_text()
        CHANGES[change](world)
        first = person.command("release")
        story = "\n".join(world.log)
        assert first.exit_code in (0, 2, 4), story
        assert first.exit_code == 0 or first.codes, story
        if change != "settings":
            (world.root / "pleo-etl.yaml").write_text(settings, encoding="utf-8")
        for _ in range(3):
            if not person.is_done():
                person.go_on()
        story = "\n".join(world.log)
        found = world.look(is_settled=True)
        assert not found, f"{story}\n{found}"
        assert [job.status for job in world.pleo.jobs.values()] == ["completed"], story
        released = sorted(world.root.rglob("journal_*.csv"))
        assert len([path for path in released if "batches" not in path.parts]) == 1, story
        texts = {line.rpartition(",")[2] for line in released[0].read_text().splitlines()[1:]}
        assert texts == {"T"}, story
