"""`pleo-etl templates`: the templates there are, and everything to make another one."""

from __future__ import annotations

from pathlib import Path

import click

from etl.cli import talk
from etl.cli.completing import complete_file, complete_template
from etl.cli.parameters import parameter_option
from etl.errors import EXIT_GOOD, EXIT_USER
from etl.sentences import counted


@click.group("templates")
def command() -> None:
    """List, show, make and try templates."""


@command.command("list")
@talk.json_option
def list_(as_json: bool) -> int:
    """List the templates that can be used by id.

    The workspace's own come first; the others are shipped.

    \b
    pleo-etl templates list
    """
    from etl.authoring import list_templates

    listed = list_templates(Path.cwd())
    if as_json:
        talk.give_json({"exit_code": EXIT_GOOD, "errors": [], "templates": listed})
        return EXIT_GOOD
    width = max((len(entry["id"]) for entry in listed), default=0)
    for entry in listed:
        own = " (own)" if entry["own"] else ""
        talk.give(f"{entry['id']:{width}}  {entry['title']}{own}")
    return EXIT_GOOD


@command.command("show")
@click.argument("template", shell_complete=complete_template)
@talk.json_option
def show(template: str, as_json: bool) -> int:
    """Show what a template is for, and its parameters.

    \b
    pleo-etl templates show datev-extf
    """
    from etl.authoring import describe_template

    facts = describe_template(template, workspace=Path.cwd())
    if as_json:
        talk.give_json({"exit_code": EXIT_GOOD, "errors": [], **facts})
        return EXIT_GOOD
    talk.give(f"{facts['id']}: {facts['title']}, version {facts['version']}")
    talk.give(f"  system      {facts['system']}, {facts['format']}")
    talk.give(f"  checked     {facts['checked']}, confidence: {facts['confidence']}")
    talk.give(f"  methods     {', '.join(facts['methods'])}; currency: {facts['currency']}")
    talk.give(f"  files       {', '.join(facts['files'])}")
    for name, word in facts["needs"].items():
        talk.give(f"  needs       {name} ({word})")
    for parameter in facts["parameters"]:
        talk.give(f"  parameter   {parameter['name']}: {parameter['says']}")
    talk.give(f"  folder      {facts['folder']}")
    return EXIT_GOOD


@command.command("new")
@click.argument("name", metavar="ID")
@talk.json_option
def new(name: str, as_json: bool) -> int:
    """Write ./templates/ID/: a CSV template that works, a guide and a first case.

    \b
    pleo-etl templates new acme-erp
    pleo-etl templates preview acme-erp
    """
    from etl.authoring import new_template

    files = new_template(Path.cwd(), name)
    if as_json:
        talk.give_json({"exit_code": EXIT_GOOD, "errors": [], "files": files})
        return EXIT_GOOD
    for file in files:
        talk.give(file)
    talk.say("")
    talk.say(f"next: change templates/{name}/template.yaml to what your ERP's manual says, and see")
    talk.say(f"  pleo-etl templates preview {name}   the file that the sample data gives")
    talk.say(f"  pleo-etl templates lint {name}      what is wrong or missing, and how to mend it")
    talk.say(f"  pleo-etl templates test {name}      whether its cases still give the same bytes")
    return EXIT_GOOD


@command.command("schema")
def schema() -> int:
    """Print the JSON Schema of template.yaml, for editors that check while you write.

    \b
    pleo-etl templates schema > template.schema.json
    """
    from etl.rendering import template_schema

    talk.give_json(template_schema())
    return EXIT_GOOD


@command.command("lint")
@click.argument(
    "templates", nargs=-1, required=True, metavar="TEMPLATE...", shell_complete=complete_template
)
@talk.json_option
def lint(templates: tuple[str, ...], as_json: bool) -> int:
    """Say what is wrong or missing in templates, where, and how to mend it.

    TEMPLATE is an id or a path. Prints path:line:column for each finding; exit code 2 means that
    there are some.

    \b
    pleo-etl templates lint acme-erp
    pleo-etl templates lint templates/*/
    """
    from etl.authoring import lint_templates

    findings = lint_templates(templates, workspace=Path.cwd())
    return talk.show_findings(findings, as_json=as_json)


