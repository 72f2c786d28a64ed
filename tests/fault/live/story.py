"""What happens to one or two companies, drawn from a seed: jobs, faults, stops, and people.

A story has a troubled part, in which anything may happen, and a quiet end, in which nothing is
planned any more and a scheduler and a person give the plain commands until nothing is left to do.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from etl.pleo.sandbox.faults import Fault
from tests.fault.live.people import Person
from tests.fault.live.stops import Seams
from tests.fault.live.world import ELSEWHERE, World

OPERATIONS = ("list-jobs", "get-job", "send-event", "list-items", "report-items", "export-items")
#: Kinds of network faults, and how often each is drawn.
KINDS = {
    "lost-request": 4, "lost-answer": 6, "late": 4, "error": 3, "error-after": 3, "limited": 2,
    "truncated": 2, "html": 1, "page-loop": 1, "page-repeat": 1, "page-gap": 1,
}  # fmt: skip
STATUSES = (500, 502, 503, 504)
ITEM_ERRORS = ("EXPORT_ENTRY_STATUS_UPDATE_FAILED", "ACCOUNTING_ENTRY_DOES_NOT_EXIST")
MAX_STEPS = 12
#: Rounds until everything must be in order: foreign jobs and lapsed ones cost a round each.
MAX_ROUNDS = 14
MAX_LINES = 60
LONG = 200  # items of the largest job


@dataclass
class Plan:
    """What is drawn before a story begins."""

    seed: int
    names: tuple[str, ...]
    items: int
    stops: list[int]
    faults: list[Fault]
    is_power: bool = False
    has_jumps: bool = False
    is_hasty: bool = False
    #: Much is answered, and much goes wrong that only a person can put right.
    is_busy: bool = False
    #: How many persons must approve a batch.
    approvals: int = 1
    #: When somebody sets up a second machine, and whether with a copy of the outbox.
    second_at: int | None = None
    is_copy: bool = False

    def __str__(self) -> str:
        more = f"{self.approvals} approvals, " if self.approvals > 1 else ""
        if self.second_at is not None:
            more += f"a second machine at {self.second_at}, "
        return (f"seed {self.seed}: {self.items} items, {', '.join(self.names)}, {more}"
                f"stops {self.stops}, faults {self.faults}")  # fmt: skip


@dataclass
class Told:
    """How a story went."""

    plan: Plan
    violations: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    commands: int = 0
    stopped: list[str] = field(default_factory=list)
    seams: list[str] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    #: How often each command came to its end.
    done: Counter[str] = field(default_factory=Counter)
    files: list[bytes] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [str(self.plan), *self.log, *(f"VIOLATION {v}" for v in self.violations)]
        shown = lines if len(lines) <= MAX_LINES else [*lines[:-2][:MAX_LINES], "...", *lines[-2:]]
        return "\n".join(shown)


def draw(seed: int, *, only: str = "") -> Plan:
    """Draw a plan.

    only: "late", nothing but late landings (N-04); "power", stops lose power; "clock", a clock
    that jumps; "hasty", files are imported too early; "answers", much is answered by a person.
    """
    chance = random.Random(f"plan {only} {seed}")
    names = ("acme", "bravo") if chance.random() < 0.2 else ("acme",)
    items = chance.choice((1, 1, 2, 2, 3, 3, 4, 5, 8, 12, chance.randint(1, 40)))
    if chance.random() < 0.01:
        items = LONG
    stops = [chance.randint(1, chance.choice((40, 110, 180)))
             for _ in range(chance.choice((0, 1, 1, 2, 3, 4)))]  # fmt: skip
    if only == "late":
        stops = stops[:1]
        faults = [_late(chance) for _ in range(chance.randint(1, 3))]
    else:
        faults = [_fault(chance) for _ in range(chance.choice((0, 1, 2, 3, 4)))]
    often = 3 if only == "answers" else 1
    approvals = 2 if chance.random() < 0.08 * often else 1
    second_at = chance.randint(1, 6) if chance.random() < 0.08 * often else None
    return Plan(
        seed, names, items, stops, faults, is_power=only == "power",
        has_jumps=only == "clock", is_hasty=only == "hasty", approvals=approvals,
        second_at=second_at, is_copy=chance.random() < 0.4, is_busy=only == "answers",
    )  # fmt: skip


def _late(chance: random.Random) -> Fault:
    operation = chance.choice(("report-items", "send-event"))
    first = chance.randint(1, 3)
    return Fault("late", chance.randint(1, 10), operation, first, first)


def _fault(chance: random.Random) -> Fault:
    kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
    value = {"late": chance.randint(1, 10), "limited": chance.choice((0, 1, 30)),
             "error": chance.choice(STATUSES),
             "error-after": chance.choice(STATUSES)}.get(kind, 0)  # fmt: skip
    operation = chance.choice((None, *OPERATIONS, *["report-items"] * 4, *["send-event"] * 2))
    first = chance.choice((1, 1, 1, 2, 2, 3, chance.randint(1, 9)))
    last = chance.choice((first, first, first, first + 1, first + 7))
    return Fault(kind, value, operation, first, last)


def play(plan: Plan, *, steps: int | None = None) -> Told:
    """Play a story to its quiet end, and look from outside after every command."""
    chance = random.Random(f"story {plan.seed}")
    told = Told(plan)
    seams = Seams(plan.stops)
    jumps = random.Random(plan.seed) if plan.has_jumps else None
    with World(
        plan.names, seed=plan.seed, seams=seams, is_power=plan.is_power, jumps=jumps,
        approvals=plan.approvals,
    ) as world:  # fmt: skip
        people = [Person(world, name, chance) for name in plan.names]
        for person in people:
            person.is_busy = plan.is_busy
            if plan.is_hasty:
                person.is_hasty = person.is_unlucky = True
            company = world.add_company(person.name, plan.items)
            world.pleo.add_job(company, is_vendor_based=False)
            for _ in range(chance.choice((0, 0, 1, 2))):
                person.export_again()
        for fault in plan.faults:
            world.pleo.faults.add(fault)
        most = MAX_STEPS * 2 if plan.is_busy else MAX_STEPS
        for number in range(chance.randint(3, most) if steps is None else steps):
            if number == plan.second_at:
                world.set_up_elsewhere(is_copy=plan.is_copy)
                people += [Person(world, name, chance, machine=ELSEWHERE) for name in plan.names]
            chance.choice(people).do_something()
            told.violations += world.look()
            if told.violations:
                break
        if not told.violations:
            at_work = [one for one in people if one.machine in world.machines(one.name)]
            calm(world, at_work, told)
        told.log, told.commands, told.stopped = world.log, world.commands, seams.stopped
        told.done = world.done
    return told


def plain(
    stops: Sequence[int],
    *,
    is_deep: bool = False,
    fails: tuple[int, int] = (0, 0),
    start: datetime | None = None,
    jumps: random.Random | None = None,
) -> Told:
    """Play the plain story: one job of three items, and nothing goes wrong but what is asked for.

    `fails` is the number of the change of the disk that fails, and its error number.
    """
    told = Told(Plan(1, ("acme",), 0, list(stops), []))
    seams = Seams(stops)
    seams.is_deep = is_deep
    seams.fails_at, seams.fails_with = fails
    with World(("acme",), seed=1, seams=seams, start=start, jumps=jumps) as world:
        company = world.add_company("acme", 7)
        chosen = list(company.entries)
        world.pleo.add_job(company, [chosen[0], chosen[2], chosen[6]], is_vendor_based=False)
        person = Person(world, "acme", random.Random(1), is_hasty=False)
        is_finished = _finish(world, person, told)
        told.seams = list(seams.passed)
        seams.plan.clear()
        if is_finished:
            told.violations += world.look(is_settled=True)
            _go_over_it_again(world, [person], told)
        told.log, told.commands, told.stopped = world.log, world.commands, seams.stopped
        told.effects = list(seams.effects)
        told.files = [path.read_bytes() for path in sorted((world.root / "outbox").rglob("*.csv"))]
    return told


def calm(world: World, people: Sequence[Person], told: Told) -> None:
    """Let nothing more go wrong, and let everybody finish; then nothing may be left."""
    world.seams.plan.clear()
    world.seams.forget_meetings()
    world.pleo.faults.clear()
    world.pleo.item_errors.clear()
    world.land()
    for is_last in (False, True):
        for person in sorted(people, key=lambda one: not one.is_about_to_start()):
            if is_last:
                person.export_the_rest()
            if not _finish(world, person, told):
                return
        told.violations += world.look(is_settled=True)
        if told.violations:
            return
    told.violations += world.look(is_settled=True, is_last=True)
    _go_over_it_again(world, people, told)


def _go_over_it_again(world: World, people: Sequence[Person], told: Told) -> None:
    """INV6: what a scheduler runs once more changes nothing."""
    before = world.snapshot()
    for person in people:
        person.command("run")
        person.command("release")
    changed = world.differences(before)
    told.violations += [f"INV6 a further run changed {name}" for name in changed]


def _finish(world: World, person: Person, told: Told) -> bool:
    for _ in range(MAX_ROUNDS):
        if person.is_done():
            return True
        person.go_on()
        found = world.look()
        if found:
            told.violations += found
            return False
    told.violations.append(f"INV1 {person.name}: not finished after {MAX_ROUNDS} rounds")
    return False
