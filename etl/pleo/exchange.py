"""One request and its answer: headers, time-outs, and limits on what is read.

What comes back is either a `Reply` or `Lost`, which says whether the request can have had an
effect. Nothing of httpx leaves this module, so that no exception or log of it can show a header.
"""

from __future__ import annotations

import logging
import ssl
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Literal

import httpx

from etl import __version__
from etl.clock import Clock
from etl.errors import Problem, UserMustFix
from etl.log import LOGGER
from etl.pleo.addresses import Address
from etl.pleo.waits import Patience
from etl.secret import Secret

MEDIA_TYPE = "application/json;charset=UTF-8"
#: The largest answer that is read, before and after it is unpacked. The largest page Pleo may
#: grant is not stated; a thousand items of thirty kilobytes each stay below it.
MAX_BODY = 32 * 1024 * 1024
#: Of an error only its type and message are read.
MAX_ERROR = 64 * 1024

#: connect: the connection was never made, so nothing was sent. cut: it broke, or nothing came in
#: time. packed: the body is in an encoding that was not asked for, or is broken in it.
Loss = Literal["connect", "certificate", "cut", "slow", "large", "packed"]
Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Question:
    """A request before it is sent. Its path carries no secret; its query may."""

    method: str
    path: str
    #: What it is about, for a person.
    about: str
    query: Query = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)

    @property
    def is_write(self) -> bool:
        return self.method != "GET"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that came whole."""

    status: int
    body: bytes = field(repr=False)
    content_type: str
    date: str | None
    retry_after: str | None

    @property
    def is_json(self) -> bool:
        """Say whether the answer says that it is JSON, or leaves it open."""
        return not self.content_type or "json" in self.content_type.casefold()


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer, or none that can be read."""

    why: Loss
    date: str | None = None

    @property
    def is_without_effect(self) -> bool:
        """Say whether the request certainly never reached Pleo."""
        return self.why in ("connect", "certificate")


class Wire:
    """The connection to one Pleo."""

    def __init__(
        self,
        address: Address,
        *,
        clock: Clock,
        patience: Patience,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        # their lines have whole URLs and headers; ours have neither
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._clock, self._patience = clock, patience
        self._http = _client(address, patience, transport)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def send(self, question: Question, authorization: Secret) -> Reply | Lost:
        """Send a request once and read its answer."""
        began = self._clock.elapsed()
        headers = {"authorization": authorization.reveal()}
        if question.body is not None:
            headers["content-type"] = MEDIA_TYPE
        request = self._http.build_request(
            question.method, question.path, params=list(question.query) or None,
            content=question.body, headers=headers,
        )  # fmt: skip
        given = self._send(request, began)
        took = self._clock.elapsed() - began
        said = given.status if isinstance(given, Reply) else f"no answer ({given.why})"
        LOGGER.debug("pleo: %s: %s after %.1f s", question, said, took)
        return given

    def _send(self, request: httpx.Request, began: float) -> Reply | Lost:
        try:
            response = self._http.send(request, stream=True, auth=_as_it_is)
        except httpx.TransportError as error:
            return Lost(_why(error))
        date = response.headers.get("date")
        try:
            body = self._read(response, began)
        except httpx.TransportError as error:
            return Lost(_why(error), date)
        except zlib.error:
            return Lost("packed", date)
        finally:
            response.close()
        if isinstance(body, str):
            return Lost(body, date)
        return Reply(
            response.status_code, body, response.headers.get("content-type", ""), date,
            response.headers.get("retry-after"),
        )  # fmt: skip

    def _read(self, response: httpx.Response, began: float) -> bytes | Loss:
        """Read a body piece by piece, so that neither its size nor its pace has no end."""
        limit = MAX_BODY if response.is_success else MAX_ERROR
        packing = response.headers.get("content-encoding", "identity").strip().casefold()
        if packing not in ("identity", "", "gzip", "x-gzip"):
            return "packed"
        pieces, size, raw = [], 0, self._in_time(response, began)
        for piece in _unpacked(raw) if "gzip" in packing else raw:
            if piece is None:
                return "slow"
            size += len(piece)
            if size > limit and response.is_success:
                return "large"
            pieces.append(piece)
            if size > limit:
                break
        return b"".join(pieces)[:limit]

    def _in_time(self, response: httpx.Response, began: float) -> Iterator[bytes | None]:
        """Give the pieces as they come; None, once, where the whole takes too long."""
        for piece in response.iter_raw():
            yield piece
            if self._clock.elapsed() - began > self._patience.answer:
                yield None
                return


def _unpacked(raw: Iterator[bytes | None]) -> Iterator[bytes | None]:
    """Unpack gzip in pieces of a bounded size, whatever they unpack to.

    Raises: zlib.error if it is broken or ends too early.
    """
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    for piece in raw:
        left = piece
        while left:
            yield unpacking.decompress(left, MAX_ERROR)
            left = unpacking.unconsumed_tail
        if piece is None:
            yield None
    if not unpacking.eof:
        raise zlib.error


def _client(
    address: Address, patience: Patience, transport: httpx.BaseTransport | None
) -> httpx.Client:
    headers = {
        "accept": "application/json",
        "accept-encoding": "gzip",
        "user-agent": f"pleo-etl/{__version__}",
    }
    try:
        return httpx.Client(
            base_url=address.base_url, transport=transport, headers=headers,
            follow_redirects=False, verify=_trust(address),
            # a proxy is for the world outside; plain http to this machine goes straight
            trust_env=not address.is_loopback,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx.Timeout(patience.silence, connect=patience.connect),
        )  # fmt: skip
    except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
        why = type(error).__name__
    # the setting itself is not shown: the address of a proxy may hold a password
    what = f"the settings of the network cannot be used ({why})"
    fix = "look at HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE; socks needs `pip install httpx[socks]`"
    raise UserMustFix(Problem("NET-10", what, "environment", fix))


def _why(error: httpx.TransportError) -> Loss:
    """Say what was lost: where no connection was made, nothing can have been sent."""
    if isinstance(error, httpx.ConnectError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "certificate"
    nothing_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    if isinstance(error, nothing_sent):
        return "connect"
    return "slow" if isinstance(error, httpx.TimeoutException) else "cut"


def _trust(address: Address) -> ssl.SSLContext | bool:
    """Trust the usual authorities; for plain http none, which is quicker to set up."""
    if address.base_url.startswith("http://"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return True


def _as_it_is(request: httpx.Request) -> httpx.Request:
    """Add nothing to a request: neither from a netrc file nor from the address."""
    return request
