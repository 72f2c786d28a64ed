"""`ledger verify`: is the ledger whole, and is everything in the outbox as it says?

INV  the events, and what was stored beside them       (etl.batches.ledger)
     every released batch lies in the outbox, unchanged
     the outbox holds nothing that the ledger does not know
     Pleo has the verdicts that the ledger holds         (only when asked to look)
"""

from __future__ import annotations

from collections.abc import Sequence

from etl.batches.ledger import Batch, Ledger
from etl.batches.manifest import MANIFEST
from etl.batches.states import State
from etl.errors import Problem
from etl.live.folders import Folders, content_in
from etl.live.outcomes import name_of
from etl.live.reporting import is_as_meant
from etl.pleo.client import PleoClient
from etl.pleo.failures import JobNotFound

_COPY = "put the folder back as it was, from a copy"
#: How many items a message names before it only counts them.
NAMED = 3


def verify_company(
    ledger: Ledger, folders: Folders, *, company_id: str, pleo: PleoClient | None = None
) -> list[Problem]:
    """Compare the batches of a company with its outbox, and with Pleo where a client is given.

    Raises: what Pleo's answers raise.
    """
    batches = ledger.batches(company_id)
    problems = [
        problem for batch in batches if (problem := _folder_problem(batch, folders)) is not None
    ]
    problems += _strangers(batches, folders)
    if pleo is not None:
        problems += [
            problem for batch in batches
            if (problem := _pleo_problem(ledger, batch, pleo)) is not None
        ]  # fmt: skip
    return problems


def _is_out(batch: Batch) -> bool:
    return (
        "published_folder" in batch.facts
        and batch.state is not State.VOIDED
        and not batch.is_withdrawn
    )


def _folder_problem(batch: Batch, folders: Folders) -> Problem | None:
    if not _is_out(batch):
        return None
    folder = folders.released(batch)
    if not folder.is_dir():
        what = f"the folder of {name_of(batch)} is not in the outbox"
        return Problem("ANS-9", what, folders.shown(folder), _COPY)
    if content_in(folder) != batch.content:
        what = f"the folder of {name_of(batch)} is not as it was released"
        fix = f"{_COPY}; `pleo-etl verify {folders.shown(folder)}` names what differs"
        return Problem("ANS-9", what, folders.shown(folder), fix)
    return None


def _strangers(batches: Sequence[Batch], folders: Folders) -> list[Problem]:
    out = {folders.released(batch).name for batch in batches if _is_out(batch)}
    out |= {
        folders.released(batch).name for batch in batches if batch.publish_intended_at is not None
    }
    known = {folders.released(batch).name: batch for batch in batches}
    found = sorted(folders.outbox.iterdir()) if folders.outbox.is_dir() else []
    problems = []
    for folder in found:
        if not (folder / MANIFEST).is_file() or folder.name in out:
            continue  # what people keep beside the batches is theirs
        batch = known.get(folder.name)
        what = f"the outbox holds {folder.name}, which no batch of the ledger has released"
        if batch is not None:
            stands = "withdrawn" if batch.is_withdrawn else str(batch.state)
            what = f"the outbox holds {folder.name}, and {name_of(batch)} is {stands}"
        fix = "do not import it; move it out of the outbox"
        problems.append(Problem("ANS-10", what, folders.shown(folder), fix))
    return problems


def _pleo_problem(ledger: Ledger, batch: Batch, pleo: PleoClient) -> Problem | None:
    """Compare what Pleo was told of a batch with what it shows."""
    told = [one for one in ledger.verdicts(batch.id) if one.acknowledged]
    if batch.job_id is None or not told:
        return None
    try:
        shown = {item.entry_id.casefold(): item for item in pleo.list_items(batch.job_id)}
    except JobNotFound:
        return None  # Pleo keeps its jobs for as long as it likes
    other = [
        one.entry_id for one in told
        if (item := shown.get(one.entry_id.casefold())) is None or not is_as_meant(item, one)
    ]  # fmt: skip
    if not other:
        return None
    what = (
        f"Pleo shows {len(other)} of {len(told)} items of {name_of(batch)} otherwise than they were"
        " reported"
    )
    where = f"job {batch.job_id}, items {', '.join(other[:NAMED])}"
    fix = "look at these items in Pleo; if another integration reports too, turn one of them off"
    return Problem("ANS-3", what, where, fix)
