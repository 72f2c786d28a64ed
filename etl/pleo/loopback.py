"""Login in the browser: the address to open, and the loopback address that it comes back to.

open authorize?…&state&code_challenge -> Pleo asks the person -> 127.0.0.1:PORT/callback?code&state

The state ties the way back to this login; the verifier, which never leaves this process before the
code is exchanged, makes a code that somebody else catches worthless.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from etl.clock import Clock
from etl.errors import Problem, TryLater, UserMustFix
from etl.pleo.visitors import HOST, Visitors
from etl.secret import Secret

PATH = "/callback"
DEFAULT_PORT = 8586
SCOPES = ("export-jobs:read", "export-jobs:write", "export-items:read")
#: Seconds that a person has for logging in.
PATIENCE = 300
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
            self._visitors = Visitors(port, partial(_answer, port=port, came=self._came))
        except OSError:
            fix = f"end the program that listens on port {port}, or register another redirect"
            fix += " address at Pleo and write its port as pleo: {redirect_port: ...}"
            raise login_failed(f"port {port} is not free", fix=fix) from None

    def __enter__(self) -> Loopback:
        return self

    def __exit__(self, *_error: object) -> None:
        self._visitors.close()

    def wait(self, consent: Consent, clock: Clock, *, patience: float = PATIENCE) -> Secret:
        """Wait for the browser to come back, and give the code.

        Requests of others, who do not know the state, are answered and forgotten. No number of
        them, and nothing that they do or leave undone, makes the wait longer.

        Raises: UserMustFix AUTH-8, TryLater AUTH-6 when nobody came.
        """
        begun = clock.elapsed()
        while clock.elapsed() - begun < patience:
            self._visitors.turn(clock)
            for found in self._came:
                if _is_ours(consent, found):
                    return _code(consent, found)
            self._came.clear()
        what = f"nobody logged in within {int(patience) // 60} minutes"
        fix = "run `pleo-etl login --oauth` again; without a browser here, with --no-browser"
        raise TryLater(Problem("AUTH-6", what, consent.redirect_uri, fix))


def _answer(head: bytes, *, port: int, came: list[Mapping[str, str]]) -> bytes:
    """Answer a browser, and note the query of its visit to the right path."""
    first, *fields = head.decode("latin-1").split("\r\n")
    method, _blank, rest = first.partition(" ")
    named = [field.partition(":") for field in fields]
    hosts = [value.strip() for name, _colon, value in named if name.casefold() == "host"]
    try:
        parts = urlsplit(rest.partition(" ")[0][:MAX_ADDRESS])
    except ValueError:
        hosts = []
    if hosts != [f"{HOST}:{port}"]:
        return _page(HTTPStatus.BAD_REQUEST, "This address is for pleo-etl on this machine only.")
    if method != "GET":
        return _page(HTTPStatus.NOT_IMPLEMENTED, "There is nothing to send.")
    if parts.path != PATH:
        return _page(HTTPStatus.NOT_FOUND, "There is nothing here.")
    came.append({name: values[0] for name, values in parse_qs(parts.query).items()})
    return _page(HTTPStatus.OK, "You can close this page; pleo-etl says what came of it.")


def _page(status: HTTPStatus, text: str) -> bytes:
    body = _PAGE.format(text=text).encode()
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}", "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(body)}", "Content-Security-Policy: default-src 'none'",
        "Referrer-Policy: no-referrer", "Cache-Control: no-store", "Connection: close", "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode() + body


def login_failed(what: str, *, fix: str = "") -> UserMustFix:
    """Say why the login in the browser did not succeed."""
    fix = fix or "run `pleo-etl login --oauth` again and approve the login in Pleo"
    return UserMustFix(Problem("AUTH-8", what, "login in the browser", fix))
