"""The private folder of a batch: all that it takes to make the batch again without asking Pleo.

.pleo-etl/batches/<company>/<batch id>/
    job.json           the job as Pleo described it, and the hashes of the input: written last
    items.ndjson       the export items as sent, one per line, without links
    attachments.json   what became of each receipt
    attachments/<n>    receipts, by their place in that list
    recipe-<r>/        all that decided the bytes of revision r besides the items
    r<r>/              revision r, exactly as it would be published
    view-<r>.msgpack   what a person sees of revision r
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from etl import files
from etl.documents import read_json
from etl.errors import Problem, UserMustFix
from etl.live.stripping import strip_links as strip_links
from etl.pleo.links import FileLink as FileLink

JOB, ITEMS, ATTACHMENTS, RECEIPTS = "job.json", "items.ndjson", "attachments.json", "attachments"
#: Stands in the folder when the rest was removed because `retention` says so.
REMOVED = "removed.json"
SCHEMA = 1
_AGAIN = "discard the batch and run again: the items are fetched from Pleo anew"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A receipt of an item, and what became of it. number counts from 1 in the item.

    sha256 is None where there is no file; `problem` says why. With a file and a problem the file
    is not what Pleo announced.
    """

    entry_id: str
    number: int
    name: str
    type: str
    bytes: int
    sha256: str | None
    problem: str | None


class StoredBatch:
    """Reads and writes the private folder of one batch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def recipe_folder(self, revision: int) -> Path:
        """Give the folder of a revision's recipe. Each has its own: an older one still holds."""
        return self.folder / f"recipe-{revision}"

    def revision_folder(self, revision: int) -> Path:
        """Give the folder of a revision."""
        return self.folder / f"r{revision}"

    def revisions(self) -> list[int]:
        """Give the numbers of the revisions whose recipes are stored."""
        found = (path.name.removeprefix("recipe-") for path in self.folder.glob("recipe-*"))
        return sorted(int(number) for number in found if number.isdecimal())

    def view_file(self, revision: int) -> Path:
        """Give where the view of a revision is stored."""
        return self.folder / f"view-{revision}.msgpack"

    @property
    def attachments_folder(self) -> Path:
        """Give the folder into which receipts are downloaded, named by their place from 1."""
        return self.folder / RECEIPTS

    def make(self) -> None:
        """Make the folder, which only its owner may enter, and the one for receipts.

        Raises: UserMustFix OUT-2 when the disk or the folder refuses.
        """
        files.make_private_folder(self.folder)
        files.make_private_folder(self.attachments_folder)

    def has_input(self) -> bool:
        """Say whether the whole input is there; a stop halfway leaves none, nor does retention."""
        return (self.folder / JOB).is_file() and not (self.folder / REMOVED).is_file()

    def write_input(
        self,
        job: Mapping[str, Any],
        *,
        items: Sequence[bytes],
        attachments: Sequence[StoredFile] = (),
    ) -> None:
        """Store the job, its items (without links) and what became of their receipts.

        Needs: the receipts already in `attachments_folder`, named by their place in the list.
        Raises: UserMustFix OUT-2 when the disk or the folder refuses.
        """
        self.make()
        lines = b"".join(_as_line(item) + b"\n" for item in items)
        listed = _json([asdict(file) for file in attachments])
        files.write_private(self.folder / ITEMS, lines)
        files.write_private(self.folder / ATTACHMENTS, listed)
        hashes = {ITEMS: files.sha256(lines), ATTACHMENTS: files.sha256(listed)}
        head = {"schema": SCHEMA, "job": dict(job), "items": len(items), "sha256": hashes}
        files.write_private(self.folder / JOB, _json(head))

    def read_job(self) -> dict[str, Any]:
        """Give the job as it was stored."""
        job: dict[str, Any] = self._head()["job"]
        return job

    def read_items(self) -> list[bytes]:
        """Give the items in the order in which Pleo listed them.

        Raises: UserMustFix LINE-2 if what is stored is no longer what was written.
        """
        return self._read(ITEMS).splitlines()

    def read_attachments(self) -> list[StoredFile]:
        """Give what became of each receipt.

        Raises: UserMustFix LINE-2 if what is stored is no longer what was written.
        """
        return [StoredFile(**entry) for entry in read_json(self._read(ATTACHMENTS))]

    def check_input(self) -> None:
        """Make sure that the items, and what became of their receipts, are as they were stored.

        Raises: UserMustFix LINE-2; REVIEW-3 where `retention` has removed them.
        """
        for name in (ITEMS, ATTACHMENTS):
            self._read(name)

    def contents(self) -> dict[tuple[str, int], Path]:
        """Give where each receipt that could be had lies, by entry id and number."""
        return {
            (file.entry_id, file.number): self.attachments_folder / str(place)
            for place, file in enumerate(self.read_attachments(), start=1)
            if file.sha256 is not None
        }

    def _head(self) -> dict[str, Any]:
        path = self.folder / JOB
        try:
            head = read_json(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            head = None
        if not isinstance(head, dict) or head.get("schema") != SCHEMA:
            raise changed(path)
        return head

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        expected = self._head()["sha256"][name]
        try:
            content = path.read_bytes()
        except OSError:
            raise changed(path) from None
        if files.sha256(content) != expected:
            raise changed(path)
        return content


def changed(path: Path) -> UserMustFix:
    """Say that a stored file is missing, or not what was written."""
    if (path.parent / REMOVED).is_file():
        return _was_removed(path.parent)
    what = f"{path.name} of a stored batch is missing or has been changed"
    return UserMustFix(Problem("LINE-2", what, files.shown_path(path), _AGAIN))


def _was_removed(folder: Path) -> UserMustFix:
    what = "the items and receipts of this batch are not stored any more: it ended too long ago"
    fix = (
        "keep them longer with `retention` in pleo-etl.yaml; of a released batch the outbox has"
        " files and manifest, and `pleo-etl history` what became of it"
    )
    return UserMustFix(Problem("REVIEW-3", what, files.shown_path(folder), fix))


def _json(document: Any) -> bytes:
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _as_line(item: bytes) -> bytes:
    """Put an item on one line. Between the parts of JSON a line break is a blank like any other.

    In an item that is no JSON it becomes a control character: it stays as broken as it was.
    """
    if b"\n" not in item and b"\r" not in item:
        return item or b"\x00"
    try:
        read_json(item)
        blank = b" "
    except (ValueError, RecursionError):
        blank = b"\x00"
    return item.replace(b"\n", blank).replace(b"\r", blank)
