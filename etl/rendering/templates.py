"""Find and read templates: the workspace's own first, then the shipped ones.

-t sie4            templates/sie4/ of the workspace, else the shipped sie4
-t ./my/template   a folder with template.yaml, or the file itself
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from etl.documents import Document, near_match, read_document, resolve_inside
from etl.errors import Problem, UserMustFix
from etl.files import shown_path
from etl.rendering.chosen import settled
from etl.rendering.document import FileSpec, TemplateDocument, Variant
from etl.rendering.layouts import read_layout
from etl.rendering.parameters import BUILT_IN, ON_COMMAND_LINE, Door, check_values
from etl.rendering.variants import apply_variant
from etl.shipped import shipped_folder, shipped_templates

FILE_NAME = "template.yaml"
MAX_EXTENDS = 5


@dataclass(frozen=True, slots=True)
class ReadFrom:
    """A file of a template: where it lies, what it is called in a copy of the template, and the id
    of the template that it extends, if it is a template.yaml that extends one.
    """

    path: Path
    name: str
    extends: str | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where templates and what they extend are found, and from where their files are named.

    workspace  the folder whose `templates/` comes first
    root       files below it are called by their path from there (None: from here)
    bases      in a copy: where the templates lie that others extend, by id
    """

    workspace: Path | None = None
    root: Path | None = None
    bases: Mapping[str, Path] = field(default_factory=dict)

    def shown(self, path: Path) -> str:
        return _shown(path, self.root)


