"""What can be wrong with the ledger, in words for the person who must do something about it."""

from __future__ import annotations

from etl.batches.states import Kind, State
from etl.errors import HeldElsewhere, Problem, UserMustFix

#: Where every message of the ledger says it stands; its folder is nobody's business.
PLACE = "the ledger"
_RESTORE = (
    "move its file away, and make it again from the outbox and Pleo with `pleo-etl ledger rebuild`"
)


def unknown_kind(scheme: str) -> UserMustFix:
    """Say that the address of the ledger is of a kind that is not kept yet."""
    return UserMustFix(
        Problem(
            "LED-1",
            f'a ledger cannot be kept in "{scheme}"',
            "pleo-etl.yaml, ledger",
            "write a file of the workspace, as in sqlite:///.pleo-etl/ledger.db",
        )
    )


def not_ours(name: str) -> UserMustFix:
    """Say that a file is something else than a ledger."""
    return UserMustFix(
        Problem(
            "LED-2",
            f"{name} is no ledger of pleo-etl",
            PLACE,
            "name another file under `ledger` in pleo-etl.yaml, or move this one away",
        )
    )


def damaged(what: str) -> UserMustFix:
    """Say that the ledger's file is not as it was written."""
    return UserMustFix(Problem("LED-3", f"the ledger is damaged: {what}", PLACE, _RESTORE))


def newer(found: int, known: int) -> UserMustFix:
    """Say that a newer version has worked on the ledger."""
    return UserMustFix(
        Problem(
            "LED-4",
            f"a newer pleo-etl made this ledger (tables {found}, this version knows {known})",
            PLACE,
            "install that version of pleo-etl or a newer one; nothing was changed",
        )
    )


def outside(path: str) -> UserMustFix:
    """Say that the ledger would lie outside of the workspace."""
    return UserMustFix(
        Problem(
            "LED-5",
            f'the ledger "{path}" is not inside the workspace',
            "pleo-etl.yaml, ledger",
            "write a path below the folder of pleo-etl.yaml, as in sqlite:///.pleo-etl/ledger.db",
        )
    )


def no_batch(ref: str) -> UserMustFix:
    """Say that no batch has that number or id."""
    return UserMustFix(
        Problem(
            "LED-6",
            f'there is no batch "{ref}"',
            PLACE,
            "see `pleo-etl history` for the numbers and ids of all batches",
        )
    )


def several_batches(ref: str, ids: list[str]) -> UserMustFix:
    """Say that more than one batch is meant."""
    return UserMustFix(
        Problem(
            "LED-6",
            f'"{ref}" means more than one batch: {", ".join(ids)}',
            PLACE,
            "give more characters of the id",
        )
    )


def changed_meanwhile(number: int) -> HeldElsewhere:
    """Say that something was appended since the batch was read."""
    return HeldElsewhere(
        Problem(
            "LED-7",
            f"batch {number} was changed by another command meanwhile",
            PLACE,
            "run the command again; it starts from what is stored now",
        )
    )


def not_allowed(number: int, *, state: State, kind: Kind, why: str) -> UserMustFix:
    """Say that a batch cannot do that in its state."""
    return UserMustFix(
        Problem(
            "LED-8",
            f'batch {number} is {state}: "{kind.replace("_", " ")}" cannot happen to it now, {why}',
            PLACE,
            "see `pleo-etl status` for what can be done with it",
        )
    )


def unsettled_exists(which: str) -> HeldElsewhere:
    """Say that the company's next batch must wait."""
    return HeldElsewhere(
        Problem(
            "LED-7",
            f"{which} of the company is not settled yet",
            PLACE,
            "finish it with `pleo-etl release`, or give it up with `pleo-etl discard`",
        )
    )


def number_taken(what: str) -> HeldElsewhere:
    """Say that a number was used by another batch."""
    return HeldElsewhere(
        Problem("LED-7", f"{what} is used already", PLACE, "run the command again")
    )


def busy(seconds: int) -> HeldElsewhere:
    """Say that another process keeps writing."""
    return HeldElsewhere(
        Problem(
            "LED-9",
            f"another process has kept the ledger busy for {seconds} seconds",
            PLACE,
            "wait until it has ended, then run the command again",
        )
    )


def cannot_store(why: str) -> UserMustFix:
    """Say that disk or folder refuse the ledger's file."""
    return UserMustFix(
        Problem(
            "LED-10",
            f"the ledger cannot be read or written: {why}",
            PLACE,
            "check free space and your right to write in its folder, then run the command again",
        )
    )


def not_durable(what: str) -> UserMustFix:
    """Say that the database does not promise to keep what it stored."""
    return UserMustFix(
        Problem(
            "LED-11",
            f"the ledger would not survive a power cut: {what}",
            PLACE,
            "keep the workspace on a disk of this machine, not on a network drive",
        )
    )


def absent(name: str) -> UserMustFix:
    """Say that there is no ledger, where something was released before."""
    what = f"there is no ledger {name}, and the outbox shows that there was one"
    fix = "put the file back, or make it again with `pleo-etl ledger rebuild`"
    return UserMustFix(Problem("LED-10", what, PLACE, fix))


def claimed_elsewhere(number: int, entry: str) -> HeldElsewhere:
    """Say that another batch has the item."""
    return HeldElsewhere(
        Problem(
            "LED-8",
            f"batch {number} would book an item that is another batch's",
            entry,
            "answer `already booked` or `again` for it in `pleo-etl review`",
        )
    )


class BodyWrong(ValueError):
    """An event that the program should never have made; it is shown with its traceback."""


def body_wrong(kind: Kind, what: str) -> BodyWrong:
    """Say that the program asks the ledger to store nonsense."""
    return BodyWrong(f'an event "{kind}" cannot be stored: {what}')


def differs(what: str, where: str) -> Problem:
    """Name what the ledger holds otherwise than its events say."""
    return Problem("LED-12", what, f"{PLACE}, {where}" if where else PLACE, _RESTORE)
