"""`pleo-etl history`: every batch with who, when and hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from etl.batches.states import Kind
from etl.cli import talk
from etl.cli.completing import complete_batch
from etl.cli.live import Told, Turn, for_companies, ledger_of, live_options, without_all
from etl.cli.standing import batch_document, standing, written

if TYPE_CHECKING:
    from etl.batches.ledger import Batch, Event, Ledger

#: What happened to a batch, in the bookkeeper's words; what was only intended is in --json.
WORDS = {
    Kind.RESERVED: "begun",
    Kind.STAGED: "staged",
    Kind.ANSWERED: "answered",
    Kind.REVIEWED: "reviewed",
    Kind.APPROVED: "approved",
    Kind.STARTED: "started in Pleo",
    Kind.PUBLISHED: "files put into the outbox",
    Kind.ACKNOWLEDGED: "items reported",
    Kind.REPORTED: "every item reported",
    Kind.CLOSED: "export ended in Pleo",
    Kind.VOIDED: "void",
    Kind.QUARANTINED: "quarantined",
    Kind.SETTLED: "settled: imported",
    Kind.WITHDRAWN: "withdrawn",
    Kind.IMPORTED: "imported",
    Kind.REVERSED: "reversed",
}
#: Characters of a hash that tell it from every other one a reader meets.
SHOWN_OF_HASH = 12


@click.command("history")
@click.argument("batch", required=False, shell_complete=complete_batch)
@live_options
def command(batch: str | None, *, company: str | None, every: bool, as_json: bool) -> int:
    """List the batches: who, when, and their hash.

    With a BATCH (its number, or the first characters of its id): everything that happened to it.

    \b
    pleo-etl history
    pleo-etl history 7
    """
    from etl.batches.ledger.failures import no_batch

    without_all(batch, every=every)

    def act(turn: Turn) -> Told:
        with ledger_of(turn) as ledger:
            if ledger is None and batch is not None:
                raise no_batch(batch)
            if ledger is None:
                talk.say("there are no batches yet")
                return Told("read", document={"batches": []})
            if batch is not None:
                return _show_one(turn, ledger, batch, as_json=as_json)
            return _show_all(turn, ledger, as_json=as_json)

    return for_companies(act, company=company, every=every, as_json=as_json)


def _show_all(turn: Turn, ledger: Ledger, *, as_json: bool) -> Told:
    batches = ledger.batches(turn.workspace.companies[turn.name].id)
    if not as_json:
        talk.give(
            f"{'No':>4} {'State':<11} {'When (UTC)':<16} {'Approved by':<18} {'Items':>5}"
            f" {'Booked':>6} Hash"
        )
        for batch in batches:
            talk.give(_row(batch))
    if not batches:
        talk.say("there are no batches yet")
    documents = [batch_document(batch, option=turn.option) for batch in batches]
    return Told("read", document={"batches": documents})


def _row(batch: Batch) -> str:
    counts = batch.facts.get("counts") or {}
    when = batch.facts.get("closed_at") or batch.facts.get("voided_at") or batch.created_at
    names = ", ".join(dict.fromkeys(approval.by for approval in batch.approvals))
    return (
        f"{batch.number:>4} {standing(batch).word:<11.11} {_minute(when):<16} {names:<18.18}"
        f" {counts.get('items', ''):>5} {counts.get('rendered', ''):>6}"
        f" {(batch.content or '')[:SHOWN_OF_HASH]}"
    )


def _show_one(turn: Turn, ledger: Ledger, ref: str, *, as_json: bool) -> Told:
    company_id = turn.workspace.companies[turn.name].id
    batch = ledger.find(company_id, ref)
    events = ledger.events(company_id, batch.id)
    if not as_json:
        talk.give(f"batch {batch.number} ({batch.id}), {standing(batch).word}")
        if batch.content:
            talk.give(f"content {batch.content}")
        for event in events:
            by = event.body.get("by")
            if event.kind in WORDS:
                talk.give(f"  {_minute(event.at)}  {WORDS[event.kind]}{f', by {by}' if by else ''}")
    document = {
        "batch": batch_document(batch, option=turn.option),
        "events": [_event_document(event) for event in events],
    }
    return Told("read", document=document)


def _event_document(event: Event) -> dict[str, Any]:
    return {"kind": str(event.kind), "at": written(event.at), "by": event.body.get("by")}


def _minute(moment: Any) -> str:
    """Write a time, or the text of one, to the minute."""
    return str(moment)[:16].replace("T", " ")
