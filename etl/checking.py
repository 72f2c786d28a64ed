"""Look over mappings and workspaces without converting anything, and without the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from etl.conversion import Recipe
from etl.documents import read_document
from etl.errors import EtlError, Problem
from etl.examining import check_items
from etl.files import shown_path
from etl.items import attach, ingest
from etl.mapping import CaseResult, LoadedMapping, lint_mapping, load_mapping, run_cases
from etl.pipeline import Request, load_recipe
from etl.postings import assign_rules, load_posting_rules
from etl.rendering.contexts import targets_of
from etl.rendering.parameters import Door
from etl.sources import read_sources
from etl.starting import WHERE_IDS_ARE
from etl.workspace import PLACEHOLDER_ID, Workspace


def lint_mapping_file(
    path: Path, sources: Sequence[str] = ()
) -> tuple[list[Problem], list[Problem]]:
    """Find what the author of a mapping should look at.

    Gives: what is wrong with the mapping itself, and what only the given items show.
    """
    mapping = load_mapping(path, name=shown_path(path))
    findings = lint_mapping(mapping)
    if not sources:
        return findings, []
    items, lines = _input_of_mapping(mapping, sources)
    known = set(findings)
    return findings, [p for p in lint_mapping(mapping, items, lines) if p not in known]


def run_mapping_cases(path: Path) -> list[CaseResult]:
    """Run the cases of a file; those that name a file of items read it as `convert` does."""

    def read_items(file: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
        named = read_document(path).data["mapping"]
        return _input_of_mapping(load_mapping(path.parent / named), [str(file)])

    return run_cases(path, name=shown_path(path), read_items=read_items)


def _input_of_mapping(
    mapping: LoadedMapping, sources: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give the items and lines that the mapping would get to see."""
    own = mapping.posting_rules
    rules = load_posting_rules(own.rows, own.accept, place=mapping.posting_rule_place)
    checked = check_items(ingest(read_sources(sources)), mapping)
    assigned = assign_rules(checked.items, checked.lines, rules)
    return attach(assigned.items, checked.attachments), assigned.lines


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look over a workspace found: mistakes, and what is ignored and does no harm."""

    problems: list[Problem]
    warnings: list[Problem]


def check_workspace(workspace: Workspace) -> Looked:
    """Find every mistake in what a workspace names: templates, parameters, mappings, tables."""
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for name, company in workspace.companies.items():
        if company.id == PLACEHOLDER_ID:
            problems.append(_still_to_fill_in(workspace, name=name))
        request = Request(
            sources=(),
            template=company.template,
            mapping=workspace.mapping_path(name),
            parameters=company.parameters,
            door=parameter_door(workspace, name),
        )
        try:
            recipe = load_recipe(request, workspace=workspace.root)
        except EtlError as error:
            problems.extend(
                _named_here(problem, workspace, name=name) for problem in error.problems
            )
            continue
        problems.extend(_fit_problems(workspace, recipe, name=name))
        warnings.extend(recipe.mapping.warnings)
    return Looked(list(dict.fromkeys(problems)), list(dict.fromkeys(warnings)))


def parameter_door(workspace: Workspace, name: str) -> Door:
    """Say where the parameters of a company of the workspace are given."""
    way = f'write "{{name}}: VALUE" under parameters of company {name} in {workspace.document.name}'
    return Door(str(workspace.document.place("companies", name, "parameters")), way)


def _still_to_fill_in(workspace: Workspace, *, name: str) -> Problem:
    return Problem(
        "WS-8",
        f'company "{name}" still has the id that init wrote',
        str(workspace.document.place("companies", name, "id")),
        f"put the company's id in Pleo here and into its mapping: {WHERE_IDS_ARE}",
    )


def _named_here(problem: Problem, workspace: Workspace, *, name: str) -> Problem:
    """Point to the workspace where it names a template or a file that is not there."""
    company = workspace.companies[name]
    named = {company.template: "template", shown_path(workspace.mapping_path(name)): "mapping"}
    key = named.get(problem.where)
    if key is None:
        return problem
    return replace(problem, where=str(workspace.document.place("companies", name, key)))


def _fit_problems(workspace: Workspace, recipe: Recipe, *, name: str) -> Iterator[Problem]:
    """Say where the parts of a company do not fit each other."""
    ours, theirs = workspace.companies[name].id, recipe.mapping.company.id
    if ours.casefold() != theirs.casefold():
        yield Problem(
            "WS-3",
            f'company "{name}" has id {ours}, but its mapping is for {theirs}',
            str(workspace.document.place("companies", name, "id")),
            "correct the id in one of the two files",
        )
    given = {target.name for target in recipe.mapping.targets}
    for target, is_required in targets_of(recipe.template.document).items():
        if is_required and target not in given and target != "account_name":
            yield Problem(
                "MAP-16",
                f"the template needs {target}, which no rule gives",
                str(recipe.mapping.document.keys.get(("map",), recipe.mapping.document.place())),
                f"add {target} under map",
            )
