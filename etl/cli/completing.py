"""What a shell completes beside commands and options: templates, files, companies and batches.

Completion never fails: where there is nothing to look at, there is nothing to complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from etl.errors import EtlError
from etl.shipped import shipped_templates

if TYPE_CHECKING:
    from etl.batches.ledger import Ledger

Read = TypeVar("Read")


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


def complete_company(
    _ctx: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Give the companies of the workspace."""
    from etl.workspace import find_workspace, load_workspace

    try:
        names = list(load_workspace(find_workspace(Path.cwd())).companies)
    except EtlError:
        return []
    return [CompletionItem(name) for name in names if name.startswith(begun)]


def complete_batch(
    ctx: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Give the numbers of the company's batches, newest first, each with how it stands."""
    from etl.batches.standing import standing_of

    batches = _from_ledger(ctx, lambda ledger, company_id: ledger.batches(company_id))
    return [
        CompletionItem(str(batch.number), help=standing_of(batch).word)
        for batch in reversed(batches)
        if str(batch.number).startswith(begun)
    ]


def complete_item(
    ctx: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Give the items of the batch that waits, each with its reference in the file."""

    def waiting(ledger: Ledger, company_id: str) -> list[Mapping[str, Any]]:
        batch = ledger.unsettled(company_id)
        return [] if batch is None else ledger.items(batch)

    items = _from_ledger(ctx, waiting)
    known = [(str(item["id"]), item["external_id"] or "rejected") for item in items if item["id"]]
    return [CompletionItem(entry, help=said) for entry, said in known if entry.startswith(begun)]


def _from_ledger(ctx: click.Context, read: Callable[[Ledger, str], list[Read]]) -> list[Read]:
    """Read something of the chosen company from its ledger; nothing where there is none."""
    from etl.batches.ledger import open_ledger
    from etl.batches.ledger.opening import ledger_path
    from etl.clock import SystemClock
    from etl.workspace import find_workspace, load_workspace

    try:
        workspace = load_workspace(find_workspace(Path.cwd()))
        name = ctx.params.get("company") or next(iter(workspace.companies))
        url, root = workspace.settings.ledger, workspace.root
        if name not in workspace.companies or not ledger_path(url, root=root).exists():
            return []
        with open_ledger(url, root=root, clock=SystemClock(), create=False) as ledger:
            return read(ledger, workspace.companies[name].id)
    except EtlError:
        return []


def complete_code(
    _ctx: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Give the codes of the notes that a person may have to answer."""
    from etl.codes import CODES

    notes = sorted(code for code, known in CODES.items() if known.kind.endswith("note"))
    return [CompletionItem(f"{code}=") for code in notes if code.startswith(begun)]
