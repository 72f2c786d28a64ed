"""Load a template: read it, check that it fits together, compile everything it says."""

from __future__ import annotations

from pathlib import Path

from etl.errors import Problem, UserMustFix
from etl.expressions import require_jinja
from etl.rendering.document import TemplateDocument, Variant
from etl.rendering.plans import make_plan
from etl.rendering.readback_patterns import read_back_problems
from etl.rendering.structure import structure_problems
from etl.rendering.templates import (
    Shelf,
    Template,
    find_template,
    folder_problems,
    read_template,
)


def load_template(
    name: str | Path, *, workspace: Path | None = None, shelf: Shelf | None = None
) -> Template:
    """Load a template by id or path.

    Needs: workspace, the folder whose `templates/` come before the shipped ones; or a shelf that
    says more.
    Gives: the template with the defaults of its parameters where all have one; otherwise call
    `with_parameters` before rendering.
    Raises: UserMustFix with every problem of the document, its expressions and its layouts; EXP-11
    before anything is read where Jinja is too old.
    """
    require_jinja()
    shelf = shelf or Shelf(workspace)
    path = find_template(str(name), workspace=shelf.workspace)
    template = read_template(path, shelf=shelf)
    problems: list[Problem] = [*folder_problems(template, path), *structure_problems(template)]
    problems.extend(read_back_problems(template))
    try:
        make_plan(template)
    except UserMustFix as error:
        problems.extend(error.problems)
    if problems:
        raise UserMustFix(problems)
    return template


def template_schema() -> dict[str, object]:
    """Give the JSON Schema of a template.yaml, for editors."""
    schema = TemplateDocument.model_json_schema(by_alias=True)
    variant = Variant.model_json_schema(by_alias=True)
    definitions = {**variant.pop("$defs", {}), **schema.pop("$defs", {})}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pleo-etl template",
        "if": {"required": ["extends"]},
        "then": variant,
        "else": schema,
        "$defs": definitions,
    }
