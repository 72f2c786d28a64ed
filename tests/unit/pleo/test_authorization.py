"""The authorization server of the sandbox: what it refuses, and in which form."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from etl.pleo.loopback import code_of
from etl.pleo.tokens import GrantRefused, NeverAsked, OAuthClient
from etl.secret import Secret
from tests.fakes.oauth import Door, door


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Door]:
    with door(tmp_path / "kept") as found:
        yield found


def visit(address: str) -> httpx.Response:
    return httpx.get(address, follow_redirects=False, trust_env=False)


def changed(address: str, **more: str | None) -> str:
    """Give the address with other parameters; None leaves one out."""
    url = httpx.URL(address)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()} | more
    return str(url.copy_with(params={k: v for k, v in asked.items() if v is not None}))


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "export-jobs:read everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
def test_what_is_wrong_is_told_to_the_client(
    shown: Door, more: dict[str, str | None], error: str
) -> None:
    consent = shown.consent()
    answer = visit(changed(consent.address, **more))
    assert answer.status_code == 302
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert back["error"] == [error]
    assert back["state"] == [consent.state.reveal()]
    assert "code" not in back


@pytest.mark.parametrize(
    "more",
    [{"redirect_uri": "http://127.0.0.1:18586/callback/"}, {"client_id": "nobody"},
     {"redirect_uri": "https://evil.example/callback"}, {"redirect_uri": None}],
)  # fmt: skip
def test_nobody_is_sent_to_an_address_that_is_not_registered(
    shown: Door, more: dict[str, str | None]
) -> None:
    answer = visit(changed(shown.consent().address, **more))
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")


def token(shown: Door, *, auth: tuple[str, str] | None = None, **form: str) -> httpx.Response:
    known = (shown.client.id, shown.registered.secret or "")
    return httpx.post(shown.address.token_url, data=form, auth=auth or known, trust_env=False)


def test_a_client_must_show_that_it_is_the_one(shown: Door) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    for auth in ((shown.client.id, "wrong"), ("nobody", shown.registered.secret or "")):
        answer = token(shown, auth=auth, **form)
        assert answer.status_code == 401
        assert answer.json() == {"error": "invalid_client"}
        assert answer.headers["www-authenticate"] == "Basic"
    bare = httpx.post(shown.address.token_url, data={"client_id": shown.client.id},
                      trust_env=False)  # fmt: skip
    assert bare.status_code == 401
    assert token(shown, grant_type="password").json() == {"error": "unsupported_grant_type"}
    assert token(shown, grant_type="refresh_token").json() == {"error": "invalid_grant"}


#: Secrets with what has a meaning in a form, in a header, or in both.
HOSTILE = (
    "a+b",
    "a b",
    "100%",
    "%41",
    "%2B",
    "a/b=",
    "x&y=z",
    ":",
    "a:b:c",
    "ä",
    "ø%ø",
    '"\\;,#?@',
)


@pytest.mark.parametrize("secret", HOSTILE)
@pytest.mark.parametrize("method", ["basic", "post"])
def test_any_secret_opens_and_another_does_not(shown: Door, method: str, secret: str) -> None:
    for name in ("c-1", "c:1+%41 &"):
        shown.pleo.authorizations.clients[name] = replace(shown.registered, id=name, secret=secret)
        known = OAuthClient(name, Secret(secret), method)
        with pytest.raises(GrantRefused):  # the token is none, and the client is known
            shown.endpoint(client=known).refresh(Secret("no-token"))
        for other in (secret + "x", secret.upper() + "+"):
            client = OAuthClient(name, Secret(other), method)
            with pytest.raises(NeverAsked, match="AUTH-5"):
                shown.endpoint(client=client).refresh(Secret("no-token"))


def test_a_secret_that_is_not_encoded_as_in_a_form_is_another(shown: Door) -> None:
    """What RFC 6749 asks for: base64 of what was encoded, and not of what it was."""
    known = "a+b%41"
    shown.pleo.authorizations.clients["c-1"] = replace(shown.registered, id="c-1", secret=known)
    said = {}
    for joined in (b"c-1:a+b%41", b"c-1:a%2Bb%2541"):
        header = {"Authorization": f"Basic {base64.b64encode(joined).decode()}"}
        form = {"grant_type": "refresh_token", "refresh_token": "x"}
        answer = httpx.post(shown.address.token_url, data=form, headers=header, trust_env=False)
        said[joined] = answer.json()["error"]
    assert said == {b"c-1:a+b%41": "invalid_client", b"c-1:a%2Bb%2541": "invalid_grant"}


def test_a_public_client_is_known_by_its_id_alone(shown: Door) -> None:
    public = shown.pleo.add_client([shown.company], [shown.consent().redirect_uri], is_public=True)
    shown.client = OAuthClient(public.id, None, "none")
    consent = shown.consent()
    granted = shown.endpoint().exchange(
        code_of(consent, shown.approve(consent)), verifier=consent.verifier,
        redirect_uri=consent.redirect_uri,
    )  # fmt: skip
    assert shown.opens(f"Bearer {granted.access.reveal()}")


def test_a_code_lasts_a_minute(shown: Door) -> None:
    consent = shown.consent()
    back = parse_qs(urlsplit(shown.approve(consent)).query)
    shown.pleo.advance(60)
    answer = token(
        shown, grant_type="authorization_code", code=back["code"][0],
        redirect_uri=consent.redirect_uri, code_verifier=consent.verifier.reveal(),
    )  # fmt: skip
    assert answer.json() == {"error": "invalid_grant"}


def test_a_token_opens_only_what_was_asked_for(shown: Door) -> None:
    consent = shown.consent()
    back = shown.approve(consent)  # all three scopes
    assert "code=" in back
    narrow = visit(changed(consent.address, scope="export-items:read")).headers["location"]
    code = parse_qs(urlsplit(narrow).query)["code"][0]
    answer = token(
        shown, grant_type="authorization_code", code=code, redirect_uri=consent.redirect_uri,
        code_verifier=consent.verifier.reveal(),
    )  # fmt: skip
    given = answer.json()
    assert (given["scope"], given["token_type"], given["expires_in"]) == (
        "export-items:read", "Bearer", 900,
    )  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    jobs = httpx.get(
        f"{shown.address.base_url}/v3/export-jobs", trust_env=False,
        headers={"authorization": f"Bearer {given['access_token']}"},
    )  # fmt: skip
    assert jobs.status_code == 403


def test_a_public_client_has_its_verifier_and_no_secret(shown: Door) -> None:
    public = shown.pleo.add_client([shown.company], [shown.consent().redirect_uri], is_public=True)
    consent = shown.consent()
    back = visit(changed(consent.address, client_id=public.id)).headers["location"]
    form = {
        "grant_type": "authorization_code", "code": parse_qs(urlsplit(back).query)["code"][0],
        "redirect_uri": consent.redirect_uri, "code_verifier": consent.verifier.reveal(),
        "client_id": public.id,
    }  # fmt: skip
    answer = httpx.post(shown.address.token_url, data=form, trust_env=False)
    assert answer.status_code == 200
