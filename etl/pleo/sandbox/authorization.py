"""The authorization server of the sandbox: clients, codes, and pairs of tokens that rotate.

authorize (approved at once) -> code -> token: pair 1 -> refresh: pair 2, pair 1 is void -> …

A refresh token that was used before, or has ended, makes everything of its login void: Pleo's
replay guard. So does a code that comes twice.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs, unquote_plus, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from etl.pleo.sandbox.access import SCOPES, Access, Credential, token_end
from etl.pleo.sandbox.answers import Answer, Call, give
from etl.pleo.sandbox.clocks import SandboxClock
from etl.pleo.sandbox.ids import Ids

ACCESS_SECONDS = 900  # 15 minutes, as Pleo's page on access tokens says
REFRESH_SECONDS = 60 * 86400
CODE_SECONDS = 60
#: Operation -> method and path; they need no credential of the API.
OPERATIONS: Mapping[str, tuple[str, str]] = {
    "authorize": ("GET", "/oauth/authorize"),
    "token": ("POST", "/oauth/token"),
}
_WORD = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A client that was registered, and the companies for which its user says yes."""

    id: str
    secret: str | None = field(repr=False)
    redirect_uris: frozenset[str]
    companies: frozenset[str]
    scopes: frozenset[str] = SCOPES
    #: How the client may show its secret: basic, post, none.
    methods: frozenset[str] = frozenset({"basic", "post"})


@dataclass(slots=True)
class Login:
    """What one approval gave: at most one pair of tokens is good at any time."""

    client: OAuthClient
    scopes: frozenset[str]
    access: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)
    ends_at: datetime | None = None
    is_void: bool = False


@dataclass(frozen=True, slots=True)
class _Code:
    login: Login
    redirect_uri: str
    challenge: str
    ends_at: datetime


