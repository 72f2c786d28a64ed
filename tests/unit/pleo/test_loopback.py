"""The login in a browser: what is opened, what comes back, and what is not taken for it."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from etl.clock import SystemClock
from etl.errors import EtlError, TryLater, UserMustFix
from etl.pleo.login import tokens_for
from etl.pleo.loopback import Consent, Loopback, begin_consent, code_of, redirect_uri
from etl.pleo.sandbox import Pleo
from etl.pleo.visitors import HOST, MAX_HEAD, MAX_VISITORS
from etl.secret import Secret
from tests.fakes.oauth import Door, door
from tests.fakes.transport import SandboxClockOf


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Door]:
    with door(tmp_path / "kept") as found:
        yield found


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def begin(port: int) -> Consent:
    return begin_consent("https://auth.pleo.io/oauth/authorize", "c-1", port=port)


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_the_address_says_what_pleo_asks_for_and_holds_no_secret() -> None:
    consent = begin(8586)
    assert consent.address.startswith("https://auth.pleo.io/oauth/authorize?")
    asked = query(consent.address)
    verifier = consent.verifier.reveal()
    digest = hashlib.sha256(verifier.encode()).digest()
    assert asked == {
        "response_type": "code", "client_id": "c-1",
        "redirect_uri": "http://127.0.0.1:8586/callback",
        "scope": "export-jobs:read export-jobs:write export-items:read",
        "state": consent.state.reveal(), "code_challenge_method": "S256",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
    }  # fmt: skip
    assert 43 <= len(verifier) <= 128
    assert verifier not in consent.address
    assert verifier not in repr(consent)
    other = begin(8586)
    assert other.state != consent.state
    assert other.verifier != consent.verifier


def test_a_login_from_the_address_to_the_tokens(shown: Door) -> None:
    consent = shown.consent()
    pair = tokens_for(
        code_of(consent, shown.approve(consent)), consent, address=shown.address,
        client=shown.client, clock=shown.clock,
    )  # fmt: skip
    assert shown.opens(f"Bearer {pair.access.reveal()}")
    assert (pair.turn, pair.lead, pair.is_turning) == (1, 120, False)


def test_a_code_serves_once(shown: Door) -> None:
    consent = shown.consent()
    code = code_of(consent, shown.approve(consent))
    tokens_for(code, consent, address=shown.address, client=shown.client, clock=shown.clock)
    with pytest.raises(UserMustFix, match="it is good once"):
        tokens_for(code, consent, address=shown.address, client=shown.client, clock=shown.clock)


def test_a_no_in_the_browser_is_told(shown: Door) -> None:
    shown.pleo.authorizations.is_approved = False
    consent = shown.consent()
    with pytest.raises(UserMustFix) as caught:
        code_of(consent, shown.approve(consent))
    (problem,) = caught.value.problems
    assert problem.code == "AUTH-8"
    assert problem.what == "the login was not approved"
    assert problem.fix == "run `pleo-etl login --oauth` again and approve the login in Pleo"


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "http://127.0.0.1:8586/callback", "http://[", "?code=x&state=",
     "http://127.0.0.1:8586/callback?code=x&state=of-another-login",
     "http://127.0.0.1:8586/callback?error=access_denied", "?code=x&state=\udc80"],
)  # fmt: skip
def test_an_address_without_the_state_is_not_ours(address: str) -> None:
    with pytest.raises(UserMustFix, match="does not belong to the login"):
        code_of(begin(8586), address)


def test_what_comes_back_is_not_shown() -> None:
    consent = begin(8586)
    state = consent.state.reveal()
    for end in ("&error=<script>canary</script>", "&code=can%0Aary", "&code=", ""):
        with pytest.raises(UserMustFix) as caught:
            code_of(consent, f"?state={state}{end}")
        assert "canary" not in str(caught.value)
        assert "ary" not in caught.value.problems[0].what


class Waiting:
    """A login that waits for its browser in a thread of its own."""

    def __init__(self, port: int, *, patience: float = 20) -> None:
        self.consent = begin(port)
        self.outcome: object = None
        self.loopback = Loopback(port)
        self.thread = threading.Thread(target=self._wait, args=[patience])

    def _wait(self, patience: float) -> None:
        try:
            with self.loopback as loopback:
                self.outcome = loopback.wait(self.consent, SystemClock(), patience=patience)
        except EtlError as error:
            self.outcome = error

    def __enter__(self) -> Waiting:
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.thread.join(20)
        assert not self.thread.is_alive()


def test_only_the_browser_that_knows_the_state_ends_the_waiting(port: int) -> None:
    back = redirect_uri(port)
    with Waiting(port) as waiting, httpx.Client(trust_env=False) as browser:
        state = waiting.consent.state.reveal()
        assert browser.get(f"http://127.0.0.1:{port}/favicon.ico").status_code == 404
        assert browser.get(back, params={"code": "x", "state": "wrong"}).status_code == 200
        assert browser.get(back, params={"error": "access_denied"}).status_code == 200
        assert browser.post(back, params={"code": "x", "state": state}).status_code == 501
        rebound = browser.get(
            back, params={"code": "evil", "state": state}, headers={"host": "evil.example"}
        )
        assert rebound.status_code == 400
        with socket.create_connection(("127.0.0.1", port)) as rude:
            rude.sendall(b"GET /callback?")  # and hangs up in the middle
        page = browser.get(back, params={"code": "c-0", "state": state})
        assert page.status_code == 200
        assert page.headers["content-security-policy"] == "default-src 'none'"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert state not in page.text
    assert str(waiting.outcome) == "********"
    assert waiting.outcome.reveal() == "c-0"  # type: ignore[attr-defined]


def test_nothing_of_it_is_printed(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    with Waiting(port) as waiting:
        state = waiting.consent.state.reveal()
        httpx.get(redirect_uri(port), params={"code": "c", "state": state}, trust_env=False)
    assert capfd.readouterr() == ("", "")


def test_it_listens_on_the_loopback_address_only(port: int) -> None:
    with Loopback(port) as loopback:
        assert loopback._visitors.address == ("127.0.0.1", port)
        with pytest.raises(UserMustFix) as caught:
            Loopback(port)
    (problem,) = caught.value.problems
    assert problem.code == "AUTH-8"
    assert problem.what == f"port {port} is not free"
    assert "redirect_port" in problem.fix


class Hurried(SandboxClockOf):
    """A clock by which a minute goes by between two looks."""

    def elapsed(self) -> float:
        self._pleo.advance(60)
        return super().elapsed()


def test_nobody_comes(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.pleo.visitors.POLL", 0.01)
    with Loopback(port) as loopback, pytest.raises(TryLater) as caught:
        loopback.wait(begin(port), Hurried(Pleo()))
    (problem,) = caught.value.problems
    assert problem.code == "AUTH-6"
    assert problem.what == "nobody logged in within 5 minutes"


# ── strangers on this machine ──


@contextmanager
def dripping(port: int) -> Iterator[threading.Event]:
    """Ask letter by letter, without an end, until the other side hangs up: then it is told."""
    over, is_gone = threading.Event(), threading.Event()

    def drip() -> None:
        with socket.create_connection((HOST, port), timeout=10) as connection:
            connection.sendall(b"GET /callback?state=")
            try:
                while not over.wait(0.01):
                    connection.sendall(b"x")
            except OSError:
                is_gone.set()

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield is_gone
    finally:
        over.set()
        thread.join()


def come_back(waiting: Waiting, port: int) -> int:
    asked = {"code": "c-0", "state": waiting.consent.state.reveal()}
    return httpx.get(redirect_uri(port), params=asked, trust_env=False).status_code


def test_neither_silence_nor_drops_stand_in_the_way_of_the_browser(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much time each of them has."""
    monkeypatch.setattr("etl.pleo.visitors.VISIT_SECONDS", 600)
    with Waiting(port) as waiting, dripping(port), ExitStack() as crowd:
        idle = [
            crowd.enter_context(socket.create_connection((HOST, port), timeout=10))
            for _ in range(2 * MAX_VISITORS)
        ]
        assert idle[0].recv(1) == b""  # the oldest made room
        with dripping(port):
            assert come_back(waiting, port) == 200
    assert waiting.outcome == Secret("c-0")


