"""A Pleo, a workspace on disk, and the commands as a scheduler or a person gives them.

Each command is a life of the process: it opens everything anew, and a stop ends it. Between two
commands nothing is kept but what is on disk and in Pleo.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from etl.batches.ledger import store
from etl.clock import Clock
from etl.errors import EtlError
from etl.live.desk import Desk, open_desk
from etl.pleo.sandbox import Company, Pleo, SandboxClock
from etl.pleo.sandbox import land as land_now
from etl.workspace import load_workspace
from tests.fakes.line import QuickLine
from tests.fakes.transport import BASE_URL, SandboxClockOf, SandboxTransport
from tests.fault.live import commands, invariants, places
from tests.fault.live.disk import Disk
from tests.fault.live.machine import FAST
from tests.fault.live.stops import Seams, SeamTransport, Stop, hooked
from tests.fault.live.wire import Wire

STOPPED = -9


class JumpingClock:
    """A machine's clock that somebody sets while a command is at work; Pleo's is right."""

    JUMPS = (0, 0, 3600, -3600, 86_400, -86_400, 1, -1, 31_536_000)

    def __init__(self, real: Clock, chance: random.Random) -> None:
        self._real, self._chance = real, chance

    def now(self) -> datetime:
        return self._real.now() + timedelta(seconds=self._chance.choice(self.JUMPS))

    def elapsed(self) -> float:
        return self._real.elapsed()

    def sleep(self, seconds: float) -> None:
        self._real.sleep(seconds)


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
    ) -> None:
        self.pleo = Pleo(seed=seed, clock=SandboxClock(start) if start else None)
        self._jumps = jumps
        self.seams = seams
        self.names = list(names)
        self.settings: dict[str, dict[str, Any]] = {name: {"text": "T"} for name in names}
        self.imported: dict[str, Counter[str]] = {name: Counter() for name in names}
        self.again: Counter[str] = Counter()
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
        self.disk: Disk | None = None
        self.outbox_names = ["outbox"]
        self.wire = Wire(self.pleo, self._all_released)
        self._at_work: set[str] = set()

    def __enter__(self) -> World:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(dir=FAST))
        self.root = Path(folder) / "work"
        places.write_workspace(self.root, self.names, base_url=BASE_URL)
        if self._is_power:
            self.disk = Disk(str(self.root))
        self._stack.enter_context(hooked(self.seams, self.disk))
        self._stack.enter_context(_statements_kept())
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

    def intended_jobs(self) -> set[str]:
        """Give the jobs of which the ledger says that we are about to start them."""
        question = (
            "select r.body from event r join event s on s.batch_id = r.batch_id"
            " where r.kind = 'reserved' and s.kind = 'start_intended'"
        )
        rows = invariants.ledger_rows(self.root / ".pleo-etl" / "ledger.db", question)
        return {str(json.loads(row[0])["job"]) for row in rows}

    def outboxes(self, name: str) -> list[Path]:
        return [self.root / outbox / name for outbox in self.outbox_names]

    def released(self, name: str) -> list[invariants.Released]:
        """Give everything that lies in the outboxes of a company."""
        found = [one for outbox in self.outboxes(name) for one in invariants.read_outbox(outbox)]
        for batch in found:
            batch.is_answered = batch.folder.name in self.answered
        return found

    def _all_released(self) -> list[invariants.Released]:
        return [one for name in self.names for one in self.released(name)]

    def land(self) -> None:
        """Let everything that is still on its way arrive."""
        land_now(self.pleo)

    @contextmanager
    def desk(self, name: str, *, what: str) -> Iterator[Desk]:
        """Open a desk as a command does, with the quick line."""
        workspace = load_workspace(self.root / "pleo-etl.yaml")
        transport = self.wire.watch(SeamTransport(SandboxTransport(self.pleo), self.seams))
        with open_desk(
            workspace, name, what=what, clock=self._clock(), transport=transport
        ) as desk:
            self._at_work.add(name)
            try:
                yield replace(desk, line=QuickLine(self.settings[name]))
            finally:
                self._at_work.discard(name)

    def _clock(self) -> Clock:
        clock = SandboxClockOf(self.pleo)
        return clock if self._jumps is None else JumpingClock(clock, self._jumps)

    def command(self, name: str, what: str, **more: Any) -> Result:
        """Let a command live until its end, or until it is stopped."""
        self.commands += 1
        self.seams.begin_life()
        result = self._live(name, what, more)
        if result.is_stopped and self.disk is not None:
            self._lose_power(self.disk)
            lost = [change.replace(str(self.root), "") for change in self.disk.lost]
            self.log.append(f"  power: lost {', '.join(lost) or 'nothing'}")
        self._note(name, result, more)
        self._check_result(name, result)
        return result

    def second(self, name: str, what: str) -> None:
        """Let another process give a command while this one is at work."""
        is_locked = name in self._at_work
        result = self._live(name, what, {})
        self._note(f"  meanwhile {name}", result, {})
        if is_locked and result.codes != ("LOCK-1",):
            self.seen.append(f"LOCK a second command was let in: {result.what} {result.codes}")

    def _live(self, name: str, what: str, more: dict[str, Any]) -> Result:
        given: Callable[..., Any] = commands.COMMANDS[what]
        try:
            with self.desk(name, what=what) as desk:
                outcome = given(desk, **more)
            result = Result(what, commands.exit_code(outcome), outcome=outcome)
        except Stop:
            result = Result(what, STOPPED, tuple(self.seams.stopped[-1:]))
        except EtlError as error:
            codes = tuple(problem.code for problem in error.problems)
            result = Result(what, error.exit_code, codes, outcome=str(error))
        return result

    def _note(self, name: str, result: Result, more: dict[str, Any]) -> None:
        said = commands.tell(result.outcome).partition("\n")[0]
        given = f"{name} {result.what} {str(more or '')[:60]}"
        self.log.append(f"{given} -> {result.exit_code} {result.codes} {said}")

    def _check_result(self, name: str, result: Result) -> None:
        """Hold what a command says against what Pleo shows (N-08), and look for bugs of ours."""
        word = getattr(result.outcome, "word", "")
        pending = [job.id for job in self.jobs(name).values() if job.status == "pending"]
        if word == "nothing" and result.exit_code == 0 and pending:
            self.seen.append(f"N-08 nothing to do, and {len(pending)} jobs wait")
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
            released = self.released(name)
            jobs = self.jobs(name)
            invariants.check_vouchers(released, found)
            invariants.check_once(
                released, again=self.again, imported=self.imported[name], found=found
            )
            invariants.check_listed(released, jobs, found)
            invariants.check_told(released, jobs, is_settled=is_settled, found=found)
            if is_settled:
                ledger = self.root / ".pleo-etl" / "ledger.db"
                invariants.check_ledger(
                    ledger, released, jobs, company_id=places.company_id(name), found=found
                )
            if is_last:
                invariants.check_nothing_lost(
                    released, jobs, entries=self.company(name).entries, found=found
                )
        if is_settled:
            for path in invariants.left_over(self.root):
                found.hold(False, f"INV5 {path} was left")
            for path in invariants.held(self.root):
                found.hold(False, f"INV5 {path} is held")
        return [*self.seen, *self.wire.violations, *found.violations]

    def snapshot(self) -> dict[str, str]:
        return invariants.snapshot(self.root, self.pleo.jobs)

    def differences(self, before: dict[str, str]) -> list[str]:
        """Name what is no longer as it was."""
        now = self.snapshot()
        return sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))


#: Statements that SQLAlchemy has compiled; a process would compile them anew each time.
_COMPILED: dict[str, Any] = {}


@contextmanager
def _statements_kept() -> Iterator[None]:
    """Let all ledgers of this process share what SQLAlchemy has compiled: most of its time."""

    def create(*args: Any, **named: Any) -> Engine:
        engine = create_engine(*args, **named)
        _COMPILED.setdefault("dialect", engine.dialect)
        _COMPILED.setdefault("cache", engine._compiled_cache)
        engine.dialect, engine._compiled_cache = _COMPILED["dialect"], _COMPILED["cache"]
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "create_engine", create)
        yield


def _variable(name: str) -> str:
    return f"PLEO_API_KEY_{name.upper()}"
