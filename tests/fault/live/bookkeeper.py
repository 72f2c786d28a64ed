"""What only a person can know and say: what the ERP has, what it refused, what was lost.

The person is honest and not clever: reads what stands in the outbox, imports what may be imported,
and answers by what was really done.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.fault.live import invariants, places
from tests.fault.live.world import HERE, NOT_MINE, Result, World

SETTLING = ("run", "release", "run-release", "reverse")


class Bookkeeper:
    """Imports the files of one company on one machine, and answers for them."""

    def __init__(
        self,
        world: World,
        name: str,
        chance: random.Random,
        *,
        is_hasty: bool | None = None,
        machine: str = HERE,
    ) -> None:
        self.world, self.name, self.chance, self.machine = world, name, chance, machine
        self.folders: Counter[str] = Counter()
        self.last: Result | None = None
        #: Leaves files in the outbox for a while, as somebody who imports once a week.
        self.is_slow = is_hasty is None and chance.random() < 0.4
        self.is_hasty = chance.random() < 0.15 if is_hasty is None else is_hasty
        #: Has an ERP that refuses single items of an import now and then.
        self.is_strict = is_hasty is None and chance.random() < 0.3
        #: Batches of which the ERP has lost the import, and what it has refused of others.
        self._lost: set[str] = set()
        self._refused: dict[str, set[str]] = {}

    @property
    def imported(self) -> Counter[str]:
        """Give how often each item is in the books."""
        return self.world.imported[self.machine, self.name]

    def command(self, what: str, **more: object) -> Result:
        self.last = self.world.command(self.name, what, machine=self.machine, **more)
        return self.last

    def note(self, what: str) -> None:
        self.world.log.append(f"{self.name}: {what}")

    def released(self) -> list[invariants.Released]:
        return self.world.released(self.name, self.machine)

    def has_imported(self, batch: invariants.Released) -> bool:
        return bool(self.folders[batch.folder.name])

    def take_in(self) -> None:
        """Import what may be imported: when nothing is half-way, or at once by a hasty person."""
        last = self.last
        is_good = last is not None and last.what in SETTLING and last.exit_code in (0, 1)
        if not (is_good or self.is_hasty):
            return
        batches = self.released()
        reversed_ = {batch.reverses for batch in batches}
        for batch in batches:
            if not batch.counts or self.has_imported(batch):
                continue
            self.folders[batch.folder.name] += 1
            self.note(f"imports {batch.folder.name}")
            if batch.reverses:
                self.imported.subtract(batch.entries)
                continue
            is_whole = not batch.entries or batch.id in reversed_
            if self.is_strict and not is_whole and self.chance.random() < 0.6:
                entries = sorted(batch.entries)
                refused = self.chance.sample(entries, self.chance.randint(1, len(entries)))
                self.refuse(batch, set(refused))
            self.imported.update(batch.entries)

    def refuse(self, batch: invariants.Released, entries: set[str]) -> None:
        """Let the ERP refuse some items of an import: they are in no book, and come again."""
        self.note(f"the ERP refuses {sorted(entries)}")
        self._refused[batch.id] = entries
        self.world.again.update(entries)
        self.imported.subtract(entries)

    def new_entry(self) -> dict[str, Any]:
        """Give an expense that Pleo does not have yet."""
        count = len(self.world.company(self.name).entries)
        return places.entries(self.name, 1, first=count + 1)[0]

    def say_imported(self) -> None:
        """Say that the ERP has a batch, and what it has refused of it."""
        for batch in self.released():
            is_said = (self.machine, batch.id) in self.world.said
            if self.has_imported(batch) and batch.counts and not is_said:
                refused = self._refused.get(batch.id, set())
                done = self.command("imported", batch=batch.id, refused=sorted(refused))
                if done.exit_code == 0:
                    self.world.said.add((self.machine, batch.id))
                    self.world.refused[batch.id] = refused
                return

    def reverse(self) -> None:
        """Take an import back: its entries were wrong, or its items were changed in Pleo."""
        batches = self.released()
        reversed_ = {batch.reverses for batch in batches}
        for batch in self.chance.sample(batches, len(batches)):
            is_told = not self._refused.get(batch.id) or (
                (self.machine, batch.id) in self.world.said
            )  # what the program was not told it would take back
            is_done = batch.id in reversed_ and self.chance.random() < 0.7  # else it is forgotten
            is_there = batch.counts and batch.id not in self._lost
            if is_there and not is_done and is_told and not batch.reverses:
                self.command("reverse", batch=batch.id)
                return

    def lose_import(self) -> None:
        """Restore the ERP from a copy: an import is gone, and its items must be booked again."""
        batches = self.released()
        reversed_ = {batch.reverses for batch in batches}
        for batch in batches:
            is_whole = batch.id not in reversed_ and batch.id not in self._lost
            if self.has_imported(batch) and batch.counts and is_whole and not batch.reverses:
                self.note(f"loses the import {batch.folder.name}")
                self._lost.add(batch.id)
                gone = batch.entries - self._refused.get(batch.id, set())
                self.imported.subtract(gone)
                self.world.again.update(gone)
                return

    def withdraw(self) -> None:
        """Take a batch back that was released and not imported."""
        for batch in self.released():
            if batch.counts and not self.has_imported(batch):
                self.command("withdraw", batch=batch.id)
                return

    def answer(self) -> None:
        """Answer for a batch that must not be imported, by what was done with it."""
        for batch in self.released():
            if batch.is_quarantined and not batch.is_withdrawn:
                is_imported = self.has_imported(batch)
                if is_imported:
                    self.world.answered.add(batch.folder.name)
                done = self.command("settle", is_imported=is_imported)
                if "ANS-1" in done.codes and not is_imported:
                    # The ledger was lost while it was being taken back: it is said once more.
                    self.command("withdraw", batch=batch.id)
                return

    def answer_repeats(self) -> None:
        """Say of items that come again what is known of them: they are in the books, or not."""
        known = {
            entry: "already_booked" if count > 0 else "again"
            for entry, count in self.imported.items()
        }
        self.command("answer", answers=known)

    def export_the_rest(self) -> None:
        """Click Export for everything that stands in no import yet."""
        company = self.world.company(self.name)
        waiting = {entry for batch in self.world.released(self.name)
                   if not (batch.is_withdrawn or batch.reverses) for entry in batch.entries
                   if batch.is_quarantined}  # fmt: skip
        booked = invariants.in_the_books(self.world.released(self.name))
        rest = [entry for entry in company.entries
                if booked[entry] <= 0 and entry not in waiting]  # fmt: skip
        if rest:
            self.note(f"exports the rest: {len(rest)} entries")
            self.world.pleo.add_job(company, rest, is_vendor_based=False)

    # what went wrong with the machine

    def lose_ledger(self) -> None:
        """Lose the ledger, or all that the program keeps for itself."""
        is_whole = self.chance.random() < 0.4
        self.note(f"loses the ledger{' and the private folder' if is_whole else ''}")
        self.world.lose_ledger(self.machine, is_whole_folder=is_whole)

    def mend_ledger(self) -> bool:
        """Make the ledger again where the last command asked for it."""
        is_asked = self.last is not None and bool(NOT_MINE & set(self.last.codes))
        is_mended = is_asked and self.command("rebuild").exit_code == 0
        if is_mended:
            self._reverse_again()
        return is_mended

    def _reverse_again(self) -> None:
        """Make sure of a reversal after the ledger was lost: it must not be made twice."""
        reversed_ = [batch.reverses for batch in self.released() if batch.reverses]
        if reversed_ and self.chance.random() < 0.5:
            self.command("reverse", batch=reversed_[0])

    def adopt(self) -> None:
        """Take over a job on which nobody works any more, as the person knows."""
        for job in self.running("in_progress"):
            if job.id in self.world.wire.foreign:
                self.note("the other integration has given up")
                self.world.wire.foreign.discard(job.id)
            self.command("adopt", job=job.id)
            return

    def running(self, *states: str) -> list[Any]:
        """Give the jobs that are under way."""
        return [job for job in self.world.jobs(self.name).values()
                if job.is_running and (not states or job.status in states)]  # fmt: skip


Act = Callable[[], object]
