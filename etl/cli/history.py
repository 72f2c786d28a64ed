"""`pleo-etl history`: every batch with who, when and hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from etl.batches.states import Kind
from etl.cli import talk
from etl.cli.completing import complete_batch
from etl.cli.live import Told, Turn, for_companies, ledger_of, live_options, without_all
from etl.cli.standing import batch_document, standing, wrapped, written

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
SHOWN_OF_ID = 8
#: Answers of one person at one time that are told; --json has all.
SHOWN = 5


@click.command("history")
@click.argument("batch", required=False, shell_complete=complete_batch)
@live_options
def command(batch: str | None, *, company: str | None, every: bool, as_json: bool) -> int:
    """List the batches: who, when, and their hash.

    With a BATCH (its number, or the first characters of its id): everything that happened to it;
    `pleo-etl review BATCH` shows it as it was.

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
            if event.kind in WORDS:
                for line in wrapped(f"  {_minute(event.at)}  {_happened(event)}"):
                    talk.give(line)
        if batch.revision:
            talk.give(f"    pleo-etl review {batch.number}{turn.option}  shows it as it was")
    document = {
        "batch": batch_document(batch, option=turn.option),
        "events": [_event_document(event) for event in events],
    }
    return Told("read", document=document)


def _happened(event: Event) -> str:
    """Say what happened, who said so, and what exactly."""
    body, words = event.body, WORDS[event.kind]
    if event.kind is Kind.SETTLED and not body.get("imported"):
        words = "settled: not imported"
    by = body.get("by")
    return words + (f", by {by}" if by else "") + _detail(event.kind, body)


def _detail(kind: Kind, body: Mapping[str, Any]) -> str:
    content = str(body.get("content") or "")[:SHOWN_OF_HASH]
    if kind is Kind.STAGED:
        return f", revision {body['revision']}" + (f", content {content}" if content else "")
    if kind is Kind.APPROVED:
        return f", content {content}"
    if kind is Kind.ANSWERED:
        return f": {_answers(body)}"
    if kind is Kind.REVIEWED:
        return f", {talk.counted(len(body['entries']), 'item')}"
    if kind is Kind.IMPORTED and body.get("refused"):
        return f", without {', '.join(entry[:SHOWN_OF_ID] for entry in body['refused'])}"
    return f" ({body['why']})" if kind is Kind.VOIDED and body.get("why") else ""


def _answers(body: Mapping[str, Any]) -> str:
    said = [
        f"{one['do'].replace('_', ' ')} {entry[:SHOWN_OF_ID]}"
        + (f' "{one["reason"]}"' if one.get("reason") else "")
        for entry, one in (body.get("decisions") or {}).items()
    ]
    said += [f'{code} "{answer}"' for code, answer in (body.get("notes") or {}).items()]
    more = f", and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
    return ", ".join(said[:SHOWN]) + more


def _event_document(event: Event) -> dict[str, Any]:
    body = event.body
    more = {
        name: body[name]
        for name in ("revision", "content", "decisions", "notes", "refused", "why", "imported")
        if name in body
    }
    return {"kind": str(event.kind), "at": written(event.at), "by": body.get("by"), **more}


def _minute(moment: Any) -> str:
    """Write a time, or the text of one, to the minute."""
    return str(moment)[:16].replace("T", " ")
