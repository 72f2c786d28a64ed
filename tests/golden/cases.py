"""Read and run golden cases."""

from __future__ import annotations

import functools
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
import yaml
from click.testing import CliRunner, Result

from etl import pipeline
from etl.conversion import Recipe
from etl.rendering import Rendered
from etl.rendering.proof import Proof
from tests.fakes.items import invoice, item, page, vendor

ROOT = Path(__file__).parent
#: For people and for `explain`; they hold nothing that the ERP or Pleo is told.
NOT_COMPARED = ("review.html", "explain.parquet")
RELEASE_PARTS = ("recipe", "reports", "seal")


@dataclass(frozen=True)
class Case:
    """One golden case: a folder with case.yaml and expected/."""

    folder: Path

    @property
    def name(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def template(self) -> str:
        return self.folder.parent.name

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        return _read_yaml(self.folder / "case.yaml")

    @property
    def expected(self) -> Path:
        return self.folder / "expected"

    def convert(self, out: Path) -> Result:
        """Run `pleo-etl convert` on the case into a folder."""
        from etl.cli import main

        settings = self.settings
        items_file = out.parent / "items.json"
        items_file.write_text(json.dumps(page(*map(_item, settings.get("items", [])))))
        shared = self.folder.parent / "parameters.yaml"
        parameters = _read_yaml(shared) if shared.exists() else {}
        parameters |= settings.get("parameters", {})
        mapping = self.folder / "mapping.yaml"
        mapping = mapping if mapping.exists() else self.folder.parent / "mapping.yaml"
        command = ["convert", str(items_file), "-t", settings.get("template", self.template)]
        command += ["-m", str(mapping), "-o", str(out)]
        for name, value in parameters.items():
            command += ["-p", f"{name}={value}"]
        for option in ("as_of", "batch_number", "first_voucher"):
            if option in settings:
                command += [f"--{option.replace('_', '-')}", str(settings[option])]
        return CliRunner().invoke(main, command)


@dataclass(frozen=True)
class Converted:
    """The result of a case, its files, and what they were made and proved of."""

    result: Result
    files: dict[str, bytes]
    recipes: list[Recipe]
    proved: list[tuple[Rendered, pl.DataFrame]]


@functools.cache
def converted(case: Case) -> Converted:
    """Convert a case once for all tests of this process."""
    recipes: list[Recipe] = []
    proved: list[tuple[Rendered, pl.DataFrame]] = []
    load, prove = pipeline.load_recipe, pipeline.prove

    def remember_recipe(*given: Any, **named: Any) -> Recipe:
        recipes.append(load(*given, **named))
        return recipes[-1]

    def remember(rendered: Rendered, postings: pl.DataFrame) -> Proof:
        proved.append((rendered, postings))
        return prove(rendered, postings)

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(pipeline, "load_recipe", remember_recipe)
        patch.setattr(pipeline, "prove", remember)
        out = Path(folder) / "out"
        return Converted(case.convert(out), outputs(out), recipes, proved)


def all_cases() -> Iterator[Case]:
    """Give every case, in the order of their names."""
    for path in sorted(ROOT.glob("*/*/case.yaml")):
        yield Case(path.parent)


def together() -> list[Any]:
    """Give every case as a parameter; all tests of a case share a worker, and its conversion."""
    return [
        pytest.param(case, id=case.name, marks=pytest.mark.xdist_group(case.name))
        for case in all_cases()
    ]


def outputs(folder: Path) -> dict[str, bytes]:
    """Give what must be equal: what the ERP and Pleo are told, without release parts."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or name in NOT_COMPARED:
            continue
        content = path.read_bytes()
        if path.suffix == ".xlsx":
            found[f"{name}.cells"] = cells_of_workbook(content)
            continue
        found[name] = stable_manifest(content) if name == "manifest.json" else content
    return found


def stable_manifest(content: bytes) -> bytes:
    """Drop from a manifest what changes with every release."""
    manifest = json.loads(content)
    for part in RELEASE_PARTS:
        manifest.pop(part, None)
    for part in ("template", "mapping"):
        manifest[part].pop("sha256", None)
    for file in manifest["files"]:
        if file["name"].endswith(".xlsx"):  # these say which library wrote it, and how it packs
            manifest.pop("content", None)
            file.pop("sha256", None)
            file.pop("bytes", None)
    return (json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()


_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def cells_of_workbook(content: bytes) -> bytes:
    """Give the cells of a workbook as lines: texts as they are, numbers as #VALUE FORMAT.

    Read from the parts of the zip, so that nothing is computed or guessed on the way. A formula
    or a link would show as such.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        parts = {name: ElementTree.fromstring(book.read(name)) for name in book.namelist()}
    strings = parts.get("xl/sharedStrings.xml", ElementTree.Element("none"))
    texts = ["".join(entry.itertext()) for entry in strings]
    styles = parts["xl/styles.xml"]
    formats = {f.get("numFmtId"): f.get("formatCode") for f in styles.iter(f"{_SHEET}numFmt")}
    used = [xf.get("numFmtId") for xf in styles.find(f"{_SHEET}cellXfs") or ()]
    lines = []
    sheet = parts["xl/worksheets/sheet1.xml"]
    for row in sheet.iter(f"{_SHEET}row"):
        cells: dict[int, str] = {}
        for cell in row:
            place = 0
            for letter in cell.get("r", "").rstrip("0123456789"):
                place = place * 26 + ord(letter) - 64
            value = "".join(part.text or "" for part in cell.iter(f"{_SHEET}v"))
            kind = used[int(cell.get("s", "0"))]
            shown = f"#{value} {formats.get(kind) or f'format {kind}'}"
            if cell.get("t") == "s":
                shown = texts[int(value)]
            elif cell.get("t") == "inlineStr":
                shown = "".join(cell.itertext())
            if cell.find(f"{_SHEET}f") is not None:
                shown = f"FORMULA {shown}"
            cells[place] = shown
        lines.append("\t".join(cells.get(n, "") for n in range(1, max(cells) + 1)))
    lines += ["LINK" for _link in sheet.iter(f"{_SHEET}hyperlink")]
    return "".join(f"{line}\n" for line in lines).encode()


def write_expected(case: Case, out: Path) -> None:
    """Replace the expected files of a case by what came out."""
    shutil.rmtree(case.expected, ignore_errors=True)
    for name, content in outputs(out).items():
        target = case.expected / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _item(short: dict[str, Any]) -> dict[str, Any]:
    given = dict(short)
    if isinstance(given.get("vendor"), dict):
        given["vendor"] = vendor(**given["vendor"])
    if isinstance(given.get("invoice"), dict):
        given["invoice"] = invoice(**given["invoice"])
    return item(**given)


class _TextLoader(yaml.SafeLoader):
    """Plain YAML whose dates and amounts stay text."""


_TextLoader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern) for tag, pattern in resolvers if not tag.endswith(("float", "timestamp"))
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _read_yaml(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_TextLoader) or {}  # noqa: S506
