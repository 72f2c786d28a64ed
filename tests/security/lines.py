"""Every shipped template with the mapping and parameters of its golden cases, ready to convert.

An item of the golden case `plain` is accepted by its template; tests break one thing of it.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result

from etl.conversion import Conversion
from etl.pipeline import Request, convert
from tests.golden.cases import ROOT as GOLDEN
from tests.golden.cases import Case, _item, _read_yaml

TEMPLATES = Path(__file__).parents[2] / "templates"
#: So much for every change; long runs take 1 and more.
SCALE = float(os.environ.get("PLEO_ETL_EXAMPLES", "0.6"))


def scaled(count: int) -> int:
    """Give how many examples to run: PLEO_ETL_EXAMPLES times the count."""
    return max(1, int(count * SCALE))


@dataclass(frozen=True)
class Line:
    """One template and how its golden cases are converted."""

    template: str

    @property
    def folder(self) -> Path:
        return GOLDEN / self.template

    @property
    def plain(self) -> Case:
        return Case(self.folder / "plain")

    @property
    def mapping(self) -> Path:
        own = self.folder / "plain" / "mapping.yaml"
        return own if own.exists() else self.folder / "mapping.yaml"

    @property
    def parameters(self) -> dict[str, str]:
        shared = self.folder / "parameters.yaml"
        found: dict[str, Any] = _read_yaml(shared) if shared.exists() else {}
        found |= self.plain.settings.get("parameters", {})
        return {name: str(value) for name, value in found.items()}

    @property
    def document(self) -> dict[str, Any]:
        """Give template.yaml as plain YAML, not as our reader reads it."""
        text = (TEMPLATES / self.template / "template.yaml").read_text(encoding="utf-8")
        document: dict[str, Any] = yaml.safe_load(text)
        return document

    def items(self) -> list[dict[str, Any]]:
        """Give fresh copies of the items of the case `plain`."""
        return copy.deepcopy(_plain_items(self))

    def convert(self, *sources: Path | str, **more: Any) -> Conversion:
        """Convert in this process; nothing is written."""
        given = dict(self.plain.settings.get("convert", {})) | more
        parameters = self.parameters | given.pop("parameters", {})
        return convert(
            Request(
                sources=[str(source) for source in sources],
                template=self.template,
                mapping=self.mapping,
                parameters=parameters,
                **given,
            )
        )

    def run(self, *sources: Path, out: Path, more: Sequence[str] = ()) -> Result:
        """Run the command in this process."""
        words = ["convert", *map(str, sources), "-t", self.template, "-m", str(self.mapping)]
        for name, value in self.parameters.items():
            words += ["-p", f"{name}={value}"]
        from etl.cli import main

        return CliRunner().invoke(main, [*words, "-o", str(out), *more])


@cache
def _plain_items(line: Line) -> list[dict[str, Any]]:
    return [_item(short) for short in line.plain.settings.get("items", [])]


def shipped_lines() -> list[Line]:
    """Give every shipped template that has golden cases."""
    names = sorted(path.parent.name for path in TEMPLATES.glob("*/template.yaml"))
    return [Line(name) for name in names if (GOLDEN / name / "plain" / "case.yaml").exists()]


LINES = shipped_lines()


def write_items(path: Path, items: Sequence[dict[str, Any]]) -> Path:
    """Write items one per line; lone surrogates are escaped as JSON allows."""
    with path.open("w", encoding="ascii") as file:
        for item in items:
            file.write(json.dumps(item) + "\n")
    return path


def files_of(conversion: Conversion) -> dict[str, bytes]:
    """Give every file of a conversion, reports and manifest too."""
    made = [*conversion.files, *conversion.reports]
    return {file.name: file.content for file in made} | {"manifest.json": conversion.manifest}
