"""Run the smallest cause of a code in an empty folder and tell what a person sees.

Where a line of `command` begins with @, the case has a Pleo (see live.py): the lines move it, the
workspace of base-live/ lies over base/, the key stands in the environment, the clock is Pleo's,
and nothing waits. A case of a code of the network is then two lines:

@fault error=503@list-jobs:1-
run

What no bookkeeper can compare (ids made anew, process numbers, names of machines) is replaced in
what a person sees, see MASKED.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner
from lxml import html

from tests.errors.live import MARK, LiveCase

ROOT = Path(__file__).parent
BASE = ROOT / "base"
BASE_LIVE = ROOT / "base-live"
COMMAND, EDITS, THEN, UNIT, EXPECTED = "command", "edits.yaml", "then.yaml", "unit", "expected.txt"
#: Where the summary of a conversion begins, which is no message and has tests of its own.
SUMMARY = re.compile(r"^\[(?=[a-z]+\] )", re.MULTILINE)

#: What differs from run to run, and what stands for it.
MASKED = (
    (re.compile(rf"(?<=process ){os.getpid()}\b"), "PROCESS"),
    (re.compile(rf"\b{re.escape(socket.gethostname())}\b"), "MACHINE"),
    (re.compile(r"(?<!-[0-9a-f]{4}-)\b[0-9a-f]{12}\b"), "BATCH"),
)


def all_codes() -> list[str]:
    """Give the codes that have a folder with a command."""
    return sorted(path.parent.name for path in ROOT.glob(f"*/{COMMAND}"))


def codes_by_unit_test() -> dict[str, str]:
    """Give the codes that no command can cause, with the unit test that proves their text."""
    found = sorted(ROOT.glob(f"*/{UNIT}"))
    return {path.parent.name: path.read_text(encoding="utf-8").strip() for path in found}


def what_a_person_sees(code: str, folder: Path) -> str:
    """Lay out the case in an empty folder, run it there, and give exit code, talk and findings."""
    case = ROOT / code
    *before, last = (case / COMMAND).read_text(encoding="utf-8").splitlines()
    has_pleo = any(line.startswith(MARK) for line in before)
    shutil.copytree(BASE, folder, dirs_exist_ok=True)
    if has_pleo:
        shutil.copytree(BASE_LIVE, folder, dirs_exist_ok=True)
    ours = shutil.ignore_patterns(COMMAND, EDITS, THEN, EXPECTED)
    shutil.copytree(case, folder, dirs_exist_ok=True, ignore=ours)
    _edit(folder, case / EDITS)
    live = LiveCase(folder) if has_pleo else None
    for line in before:
        if live and line.startswith(MARK):
            live.move(line)
        else:
            _run(line, folder, live)
    _edit(folder, case / THEN)
    exit_code, said, given = _run(last, folder, live)
    for pattern, mask in MASKED if live else ():
        said, given = pattern.sub(mask, said), pattern.sub(mask, given)
    parts = [f"exit {exit_code}", SUMMARY.split(said)[0].strip()]
    if given:
        parts += ["--- stdout", given.strip()]
    return "".join(f"{part}\n" for part in [*parts, *_findings(folder)] if part)


def _edit(folder: Path, edits: Path) -> None:
    """Change files: `old` becomes `new` everywhere; without `old`, `new` is the whole file."""
    if not edits.exists():
        return
    for edit in yaml.safe_load(edits.read_text(encoding="utf-8")):
        path = _place(folder, edit["file"])
        new = edit["new"] * edit.get("times", 1)
        if "old" in edit:
            text = _place(folder, edit.get("from", edit["file"])).read_text(encoding="utf-8")
            assert edit["old"] in text, edit
            new = text.replace(edit["old"], new)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(new, encoding="utf-8", newline="")


def _place(folder: Path, name: str) -> Path:
    """Give the file of an edit; a star stands for what is made anew in every run."""
    if "*" not in name:
        return folder / name
    (found,) = folder.glob(name)
    return found


def _run(line: str, folder: Path, live: LiveCase | None = None) -> tuple[int, str, str]:
    """Run `pleo-etl`; with NAME=VALUE in front in a process of its own, as they are read once."""
    from etl.cli import main

    given: dict[str, Any] = {}
    words = shlex.split(line)
    if live:
        environment = dict(live.environment)
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            environment[name] = value
        given = {"env": environment, "obj": live.surroundings}
    elif "=" in words[0]:
        name, value = words[0].split("=")
        environment = os.environ | {name: value, "PYTHONPATH": str(ROOT.parents[1])}
        program = [sys.executable, "-m", "etl.cli", *words[1:]]
        ran = subprocess.run(program, cwd=folder, env=environment, capture_output=True, check=False)
        return ran.returncode, ran.stderr.decode(), ran.stdout.decode()
    back = Path.cwd()
    os.chdir(folder)
    try:
        result = CliRunner().invoke(main, words, **given)
    finally:
        os.chdir(back)
    return result.exit_code, result.stderr, result.stdout


def _findings(folder: Path) -> list[str]:
    """Give rejections.csv, and the remarks of the review with what they say of each item."""
    found = []
    for path in sorted(folder.rglob("rejections.csv")):
        found += [f"--- {path.name}", path.read_text(encoding="utf-8-sig").strip()]
    for path in sorted(folder.rglob("review.html")):
        for remark in html.parse(path).getroot().xpath("//section[@id='notes']/details"):
            code, heading = (_words(remark.xpath(at)[0]) for at in (".//*[@class='code']", ".//h3"))
            found.append(f"--- note {code}: {heading}")
            found += dict.fromkeys(_words(cell) for cell in remark.xpath(".//tbody//td[last()]"))
    return found


def _words(element: html.HtmlElement) -> str:
    return " ".join("".join(element.itertext()).split())
