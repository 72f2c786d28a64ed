"""Who works with a company: a scheduler that gives plain commands, and a person.

What the person imports and answers stands in bookkeeper.py; here is what else somebody may do, and
what Pleo, other integrations and the machine do to them meanwhile.
"""

from __future__ import annotations

import random
import re
from datetime import timedelta

from etl.pleo.sandbox.jobs import Job
from tests.fault.live import invariants, places
from tests.fault.live.bookkeeper import Act, Bookkeeper
from tests.fault.live.world import HERE, Result, World

HOUR = 3600
LATER = 900
TRY_LATER, HELD = 3, 4
MAX_JOBS = 6
#: Seams at which the protocol turns: what happens there matters most.
TURNS = (
    "before POST v3/export-job-events", "after POST v3/export-job-events",
    "before GET v3/export-items", "before files.move_folder", "after files.move_folder",
    "before PUT v3/export-jobs/*/items", "before PUT v3/export-jobs/*/items",
    "after PUT v3/export-jobs/*/items",
)  # fmt: skip
#: Types with which Pleo refuses the report of a single item.
ITEM_ERRORS = ("EXPORT_ENTRY_STATUS_UPDATE_FAILED", "INTERNAL_ERROR")

#: How the program asks for the second name of a reversal.
REVERSES = re.compile(r"another person says\s+`pleo-etl reverse (?P<batch>\S+) --by")


def void(_result: object) -> None:
    """Take what an act gives, and give nothing."""


