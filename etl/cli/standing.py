"""How a batch stands and what to do next, in the bookkeeper's words."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from etl.batches.states import State
from etl.cli import talk

if TYPE_CHECKING:
    from etl.batches.ledger.records import Batch

#: Columns of a line on every terminal.
WIDTH = 80
_COMMAND = re.compile(r"`[^`]+`")
#: Stands for a blank at which no line may end; printable text holds none.
_JOINED = "\x00"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a batch stands.

    word      one word for lists: its state, or what became of it since it was closed
    sentence  what that means
    steps     the calls to make next, each with what it does
    """

    word: str
    sentence: str
    steps: Sequence[tuple[str, str]] = ()


def standing(batch: Batch, *, option: str = "") -> Standing:
    """Say how a batch stands; `option` names its company in calls where that is needed."""
    run, review, release, discard = (
        f"pleo-etl {name}{option}" for name in ("run", "review", "release", "discard")
    )
    refusal = batch.facts.get("refusal")
    match batch.state:
        case State.STAGED if batch.revision == 0:
            return Standing("begun", "it was begun, and its items are not all here", (
                (run, "fetches them again"),
            ))  # fmt: skip
        case State.STAGED if refusal:
            return Standing("refused", f"it cannot be exported: {refusal['reason']}", (
                (release, "tells Pleo why, and ends the export there"),
                (discard, "drops it, and lets the export in Pleo end by itself"),
            ))  # fmt: skip
        case State.STAGED:
            since = " again: it has changed since it was started" if batch.is_started else ""
            if batch.approvals:
                names = " and ".join(dict.fromkeys(one.by for one in batch.approvals))
                said = f"approved by {names}, and another person must approve it{since}"
                return Standing("staged", said, (
                    (f"{review} --approve --by NAME", "as the other person"),
                ))  # fmt: skip
            blocking = batch.facts.get("blocking")
            if blocking:
                codes = ", ".join(blocking)
                return Standing("staged", f"it waits for your answers ({codes}){since}", (
                    (review, "shows what must be answered"),
                ))  # fmt: skip
            return Standing("staged", f"it waits for your review{since}", (
                (review, "shows it, and the page to read"),
                (release, "puts the files out, and reports to Pleo"),
            ))  # fmt: skip
        case State.APPROVED:
            names = " and ".join(approval.by for approval in batch.approvals)
            return Standing("approved", f"approved by {names}, and not released yet", (
                (release, "puts the files out, and reports to Pleo"),
            ))  # fmt: skip
        case State.STARTED:
            return Standing("started", "the export is started in Pleo, and no file is out yet", (
                (release, "goes on where it stopped"),
            ))  # fmt: skip
        case State.PUBLISHED | State.REPORTED:
            sentence = "the files are out, and Pleo is not told all yet: do not import them yet"
            return Standing(str(batch.state), sentence, ((release, "goes on where it stopped"),))
        case State.QUARANTINED:
            return _quarantined(batch, option)
        case State.CLOSED:
            return _closed(batch, option)
        case State.VOIDED:
            why = batch.facts.get("voided_why")
            return Standing("void", f"it counts for nothing ({why})" if why else "it is void")


def _quarantined(batch: Batch, option: str) -> Standing:
    why = batch.facts.get("quarantined_why") or "Pleo ended the export before it was told all"
    return Standing("quarantined", f"do not import it: {why}", (
        (f"pleo-etl settle --imported{option}", "if your ERP has the file already"),
        (f"pleo-etl settle --not-imported{option}", "if not: the file is put away"),
    ))  # fmt: skip


def _closed(batch: Batch, option: str) -> Standing:
    if batch.is_withdrawn:
        return Standing("withdrawn", "its files were taken back, and must not be imported")
    if batch.is_reversed:
        return Standing("reversed", "another batch takes its bookings back")
    if batch.is_imported:
        return Standing("imported", "your ERP has its files")
    if batch.renders_nothing:
        return Standing("closed", "there was nothing to import")
    call = f"pleo-etl imported {batch.number}{option}"
    return Standing("released", "its files are ready to be imported, once", (
        (call, "when your ERP has taken them"),
    ))  # fmt: skip


def company_in_calls(name: str, companies: Sequence[str]) -> str:
    """Give the option that names the company, where a call needs it."""
    return f" --company {name}" if len(companies) > 1 else ""


def say_standing(batch: Batch, *, option: str = "") -> None:
    """Say how a batch stands, and what to do next."""
    for line in standing_lines(batch, option=option):
        talk.say(line)


def standing_lines(batch: Batch, *, option: str = "", left: int | None = None) -> list[str]:
    """Give how a batch stands, the minutes left for it, and what to do next, line by line."""
    stands = standing(batch, option=option)
    time = "" if left is None else f" ({talk.counted(left, 'minute')} left)"
    first = f"batch {batch.number}, {stands.word}: {stands.sentence}{time}"
    return [*wrapped(first), *_step_lines(stands.steps)]


def wrapped(text: str) -> list[str]:
    """Break a line so that it fits on every terminal; commands and paths stay whole."""
    inner = " " * (len(text) - len(text.lstrip()) + 2)
    lines = textwrap.wrap(
        _COMMAND.sub(lambda found: found[0].replace(" ", _JOINED), talk.printable(text)),
        WIDTH,
        subsequent_indent=inner,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_JOINED, " ") for line in lines]


def _step_lines(steps: Sequence[tuple[str, str]]) -> list[str]:
    """Give calls and what they do, one below the other; calls stay whole, to be copied."""
    width = max((len(call) for call, _ in steps), default=0)
    lines = []
    for call, does in steps:
        line = f"    {call:<{width}}  {does}"
        lines += [line] if len(line) <= WIDTH else [f"    {call}", f"      {does}"]
    return lines


def batch_document(batch: Batch, *, option: str = "") -> dict[str, Any]:
    """Give a batch for --json."""
    facts = batch.facts
    return {
        "id": batch.id,
        "number": batch.number,
        "state": str(batch.state),
        "stands": standing(batch, option=option).word,
        "next": [call for call, _does in standing(batch, option=option).steps],
        "revision": batch.revision,
        "job": batch.job_id,
        "content": batch.content,
        "created_at": written(batch.created_at),
        "approvals": [{"by": one.by, "at": written(one.at)} for one in batch.approvals],
        "counts": facts.get("counts"),
        "totals": facts.get("totals"),
        "refusal": facts.get("refusal"),
        "first_vouchers": dict(batch.first_vouchers),
        "last_vouchers": dict(batch.last_vouchers),
    }


def written(moment: datetime | None) -> str | None:
    """Write a time as the manifest does."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
