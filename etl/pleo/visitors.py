"""Answers whoever comes to a port of this machine: many side by side, and nobody for long.

A visitor has a few seconds for all that it asks, however it comes; of very many the oldest goes.
So neither who says nothing nor who speaks letter by letter stands in the way of another.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass

from etl.clock import Clock

HOST = "127.0.0.1"  # never another: nobody else's browser may come here
POLL = 1.0  # seconds between looks at the clock
VISIT_SECONDS = 5.0  # that a visitor has for its request
MAX_HEAD = 16 * 1024  # bytes of a request
#: Visitors that may wait at the door, and how many come in at a turn.
QUEUE, AT_ONCE = 1024, 32
#: Visitors at a time: more than come in two turns, for one is heard in the turn after its own.
MAX_VISITORS = 3 * AT_ONCE
_END = b"\r\n\r\n"  # of the head of a request


@dataclass(slots=True)
class _Visitor:
    """One connection: since when it is there, and what it has said."""

    connection: socket.socket
    since: float
    head: bytes = b""
    is_answered: bool = False


class Visitors:
    """Everybody who is there, the oldest first.

    Needs: answer, which gives the whole answer to the head of a request, and reads no body.
    Raises: OSError when the port is taken.
    """

    def __init__(self, port: int, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._there: dict[socket.socket, _Visitor] = {}
        self._door = socket.create_server((HOST, port), backlog=QUEUE)
        self._door.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._door, selectors.EVENT_READ)

    @property
    def address(self) -> tuple[str, int]:
        """Give host and port."""
        host, port = self._door.getsockname()
        return host, port

    def close(self) -> None:
        """Send everybody away, and let nobody in any more."""
        for visitor in list(self._there.values()):
            self._send_away(visitor)
        self._selector.close()
        self._door.close()

    def turn(self, clock: Clock) -> None:
        """Wait a moment for something to happen, and do what there is to do then."""
        ready = [key.fileobj for key, _events in self._selector.select(POLL)]
        for visitor in [one for one in self._there.values() if one.connection in ready]:
            self._hear(visitor)
        now = clock.elapsed()
        if self._door in ready:
            self._let_in(now)
        for visitor in list(self._there.values()):
            if now - visitor.since > VISIT_SECONDS:
                self._send_away(visitor)

    def _let_in(self, now: float) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _address = self._door.accept()
            except OSError:  # nobody is left, or who knocked is gone
                return
            connection.setblocking(False)
            self._there[connection] = _Visitor(connection, now)
            self._selector.register(connection, selectors.EVENT_READ)
            if len(self._there) > MAX_VISITORS:
                self._send_away(next(iter(self._there.values())))

    def _hear(self, visitor: _Visitor) -> None:
        """Take what a visitor says, and answer when it has asked; it is the one to hang up then."""
        try:
            piece = visitor.connection.recv(MAX_HEAD)
            if piece and not visitor.is_answered:
                visitor.head += piece
                if _END in visitor.head:
                    visitor.is_answered = True
                    visitor.connection.send(self._answer(visitor.head.partition(_END)[0]))
                    visitor.connection.shutdown(socket.SHUT_WR)
        except OSError:  # it has hung up
            piece = b""
        if not piece or len(visitor.head) > MAX_HEAD:
            self._send_away(visitor)

    def _send_away(self, visitor: _Visitor) -> None:
        del self._there[visitor.connection]
        self._selector.unregister(visitor.connection)
        visitor.connection.close()
