"""A company with jobs in a sandbox, a workspace on disk, and commands that each open it anew.

    with scene.desk() as desk: ...          one command: lock, ledger, client, and closed again
    scene.stop("after", "send started")     the next such effect ends the command as a kill would

Effects have names: `tx <kind>` (ledger), `send <event>`, `report` (Pleo), `move_folder`,
`write_atomic` … (files). Nothing but the disk and the sandbox outlives a command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from etl import files
from etl.batches.ledger import Batch, Ledger
from etl.documents import read_json
from etl.live import finishing, releasing, staging
from etl.live.approving import approve
from etl.live.desk import Desk, open_desk
from etl.live.outcomes import NothingToDo, Outcome
from etl.pleo.client import PleoClient
from etl.pleo.sandbox import Company, Pleo
from etl.pleo.sandbox.jobs import Job
from etl.workspace import load_workspace
from tests.fakes.items import COMPANY, item
from tests.fakes.line import QuickLine
from tests.fakes.transport import BASE_URL, SandboxClockOf, SandboxTransport

WORKSPACE = f"""pleo: {{base_url: "{BASE_URL}"}}
companies:
  acme: {{id: {COMPANY}, template: generic, mapping: mappings/acme.yaml}}
"""
BY = "A. Patel"


class Stop(BaseException):
    """The process ends here."""


class Scene:
    """One company, its jobs, and everything that outlives a command."""

    def __init__(self, root: Path, count: int = 3) -> None:
        self.root = root
        self.pleo = Pleo()
        self.clock = SandboxClockOf(self.pleo)
        self.transport = SandboxTransport(self.pleo)
        self.company = self._company(count)
        self.key = self.pleo.add_key([self.company])
        self.settings: dict[str, Any] = {"text": "T", "vendors": True}
        self.said: list[str] = []
        self.stops: list[tuple[str, str]] = []
        self.effects: list[str] = []
        (root / "mappings").mkdir(parents=True)
        (root / "mappings" / "acme.yaml").write_text("")
        (root / "pleo-etl.yaml").write_text(WORKSPACE)

    def _company(self, count: int) -> Company:
        if count:
            return self.pleo.add_company("acme", [item(n=n) for n in range(1, count + 1)])
        company = self.pleo.add_company("acme", [item(n=1)])
        company.entries.clear()
        return company

    # ── what the people of the company do in Pleo ──

    def export(self, entries: Sequence[str] | None = None, **more: Any) -> Job:
        """Click on Export."""
        return self.pleo.add_job(self.company, entries, **more)

    @property
    def entries(self) -> list[str]:
        return list(self.company.entries)

    # ── commands ──

    @contextmanager
    def desk(self, **more: Any) -> Iterator[Desk]:
        """Open the desk as a command does, with the quick line."""
        workspace = load_workspace(self.root / "pleo-etl.yaml")
        with open_desk(
            workspace, "acme", what="a test", clock=self.clock, transport=self.transport,
            tell=self.said.append,
        ) as desk:  # fmt: skip
            given = {"line": QuickLine(self.settings), "remark": self.said.append, **more}
            yield replace(desk, **given)

    def run(self, *, unattended: bool = False) -> Outcome:
        with self.desk() as desk:
            finishing.finish(desk)
            return staging.stage_next(desk, unattended=unattended)

    def approve(self, by: str = BY) -> Batch:
        with self.desk() as desk:
            return approve(desk, _there(desk), by=by)

    def release(self, ask: Any = None) -> Outcome:
        """Finish what was begun; approve what is staged, and release it."""
        with self.desk() as desk:
            finished = finishing.finish(desk)
            batch = desk.unsettled()
            if batch is None:
                nothing = NothingToDo(word="nothing", says="")
                return finished[-1] if finished else nothing
            if batch.state == "staged" and not batch.facts.get("refusal"):
                batch = approve(desk, batch, by=BY, content=batch.content)
            return releasing.release(desk, batch, ask=ask)

    def finish(self) -> list[Outcome]:
        with self.desk() as desk:
            return list(finishing.finish(desk))

    def run_release(self) -> Outcome:
        with self.desk() as desk:
            finishing.finish(desk)
            staged = staging.stage_next(desk, unattended=True)
            assert staged.batch is not None
            return releasing.release(desk, staged.batch, by=BY, unattended=True)

    # ── what is seen from outside ──

    def batch(self, number: int = -1) -> Batch:
        """Give a batch by its place in the ledger; the last one by default."""
        with self.desk() as desk:
            return desk.ledger.batches(COMPANY)[number]

    def requests(self, name: str | None = None) -> list[str]:
        """Give the operations that reached Pleo, in order."""
        seen = [one.call.operation for one in self.pleo.seen]
        return [one for one in seen if name is None or one == name]

    def bodies(self, name: str) -> list[Any]:
        """Give the bodies of the requests of one kind."""
        calls = [one.call for one in self.pleo.seen if one.call.operation == name]
        return [read_json(call.body) for call in calls]

    def events(self) -> list[str]:
        """Give the events that Pleo was sent, whether or not it took them."""
        return [body["event"] for body in self.bodies("send-event")]

    def released(self) -> list[Path]:
        """Give the folders in the outbox."""
        outbox = self.root / "outbox" / "acme"
        found = outbox.glob("[0-9]*") if outbox.is_dir() else []
        return sorted(path for path in found if path.is_dir())

    def booked(self) -> list[str]:
        """Give the items of all vouchers in the outbox, once for each voucher."""
        rows = [
            line.split(",")
            for folder in self.released()
            for path in sorted(folder.glob("*.csv"))
            for line in path.read_text().splitlines()[1:]
        ]
        return sorted(item for _voucher, item in {(row[0], row[1]) for row in rows})

    # ── stops ──

    def stop(self, when: str, effect: str) -> None:
        """End the command before or after the next effect of a name."""
        self.stops.append((when, effect))

    def hook(self, patch: pytest.MonkeyPatch) -> None:
        """Let every effect be noted, and stopped where that is asked for."""
        hooks: list[tuple[Any, str, Callable[..., str]]] = [
            (Ledger, "append", lambda _self, _batch, kind, _body: f"tx {kind}"),
            (PleoClient, "send_event", lambda _self, _job, event, **_: f"send {event}"),
            (PleoClient, "report_items", lambda *_: "report"),
            *((files, name, _named(name)) for name in (
                "move_folder", "write_atomic", "write_private", "remove_folder", "empty_folder",
                "remove_file",
            )),
        ]  # fmt: skip
        for owner, name, effect in hooks:
            patch.setattr(owner, name, self._hooked(getattr(owner, name), effect))

    def _hooked(self, real: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        def hooked(*args: Any, **more: Any) -> Any:
            effect = name(*args, **more)
            self._maybe_stop("before", effect)
            try:
                return real(*args, **more)
            finally:  # also where no answer came
                self.effects.append(effect)
                self._maybe_stop("after", effect)

        return hooked

    def _maybe_stop(self, when: str, effect: str) -> None:
        if (when, effect) in self.stops:
            self.stops.remove((when, effect))
            raise Stop(f"{when} {effect}")

    def stopped(self, command: Callable[[], Any], when: str, effect: str) -> None:
        """Let a command be stopped at an effect."""
        self.stop(when, effect)
        with pytest.raises(Stop):
            command()


def _named(name: str) -> Callable[..., str]:
    return lambda *_args, **_more: name


def _there(desk: Desk) -> Batch:
    batch = desk.unsettled()
    assert batch is not None
    return batch
