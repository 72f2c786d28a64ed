"""A credential is only ever sent to an address that is Pleo's, or safely the user's own."""

from __future__ import annotations

import pytest

from etl.errors import UserMustFix
from etl.pleo.addresses import Address, address_of
from etl.pleo.client import PleoClient
from etl.pleo.credentials import ApiKey
from etl.secret import Secret
from etl.workspace import PleoSettings
from tests.fakes.called import StillClock


def test_production_and_staging_are_pleos_own() -> None:
    assert address_of(PleoSettings()) == Address(
        "https://external.pleo.io", "https://auth.pleo.io/oauth/authorize",
        "https://auth.pleo.io/oauth/token", is_loopback=False,
    )  # fmt: skip
    assert address_of(PleoSettings(environment="staging")) == Address(
        "https://external.staging.pleo.io", "https://auth.staging.pleo.io/oauth/authorize",
        "https://auth.staging.pleo.io/oauth/token", is_loopback=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("base_url", "is_loopback"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.0.0.1:8000/", True),
        ("http://127.9.8.7", True),
        ("http://localhost:1", True),
        ("http://LOCALHOST:1", True),
        ("http://[::1]:8000", True),
        ("https://localhost", True),
        ("https://pleo.example.com/prefix", False),
        ("https://192.0.2.1", False),
    ],
)
def test_an_address_of_ones_own_authorizes_too(base_url: str, is_loopback: bool) -> None:
    address = address_of(PleoSettings(base_url=base_url))
    plain = base_url.rstrip("/")
    assert (address.base_url, address.is_loopback) == (plain, is_loopback)
    assert address.authorize_url == f"{plain}/oauth/authorize"
    assert address.token_url == f"{plain}/oauth/token"


@pytest.mark.parametrize(
    "base_url",
    [
        "http://pleo.example.com",
        "http://192.0.2.1",
        "http://0.0.0.0:80",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://2130706433",
        "http://0x7f000001",
        "http://127.1",
        "http://[::ffff:192.0.2.1]",
        "http://127.0.0.1\\.example.com",
        "https://pleo.example.com%2f.evil.com",
        "https://exämple.com",
        "https://:443",
        "https://host:0",
        "https://host:99999",
        "https://[::1",
        "https:///path",
    ],
)
def test_an_address_that_is_not_safe_is_refused(base_url: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        address_of(PleoSettings(base_url=base_url))
    assert caught.value.problems[0].code == "PLEO-9"
    assert caught.value.problems[0].where == "pleo-etl.yaml, pleo.base_url"


def test_a_proxy_that_cannot_be_used_is_told_without_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "gopher://user:password@proxy.example.com")
    credential = ApiKey(Secret("k"))
    with pytest.raises(UserMustFix) as caught:
        PleoClient(address_of(PleoSettings()), credential=credential, clock=StillClock())
    assert str(caught.value) == (
        "error[NET-10]: the settings of the network cannot be used (ValueError)\n"
        "  at environment\n"
        "  fix: look at HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE;"
        " socks needs `pip install httpx[socks]`"
    )
    assert caught.value.problems[0].code == "NET-10"
    local = address_of(PleoSettings(base_url="http://127.0.0.1:9"))
    PleoClient(local, credential=credential, clock=StillClock()).close()
