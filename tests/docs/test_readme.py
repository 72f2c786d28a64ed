"""Every command and option that README.md names exists, and every one that exists is named."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from etl.cli import main
from etl.codes import CODES
from etl.shipped import shipped_templates
from tests.docs.commands import (
    PROGRAM,
    below,
    command_at,
    commands_of,
    options_of,
    renewed,
    spellings,
)
from tests.docs.guide import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(?:console|sh|bash)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_OPTION = re.compile(r"(?<![\w-])(--?[a-z][a-z-]*)")
_FILE = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def calls() -> Iterator[str]:
    """Give every call of the program in a block or between backticks, without its prefix."""
    texts = [line for block in _BLOCK.findall(README) for line in _joined(block).splitlines()]
    texts += _INLINE.findall(_BLOCK.sub("", README))
    for text in texts:
        words = text.partition("#")[0].strip()
        _before, found, call = words.partition(f"{PROGRAM} ")
        if found and not _before.strip(" $|").endswith(("-", "/")):
            yield call


def _joined(block: str) -> str:
    return block.replace("\\\n", " ")


COMMANDS = sorted(commands_of(main))


def test_the_program_is_called_in_the_readme() -> None:
    assert len(list(calls())) > 3


@pytest.mark.parametrize("call", sorted(set(calls())))
def test_what_the_readme_calls_exists(call: str) -> None:
    """A mention may leave out what a command needs, but nothing of it may be wrong."""
    found: click.Command = main
    words = shlex.split(call.split("|")[0])
    while words and isinstance(found, click.Group):
        assert words[0] in below(found), f"{PROGRAM} has no command {words[0]}"
        found = below(found)[words.pop(0)]
    if words:
        with contextlib.suppress(click.MissingParameter):
            found.make_context(None, words)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_is_in_the_readme(path: tuple[str, ...]) -> None:
    words = " ".join(path)
    assert re.search(rf"(?:{PROGRAM} |`){re.escape(words)}\b", README), words


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_is_in_the_readme(path: tuple[str, ...]) -> None:
    """One spelling of each is enough."""
    named = set(_OPTION.findall(README))
    missing = [
        option.opts for option in options_of(command_at(path)) if not spellings(option) & named
    ]
    assert not missing


def test_the_table_of_commands_is_what_the_program_can() -> None:
    assert renewed(README) == README, "python -m tests.docs --write makes it anew"


def test_every_template_is_in_the_readme_and_back() -> None:
    rows = re.findall(r"^\| ((?:`[a-z0-9-]+`(?:, )?)+) \|", README, re.MULTILINE)
    named = {name for row in rows for name in _INLINE.findall(row)}
    assert set(shipped_templates()) <= named


def test_every_code_in_the_readme_exists() -> None:
    named = set(re.findall(r"\b[A-Z]{2,6}-[0-9]{1,3}\b", README)) - {"UTF-8"}
    assert {
        name for name in named if name.split("-")[0] in {c.split("-")[0] for c in CODES}
    } <= set(CODES)


def test_every_file_that_the_readme_links_exists() -> None:
    named = _FILE.findall(README)
    assert named
    assert [name for name in named if not (ROOT / Path(name)).exists()] == []
