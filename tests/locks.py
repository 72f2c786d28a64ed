"""Make the pins anew: python -m tests.locks --write

`requirements.lock` (hashes, no index addresses) serves installers other than uv; `[tool.uv]
constraint-dependencies` in pyproject.toml pins what `uv run` takes, development tools included.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
BLOCK = re.compile(r"constraint-dependencies = \[\n(.*?)\]\n", re.DOTALL)
HEADER = (
    "# Made by `python -m tests.locks --write`.\n"
    "# Install with: pip install --require-hashes -r requirements.lock\n"
)


def pinned(text: str) -> dict[str, str]:
    """Give name -> version of the pins in a requirements text (a name may carry several)."""
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\\n]+)", text, re.MULTILINE))


def constraints() -> dict[str, str]:
    """Give the pins of pyproject.toml."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    return pinned("\n".join(project["tool"]["uv"]["constraint-dependencies"]))


def _compile(*options: str) -> str:
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--no-header", "--no-annotate"]
    command += ["--no-emit-index-url", "--no-emit-find-links", *options, str(PROJECT)]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


def _plain_pins(lines: list[str]) -> list[str]:
    """Drop where a pin applies, unless a package has several: a constraint never installs one.

    With markers uv resolves for every combination of them, and warns about it at each call.
    """
    names = [line.partition("==")[0] for line in lines]
    return [
        line.partition(" ; ")[0] if names.count(name) == 1 else line
        for name, line in zip(names, lines, strict=True)
    ]


def main(arguments: list[str]) -> int:
    """Write both places from one resolution."""
    if arguments != ["--write"]:
        print(__doc__)
        return 2
    text = PROJECT.read_text(encoding="utf-8")
    PROJECT.write_text(BLOCK.sub("constraint-dependencies = [\n]\n", text), encoding="utf-8")
    everything = _plain_pins(_compile("--group", "dev").strip().splitlines())
    rows = "".join(f'  "{line}",\n' for line in (row.replace('"', "'") for row in everything))
    block = f"constraint-dependencies = [\n{rows}]\n"
    PROJECT.write_text(BLOCK.sub(lambda _: block, text), encoding="utf-8")
    LOCK.write_text(HEADER + _compile("--generate-hashes"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
