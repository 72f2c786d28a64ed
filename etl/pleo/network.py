"""A network that reaches only addresses which were looked at before.

A name is turned into addresses once, all of them are looked at, and the connection is made to
one of them as a number: nobody can say another address in between (rebinding). Host header, SNI
and the certificate still go by the name. No proxy is used: it would look up the name itself.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from etl.clock import Clock
from etl.pleo.links import IPAddress, LinkRefused, may_connect

MAX_ADDRESSES = 4  # tried one after the other; names with more have the same computer behind each
KEPT_OPEN = 60.0  # seconds for which an idle connection is kept

# At its most talkative httpcore writes whole headers, and a redirect has a link in them.
logging.getLogger("httpcore").setLevel(logging.WARNING)

Resolve = Callable[[str, int], Sequence[IPAddress]]


class TookTooLong(Exception):
    """A file took longer than the time it may take, though something came now and then."""


def resolve_name(host: str, port: int) -> Sequence[IPAddress]:
    """Give the addresses of a computer.

    Raises: OSError if there is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    texts = [str(row[4][0]).partition("%")[0] for row in found]
    return [ipaddress.ip_address(text) for text in dict.fromkeys(texts)]


class CheckedNetwork(httpcore.NetworkBackend):
    """Connects to checked addresses, and ends what takes longer than it may."""

    def __init__(
        self,
        *,
        clock: Clock,
        resolve: Resolve = resolve_name,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._clock = clock
        self._resolve = resolve
        self._network = network or httpcore.SyncBackend()
        self._is_local = False
        self._ends_at = clock.elapsed()

    def begin(self, *, is_local: bool, seconds: float) -> None:
        """Say where the next requests may go, and how long they may take in all."""
        self._is_local = is_local
        self._ends_at = self._clock.elapsed() + seconds

    def left(self, timeout: float | None) -> float:
        """Give the seconds that one step may take.

        Raises: TookTooLong.
        """
        left = self._ends_at - self._clock.elapsed()
        if left <= 0:
            raise TookTooLong
        return left if timeout is None else min(left, timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to one of the addresses of a computer.

        Raises: LinkRefused if any of them may not be reached; httpcore.ConnectError or
        httpcore.ConnectTimeout if none answers.
        """
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("no address") from error
        if not all(may_connect(address, is_local=self._is_local) for address in addresses):
            raise LinkRefused("the link leads into a network that is not public")
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses[:MAX_ADDRESSES]:
            try:
                stream = self._network.connect_tcp(
                    str(address), port, self.left(timeout), local_address, socket_options
                )
                return _Timed(stream, self.left)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Timed(httpcore.NetworkStream):
    """A connection on which no step takes longer than what is left."""

    def __init__(
        self, stream: httpcore.NetworkStream, left: Callable[[float | None], float]
    ) -> None:
        self._stream = stream
        self._left = left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        tls = self._stream.start_tls(ssl_context, server_hostname, self._left(timeout))
        return _Timed(tls, self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class CheckedTransport(httpx.BaseTransport):
    """Sends requests over a CheckedNetwork: one at a time, for one thread."""

    def __init__(self, network: CheckedNetwork, tls: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls, max_connections=1, keepalive_expiry=KEPT_OPEN, network_backend=network
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; nothing is added to it.

        Raises: httpx.TransportError, and LinkRefused where the connection may not be made.
        """
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        with _translated():
            response = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=url,
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _translated():
            yield from self._response.iter_stream()

    def close(self) -> None:
        with _translated():
            self._response.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the errors of httpcore into those of httpx, without the words of either."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise httpx.ReadTimeout("time is over") from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise httpx.ReadError("the connection failed") from error
