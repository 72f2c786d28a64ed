"""What must fit together in a template besides its expressions; every problem with its place."""

from __future__ import annotations

from collections.abc import Iterator

from etl.errors import Problem
from etl.rendering.templates import Template


def structure_problems(template: Template) -> Iterator[Problem]:
    """Give every problem of a template's structure."""
    yield from ()
