"""Told to end in the middle of writing: its own exit code, no traceback, and no half folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from itertools import cycle, product
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.items import item
from tests.fakes.users import SEARCHED
from tests.fault.live.amounts import IS_FULL
from tests.unit.cli.workspaces import Workspace, make_workspace

#: Runs a command that gets a signal in the middle of an effect.
PROGRAM = """\
import os, signal, sys
number, effect, place, *words = sys.argv[1:]
real, count = getattr(os, effect), [0]
def effective(*args, **named):
    given = real(*args, **named)
    count[0] += 1
    if count[0] == int(place):
        os.kill(os.getpid(), int(number))
    return given
setattr(os, effect, effective)
from etl.cli import main
main(words)
"""
ENVIRONMENT = os.environ | {"PYTHONPATH": SEARCHED}
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}
PLACES = [("fsync", 2, False), ("fsync", 2, True), ("replace", 1, True), ("replace", 1, False),
          ("replace", 3, False), ("replace", 3, True)]  # fmt: skip


def signalled(places: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Give every place with one signal, the signals in turn; in full with each of them."""
    numbers = sorted(CODES)
    pairs = product(numbers, places) if IS_FULL else zip(cycle(numbers), places, strict=False)
    return [(number, *place) for number, place in pairs]


def _convert(workspace: Workspace, *more: str, items: str) -> list[str]:
    root = workspace.root
    named = ["-t", str(root / "plain"), "-m", str(root / "acme.yaml"), "-o", str(root / "out")]
    return ["convert", items, *named, *more]


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*")}


@pytest.mark.parametrize(("number", "effect", "place", "is_there"), signalled(PLACES))
def test_what_was_begun_is_undone(
    tmp_path: Path, *, number: signal.Signals, effect: str, place: int, is_there: bool
) -> None:
    workspace = make_workspace(tmp_path)
    if is_there:
        assert workspace.convert(workspace.items(item(n=1))).exit_code == 0
    before = _contents(tmp_path / "out")
    items = workspace.items(item(n=1), item(n=2))
    words = [str(int(number)), effect, str(place), *_convert(workspace, items=items)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == CODES[number], done.stderr
    assert "Traceback" not in done.stderr
    assert _contents(tmp_path / "out") == before
    assert workspace.convert(items).exit_code == 0


def test_a_reader_that_went_away_does_not_harm_the_files(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    words = _convert(workspace, items=workspace.items(item(n=1)))
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "etl.cli", *words],
        env=ENVIRONMENT,
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=120,
    )
    os.close(write)
    assert (done.returncode, b"Traceback" in done.stderr) == (141, False)
    assert workspace.run("verify", str(tmp_path / "out")).exit_code == 0
