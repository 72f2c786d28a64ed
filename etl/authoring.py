"""Make and try templates: a first one to start from, a preview, and the cases of a template.

templates/<id>/
  template.yaml   README.md
  cases/<name>/   items.json, mapping.yaml, parameters.yaml where needed
    expected/     the files that must come out, byte for byte
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import RootModel

from etl.conversion import Conversion
from etl.documents import read_document
from etl.errors import EtlError, Problem, UserMustFix
from etl.files import cannot_write, shown_path, write_atomic
from etl.pipeline import Request, convert
from etl.rendering import find_template, lint_template, load_template, template_ids
from etl.rendering.document import Parameter
from etl.rendering.parameters import Door
from etl.rendering.templates import Shelf, read_template
from etl.review import FileView
from etl.review.marks import IN_FILE, sign_of
from etl.shipped import shipped_folder
from etl.starting import plan_template, write_files

CASES, EXPECTED = "cases", "expected"
ITEMS, MAPPING, PARAMETERS = "items.json", "mapping.yaml", "parameters.yaml"
REJECTED = "rejections.csv"
#: Characters of a spreadsheet cell that a look at it shows.
MAX_CELL = 32
_SHOWN_REJECTIONS = 3

Parameters = RootModel[dict[str, str]]


def new_template(workspace: Path, name: str) -> list[str]:
    """Write ./templates/NAME/ with a template that works, a guide, and a first case.

    Raises: UserMustFix WS-4, WS-5, OUT-2.
    """
    files = plan_template(workspace, name)
    write_files(workspace, files)
    accept_cases(workspace / "templates" / name)
    return sorted(files)


def preview(
    template: str, *, parameters: Mapping[str, str], mapping: Path | None, items: str | None
) -> Conversion:
    """Convert items for a look, by default the sample data with the example mapping."""
    request = Request(
        sources=[items or str(shipped_folder("sample_data") / "items.json")],
        template=template,
        mapping=mapping or shipped_folder("mappings") / "example.yaml",
        parameters=parameters,
    )
    return convert(request)


@dataclass(frozen=True, slots=True)
class TemplateCase:
    """What came of a case of a template; no differences means that it passed."""

    name: str
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.differences


def run_template_cases(template: str, *, workspace: Path) -> list[TemplateCase]:
    """Convert every case of a template and compare the files byte for byte.

    Raises: UserMustFix WS-7 where the template has no cases.
    """
    folder = find_template(template, workspace=workspace).parent
    return [_run_case(folder, case) for case in _cases_of(folder)]


def accept_cases(folder: Path) -> list[str]:
    """Write what the cases of a template give now as what must come out; give the files.

    Files that no longer come out are removed, since `expected/` says all that must.
    """
    written = []
    for case in _cases_of(folder):
        given = _files_of(_convert_case(folder, case))
        for path in sorted((case / EXPECTED).glob("*")):
            if path.is_file() and path.name not in given:
                path.unlink()
        for name, content in given.items():
            path = case / EXPECTED / name
            try:
                path.parent.mkdir(exist_ok=True)
            except OSError as error:
                raise cannot_write(path, error) from None
            write_atomic(path, content)
            written.append(shown_path(path))
    return written


def _cases_of(folder: Path) -> list[Path]:
    cases = sorted(path.parent for path in (folder / CASES).glob(f"*/{ITEMS}"))
    if not cases:
        raise UserMustFix(
            Problem(
                "WS-7",
                f"the template {folder.name} has no cases",
                shown_path(folder / CASES),
                f"put {ITEMS} and {MAPPING} into {shown_path(folder / CASES)}/<name>/,"
                " then run `pleo-etl templates test --accept`",
            )
        )
    return cases


def _convert_case(folder: Path, case: Path) -> Conversion:
    parameters: dict[str, str] = {}
    if (case / PARAMETERS).is_file():
        parameters = read_document(case / PARAMETERS).load(Parameters).root
    request = Request(
        sources=[str(case / ITEMS)],
        template=str(folder),
        mapping=case / MAPPING,
        parameters=parameters,
        door=Door(shown_path(case / PARAMETERS), "write {name}: VALUE into it"),
    )
    return convert(request)


def _files_of(conversion: Conversion) -> dict[str, bytes]:
    """Give the files that a case compares: what the ERP reads, and the rejections."""
    reports = (report for report in conversion.reports if report.name == REJECTED)
    return {file.name: file.content for file in (*conversion.files, *reports)}


def _run_case(folder: Path, case: Path) -> TemplateCase:
    try:
        given = _files_of(_convert_case(folder, case))
    except EtlError as error:
        return TemplateCase(case.name, tuple(str(problem) for problem in error.problems))
    expected = {path.name: path.read_bytes() for path in sorted((case / EXPECTED).glob("*"))}
    differences = [f"{name} is missing" for name in sorted(expected.keys() - given.keys())]
    for name in sorted(given.keys() - expected.keys()):
        differences.append(f"{name} is not expected")
        if name == REJECTED:
            differences += _rejected(given[name])
    for name in sorted(expected.keys() & given.keys()):
        if expected[name] != given[name]:
            differences.append(_first_difference(name, expected=expected[name], given=given[name]))
    return TemplateCase(case.name, tuple(differences))


def _rejected(content: bytes) -> list[str]:
    """Give the first rejections, since they are why a file is not as expected."""
    rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
    return [f"  {row['code']}: {row['message']}" for row in rows][:_SHOWN_REJECTIONS]


def _first_difference(name: str, *, expected: bytes, given: bytes) -> str:
    wanted, found = expected.split(b"\n"), given.split(b"\n")
    pairs = zip(wanted, found, strict=False)
    at = next((n for n, (one, other) in enumerate(pairs) if one != other), None)
    if at is None:
        return f"{name} has {len(found)} lines, not {len(wanted)}"
    shown = [line[at].decode("utf-8", "backslashreplace") for line in (wanted, found)]
    return f"{name} line {at + 1}: expected {shown[0]!r}, got {shown[1]!r}"


# ── what there is ───────────────────────────────────────────────────────────────────────────


def list_templates(workspace: Path) -> list[dict[str, Any]]:
    """Give id, title and origin of every template, by id; one that cannot be read has no title."""
    own = set((workspace / "templates").glob("*"))
    listed = []
    for name, folder in sorted(template_ids(workspace).items()):
        try:
            title = read_template(folder / "template.yaml", shelf=Shelf(workspace)).document.title
        except EtlError:
            title = "(has mistakes, see templates lint)"
        listed.append({"id": name, "title": title, "own": folder in own})
    return listed


def describe_template(template: str, *, workspace: Path) -> dict[str, Any]:
    """Give what a person asks about a template before using it."""
    loaded = load_template(template, workspace=workspace)
    document = loaded.document
    return {
        "id": document.id,
        "title": document.title,
        "version": document.version,
        "system": document.target.system,
        "format": document.target.format,
        "checked": document.target.checked,
        "confidence": document.target.confidence,
        "methods": list(document.supports.methods),
        "currency": document.supports.currency,
        "files": [spec.name for spec in document.files.values()],
        "needs": dict(document.needs),
        "parameters": [
            {"name": name, "says": _says(parameter)}
            for name, parameter in sorted(document.parameters.items())
        ],
        "folder": shown_path(loaded.source.path.parent),
    }


def required_parameters(template: str, *, workspace: Path) -> dict[str, str]:
    """Give the parameters that have no default, each with what it takes."""
    parameters = load_template(template, workspace=workspace).document.parameters
    return {
        name: _says(parameter)
        for name, parameter in sorted(parameters.items())
        if parameter.default is None and not parameter.optional
    }


def _says(parameter: Parameter) -> str:
    """Say in words what a parameter takes."""
    values = f" ({', '.join(parameter.values)})" if parameter.values else ""
    default = f", default {parameter.default}" if parameter.default is not None else ""
    required = "" if default or parameter.optional else ", required"
    purpose = f": {parameter.help}" if parameter.help else ""
    return f"{parameter.type}{values}{default}{required}{purpose}"


def lint_templates(templates: Sequence[str], *, workspace: Path) -> list[Problem]:
    """Give what is wrong or missing in templates, with its place."""
    findings: list[Problem] = []
    for template in templates:
        try:
            findings.extend(lint_template(load_template(template, workspace=workspace)))
        except EtlError as error:
            findings.extend(error.problems)
    return findings


def first_lines(file: FileView, count: int) -> list[str]:
    """Give the first lines of a file as a person reads them, whatever its encoding.

    Characters without a shape are named; a spreadsheet is laid out in columns.
    """
    rows = file.rows[:count]
    if any(row.raw for row in rows):
        return [IN_FILE.sub(_name_invisible, row.raw.rstrip("\r\n")) for row in rows]
    cells = [[cell[:MAX_CELL] for cell in row.cells] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _name_invisible(hit: re.Match[str]) -> str:
    return hit.group() if hit.group() == "\t" else f"<{sign_of(hit.group())}>"
