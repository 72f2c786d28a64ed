"""The sandbox as a server on the loopback address, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from types import TracebackType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from etl.pleo.sandbox.pleo import Pleo
from etl.pleo.sandbox.wire import make_app

HOST = "127.0.0.1"  # never another: the sandbox is for this machine only
BACKLOG = 128
POLL = 0.5  # seconds between looks at the keyboard


class RunningSandbox:
    """Serve a Pleo for the time of a `with` block.

    Raises: OSError if the port is taken.
    """

    def __init__(self, pleo: Pleo, *, port: int = 0) -> None:
        self.pleo = pleo
        self._socket = socket.create_server((HOST, port), backlog=BACKLOG)
        self.port: int = self._socket.getsockname()[1]
        self.base_url = f"http://{HOST}:{self.port}"
        connections: dict[Any, asyncio.Transport] = {}

        def hang_up(client: Any, at_once: bool) -> None:
            transport = connections[tuple(client)]
            if at_once:
                transport.abort()
            else:
                transport.close()

        config = uvicorn.Config(
            make_app(pleo, hang_up), http=_protocol(connections), ws="none", lifespan="off",
            loop="asyncio", proxy_headers=False, date_header=False, server_header=False,
            access_log=False, log_config=None, log_level=logging.ERROR,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="pleo-sandbox", daemon=True)

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def __enter__(self) -> RunningSandbox:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._socket.close()

    def wait(self) -> None:
        """Wait until the server ends, which it does not; Ctrl-C stops the waiting."""
        while self._thread.is_alive():
            self._thread.join(POLL)


def _protocol(connections: dict[Any, asyncio.Transport]) -> type[H11Protocol]:
    """Give the server's protocol, which notes its connections so that they can be broken."""

    class Noting(H11Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            super().connection_made(transport)
            connections[transport.get_extra_info("peername")] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(self.transport.get_extra_info("peername"), None)
            super().connection_lost(exc)

    return Noting
