"""The sandbox on the wire: routes, headers, and the faults that a network makes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from etl.documents import read_json
from etl.pleo.sandbox import desk
from etl.pleo.sandbox.access import too_many
from etl.pleo.sandbox.answers import Answer, Call, Refused, Seen, give
from etl.pleo.sandbox.authorization import OPERATIONS as OAUTH
from etl.pleo.sandbox.clocks import http_date
from etl.pleo.sandbox.faults import Fault
from etl.pleo.sandbox.operations import OPERATIONS
from etl.pleo.sandbox.pleo import Pleo

#: Breaks a connection: at once, or after what was sent has gone out.
HangUp = Callable[[Any, bool], None]
Faults = Mapping[str, Fault]

MAX_BODY = 4 * 1024 * 1024
DRIP = 7  # bytes in a piece
HTML = b"<!doctype html><title>Bad gateway</title><h1>Bad gateway</h1>"


def make_app(pleo: Pleo, hang_up: HangUp) -> Starlette:
    """Give the application that serves a Pleo."""
    by_path: dict[str, dict[str, str]] = {"/files/{name}": {"GET": "download"}}
    for name, operation in OPERATIONS.items():
        by_path.setdefault(operation.path, {})[operation.method] = name
    for name, (method, path) in OAUTH.items():
        by_path.setdefault(path, {})[method] = name
    routes = [
        Route(path, _endpoint(pleo, operations, hang_up), methods=list(operations))
        for path, operations in by_path.items()
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _unknown(pleo)})


def _unknown(pleo: Pleo) -> Callable[[Request, Exception], Response]:
    def handler(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        named = {404: "not_found", 405: "method_not_allowed"}.get(status, "bad_request")
        return _Sent(
            pleo, give({"type": named, "message": "There is nothing here."}, status=status)
        )

    return handler


def _endpoint(
    pleo: Pleo, operations: Mapping[str, str], hang_up: HangUp
) -> Callable[[Request], Awaitable[Response]]:
    """Serve a path, whose operations are known by their methods."""

    async def endpoint(request: Request) -> Response:
        operation = operations["GET" if request.method == "HEAD" else request.method]
        call = await _call(request, operation)
        with pleo.lock:
            faults = pleo.faults.take(operation)
        if "slow" in faults:
            await asyncio.sleep(faults["slow"].value)
        given = without_effect(pleo, call, faults)
        if given is None and not faults.keys() & {"lost-request", "late"}:
            given = with_effect(pleo, call, faults)
        desk.count_down(pleo)
        if "late" in faults:
            desk.postpone(pleo, call, requests=int(faults["late"].value))
        is_lost = given is None or "lost-answer" in faults
        return _Sent(pleo, given or Answer(500), faults=faults, hang_up=hang_up, is_lost=is_lost)

    return endpoint


async def _call(request: Request, operation: str) -> Call:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            raise HTTPException(413)
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    return Call(
        operation, request.method, request.url.path,
        names={name: str(value) for name, value in request.path_params.items()},
        query=query, headers=dict(request.headers), body=body,
        base_url=f"{request.url.scheme}://{request.url.netloc}",
    )  # fmt: skip


def without_effect(pleo: Pleo, call: Call, faults: Faults) -> Answer | None:
    """Answer as a gateway does, before the call reaches Pleo."""
    given = None
    if "error" in faults:
        given = _failure(int(faults["error"].value))
    elif "limited" in faults:
        given = too_many(int(faults["limited"].value)).answer
    if given:
        with pleo.lock:
            pleo.seen.append(Seen(call, given.status))
    return given


def with_effect(pleo: Pleo, call: Call, faults: Faults) -> Answer:
    given = desk.answer(pleo, call)
    if given.status == 200 and any(kind.startswith("page-") for kind in faults):
        given = _spoilt_page(call, given, faults)
    if "error-after" in faults:
        return _failure(int(faults["error-after"].value))
    if "html" in faults:
        return Answer(200, HTML, "text/html")
    if "wrong-type" in faults:
        return Answer(given.status, given.body, "text/html", given.headers)
    return given


def _failure(status: int) -> Answer:
    """Give an error; those of gateways are pages of HTML."""
    if status in (502, 503, 504):
        return Answer(status, HTML, "text/html")
    return Refused(status, "unexpected_error", "Something went wrong.").answer


def _spoilt_page(call: Call, given: Answer, faults: Faults) -> Answer:
    document = read_json(given.body)
    data, pagination = document.get("data"), document.get("pagination")
    if not isinstance(data, list) or pagination is None:
        return given
    if "page-repeat" in faults:
        data.extend(data[-1:])
    if "page-gap" in faults:
        del data[:1]
    if "page-loop" in faults:
        pagination["hasNextPage"] = True
        again = call.query.get("after") or [pagination.get("startCursor", "")]
        pagination["endCursor"] = again[0]
    if "page-no-cursor" in faults:
        pagination["hasNextPage"] = True
        pagination.pop("endCursor", None)
    return give(document, headers=given.headers)


class _Sent(Response):
    """Sends an answer, or as much of it as the faults let through."""

    def __init__(
        self,
        pleo: Pleo,
        given: Answer,
        *,
        faults: Faults | None = None,
        hang_up: HangUp | None = None,
        is_lost: bool = False,
    ) -> None:
        headers = {**given.headers, "date": http_date(pleo.clock.read())}
        if given.content_type:
            headers["content-type"] = given.content_type
        super().__init__(given.body, given.status, headers)
        self._faults, self._hang_up, self._is_lost = faults or {}, hang_up, is_lost

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._hang_up and self._is_lost:
            await self._break(scope, receive, at_once=True)
        elif self._hang_up and "truncated" in self._faults:
            await self._start(send)
            half = bytes(self.body)[: len(self.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await self._break(scope, receive, at_once=False)
        elif "drip" in self._faults:
            await self._start(send)
            await self._drip(send)
        else:
            await super().__call__(scope, receive, send)

    async def _start(self, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )

    async def _drip(self, send: Send) -> None:
        body = bytes(self.body)
        for begin in range(0, len(body), DRIP):
            piece = body[begin : begin + DRIP]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(self._faults["drip"].value)
        await send({"type": "http.response.body", "body": b""})

    async def _break(self, scope: Scope, receive: Receive, *, at_once: bool) -> None:
        """Break the connection, and end only when the server knows that it is broken."""
        assert self._hang_up
        self._hang_up(scope["client"], at_once)
        while (await receive())["type"] != "http.disconnect":
            pass