class Person(Bookkeeper):
    """Works with one company."""

    def __init__(
        self,
        world: World,
        name: str,
        chance: random.Random,
        *,
        is_hasty: bool | None = None,
        machine: str = HERE,
    ) -> None:
        super().__init__(world, name, chance, is_hasty=is_hasty, machine=machine)
        #: Is stopped where the protocol turns, and the job ends then.
        self.is_unlucky = False
        #: Answers much, and has much to answer.
        self.is_busy = False

    # in the troubled part: anything

    def do_something(self) -> None:
        """Do one thing that somebody might do now."""
        if self.must_wait():
            return
        if (self.machine, self.name) in self.world.copies:
            self.command(self.chance.choice(("run", "release", "run-release", "discard")))
            return
        if self.chance.random() < 0.4:
            self._meet()
        if self.is_unlucky:
            self.world.seams.stops_at = self.chance.choice(TURNS)
        before = len(self.world.log)
        _drawn(self.chance, self._acts())()
        if self.is_busy and len(self.world.log) == before:  # there was nothing to do it with
            self._work()
        self.world.seams.forget_meetings()
        if not (self.is_slow and self.chance.random() < 0.7):
            self.take_in()
        if self.is_unlucky and self.last is not None and self.last.is_stopped:
            self.chance.choice((self._cancel, self._expire, self.answer, self._vanish))()
        if self.chance.random() < 0.6:
            self.mend_ledger()

    def _acts(self) -> list[tuple[int, Act]]:
        """Give what somebody may do, and how often each is drawn."""
        return [
            (34, self._work),
            (10, lambda: self.command("run")),
            (12, lambda: self.command("release")),
            (7, lambda: self.command("run-release")),
            (2, lambda: self.command("status")),
            (3, self._reject),
            (2, lambda: self.command("discard")),
            (5, self.answer),
            (5, self.withdraw),
            (3, self._pass_time),
            (1, self._cancel),
            (2, self._edit),
            (2, self._change_mapping),
            (9, self.export_again),
            (2, self._item_error),
            (1, self.world.land),
            (2, self.lose_import),
            *((often * (5 if self.is_busy else 1), act) for often, act in self._rare_acts()),
        ]

    def _rare_acts(self) -> list[tuple[int, Act]]:
        return [
            (1, self._lose_job),
            (3, self.reverse),
            (3, self.say_imported),
            (2, self._adopt),
            (1, self._vanish),
            (1, self.lose_ledger),
        ]

    def _work(self) -> None:
        """Stage, answer and release, as on any day."""
        if self.command("run").exit_code in (0, 1):
            if self.chance.random() < 0.3:
                self.answer_repeats()
            if self.world.approvals > 1 and self.chance.random() < 0.8:
                self.command("approve")
            self.command("release")

    def _pass_time(self) -> None:
        self.world.pleo.advance(self.chance.choice((60, 600, 2000, 3300, 3600)))

    def _meet(self) -> None:
        """Let something happen while the next commands are at work."""
        what = self.chance.choice(("run", "release", "run-release"))
        happens: list[tuple[int, Act]] = [
            (3, lambda: self.world.second(self.name, what, machine=self.machine)),
            (3, self._cancel),
            (3, self._expire),
            (3, self._edit),
            (2, self._item_error),
            (1, self._change_mapping),
            (1, self._start_elsewhere),
            (1, self.export_again),
            (1, self._vanish),
        ]
        happen = _drawn(self.chance, happens)
        seams = self.world.seams
        if self.chance.random() < 0.5:
            seams.named_meetings[self.chance.choice(TURNS)] = lambda: void(happen())
        else:
            place = self.chance.choice((self.chance.randint(1, 60), self.chance.randint(55, 120)))
            seams.meetings[len(seams.passed) + place] = lambda: void(happen())

    def _expire(self) -> None:
        self.note("an hour passes")
        self.world.pleo.advance(HOUR)

    def _cancel(self) -> None:
        for job in self.running()[:1]:
            self.note("cancels the job")
            self.world.pleo.cancel_job(job)

    def _vanish(self) -> None:
        """Let Pleo forget a job: one under way, or one that has ended."""
        jobs = self.running() if self.chance.random() < 0.7 else []
        for job in (jobs or list(self.world.jobs(self.name).values()))[:1]:
            self.note(f"Pleo forgets job {job.id}, which is {job.status}")
            self.world.vanish(job)

    def _edit(self) -> None:
        """Change an entry in Pleo: what was staged is no longer what would be exported."""
        entries = self.world.company(self.name).entries
        entry = self.chance.choice(sorted(entries))
        line = entries[entry]["accountingEntryLines"][0]
        self.note(f"edits {entry}")
        if line["account"] is None:
            line["account"] = {"id": entry, "name": "Bewirtung", "code": "6640"}
        else:
            line["lineAmount"]["inWalletCurrency"]["value"] += 1
            entries[entry]["amount"]["inWalletCurrency"]["value"] += 1

    def _change_mapping(self) -> None:
        self.note("changes the mapping")
        self.world.settings[self.name]["text"] += "x"

    def export_again(self) -> None:
        """Click Export in Pleo: for new entries, for some of the old ones, or for both."""
        company = self.world.company(self.name)
        old = sorted(company.entries)
        chosen = self.chance.sample(old, self.chance.randint(0, len(old)))
        new = places.entries(self.name, self.chance.randint(0, 3), first=len(old) + 1)
        chosen += [company.add(entry) for entry in new]
        if chosen and len(self.world.known_jobs(self.name)) < MAX_JOBS:
            self.note(f"exports {len(chosen)} entries, {len(new)} of them new")
            job = self.world.pleo.add_job(company, chosen, is_vendor_based=False)
            if self.chance.random() < 0.3:  # it was asked for before the others, and came late
                job.created_at -= timedelta(seconds=self.chance.randint(60, 86_400))

    def _start_elsewhere(self) -> None:
        """Let another integration take the job, and export its items itself."""
        # Whoever takes a job in the moment between our intent and our start cannot be told from us:
        # Pleo does not say who started a job. That moment is left out.
        intended = set().union(*(self.world.intended_jobs(one) for one in self.world.roots))
        for job in self.world.jobs(self.name).values():
            is_free = job.status == "pending" and job.id not in intended
            if is_free and self.world.pleo.move_job(job, "started"):
                self.note(f"another integration takes job {job.id}")
                self.world.wire.foreign.add(job.id)
                if self.chance.random() < 0.5:
                    self._report_elsewhere(job)
                return

    def _lose_job(self) -> None:
        """Stage a job, and release it when another integration has taken it."""
        if self.chance.random() < 0.5:
            self.command("run")
        self._start_elsewhere()
        self.command("release")

    def _report_elsewhere(self, job: Job) -> None:
        """Let the other integration be through with some of the items."""
        for entry in self.chance.sample(sorted(job.items), self.chance.randint(1, len(job.items))):
            self.world.elsewhere.add((job.id, entry))
            job.items[entry].status = "successful"
            job.items[entry].external_id = invariants.ELSEWHERE

    def _adopt(self) -> None:
        if len(self.world.roots) == 1:  # the other machine is well, and works on
            self.adopt()

    def _item_error(self) -> None:
        entry = self.chance.choice(sorted(self.world.company(self.name).entries))
        self.world.pleo.refuse_item(entry, self.chance.choice(ITEM_ERRORS))

    def _reject(self) -> None:
        self.command("reject", place=self.chance.randint(0, 200))

    # in the quiet end: plain commands until nothing is left

    def is_done(self) -> bool:
        """Say whether the company has nothing under way, seen from outside and by its status."""
        waiting = any(b.is_quarantined and not b.is_withdrawn for b in self.released())
        return not waiting and not self.running() and self._is_idle()

    def _is_idle(self) -> bool:
        result = self.command("run")
        return result.exit_code in (0, 1) and getattr(result.outcome, "word", "") == "nothing"

    def go_on(self) -> None:
        """Do what a scheduler and a person do, once; what is held is tried again later."""
        run = self.command("run")
        if self.mend_ledger():
            run = self.command("run")
        self._reverse_as_asked(run)
        self.take_in()
        self.answer()
        self.answer_repeats()
        if self.world.approvals > 1:
            self.command("approve")
        release = self.command("release")
        self.take_in()
        if {HELD, TRY_LATER} & {run.exit_code, release.exit_code}:
            self.world.pleo.advance(LATER)

    def _reverse_as_asked(self, run: Result) -> None:
        """Do as the other person what is asked for: a reversal was stopped between two names."""
        asked = REVERSES.search(str(run.outcome))
        if asked is not None:
            self.command("reverse", batch=asked["batch"])

    # beside another machine

    def is_about_to_start(self) -> bool:
        """Say whether a start was stored here that Pleo does not show yet."""
        intended = self.world.intended_jobs(self.machine)
        return any(job.id in intended for job in self.running("pending"))

    def must_wait(self) -> bool:
        """Say whether another machine is in the moment in which nobody can tell who it was."""
        # Pleo does not say who has started a job: see `_start_elsewhere`.
        others = [one for one in self.world.roots if one != self.machine]
        waiting = {job.id for job in self.running("pending")}
        return any(waiting & self.world.intended_jobs(one) for one in others)


def _drawn(chance: random.Random, acts: list[tuple[int, Act]]) -> Act:
    return chance.choices([act for _, act in acts], [weight for weight, _ in acts])[0]
