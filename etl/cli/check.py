"""`pleo-etl check`: find every mistake in a workspace without the network."""

from __future__ import annotations

from pathlib import Path

import click

from etl.cli import talk
from etl.errors import EXIT_GOOD, EXIT_USER


@click.command("check")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@talk.json_option
def command(folder: Path, as_json: bool) -> int:
    """Find every mistake in a workspace.

    Reads pleo-etl.yaml, and for each company its template with parameters and its mapping with
    every table and reference list. Nothing is sent or fetched.

    \b
    pleo-etl check
    """
    from etl.checking import check_workspace
    from etl.workspace import find_workspace, load_workspace

    workspace = load_workspace(find_workspace(folder.absolute()))
    looked = check_workspace(workspace)
    problems, warnings = looked.problems, looked.warnings
    code = EXIT_USER if problems else EXIT_GOOD
    talk.show_problems(problems)
    talk.show_problems(warnings, word="warning")
    if as_json:
        errors = [talk.as_dict(problem) for problem in problems]
        talk.give_json(
            {
                "exit_code": code, "errors": errors,
                "warnings": [talk.as_dict(warning) for warning in warnings],
                "companies": sorted(workspace.companies),
            }
        )  # fmt: skip
    if not problems:
        talk.say(f"no mistakes found; companies: {', '.join(workspace.companies)}")
    return code
