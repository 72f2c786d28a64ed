"""No secret leaves the place that keeps it: not in a file, stream, log, error or process.

Canaries stand for the key, the client's secret, the code and every token. Each way in which a
login, a refresh or a check can end is taken, and everything that was written anywhere is searched
for them, also encoded and in part.
"""

from __future__ import annotations

import base64
import io
import logging
import os
import pickle
import pty
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from etl.cli import main as program
from etl.errors import EtlError
from etl.log import LOGGER
from etl.pleo.credentials import ApiKey
from etl.pleo.keeping import KeptKey
from etl.secret import Secret
from tests.fakes import keyrings
from tests.fakes.oauth import Door, door
from tests.unit.cli.test_login import ROOT, Desk, paste

QUARTER = 15 * 60


def forms(secret: str) -> set[str]:
    """Give a secret as it may have slipped out: whole, encoded, its begin and its end."""
    raw = {secret, quote(secret, safe=""), secret[:12], secret[-12:]}
    encoded = {base64.b64encode(text.encode()).decode().rstrip("=") for text in
               (secret, f"{secret}:", f":{secret}")}  # fmt: skip
    return raw | encoded


def assert_clean(text: str, secrets: set[str]) -> None:
    for secret in secrets:
        for form in forms(secret):
            assert form not in text, "a secret slipped out"


def secrets_of(desk: Desk) -> set[str]:
    """Give everything secret that the sandbox and its client know by now."""
    found = {desk.key, desk.client.secret or ""}
    for login in desk.pleo.authorizations.logins:
        found |= {login.access, login.refresh}
    found |= set(desk.pleo.authorizations._used_codes) | set(desk.pleo.authorizations._refresh)
    return {secret for secret in found if secret}


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Listen to every logger there is, at its most talkative."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = (root.level, LOGGER.level)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before[0])
    LOGGER.setLevel(before[1])
    LOGGER.handlers.clear()


def with_key(desk: Desk) -> Any:
    return desk.run("-vv", "login", given=desk.key)


def with_key_json(desk: Desk) -> Any:
    return desk.run("-vv", "login", "--json", given=desk.key)


def with_browser(desk: Desk) -> Any:
    return paste(desk)


def then_renewed(desk: Desk) -> Any:
    paste(desk)
    desk.pleo.advance(QUARTER)
    return desk.run("-vv", "check", "--online", "--json")


def then_refused(desk: Desk) -> Any:
    paste(desk)
    desk.pleo.advance(61 * 86400)
    return desk.run("-vv", "check", "--online")


def out(desk: Desk) -> Any:
    with_key(desk)
    return desk.run("-vv", "logout")