def test_a_visitor_that_never_comes_to_its_end_is_hung_up_on(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl.pleo.visitors.VISIT_SECONDS", 0.1)
    with Waiting(port) as waiting:
        with dripping(port) as is_gone:
            assert is_gone.wait(10)
        with socket.create_connection((HOST, port), timeout=10) as silent:
            assert silent.recv(1) == b""
        assert come_back(waiting, port) == 200


def test_a_visitor_that_never_comes_to_its_end_does_not_make_the_wait_longer(port: int) -> None:
    with Loopback(port) as loopback, dripping(port), pytest.raises(TryLater, match="5 minutes"):
        loopback.wait(begin(port), Hurried(Pleo()))


@pytest.mark.parametrize(
    "head",
    ["", "GET", "GET http://[ HTTP/1.1", "GET /callback HTTP/1.1\r\nHost: {host}\r\nhost: {host}",
     "GET /callback HTTP/1.1\r\nHost", "\x00\xff\r\n:\r\n"],
)  # fmt: skip
def test_what_no_browser_says_is_refused(port: int, head: str) -> None:
    with Waiting(port) as waiting:
        with socket.create_connection((HOST, port), timeout=10) as stranger:
            stranger.sendall(f"{head.format(host=f'{HOST}:{port}')}\r\n\r\n".encode("latin-1"))
            assert stranger.recv(65536).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        with socket.create_connection((HOST, port), timeout=10) as stranger:
            stranger.sendall(b"x" * (MAX_HEAD + 1))
            assert stranger.recv(1) == b""
        assert come_back(waiting, port) == 200
