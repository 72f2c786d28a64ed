"""Names of files: made by expressions, safe everywhere, never two alike."""

from __future__ import annotations

from collections.abc import Iterable

from etl.errors import Problem
from etl.files import is_safe_name

#: What we write beside the files of the ERP.
OWN_NAMES = (
    "manifest.json", "rejections.csv", "review.html", "explain.parquet", "DO-NOT-IMPORT.txt",
)  # fmt: skip


def name_problems(
    names: Iterable[tuple[str | None, str]], *, taken: Iterable[str] = ()
) -> list[Problem]:
    """Say which names cannot stand for files, and which are taken twice (letters' case aside).

    Needs: names with the place in the template that makes each; taken, names that the output
    folder uses itself.
    """
    problems: list[Problem] = []
    owners = {name.casefold(): "pleo-etl itself" for name in (*taken, *OWN_NAMES)}
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
        if folded in owners:
            problems.append(
                Problem(
                    "FILE-2",
                    f'two files of the batch are called "{name}" (first by {owners[folded]})',
                    where,
                    "put {{ file.number }} into the name, or another name into one of the files",
                )
            )
        owners.setdefault(folded, where)
    return problems
