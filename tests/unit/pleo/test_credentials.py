"""Where credentials are found, in which order, and what is refused."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.errors import Problem, UserMustFix
from etl.pleo.addresses import Address, address_of
from etl.pleo.credentials import ApiKey, Credential, find_credential, read_key, variable_of
from etl.pleo.keeping import FilePlace, KeptKey, KeptTokens, KeyringPlace, credential_folder
from etl.pleo.login import forget, keep, variable_in_the_way
from etl.pleo.oauth import OAuthTokens
from etl.pleo.sandbox import Pleo
from etl.secret import Secret
from etl.workspace import PleoSettings, Workspace, load_workspace
from tests.fakes import keyrings
from tests.fakes.transport import SandboxClockOf

ID = "5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10"
BASE_URL = "http://127.0.0.1:8585"
TOKENS = KeptTokens(Secret("access-1"), Secret("refresh-1"), None, 0, ("export-jobs:read",))


@pytest.fixture(autouse=True)
def _nobodys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Look at no environment and no folder but the test's own."""
    for name in [name for name in os.environ if name.startswith("PLEO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("etl.pleo.keeping.credential_folder", lambda: tmp_path / "home")
    with keyrings.in_place(keyrings.Memory()):
        yield


def workspace(folder: Path, pleo: str = f'base_url: "{BASE_URL}"') -> Workspace:
    (folder / "acme.yaml").write_text("{}", encoding="utf-8")
    path = folder / "pleo-etl.yaml"
    company = f"{{id: {ID}, template: generic, mapping: acme.yaml}}"
    path.write_text(f"pleo: {{{pleo}}}\ncompanies:\n  acme-de: {company}\n", encoding="utf-8")
    return load_workspace(path)


def find(folder: Path, pleo: str = f'base_url: "{BASE_URL}"') -> Credential:
    found = workspace(folder, pleo)
    return find_credential(found, "acme-de", address=address(found), clock=SandboxClockOf(Pleo()))


def address(found: Workspace) -> Address:
    return address_of(found.settings.pleo)


def key_in(credential: Credential) -> str:
    scheme, text = credential.authorize().split(" ")
    assert scheme == "Basic"
    name, colon, password = base64.b64decode(text).decode().partition(":")
    assert (colon, password) == (":", "")
    return name


def problem_of(folder: Path) -> Problem:
    with pytest.raises(UserMustFix) as caught:
        find(folder)
    (problem,) = caught.value.problems
    return problem


def test_the_first_of_environment_keyring_and_file_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FilePlace(BASE_URL, ID).write(KeptKey(Secret("of-the-file")))
    assert key_in(find(tmp_path)) == "of-the-file"
    KeyringPlace(BASE_URL, ID).write(KeptKey(Secret("of-the-keyring")))
    assert key_in(find(tmp_path)) == "of-the-keyring"
    monkeypatch.setenv("PLEO_API_KEY", "of-all")
    assert key_in(find(tmp_path)) == "of-all"
    monkeypatch.setenv("PLEO_API_KEY_ACME_DE", " of-acme\n")
    assert key_in(find(tmp_path)) == "of-acme"
    assert variable_in_the_way("acme-de") == variable_of("acme-de") == "PLEO_API_KEY_ACME_DE"
    monkeypatch.setenv("PLEO_API_KEY_ACME_DE", "")  # empty is not given
    assert key_in(find(tmp_path)) == "of-all"


def test_a_key_cannot_be_renewed() -> None:
    assert ApiKey(Secret("k")).renew() is False


def test_a_credential_is_of_one_pleo_and_one_company(tmp_path: Path) -> None:
    keep(KeptKey(Secret("k")), base_url=BASE_URL, company_id=ID.upper())
    assert key_in(find(tmp_path)) == "k"
    for other in ("environment: staging", 'base_url: "http://127.0.0.1:8586"', ""):
        with pytest.raises(UserMustFix, match="there is no credential"):
            find(tmp_path, other)


def test_without_a_credential_the_message_names_the_ways_to_give_one(tmp_path: Path) -> None:
    problem = problem_of(tmp_path)
    assert problem.code == "AUTH-1"
    assert BASE_URL in problem.what
    assert "pleo-etl login --company acme-de" in problem.fix
    assert "PLEO_API_KEY_ACME_DE" in problem.fix


@pytest.mark.parametrize("text", ["", "  \n", "two words", "tab\tinside", "a:b", "käse", "x" * 4097,
                                  "one\ntwo", '"quoted" '])  # fmt: skip
def test_what_cannot_be_a_key_is_refused_without_showing_it(text: str) -> None:
    if text.strip() == '"quoted"':
        assert read_key(text, where="").reveal() == '"quoted"'  # Pleo does not say what a key has
        return
    with pytest.raises(UserMustFix) as caught:
        read_key(text, where="what was given to login")
    assert caught.value.problems[0].code == "AUTH-2"
    assert not text.strip() or text.strip() not in str(caught.value)


# ── S-08: the file ──


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o602, 0o620, 0o601, 0o644, 0o666, 0o777])
def test_a_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    place = FilePlace(BASE_URL, ID)
    place.write(KeptKey(Secret("k")))
    assert place.path.stat().st_mode & 0o777 == 0o600
    assert place.path.parent.stat().st_mode & 0o777 == 0o700
    place.path.chmod(mode)
    problem = problem_of(tmp_path)
    assert (problem.code, problem.where) == ("AUTH-3", place.path.name)
    assert "other users" in problem.what
    assert "log in again" in problem.fix


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FilePlace(BASE_URL, ID).write(KeptKey(Secret("k")))
    ours = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
    assert "belongs to another user" in problem_of(tmp_path).what


