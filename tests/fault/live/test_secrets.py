"""S-01: secrets go through every command, every log level and every kind of failure, and appear
nowhere: not in a stream, a file, the ledger, a manifest or a page.

The secrets are an API key, OAuth tokens, a client secret and the links of attachments, each as it
is, in base64, URL-encoded, and as its first and last eight characters.
"""

from __future__ import annotations

import base64
import json
import logging
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from click.testing import CliRunner, Result

from etl.cli import main
from etl.cli.surroundings import Surroundings
from etl.live import deciding, staging
from etl.pleo.addresses import address_of
from etl.pleo.keeping import FilePlace
from etl.pleo.loopback import begin_consent, code_of, redirect_uri
from etl.pleo.sandbox import Pleo, RunningSandbox
from etl.pleo.tokens import OAuthClient, TokenEndpoint
from etl.secret import Secret
from etl.workspace import PleoSettings
from tests.fakes.transport import BASE_URL, SandboxClockOf, SandboxTransport
from tests.fault.live import places

#: Not only hexadecimal digits, so that a URL-encoded form is another one.
KEY = "canary/key+7f3a.9c=1e5b&d2_%48~end"
SHORT = 8
LEVELS: tuple[tuple[str, ...], ...] = ((), ("-v",), ("-vv",))
FAULTS = (
    "", "error=500:1-", "error=503@report-items:1-", "lost-answer@send-event:1-2",
    "lost-request:1-3", "html:1-2", "truncated:1-2", "limited=1:1-2", "wrong-type:1-",
    "page-loop:1-", "error=401:1-", "error=403:1-", "lost-answer@download:1-", "html@download:1-",
)  # fmt: skip
#: One working day: each list is said in its order, in one workspace.
DAY: tuple[tuple[str, ...], ...] = (
    ("check", "--online"), ("jobs",), ("run",), ("status",), ("review",), ("release", "--yes"),
    ("history",), ("status", "--json"), ("run", "--json"), ("ledger", "verify"), ("discard",),
)  # fmt: skip


GOOD_DAY = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]
TOKEN_FAULTS = ("", "error=500@token:1-", "lost-answer@token:1", "html@token:1-", "error=401:1-")
TOKEN_SECONDS = 901
PORT = 18586  # never listened on


