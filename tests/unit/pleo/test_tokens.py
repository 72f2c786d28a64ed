"""What the token endpoint may answer, and what is made of it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from etl.errors import TryLater, UserMustFix
from etl.pleo.keeping import KeptTokens
from etl.pleo.tokens import GrantRefused, NeverAsked, OAuthClient, TokenEndpoint
from etl.secret import Secret

AT = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)
GOOD = {"access_token": "a-2", "token_type": "Bearer", "expires_in": 900, "refresh_token": "r-2"}


def endpoint(
    answer: Callable[[httpx.Request], httpx.Response],
    method: str = "basic",
    *,
    known: tuple[str, str] = ("c-1", "s-1"),
) -> TokenEndpoint:
    client = OAuthClient(known[0], Secret(known[1]), method)
    return TokenEndpoint(
        "https://auth.pleo.io/oauth/token", client, transport=httpx.MockTransport(answer)
    )


def pair_of(**changes: object) -> KeptTokens:
    document = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    granted = endpoint(lambda _: httpx.Response(200, json=document)).refresh(Secret("r-1"))
    return granted.pair(AT, turn=2, refresh=Secret("r-1"), scopes=("export-jobs:read",))


@pytest.mark.parametrize(
    ("expires_in", "seconds", "lead"),
    [(900, 900, 120), ("900", 900, 120), (60, 60, 15), (0, 0, 0), (-5, 0, 0),
     (10**12, 366 * 86400, 120), (None, None, 0), ("soon", None, 0), (True, None, 0)],
)  # fmt: skip
def test_for_how_long_a_token_is_used(expires_in: object, seconds: int | None, lead: int) -> None:
    pair = pair_of(expires_in=expires_in)
    assert pair.ends_at == (None if seconds is None else AT + timedelta(seconds=seconds))
    assert pair.lead == lead


def test_what_the_answer_leaves_out_stays_as_it_was() -> None:
    pair = pair_of(refresh_token=None, scope=None)
    assert pair.refresh == Secret("r-1")
    assert pair.scopes == ("export-jobs:read",)
    assert pair_of(scope="a b").scopes == ("a", "b")


def test_a_login_without_a_refresh_token_is_none() -> None:
    document = {name: value for name, value in GOOD.items() if name != "refresh_token"}
    granted = endpoint(lambda _: httpx.Response(200, json=document)).exchange(
        Secret("code"), verifier=Secret("v" * 43), redirect_uri="http://127.0.0.1:8586/callback"
    )
    with pytest.raises(UserMustFix, match="Pleo gave no refresh token"):
        granted.pair(AT, turn=1)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, content=b"[" * 50000),
        httpx.Response(200, content=b"x" * 70000),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={**GOOD, "access_token": "a\r\nX-Other: 1"}),
        httpx.Response(200, json={**GOOD, "access_token": 7}),
        httpx.Response(200, json={**GOOD, "access_token": ""}),
        httpx.Response(200, json={**GOOD, "token_type": "mac"}),
        httpx.Response(204),
        httpx.Response(302, headers={"location": "https://evil.example/"}),
        httpx.Response(400, content=b"<html>canary-r-1"),
        httpx.Response(404, json={"type": "not_found"}),
        httpx.Response(500, json={"error": "invalid_grant"}),
    ],
)
def test_an_answer_that_is_none_refuses_nothing(answer: httpx.Response) -> None:
    """What was asked may have had an effect: neither a login that is over, nor a pair to use."""
    asked: list[str] = []

    def once(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return answer

    with pytest.raises(TryLater) as caught:
        endpoint(once).refresh(Secret("canary-r-1"))
    assert caught.value.problems[0].code == "AUTH-6"
    assert "canary" not in str(caught.value)
    assert asked == ["auth.pleo.io"]  # once, and nowhere else


def test_a_refusal_is_told_from_a_wrong_client_and_from_too_many() -> None:
    def refused(status: int, error: object) -> TokenEndpoint:
        return endpoint(lambda _: httpx.Response(status, json={"error": error}))

    for status in (400, 401):
        with pytest.raises(GrantRefused):
            refused(status, "invalid_grant").refresh(Secret("r"))
    for error in ("invalid_client", "unauthorized_client", "<script>canary", 5):
        with pytest.raises(NeverAsked) as caught:
            refused(400, error).refresh(Secret("r"))
        problem = caught.value.problem.problems[0]
        assert problem.code == "AUTH-5"
        assert "canary" not in str(problem)
    with pytest.raises(NeverAsked, match="come back later"):
        refused(429, "slow_down").refresh(Secret("r"))


@pytest.mark.parametrize(
    ("method", "header", "in_form"),
    [("basic", "Basic Yy0xOnMtMQ==", {}), ("none", None, {"client_id": ["c-1"]}),
     ("post", None, {"client_id": ["c-1"], "client_secret": ["s-1"]})],
)  # fmt: skip
def test_where_the_client_shows_its_secret(
    method: str, header: str | None, in_form: dict[str, list[str]]
) -> None:
    """`c-1:s-1` in Base64 is `Yy0xOnMtMQ==`."""
    seen: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=GOOD)

    endpoint(note, method).refresh(Secret("r-1"))
    (request,) = seen
    assert request.headers.get("authorization") == header
    form = parse_qs(request.content.decode())
    assert form == {"grant_type": ["refresh_token"], "refresh_token": ["r-1"], **in_form}
    assert str(request.url) == "https://auth.pleo.io/oauth/token"  # nothing in the address
    assert request.headers["user-agent"].startswith("pleo-etl/")


@pytest.mark.parametrize(
    ("name", "secret", "joined"),
    [
        ("c-1", "a+b", b"c-1:a%2Bb"),
        ("c-1", "100%41", b"c-1:100%2541"),
        ("c-1", "a/b=&c?d", b"c-1:a%2Fb%3D%26c%3Fd"),
        ("c:1", "a:b c", b"c%3A1:a%3Ab+c"),
        ("c-1", "A-z_0.9~", b"c-1:A-z_0.9~"),
    ],
)
def test_in_a_basic_header_both_parts_are_encoded_as_in_a_form(
    name: str, secret: str, joined: bytes
) -> None:
    """RFC 6749, section 2.3.1: a colon inside of a part would end it otherwise."""
    seen: list[str] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json=GOOD)

    endpoint(note, known=(name, secret)).refresh(Secret("r-1"))
    assert [base64.b64decode(one.removeprefix("Basic ")) for one in seen] == [joined]
