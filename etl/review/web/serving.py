"""Serve the local page to one browser of this machine, until it is no longer needed.

127.0.0.1, a port that nobody can guess ─> one address with a token ─> Ctrl-C, or long idle

Every program of this machine may connect, also to say nothing: such a connection has a few seconds,
and where many wait the oldest goes. A browser sends its request at once, and is served.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from etl.clock import Clock
from etl.review.web.acting import Acts
from etl.review.web.app import Host, make_app
from etl.review.web.asked import Session
from etl.review.web.door import Door
from etl.review.web.pages import prepare

HOST = "127.0.0.1"  # never another: nobody else's machine may come here
#: Seconds without a request of a person after which the review ends by itself.
IDLE_SECONDS = 2 * 60 * 60.0
#: Seconds in which the whole head of a request must be here.
HEAD_SECONDS = 5.0
#: Connections that may wait for the server, and how many it takes at a turn.
_QUEUE, _AT_ONCE = 1024, 32
#: Connections without a head at a time: more than come in two turns, for what one sends is read
#: in the turn after that in which it came in, and nobody is to go before.
MAX_SILENT = 3 * _AT_ONCE
_MAX_CONNECTIONS, _MAX_HEAD, _KEEP_SECONDS, _END_SECONDS = 128, 16 * 1024, 15, 2

Bug = Callable[[BaseException], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a review waits for a person: seconds, by a clock."""

    clock: Clock
    idle: float = IDLE_SECONDS


class LocalPage:
    """The page of one session; made ready to be served, then served."""

    def __init__(self, session: Session, *, by: str, patience: Patience, bug: Bug) -> None:
        self.door = Door()
        self._patience = patience
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name != "nt":  # on Windows the option would let another program take the port as well
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HOST, 0))
        self._socket.listen(_QUEUE)  # a browser that is quicker than the server waits
        self.port: int = self._socket.getsockname()[1]
        self._active()
        app, self.acts = make_app(
            session, Host(f"{HOST}:{self.port}", by), door=self.door, bug=bug, active=self._active
        )
        self._server = _Server(_config(app), is_idle=self._is_idle)

    @property
    def address(self) -> str:
        """Give what a person opens; good for one browser, once."""
        return f"http://{HOST}:{self.port}/{self.door.path}/#{self.door.token}"

    @property
    def has_begun(self) -> bool:
        return self._server.started

    def prepare(self) -> None:
        """Make ready what the first page of a batch is written with."""
        prepare()

    def serve(self, *, waits: Callable[[], None] = lambda: None) -> None:
        """Answer until somebody ends it, or nobody has come for long; a release is finished.

        Needs: waits, told when the end has to wait for a release. In the main thread Ctrl-C ends
        it, and is raised again when all is done.
        """
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()
            if self.acts.is_releasing:
                waits()
            self.acts.wait()

    def end(self) -> None:
        """Let it come to its end."""
        self._server.should_exit = True

    def _active(self) -> None:
        self._seen = self._patience.clock.elapsed()

    def _is_idle(self) -> bool:
        waited = self._patience.clock.elapsed() - self._seen
        return waited > self._patience.idle and not self.acts.is_releasing


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, *, is_idle: Callable[[], bool]) -> None:
        super().__init__(config)
        self._is_idle = is_idle

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, with a long queue; uvicorn has one number for it and for what it takes at once."""
        await super().startup(sockets=sockets)
        for one in sockets or ():
            one.listen(_QUEUE)

    async def on_tick(self, counter: int) -> bool:
        """Say, ten times a second, whether to end."""
        return await super().on_tick(counter) or self._is_idle()


def _protocol() -> type[H11Protocol]:
    """Give the server's protocol, which has no patience with who connects and asks for nothing."""
    silent: dict[H11Protocol, asyncio.TimerHandle] = {}

    def hang_up(one: H11Protocol) -> None:
        silent.pop(one).cancel()
        one.connections.discard(one)  # at once: uvicorn serves as many as are not in there
        one.transport.abort()

    class Impatient(H11Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            super().connection_made(transport)
            self._look()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._look()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._look()

        def _look(self) -> None:
            """Let the time for a head run for as long as there is none, and no longer."""
            has_head = self.cycle is not None and not self.cycle.response_complete
            if has_head or self.transport.is_closing():
                if self in silent:
                    silent.pop(self).cancel()
            elif self not in silent:
                silent[self] = self.loop.call_later(HEAD_SECONDS, hang_up, self)
                if len(silent) > MAX_SILENT:
                    hang_up(next(iter(silent)))

    return Impatient


def _config(app: Callable[..., Any]) -> uvicorn.Config:
    return uvicorn.Config(
        app, log_config=None, log_level="critical", access_log=False, server_header=False,
        lifespan="off", ws="none", http=_protocol(), loop="asyncio", backlog=_AT_ONCE,
        proxy_headers=False,
        limit_concurrency=_MAX_CONNECTIONS, h11_max_incomplete_event_size=_MAX_HEAD,
        timeout_keep_alive=_KEEP_SECONDS, timeout_graceful_shutdown=_END_SECONDS,
    )  # fmt: skip


@contextmanager
def served(page: LocalPage) -> Iterator[LocalPage]:
    """Serve a page beside what is done in the block."""
    thread = threading.Thread(target=page.serve, name="local page")
    thread.start()
    try:
        while not page.has_begun and thread.is_alive():
            thread.join(0.01)
        yield page
    finally:
        page.end()
        thread.join()


__all__ = ["Acts", "LocalPage", "Patience", "served"]
