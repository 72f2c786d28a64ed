"""A review at a real terminal: a process behind a pseudo terminal, key by key."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.clock import now
from etl.pleo.sandbox import Pleo, RunningSandbox, SandboxClock
from etl.review.summary import columns_of
from tests.fakes.users import SEARCHED
from tests.unit.cli.live import Live, make_live

pty = pytest.importorskip("pty", reason="there are no pseudo terminals on Windows")

#: Seconds in which something must appear on the screen, on a slow machine.
PATIENCE = 60
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PROMPT = " of 1 approved. Your key: "


class Terminal:
    """A terminal of 80 by 24, and a process that thinks that it is at it."""

    def __init__(self, live: Live, *words: str) -> None:
        import fcntl
        import struct
        import termios

        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {**os.environ, **live.environment, "TERM": "xterm-256color", "COLUMNS": ""}
        environment["PYTHONPATH"] = SEARCHED
        environment = {name: text for name, text in environment.items() if name != "COLUMNS"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "etl.cli", *words],
            stdin=theirs, stdout=theirs, stderr=theirs, cwd=live.root, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.screen = ""

    def until(self, text: str) -> str:
        """Wait until something appears on the screen; gives what came until then."""
        while text not in COLOUR.sub("", self.screen):
            ready, _, _ = select.select([self._ours], [], [], PATIENCE)
            if not ready:
                self.process.kill()
                self.process.wait(PATIENCE)
            assert ready, f"{text!r} did not appear:\n{self.screen}"
            try:
                more = os.read(self._ours, 65536)
            except OSError:  # the other end is closed
                more = b""
            assert more, f"{text!r} did not appear:\n{self.screen}"
            self.screen += more.decode("utf-8", "replace")
        seen, self.screen = self.screen, ""
        return seen

    def echoes(self) -> bool:
        """Say whether the terminal shows what is typed, as it does for a shell."""
        import termios

        return bool(termios.tcgetattr(self._ours)[3] & termios.ECHO)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> int:
        """Wait until the process has ended, and give its exit code."""
        while True:
            try:
                more = os.read(self._ours, 65536)
            except OSError:
                more = b""
            if not more:
                break
            self.screen += more.decode("utf-8", "replace")
        code = self.process.wait(PATIENCE)
        os.close(self._ours)
        return code


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """Give a workspace whose Pleo answers over the network of this machine."""
    live = make_live(tmp_path)
    live.pleo = Pleo(clock=SandboxClock(now(), is_running=True))
    live.companies.clear()
    with RunningSandbox(live.pleo) as running:
        from tests.unit.cli.live import three_items

        live.add("acme", three_items())
        path = tmp_path / "pleo-etl.yaml"
        lines = [f'pleo: {{base_url: "{running.base_url}"}}']
        path.write_text("\n".join([*lines, *path.read_text().splitlines()[1:]]) + "\n")
        live.job()
        run = Terminal(live, "run")
        assert run.end() == 1, run.screen
        yield live


def test_a_walk_through_a_review(live: Live) -> None:
    at = Terminal(live, "review", "--by", "Ann")
    first = at.until(PROMPT)
    assert "\x1b[" in first  # there is colour, and the words say the same without it
    plain = COLOUR.sub("", first)
    assert "[look] 2 of 3 items are in the file" in plain
    assert re.search(r"(59|60) minutes left, 0 of 1 approved. Your key: $", plain)
    assert len(plain[plain.index("acme: batch 1") :].splitlines()) <= 24  # all of it is in sight
    assert [line for line in plain.splitlines() if columns_of(line.rstrip()) > 80] == []
    assert "\x1b[2J" not in first  # no pager, no full screen: what was said stays above
    at.type("v")
    assert "(1 of 2)" in at.until(PROMPT)
    at.type("\x1b[A")  # an arrow
    at.type("r")
    at.until("reject which item? [")
    at.type("\n")
    at.until("why? Pleo shows it:")
    at.type("private\n")
    assert "1 of 3 items is in the file" in at.until(PROMPT)
    at.type("u")
    at.until("undo it for which item? [")
    at.type("\n")
    at.until(PROMPT)
    at.type("l")
    at.until("approve as Ann, and release? [y/N]")
    at.type("y")
    assert at.end() == 1
    assert "next: import the files in outbox/acme/0001-" in COLOUR.sub("", at.screen)
    assert list((live.root / "outbox" / "acme").glob("0001-*/plain_1_1.csv"))


def test_after_leaving_the_terminal_is_as_it_was(live: Live) -> None:
    at = Terminal(live, "review")
    at.until(PROMPT)
    at.type("q")
    assert at.process.wait(PATIENCE) == 0
    assert at.echoes()


def test_ctrl_c_ends_it_and_nothing_is_changed(live: Live) -> None:
    at = Terminal(live, "review")
    at.until(PROMPT)
    at.process.send_signal(2)
    assert at.end() == 130
    assert "interrupted" in at.screen
    assert live.root.joinpath("outbox", "acme").is_dir()
    assert not list((live.root / "outbox").rglob("*.csv"))
