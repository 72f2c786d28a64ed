"""A Pleo for the cases whose commands talk to one: no socket, no waiting, the same ids every time.

A line of `command` that begins with @ is no command: it moves this Pleo. Its company is the one of
base/, with the items of `items.json` as they are in the case's folder when the first @ line comes.

@job [ENTRY…]        somebody clicks on Export; without entries, for all items
@vendor-job          the same, with vendor-based bookkeeping
@start, @cancel      the newest job is started by another program, or cancelled by a user
@end EVENT           the newest job ends by an event of another program, such as completed
@advance SECONDS     time goes by
@fault FAULT         a fault of the sandbox, such as error=503@list-jobs:1-
@unreachable COUNT   so many of the next connections are not made
@well                no more faults
@refuse ENTRY TYPE…  Pleo refuses the next reports of an item
@no-contra           contra accounts are not mapped in Pleo's settings
@strange-key         the key in the environment is not one of this Pleo
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from etl.cli.surroundings import Surroundings
from etl.documents import read_json
from etl.pleo.sandbox import Pleo
from etl.pleo.sandbox.jobs import Job
from tests.fakes.transport import SandboxClockOf, SandboxTransport

MARK = "@"


class LiveCase:
    """A Pleo, and what a command needs to reach it."""

    def __init__(self, folder: Path) -> None:
        self.pleo = Pleo()
        read = read_json((folder / "items.json").read_text(encoding="utf-8"))
        self.company = self.pleo.add_company("acme", read if isinstance(read, list) else [read])
        self.environment = {
            "PLEO_API_KEY": self.pleo.add_key([self.company]),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "XDG_CONFIG_HOME": str(folder / ".config"),
        }
        self.transport = SandboxTransport(self.pleo)
        self.surroundings = Surroundings(
            clock=SandboxClockOf(self.pleo), transport=self.transport
        )

    def move(self, line: str) -> None:
        """Do what an @ line says."""
        name, *words = shlex.split(line.removeprefix(MARK))
        moves: dict[str, Callable[..., object]] = {
            "job": lambda *entries: self.pleo.add_job(
                self.company, entries or None, is_vendor_based=False
            ),
            "vendor-job": lambda: self.pleo.add_job(self.company),
            "start": lambda: self._end("started"),
            "cancel": lambda: self.pleo.cancel_job(self._job()),
            "end": self._end,
            "advance": lambda seconds: self.pleo.advance(float(seconds)),
            "fault": self.pleo.faults.add,
            "unreachable": self._refuse_connections,
            "well": self.pleo.faults.clear,
            "refuse": self.pleo.refuse_item,
            "no-contra": self._forget_contra_accounts,
            "strange-key": lambda: self.environment.update(PLEO_API_KEY="of-another-pleo"),
        }
        moves[name](*words)

    def _job(self) -> Job:
        return list(self.pleo.jobs.values())[-1]

    def _end(self, event: str) -> None:
        assert self.pleo.move_job(self._job(), event), event

    def _forget_contra_accounts(self) -> None:
        self.company.has_contra_accounts = False

    def _refuse_connections(self, count: str) -> None:
        self.transport.refuse_connections = int(count)