class Authorizations:
    """Every client, code and login that the sandbox knows; its tokens open what `access` lists."""

    def __init__(self, *, ids: Ids, clock: SandboxClock, access: Access) -> None:
        self._ids, self._clock, self._access = ids, clock, access
        self.clients: dict[str, OAuthClient] = {}
        #: In the order in which they were approved.
        self.logins: list[Login] = []
        #: False: whoever is asked says no.
        self.is_approved = True
        self._codes: dict[str, _Code] = {}
        self._used_codes: dict[str, Login] = {}
        self._refresh: dict[str, Login] = {}

    def answer(self, call: Call) -> Answer:
        """Answer a call of this server."""
        if call.operation == "authorize":
            return self._authorize(call)
        return self._token(call)

    def _authorize(self, call: Call) -> Answer:
        """Send the browser back, with a code or with what was wrong."""
        asked = {name: values[0] for name, values in call.query.items()}
        client = self.clients.get(asked.get("client_id", ""))
        redirect_uri = asked.get("redirect_uri", "")
        if client is None or redirect_uri not in client.redirect_uris:
            return _page(400, "The client or its redirect_uri is not registered.")
        back = {"state": asked["state"]} if "state" in asked else {}
        scopes = frozenset(asked.get("scope", "").split())
        if asked.get("response_type") != "code":
            back |= {"error": "unsupported_response_type"}
        elif asked.get("code_challenge_method") != "S256":
            back |= {"error": "invalid_request", "error_description": "PKCE with S256 is required"}
        elif not _WORD.fullmatch(asked.get("code_challenge", "")):
            back |= {"error": "invalid_request"}
        elif not scopes <= client.scopes or not scopes:
            back |= {"error": "invalid_scope"}
        elif not self.is_approved:
            back |= {"error": "access_denied"}
        else:
            code = self._ids.secret("code")
            end = self._clock.read() + timedelta(seconds=CODE_SECONDS)
            login = Login(client, scopes)
            self._codes[code] = _Code(login, redirect_uri, asked["code_challenge"], end)
            back |= {"code": code}
        return Answer(302, headers={"location": f"{redirect_uri}?{urlencode(back)}"})

    def _token(self, call: Call) -> Answer:
        form = {
            name: values[-1]
            for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()
        }
        client = self._client(call.headers.get("authorization", ""), form)
        if client is None:
            return _refuse(401, "invalid_client", {"www-authenticate": "Basic"})
        grant = form.get("grant_type")
        if grant == "authorization_code":
            login = self._by_code(client, form)
        elif grant == "refresh_token":
            login = self._by_refresh(client, form.get("refresh_token", ""))
        else:
            return _refuse(400, "unsupported_grant_type")
        return self._next(login) if login else _refuse(400, "invalid_grant")

    def _client(self, header: str, form: Mapping[str, str]) -> OAuthClient | None:
        """Give the client that showed what it was registered with."""
        if header:
            name, secret, method = *_basic(header), "basic"
        else:
            name, secret = form.get("client_id", ""), form.get("client_secret", "")
            method = "post" if secret else "none"
        client = self.clients.get(name)
        if client is None or method not in client.methods:
            return None
        known = client.secret or ""
        return client if hmac.compare_digest(secret.encode(), known.encode()) else None

    def _by_code(self, client: OAuthClient, form: Mapping[str, str]) -> Login | None:
        text = form.get("code", "")
        used = self._used_codes.get(text)
        if used is not None:
            self._void(used)
            return None
        code = self._codes.pop(text, None)
        if code is None:
            return None
        self._used_codes[text] = code.login
        verifier = form.get("code_verifier", "")
        is_good = (
            code.login.client is client
            and self._clock.read() < code.ends_at
            and form.get("redirect_uri") == code.redirect_uri
            and _WORD.fullmatch(verifier)
            and create_s256_code_challenge(verifier) == code.challenge
        )
        if not is_good:
            return None
        self.logins.append(code.login)
        return code.login

    def _by_refresh(self, client: OAuthClient, token: str) -> Login | None:
        login = self._refresh.get(token)
        if login is None or login.client is not client or login.is_void:
            return None
        is_over = login.ends_at is not None and self._clock.read() >= login.ends_at
        if token != login.refresh or is_over:
            self._void(login)
            return None
        return login

    def _next(self, login: Login) -> Answer:
        """Give the next pair; the one before is void at once."""
        at = self._clock.read()
        self._access.revoke(login.access)
        login.access, login.refresh = self._ids.secret("access"), self._ids.secret("refresh")
        login.ends_at = token_end(at, REFRESH_SECONDS)
        self._refresh[login.refresh] = login
        end = token_end(at, ACCESS_SECONDS)
        self._access.add(Credential(login.access, login.client.companies, login.scopes, False, end))
        return give(
            {
                "access_token": login.access, "token_type": "Bearer",
                "expires_in": ACCESS_SECONDS, "refresh_token": login.refresh,
                "scope": " ".join(sorted(login.scopes)),
            },
            headers={"cache-control": "no-store"},
        )  # fmt: skip

    def _void(self, login: Login) -> None:
        """End a login with all that it gave."""
        login.is_void = True
        self._access.revoke(login.access)


def _basic(header: str) -> tuple[str, str]:
    """Read who asks: id and secret, each encoded as in a form (RFC 6749, section 2.3.1)."""
    scheme, _blank, rest = header.partition(" ")
    try:
        text = base64.b64decode(rest, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _colon, secret = text.partition(":")
    return (unquote_plus(name), unquote_plus(secret)) if scheme.casefold() == "basic" else ("", "")


def _refuse(status: int, error: str, headers: Mapping[str, str] | None = None) -> Answer:
    return give({"error": error}, status=status, headers=headers)


def _page(status: int, text: str) -> Answer:
    page = f"<!doctype html><title>Sandbox</title><p>{text}</p>"
    return Answer(status, page.encode(), "text/html; charset=UTF-8")
