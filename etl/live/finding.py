"""Where the files of a batch lie: released, withdrawn, or one of its revisions."""

from __future__ import annotations

from pathlib import Path

from etl.batches.ledger import Batch
from etl.batches.manifest import MANIFEST
from etl.errors import Problem, UserMustFix
from etl.live.folders import Folders
from etl.live.outcomes import name_of
from etl.live.viewing import folder_of


def find_files(folders: Folders, batch: Batch, *, revision: int | None = None) -> Path:
    """Give the folder with the files of a batch, or of one of its revisions.

    Raises: UserMustFix REVIEW-2 where there is none (any more).
    """
    folder = folder_of(folders, batch, batch.revision if revision is None else revision)
    if (folder / MANIFEST).is_file():
        return folder
    which = name_of(batch) if revision is None else f"revision {revision} of {name_of(batch)}"
    raise UserMustFix(
        Problem(
            "REVIEW-2",
            f"the files of {which} are not here",
            folders.shown(folder),
            "`pleo-etl history` lists the batches; a batch that was never rendered has no files,"
            " and released ones lie in the outbox until somebody takes them away",
        )
    )
