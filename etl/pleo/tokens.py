"""The token endpoint of Pleo's authorization server: a code or a refresh token for a pair."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from etl import __version__
from etl.documents import read_json
from etl.errors import EtlError, Problem, TryLater, UserMustFix
from etl.pleo.keeping import KeptTokens, has_keyring, host_of, read_keyring
from etl.secret import Secret
from etl.workspace import PleoSettings

SECRET_VARIABLE = "PLEO_CLIENT_SECRET"  # noqa: S105 (the name of one)
#: Setting -> name of the method in OAuth (export-api.md, section 17: Basic first).
METHODS = {"basic": "client_secret_basic", "post": "client_secret_post", "none": "none"}
LEAD = 120  # seconds before its end at which a token is renewed
MAX_SECONDS = 366 * 86400  # no access token is taken to last longer
MAX_ANSWER = 65536  # bytes
TIMEOUT = httpx.Timeout(30, connect=10)
_FORM = "application/x-www-form-urlencoded;charset=UTF-8"
_NAME = re.compile(r"[a-z_]{1,40}")
_PRINTABLE = re.compile(r"[ -~]{1,4096}")


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """Who asks: the client that was registered with Pleo."""

    id: str
    secret: Secret | None
    method: str  # basic | post | none


@dataclass(frozen=True, slots=True)
class Granted:
    """What the endpoint gave."""

    access: Secret
    refresh: Secret | None
    seconds: int | None
    scopes: tuple[str, ...]

    def pair(
        self, at: datetime, *, turn: int, refresh: Secret | None = None,
        scopes: tuple[str, ...] = (),
    ) -> KeptTokens:  # fmt: skip
        """Give the pair to keep; what the answer leaves out stays as it was.

        Raises: UserMustFix AUTH-8 when there is no refresh token at all.
        """
        kept = self.refresh or refresh
        if kept is None:
            what = "Pleo gave no refresh token, so that the login would end within minutes"
            fix = "ask Pleo to let the OAuth client refresh its tokens"
            raise UserMustFix(Problem("AUTH-8", what, "token endpoint", fix))
        ends_at = None if self.seconds is None else at + timedelta(seconds=self.seconds)
        lead = min(LEAD, (self.seconds or 0) // 4)
        return KeptTokens(self.access, kept, ends_at, lead, self.scopes or scopes, turn)


class GrantRefused(Exception):
    """The code or the refresh token is void (invalid_grant)."""


class NeverAsked(Exception):
    """The request had no effect for certain; what was to be renewed is as it was."""

    def __init__(self, problem: EtlError) -> None:
        super().__init__(str(problem))
        self.problem = problem


def client_of(pleo: PleoSettings, base_url: str) -> OAuthClient:
    """Give the OAuth client of the workspace, with its secret from environment or keyring.

    Raises: UserMustFix AUTH-5 naming what is missing.
    """
    if not pleo.client_id:
        what = "pleo-etl.yaml names no OAuth client"
        fix = "write pleo: {client_id: ...} with the client that you registered with Pleo"
        raise UserMustFix(Problem("AUTH-5", what, "pleo-etl.yaml", fix))
    if pleo.client_auth == "none":
        return OAuthClient(pleo.client_id, None, "none")
    text = os.environ.get(SECRET_VARIABLE)
    if not text and has_keyring():
        text = read_keyring(secret_entry(base_url, pleo.client_id))
    if not text:
        fix = f"set {SECRET_VARIABLE}"
        if has_keyring():
            fix += ", or run `pleo-etl login --oauth` on a terminal: it asks for the secret, and"
            fix += " the keyring keeps it"
        what = "there is no client secret, and without it no login can be renewed"
        raise UserMustFix(Problem("AUTH-5", what, f"environment variable {SECRET_VARIABLE}", fix))
    return OAuthClient(pleo.client_id, read_client_secret(text), pleo.client_auth)


def read_client_secret(text: str) -> Secret:
    """Take what a person or a program gave as the client secret.

    Raises: UserMustFix AUTH-2 without showing what it was.
    """
    if _PRINTABLE.fullmatch(text.strip()):
        return Secret(text.strip())
    what = "the client secret is empty, or holds characters that none has"
    fix = "copy it again from what Pleo gave you, as one line without quotes"
    raise UserMustFix(Problem("AUTH-2", what, SECRET_VARIABLE, fix))


def secret_entry(base_url: str, client_id: str) -> str:
    """Give the name under which the keyring has a client secret."""
    return f"{host_of(base_url)}/client/{client_id}"


class TokenEndpoint:
    """Asks the token endpoint. It never retries: a refresh token is used once."""

    def __init__(
        self, url: str, client: OAuthClient, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._url, self._client, self._transport = url, client, transport

    def exchange(self, code: Secret, *, verifier: Secret, redirect_uri: str) -> Granted:
        """Give the first pair for a code.

        Raises: GrantRefused, NeverAsked, UserMustFix AUTH-5, TryLater AUTH-6.
        """
        back = Secret(redirect_uri)
        return self._ask("authorization_code", code=code, redirect_uri=back, code_verifier=verifier)

    def refresh(self, token: Secret) -> Granted:
        """Give the next pair for a refresh token, which is void from then on.

        Raises: GrantRefused, NeverAsked, UserMustFix AUTH-5, TryLater AUTH-6.
        """
        return self._ask("refresh_token", refresh_token=token)

    def _ask(self, grant: str, **fields: Secret) -> Granted:
        """Ask, and raise what went wrong here: no frame that is left by an error has a secret."""
        outcome = self._outcome(grant, fields)
        if isinstance(outcome, Granted):
            return outcome
        raise outcome

    def _outcome(self, grant: str, fields: Mapping[str, Secret]) -> Granted | Exception:
        shown = {name: value.reveal() for name, value in fields.items()}
        body = prepare_token_request(grant, "", **shown)
        headers = {
            "Content-Type": _FORM, "Accept": "application/json",
            "User-Agent": f"pleo-etl/{__version__}",
        }  # fmt: skip
        url, headers, body = self._auth().prepare("POST", self._url, headers, body)
        raw = b""
        try:
            with (
                httpx.Client(transport=self._transport, timeout=TIMEOUT) as http,
                http.stream("POST", url, headers=headers, content=body.encode()) as answer,
            ):
                for piece in answer.iter_bytes():
                    raw += piece
                    if len(raw) > MAX_ANSWER:
                        return self._later("its answer is larger than any that is known")
                return self._read(answer.status_code, raw)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol):
            return NeverAsked(self._later("it cannot be reached"))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError):
            return self._later("its answer did not come")

    def _auth(self) -> ClientAuth:
        """Give what shows who asks.

        In a Basic header id and secret are each encoded as in a form first, which Authlib leaves
        to its callers; letters, digits and -._~ stay as they are. A server that does not undo it
        can be asked with `client_auth: post`.

        Source: RFC 6749, section 2.3.1 and appendix B.
        """
        name, secret = self._client.id, self._client.secret.reveal() if self._client.secret else ""
        if self._client.method == "basic":
            name, secret = quote_plus(name), quote_plus(secret)
        return ClientAuth(name, secret, METHODS[self._client.method])

    def _read(self, status: int, raw: bytes) -> Granted | Exception:
        try:
            document = read_json(raw)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            document = {}
        if status == 429:
            return NeverAsked(self._later("it asks to come back later"))
        if status in (400, 401, 403) and "error" in document:
            return self._refused(document["error"])
        if status != 200:
            return self._later(f"it answered with status {status}")
        access, refresh = _text(document, "access_token"), _text(document, "refresh_token")
        if access is None or str(document.get("token_type", "bearer")).casefold() != "bearer":
            return self._later("its answer is no token that pleo-etl knows")
        scopes = document.get("scope")
        names = tuple(scopes.split()) if isinstance(scopes, str) else ()
        return Granted(access, refresh, _seconds(document.get("expires_in")), names)

    def _refused(self, error: object) -> Exception:
        """Tell a void code or token from a client that Pleo does not know."""
        if error == "invalid_grant":
            return GrantRefused("invalid_grant")
        name = error if isinstance(error, str) and _NAME.fullmatch(error) else "no reason"
        what = f"Pleo does not accept the OAuth client ({name})"
        fix = "compare client_id, client_auth and redirect_port in pleo-etl.yaml and the client"
        fix += " secret with what is registered at Pleo"
        where = f"token endpoint at {host_of(self._url)}"
        return NeverAsked(UserMustFix(Problem("AUTH-5", what, where, fix)))

    def _later(self, what: str) -> TryLater:
        place = f"token endpoint at {host_of(self._url)}"
        fix = "run it again in a few minutes; what is kept stays as it is"
        return TryLater(Problem("AUTH-6", f"Pleo's login does not work now: {what}", place, fix))


def _text(document: Mapping[str, Any], name: str) -> Secret | None:
    found = document.get(name)
    return Secret(found) if isinstance(found, str) and _PRINTABLE.fullmatch(found) else None


def _seconds(found: object) -> int | None:
    """Give for how long the token lasts, when that is said in a way that can be understood."""
    try:
        seconds = int(str(found))
    except ValueError:
        return None
    return max(0, min(seconds, MAX_SECONDS))
