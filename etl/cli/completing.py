"""What a shell completes beside commands and options: ids of templates, and files."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from etl.shipped import shipped_templates


def complete_template(
    _ctx: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Give the ids of shipped templates and of those in ./templates, else folders."""
    own = {file.parent.name for file in Path("templates").glob("*/template.yaml")}
    fitting = sorted(name for name in own.union(shipped_templates()) if name.startswith(begun))
    return [CompletionItem(name) for name in fitting] or [CompletionItem(begun, type="dir")]


def complete_file(
    _ctx: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Let the shell complete files."""
    return [CompletionItem(begun, type="file")]
