"""Better advice on unknown names: what a template must declare before it may read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from etl.errors import Problem
from etl.rendering.document import TemplateDocument

_UNKNOWN = re.compile(r'unknown (?:name|lookup table) "(.+)"\Z')
_DECLARED = re.compile(r"(?:posting\.(dimension\.[a-z0-9_]+)|target\.([a-z0-9_]+))\Z")


def advised(problems: Sequence[Problem], document: TemplateDocument) -> list[Problem]:
    """Give problems with advice that fits a template.

    A value that reads a broken `let` value is left out, because the broken one is said already.
    """
    kept = list(_advised(problems, document))
    return kept or list(problems)


def _advised(problems: Sequence[Problem], document: TemplateDocument) -> Iterator[Problem]:
    for problem in problems:
        found = _UNKNOWN.search(problem.what)
        if found is None or problem.code not in ("EXP-3", "EXP-8"):
            yield problem
            continue
        name = found[1]
        declared = _DECLARED.match(name)
        if problem.code == "EXP-8":
            yield replace(problem, fix=f"declare it: needs: {{table.{name}: required}}")
        elif declared is not None:
            need = declared[1] or declared[2]
            yield replace(problem, fix=f"declare it: needs: {{{need}: optional}}")
        elif name not in document.let:
            yield problem
