"""`login`, `logout` and `check --online`: what a person sees, and what is kept afterwards."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner, Result

from etl.cli import main
from etl.cli.surroundings import Surroundings
from etl.pleo.loopback import redirect_uri
from etl.pleo.sandbox import Pleo, RunningSandbox
from etl.workspace import PLACEHOLDER_ID
from tests.fakes import keyrings
from tests.fakes.transport import SandboxClockOf, SandboxTransport

PORT = 18587  # is registered, and not listened on: the browser's way back is pasted
ROOT = Path(__file__).parents[3]


class Knowing(httpx.BaseTransport):
    """A Pleo that says of a credential for whom it was made, as /v1/introspect is described."""

    def __init__(self, pleo: Pleo, subject: object) -> None:
        self._pleo, self._subject = SandboxTransport(pleo), subject

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v1/introspect":
            return self._pleo.handle_request(request)
        said = {"authMethod": "API_KEY", "clientId": "c", "scope": "", "subjectURN": self._subject}
        body = httpx.ByteStream(json.dumps({"data": said}).encode())
        return httpx.Response(200, headers={"content-type": "application/json"}, stream=body)


class Desk:
    """A workspace of one company at a sandbox, and `pleo-etl` run in it."""

    def __init__(
        self, root: Path, base_url: str = "http://127.0.0.1:8585", *, pleo: Pleo | None = None
    ) -> None:
        self.root, self.base_url = root, base_url
        self.pleo = pleo or Pleo()
        self.company = self.pleo.add_sample("example")
        self.key = self.pleo.add_key([self.company])
        self.client = self.pleo.add_client([self.company], [redirect_uri(PORT)])
        self.transport: httpx.BaseTransport = SandboxTransport(self.pleo)
        self.clock = SandboxClockOf(self.pleo)
        self.attended: bool | None = None
        self.environment: dict[str, str | None] = {
            "XDG_CONFIG_HOME": str(root / "home"), "PLEO_CLIENT_SECRET": self.client.secret,
            "PLEO_API_KEY": None, "PLEO_API_KEY_ACME": None,
        }  # fmt: skip
        folder = root / "books"
        told = CliRunner().invoke(
            main, ["init", str(folder), "--id", self.company.id, "--base-url", base_url]
        )
        assert told.exit_code == 0, told.stderr
        path = folder / "pleo-etl.yaml"
        text = path.read_text("utf-8").replace(
            'base_url: "', f'client_id: {self.client.id}, redirect_port: {PORT}, base_url: "'
        )
        path.write_text(text, encoding="utf-8")

    def run(self, *words: str, given: str = "") -> Result:
        around = Surroundings(clock=self.clock, transport=self.transport, attended=self.attended)
        back = Path.cwd()
        os.chdir(self.root / "books")
        try:
            return CliRunner().invoke(main, words, obj=around, input=given, env=self.environment)
        finally:
            os.chdir(back)

    def kept(self) -> list[Path]:
        return sorted((self.root / "home").rglob("*.json"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def document(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_key_is_tried_and_kept(desk: Desk) -> None:
    desk.pleo.add_job(desk.company)
    told = desk.run("login", given=f"  {desk.key}\n")
    assert told.exit_code == 0, told.stderr
    assert f"opens company acme ({desk.company.id}) at {desk.base_url}" in told.stderr
    assert "1 export waiting or running there" in told.stderr
    assert "next: pleo-etl check --online, then pleo-etl run" in told.stderr
    assert told.stdout == ""
    (kept,) = desk.kept()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [seen.call.method for seen in desk.pleo.seen] == ["GET"]  # one request, a harmless one
    online = desk.run("check", "--online")
    assert online.exit_code == 0, online.stderr
    assert f"acme: opened by the file {kept.name}; 1 export waiting or running" in online.stderr


def test_a_person_is_asked_and_the_key_is_not_shown(desk: Desk) -> None:
    desk.attended = True
    told = desk.run("login", given=f"{desk.key}\n")
    assert told.exit_code == 0, told.output
    assert "API key of acme (not shown):" in told.stderr
    assert desk.key not in told.output


@pytest.mark.parametrize(
    ("spoil", "code", "exit_code"),
    [
        (lambda desk: "", "AUTH-2", 2),
        (lambda desk: "no-such-key", "PLEO-1", 2),
        (lambda desk: desk.pleo.add_key(["00000000-0000-4000-8000-000000000000"]), "PLEO-2", 2),
        (lambda desk: desk.pleo.add_key([desk.company], ["export-items:read"]), "PLEO-2", 2),
        (lambda desk: desk.pleo.faults.add("error=503:1-") or desk.key, "NET-9", 3),
    ],
)  # fmt: skip
def test_what_does_not_open_the_company_is_not_kept(
    desk: Desk, spoil: Callable[[Desk], str], code: str, exit_code: int
) -> None:
    key = spoil(desk)
    told = desk.run("login", "--json", given=key)
    assert told.exit_code == exit_code
    found = document(told)
    assert [error["code"] for error in found["errors"]] == [code]
    assert found["companies"][0]["company"] == "acme"
    assert desk.kept() == []
    assert not key or key not in told.output


OTHER = "b4d6f8a0-2c1e-4d3f-8a5b-7c9d1e3f5a12"


def test_a_key_of_another_company_tells_of_which(desk: Desk) -> None:
    path = desk.root / "books" / "pleo-etl.yaml"
    path.write_text(path.read_text("utf-8").replace(desk.company.id, PLACEHOLDER_ID), "utf-8")
    desk.transport = Knowing(desk.pleo, f"urn:pleo:company:{desk.company.id.upper()}")
    told = desk.run("login", given=desk.key)
    assert told.exit_code == 2
    said = f"the credential is for company {desk.company.id}, and not for {PLACEHOLDER_ID}"
    assert f"error[PLEO-2]: {said}" in told.stderr
    assert f"write {desk.company.id} as the company's id into pleo-etl.yaml" in told.stderr
    assert desk.kept() == []
    desk.environment["PLEO_API_KEY"] = desk.key
    assert f"error[PLEO-2]: {said}" in desk.run("check", "--online").stderr


@pytest.mark.parametrize(
    "subject",
    [None, 7, "", "urn:pleo:organisation:" + OTHER, "urn:pleo:company:12", "of nobody"],
)
def test_where_pleo_does_not_say_of_which_company_a_key_is_nothing_is_guessed(
    desk: Desk, subject: object
) -> None:
    desk.transport = Knowing(desk.pleo, subject)
    told = desk.run("login", given=desk.pleo.add_key([OTHER]))
    assert told.exit_code == 2
    assert "the credential does not open this company, or lacks a permission" in told.stderr


def test_a_key_of_the_right_company_without_a_permission_is_not_called_another_ones(
    desk: Desk,
) -> None:
    desk.transport = Knowing(desk.pleo, f"urn:pleo:company:{desk.company.id}")
    told = desk.run("login", given=desk.pleo.add_key([desk.company], ["export-items:read"]))
    assert told.exit_code == 2
    assert "the credential does not open this company, or lacks a permission" in told.stderr


def paste(desk: Desk, *, give: Callable[[str], str] = str) -> Result:
    """Log in with --no-browser: read the address from stderr, go there, paste where it ends."""
    from etl.cli import login

    said: list[str] = []
    original = login.talk.say

    def note(text: str) -> None:
        said.append(text)
        original(text)

    def read(_limit: int) -> str:
        (address,) = [text for text in said if text.startswith("http")]
        request = httpx.Request("GET", address)
        answer = desk.transport.handle_request(request)
        return give(answer.headers["location"]) + "\n"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(login.talk, "say", note)
        patch.setattr("etl.cli.login._read_line", read)
        return desk.run("login", "--oauth", "--no-browser", "--json")


def test_a_login_without_a_browser(desk: Desk) -> None:
    told = paste(desk)
    assert told.exit_code == 0, told.stderr
    (company,) = document(told)["companies"]
    assert company["credential"] == "oauth"
    assert company["company_id"] == desk.company.id
    online = document(desk.run("check", "--online", "--json"))
    assert online["online"][0]["unseen"] == []  # Pleo said what it granted
    assert online["exit_code"] == 0
    login = desk.pleo.authorizations.logins[0]
    for secret in (login.access, login.refresh, desk.client.secret):
        assert secret
        assert secret not in told.output


def test_an_address_of_another_login_is_refused(desk: Desk) -> None:
    told = paste(desk, give=lambda address: address.replace("state=", "state=x"))
    assert told.exit_code == 2
    assert document(told)["errors"][0]["code"] == "AUTH-8"
    assert desk.kept() == []


def test_a_login_for_another_company_is_not_kept(desk: Desk) -> None:
    other = desk.pleo.add_sample("example-uk")
    clients = desk.pleo.authorizations.clients
    clients[desk.client.id] = replace(desk.client, companies=frozenset({other.id}))
    told = paste(desk)
    assert told.exit_code == 2
    assert document(told)["errors"][0]["code"] == "PLEO-2"
    assert desk.kept() == []


@pytest.mark.parametrize(
    ("status", "code", "fix"),
    [
        (401, "PLEO-1", "log in again with `pleo-etl login --oauth`"),
        (403, "PLEO-2", "the login needs export-jobs:read, export-jobs:write and export-items:read"
         " for the company whose id is in pleo-etl.yaml; log in again with"
         " `pleo-etl login --oauth`"),
    ],
)  # fmt: skip
def test_a_login_that_is_refused_is_to_be_made_again(
    desk: Desk, status: int, code: str, fix: str
) -> None:
    paste(desk)
    desk.pleo.faults.add(f"error={status}@list-jobs:1-")
    (error,) = document(desk.run("check", "--online", "--json"))["errors"]
    assert (error["code"], error["fix"]) == (code, fix)


def test_oauth_needs_a_client(desk: Desk) -> None:
    desk.environment["PLEO_CLIENT_SECRET"] = None
    told = desk.run("login", "--oauth")
    assert told.exit_code == 2
    assert "error[AUTH-5]: there is no client secret" in told.stderr
    assert told.stderr.splitlines()[-1] == "  fix: set PLEO_CLIENT_SECRET"
    with keyrings.in_place(keyrings.Memory()):
        told = desk.run("login", "--oauth")
    assert told.stderr.splitlines()[-1] == (
        "  fix: set PLEO_CLIENT_SECRET, or run `pleo-etl login --oauth` on a terminal: it asks for"
        " the secret, and the keyring keeps it"
    )
    usage = desk.run("login", "--no-browser")
    assert "--no-browser goes with --oauth" in usage.stderr


def asked(desk: Desk, secret: str) -> tuple[Result, list[str]]:
    """Log in as a person who types this secret, and follows the address; give what was asked."""
    questions: list[str] = []
    said: list[str] = []

    def answer(question: str, **_options: object) -> str:
        questions.append(question)
        if question.startswith("client secret"):
            return secret
        (address,) = [text for text in said if text.startswith("http")]
        return desk.transport.handle_request(httpx.Request("GET", address)).headers["location"]

    desk.attended = True
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("etl.cli.talk.say", said.append)
        patch.setattr("etl.cli.login.click.prompt", answer)
        return desk.run("login", "--oauth", "--no-browser", "--json"), questions


def test_the_client_secret_is_asked_for_until_it_opens_and_then_kept(desk: Desk) -> None:
    right = desk.client.secret or ""
    desk.environment["PLEO_CLIENT_SECRET"] = None
    backend = keyrings.Memory()
    with keyrings.in_place(backend):
        for wrong in ("mistyped", "mistyped again"):
            told, questions = asked(desk, wrong)
            assert document(told)["errors"][0]["code"] == "AUTH-5"
            assert "client secret (not shown)" in questions
            assert list(backend.entries.values()) == []
        told, questions = asked(desk, right)
        assert told.exit_code == 0, told.output
        assert right not in told.output
        assert right in backend.entries.values()
        _told, questions = asked(desk, "never asked for")
        assert questions == ["address of that page"]
        renewed = replace(desk.client, secret="renewed")  # noqa: S106 (of the sandbox)
        desk.pleo.authorizations.clients[desk.client.id] = renewed
        told, questions = asked(desk, "renewed")
        assert document(told)["errors"][0]["code"] == "AUTH-5"
        told, questions = asked(desk, "renewed")
        assert told.exit_code == 0, told.output


def test_logout_forgets_and_says_what_stays(desk: Desk) -> None:
    desk.run("login", given=desk.key)
    desk.environment["PLEO_API_KEY"] = desk.key
    told = desk.run("logout")
    assert told.exit_code == 0
    assert desk.kept() == []
    assert "the credential stays valid in Pleo" in told.stderr
    assert "PLEO_API_KEY is set in this shell and still opens the company" in told.stderr
    again = desk.run("logout", "--json")
    assert document(again)["companies"][0]["removed_from"] == []


def test_login_says_when_a_variable_comes_first(desk: Desk) -> None:
    desk.environment["PLEO_API_KEY_ACME"] = "of-yesterday"
    told = desk.run("login", given=desk.key)
    assert told.exit_code == 0
    assert "PLEO_API_KEY_ACME is set and comes first" in told.stderr


def test_a_refused_file_can_be_logged_out_and_in_again(desk: Desk) -> None:
    desk.run("login", given=desk.key)
    (kept,) = desk.kept()
    kept.chmod(0o644)
    online = desk.run("check", "--online")
    assert (online.exit_code, "error[AUTH-3]" in online.stderr) == (2, True)
    assert desk.run("login", given=desk.key).exit_code == 0
    assert desk.run("check", "--online").exit_code == 0


# ── check --online ──


def test_all_problems_are_told_at_once(desk: Desk) -> None:
    desk.pleo.add_job(desk.company)
    desk.environment["PLEO_API_KEY"] = desk.pleo.add_key([desk.company], ["export-jobs:read"])
    (desk.root / "books" / ".pleo-etl").mkdir()
    (desk.root / "books" / ".pleo-etl" / "ledger.db").write_bytes(b"not a ledger, but some text")
    (desk.root / "books" / "outbox").mkdir()
    (desk.root / "books" / "outbox" / "acme").write_bytes(b"a file where the folder should be")
    told = document(desk.run("check", "--online", "--json"))
    codes = [error["code"] for error in told["errors"]]
    assert [code.partition("-")[0] for code in codes] == ["PLEO", "LED", "OUT"]
    assert codes[0] == "PLEO-2"
    assert told["exit_code"] == 2


def test_it_only_reads(desk: Desk) -> None:
    job = desk.pleo.add_job(desk.company)
    desk.run("login", given=desk.key)
    before = sorted(desk.root.rglob("*"))
    assert desk.run("check", "--online").exit_code == 0
    assert sorted(desk.root.rglob("*")) == before
    assert {seen.call.method for seen in desk.pleo.seen} == {"GET"}
    assert job.status == "pending"


def test_without_a_small_job_the_right_to_read_items_is_asked_of_a_job_that_is_none(
    desk: Desk,
) -> None:
    desk.environment["PLEO_API_KEY"] = desk.key
    assert desk.run("check", "--online").exit_code == 0
    desk.environment["PLEO_API_KEY"] = desk.pleo.add_key([desk.company], ["export-jobs:read"])
    told = desk.run("check", "--online")
    assert told.exit_code == 2
    assert "error[PLEO-2]" in told.stderr


def test_missing_contra_accounts_are_found_before_the_first_run(desk: Desk) -> None:
    desk.pleo.add_job(desk.company, list(desk.company.entries)[:2])
    desk.company.has_contra_accounts = False
    desk.environment["PLEO_API_KEY"] = desk.key
    told = desk.run("check", "--online")
    assert told.exit_code == 2
    assert "error[PLEO-6]: contra accounts are missing in Pleo" in told.stderr


def test_a_login_without_the_right_to_report_is_told(desk: Desk) -> None:
    clients = desk.pleo.authorizations.clients
    paste(desk)
    (kept,) = desk.kept()
    text = kept.read_text("utf-8").replace('"export-jobs:write"', '"other:read"')
    kept.write_text(text, encoding="utf-8")
    assert clients
    told = desk.run("check", "--online")
    assert told.exit_code == 2
    assert (
        "error[AUTH-9]: the login was not granted export-jobs:write, without which nothing can be"
        " released" in told.stderr
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(61, "61 seconds ahead of"), (300, "5 minutes ahead of"), (-7059, "118 minutes behind"),
     (-10800, "3 hours behind")],
)  # fmt: skip
def test_a_wrong_clock_is_a_warning(desk: Desk, seconds: int, said: str) -> None:
    desk.environment["PLEO_API_KEY"] = desk.key

    class Fast(SandboxClockOf):
        def now(self) -> Any:
            from datetime import timedelta

            return super().now() + timedelta(seconds=seconds)

    desk.clock = Fast(desk.pleo)
    told = desk.run("check", "--online")
    assert told.exit_code == 0
    assert f"warning[AUTH-10]: the clock of this computer is {said} Pleo's\n" in told.stderr


def test_pleo_away_is_try_again_later(desk: Desk) -> None:
    desk.environment["PLEO_API_KEY"] = desk.key
    desk.transport.refuse_connections = 100
    assert desk.run("check", "--online").exit_code == 3


# ── init on a terminal ──


def test_init_asks_a_person(tmp_path: Path) -> None:
    answers = "Nordic AB\nnordic\nnot-an-id\n12abc3d4-e567-890e-1234-abc56e78fabc\nsie5\nsie4\n"
    told = CliRunner().invoke(
        main, ["init", str(tmp_path / "books")], input=answers, obj=Surroundings(attended=True)
    )
    assert told.exit_code == 0, told.output
    assert '"Nordic AB" cannot be the short name of a company' in told.stderr
    assert 'did you mean "sie4"?' in told.stderr
    text = (tmp_path / "books" / "pleo-etl.yaml").read_text("utf-8")
    assert "  nordic:\n    id: 12abc3d4-e567-890e-1234-abc56e78fabc\n    template: sie4\n" in text
    assert "the company's id" not in told.stderr  # nothing of it is left to fill in
    assert "pleo-etl login " in told.stderr


def test_init_asks_only_for_what_was_not_given(tmp_path: Path) -> None:
    words = ["init", str(tmp_path / "books"), "--company", "nordic", "-t", "sie4"]
    told = CliRunner().invoke(main, words, input="\n", obj=Surroundings(attended=True))
    assert told.exit_code == 0, told.output
    assert "its id in Pleo (not known? Enter, and `pleo-etl login` tells it)" in told.stderr
    assert "short name" not in told.stderr
    assert "fill in the company's id in both files" in told.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--environment", "staging"], "pleo: {environment: staging}"),
        (["--base-url", "http://127.0.0.1:8585"], 'pleo: {base_url: "http://127.0.0.1:8585"}'),
        ([], "pleo: {environment: production}"),
    ],
)
def test_init_writes_which_pleo(tmp_path: Path, words: list[str], text: str) -> None:
    told = CliRunner().invoke(main, ["init", str(tmp_path / "books"), *words])
    assert told.exit_code == 0, told.stderr
    assert text in (tmp_path / "books" / "pleo-etl.yaml").read_text("utf-8").splitlines()


@pytest.mark.parametrize(
    "words",
    [["--id", "12"], ["--base-url", 'http://x"}\n'], ["--base-url", "ftp://x"],
     ["--base-url", "http://127.0.0.1:1", "--environment", "staging"]],
)  # fmt: skip
def test_init_refuses_what_cannot_be(tmp_path: Path, words: list[str]) -> None:
    told = CliRunner().invoke(main, ["init", str(tmp_path / "books"), *words])
    assert told.exit_code == 2
    assert not (tmp_path / "books").exists()


# ── with a real browser's way back: processes and sockets ──

BROWSER = """
import html, httpx, json, pathlib, re, sys, urllib.parse
lead = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(sys.argv[1]).path))
address = html.unescape(re.search('content="0;url=([^"]*)"', lead.read_text())[1])
called = {"with": sys.argv[1], "mode": lead.stat().st_mode & 0o777, "led to": address}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(called))
answer = httpx.get(address, trust_env=False)
httpx.get(answer.headers["location"], trust_env=False)
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Desk]:
    pleo = Pleo()
    with RunningSandbox(pleo) as running:
        yield Desk(tmp_path, running.base_url, pleo=pleo)


