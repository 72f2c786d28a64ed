"""The stored recipe: a copy of all that decides the bytes of a batch besides its items.

    workspace ─ store ─> recipe-<r>/  the files by the names that messages call them, recipe.json
    recipe-<r>/ ─ load ─> the same recipe, whatever became of the workspace since

A pleo-etl or a library of another version would make other bytes, and is refused.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl import files
from etl.assembling import recipe_parts, versions
from etl.batches.recipe import hash_document
from etl.checking import parameter_door
from etl.conversion import Recipe
from etl.documents import read_json
from etl.errors import Problem, UserMustFix
from etl.live.stored import changed
from etl.pipeline import Request, import_guide_path, load_recipe
from etl.rendering.parameters import Door
from etl.rendering.templates import Shelf
from etl.workspace import Workspace

HEAD = "recipe.json"
SCHEMA = 1
_VERSION = "version/"
_STORED = Door("parameters", "stage the batch again with `pleo-etl run`; see {name}")


def workspace_recipe(workspace: Workspace, name: str) -> Recipe:
    """Load the recipe that a company has now.

    Raises: UserMustFix with everything that is wrong with its template and mapping.
    """
    company = workspace.companies[name]
    own = workspace.root / company.template
    request = Request(
        sources=(),
        template=str(own) if own.exists() else company.template,
        mapping=workspace.mapping_path(name),
        parameters=company.parameters,
        door=parameter_door(workspace, name),
    )
    shelf = Shelf(workspace.root, workspace.root)
    recipe = load_recipe(request, shelf=shelf)
    theirs = recipe.mapping.company.id
    if company.id.casefold() != theirs.casefold():
        raise UserMustFix(
            Problem(
                "WS-3",
                f'company "{name}" has id {company.id}, but its mapping is for {theirs}',
                str(workspace.document.place("companies", name, "id")),
                "correct the id in one of the two files",
            )
        )
    return recipe


def store_recipe(workspace: Workspace, name: str, *, folder: Path) -> None:
    """Copy the recipe that a company has now into a folder; what was there is gone.

    Raises: UserMustFix with what is wrong with the recipe, OUT-2 when the disk refuses.
    """
    recipe = workspace_recipe(workspace, name)
    copies = list(_copies(recipe))
    files.remove_folder(folder)
    hashes: dict[str, str] = {}
    for copy in copies:
        content = _read(copy)
        assert hashes.get(copy.name) in (None, files.sha256(content)), copy.name
        hashes[copy.name] = files.sha256(content)
        files.make_private_folder((folder / copy.name).parent)
        files.write_private(folder / copy.name, content)
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "template": recipe.template.read_from[0].name,
        "mapping": recipe.mapping.document.name,
        "parameters": dict(workspace.companies[name].parameters),
        "bases": _bases(recipe),
        "files": hashes,
    }
    head["parts"] = dict(recipe_parts(_load(folder, head)).parts)
    head["seal"] = hash_document(head)
    text = json.dumps(head, ensure_ascii=False, sort_keys=True, indent=1)
    files.write_private(folder / HEAD, text.encode() + b"\n")


def load_stored_recipe(folder: Path, *, any_version: bool = False) -> Recipe:
    """Load a stored recipe.

    Raises: UserMustFix LINE-1 where this pleo-etl, or a library, would make other bytes of it
    (unless any version will do); LINE-2 where it is no longer what was stored.
    """
    raw, head = _checked(folder)
    recipe = _loaded(folder, raw)
    parts = dict(recipe_parts(recipe).parts)
    if parts != head["parts"] and not any_version:
        raise _other_version(head["parts"], parts)
    return recipe


def check_stored_recipe(folder: Path) -> None:
    """Make sure that a stored recipe is as it was stored, and of these versions; load nothing.

    Raises: UserMustFix LINE-1, LINE-2.
    """
    _raw, head = _checked(folder)
    then = {name: part for name, part in head["parts"].items() if name.startswith(_VERSION)}
    now = {_VERSION + name: version for name, version in versions().items()}
    if then != now:
        raise _other_version(then, now)


def load_trial_recipe(folder: Path, mapping: Path) -> Recipe:
    """Load the template and parameters of a stored recipe, of whatever version, with a mapping.

    Raises: UserMustFix with everything that is wrong with the mapping.
    """
    load_stored_recipe(folder, any_version=True)
    _raw, head = _head(folder)
    return _load(folder, head, mapping=mapping)


@functools.lru_cache(maxsize=4)
def _loaded(folder: Path, raw: bytes) -> Recipe:
    """Load a recipe once: its head names the hash of every file, so it stands for all of them."""
    return _load(folder, read_json(raw))


def _load(folder: Path, head: dict[str, Any], *, mapping: Path | None = None) -> Recipe:
    bases = {name: folder / base for name, base in head["bases"].items()}
    request = Request(
        sources=(),
        template=str(folder / head["template"]),
        mapping=mapping or folder / head["mapping"],
        parameters=head["parameters"],
        door=_STORED,
    )
    return load_recipe(request, shelf=Shelf(None, folder, bases))


def _checked(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """Give the head of a stored recipe of which every file is as it was stored."""
    raw, head = _head(folder)
    for name, sha256 in head["files"].items():
        try:
            content = (folder / name).read_bytes()
        except OSError:
            raise changed(folder / name) from None
        if files.sha256(content) != sha256:
            raise changed(folder / name)
    return raw, head


def _head(folder: Path) -> tuple[bytes, dict[str, Any]]:
    path = folder / HEAD
    try:
        raw = path.read_bytes()
        head = read_json(raw)
    except (OSError, ValueError, RecursionError):
        raise changed(path) from None
    if not isinstance(head, dict) or head.get("schema") != SCHEMA:
        raise changed(path)
    if head.pop("seal", None) != hash_document(head):
        raise changed(path)
    return raw, head


def _other_version(then: dict[str, str], now: dict[str, str]) -> UserMustFix:
    """Say what makes other bytes now than when the batch was staged."""
    names = [
        name.removeprefix(_VERSION)
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
    said = [
        f"{name} {then.get(_VERSION + name)} (now {now.get(_VERSION + name)})"
        if _VERSION + name in then
        else name
        for name in names
    ]
    return UserMustFix(
        Problem(
            "LINE-1",
            f"the batch was staged with {', '.join(said)}: its files could come out differently",
            "",
            "stage it again with `pleo-etl run` and approve it anew, or install the versions of"
            " then",
        )
    )


@dataclass(frozen=True, slots=True)
class _Copy:
    """A file to be copied: where it lies, and its name in the copy."""

    path: Path
    name: str


def _copies(recipe: Recipe) -> Iterator[_Copy]:
    """Give every file that a recipe was read from, and the guide of its import."""
    template, mapping = recipe.template, recipe.mapping
    for file in template.read_from:
        yield _Copy(file.path, file.name)
    guide = import_guide_path(template)
    if guide.is_file():
        beside = Path(template.read_from[0].name).parent
        yield _Copy(guide, (beside / guide.name).as_posix())
    named = Path(mapping.document.name).parent
    for name in mapping.fingerprint:
        yield _Copy(mapping.document.path.parent / name, (named / name).as_posix())


def _bases(recipe: Recipe) -> dict[str, str]:
    """Say where in the copy the templates lie that others extend."""
    chain = recipe.template.read_from
    return {
        file.extends: base.name
        for file, base in itertools.pairwise(chain)
        if file.extends is not None
    }


def _read(copy: _Copy) -> bytes:
    try:
        return copy.path.read_bytes()
    except OSError as error:
        what = f"cannot read {copy.name}: {error.strerror}"
        raise UserMustFix(Problem("DOC-4", what, copy.name, "check the name")) from None
