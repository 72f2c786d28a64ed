"""Take released files back: nobody is to import them, and their items may be exported again.

    withdrawal.json (who) ─> DO-NOT-IMPORT.txt ─> folder to withdrawn/ ─> tx ─> withdrawal.json away
    (the intent, in the batch's private folder)                          (claims freed)

    stopped in between   the next command goes on: what a person has said is not asked again

The files are out of reach before their items are free. The other way round, they could be
imported and exported again.
"""

from __future__ import annotations

import json
from pathlib import Path

from etl import files
from etl.batches.ledger import Batch
from etl.batches.states import Kind, State
from etl.documents import read_json
from etl.errors import Problem, UserMustFix
from etl.live.desk import Desk
from etl.live.folders import DO_NOT_IMPORT
from etl.live.outcomes import name_of

INTENT = "withdrawal.json"


def take_back(desk: Desk, batch: Batch, *, by: str) -> Batch:
    """Take back a batch that is closed or quarantined, and was not imported.

    Raises: UserMustFix ANS-2 if its folder lies in two places; OUT-2.
    """
    intent = _intent(desk, batch)
    files.make_private_folder(intent.parent)
    files.write_private(intent, json.dumps({"by": by}).encode())
    return _carry_out(desk, batch, by=by)


def finish_withdrawals(desk: Desk) -> list[Batch]:
    """Go on with what was stopped; give the batches that were taken back now."""
    finished = []
    for batch in desk.ledger.batches(desk.company_id):
        intent = _intent(desk, batch)
        if intent.is_file():
            if _is_open(batch):
                finished.append(_carry_out(desk, batch, by=_by(intent)))
            files.remove_file(intent)
        elif _has_stale_note(desk, batch):
            files.remove_file(desk.folders.released(batch) / DO_NOT_IMPORT)
    return finished


def _is_open(batch: Batch) -> bool:
    is_closed = batch.state is State.CLOSED and not batch.is_withdrawn
    return is_closed or batch.state is State.QUARANTINED


def _has_stale_note(desk: Desk, batch: Batch) -> bool:
    """Say whether a folder still forbids what a person has said was done."""
    return (
        batch.state is State.CLOSED
        and batch.facts.get("settled_imported") is True
        and (desk.folders.released(batch) / DO_NOT_IMPORT).exists()
    )


def _intent(desk: Desk, batch: Batch) -> Path:
    return desk.folders.stored(batch.id) / INTENT


def _by(intent: Path) -> str:
    try:
        said = read_json(intent.read_bytes())
        return str(said["by"])
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"


def _carry_out(desk: Desk, batch: Batch, *, by: str) -> Batch:
    source, target = desk.folders.released(batch), desk.folders.withdrawn(batch)
    if source.is_dir():
        if target.exists():
            raise _in_two_places(desk, batch)
        files.write_atomic(source / DO_NOT_IMPORT, _note(batch, by).encode())
        files.make_folder(target.parent)
        files.move_folder(source, target)
    if batch.state is State.QUARANTINED:
        batch = desk.ledger.append(batch, Kind.SETTLED, {"imported": False, "by": by})
    else:
        batch = desk.ledger.append(batch, Kind.WITHDRAWN, {"by": by})
    files.remove_file(_intent(desk, batch))
    return batch


def _in_two_places(desk: Desk, batch: Batch) -> UserMustFix:
    here = desk.folders.shown(desk.folders.released(batch))
    there = desk.folders.shown(desk.folders.withdrawn(batch))
    return UserMustFix(
        Problem(
            "ANS-2",
            f"{name_of(batch)} cannot be taken back: its files lie in two places",
            f"{here} and {there}",
            "remove one of the two folders, then give the command again",
        )
    )


def _note(batch: Batch, by: str) -> str:
    return f"""DO NOT IMPORT THESE FILES.

Batch {batch.number} ({batch.id}) was taken back by {by}, who says that it was not imported.
Its items may be exported again in Pleo; they come in a later batch then.
"""
