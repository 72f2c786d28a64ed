"""Whose outbox it is: a small file in it names the ledger that released its batches.

A ledger that does not know what was released would release it again. So a command stops when the
outbox is another ledger's, or holds batches that the ledger has never heard of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from etl import files
from etl.batches.ledger import Batch, Ledger
from etl.batches.ledger.sealing import write_json
from etl.batches.states import State
from etl.documents import read_json
from etl.errors import Problem, UserMustFix

NAME = ".pleo-etl.json"
SCHEMA = 1
_MAX_BYTES = 4096
#: Folders of released batches: number and id.
_BATCH_FOLDER = re.compile(r"[0-9]{4,}-[0-9a-f]+")
_UNRELEASED = (State.STAGED, State.APPROVED, State.STARTED)


def check_identity(
    outbox: Path, *, ledger: Ledger, company_id: str, is_writing: bool = True
) -> None:
    """Refuse an outbox of another ledger or company; make an empty one ours.

    Needs: outbox, the folder of the company.
    Raises: UserMustFix LED-13, LED-14, LED-15; OUT-2.
    """
    found = read_identity(outbox)
    batches = {batch.id: batch for batch in ledger.batches(company_id)}
    if found is not None and found["company"] != company_id.casefold():
        raise _foreign(outbox, "another company of Pleo")
    if found is not None and found["ledger"] != ledger.id and batches:
        raise _foreign(outbox, "another ledger")
    unknown = [name for name in _released(outbox) if not _knows(batches, name)]
    if unknown or (found is not None and found["ledger"] != ledger.id):
        raise _unknown_batches(outbox, unknown)
    if found is None and is_writing:
        write_identity(outbox, ledger_id=ledger.id, company_id=company_id)


def _released(outbox: Path) -> list[str]:
    """Give the folders of released batches."""
    if not outbox.is_dir():
        return []
    return sorted(path.name for path in outbox.iterdir() if _BATCH_FOLDER.fullmatch(path.name))


def _knows(batches: Mapping[str, Batch], name: str) -> bool:
    """Say whether the ledger knows that a batch was, or was about to be, released.

    An old copy of the ledger that was put back does not.
    """
    batch = batches.get(name.partition("-")[2])
    if batch is None:
        return False
    return batch.state not in _UNRELEASED or batch.publish_intended_at is not None


def read_identity(outbox: Path) -> Mapping[str, Any] | None:
    """Give what the outbox says about its ledger and company; None when it says nothing.

    Raises: UserMustFix LED-15.
    """
    try:
        with (outbox / NAME).open("rb") as handle:
            found = read_json(handle.read(_MAX_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        found = None
    wanted = {"schema": int, "ledger": str, "company": str}
    is_whole = isinstance(found, dict) and all(
        isinstance(found.get(name), kind) for name, kind in wanted.items()
    )
    if not is_whole or found["schema"] != SCHEMA:
        raise _unreadable(outbox)
    return dict(found)


def write_identity(outbox: Path, *, ledger_id: str, company_id: str) -> None:
    """Say in an outbox which ledger and company it belongs to.

    Raises: UserMustFix OUT-2.
    """
    said = {"schema": SCHEMA, "ledger": ledger_id, "company": company_id.casefold()}
    files.make_folder(outbox)
    files.write_atomic(outbox / NAME, write_json(said).encode() + b"\n")


def _foreign(outbox: Path, whose: str) -> UserMustFix:
    return UserMustFix(
        Problem(
            "LED-13",
            f"the outbox belongs to {whose}",
            files.shown_path(outbox),
            "work with the ledger that released its batches, or name another outbox in"
            " pleo-etl.yaml",
        )
    )


def _unknown_batches(outbox: Path, names: Sequence[str]) -> UserMustFix:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    what = f"that {names[0]}{more} was released" if names else "what was released"
    return UserMustFix(
        Problem(
            "LED-14",
            f"the ledger does not know {what} into the outbox",
            files.shown_path(outbox),
            "put the ledger back that released it, or make it again from the outbox and Pleo with"
            " `pleo-etl ledger rebuild`",
        )
    )


def _unreadable(outbox: Path) -> UserMustFix:
    return UserMustFix(
        Problem(
            "LED-15",
            f"{NAME} does not say in a known way whose outbox this is",
            files.shown_path(outbox),
            "put the file back as it was, or write it again with `pleo-etl ledger rebuild`; a"
            " newer pleo-etl may have written it",
        )
    )
