"""What every request must be before anything of the review is looked at; the rest is refused.

Host is ours · Origin is ours or (GET) absent · asked for by our own page · not inside a frame ·
GET, or POST of JSON with both secrets · a small body, in a short time
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from etl.review.web.door import COOKIE, Door

MAX_BODY = 64 * 1024
MAX_ADDRESS = 4096
#: Seconds in which the body of a request must be here.
BODY_SECONDS = 10.0
#: Seconds that the body of a refused request has, to be passed over.
REST_SECONDS = 0.2
ACT_HEADER = "x-review-token"
_FRAMES = {"iframe", "frame", "embed", "object", "fencedframe"}
#: What may be asked for before the cookie is there.
OPEN = ("", "enter", "page.css", "page.js")
_POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
        "connect-src 'self'", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'", "trusted-types review",
    )
)  # fmt: skip
_HEADERS: Mapping[str, str] = {
    "content-security-policy": _POLICY,
    "cache-control": "no-store, max-age=0",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_PLAIN = re.compile(rb"[A-Za-z0-9/._~%-]*\Z")


class Refused(Exception):
    """The request is not answered."""

    def __init__(self, status: int, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(why)


class Guard:
    """Lets through what our own page asks for; everything that leaves is locked down."""

    def __init__(
        self, app: ASGIApp, *, host: str, door: Door, active: Callable[[], None] = lambda: None
    ) -> None:
        self._app, self._host, self._door, self._active = app, host, door, active

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            name = self._check(scope, _headers(scope))
            body = await _body(scope, receive)
        except Refused as refused:
            await _pass_over(scope, receive)
            await _say(send, refused)
            return
        if name != "state":
            self._active()

        async def again() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            given, body = body, None
            return {"type": "http.request", "body": given, "more_body": False}

        async def locked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _locked(message.get("headers", []))}
            await send(message)

        await self._app(scope, again, locked)

    def _check(self, scope: Scope, headers: Mapping[str, list[str]]) -> str:
        """Give what is asked for, below our path.

        Raises: Refused.
        """
        if headers.get("host") != [self._host]:
            raise Refused(421, "this is not the address of the review")
        method, own = scope["method"], f"http://{self._host}"
        if method not in ("GET", "POST"):
            raise Refused(405, "only GET and POST are answered")
        origin = headers.get("origin")
        if origin not in ((None, [own]) if method == "GET" else ([own],)):
            raise Refused(403, "this was asked for by another site")
        raw = scope.get("raw_path") or b""
        if len(raw) + len(scope["query_string"]) > MAX_ADDRESS:
            raise Refused(414, "the address is too long")
        lead = f"/{self._door.path}/"
        path: str = scope["path"]
        if not _PLAIN.match(raw) or not path.startswith(lead) or ".." in path or "//" in path:
            raise Refused(404, "there is nothing here")
        name = path.removeprefix(lead)
        self._check_fetch(headers, is_door=name == "" and method == "GET")
        if name not in OPEN and not self._door.knows(_cookie(headers)):
            raise Refused(403, "open the address that the terminal shows")
        if method == "POST":
            self._check_post(headers, name)
        return name

    def _check_fetch(self, headers: Mapping[str, list[str]], *, is_door: bool) -> None:
        """Refuse what another page has asked for, and what would stand inside of one."""
        if set(headers.get("sec-fetch-dest", ())) & _FRAMES:
            raise Refused(403, "the review is not shown inside of another page")
        site = headers.get("sec-fetch-site", ["none"])
        if not is_door and site not in (["none"], ["same-origin"]):
            raise Refused(403, "this was asked for by another site")

    def _check_post(self, headers: Mapping[str, list[str]], name: str) -> None:
        kind = headers.get("content-type", [""])[0].partition(";")[0].strip().casefold()
        if kind != "application/json":
            raise Refused(415, "only JSON is taken")
        length = headers.get("content-length", ["0"])[0]
        if not length.isdigit() or int(length) > MAX_BODY:
            raise Refused(413, "that is too much")
        if name != "enter" and not self._door.may_act(headers.get(ACT_HEADER, [""])[0]):
            raise Refused(403, "this does not come from the page of the review")


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """Read the body of a POST, as long as it is small and comes soon."""
    if scope["method"] == "GET":
        return b""
    body: bytes = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Refused(400, "the request broke off")
                body += bytes(message.get("body", b""))
                if len(body) > MAX_BODY:
                    raise Refused(413, "that is too much")
                if not message.get("more_body"):
                    return body
    except TimeoutError:
        raise Refused(408, "the request took too long") from None


async def _pass_over(scope: Scope, receive: Receive) -> None:
    """Let a body come that nobody reads: hung up on in the middle, its sender sees no answer."""
    if scope["method"] != "POST":
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(REST_SECONDS):
            while (await receive()).get("more_body"):
                pass


def _headers(scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _cookie(headers: Mapping[str, list[str]]) -> str:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load("; ".join(headers.get("cookie", ())))
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""


def _locked(given: Any) -> list[tuple[bytes, bytes]]:
    """Add what locks a page down; an answer may bring a tighter policy of its own."""
    names = {name.lower() for name, _ in given}
    more = [
        (name.encode(), value.encode())
        for name, value in _HEADERS.items()
        if name.encode() not in names
    ]
    return [*given, *more]


async def _say(send: Send, refused: Refused) -> None:
    text = refused.why.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"),
               (b"content-length", str(len(text)).encode()), (b"connection", b"close")]  # fmt: skip
    await send({"type": "http.response.start", "status": refused.status,
                "headers": _locked(headers)})  # fmt: skip
    await send({"type": "http.response.body", "body": text})