def test_a_link_is_refused_wherever_it_leads(tmp_path: Path) -> None:
    place = FilePlace(BASE_URL, ID)
    place.write(KeptKey(Secret("k")))
    real = place.path.rename(tmp_path / "elsewhere.json")
    place.path.symlink_to(real)
    assert "is a link" in problem_of(tmp_path).what
    with pytest.raises(UserMustFix, match="is a link"):
        place.write(KeptKey(Secret("new")))
    assert b"new" not in real.read_bytes()
    place.path.unlink()
    place.path.symlink_to(tmp_path / "not there")
    assert "is a link" in problem_of(tmp_path).what


def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    place = FilePlace(BASE_URL, ID)
    place.write(KeptKey(Secret("k")))
    place.path.parent.chmod(0o777)
    problem = problem_of(tmp_path)
    assert problem.what == "the folder of the credentials can be written by other users"
    assert "chmod 700" in problem.fix
    with pytest.raises(UserMustFix, match="can be written by other users"):
        place.write(KeptKey(Secret("new")))
    assert b"new" not in place.path.read_bytes()


def test_a_folder_or_pipe_in_its_place_is_refused(tmp_path: Path) -> None:
    place = FilePlace(BASE_URL, ID)
    place.path.mkdir(parents=True)
    assert "is not a file" in problem_of(tmp_path).what
    place.path.rmdir()
    os.mkfifo(place.path, 0o600)
    assert "is not a file" in problem_of(tmp_path).what


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"null", b"x" * 70000,
    b'{"schema": 1, "host": "127.0.0.1:8585", "company": "another", "kind": "api_key", "key": "k"}',
    b'{"schema": 2}', b'{"schema": 1, "host": "127.0.0.1:8585", "company": "%s", "kind": "x"}'
    % ID.encode(),
    b'{"schema": 1, "host": "127.0.0.1:8585", "company": "%s", "kind": "api_key", "key": ""}'
    % ID.encode()])  # fmt: skip
def test_a_damaged_file_and_one_of_another_company_are_refused(
    tmp_path: Path, content: bytes
) -> None:
    place = FilePlace(BASE_URL, ID)
    place.write(KeptKey(Secret("k")))
    place.path.write_bytes(content)
    assert "damaged, or is not a credential of this company" in problem_of(tmp_path).what
    assert forget(base_url=BASE_URL, company_id=ID) == [place.name]  # and can be removed


