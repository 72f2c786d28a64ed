"""`pleo-etl init`: write a workspace to start from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl.cli import talk
from etl.cli.completing import complete_template
from etl.cli.surroundings import surroundings
from etl.errors import EXIT_GOOD, Problem

if TYPE_CHECKING:
    from etl.starting import Start

#: Options that a terminal is asked for when they are not given.
ASKED = ("company", "company_id", "template")


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option(
    "--company", default="acme", show_default=True, metavar="NAME",
    help="Short name of the company.",
)  # fmt: skip
@click.option("--id", "company_id", metavar="UUID", help="The company's id in Pleo.")
@click.option(
    "-t", "--template", default="generic", show_default=True, shell_complete=complete_template,
    metavar="ID", help="Id of a template.",
)  # fmt: skip
@click.option(
    "--environment",
    type=click.Choice(["production", "staging"]),
    help="Which Pleo; without it production.",
)
@click.option("--base-url", metavar="URL", help="The address of a sandbox instead of Pleo.")
@talk.json_option
def command(
    folder: Path,
    *,
    company: str,
    company_id: str | None,
    template: str,
    environment: str | None,
    base_url: str | None,
    as_json: bool,
) -> int:
    """Write a workspace: pleo-etl.yaml and a mapping.

    On a terminal it asks for what is not given. What is left to fill in stands there with a
    comment; `pleo-etl check` says what is left. Files that are there already are never touched.

    The company's id need not be known: `pleo-etl login` tells of which company an API key is.
    Every export item of Pleo holds it as companyId, too.

    \b
    pleo-etl init                               in the current folder
    pleo-etl init books --company nordic -t sie4
    pleo-etl init try --base-url http://127.0.0.1:8585
    """
    from etl.authoring import required_parameters
    from etl.shipped import shipped_templates
    from etl.starting import Start, plan_workspace, write_files
    from etl.workspace import PLACEHOLDER_ID

    if environment and base_url:
        raise click.UsageError("--environment and --base-url exclude each other")
    start = Start(
        company, template, company_id or PLACEHOLDER_ID, environment or "production", base_url
    )
    if surroundings().is_attended and not as_json:
        start = _ask_rest(start)
    is_known = start.template in shipped_templates()
    required = required_parameters(start.template, workspace=folder) if is_known else {}
    files = plan_workspace(folder, start, required=required)
    write_files(folder, files)
    names = [str(folder / name) for name in files]
    if as_json:
        talk.give_json({"exit_code": EXIT_GOOD, "errors": [], "files": names})
    else:
        for name in names:
            talk.give(name)
    missing = ["the company's id in both files"] if start.company_id == PLACEHOLDER_ID else []
    _say_next(folder, start, [*missing, *required])
    return EXIT_GOOD


def _ask_rest(start: Start) -> Start:
    """Ask for what was not given as an option; Enter takes what stands in brackets."""
    from etl.starting import company_problems, id_problems, template_problems
    from etl.workspace import PLACEHOLDER_ID

    context = click.get_current_context()
    given = {
        name
        for name in ASKED
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
    }
    if "company" not in given:
        name = _ask("short name of the company", start.company, company_problems)
        start = replace(start, company=name)
    if "company_id" not in given:
        question = "its id in Pleo (not known? Enter, and `pleo-etl login` tells it)"
        text = _ask(question, "", _unless_empty(id_problems))
        start = replace(start, company_id=text or PLACEHOLDER_ID)
    if "template" not in given:
        talk.say("templates: `pleo-etl templates list` tells them with their systems")
        template = _ask("template", start.template, template_problems)
        start = replace(start, template=template)
    return start


Check = Callable[[str], list[Problem]]


def _unless_empty(check: Check) -> Check:
    return lambda text: check(text) if text else []


def _ask(question: str, default: str, check: Check) -> str:
    """Ask until the answer can be used."""

    def usable(text: Any) -> str:
        problems = check(str(text).strip())
        if problems:
            raise click.BadParameter(f"{problems[0].what}; {problems[0].fix}")
        return str(text).strip()

    answer: str = click.prompt(
        question, default=default, show_default=bool(default), value_proc=usable, err=True
    )
    return answer


def _say_next(folder: Path, start: Start, missing: Sequence[str]) -> None:
    """Say what comes next, in the order in which it is done."""
    mapping = f"mappings/{start.company}.yaml"
    talk.say("")
    if folder != Path():
        talk.say(f"next, in the folder {folder}:")
    else:
        talk.say("next:")
    if missing:
        talk.say(f"  fill in {', '.join(missing)}")
    talk.say(f"  write your accounts into {mapping}")
    talk.say("  pleo-etl check            what is missing or wrong, with its place")
    talk.say("  pleo-etl login            the API key of the company, from Pleo, Settings")
    talk.say("  pleo-etl check --online   whether Pleo opens, and what would stop a run")
    talk.say("  pleo-etl run              the first batch, to look at; nothing is final yet")
