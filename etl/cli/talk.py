"""What is shown to a person on stderr, and what is given to a program on stdout."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click

from etl import __version__
from etl.errors import EXIT_GOOD, EXIT_USER, Problem
from etl.sentences import counted

if TYPE_CHECKING:
    from etl.review.model import Cause

#: Problems on screen; the rest is in --json and, for rejections, in rejections.csv.
MAX_SHOWN = 20
#: Columns of talk on a terminal: less cannot be read, nor can longer lines.
MIN_WIDTH, MAX_WIDTH = 40, 100

#: Control, direction and surrogate characters: names and notes of strangers never steer a terminal.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_CALL = re.compile(r"`[^`]+`")
#: Stands for a blank at which no line may end; printable text holds none.
_JOINED = "\x00"

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def printable(text: str) -> str:
    """Replace what could steer a terminal by a blank box."""
    return _STEERING.sub("\ufffd", text)


def say(text: str) -> None:
    """Say a line to the person, on stderr."""
    click.echo(text, err=True)


def give(text: str) -> None:
    """Give a line of data, on stdout."""
    click.echo(printable(text).encode())


def give_prose(*lines: str) -> None:
    """Give lines to read, on stdout; longer ones are broken where that is a terminal."""
    for line in _broken(*lines, width=terminal_width(sys.stdout)):
        give(line)


def give_json(document: Mapping[str, Any]) -> None:
    """Give the one JSON document of a command, on stdout."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1)
    click.echo(text.encode("utf-8", "backslashreplace"))


def as_dict(problem: Problem) -> dict[str, str]:
    """Give a problem's four parts for JSON."""
    return {
        "code": problem.code, "what": problem.what, "where": problem.where, "fix": problem.fix,
    }  # fmt: skip


def show_problems(
    problems: Sequence[Problem],
    *,
    word: str = "error",
    rest: str = "all are in --json",
    count: int | None = None,
) -> None:
    """Show the first problems with their four parts, and say how many more there are."""
    more = (len(problems) if count is None else count) - MAX_SHOWN
    for problem in problems[:MAX_SHOWN]:
        first, *others = str(problem).removeprefix("error").splitlines()
        _say_parts(word, first, *others)
    if more > 0:
        say(f"and {more} more ({rest})")


def show_bug(error: Exception) -> Problem:
    """Show an unexpected failure in full, so that it looks different from a mistake in a file."""
    import traceback

    say(printable("".join(traceback.format_exception(error)).rstrip()))
    say("")
    say(
        f"pleo-etl {__version__} failed in a way that it does not know. This is a bug in pleo-etl,"
        " not in your files; please report it with the lines above, and remove names and amounts"
    )
    what = f"{type(error).__name__}: {error}"
    return Problem("CLI-2", what, "pleo-etl", "report it with the traceback on stderr")


def _say_parts(word: str, first: str, *others: str) -> None:
    """Say the parts of a problem, each on its line; longer ones are broken on a terminal."""
    broken = _broken(word + first, *others, width=terminal_width())
    for place, line in enumerate(broken):
        text = printable(line)
        if not place and not os.environ.get("NO_COLOR"):
            text = click.style(word, fg="red", bold=True) + text.removeprefix(word)
        say(text)


def _broken(*lines: str, width: int | None) -> Iterator[str]:
    for line in lines:
        yield from [line] if width is None else broken(line, width) or [line]


def broken(line: str, width: int) -> list[str]:
    """Break a line where it is too wide; calls and paths stay whole, to be copied."""
    lines = textwrap.wrap(
        _CALL.sub(lambda found: found[0].replace(" ", _JOINED), line),
        width,
        subsequent_indent=" " * (len(line) - len(line.lstrip()) + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_JOINED, " ") for line in lines]


def terminal_width(stream: TextIO | None = None) -> int | None:
    """Give the width that talk may take on a terminal; elsewhere lines stay whole."""
    if not (stream or sys.stderr).isatty():
        return None
    return max(MIN_WIDTH, min(shutil.get_terminal_size().columns, MAX_WIDTH))


def show_causes(causes: Sequence[Cause], *, rest: str) -> None:
    """Show why items were rejected, one entry per cause; what stops most items comes first."""
    for cause in causes[:MAX_SHOWN]:
        same = f", {cause.items} items" if cause.items > 1 else ""
        example = " for example," if len(cause.messages) > 1 else ""
        first = cause.concerned[0]
        item = f"item {first.item_id}" if first.item_id else ""
        line = f"line {first.line}" if first.line is not None else ""
        place = ", ".join(part for part in (item, line, first.where) if part)
        more = f", and {cause.problems - 1} more" if cause.problems > 1 else ""
        _say_parts(
            "rejected",
            f"[{cause.code}]{same}:{example} {cause.messages[0]}",
            f"  at {place}{more}",
            f"  fix: {cause.fix}",
        )
    if len(causes) > MAX_SHOWN:
        say(f"and {counted(len(causes) - MAX_SHOWN, 'more cause')} ({rest})")


def show_findings(
    findings: Sequence[Problem], *, as_json: bool, hints: Sequence[Problem] = ()
) -> int:
    """Give the findings of a lint as data, one line each with its place first.

    Gives: the exit code; hints are shown like findings and do not count.
    """
    code = EXIT_USER if findings else EXIT_GOOD
    shown = [*findings, *hints]
    if as_json:
        give_json({"exit_code": code, "errors": [as_dict(finding) for finding in shown]})
        return code
    for finding in shown:
        give(f"{finding.where}: {finding.code} {finding.what} (fix: {finding.fix})")
    say(counted(len(shown), "finding") if shown else "no findings")
    return code


@contextmanager
def progress(title: str) -> Iterator[Callable[[str], None]]:
    """Show which stage runs, on a terminal only; elsewhere it is said under -v."""
    if not sys.stderr.isatty():
        from etl.log import LOGGER

        yield lambda stage: LOGGER.info("%s: %s", title, stage)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    parts = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda stage: bar.update(task, description=f"{title}: {stage}")


class Telling:
    """Say what a longer command is doing; silent while a person is asked."""

    def __init__(self) -> None:
        self._stage: Callable[[str], None] | None = None
        self._title = ""
        self._shown = ExitStack()

    def __call__(self, stage: str) -> None:
        if self._stage is not None:
            self._stage(stage)

    @contextmanager
    def during(self, title: str) -> Iterator[None]:
        """Show it for the time of a `with` block."""
        self._title = title
        self._show()
        try:
            yield
        finally:
            self._hide()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to a person for the time of a `with` block."""
        was_shown = self._stage is not None
        self._hide()
        try:
            yield
        finally:
            if was_shown:
                self._show()

    def _show(self) -> None:
        self._stage = self._shown.enter_context(progress(self._title))

    def _hide(self) -> None:
        self._stage = None
        self._shown.close()
