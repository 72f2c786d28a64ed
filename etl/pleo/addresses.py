"""Where Pleo is: production, staging, or an address of one's own."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from etl.errors import Problem, UserMustFix
from etl.workspace import PleoSettings

#: Environment -> (API, authorisation server).
#: Source: developers.pleo.io, API base URLs and client configuration.
ENVIRONMENTS = {
    "production": ("https://external.pleo.io", "https://auth.pleo.io"),
    "staging": ("https://external.staging.pleo.io", "https://auth.staging.pleo.io"),
}
AUTHORIZE, TOKEN = "/oauth/authorize", "/oauth/token"


@dataclass(frozen=True, slots=True)
class Address:
    """The addresses of one Pleo, without a slash at their end."""

    base_url: str
    authorize_url: str
    token_url: str
    #: True: it is on this machine, as a sandbox is; only then plain http is allowed.
    is_loopback: bool


def address_of(settings: PleoSettings) -> Address:
    """Give the addresses that the settings mean.

    Raises: UserMustFix PLEO-9 for a base_url that is not safe to send a credential to.
    """
    if settings.base_url is None:
        api, auth = ENVIRONMENTS[settings.environment]
        return Address(api, auth + AUTHORIZE, auth + TOKEN, is_loopback=False)
    base_url = settings.base_url.rstrip("/")
    is_loopback = _is_loopback(_split(base_url))
    if not base_url.startswith("https://") and not is_loopback:
        raise _refused("is not https; a credential would travel readable by anyone on the way")
    return Address(base_url, base_url + AUTHORIZE, base_url + TOKEN, is_loopback)


def _split(base_url: str) -> SplitResult:
    try:
        parts = urlsplit(base_url)
        is_usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    # a backslash, a user part, or characters outside ASCII are read as one host here and as
    # another there
    if not is_usable or not base_url.isascii() or any(sign in base_url for sign in "\\@?#%"):
        raise _refused("is not the address of a server")
    return parts


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refused(what: str) -> UserMustFix:
    fix = 'leave base_url out for Pleo itself, or give "https://HOST"; http only for a sandbox here'
    return UserMustFix(Problem("PLEO-9", f"base_url {what}", "pleo-etl.yaml, pleo.base_url", fix))
