"""What opens a company in Pleo, and where it is found.

environment (PLEO_API_KEY_<COMPANY>, then PLEO_API_KEY) -> keyring -> file of this user

A credential belongs to one Pleo (its host) and one company. It is never in the workspace, and
nothing here writes it anywhere but into the keyring or a file that only its owner may read.
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import httpx

from etl.clock import Clock
from etl.errors import Problem, UserMustFix
from etl.pleo.keeping import Kept, KeptKey, Place, lock_path, places_of
from etl.secret import Secret
from etl.workspace import Workspace

if TYPE_CHECKING:
    from etl.pleo.addresses import Address

KEY_VARIABLE = "PLEO_API_KEY"
#: No key is known to be longer; what is longer was pasted by mistake.
MAX_KEY = 4096
_PRINTABLE = re.compile(r"[!-9;-~]+")  # what stands before the colon of a Basic header


class Credential(Protocol):
    """What authorizes requests: a key, or tokens that are renewed as they run out."""

    def authorize(self) -> str:
        """Give the value of the header Authorization for the next request.

        Raises: UserMustFix AUTH-* when it needs a person, TryLater AUTH-6 when a token could not
        be renewed for now.
        """
        ...

    def renew(self) -> bool:
        """Be told that Pleo refused (401) what this thread sent last; True: try once more."""
        ...


class ApiKey:
    """An API key: it is sent as it is until it ends, and cannot be renewed."""

    def __init__(self, key: Secret, *, where: str = "") -> None:
        self._key = key
        #: Where the key was found, for a person.
        self.where = where

    def authorize(self) -> str:
        """Give the header of HTTP Basic: the key as user name, without a password."""
        return "Basic " + base64.b64encode(f"{self._key.reveal()}:".encode()).decode()

    def renew(self) -> bool:
        """Say that there is no other key."""
        return False

    def __repr__(self) -> str:
        return f"ApiKey({self._key}, where={self.where!r})"


def variable_of(company: str) -> str:
    """Give the environment variable of a company's key."""
    return f"{KEY_VARIABLE}_{company.upper().replace('-', '_')}"


def read_key(text: str, *, where: str) -> Secret:
    """Take what a person or a program gave as an API key; blanks around it are no part of it.

    Raises: UserMustFix AUTH-2 without showing what it was.
    """
    key = text.strip()
    if _PRINTABLE.fullmatch(key) and len(key) <= MAX_KEY:
        return Secret(key)
    what = "is empty" if not key else "holds characters that no key of Pleo has"
    fix = "copy the key again from Pleo, Settings > API Keys, as one line without quotes"
    raise UserMustFix(Problem("AUTH-2", f"the API key {what}", where, fix))


def find_credential(
    workspace: Workspace,
    company: str,
    *,
    address: Address,
    clock: Clock,
    transport: httpx.BaseTransport | None = None,
    folder: Path | None = None,
) -> Credential:
    """Find the credential of a company: environment, keyring, file; the first that is there.

    Raises: UserMustFix AUTH-1 (none), AUTH-2 (no key), AUTH-3 (a file others can read), AUTH-5.
    """
    for variable in (variable_of(company), KEY_VARIABLE):
        if os.environ.get(variable):
            where = f"environment variable {variable}"
            return ApiKey(read_key(os.environ[variable], where=where), where=where)
    company_id = workspace.companies[company].id
    problems: list[Problem] = []
    for place in places_of(address.base_url, company_id, folder=folder):
        try:
            kept = place.read()
        except UserMustFix as error:  # a locked keyring does not hide the file
            problems.extend(error.problems)
            continue
        if kept is not None:
            return _kept(
                kept, place, lock=lock_path(address.base_url, company_id, folder=folder),
                workspace=workspace, address=address, clock=clock, transport=transport,
            )  # fmt: skip
    if problems:
        raise UserMustFix(problems)
    fix = f"`pleo-etl login --company {company}`, or set {variable_of(company)}"
    what = f'there is no credential for company "{company}" at {address.base_url}'
    raise UserMustFix(Problem("AUTH-1", what, "environment, keyring, file", fix))


def _kept(
    kept: Kept,
    place: Place,
    *,
    lock: Path,
    workspace: Workspace,
    address: Address,
    clock: Clock,
    transport: httpx.BaseTransport | None,
) -> Credential:
    if isinstance(kept, KeptKey):
        return ApiKey(kept.key, where=place.name)
    from etl.pleo.oauth import OAuthTokens
    from etl.pleo.tokens import TokenEndpoint, client_of

    client = client_of(workspace.settings.pleo, address.base_url)
    endpoint = TokenEndpoint(address.token_url, client, transport=transport)
    return OAuthTokens(kept, place=place, lock=lock, endpoint=endpoint, clock=clock)
