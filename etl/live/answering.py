"""Which batch a person means, and what to say where an answer does not fit it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from etl.batches.ledger import Batch
from etl.batches.states import State
from etl.errors import Problem, UserMustFix
from etl.live.desk import Desk
from etl.live.outcomes import Outcome, name_of
from etl.sentences import counted

#: How many batches a message names before it only counts them.
NAMED = 5
AGAIN = "export the items again in Pleo, then `pleo-etl run`"


class Answered(Outcome):
    """What an answer of a person has done: voided, settled, withdrawn, imported, reversed."""

    __slots__ = ()


def choose(
    desk: Desk, given: Batch | str | None, *, fits: Callable[[Batch], bool], answer: str
) -> Batch:
    """Give the batch that is named, or the only one that fits where none is.

    Raises: UserMustFix LED-6 for a name that means none or several; ANS-1 where it must be
    named.
    """
    if isinstance(given, Batch):
        return given
    if given is not None:
        return desk.ledger.find(desk.company_id, given)
    fitting = [batch for batch in desk.ledger.batches(desk.company_id) if fits(batch)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        what, fix = none_fits(answer), "`pleo-etl history` lists all batches"
    else:
        names = ", ".join(name_of(batch) for batch in fitting[-NAMED:])
        more = f"{len(fitting)} batches, the last of them " if len(fitting) > NAMED else ""
        what = f"more than one batch could be meant: {more}{names}"
        fix = f"name one, as in `pleo-etl {answer} {fitting[-1].number}`"
    raise UserMustFix(Problem("ANS-1", what, f"company {desk.name}", fix))


def none_fits(answer: str) -> str:
    """Say that there is no batch that a command, named as it is called, could be about."""
    does = "mark as imported" if answer == "imported" else answer
    return f"there is no batch to {does}"


def is_released(batch: Batch) -> bool:
    """Say whether the files of a batch are out and nothing has been said of them since."""
    return (
        batch.state is State.CLOSED
        and "published_folder" in batch.facts
        and not (batch.is_withdrawn or batch.is_imported or batch.is_reversed)
    )


def is_in_the_books(batch: Batch) -> bool:
    """Say whether the files of a batch are out, were not taken back and not reversed."""
    return (
        batch.state is State.CLOSED
        and "published_folder" in batch.facts
        and not (batch.is_withdrawn or batch.is_reversed)
    )


def in_words(desk: Desk, batch: Batch) -> dict[str, Any]:
    """Say what an answer has made of a batch: of one taken back, settled, or a reversal."""
    told: dict[str, Any] = {"batch": batch}
    if batch.state is State.VOIDED:
        says, folder = _put_away(desk, batch)
        return told | {
            "word": "voided",
            "says": f"{name_of(batch)} counts for nothing; {says}",
            "next_step": AGAIN,
            "folder": folder,
        }
    if batch.is_withdrawn:
        says, folder = _put_away(desk, batch)
        return told | {
            "word": "withdrawn",
            "says": f"{name_of(batch)} is taken back; {says}. Its numbers stay unused",
            "next_step": AGAIN,
            "folder": folder,
        }
    told["folder"] = desk.folders.released(batch)
    if batch.facts.get("reverses") and not batch.is_imported:
        of = desk.ledger.find(desk.company_id, str(batch.facts["reverses"]))
        return told | {
            "word": "reversed",
            "says": f"{name_of(batch)} takes the bookings of {name_of(of)} back",
            "next_step": "import it into your ERP; then the items may be exported again in Pleo",
        }
    if batch.facts.get("settled_imported"):
        return told | {
            "word": "settled",
            "says": f"{name_of(batch)} is in your ERP; its items are kept from being booked again",
            "next_step": "do not export these items in Pleo again; if they come, say so with"
            " `pleo-etl review --already-booked all`",
        }
    refused = len(batch.facts.get("refused") or ())
    return told | {
        "word": "imported",
        "says": f"{name_of(batch)} is in your ERP"
        + (f", without {counted(refused, 'item')} that it refused" if refused else ""),
        "next_step": "correct what was refused, then export it again in Pleo" if refused else "",
    }  # fmt: skip


def _put_away(desk: Desk, batch: Batch) -> tuple[str, Path | None]:
    """Say where the files of a batch that was taken back are; nobody knows where others have."""
    folder = desk.folders.withdrawn(batch)
    if folder.is_dir():
        return "its files are put away and must not be imported", folder
    return (
        "its files were no longer in the outbox: make sure that nobody imports them, as its items"
        " may be exported again",
        None,
    )


def cannot(desk: Desk, batch: Batch, answer: str) -> UserMustFix:
    """Say why an answer does not fit a batch as it stands, and which does."""
    stands, fix = _standing(batch)
    what = f"{name_of(batch)} cannot be {answer}: {stands}"
    return UserMustFix(Problem("ANS-2", what, f"company {desk.name}", fix))


_STANDING: Mapping[State, tuple[str, str]] = {
    State.STAGED: (
        "it is staged, and nothing of it is out",
        "review and release it, or give it up with `pleo-etl discard`",
    ),
    State.APPROVED: (
        "it is approved, and nothing of it is out",
        "release it with `pleo-etl release`, or give it up with `pleo-etl discard`",
    ),
    State.STARTED: (
        "its export is started in Pleo",
        "go on with `pleo-etl release`; if it must not be exported, end the export in Pleo first,"
        " and the next command gives the batch up",
    ),
    State.PUBLISHED: (
        "its files are out and Pleo is being told",
        "let `pleo-etl release` finish; then `pleo-etl withdraw` can take the files back",
    ),
    State.REPORTED: (
        "its files are out and Pleo was told",
        "let `pleo-etl release` finish; then `pleo-etl withdraw` can take the files back",
    ),
    State.QUARANTINED: (
        "it waits for your word on whether your ERP has its files",
        "say so with `pleo-etl settle --imported` or `pleo-etl settle --not-imported`",
    ),
    State.VOIDED: ("it is void", "there is nothing to do; export the items again in Pleo"),
}


def _standing(batch: Batch) -> tuple[str, str]:
    if batch.state is not State.CLOSED:
        is_begun = batch.is_started or batch.start_intended_at is not None
        is_out = batch.state not in (State.STAGED, State.APPROVED)
        return _STANDING[State.STARTED if is_begun and not is_out else batch.state]
    if batch.is_withdrawn:
        return "it was withdrawn", "there is nothing to do; export the items again in Pleo"
    if batch.is_reversed:
        return "it was reversed", "import its reversal; then export the items again in Pleo"
    if batch.facts.get("reverses"):
        return (
            "it takes another batch back",
            "import its files into your ERP; if that batch should stay in your books after all,"
            " enter it there again by hand",
        )
    if batch.is_imported:
        return "your ERP has its files", "take its bookings back with `pleo-etl reverse`"
    if "published_folder" not in batch.facts:
        return "it has no files for your ERP", "there is nothing to do"
    return (
        "it is released",
        "if your ERP has its files, `pleo-etl reverse` takes the bookings back; if not,"
        " `pleo-etl withdraw` takes the files back",
    )
