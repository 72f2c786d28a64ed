"""Logging in and out: what is kept for a company, where, and how tokens are first had."""

from __future__ import annotations

import os
from pathlib import Path

import httpx

from etl.clock import Clock
from etl.pleo.addresses import Address
from etl.pleo.credentials import KEY_VARIABLE, variable_of
from etl.pleo.keeping import (
    FilePlace,
    Kept,
    KeptTokens,
    Place,
    has_keyring,
    lock_path,
    places_of,
    remove_keyring,
    write_keyring,
)
from etl.pleo.loopback import Consent, login_failed
from etl.pleo.oauth import OAuthTokens, locked
from etl.pleo.tokens import (
    GrantRefused,
    NeverAsked,
    OAuthClient,
    TokenEndpoint,
    secret_entry,
)
from etl.secret import Secret


def keep(
    kept: Kept, *, base_url: str, company_id: str, in_file: bool = False, folder: Path | None = None
) -> Place:
    """Keep a credential in the keyring, else in a private file, and nowhere else.

    Gives: the place where it is now.
    Raises: UserMustFix AUTH-3, AUTH-4, OUT-2; TryLater AUTH-6 while another one changes it.
    """
    places = places_of(base_url, company_id, folder=folder)
    chosen = places[-1] if in_file else places[0]
    with locked(lock_path(base_url, company_id, folder=folder)):
        chosen.write(kept)
        for place in places:
            if place is not chosen:
                place.remove()
    return chosen


def forget(*, base_url: str, company_id: str, folder: Path | None = None) -> list[str]:
    """Forget what is kept for a company, and give the names of the places that had something.

    A file that is refused for its rights or its content is removed all the same.

    Raises: UserMustFix AUTH-4, OUT-2; TryLater AUTH-6.
    """
    path = FilePlace(base_url, company_id, folder=folder).path
    if not has_keyring() and not path.parent.is_dir():
        return []
    with locked(lock_path(base_url, company_id, folder=folder)):
        places = places_of(base_url, company_id, folder=folder)
        return [place.name for place in places if place.remove()]


def keep_client_secret(secret: Secret, *, base_url: str, client_id: str) -> None:
    """Keep the OAuth client's secret in the keyring.

    Raises: UserMustFix AUTH-4.
    """
    write_keyring(secret_entry(base_url, client_id), secret.reveal())


def forget_client_secret(*, base_url: str, client_id: str) -> None:
    """Forget the OAuth client's secret, so that the next login asks for it.

    Raises: UserMustFix AUTH-4.
    """
    if has_keyring():
        remove_keyring(secret_entry(base_url, client_id))


def tokens_for(
    code: Secret,
    consent: Consent,
    *,
    address: Address,
    client: OAuthClient,
    clock: Clock,
    transport: httpx.BaseTransport | None = None,
) -> KeptTokens:
    """Give the first pair of tokens for the code of a login; it is to be kept before it is used.

    Raises: UserMustFix AUTH-5, AUTH-8; TryLater AUTH-6.
    """
    endpoint = TokenEndpoint(address.token_url, client, transport=transport)
    at = clock.now()
    try:
        granted = endpoint.exchange(
            code, verifier=consent.verifier, redirect_uri=consent.redirect_uri
        )
    except GrantRefused:
        raise login_failed("Pleo did not take the code of the login; it is good once") from None
    except NeverAsked as error:
        raise error.problem from None
    return granted.pair(at, turn=1)


def credential_of(
    pair: KeptTokens,
    place: Place,
    *,
    address: Address,
    company_id: str,
    client: OAuthClient,
    clock: Clock,
    transport: httpx.BaseTransport | None = None,
    folder: Path | None = None,
) -> OAuthTokens:
    """Give what opens the company with a pair that was just kept."""
    return OAuthTokens(
        pair, place=place, lock=lock_path(address.base_url, company_id, folder=folder),
        endpoint=TokenEndpoint(address.token_url, client, transport=transport), clock=clock,
    )  # fmt: skip


def variable_in_the_way(company: str) -> str | None:
    """Give the environment variable that comes before what is kept, if one is set."""
    for variable in (variable_of(company), KEY_VARIABLE):
        if os.environ.get(variable):
            return variable
    return None
