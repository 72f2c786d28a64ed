"""`pleo-etl check`: find every mistake in a workspace without the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl.cli import talk
from etl.cli.surroundings import surroundings
from etl.errors import EXIT_GOOD, EXIT_USER
from etl.sentences import counted

if TYPE_CHECKING:
    from etl.live.online import LookedOnline
    from etl.workspace import Workspace


@click.command("check")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--online", is_flag=True, help="Also try the way to Pleo, the ledger and the outbox.")
@talk.json_option
def command(folder: Path, *, online: bool, as_json: bool) -> int:
    """Find every mistake in a workspace.

    Reads pleo-etl.yaml, and for each company its template with parameters and its mapping with
    every table and reference list. Nothing is sent or fetched, unless --online is given: then the
    credential of each company is tried with requests that only read.

    \b
    pleo-etl check
    pleo-etl check --online
    """
    from etl.checking import check_workspace
    from etl.workspace import find_workspace, load_workspace

    workspace = load_workspace(find_workspace(folder.absolute()))
    looked = check_workspace(workspace)
    problems, warnings = list(looked.problems), list(looked.warnings)
    code = EXIT_USER if problems else EXIT_GOOD
    seen = _look_online(workspace) if online else []
    for one in seen:
        problems += [workspace.named(problem, one.company) for problem in one.problems]
        warnings += [workspace.named(warning, one.company) for warning in one.warnings]
        code = max(code, one.exit_code)
    talk.show_problems(problems)
    talk.show_problems(warnings, word="warning")
    if as_json:
        errors = [talk.as_dict(problem) for problem in problems]
        talk.give_json(
            {
                "exit_code": code, "errors": errors,
                "warnings": [talk.as_dict(warning) for warning in warnings],
                "companies": sorted(workspace.companies),
                **({"online": [_online_document(one) for one in seen]} if online else {}),
            }
        )  # fmt: skip
    for one in seen:
        _say_online(one)
    if not problems:
        talk.say(f"no mistakes found; companies: {', '.join(workspace.companies)}")
        if not online:
            talk.say("next: pleo-etl check --online, which tries the way to Pleo")
    return code


def _look_online(workspace: Workspace) -> list[LookedOnline]:
    from etl.live.online import check_online

    around = surroundings()
    return [
        check_online(workspace, name, clock=around.clock, transport=around.transport)
        for name in workspace.companies
    ]


def _online_document(looked: LookedOnline) -> dict[str, Any]:
    return {
        "company": looked.company, "credential": looked.where, "jobs": looked.jobs,
        "unseen": looked.unseen, "exit_code": looked.exit_code,
    }  # fmt: skip


def _say_online(looked: LookedOnline) -> None:
    if looked.jobs is not None:
        exports = counted(looked.jobs, "export")
        talk.say(f"{looked.company}: opened by {looked.where}; {exports} waiting or running")
    for what in looked.unseen:
        talk.say(f"{looked.company}: cannot be seen without changing something: {what}")
