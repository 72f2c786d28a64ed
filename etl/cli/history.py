"""`pleo-etl history`: every batch with who, when and hash."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from etl.batches.standing import (
    HAPPENED,
    SHOWN_OF_HASH,
    detail_of,
    minute_of,
    relations,
    standing_of,
    when_of,
    word_of,
)
from etl.cli import talk
from etl.cli.completing import complete_batch
from etl.cli.live import Told, Turn, for_companies, ledger_of, live_options, without_all
from etl.cli.standing import batch_document, wrapped, written
from etl.sentences import counted

if TYPE_CHECKING:
    from etl.batches.ledger import Batch, Event, Ledger
    from etl.batches.ledger.records import Gap


@click.command("history")
@click.argument("batch", required=False, shell_complete=complete_batch)
@live_options
def command(batch: str | None, *, company: str | None, every: bool, as_json: bool) -> int:
    """List the batches: who, when, and their hash.

    With a BATCH (its number, or the first characters of its id): everything that happened to it;
    `pleo-etl review BATCH` shows it as it was. Numbers that no import holds are named as gaps.

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
                return Told("read", document={"batches": [], "gaps": []})
            if batch is not None:
                return _show_one(turn, ledger, batch, as_json=as_json)
            return _show_all(turn, ledger, as_json=as_json)

    return for_companies(act, company=company, every=every, as_json=as_json)


def _show_all(turn: Turn, ledger: Ledger, *, as_json: bool) -> Told:
    company_id = turn.workspace.companies[turn.name].id
    batches = ledger.batches(company_id)
    gaps = {gap.batch_id: gap for gap in ledger.gaps(company_id)}
    if not as_json:
        talk.give(
            f"{'No':>4} {'State':<11} {'When (UTC)':<16} {'Approved by':<18} {'Items':>5}"
            f" {'In file':>7} Hash"
        )
        related = relations(batches)
        for batch in batches:
            talk.give(_row(batch))
            if batch.id in related:
                talk.give(f"     {related[batch.id]}")
            if refused := batch.facts.get("refused"):
                talk.give(f"     your ERP refused {counted(len(refused), 'item')}")
            for line in gap_lines(gaps.get(batch.id), indent=5):
                talk.give(line)
    if not batches:
        talk.say("there are no batches yet")
    documents = [batch_document(batch, option=turn.option) for batch in batches]
    return Told("read", document={"batches": documents, "gaps": _gap_documents(gaps.values())})


def gap_lines(gap: Gap | None, *, indent: int) -> list[str]:
    """Say which numbers a batch took with it, for whoever looks for them in the ERP."""
    if gap is None:
        return []
    parts = [f"number {gap.number}"]
    for scope, (first, last) in gap.vouchers.items():
        vouchers = f"voucher {first}" if first == last else f"vouchers {first} to {last}"
        parts.append(vouchers + (f" of {scope}" if scope else ""))
    verb = "stay" if gap.vouchers else "stays"
    return wrapped(f"{' ' * indent}gap: {' and '.join(parts)} {verb} unused ({gap.why})")


def _gap_documents(gaps: Iterable[Gap]) -> list[dict[str, Any]]:
    """Give the numbers that no import holds; fiscal_year is null where they go on for ever."""
    return [
        {
            "batch": gap.batch_id, "number": gap.number, "why": gap.why,
            "vouchers": [
                {"fiscal_year": scope or None, "first": first, "last": last}
                for scope, (first, last) in gap.vouchers.items()
            ],
        }
        for gap in gaps
    ]  # fmt: skip


def _row(batch: Batch) -> str:
    counts = batch.facts.get("counts") or {}
    names = ", ".join(dict.fromkeys(approval.by for approval in batch.approvals))
    return (
        f"{batch.number:>4} {standing_of(batch).word:<11.11} {when_of(batch):<16} {names:<18.18}"
        f" {counts.get('items', ''):>5} {counts.get('rendered', ''):>7}"
        f" {(batch.content or '')[:SHOWN_OF_HASH]}"
    )


def _show_one(turn: Turn, ledger: Ledger, ref: str, *, as_json: bool) -> Told:
    company_id = turn.workspace.companies[turn.name].id
    batch = ledger.find(company_id, ref)
    events = ledger.events(company_id, batch.id)
    gap = next((one for one in ledger.gaps(company_id) if one.batch_id == batch.id), None)
    if not as_json:
        talk.give(f"batch {batch.number} ({batch.id}), {standing_of(batch).word}")
        if relation := relations(ledger.batches(company_id)).get(batch.id):
            talk.give(relation)
        for line in gap_lines(gap, indent=0):
            talk.give(line)
        if batch.content:
            talk.give(f"content {batch.content}")
        for event in events:
            if event.kind in HAPPENED:
                for line in wrapped(f"  {minute_of(event.at)}  {_happened(event)}"):
                    talk.give(line)
        if batch.revision:
            talk.give(f"    pleo-etl review {batch.number}{turn.option}  shows it as it was")
    document = {
        "batch": batch_document(batch, option=turn.option),
        "events": [_event_document(event) for event in events],
        "gaps": _gap_documents([gap] if gap else []),
    }
    return Told("read", document=document)


def _happened(event: Event) -> str:
    """Say what happened, who said so, and what exactly."""
    by = event.body.get("by")
    return word_of(event) + (f", by {by}" if by else "") + detail_of(event)


def _event_document(event: Event) -> dict[str, Any]:
    body = event.body
    more = {
        name: body[name]
        for name in ("revision", "content", "decisions", "notes", "refused", "why", "imported")
        if name in body
    }
    return {"kind": str(event.kind), "at": written(event.at), "by": body.get("by"), **more}
