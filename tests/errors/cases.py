"""Run the smallest cause of a code in an empty folder and tell what a person sees."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path

from click.testing import CliRunner

ROOT = Path(__file__).parent
BASE = ROOT / "base"
EXPECTED = "expected.txt"


def all_codes() -> list[str]:
    """Give the codes that have a folder."""
    return sorted(path.parent.name for path in ROOT.glob("*/command"))


def what_a_person_sees(code: str, folder: Path) -> str:
    """Lay out the case in an empty folder, run it there, and give exit code, talk and findings."""
    from etl.cli import main

    shutil.copytree(BASE, folder, dirs_exist_ok=True)
    shutil.copytree(ROOT / code, folder, dirs_exist_ok=True)
    (folder / EXPECTED).unlink(missing_ok=True)
    back = Path.cwd()
    os.chdir(folder)
    try:
        for line in (folder / "command").read_text(encoding="utf-8").splitlines():
            result = CliRunner().invoke(main, shlex.split(line))
    finally:
        os.chdir(back)
    said = result.stderr + (f"--- stdout\n{result.stdout}" if result.stdout else "")
    return f"exit {result.exit_code}\n{said}{_findings(folder)}"


def _findings(folder: Path) -> str:
    text = ""
    for path in sorted(folder.rglob("rejections.csv")):
        text += f"--- {path.name}\n{path.read_text(encoding='utf-8-sig')}"
    for path in sorted(folder.rglob("manifest.json")):
        notes = json.loads(path.read_text(encoding="utf-8")).get("notes", [])
        for note in notes:
            text += f"--- note {note['code']}: {note['count']}\n"
    return text
