"""Who works with a company: a scheduler that gives plain commands, and a person who imports files.

The person is honest and not clever: reads what stands in the outbox, imports what may be imported,
clicks Export again in Pleo, and answers by what was really done.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from tests.fault.live import invariants, places
from tests.fault.live.world import Result, World

HOUR = 3600
LATER = 900
TRY_LATER, HELD = 3, 4
SETTLING = ("run", "release", "run-release")
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


def void(_result: object) -> None:
    """Take what an act gives, and give nothing."""


class Person:
    """Works with one company."""

    def __init__(
        self, world: World, name: str, chance: random.Random, *, is_hasty: bool | None = None
    ) -> None:
        self.world, self.name, self.chance = world, name, chance
        self.folders: Counter[str] = Counter()
        #: Is stopped where the protocol turns, and the job ends then.
        self.is_unlucky = False
        self.last: Result | None = None
        #: Leaves files in the outbox for a while, as somebody who imports once a week.
        self.is_slow = is_hasty is None and chance.random() < 0.4
        self.is_hasty = chance.random() < 0.15 if is_hasty is None else is_hasty
        self._lost: set[str] = set()

    # in the troubled part: anything

    def do_something(self) -> None:
        """Do one thing that somebody might do now."""
        acts: list[tuple[int, Callable[[], object]]] = [
            (34, self._work),
            (10, lambda: self.command("run")),
            (12, lambda: self.command("release")),
            (7, lambda: self.command("run-release")),
            (2, lambda: self.command("status")),
            (3, self._reject),
            (2, lambda: self.command("discard")),
            (5, self._answer),
            (5, self._withdraw),
            (3, self._pass_time),
            (1, self._cancel),
            (2, self._edit),
            (2, self._change_mapping),
            (9, self.export_again),
            (2, self._item_error),
            (1, self.world.land),
            (1, self._start_elsewhere),
            (2, self._lose_import),
        ]
        act = self.chance.choices([act for _, act in acts], [weight for weight, _ in acts])[0]
        if self.chance.random() < 0.4:
            self._meet()
        if self.is_unlucky:
            self.world.seams.stops_at = self.chance.choice(TURNS)
        act()
        self.world.seams.forget_meetings()
        if not (self.is_slow and self.chance.random() < 0.7):
            self.take_in()
        if self.is_unlucky and self.last is not None and self.last.is_stopped:
            self.chance.choice((self._cancel, self._expire, self._answer))()

    def _work(self) -> None:
        """Stage, answer and release, as on any day."""
        if self.command("run").exit_code in (0, 1):
            if self.chance.random() < 0.3:
                self._answer_repeats()
            self.command("release")

    def _pass_time(self) -> None:
        self.world.pleo.advance(self.chance.choice((60, 600, 2000, 3300, 3600)))

    def _meet(self) -> None:
        """Let something happen while the next commands are at work."""
        what = self.chance.choice(("run", "release", "run-release"))
        happens: list[tuple[int, Callable[[], object]]] = [
            (3, lambda: self.world.second(self.name, what)),
            (3, self._cancel),
            (3, self._expire),
            (3, self._edit),
            (2, self._item_error),
            (1, self._change_mapping),
            (1, self._start_elsewhere),
            (1, self.export_again),
        ]
        happen = self.chance.choices([h for _, h in happens], [weight for weight, _ in happens])[0]
        seams = self.world.seams
        if self.chance.random() < 0.5:
            seams.named_meetings[self.chance.choice(TURNS)] = lambda: void(happen())
        else:
            place = self.chance.choice((self.chance.randint(1, 60), self.chance.randint(55, 120)))
            seams.meetings[len(seams.passed) + place] = lambda: void(happen())

    def _expire(self) -> None:
        self.note("an hour passes")
        self.world.pleo.advance(HOUR)

    def command(self, what: str, **more: object) -> Result:
        self.last = self.world.command(self.name, what, **more)
        return self.last

    def note(self, what: str) -> None:
        self.world.log.append(f"{self.name}: {what}")

    def _jobs_under_way(self) -> list[object]:
        return [job for job in self.world.jobs(self.name).values() if job.is_running]

    def _cancel(self) -> None:
        for job in self._jobs_under_way()[:1]:
            self.note("cancels the job")
            self.world.pleo.cancel_job(job)  # type: ignore[arg-type]

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
        if chosen and len(self.world.jobs(self.name)) < MAX_JOBS:
            self.note(f"exports {len(chosen)} entries, {len(new)} of them new")
            job = self.world.pleo.add_job(company, chosen, is_vendor_based=False)
            if self.chance.random() < 0.3:  # it was asked for before the others, and came late
                job.created_at -= timedelta(seconds=self.chance.randint(60, 86_400))

    def _start_elsewhere(self) -> None:
        """Let another integration take the job, and export its items itself."""
        # Whoever takes a job in the moment between our intent and our start cannot be told from us:
        # Pleo does not say who started a job. That moment is left out.
        intended = self.world.intended_jobs()
        for job in self.world.jobs(self.name).values():
            is_free = job.status == "pending" and job.id not in intended
            if is_free and self.world.pleo.move_job(job, "started"):
                self.note(f"another integration takes job {job.id}")
                self.world.wire.foreign.add(job.id)
                return

    def _lose_import(self) -> None:
        """Restore the ERP from a copy: an import is gone, and its items must be booked again."""
        for batch in self._released():
            folder = batch.folder.name
            if self.folders[folder] and batch.counts and folder not in self._lost:
                self.note(f"loses the import {folder}")
                self._lost.add(folder)
                self.world.imported[self.name].subtract(batch.entries)
                self.world.again.update(batch.entries)
                return

    def _item_error(self) -> None:
        entry = self.chance.choice(sorted(self.world.company(self.name).entries))
        self.world.pleo.refuse_item(entry, self.chance.choice(ITEM_ERRORS))

    def _reject(self) -> None:
        self.command("reject", place=self.chance.randint(0, 200))

    def _withdraw(self) -> None:
        """Take a batch back that was released and not imported."""
        for batch in self._released():
            if batch.counts and not self.folders[batch.folder.name]:
                self.command("withdraw", batch=batch.manifest["batch"]["id"])
                return

    # what only a person can know

    def _released(self) -> list[invariants.Released]:
        return self.world.released(self.name)

    # what only a person can know

    def _released(self) -> list[invariants.Released]:
        return self.world.released(self.name)

    def take_in(self) -> None:
        """Import what may be imported: when nothing is half-way, or at once by a hasty person."""
        last = self.last
        is_good = last is not None and last.what in SETTLING and last.exit_code in (0, 1)
        if not (is_good or self.is_hasty):
            return
        for batch in self._released():
            if batch.counts and not self.folders[batch.folder.name]:
                self.folders[batch.folder.name] += 1
                self.world.imported[self.name].update(batch.entries)
                self.note(f"imports {batch.folder.name}")

    def _answer(self) -> None:
        """Answer for a batch that must not be imported, by what was done with it."""
        for batch in self._released():
            if batch.is_quarantined and not batch.is_withdrawn:
                is_imported = bool(self.folders[batch.folder.name])
                if is_imported:
                    self.world.answered.add(batch.folder.name)
                self.command("settle", is_imported=is_imported)
                return

    # in the quiet end: plain commands until nothing is left

    def is_done(self) -> bool:
        """Say whether the company has nothing under way, seen from outside and by its status."""
        waiting = any(b.is_quarantined and not b.is_withdrawn and not _is_settled(b)
                      for b in self._released())  # fmt: skip
        return not waiting and not self._jobs_under_way() and self._is_idle()

    def _is_idle(self) -> bool:
        result = self.command("run")
        return result.exit_code in (0, 1) and getattr(result.outcome, "word", "") == "nothing"

    def go_on(self) -> None:
        """Do what a scheduler and a person do, once; what is held is tried again later."""
        run = self.command("run")
        self.take_in()
        self._answer()
        self._answer_repeats()
        release = self.command("release")
        self.take_in()
        if {HELD, TRY_LATER} & {run.exit_code, release.exit_code}:
            self.world.pleo.advance(LATER)

    def _answer_repeats(self) -> None:
        """Say of items that come again what is known of them: they are in the books, or not."""
        known = {
            entry: "already_booked" if count > 0 else "again"
            for entry, count in self.world.imported[self.name].items()
        }
        self.command("answer", answers=known)

    def export_the_rest(self) -> None:
        """Click Export for everything that stands in no import yet."""
        company = self.world.company(self.name)
        booked: set[str] = set()
        for batch in self._released():
            if not batch.is_withdrawn:
                booked |= batch.entries
        rest = [entry for entry in company.entries if entry not in booked]
        if rest:
            self.note(f"exports the rest: {len(rest)} entries")
            self.world.pleo.add_job(company, rest, is_vendor_based=False)


def _is_settled(batch: invariants.Released) -> bool:
    return not batch.is_quarantined
