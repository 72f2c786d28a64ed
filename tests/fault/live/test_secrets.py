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

import pytest
from click.testing import CliRunner, Result

from etl.cli import main
from etl.cli.surroundings import Surroundings
from etl.pleo.sandbox import Pleo
from tests.fakes.transport import BASE_URL, SandboxClockOf, SandboxTransport
from tests.fault.live import places

#: Not only hexadecimal digits, so that a URL-encoded form is another one.
KEY = "canary/key+7f3a:9c=1e5b&d2_%48~end"
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


class Place:
    """A workspace with a canary in every secret."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, *, seed: int = 1) -> None:
        self.root, self.pleo = root, Pleo(seed=seed)
        work = root / "work"
        places.write_workspace(work, ["acme"], base_url=BASE_URL)
        entries = places.entries("acme", 3)
        for entry in entries:
            entry["files"] = [{"url": "", "type": "application/pdf", "size": 10}]
        self.company = self.pleo.add_company("acme", entries)
        self.pleo.ids.secret = self._secret  # type: ignore[method-assign]
        self.given: list[str] = []
        self.key = self.pleo.add_key([self.company])
        monkeypatch.chdir(work)
        monkeypatch.setenv("HOME", str(root / "home"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(root / "home" / ".config"))
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        monkeypatch.setenv("PLEO_API_KEY", self.key)
        (root / "home").mkdir()

    def _secret(self, kind: str) -> str:
        made = f"{KEY}-{kind}-{len(self.given)}-{random.Random(len(self.given)).randbytes(9).hex()}"
        self.given.append(made)
        return made if kind != "link" else quote(made, safe="")

    def say(self, *words: str, stdin: str | None = None) -> Result:
        around = Surroundings(
            clock=SandboxClockOf(self.pleo), transport=SandboxTransport(self.pleo)
        )
        return CliRunner().invoke(main, list(words), obj=around, input=stdin)


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
        if path.is_file() and path.suffix != ".csv_":
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
    assert leaks(place.given, _contents(tmp_path, results, caplog.text)) == []


def test_the_search_finds_each_form(tmp_path: Path) -> None:
    secret = f"{KEY}-key-0"
    coded = base64.b64encode(f"user:{secret}".encode())
    for shown in (secret, quote(secret, safe=""), coded.decode(), secret[:8], secret[-8:]):
        (tmp_path / "found.txt").write_text(f"say {shown} aloud", encoding="utf-8")
        assert leaks([secret], _contents(tmp_path, [], "")), shown