@command.command("preview")
@click.argument("template", shell_complete=complete_template)
@parameter_option
@click.option(
    "-m", "--mapping", type=click.Path(path_type=Path), help="Mapping; default: the example."
)
@click.option(
    "--items", metavar="FILE", shell_complete=complete_file,
    help="Export items; default: the sample data.",
)  # fmt: skip
@click.option(
    "--lines", type=click.IntRange(1, 50), default=20, show_default=True,
    help="Lines of each file to print.",
)  # fmt: skip
@talk.json_option
def preview(
    template: str,
    *,
    parameters: dict[str, str],
    mapping: Path | None,
    items: str | None,
    lines: int,
    as_json: bool,
) -> int:
    """Print the files that a template gives, without writing any.

    Their text is shown whatever its encoding, and a spreadsheet as a table; a character without a
    shape of its own is named.

    \b
    pleo-etl templates preview acme-erp
    pleo-etl templates preview datev-extf -p consultant_number=1001 \\
        -p client_number=42
    """
    from etl.authoring import first_lines
    from etl.authoring import preview as run_preview

    conversion = run_preview(template, parameters=parameters, mapping=mapping, items=items)
    if as_json:
        files = [
            {"name": file.name, "form": file.form, "lines": first_lines(file, lines)}
            for file in conversion.view.files
        ]
        summary = conversion.summary()
        talk.give_json(
            {
                "exit_code": EXIT_GOOD, "errors": [], "files": files,
                "counts": summary["counts"], "rejections": summary["rejections"],
            }
        )  # fmt: skip
        return EXIT_GOOD
    for file in conversion.view.files:
        talk.say(f"--- {file.name} ({file.form})")
        for line in first_lines(file, lines):
            talk.give(line)
        if file.lines > lines:
            talk.say(f"--- and {counted(file.lines - lines, 'more line')}")
    talk.show_causes(conversion.view.causes, rest="see --json")
    return EXIT_GOOD


@command.command("test")
@click.argument(
    "templates", nargs=-1, required=True, metavar="TEMPLATE...", shell_complete=complete_template
)
@click.option("--accept", is_flag=True, help="Take what comes out now as what must come out.")
@talk.json_option
def test(templates: tuple[str, ...], *, accept: bool, as_json: bool) -> int:
    """Convert the cases of templates and compare every byte.

    A case is a folder templates/ID/cases/NAME/ with items.json, mapping.yaml, parameters.yaml
    where needed, and the files of expected/.

    \b
    pleo-etl templates test acme-erp
    """
    from etl.authoring import accept_cases, run_template_cases
    from etl.rendering import find_template

    if accept:
        written = [
            name
            for template in templates
            for name in accept_cases(find_template(template, workspace=Path.cwd()).parent)
        ]
        for name in written if not as_json else ():
            talk.give(name)
    results = [
        (template, case)
        for template in templates
        for case in run_template_cases(template, workspace=Path.cwd())
    ]
    failed = sum(not case.passed for _, case in results)
    code = EXIT_USER if failed else EXIT_GOOD
    if as_json:
        shown = [
            {"template": t, "name": c.name, "passed": c.passed, "differences": c.differences}
            for t, c in results
        ]
        talk.give_json({"exit_code": code, "errors": [], "cases": shown})
        return code
    for template, case in results:
        talk.give(f"{'ok  ' if case.passed else 'FAIL'} {template}: {case.name}")
        for difference in case.differences:
            talk.give(f"       {difference}")
    talk.say(f"{counted(len(results), 'case')}, {failed} failed")
    if failed:
        talk.say("where what comes out now is right: pleo-etl templates test --accept TEMPLATE")
    return code
