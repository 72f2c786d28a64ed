"""Put lines of a review on the terminal: with styles where it has any, else plain."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from etl.cli import talk
from etl.cli.surroundings import Surroundings

if TYPE_CHECKING:
    from etl.review.terminal import Line

#: Columns of a screen that is no terminal, and the most that a line may take on one.
PLAIN, MOST = 80, 100
#: Lines of a screen of which nothing is known.
LINES = 24
_STYLES = {
    "title": "bold", "good": "green", "look": "yellow", "stop": "bold red", "ask": "bold yellow",
    "faint": "dim", "whole": "cyan",
}  # fmt: skip


def is_seen(around: Surroundings) -> bool:
    """Say whether a person sees what is put on stdout."""
    return around.attended or sys.stdout.isatty()


def width() -> int:
    """Give how many columns a line may take."""
    return min(talk.terminal_width(sys.stdout) or PLAIN, MOST)


def height() -> int:
    """Give how many lines the terminal shows at once."""
    return shutil.get_terminal_size((PLAIN, LINES)).lines


def show(lines: Sequence[Line], *, aside: bool = False) -> None:
    """Put lines on stdout; or aside, on stderr, where stdout is a program's."""
    stream = sys.stderr if aside else sys.stdout
    if not stream.isatty():
        if lines:
            whole = talk.printable("\n".join(line.text for line in lines))
            (talk.say if aside else talk.give)(whole)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    for line in lines:
        text = Text(talk.printable(line.text), style=_STYLES.get(line.style, ""))
        console.print(text, soft_wrap=True)
