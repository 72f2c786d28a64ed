"""`pleo-etl mappings`: what to look at in a mapping, and the tests that its author wrote."""

from __future__ import annotations

from pathlib import Path

import click

from etl.cli import talk
from etl.cli.completing import complete_file
from etl.errors import EXIT_GOOD, EXIT_USER
from etl.sentences import counted


@click.group("mappings")
def command() -> None:
    """Look over a mapping and test it."""


@command.command("lint")
@click.argument("mapping", type=click.Path(path_type=Path))
@click.option(
    "--items", multiple=True, metavar="FILE", shell_complete=complete_file,
    help="Export items: also say what they never use, and how many fall back; may be repeated.",
)  # fmt: skip
@talk.json_option
def lint(mapping: Path, *, items: tuple[str, ...], as_json: bool) -> int:
    """Say what is dead, stale, ambiguous or left to a fallback.

    Prints path:line:column for each finding. Exit code 2 means that there are some; what only
    the given items show does not count.

    \b
    pleo-etl mappings lint mappings/acme.yaml
    pleo-etl mappings lint mappings/acme.yaml --items october.json
    """
    from etl.checking import lint_mapping_file

    of_mapping, of_items = lint_mapping_file(mapping, items)
    return talk.show_findings(of_mapping, as_json=as_json, hints=of_items)


@command.command("schema")
def schema() -> int:
    """Print the JSON Schema of a mapping, by which an editor completes and checks it.

    \b
    pleo-etl mappings schema > mapping.schema.json
    """
    from etl.mapping import mapping_schema

    talk.give_json(mapping_schema())
    return EXIT_GOOD


@command.command("test")
@click.argument("cases", type=click.Path(path_type=Path))
@talk.json_option
def test(cases: Path, as_json: bool) -> int:
    """Run the cases of a file: items in, expected targets out.

    \b
    pleo-etl mappings test mappings/acme-cases.yaml
    """
    from etl.checking import run_mapping_cases

    results = run_mapping_cases(cases)
    failed = [result for result in results if not result.passed]
    code = EXIT_USER if failed else EXIT_GOOD
    if as_json:
        shown = [
            {"name": r.name, "place": r.place, "passed": r.passed, "differences": r.differences}
            for r in results
        ]
        talk.give_json({"exit_code": code, "errors": [], "cases": shown})
        return code
    for result in results:
        talk.give(f"{'ok  ' if result.passed else 'FAIL'} {result.name}   ({result.place})")
        for difference in result.differences:
            talk.give(f"       {difference}")
    talk.say(f"{counted(len(results), 'case')}, {len(failed)} failed")
    return code
