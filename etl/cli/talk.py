"""What is shown to a person on stderr, and what is given to a program on stdout."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from etl.errors import EXIT_GOOD, EXIT_USER, Problem

if TYPE_CHECKING:
    from polars import DataFrame

#: Problems on screen; the rest is in --json and, for rejections, in rejections.csv.
MAX_SHOWN = 20

#: Control, direction and surrogate characters: names and notes of strangers never steer a terminal.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def printable(text: str) -> str:
    """Replace what could steer a terminal by a blank box."""
    return _STEERING.sub("\ufffd", text)


def say(text: str) -> None:
    """Say a line to the person, on stderr."""
    click.echo(text, err=True)


def counted(number: int, word: str) -> str:
    """Say how many there are of something, such as 1 item or 2 items."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def give(text: str) -> None:
    """Give a line of data, on stdout."""
    click.echo(printable(text).encode())


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
        text = str(problem).removeprefix("error")
        label = click.style(word, fg="red", bold=True)
        say(label + printable(text))
    if more > 0:
        say(f"and {more} more ({rest})")


def show_rejections(rejections: DataFrame, *, rest: str) -> None:
    """Show the problems of rejected items like errors, with the item as their place."""
    problems = []
    for row in rejections.head(MAX_SHOWN).iter_rows(named=True):
        item = f"item {row['item_id']}" if row["item_id"] else ""
        line = f"line {row['line']}" if row["line"] is not None else ""
        place = ", ".join(part for part in (item, line, row["where"]) if part)
        problems.append(Problem(row["code"], row["message"], place, row["fix"]))
    show_problems(problems, word="rejected", rest=rest, count=rejections.height)


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