def test_the_browser_comes_back_to_the_loopback_address(served: Desk) -> None:
    (served.root / "browser.py").write_text(BROWSER, encoding="utf-8")
    browser = f"{sys.executable} {served.root / 'browser.py'} %s"
    environment = {name: value for name, value in served.environment.items() if value}
    ran = subprocess.run(
        [sys.executable, "-m", "etl.cli", "login", "--oauth", "--json"],
        cwd=served.root / "books", capture_output=True, text=True, timeout=60,
        env=os.environ | environment | {"BROWSER": browser, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    (company,) = json.loads(ran.stdout)["companies"]
    assert company["outcome"] == "logged in"
    (address,) = [line for line in ran.stderr.splitlines() if line.startswith("http")]
    assert urlsplit(address).path == "/oauth/authorize"
    called = json.loads((served.root / "browser.json").read_text())
    assert (called["led to"], called["mode"]) == (address, 0o600)
    # Other users see what a browser is called with: a name, and nothing of this login.
    assert re.fullmatch(r"file:///.+/books/open-login-[0-9a-f]{8}\.html", called["with"])
    assert list((served.root / "books").glob("open-*")) == []
    login = served.pleo.authorizations.logins[0]
    assert login.access not in ran.stderr + ran.stdout
    assert served.kept()