SCENES = [with_key, with_key_json, with_browser, then_renewed, then_refused, out]
FAULTS = [
    None, "error=401:1-", "error=403:1-", "error=500:1-", "lost-answer:1-", "html:1-",
    "truncated:1-", "lost-request@token:1-", "error=400@token:1-", "wrong-type:1-",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("scene", SCENES)
def test_nothing_secret_is_written_anywhere_but_where_it_is_kept(
    scene: Callable[[Desk], Any], fault: str | None, tmp_path: Path, logged: io.StringIO
) -> None:
    desk = Desk(tmp_path)
    if fault:
        desk.pleo.faults.add(fault)
    try:
        told = scene(desk)
        text = told.output + told.stderr + told.stdout
        if told.exception is not None:
            text += "".join(traceback.format_exception(told.exception))
    except KeyError:
        text = ""  # the sandbox sent the browser nowhere
    secrets = secrets_of(desk)
    assert len(secrets) >= 2
    assert_clean(text, secrets)
    assert_clean(logged.getvalue(), secrets)
    kept = set(desk.kept())
    for path in set(tmp_path.rglob("*")) - kept:
        assert_clean(str(path), secrets)
        if path.is_file():
            assert_clean(path.read_bytes().decode("utf-8", "replace"), secrets)


def test_the_search_finds_what_slips_out() -> None:
    """The guard on the guard."""
    secret = "0123456789abcdef" * 4
    header = ApiKey(Secret(secret)).authorize()
    for text in (header, f"at {secret}", secret[:12], f"code={secret}&"):
        with pytest.raises(AssertionError):
            assert_clean(text, {secret})


def everything_in(error: BaseException) -> str:
    """Give what a crash report would show: causes, attributes, and the variables of each frame."""
    found = []
    following: BaseException | None = error
    while following is not None:
        found.append(f"{following!r} {vars(following)!r}")
        for frame, _line in traceback.walk_tb(following.__traceback__):
            if "/tests/" not in frame.f_code.co_filename:
                found.append(repr(frame.f_locals))
        following = following.__cause__ or following.__context__
    return "".join(found)


def test_no_secret_in_any_exception_and_its_causes(tmp_path: Path) -> None:
    for fault in ("error=500@token", "lost-answer@token", "error=400@token", "html@token"):
        with door(tmp_path / fault[:9]) as opened:
            pair = opened.log_in()
            opened.pleo.advance(QUARTER)
            opened.pleo.faults.add(fault)
            with pytest.raises(EtlError) as caught:
                opened.tokens().authorize()
            secrets = {pair.access.reveal(), pair.refresh.reveal()}
            secrets |= {opened.registered.secret or ""}
            shown = "".join(traceback.format_exception(caught.value))
            assert_clean(shown, secrets)
            assert_clean(everything_in(caught.value), secrets)


def objects(opened: Door) -> list[object]:
    pair = opened.log_in()
    consent = opened.consent()
    return [
        pair, KeptKey(Secret("canary-key-0123456789")), consent, opened.client, opened.place,
        opened.tokens(), opened.endpoint(), ApiKey(Secret("canary-key-0123456789")),
    ]  # fmt: skip


def test_nothing_shows_a_secret_when_it_is_printed(tmp_path: Path) -> None:
    with door(tmp_path) as opened:
        found = objects(opened)
        login = opened.pleo.authorizations.logins[-1]
        secrets = {login.access, login.refresh, opened.registered.secret or ""}
        secrets |= {"canary-key-0123456789"}
        for one in [*found, login, opened.registered]:
            assert_clean(f"{one} {one!r} {[one]}", secrets)


def test_a_secret_is_not_pickled_into_a_file_or_another_process() -> None:
    with pytest.raises(TypeError, match="not written anywhere"):
        pickle.dumps(KeptKey(Secret("canary")))


def test_no_option_takes_a_secret() -> None:
    import click

    for name in ("login", "logout", "check", "init"):
        command = program.get_command(click.Context(program), name)
        assert command is not None
        for parameter in command.params:
            words = {*parameter.opts, parameter.name or ""}
            assert not any(
                word in option for option in words for word in ("key", "secret", "token", "pass")
            ), (name, words)


def test_the_keyring_holds_what_no_file_does(tmp_path: Path) -> None:
    desk, backend = Desk(tmp_path), keyrings.Memory()
    with keyrings.in_place(backend):
        assert desk.run("login", given=desk.key).exit_code == 0
    assert desk.kept() == []
    assert desk.key in "".join(backend.entries.values())
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert_clean(path.read_bytes().decode("utf-8", "replace"), {desk.key})


def test_what_was_written_halfway_is_private_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part that stands beside the file before it takes its place."""
    seen: list[int] = []
    replace = os.replace

    def look(part: Any, path: Any) -> None:
        seen.append(Path(part).stat().st_mode & 0o777)
        replace(part, path)

    monkeypatch.setattr(os, "replace", look)
    before = os.umask(0)
    try:
        desk = Desk(tmp_path)
        desk.run("login", given=desk.key)
    finally:
        os.umask(before)
    (kept,) = desk.kept()
    assert seen[-1] == 0o600
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_typed_at_a_terminal_is_not_shown(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "http://127.0.0.1:1")  # where nobody answers
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in desk.environment.items() if value}
    process = subprocess.Popen(
        [sys.executable, "-m", "etl.cli", "login"], cwd=tmp_path / "books", stdin=theirs,
        stdout=theirs, stderr=theirs, start_new_session=True,
        env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(theirs)
    said = b""
    while b"(not shown):" not in said:
        said += os.read(ours, 4096)
    os.write(ours, f"two words {desk.key}\n".encode())
    try:
        while piece := os.read(ours, 4096):
            said += piece
    except OSError:  # Linux says so when the other side is closed
        pass
    os.close(ours)
    assert process.wait(30) == 2
    assert b"AUTH-2" in said
    assert_clean(said.decode(), {desk.key})
