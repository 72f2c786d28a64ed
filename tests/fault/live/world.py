"""A Pleo, a workspace on disk, and the commands as a scheduler or a person gives them.

Each command is a life of the process: it opens everything anew, and a stop ends it. Between two
commands nothing is kept but what is on disk and in Pleo.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from etl.clock import Clock
from etl.errors import EtlError
from etl.live.desk import Desk, open_desk
from etl.live.rebuilding import rebuild
from etl.pleo.sandbox import Company, Pleo, SandboxClock
from etl.pleo.sandbox import land as land_now
from etl.workspace import Workspace, load_workspace
from tests.fakes.line import QuickLine
from tests.fakes.transport import BASE_URL, SandboxClockOf, SandboxTransport
from tests.fault.live import commands, invariants, places
from tests.fault.live.disk import Disk
from tests.fault.live.machine import FAST
from tests.fault.live.process import JumpingClock, statements_kept
from tests.fault.live.stops import Seams, SeamTransport, Stop, hooked
from tests.fault.live.wire import Wire

STOPPED = -9
#: The two machines: where everybody works, and one that somebody sets up beside it.
HERE, ELSEWHERE = "", "other"
#: Commands that approve something.
HEARD = ("approve", "release", "run-release")
#: Codes of a command that is not let near an outbox that its ledger does not know.
NOT_MINE = frozenset({"LED-13", "LED-14"})


@dataclass(frozen=True)
class Result:
    """How a command ended: its exit code (-9: stopped), the codes of its problems, its outcome."""

    what: str
    exit_code: int
    codes: tuple[str, ...] = ()
    outcome: Any = None

    @property
    def is_stopped(self) -> bool:
        return self.exit_code == STOPPED


class World:
    """Everything that outlives a process, and what the people know."""

    def __init__(
        self,
        names: Sequence[str],
        *,
        seed: int,
        seams: Seams,
        is_power: bool = False,
        start: datetime | None = None,
        jumps: random.Random | None = None,
        approvals: int = 1,
    ) -> None:
        self.pleo = Pleo(seed=seed, clock=SandboxClock(start) if start else None)
        self._jumps = jumps
        self.seams = seams
        self.names = list(names)
        self.settings: dict[str, dict[str, Any]] = {name: {"text": "T"} for name in names}
        #: machine, company -> how often each item is in the books of its ERP
        self.imported: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.again: Counter[str] = Counter()
        #: batch -> items that the ERP has refused of it, as a person has said
        self.refused: dict[str, set[str]] = defaultdict(set)
        #: Batches of which a ledger was told that they are imported.
        self.said: set[tuple[str, str]] = set()
        #: job, item: another integration has exported it
        self.elsewhere: set[tuple[str, str]] = set()
        #: Jobs that Pleo does not know any more, as they stood last.
        self.vanished: dict[str, Any] = {}
        #: batch and content -> who has approved it
        self.approved: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.approvals = approvals
        #: How often each command came to its end.
        self.done: Counter[str] = Counter()
        #: Folders of which a person said that they were imported although Pleo had ended the job.
        self.answered: set[str] = set()
        #: What was seen while something happened, beside the state that is looked at.
        self.seen: list[str] = []
        self.log: list[str] = []
        self.commands = 0
        self.chance = random.Random(f"power {seed}")
        self._is_power = is_power
        self._stack = ExitStack()
        self.root = Path()
        #: The folders of the machines; the second one is there when somebody has set it up.
        self.roots: dict[str, Path] = {}
        #: machine, company: its outbox was copied from another machine, so nothing may be done
        self.copies: set[tuple[str, str]] = set()
        self.disk: Disk | None = None
        self.outbox_names = ["outbox"]
        self.wire = Wire(self.pleo, self._all_released)
        self._at_work: set[tuple[str, str]] = set()

    def __enter__(self) -> World:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(dir=FAST))
        self.root = self.roots[HERE] = Path(folder) / "work"
        places.write_workspace(
            self.root, self.names, base_url=BASE_URL, approvals=self.approvals
        )  # fmt: skip
        if self._is_power:
            self.disk = Disk(folder)
        self._stack.enter_context(hooked(self.seams, self.disk))
        self._stack.enter_context(statements_kept())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.seams.is_dead = False
        for name in self.names:
            os.environ.pop(_variable(name), None)
        self._stack.close()

    def add_company(self, name: str, count: int) -> Company:
        """Add a company with entries, and its key to the environment."""
        company = self.pleo.add_company(name, places.entries(name, count))
        os.environ[_variable(name)] = self.pleo.add_key([company])
        return company

    def company(self, name: str) -> Company:
        return self.pleo.companies[places.company_id(name)]

    def jobs(self, name: str) -> dict[str, Any]:
        """Give the jobs of a company as Pleo has them."""
        self.pleo.expire()
        wanted = places.company_id(name)
        return {job.id: job for job in self.pleo.jobs.values() if job.company_id == wanted}

    def known_jobs(self, name: str) -> dict[str, Any]:
        """Give all jobs that a company ever had."""
        wanted = places.company_id(name)
        gone = {job.id: job for job in self.vanished.values() if job.company_id == wanted}
        return {**gone, **self.jobs(name)}

    def vanish(self, job: Any) -> None:
        """Let Pleo forget a job: every question after it is answered with 404."""
        if job.is_running:
            job.fail("vanished", "Pleo does not know it any more")
        self.vanished[job.id] = self.pleo.jobs.pop(job.id)

    def set_up_elsewhere(self, *, is_copy: bool) -> None:
        """Set up a second machine with a ledger of its own, with or without the outbox."""
        self.seams.begin_life()
        root = self.roots[ELSEWHERE] = self.root.with_name(ELSEWHERE)
        with self.seams.unnoticed():
            places.write_workspace(root, self.names, base_url=BASE_URL, approvals=self.approvals)
            if is_copy and (self.root / "outbox").is_dir():
                shutil.copytree(self.root / "outbox", root / "outbox")
                found = (root / "outbox").glob("*/.pleo-etl.json")
                self.copies = {(ELSEWHERE, path.parent.name) for path in found}
        self._forget_changes()
        self.log.append(f"a second machine is set up{', with the outbox' if is_copy else ''}")

    def lose_ledger(self, machine: str, *, is_whole_folder: bool) -> None:
        """Lose the ledger of a machine, or everything that pleo-etl keeps for itself."""
        self.seams.begin_life()
        folder = self.roots[machine] / ".pleo-etl"
        self.said = {(where, batch) for where, batch in self.said if where != machine}
        self.wire.is_forgetful = True
        with self.seams.unnoticed():
            for path in folder.glob("ledger.db*"):
                path.unlink()
            if is_whole_folder:
                shutil.rmtree(folder, ignore_errors=True)
        self._forget_changes()

    def _forget_changes(self) -> None:
        """Take as safe what the test itself has changed on the disk."""
        if self.disk is not None:
            self.disk.forget()

    def intended_jobs(self, machine: str = HERE) -> set[str]:
        """Give the jobs of which a ledger says that its machine is about to start them."""
        question = (
            "select r.body from event r join event s on s.batch_id = r.batch_id"
            " where r.kind = 'reserved' and s.kind = 'start_intended'"
        )
        rows = invariants.ledger_rows(self._ledger(machine), question)
        return {str(json.loads(row[0])["job"]) for row in rows}

    def _ledger(self, machine: str) -> Path:
        return self.roots[machine] / ".pleo-etl" / "ledger.db"

    def machines(self, name: str) -> list[str]:
        """Give the machines on which somebody works for a company."""
        return [one for one in self.roots if (one, name) not in self.copies]

    def released(self, name: str, machine: str | None = None) -> list[invariants.Released]:
        """Give everything that lies in the outboxes of a company, of one machine or of all."""
        found = []
        for one in self.machines(name) if machine is None else [machine]:
            for outbox in self.outbox_names:
                batches = invariants.read_outbox(self.roots[one] / outbox / name)
                for batch in batches:
                    batch.is_answered = batch.folder.name in self.answered
                    batch.is_forgotten = batch.job_id in self.vanished
                    batch.machine = one
                found += batches
        return found

    def _all_released(self) -> list[invariants.Released]:
        return [one for name in self.names for one in self.released(name)]

    def land(self) -> None:
        """Let everything that is still on its way arrive."""
        land_now(self.pleo)

    @contextmanager
    def desk(self, name: str, *, what: str, machine: str = HERE) -> Iterator[Desk]:
        """Open a desk as a command does, with the quick line."""
        with open_desk(
            self._workspace(machine), name, what=what, clock=self._clock(),
            transport=self._transport(machine),
        ) as desk:  # fmt: skip
            self._at_work.add((machine, name))
            try:
                yield replace(desk, line=QuickLine(self.settings[name]))
            finally:
                self._at_work.discard((machine, name))

    def _workspace(self, machine: str) -> Workspace:
        return load_workspace(self.roots[machine] / "pleo-etl.yaml")

    def _transport(self, machine: str) -> httpx.BaseTransport:
        sandbox = SeamTransport(SandboxTransport(self.pleo), self.seams)
        return self.wire.watch(sandbox, machine)

    def _clock(self) -> Clock:
        clock = SandboxClockOf(self.pleo)
        return clock if self._jumps is None else JumpingClock(clock, self._jumps)

    def command(self, name: str, what: str, *, machine: str = HERE, **more: Any) -> Result:
        """Let a command live until its end, or until it is stopped."""
        self.commands += 1
        self.seams.begin_life()
        before = self._pending(name)
        result = self._live(name, what, more, machine=machine)
        if result.is_stopped and self.disk is not None:
            self._lose_power(self.disk)
            lost = [change.replace(str(self.root), "") for change in self.disk.lost]
            self.log.append(f"  power: lost {', '.join(lost) or 'nothing'}")
        self._note(f"{name}{' ' * bool(machine)}{machine}", result, more)
        self._check_result(name, result, waited=before & self._pending(name), machine=machine)
        self.done[what] += result.exit_code in (0, 1)
        return result

    def second(self, name: str, what: str, *, machine: str = HERE) -> None:
        """Let another process give a command while this one is at work."""
        is_locked = (machine, name) in self._at_work
        result = self._live(name, what, {}, machine=machine)
        self._note(f"  meanwhile {name}", result, {})
        if is_locked and result.codes != ("LOCK-1",):
            self.seen.append(f"LOCK a second command was let in: {result.what} {result.codes}")

    def _live(self, name: str, what: str, more: dict[str, Any], *, machine: str) -> Result:
        hearing = {"heard": self._hear} if what in HEARD else {}
        try:
            if what == "rebuild":
                outcome: Any = self._rebuild(machine)
            else:
                with self.desk(name, what=what, machine=machine) as desk:
                    outcome = commands.COMMANDS[what](desk, **more, **hearing)
            result = Result(what, commands.exit_code(outcome), outcome=outcome)
        except Stop:
            result = Result(what, STOPPED, tuple(self.seams.stopped[-1:]))
        except EtlError as error:
            codes = tuple(problem.code for problem in error.problems)
            result = Result(what, error.exit_code, codes, outcome=str(error))
        return result

    def _rebuild(self, machine: str) -> Any:
        """Make the ledger again, as `ledger rebuild --yes`."""
        return rebuild(
            self._workspace(machine), clock=self._clock(), transport=self._transport(machine),
            line_of=lambda _workspace, name: QuickLine(self.settings[name]),
        )  # fmt: skip

    def _hear(self, batch: str, content: str, by: str) -> None:
        self.approved[batch, content].add(by)

    def _note(self, name: str, result: Result, more: dict[str, Any]) -> None:
        said = commands.tell(result.outcome).partition("\n")[0]
        given = f"{name} {result.what} {str(more or '')[:60]}"
        self.log.append(f"{given} -> {result.exit_code} {result.codes} {said}")

    def _pending(self, name: str) -> set[str]:
        return {job.id for job in self.jobs(name).values() if job.status == "pending"}

    def _check_result(self, name: str, result: Result, *, waited: set[str], machine: str) -> None:
        """Hold what is said against the jobs that waited all the time (N-08), and find bugs."""
        word = getattr(result.outcome, "word", "")
        if word == "nothing" and result.exit_code == 0 and waited:
            self.seen.append(f"N-08 nothing to do, and {len(waited)} jobs wait")
        is_copy = (machine, name) in self.copies
        if is_copy and not (result.is_stopped or NOT_MINE & set(result.codes)):
            self.seen.append(f"P1 a copied outbox is worked with: {result.what} {result.codes}")
        if result.exit_code == 5:
            self.seen.append(f"P8 a bug is shown: {result.codes} {result.outcome}")

    def _lose_power(self, disk: Disk) -> int:
        self.seams.begin_life()
        with self.seams.unnoticed():
            return disk.lose_power(self.chance)

    def look(self, *, is_settled: bool = False, is_last: bool = False) -> list[str]:
        """Hold what is there against the invariants, from outside."""
        found = invariants.Found()
        for name in self.names:
            released, jobs = self.released(name), self.known_jobs(name)
            for machine in self.machines(name):
                self._look_at(name, machine, released, is_settled=is_settled, found=found)
            invariants.check_listed(released, jobs, found)
            invariants.check_told(released, jobs, is_settled=is_settled, found=found)
            for batch in released:
                gone = {entry for job, entry in self.elsewhere if job == batch.job_id}
                found.hold(not gone & batch.entries, f"P1 {batch.folder.name} has rows of items"
                                                     " that were exported elsewhere")  # fmt: skip
            self._check_approved(released, found)
            if is_last:
                invariants.check_nothing_lost(
                    released, jobs, entries=self.company(name).entries, found=found
                )
        if is_settled:
            at_work = {one for name in self.names for one in self.machines(name)}
            for path in (path for one in at_work for path in invariants.left_over(self.roots[one])):
                found.hold(False, f"INV5 {path} was left")
            for path in invariants.held(self.root.parent):
                found.hold(False, f"INV5 {path} is held")
        return [*self.seen, *self.wire.violations, *found.violations]

    def _check_approved(
        self, released: Sequence[invariants.Released], found: invariants.Found
    ) -> None:
        """U-02: nothing is out but what enough persons have approved, or nobody had to."""
        for batch in released:
            names = self.approved[batch.id, batch.manifest["content"]]
            count = len(names - {commands.NOBODY} if self.approvals > 1 else names)
            found.hold(batch.reverses is not None or count >= self.approvals,
                       f"U-02 {batch.folder.name} is out, approved by {names}")  # fmt: skip

    def _look_at(
        self,
        name: str,
        machine: str,
        everything: Sequence[invariants.Released],
        *,
        is_settled: bool,
        found: invariants.Found,
    ) -> None:
        """Look at what one machine has released: numbers and books are its own."""
        released = [batch for batch in everything if batch.machine == machine]
        imported = self.imported[machine, name]
        invariants.check_vouchers(released, found)
        invariants.check_once(released, again=self.again, imported=imported, found=found)
        invariants.check_mirrors(released, refused=self.refused, found=found)
        if is_settled:
            others = [batch for batch in everything if batch.machine != machine]
            invariants.check_ledger(
                self._ledger(machine), released, self.known_jobs(name),
                company_id=places.company_id(name), others=others, found=found,
            )  # fmt: skip

    def snapshot(self) -> dict[str, str]:
        return invariants.snapshot(self.root.parent, self.pleo.jobs)

    def differences(self, before: dict[str, str]) -> list[str]:
        """Name what is no longer as it was."""
        now = self.snapshot()
        return sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))


def _variable(name: str) -> str:
    return f"PLEO_API_KEY_{name.upper()}"