@dataclass(frozen=True, eq=False)
class Template:
    """A template that was read and checked, with the parameters it was given; equal to none else.

    document     its keys; a variant is already joined with what it extends, and what parameters
                 choose is put in
    source       where every value stands
    layouts      of each file that has one: its text, and what messages call it
    fingerprint  sha256 of every file that was read, by name
    values       typed parameters; defaults until `with_parameters` was called
    written      the keys as they are written, where parameters choose something
    read_from    every file that was read
    """

    document: TemplateDocument
    source: Document
    layouts: Mapping[str, tuple[str, str]]
    fingerprint: Mapping[str, str]
    values: Mapping[str, object] = field(default_factory=dict)
    written: TemplateDocument | None = None
    read_from: tuple[ReadFrom, ...] = ()

    @property
    def id(self) -> str:
        return self.document.id

    @property
    def sha256(self) -> str:
        """Give one hash of everything that the template was read from."""
        lines = "".join(f"{name}\t{value}\n" for name, value in sorted(self.fingerprint.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    def encoding(self, spec: FileSpec) -> str:
        """Give the encoding of a file: written down, or the value of an enum parameter."""
        parameter = encoding_parameter(spec)
        return spec.encoding if parameter is None else str(self.values[parameter])

    def with_parameters(
        self, given: Mapping[str, str], *, door: Door = ON_COMMAND_LINE
    ) -> Template:
        """Give this template with parameters.

        Raises: UserMustFix TPL-14 with every parameter that is unknown, missing or wrong.
        """
        values, problems = check_values(self.document.parameters, given, door=door)
        if problems:
            raise UserMustFix(problems)
        if self.written is None:
            return replace(self, values=values)
        return replace(self, values=values, document=settled(self.written, values))


def encoding_parameter(spec: FileSpec) -> str | None:
    """Give the parameter that names the encoding of a file, if one does."""
    text = spec.encoding.strip()
    if not (text.startswith("{{") and text.endswith("}}")):
        return None
    return text[2:-2].strip().removeprefix("parameters.")


def template_ids(workspace: Path | None = None) -> dict[str, Path]:
    """Give the templates that can be used by id, with their folders; the workspace's come first."""
    found = _own_templates(workspace)
    for name in shipped_templates():
        found.setdefault(name, shipped_folder("templates") / name)
    return found


def find_template(name: str, *, workspace: Path | None = None) -> Path:
    """Give the template.yaml of an id or a path.

    Needs: workspace, the folder whose `templates/` comes first (None: none).
    Raises: UserMustFix TPL-3 (no such template), TPL-4 (an own template hides a shipped one).
    """
    path = Path(name)
    if os.path.isdir(path):  # unlike Path.is_dir, it takes any name: a long one is no folder
        path = path / FILE_NAME
    if os.path.isfile(path) and (path.name == FILE_NAME or path.suffix in (".yaml", ".yml")):
        return path
    found = template_ids(workspace)
    if name not in found:
        near = near_match(name, set(found))
        hint = f'did you mean "{near}"?' if near else f"known templates: {', '.join(sorted(found))}"
        raise UserMustFix(Problem("TPL-3", f'there is no template "{name}"', name, hint))
    own = _own_templates(workspace)
    if name in own and name in shipped_templates():
        raise UserMustFix(
            Problem(
                "TPL-4",
                f'the template "{name}" of the workspace hides the shipped one',
                _shown(own[name] / FILE_NAME),
                "give it an id of its own, and say extends where it changes the shipped one",
            )
        )
    return found[name] / FILE_NAME


def read_template(path: Path, *, shelf: Shelf = Shelf()) -> Template:
    """Read a template.yaml with everything it names; nothing is compiled yet.

    Raises: UserMustFix.
    """
    reading = _Reading(shelf)
    source, base = reading.extended(path)
    document = source.load(TemplateDocument)
    document = document.model_copy(update={"parameters": {**BUILT_IN, **document.parameters}})
    layouts = {
        name: reading.layout(name, spec.layout, source=source, base=base)
        for name, spec in document.files.items()
        if spec.layout is not None
    }
    chosen = settled(document, {})
    written = None if chosen is document else document
    return Template(
        chosen,
        source,
        layouts,
        reading.fingerprint,
        written=written,
        read_from=tuple(reading.read_from),
    )


class _Reading:
    """Reads the files of a template, and keeps what was read."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.fingerprint: dict[str, str] = {}
        self.read_from: list[ReadFrom] = []

    def extended(self, path: Path, depth: int = 0) -> tuple[Document, Path]:
        """Read a template.yaml and what it extends; give both as one, and the path of the last."""
        shown = self.shelf.shown(path)
        source = read_document(path, name=shown)
        self.fingerprint[_unique(self.fingerprint, path.name)] = _sha256(path)
        if not (isinstance(source.data, dict) and "extends" in source.data):
            self.read_from.append(ReadFrom(path, shown))
            return source, path
        variant = source.load(Variant)
        self.read_from.append(ReadFrom(path, shown, variant.extends))
        where = str(source.place("extends"))
        if depth >= MAX_EXTENDS:
            raise UserMustFix(
                Problem(
                    "TPL-5",
                    f"templates extend each other more than {MAX_EXTENDS} times, or in a circle",
                    where,
                    "extend a template that stands on its own",
                )
            )
        base_path = _base_of(variant.extends, path, shelf=self.shelf, where=where)
        base, last = self.extended(base_path, depth + 1)
        base.load(TemplateDocument)
        return apply_variant(base, source), last

    def layout(self, name: str, layout: str, *, source: Document, base: Path) -> tuple[str, str]:
        """Give the text of a layout and what messages call it; a text with tags is inline."""
        place = source.place("files", name, "layout")
        if "\n" in layout or "{{" in layout or "{%" in layout:
            return layout, source.name
        path = resolve_inside(base.parent, layout, place)
        shown = self.shelf.shown(path)
        try:
            text = read_layout(path, name=shown)
        except UserMustFix as error:
            missing = [
                replace(problem, where=str(place)) if problem.code == "DOC-4" else problem
                for problem in error.problems
            ]
            raise UserMustFix(missing) from None
        self.fingerprint[_unique(self.fingerprint, layout)] = _sha256(path)
        beside = Path(self.shelf.shown(base)).parent
        self.read_from.append(ReadFrom(path, (beside / layout).as_posix()))
        return text, shown


def _base_of(name: str, path: Path, *, shelf: Shelf, where: str) -> Path:
    """Find what a variant extends: a template beside it, one of the workspace, a shipped one."""
    if name in shelf.bases:
        return shelf.bases[name]
    beside = path.parent.parent / name / FILE_NAME
    if beside.is_file():
        return beside
    try:
        return find_template(name, workspace=shelf.workspace)
    except UserMustFix as error:
        raise UserMustFix([replace(problem, where=where) for problem in error.problems]) from None


def _own_templates(workspace: Path | None) -> dict[str, Path]:
    if workspace is None:
        return {}
    folder = workspace / "templates"
    if folder.resolve() == shipped_folder("templates").resolve():
        return {}  # the workspace is a checkout: its templates are the shipped ones
    return {file.parent.name: file.parent for file in sorted(folder.glob(f"*/{FILE_NAME}"))}


def _shown(path: Path, root: Path | None = None) -> str:
    """Name a file in messages: shipped ones from `templates/` on, others from here on.

    One that lies elsewhere is named with its folder, which is called like the template.
    """
    shipped = shipped_folder("templates")
    if path.is_relative_to(shipped):
        return (Path("templates") / path.relative_to(shipped)).as_posix()
    shown = shown_path(path, root=root)
    return shown if "/" in shown else f"{path.absolute().parent.name}/{shown}"


def _unique(fingerprint: Mapping[str, str], name: str) -> str:
    """Give a name that is not taken yet (a variant and its base are both template.yaml)."""
    number, wanted = 1, name
    while name in fingerprint:
        number += 1
        name = f"{wanted}#{number}"
    return name


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def folder_problems(template: Template, path: Path) -> Sequence[Problem]:
    """Say where the id of a template is not the name of its folder."""
    if path.name != FILE_NAME or path.parent.name in ("", template.id):
        return []
    return [
        Problem(
            "TPL-18",
            f'the template "{template.id}" lies in the folder "{path.parent.name}"',
            str(template.source.place("id")),
            "give both the same name",
        )
    ]
