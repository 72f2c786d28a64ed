"""The sandbox without a socket, and a clock that is the sandbox's: for fast tests of callers.

    pleo = Pleo()
    client = PleoClient(ADDRESS, credential=ApiKey(Secret(key)), clock=SandboxClockOf(pleo),
                        transport=SandboxTransport(pleo))

Faults are planned as for the server (`pleo.faults.add("lost-answer@send-event")`) and do what they
do there: a connection that breaks is an exception of httpx, a slow answer moves the clock. One more
kind can be planned here, `refuse_connections`: the connection is never made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import parse_qs

import httpx

from etl.pleo.addresses import Address
from etl.pleo.sandbox import Fault, Pleo, desk, wire
from etl.pleo.sandbox.answers import Answer, Call
from etl.pleo.sandbox.authorization import OPERATIONS as OAUTH
from etl.pleo.sandbox.clocks import http_date
from etl.pleo.sandbox.operations import OPERATIONS

BASE_URL = "http://127.0.0.1:1"
ADDRESS = Address(BASE_URL, f"{BASE_URL}/oauth/authorize", f"{BASE_URL}/oauth/token", True)

_ROUTES = [
    (operation.method, re.compile(re.sub(r"\{([a-z]+)\}", r"(?P<\1>[^/]+)", operation.path)), name)
    for name, operation in OPERATIONS.items()
] + [("GET", re.compile("/files/(?P<name>[^/]+)"), "download")]
_ROUTES += [(method, re.compile(path), name) for name, (method, path) in OAUTH.items()]


class SandboxClockOf:
    """The sandbox's time as a clock: to sleep is to move it."""

    def __init__(self, pleo: Pleo) -> None:
        self._pleo = pleo
        self._last = pleo.clock.read()
        self._elapsed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._pleo.clock.read()

    def elapsed(self) -> float:
        last, self._last = self._last, self._pleo.clock.read()
        # where the clock was set back no time has passed
        self._elapsed += max(0.0, (self._last - last).total_seconds())
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.elapsed()
        self.slept.append(seconds)
        self._pleo.advance(seconds)
        self.elapsed()


class SandboxTransport(httpx.BaseTransport):
    """Answers requests from a Pleo in memory."""

    def __init__(self, pleo: Pleo) -> None:
        self.pleo = pleo
        #: So many of the next connections are not made.
        self.refuse_connections = 0
        #: Why they are not made, in the words of the machine.
        self.refusal = "[Errno 111] Connection refused"
        #: Every request that was sent, whether or not it arrived.
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        if self.refuse_connections > 0:
            self.refuse_connections -= 1
            raise httpx.ConnectError(self.refusal, request=request)
        self.sent.append(request)
        call = _call(request, body)
        if call is None:
            missing = b'{"type":"not_found","message":"There is nothing here."}'
            return self._response(Answer(404, missing), {})
        with self.pleo.lock:
            faults = self.pleo.faults.take(call.operation)
            return self._answer(call, faults, request)

    def _answer(
        self, call: Call, faults: Mapping[str, Fault], request: httpx.Request
    ) -> httpx.Response:
        """Do as the server does (etl.pleo.sandbox.wire), with exceptions for broken lines."""
        patience = float(request.extensions.get("timeout", {}).get("read") or 30)
        pleo = self.pleo
        if "slow" in faults:
            pleo.advance(min(faults["slow"].value, patience))
        given = wire.without_effect(pleo, call, faults)
        if given is None and not faults.keys() & {"lost-request", "late"}:
            given = wire.with_effect(pleo, call, faults)
        desk.count_down(pleo)
        if "late" in faults:
            desk.postpone(pleo, call, requests=int(faults["late"].value))
        if "slow" in faults and faults["slow"].value >= patience:
            raise httpx.ReadTimeout("slow", request=request)
        if given is None or "lost-answer" in faults:
            raise httpx.ReadError("the connection broke", request=request)
        return self._response(given, faults)

    def _response(self, given: Answer, faults: Mapping[str, Fault]) -> httpx.Response:
        headers = {**given.headers, "date": http_date(self.pleo.clock.read())}
        if given.content_type:
            headers["content-type"] = given.content_type
        headers["content-length"] = str(len(given.body))
        return httpx.Response(
            given.status, headers=headers, stream=_Stream(self.pleo, given.body, faults)
        )


class _Stream(httpx.SyncByteStream):
    """The body of an answer, as fast and as far as the faults let it come."""

    def __init__(self, pleo: Pleo, body: bytes, faults: Mapping[str, Fault]) -> None:
        self._pleo, self._body, self._faults = pleo, body, faults

    def __iter__(self) -> Iterator[bytes]:
        if "truncated" in self._faults and self._body:
            yield self._body[: len(self._body) // 2]
            raise httpx.RemoteProtocolError("the connection broke in the body")
        if "drip" not in self._faults:
            yield self._body
            return
        for begin in range(0, len(self._body), wire.DRIP):
            yield self._body[begin : begin + wire.DRIP]
            self._pleo.advance(self._faults["drip"].value)


def _call(request: httpx.Request, body: bytes) -> Call | None:
    url = request.url
    for method, path, operation in _ROUTES:
        found = path.fullmatch(url.path)
        if found and method == request.method:
            return Call(
                operation, method, url.path, names=found.groupdict(),
                query=parse_qs(url.query.decode(), keep_blank_values=True),
                headers=dict(request.headers), body=body,
                base_url=f"{url.scheme}://{url.netloc.decode()}",
            )  # fmt: skip
    return None
