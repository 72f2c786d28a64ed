"""What is stored of batches that ended long ago is removed, where the workspace says so.

    .pleo-etl/batches/<company>/<batch id>/
        removed.json             written first: says since when, and by which setting
        job.json                 stays
        r<n>/manifest.json       stays; the ledger and released folders are not touched at all
        everything else          goes: items, receipts, recipes, files of the revisions

Stopped halfway, the next writing command goes on; nothing that goes is read any more by then.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path

from etl import files
from etl.batches.ledger import Batch
from etl.batches.manifest import MANIFEST
from etl.batches.states import State
from etl.live.desk import Desk
from etl.live.stored import JOB, REMOVED
from etl.sentences import counted

_REVISION = re.compile(r"r[0-9]+")


def forget(desk: Desk) -> int:
    """Remove what is stored of batches that ended longer ago than the workspace keeps it.

    Gives: of how many batches something was removed.
    Raises: UserMustFix OUT-2 when the disk refuses.
    """
    retention = desk.workspace.settings.retention
    if retention is None:
        return 0
    before = desk.clock.now() - dt.timedelta(days=retention.days)
    waiting = desk.unsettled()
    needed = str(waiting.facts.get("reverses") or "") if waiting is not None else ""
    count = 0
    for batch in desk.ledger.batches(desk.company_id, states=[State.CLOSED, State.VOIDED]):
        if batch.id != needed and _ended(batch) < before:
            count += _remove(desk, batch, days=retention.days)
    if count:
        desk.remark(
            f"removed what was stored of {counted(count, 'batch')} that ended more than"
            f" {counted(retention.days, 'day')} ago; manifests, ledger and released files stay"
        )
    return count


def _ended(batch: Batch) -> dt.datetime:
    ended = batch.facts.get("closed_at") or batch.facts.get("voided_at")
    return batch.created_at if ended is None else dt.datetime.fromisoformat(str(ended))


def _remove(desk: Desk, batch: Batch, *, days: int) -> bool:
    folder = desk.folders.stored(batch.id)
    going = list(_what_goes(folder))
    if not going:
        return False
    said = {"at": desk.clock.now().isoformat(), "days": days}
    files.write_private(folder / REMOVED, json.dumps(said).encode() + b"\n")
    for path in going:
        if path.is_dir() and not path.is_symlink():
            files.remove_folder(path)
        else:
            files.remove_file(path)
    return True


def _what_goes(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if _REVISION.fullmatch(path.name) and path.is_dir():
            yield from (one for one in sorted(path.iterdir()) if one.name != MANIFEST)
        elif path.name not in (JOB, REMOVED):
            yield path
