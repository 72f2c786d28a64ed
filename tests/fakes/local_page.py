"""A batch that waits, and its local page on a port of this machine; Pleo has no socket."""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from etl.clock import Clock
from etl.live.session import ReviewSession
from etl.pleo.sandbox.jobs import Job
from etl.review.web import LocalPage, Patience, served
from etl.workspace import load_workspace
from tests.fakes.transport import SandboxClockOf, SandboxTransport
from tests.unit.cli.live import Live, copied, make_live, temporary_folder

BY = "A. Patel"


@dataclass
class Reviewed:
    """A workspace, its Pleo, and one review of it."""

    live: Live
    session: ReviewSession
    job: Job
    bugs: list[BaseException] = field(default_factory=list)

    @property
    def batch(self) -> str:
        """Give the id of the batch that was begun last."""
        return self.session.history()[0].batch_id

    def kinds(self) -> list[str]:
        """Give what happened to that batch, in order."""
        with self.session.shelf() as shelf:
            assert shelf is not None
            return [str(one.kind) for one in shelf.ledger.events(shelf.company_id, self.batch)]

    def sent(self) -> list[str]:
        """Give the operations by which Pleo was told something."""
        told = ("send-event", "report-items")
        seen = [one.call.operation for one in self.live.pleo.seen]
        return [name for name in seen if name in told]

    def released(self) -> list[Path]:
        """Give the folders in the outbox."""
        outbox = self.live.root / "outbox" / "acme"
        return sorted(path for path in outbox.glob("0*") if path.is_dir())

    def another(self) -> ReviewSession:
        """Give a review of the same company in another program."""
        return new_session(self.live)

    @contextmanager
    def page(self, *, clock: Clock | None = None, idle: float = 7200.0) -> Iterator[LocalPage]:
        """Serve the page."""
        patience = Patience(clock or self.session.clock, idle)
        made = LocalPage(self.session, by=BY, patience=patience, bug=self.bugs.append)
        with served(made):
            yield made


def new_session(live: Live) -> ReviewSession:
    """Begin a review as a command does."""
    return ReviewSession(
        load_workspace(live.root / "pleo-etl.yaml"), "acme",
        clock=SandboxClockOf(live.pleo), transport=SandboxTransport(live.pleo),
    )  # fmt: skip


def make_reviewed(
    root: Path, patch: pytest.MonkeyPatch, items: Sequence[Mapping[str, Any]] | None = None
) -> Reviewed:
    """Lay out a workspace whose export was fetched (by default of three items, one rejected)."""
    if items is not None:
        return _fetched(root, patch, items)
    made = _three_fetched()
    live = copied(made.live, root)
    _enter(live, patch)
    return Reviewed(live, new_session(live), live.pleo.jobs[made.job.id])


@functools.cache
def _three_fetched() -> Reviewed:
    """Fetch the three items once for all tests of this process; each takes a copy."""
    with pytest.MonkeyPatch.context() as patch:
        return _fetched(temporary_folder(), patch, None)


def _fetched(
    root: Path, patch: pytest.MonkeyPatch, items: Sequence[Mapping[str, Any]] | None
) -> Reviewed:
    root.mkdir(parents=True, exist_ok=True)
    live = make_live(root)
    if items is not None:
        live.pleo.companies.clear()
        live.companies.clear()
        live.add("acme", items)
    _enter(live, patch)
    job = live.job()
    session = new_session(live)
    session.fetch(by=BY)
    return Reviewed(live, session, job)


def _enter(live: Live, patch: pytest.MonkeyPatch) -> None:
    for name, value in live.environment.items():
        patch.setenv(name, value)
    patch.delenv("PLEO_API_KEY", raising=False)
    patch.chdir(live.root)


class Visitor:
    """A browser without a window: what it sends is what a test says."""

    def __init__(self, page: LocalPage) -> None:
        self.page = page
        self.origin = f"http://127.0.0.1:{page.port}"
        self.base = f"{self.origin}/{page.door.path}"
        self.client = httpx.Client(trust_env=False)

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_error: object) -> None:
        self.client.close()

    def enter(self, token: str | None = None) -> httpx.Response:
        """Exchange the token for the cookie."""
        return self.client.post(
            f"{self.base}/enter", json={"token": token or self.page.door.token},
            headers={"Origin": self.origin},
        )  # fmt: skip

    def get(self, name: str, **headers: str) -> httpx.Response:
        return self.client.get(f"{self.base}/{name}", headers=headers)

    def act(self, name: str, said: Mapping[str, Any], **headers: str) -> httpx.Response:
        """Send an act as the page does; headers put others in the place of the page's."""
        given = {
            "Origin": self.origin, "X-Review-Token": self.page.door.act_token,
            "Content-Type": "application/json", **headers,
        }  # fmt: skip
        body = json.dumps({"by": BY, "request": str(uuid.uuid4()), **said})
        return self.client.post(f"{self.base}/act/{name}", content=body, headers=given)
