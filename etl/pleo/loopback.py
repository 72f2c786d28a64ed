"""Login in the browser: the address to open, and the loopback address that it comes back to.

open authorize?…&state&code_challenge -> Pleo asks the person -> 127.0.0.1:PORT/callback?code&state

The state ties the way back to this login; the verifier, which never leaves this process before the
code is exchanged, makes a code that somebody else catches worthless.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from etl.clock import Clock
from etl.errors import Problem, TryLater, UserMustFix
from etl.secret import Secret

HOST = "127.0.0.1"  # never another: nobody else's browser may come back here
PATH = "/callback"
DEFAULT_PORT = 8586
SCOPES = ("export-jobs:read", "export-jobs:write", "export-items:read")
#: Seconds that a person has for logging in.
PATIENCE = 300
POLL = 1.0  # seconds between looks at the clock
REQUEST_SECONDS = 5  # that a browser has for its request
MAX_ADDRESS = 8192
_NAME = re.compile(r"[a-z_]{1,40}")
_CODE = re.compile(r"[!-~]{1,4096}")
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>pleo-etl</title>'
    "<p>{text}</p></html>"
)


@dataclass(frozen=True, slots=True)
class Consent:
    """One login that was begun."""

    #: What the person opens. It holds no secret, but the state is nobody else's business.
    address: str = field(repr=False)
    redirect_uri: str
    state: Secret
    verifier: Secret


def redirect_uri(port: int) -> str:
    """Give the address that is registered with Pleo for the OAuth client."""
    return f"http://{HOST}:{port}{PATH}"


def begin_consent(
    authorize_url: str, client_id: str, *, port: int, scopes: Iterable[str] = SCOPES
) -> Consent:
    """Begin a login, with a state and a verifier that were never used before."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    back = redirect_uri(port)
    address: str = prepare_grant_uri(
        authorize_url, client_id, "code", redirect_uri=back, scope=" ".join(scopes), state=state,
        code_challenge=create_s256_code_challenge(verifier), code_challenge_method="S256",
    )  # fmt: skip
    return Consent(address, back, Secret(state), Secret(verifier))


def code_of(consent: Consent, address: str) -> Secret:
    """Give the code from the address that the browser came back to.

    Raises: UserMustFix AUTH-8 for another login's address, and where the person said no.
    """
    try:
        found = parse_qs(urlsplit(address.strip()[:MAX_ADDRESS]).query)
    except ValueError:
        found = {}
    return _code(consent, {name: values[0] for name, values in found.items()})


def _code(consent: Consent, found: Mapping[str, str]) -> Secret:
    if not _is_ours(consent, found):
        raise login_failed("this address does not belong to the login that was begun")
    if "error" in found:
        name = found["error"] if _NAME.fullmatch(found["error"]) else "no reason"
        said = "was not approved" if name == "access_denied" else f"was refused ({name})"
        raise login_failed(f"the login {said}")
    code = found.get("code", "")
    if not _CODE.fullmatch(code):
        raise login_failed("the browser came back without a code")
    return Secret(code)


def _is_ours(consent: Consent, found: Mapping[str, str]) -> bool:
    state = found.get("state", "").encode("utf-8", "replace")
    return hmac.compare_digest(state, consent.state.reveal().encode())


class Loopback:
    """Listens on the loopback address for the time of a `with` block.

    Raises: UserMustFix AUTH-8 when the port is taken.
    """

    def __init__(self, port: int) -> None:
        self._came: list[Mapping[str, str]] = []
        try:
            self._server = _Server((HOST, port), _handler(port, self._came))
        except OSError:
            fix = f"end the program that listens on port {port}, or register another redirect"
            fix += " address at Pleo and write its port as pleo: {redirect_port: ...}"
            raise login_failed(f"port {port} is not free", fix=fix) from None
        self._server.timeout = POLL

    def __enter__(self) -> Loopback:
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.server_close()

    def wait(self, consent: Consent, clock: Clock, *, patience: float = PATIENCE) -> Secret:
        """Wait for the browser to come back, and give the code.

        Requests of others, who do not know the state, are answered and forgotten.

        Raises: UserMustFix AUTH-8, TryLater AUTH-6 when nobody came.
        """
        begun = clock.elapsed()
        while clock.elapsed() - begun < patience:
            self._server.handle_request()
            for found in self._came:
                if _is_ours(consent, found):
                    return _code(consent, found)
            self._came.clear()
        what = f"nobody logged in within {int(patience) // 60} minutes"
        fix = "run `pleo-etl login --oauth` again; without a browser here, with --no-browser"
        raise TryLater(Problem("AUTH-6", what, consent.redirect_uri, fix))


class _Server(HTTPServer):
    # On Windows the option would let another program take the port as well.
    allow_reuse_address = os.name != "nt"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser that breaks off is no failure, and its address is a secret."""


def _handler(port: int, came: list[Mapping[str, str]]) -> type[BaseHTTPRequestHandler]:
    """Give what answers a browser; it notes the query of each visit to the right path."""

    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS
        server_version = sys_version = ""

        def do_GET(self) -> None:
            parts = urlsplit(self.path[:MAX_ADDRESS])
            if self.headers.get("host") != f"{HOST}:{port}":
                self._give(400, "This address is for pleo-etl on this machine only.")
            elif parts.path != PATH:
                self._give(404, "There is nothing here.")
            else:
                came.append({name: values[0] for name, values in parse_qs(parts.query).items()})
                self._give(200, "You can close this page; pleo-etl says what came of it.")

        def _give(self, status: int, text: str) -> None:
            body = _PAGE.format(text=text).encode()
            self.send_response(status)
            for name, value in (
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Length", str(len(body))),
                ("Content-Security-Policy", "default-src 'none'"),
                ("Referrer-Policy", "no-referrer"),
                ("Cache-Control", "no-store"),
                ("Connection", "close"),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Say nothing: the address holds the code."""

    return Handler


def login_failed(what: str, *, fix: str = "") -> UserMustFix:
    """Say why the login in the browser did not succeed."""
    fix = fix or "run `pleo-etl login --oauth` again and approve the login in Pleo"
    return UserMustFix(Problem("AUTH-8", what, "login in the browser", fix))