class Place:
    """A workspace with a canary in every secret."""

    def __init__(
        self,
        root: Path,
        monkeypatch: pytest.MonkeyPatch,
        *,
        pleo: Pleo | None = None,
        base_url: str = BASE_URL,
    ) -> None:
        self.root, self.pleo, self.base_url = root, pleo or Pleo(), base_url
        work = root / "work"
        places.write_workspace(work, ["acme"], base_url=base_url)
        entries = places.entries("acme", 3)
        for entry in entries:
            entry["files"] = [{"url": "", "type": "application/pdf", "size": 10}]
        self.company = self.pleo.add_company("acme", entries)
        self.pleo.ids.secret = self._secret  # type: ignore[method-assign]
        self.given: list[str] = []
        self.kinds: set[str] = set()
        self.key = self.pleo.add_key([self.company])
        monkeypatch.chdir(work)
        monkeypatch.setenv("HOME", str(root / "home"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(root / "home" / ".config"))
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        monkeypatch.setenv("PLEO_API_KEY", self.key)
        (root / "home").mkdir()

    def _secret(self, kind: str) -> str:
        made = f"{KEY}-{kind}-{len(self.given)}-{random.Random(len(self.given)).randbytes(9).hex()}"
        if (
            kind == "client"
        ):  # other letters are sent in several ways, and RFC 6749 is read in several
            made = f"canary.client.{made[-18:]}"
        self.given.append(made)
        self.kinds.add(kind)
        return made if kind != "link" else quote(made, safe="")

    def say(self, *words: str) -> Result:
        transport = SandboxTransport(self.pleo) if self.base_url == BASE_URL else None
        around = Surroundings(clock=SandboxClockOf(self.pleo), transport=transport)
        return CliRunner().invoke(main, list(words), obj=around)

    def log_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Log in with OAuth as a person does, instead of with the key."""
        monkeypatch.delenv("PLEO_API_KEY")
        registered = self.pleo.add_client([self.company], [redirect_uri(PORT)])
        monkeypatch.setenv("PLEO_CLIENT_SECRET", registered.secret or "")
        path = self.root / "work" / "pleo-etl.yaml"
        named = f"{{base_url: {self.base_url}, client_id: {registered.id}}}"
        path.write_text(path.read_text().replace(f"{{base_url: {self.base_url}}}", named))
        client = OAuthClient(registered.id, Secret(registered.secret or ""), "basic")
        address = address_of(PleoSettings(base_url=self.base_url))
        consent = begin_consent(address.authorize_url, client.id, port=PORT)
        answer = httpx.get(consent.address, follow_redirects=False, trust_env=False)
        code = code_of(consent, answer.headers["location"])
        granted = TokenEndpoint(address.token_url, client).exchange(
            code, verifier=consent.verifier, redirect_uri=consent.redirect_uri
        )
        place = FilePlace(self.base_url, self.company.id)
        place.write(granted.pair(SandboxClockOf(self.pleo).now(), turn=1))


def forms(secret: str) -> Iterator[bytes]:
    """Give every form in which a secret could be shown."""
    raw = secret.encode()
    yield raw
    yield quote(secret, safe="").encode()
    yield quote(secret).encode()
    yield json.dumps(secret).strip('"').encode()
    for text in (raw, raw + b":", b":" + raw):
        for lead in range(3):
            # wherever it begins within the groups of three; the edges depend on what is beside it
            coded = base64.b64encode(b"\0" * lead + text)
            yield coded[4:-4]
            yield base64.urlsafe_b64encode(b"\0" * lead + text)[4:-4]
    yield raw[:SHORT]
    yield raw[-SHORT:]


def leaks(secrets: Sequence[str], contents: Iterator[tuple[str, bytes]]) -> list[str]:
    """Name where a secret stands."""
    wanted = {form for secret in secrets for form in forms(secret)}
    return [
        f"{form!r} in {name}" for name, content in contents for form in wanted if form in content
    ]


def _contents(root: Path, results: Sequence[Result], logged: str) -> Iterator[tuple[str, bytes]]:
    for result in results:
        yield "stdout", result.stdout.encode()
        yield "stderr", result.stderr.encode()
        if result.exception is not None:
            yield "exception", repr(result.exception).encode()
    yield "log", logged.encode()
    for path in root.rglob("*"):
        yield f"the name of {path.name}", path.name.encode()
        # The one file whose purpose is to keep tokens; only its owner may read it.
        if path.is_file() and ".config" not in path.parts:
            yield str(path.relative_to(root)), path.read_bytes()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault or "none")
@pytest.mark.parametrize("level", LEVELS, ids=lambda level: "".join(level) or "quiet")
def test_a_day_with_an_api_key(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    level: tuple[str, ...],
    fault: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    place = Place(tmp_path, monkeypatch)
    place.pleo.add_job(place.company, is_vendor_based=False)
    results = []
    for words in DAY:
        if fault:
            place.pleo.faults.add(fault)
        results.append(place.say(*level, *words))
        place.pleo.faults.clear()
    assert place.given, "the canaries were used"
    if not fault:
        assert [result.exit_code for result in results] == GOOD_DAY
    assert leaks(place.given, _contents(tmp_path, results, caplog.text)) == []


@pytest.mark.parametrize("fault", TOKEN_FAULTS, ids=lambda fault: fault or "none")
@pytest.mark.parametrize("level", LEVELS, ids=lambda level: "".join(level) or "quiet")
def test_a_day_with_oauth(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    level: tuple[str, ...],
    fault: str,
) -> None:
    """Every command finds its access token too old and has to renew it."""
    caplog.set_level(logging.DEBUG)
    pleo = Pleo()
    with RunningSandbox(pleo) as server:
        place = Place(tmp_path, monkeypatch, pleo=pleo, base_url=server.base_url)
        place.log_in(monkeypatch)
        results = []
        for number, words in enumerate(DAY):
            if number == 2:
                pleo.add_job(place.company, is_vendor_based=False)
            pleo.advance(TOKEN_SECONDS if number < 2 else 300)
            if fault:
                pleo.faults.add(fault)
            results.append(place.say(*level, *words))
            pleo.faults.clear()
        if not fault:
            assert [result.exit_code for result in results] == GOOD_DAY
    assert {"client", "access", "refresh"} <= place.kinds
    assert leaks(place.given, _contents(tmp_path, results, caplog.text)) == []


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: "".join(level) or "quiet")
@pytest.mark.parametrize("place_of_bug", ["fetch_job", "find_repeats", "render"])
def test_a_bug_of_ours_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: tuple[str, ...], place_of_bug: str
) -> None:
    place = Place(tmp_path, monkeypatch)
    place.pleo.add_job(place.company, is_vendor_based=False)

    def fails(*_args: object, **_named: object) -> None:
        raise RuntimeError("a bug")

    module = deciding if place_of_bug == "render" else staging
    name = "_render" if place_of_bug == "render" else place_of_bug
    monkeypatch.setattr(module, name, fails)
    result = place.say(*level, "run")
    assert result.exit_code == 5
    assert "Traceback" in result.stderr
    assert leaks(place.given, _contents(tmp_path, [result], "")) == []


def test_the_search_finds_each_form(tmp_path: Path) -> None:
    secret = f"{KEY}-key-0"
    coded = base64.b64encode(f"user:{secret}".encode())
    for shown in (secret, quote(secret, safe=""), coded.decode(), secret[:8], secret[-8:]):
        (tmp_path / "found.txt").write_text(f"say {shown} aloud", encoding="utf-8")
        assert leaks([secret], _contents(tmp_path, [], "")), shown
