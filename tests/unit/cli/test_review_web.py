"""`pleo-etl review --web`: what is said, what leads the browser to the page, and how it ends."""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from etl import files
from etl.review.web import LocalPage, served
from tests.unit.cli.live import Live, make_staged


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.chdir(tmp_path)
    return make_staged(tmp_path)


class Person:
    """Stands for the person, and for the browser that is opened for them."""

    def __init__(self, patch: pytest.MonkeyPatch, *, has_browser: bool = True) -> None:
        self.opened: list[str] = []
        self.lead = ""
        self.mode = 0
        self.answers: list[int] = []
        real = LocalPage.serve

        def open_it(address: str) -> bool:
            self.opened.append(address)
            path = Path(unquote(urlsplit(address).path))
            self.lead, self.mode = path.read_text(), stat.S_IMODE(path.stat().st_mode)
            return has_browser

        def serve(page: LocalPage, **_waits: object) -> None:
            patch.setattr(LocalPage, "serve", real)
            with served(page):
                self.answers.append(httpx.get(page.address, trust_env=False).status_code)
            raise KeyboardInterrupt

        patch.setattr("webbrowser.open", open_it)
        patch.setattr(LocalPage, "serve", serve)


def test_the_browser_is_led_to_the_page_that_is_printed(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(monkeypatch)
    result = live.run("review", "--web")
    address = result.stdout.strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+/[\w-]{16}/#[\w-]{43}", address)
    assert person.answers == [200]
    assert f'content="0;url={address}"' in person.lead
    assert address not in "".join(person.opened)  # other users see what a browser is called with
    assert person.mode == 0o600 or os.name == "nt"
    assert result.exit_code == 0
    assert "Ctrl-C ends it" in result.stderr
    assert "the review has ended; what was said is kept" in result.stderr
    assert list(live.root.glob("*.html")) == []


def test_without_a_browser_the_address_is_said(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    Person(monkeypatch, has_browser=False)
    result = live.run("review", "--web")
    assert "no browser could be opened here: open the address above" in result.stderr
    assert result.exit_code == 0


def test_a_browser_that_comes_back_when_it_ends_is_not_waited_for(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one in a terminal does."""
    person, ended = Person(monkeypatch), threading.Event()
    monkeypatch.setattr("webbrowser.open", lambda _address: ended.wait(60))
    monkeypatch.setattr("etl.cli.leading.SECONDS", 0.05)
    result = live.run("review", "--web")
    ended.set()
    assert person.answers == [200]
    assert result.exit_code == 0


def test_where_no_file_can_lead_the_browser_the_address_is_said(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(monkeypatch)

    def full(path: Path, _content: bytes) -> None:
        raise files.cannot_write(path, OSError(errno.ENOSPC, "No space left on device"))

    monkeypatch.setattr("etl.files.write_private", full)
    result = live.run("review", "--web")
    assert (person.opened, person.answers) == ([], [200])
    assert "no browser could be opened here: open the address above" in result.stderr


def test_no_browser_is_opened_where_none_is_wanted(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(monkeypatch)
    result = live.run("review", "--web", "--no-browser")
    assert person.opened == []
    assert result.stdout.startswith("http://127.0.0.1:")


def test_the_page_stands_alone(live: Live) -> None:
    for words in (["--approve"], ["--all"], ["1"], ["--items"]):
        result = live.run("review", "--web", *words)
        assert result.exit_code == 2
        assert "--web shows the page of one company" in result.stderr


def test_a_release_that_goes_on_is_waited_for(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends the page, and not what was begun."""
    ended = threading.Event()

    def run(page: LocalPage) -> None:
        page.acts._thread = threading.Thread(target=lambda: ended.wait(10))
        page.acts._thread.start()
        threading.Timer(0.2, ended.set).start()
        raise KeyboardInterrupt

    monkeypatch.setattr("etl.review.web.serving._Server.run", lambda server, **_: run(pages[-1]))
    pages: list[LocalPage] = []
    real = LocalPage.__init__

    def kept(page: LocalPage, *args: object, **more: object) -> None:
        real(page, *args, **more)  # type: ignore[arg-type]
        pages.append(page)

    monkeypatch.setattr(LocalPage, "__init__", kept)
    result = live.run("review", "--web", "--no-browser")
    assert ended.is_set()
    assert "a release is going on: it is finished first" in result.stderr
    assert result.exit_code == 0
