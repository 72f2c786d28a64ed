"""Who may do what: API keys and bearer tokens, their scopes and companies, and the rate limit."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from etl.pleo.sandbox.answers import Refused

SCOPES = frozenset({"export-jobs:read", "export-jobs:write", "export-items:read"})
WINDOW = 60  # seconds over which requests are counted
LIMIT = 600  # requests in a window; Pleo's stated limit


@dataclass(frozen=True, slots=True)
class Credential:
    """An API key or an access token: what it opens, and until when."""

    secret: str = field(repr=False)
    companies: frozenset[str]
    scopes: frozenset[str] = SCOPES
    is_key: bool = True
    ends_at: datetime | None = None


class Access:
    """The credentials that the sandbox knows, and how often each was used."""

    def __init__(self) -> None:
        self._known: dict[tuple[bool, str], Credential] = {}
        self._windows: dict[str, tuple[datetime, int]] = {}

    def add(self, credential: Credential) -> None:
        """Let a credential in."""
        self._known[credential.is_key, credential.secret] = credential

    def revoke(self, secret: str) -> None:
        """Let a credential in no longer."""
        for is_key in (True, False):
            self._known.pop((is_key, secret), None)

    def identify(self, headers: Mapping[str, str], *, at: datetime) -> Credential:
        """Give the credential of a request.

        Raises: Refused (401) without one that is known and valid.
        """
        found = self._known.get(_presented(headers.get("authorization", "")))
        if found is None or (found.ends_at is not None and at >= found.ends_at):
            raise Refused(
                401, "unauthorized", "The credential is missing, unknown or expired.",
                headers={"www-authenticate": "Basic, Bearer"},
            )  # fmt: skip
        return found

    def count(self, credential: Credential, *, at: datetime, limit: int | None) -> None:
        """Count a request.

        Raises: Refused (429) with Retry-After when the limit of the window is passed.
        """
        began, used = self._windows.get(credential.secret, (at, 0))
        passed = (at - began).total_seconds()
        if not 0 <= passed < WINDOW:
            began, used, passed = at, 0, 0.0
        self._windows[credential.secret] = (began, used + 1)
        if limit is not None and used >= limit:
            raise too_many(math.ceil(WINDOW - passed))


def too_many(seconds: int) -> Refused:
    """Refuse for the rate limit; Pleo does not document the body."""
    return Refused(
        429, "too_many_requests", "Too many requests.", headers={"retry-after": str(seconds)}
    )


def _presented(header: str) -> tuple[bool, str]:
    """Give what stands in the header: is it a key, and the secret."""
    scheme, _blank, rest = header.partition(" ")
    if scheme.casefold() == "bearer":
        return False, rest.strip()
    if scheme.casefold() == "basic":
        try:
            name, _colon, password = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return True, ""
        return True, "" if password else name
    return True, ""


def check_scope(credential: Credential, scope: str) -> None:
    """Refuse (403) what the credential was not granted."""
    if scope not in credential.scopes:
        raise Refused(403, "forbidden", f"The credential lacks the scope {scope}.")


def check_company(credential: Credential, company_id: str) -> None:
    """Refuse (403) a company that the credential does not open."""
    if company_id not in credential.companies:
        raise Refused(403, "forbidden", "The credential does not open this company.")


def token_end(at: datetime, seconds: float | None) -> datetime | None:
    """Give the moment at which a token ends."""
    return None if seconds is None else at + timedelta(seconds=seconds)
