"""Names of files: made by expressions, safe everywhere, never two alike."""

from __future__ import annotations

from collections.abc import Iterable

from etl.errors import Problem
from etl.files import is_safe_name


def name_problems(names: Iterable[tuple[str | None, str]]) -> list[Problem]:
    """Say which names cannot stand for files, and which are taken twice (letters' case aside).

    Needs: names with the place in the template that makes each.
    """
    problems: list[Problem] = []
    taken: dict[str, str] = {}
    for name, where in names:
        if name is None or not is_safe_name(name):
            problems.append(
                Problem(
                    "FILE-1",
                    f'"{name or ""}" cannot be the name of a file',
                    where,
                    "use letters, digits, blanks and . _ + ( ) -, beginning with a letter or digit",
                )
            )
            continue
        folded = name.casefold()
        if folded in taken:
            problems.append(
                Problem(
                    "FILE-2",
                    f'two files of the batch are called "{name}" (first by {taken[folded]})',
                    where,
                    "put {{ file.number }} into the name, or another name into one of the files",
                )
            )
        taken.setdefault(folded, where)
    return problems
