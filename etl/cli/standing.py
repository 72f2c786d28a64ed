"""How a batch stands and what to do next, in the bookkeeper's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from etl.batches.standing import is_mostly_rejected, standing_of
from etl.cli import talk
from etl.sentences import counted

if TYPE_CHECKING:
    from etl.batches.ledger.records import Batch

#: Columns of a line on every terminal.
WIDTH = 80


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a batch can no longer be released, and the one call that is left, with what it does."""

    says: str
    call: tuple[str, str]


def next_calls(batch: Batch, *, option: str = "") -> Sequence[tuple[str, str]]:
    """Give the calls to make next, each with what it does.

    Needs: option, which names the company of the batch in calls where that is needed.
    """
    run, review, release, discard = (
        f"pleo-etl {name}{option}" for name in ("run", "review", "release", "discard")
    )
    goes_on = ((release, "goes on where it stopped"),)
    puts_out = (release, "puts the files out, and reports to Pleo")
    calls: Mapping[str, Sequence[tuple[str, str]]] = {
        "begun": ((run, "fetches them again"),),
        "refused": (
            (release, "tells Pleo why, and ends the export there"),
            (discard, "drops it, and lets the export in Pleo end by itself"),
        ),
        "staged": ((review, "shows it, and the page to read"), puts_out),
        "approved": (puts_out,),
        "started": goes_on, "published": goes_on, "reported": goes_on,
        "quarantined": (
            (f"pleo-etl settle --imported{option}", "if your ERP has the file already"),
            (f"pleo-etl settle --not-imported{option}", "if not: the file is put away"),
        ),
        "released": (
            (f"pleo-etl imported {batch.number}{option}", "when your ERP has taken them"),
        ),
    }  # fmt: skip
    word = standing_of(batch).word
    if word == "staged" and batch.facts.get("reverses"):
        second = f"pleo-etl reverse {batch.facts['reverses']} --by NAME{option}"
        return ((second, "as the other person"), (discard, "gives it up"))
    if word == "staged" and batch.approvals:
        return ((f"{review} --approve --by NAME", "as the other person"),)
    if word == "staged" and batch.facts.get("blocking"):
        asks = (review, "asks for your answers")
        for_all = (f"{review} --already-booked all", "if all of them are in your books")
        return (asks, for_all) if (batch.facts.get("counts") or {}).get("waiting") else (asks,)
    if word == "staged" and is_mostly_rejected(batch):
        return (
            (review, "shows why most items are rejected: cure that first"),
            (run, "makes the files anew then"),
            (release, "puts out the rest, and reports these as failed"),
        )
    return calls.get(word, ())


def say_standing(batch: Batch, *, option: str = "") -> None:
    """Say how a batch stands, and what to do next."""
    for line in standing_lines(batch, option=option):
        talk.say(line)


def standing_lines(
    batch: Batch, *, option: str = "", left: int | None = None, hindrance: Hindrance | None = None
) -> list[str]:
    """Give how a batch stands, the minutes left for it, and what to do next, line by line."""
    stands = standing_of(batch)
    time = "" if left is None else f" ({counted(left, 'minute')} left)"
    first = f"batch {batch.number}, {stands.word}: {stands.sentence}{time}"
    if hindrance is None:
        return [*wrapped(first), *_call_lines(next_calls(batch, option=option))]
    return [*wrapped(first), *wrapped(f"  {hindrance.says}"), *_call_lines([hindrance.call])]


def wrapped(text: str) -> list[str]:
    """Break a line so that it fits on every terminal; commands and paths stay whole."""
    return talk.broken(talk.printable(text), WIDTH)


def _call_lines(calls: Sequence[tuple[str, str]]) -> list[str]:
    """Give calls and what they do, one below the other; calls stay whole, to be copied."""
    width = max((len(call) for call, _ in calls), default=0)
    lines = []
    for call, does in calls:
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
        "stands": standing_of(batch).word,
        "next": [call for call, _does in next_calls(batch, option=option)],
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
