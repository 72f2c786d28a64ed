"""`pleo-etl init`: write a workspace to start from."""

from __future__ import annotations

from pathlib import Path

import click

from etl.cli import talk
from etl.cli.completing import complete_template
from etl.errors import EXIT_GOOD


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--company", default="acme", show_default=True, help="Short name of the company.")
@click.option(
    "-t", "--template", default="generic", show_default=True, shell_complete=complete_template,
    help="Id of a template.",
)  # fmt: skip
@talk.json_option
def command(folder: Path, *, company: str, template: str, as_json: bool) -> int:
    """Write a workspace: pleo-etl.yaml and a mapping.

    What you have to fill in stands there with a comment; `pleo-etl check` says what is left.
    Files that are there already are never touched.

    \b
    pleo-etl init                               in the current folder
    pleo-etl init books --company nordic -t sie4
    """
    from etl.authoring import required_parameters
    from etl.shipped import shipped_templates
    from etl.starting import plan_workspace, write_files

    is_known = template in shipped_templates()
    required = required_parameters(template, workspace=folder) if is_known else {}
    files = plan_workspace(folder, company=company, template=template, required=required)
    write_files(folder, files)
    names = [str(folder / name) for name in files]
    if as_json:
        talk.give_json({"exit_code": EXIT_GOOD, "errors": [], "files": names})
    else:
        for name in names:
            talk.give(name)
    mapping = f"mappings/{company}.yaml"
    filled = ["the company's id in both files", *required]
    talk.say("")
    talk.say(f"next: fill in {', '.join(filled)};")
    talk.say(f"write your accounts into {mapping}, and see")
    talk.say("  pleo-etl check      what is missing or wrong, with its place")
    return EXIT_GOOD