def test_a_key_and_tokens_come_back_as_they_were_kept() -> None:
    for place in (FilePlace(BASE_URL, ID), KeyringPlace(BASE_URL, ID)):
        for kept in (KeptKey(Secret("k")), TOKENS):
            place.write(kept)
            assert place.read() == kept
        assert place.remove()
        assert not place.remove()
        assert place.read() is None


# ── the keyring ──


def test_a_login_is_kept_in_one_place_only() -> None:
    first = keep(KeptKey(Secret("k")), base_url=BASE_URL, company_id=ID, in_file=True)
    assert isinstance(first, FilePlace)
    assert keep(TOKENS, base_url=BASE_URL, company_id=ID).name == "the keyring"
    assert first.read() is None
    assert forget(base_url=BASE_URL, company_id=ID) == ["the keyring"]
    assert forget(base_url=BASE_URL, company_id=ID) == []


def test_without_a_keyring_it_is_kept_in_the_file(tmp_path: Path) -> None:
    readable = keyrings.PlainText()  # is no keyring to us
    with keyrings.in_place(readable):
        place = keep(KeptKey(Secret("k")), base_url=BASE_URL, company_id=ID)
        assert isinstance(place, FilePlace)
        assert readable.entries == {}
        assert key_in(find(tmp_path)) == "k"


@pytest.mark.parametrize(
    ("backend", "what"),
    [(keyrings.Full(), "does not take"), (keyrings.Forgetful(), "did not keep"),
     (keyrings.Locked(), "cannot be opened")],
)  # fmt: skip
def test_a_keyring_that_refuses_is_named(backend: keyrings.Memory, what: str) -> None:
    with keyrings.in_place(backend), pytest.raises(UserMustFix) as caught:
        keep(KeptKey(Secret("canary")), base_url=BASE_URL, company_id=ID)
    (problem,) = caught.value.problems
    assert problem.code == "AUTH-4"
    assert what in problem.what
    assert problem.fix == (
        "unlock the keyring, or set PLEO_API_KEY for this command (PLEO_CLIENT_SECRET with OAuth)"
    )
    assert "canary" not in str(caught.value)


def test_a_locked_keyring_does_not_hide_the_file(tmp_path: Path) -> None:
    with keyrings.in_place(keyrings.Locked()):
        assert problem_of(tmp_path).code == "AUTH-4"
        FilePlace(BASE_URL, ID).write(KeptKey(Secret("k")))
        assert key_in(find(tmp_path)) == "k"


# ── OAuth: what the workspace says ──

OAUTH = f'base_url: "{BASE_URL}", client_id: c-1'


def test_tokens_need_the_client_that_got_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(TOKENS, base_url=BASE_URL, company_id=ID)
    with pytest.raises(UserMustFix, match="names no OAuth client"):
        find(tmp_path)
    with pytest.raises(UserMustFix, match="no client secret") as caught:
        find(tmp_path, OAUTH)
    assert caught.value.problems[0].code == "AUTH-5"
    monkeypatch.setenv("PLEO_CLIENT_SECRET", "s")
    found = find(tmp_path, OAUTH)
    assert isinstance(found, OAuthTokens)
    assert found.authorize() == "Bearer access-1"
    monkeypatch.setenv("PLEO_CLIENT_SECRET", "two\nlines")
    with pytest.raises(UserMustFix, match="client secret is empty, or holds"):
        find(tmp_path, OAUTH)


def test_a_public_client_has_no_secret(tmp_path: Path) -> None:
    keep(TOKENS, base_url=BASE_URL, company_id=ID)
    assert isinstance(find(tmp_path, f"{OAUTH}, client_auth: none"), OAuthTokens)


def test_the_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert "pleo-etl" in credential_folder().parts
    assert PleoSettings().client_auth == "basic"
