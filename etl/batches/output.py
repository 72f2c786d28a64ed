"""The output folder: written as a whole or not at all, and never touching what is not ours.

    plan    every name, every collision, every file already there        (nothing written)
    parts   all new files under temporary names, synced                  (where a disk is full)
    swap    old manifest away, old files away, new files in, manifest last
    clear   the old files

A manifest in the folder means that the folder is whole. What stops halfway is undone; after a
kill the same command finishes, because it knows its own bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from etl.batches.manifest import MANIFEST, Made
from etl.batches.reading import parse_manifest
from etl.errors import Problem, UserMustFix
from etl.files import (
    cannot_write,
    is_safe_name,
    is_temporary,
    sha256,
    sync_folder,
    temporary_name,
    write_part,
)
from etl.log import LOGGER

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Owner:
    """Which conversion a folder belongs to: another month or another ERP is another folder."""

    company: str
    template: str
    number: int


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """What will be written, and which files of an earlier run give way. Manifest last."""

    folder: Path
    new: Sequence[Made]
    old: Sequence[Path]


def plan_output(folder: Path, files: Sequence[Made], *, owner: Owner) -> OutputPlan:
    """Check every name, and everything that is already there, before the first write.

    Needs: files with manifest.json last.
    Raises: UserMustFix OUT-1 (foreign or changed files), OUT-2 (folder cannot be read), OUT-3
    (two files of one name, or a name that no file may have).
    """
    assert files[-1].name == MANIFEST
    _check_names(files)
    try:
        present = sorted(folder.iterdir()) if folder.exists() or folder.is_symlink() else []
    except NotADirectoryError:
        raise _foreign([folder], "is a file, not a folder") from None
    except OSError as error:
        raise cannot_write(folder / MANIFEST, error) from None
    owned = _owned_hashes(folder, owner)
    new = {file.name: sha256(file.content) for file in files}
    old, foreign = [], []
    for path in present:
        names = owned.keys() | new.keys()
        if path.is_symlink() or not path.is_file():
            ours = False
        elif is_temporary(path.name):
            ours = True
        else:
            accepted = {owned.get(path.name), new.get(path.name)} - {None}
            ours = bool(accepted) and _hash_file(path) in accepted
        if ours:
            old.append(path)
        elif not owned or path.name in names:
            foreign.append(path)
    if foreign:
        changed = bool(owned)
        raise _foreign(foreign, "has been changed" if changed else "was not written by pleo-etl")
    old.sort(key=lambda path: path.name != MANIFEST)
    return OutputPlan(folder, files, old)


def _check_names(files: Sequence[Made]) -> None:
    seen: dict[str, str] = {}
    problems = []
    for file in files:
        fix = "change the file name in the template, or the parameters that it prints"
        if not is_safe_name(file.name):
            what = f'"{file.name}" cannot be the name of a file on every system'
            problems.append(Problem("OUT-3", what, "files: name", fix))
        elif file.name.casefold() in seen:
            what = f'two files would be named "{file.name}"'
            problems.append(Problem("OUT-3", what, "files: name", fix))
        seen[file.name.casefold()] = file.name
    if problems:
        raise UserMustFix(problems)


def _owned_hashes(folder: Path, owner: Owner) -> Mapping[str, str]:
    """Give the files that the manifest in the folder lists, if it is that of this conversion."""
    path = folder / MANIFEST
    # A killed run may have left the manifest only under the name that put it aside.
    put_aside = sorted(folder.glob(f".pleo-etl.{MANIFEST}.*.old"))
    if not path.exists() and put_aside:
        path = put_aside[0]
    if path.is_symlink() or not path.is_file():
        return {}
    try:
        raw = path.read_bytes()
        manifest = parse_manifest(raw, where=str(path))
    except OSError as error:
        raise cannot_write(path, error) from None
    except UserMustFix:
        raise _foreign([path], "has been changed, or is not pleo-etl's") from None
    batch, template = manifest.head["batch"], manifest.head["template"]
    found = Owner(batch["company"], template["id"], batch["number"])
    if found != owner:
        what = f"holds batch {found.number} of template {found.template}"
        raise _foreign([folder], f"{what}, company {found.company}")
    return manifest.hashes | {MANIFEST: sha256(raw)}


def _foreign(paths: Sequence[Path], what: str) -> UserMustFix:
    return UserMustFix(
        [
            Problem(
                "OUT-1", f"{path.name or path} {what}", str(path),
                "give another folder with -o, or move what is there away",
            )
            for path in paths
        ]
    )  # fmt: skip


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as handle:
            while chunk := handle.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise cannot_write(path, error) from None
    return digest.hexdigest()


class _Undo:
    """Steps taken so far, and how to take them back in reverse."""

    def __init__(self) -> None:
        self.steps: list[Callable[[], object]] = []

    def later(self, step: Callable[[], object]) -> None:
        self.steps.append(step)

    def run(self) -> None:
        for step in reversed(self.steps):
            try:
                step()
            except OSError:
                # The first failure is what the user must hear; what cannot be taken back now
                # carries a name that the next run knows as its own.
                continue


def write_output(plan: OutputPlan) -> None:
    """Carry out a plan: all of it, or nothing.

    Raises: UserMustFix OUT-2 when the disk or the folder refuses; the folder is as before then.
    """
    undo = _Undo()
    try:
        _make_folder(plan.folder, undo)
        parts = []
        for file in plan.new:
            part = write_part(plan.folder / file.name, file.content)
            undo.later(partial(part.unlink, missing_ok=True))
            parts.append(part)
        aside = _swap(plan, parts, undo=undo)
    except OSError as error:
        undo.run()
        raise cannot_write(plan.folder / MANIFEST, error) from error
    except BaseException:
        undo.run()
        raise
    for path in aside:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            # The folder is whole; the next run knows the name and clears it.
            LOGGER.warning("cannot remove %s: %s", path, error.strerror)


def _make_folder(folder: Path, undo: _Undo) -> None:
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    for part in reversed(missing):
        part.mkdir()
        undo.later(part.rmdir)


def _swap(plan: OutputPlan, parts: Sequence[Path], *, undo: _Undo) -> list[Path]:
    """Put the old files aside and the new ones in place; give the paths put aside."""
    aside = []
    for path in plan.old:
        if is_temporary(path.name):
            aside.append(path)
            continue
        away = temporary_name(path, "old")
        # Noted before it is done: a signal may come between any two steps.
        undo.later(partial(os.replace, away, path))
        os.replace(path, away)
        aside.append(away)
    for file, part in zip(plan.new, parts, strict=True):
        target = plan.folder / file.name
        if file.name == MANIFEST:
            sync_folder(plan.folder)
        undo.later(partial(target.unlink, missing_ok=True))
        os.replace(part, target)
    sync_folder(plan.folder)
    return aside
