"""Where the live flow keeps its folders, and what may be said of one by looking into it.

<root>/.pleo-etl/batches/<company>/<batch id>/    private: input, recipe, revisions
<outbox>/<company>/<0007>-<batch id>/             released: what a person imports
<outbox>/<company>/withdrawn/<batch id>/          released, and taken back
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from etl import files
from etl.batches.ledger import Batch
from etl.batches.reading import read_manifest
from etl.errors import UserMustFix
from etl.workspace import PRIVATE_FOLDER

DO_NOT_IMPORT = "DO-NOT-IMPORT.txt"
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one company."""

    root: Path
    outbox_root: Path
    name: str

    @property
    def private(self) -> Path:
        """Give the folder of all stored batches of the company."""
        return self.root / PRIVATE_FOLDER / "batches" / self.name

    @property
    def outbox(self) -> Path:
        """Give the folder of everything that was released for the company."""
        return self.outbox_root / self.name

    def stored(self, batch_id: str) -> Path:
        """Give the private folder of a batch."""
        return self.private / batch_id

    def released(self, batch: Batch) -> Path:
        """Give the folder in the outbox under which a batch is, or would be, released.

        It stays where it was put when the outbox, or the company, has another name since.
        """
        put = self.root / str(batch.facts.get("published_folder") or "")
        place = self.outbox / f"{batch.number:04d}-{batch.id}"
        return put if put.name == place.name and put.is_dir() else place

    def withdrawn(self, batch: Batch) -> Path:
        """Give the folder of a batch that was taken back."""
        return self.outbox / "withdrawn" / batch.id

    def shown(self, path: Path) -> str:
        """Name a folder of the workspace in a message."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else (
            files.shown_path(path)
        )  # fmt: skip


def content_in(folder: Path) -> str | None:
    """Give the content hash of a folder of ours: None unless every file in it is unchanged.

    The manifest is sealed, and lists the hash of every file; a note that says not to import is
    no part of the content.
    """
    try:
        manifest = read_manifest(folder)
        known = manifest.hashes | manifest.receipts()
        if any(_hash_file(folder / name) != sha256 for name, sha256 in known.items()):
            return None
    except (UserMustFix, OSError):
        return None
    content: str = manifest.head["content"]
    return content


def holds_exactly(folder: Path, hashes: Mapping[str, str]) -> bool:
    """Say whether a folder holds these files (path -> SHA-256) and nothing else at all.

    A link, another file or another folder beside them is something else: all that lies there is
    renamed into the outbox, and a person imports what they find in it.
    """
    folders = {parent for name in hashes for parent in PurePosixPath(name).parents}
    found = set()
    try:
        if folder.is_symlink() or not folder.is_dir():
            return False
        for path in folder.rglob("*"):
            inside = path.relative_to(folder).as_posix()
            if path.is_symlink():
                return False
            if path.is_dir():
                if PurePosixPath(inside) not in folders:
                    return False
            elif not path.is_file() or _hash_file(path) != hashes.get(inside):
                return False
            else:
                found.add(inside)
    except OSError:
        return False
    return found == hashes.keys()


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sweep(folder: Path, *, below: bool = True) -> None:
    """Remove what a killed command has left under temporary names, in a folder and below it."""
    found = folder.rglob("*") if below else folder.glob("*")
    for path in [path for path in found if files.is_temporary(path.name)]:
        if path.is_dir() and not path.is_symlink():
            files.remove_folder(path)
        else:
            files.remove_file(path)


def forbid_import(folder: Path, *, batch: Batch, why: str, option: str = "") -> bool:
    """Put DO-NOT-IMPORT.txt into a released folder; False when the folder is not there.

    Needs: the option that names the company in calls, where the workspace has several.

    Raises: UserMustFix OUT-2 when the disk refuses.
    """
    if not folder.is_dir():
        return False
    if not (folder / DO_NOT_IMPORT).exists():
        files.write_atomic(folder / DO_NOT_IMPORT, _note(batch, why, option).encode())
    return True


def _note(batch: Batch, why: str, option: str) -> str:
    return f"""DO NOT IMPORT THESE FILES.

Batch {batch.number} ({batch.id}) was released, but Pleo does not count its items as exported:
{why}.

Not imported yet:      pleo-etl settle {batch.id} --not-imported{option}
                       The items can then be exported again in Pleo.
Imported already:      pleo-etl settle {batch.id} --imported{option}
                       Do not export these items in Pleo again: they would be booked twice.
"""
