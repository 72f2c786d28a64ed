"""Who works with a company: a scheduler that gives plain commands, and a person who imports files.

The person is honest and not clever: reads what stands in the outbox, imports what may be imported,
clicks Export again in Pleo, and answers by what was really done.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from tests.fault.live import invariants, places
from tests.fault.live.world import Result, World

HOUR = 3600
#: Types with which Pleo refuses the report of a single item.
ITEM_ERRORS = ("EXPORT_ENTRY_STATUS_UPDATE_FAILED", "INTERNAL_ERROR")


class Person:
    """Works with one company."""

    def __init__(
        self, world: World, name: str, chance: random.Random, *, is_hasty: bool | None = None
    ) -> None:
        self.world, self.name, self.chance = world, name, chance
        self.folders: Counter[str] = Counter()
        self.last: Result | None = None
        self.is_hasty = chance.random() < 0.15 if is_hasty is None else is_hasty
        self._rest: set[str] = set()

    # in the troubled part: anything

    def do_something(self) -> None:
        """Do one thing that somebody might do now."""
        acts: list[tuple[int, Callable[[], object]]] = [
            (30, lambda: self.command("run")),
            (30, lambda: self.command("release")),
            (8, lambda: self.command("run-release")),
            (4, lambda: self.command("status")),
            (5, self._reject),
            (3, lambda: self.command("discard")),
            (4, self._answer),
            (3, self._withdraw),
            (6, lambda: self.world.pleo.advance(self.chance.choice((60, 600, 2000, 3300, 3600)))),
            (2, self._cancel),
            (3, self._edit),
            (3, self._change_mapping),
            (5, self._export),
            (2, self._item_error),
            (1, lambda: self.world.land()),
        ]
        act = self.chance.choices([act for _, act in acts], [weight for weight, _ in acts])[0]
        act()
        self.take_in()

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

    def _export(self) -> None:
        """Click Export in Pleo: for new entries, for some of the old ones, or for both."""
        company = self.world.company(self.name)
        old = sorted(company.entries)
        chosen = self.chance.sample(old, self.chance.randint(0, len(old)))
        new = places.entries(self.name, self.chance.randint(0, 3), first=len(old) + 1)
        chosen += [company.add(entry) for entry in new]
        if chosen and len(self.world.jobs(self.name)) < 6:
            self.note(f"exports {len(chosen)} entries, {len(new)} of them new")
            self.world.pleo.add_job(company, chosen, is_vendor_based=False)

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
        return invariants.read_outbox(self.world.outbox(self.name))

    def take_in(self) -> None:
        """Import what may be imported: after a good release, or at once by a hasty person."""
        is_good = self.last is not None and self.last.what in ("release", "run-release")
        is_good = is_good and self.last is not None and self.last.exit_code in (0, 1)
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
        """Do what a scheduler and a person do, once."""
        result = self.command("run")
        if result.exit_code == 4:
            self._answer()
            if "JOB-1" in result.codes or not self._jobs_under_way():
                self.world.pleo.advance(HOUR)
        self.command("release")
        self.take_in()

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
