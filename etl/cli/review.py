"""`pleo-etl review`: what is staged, in a screenful, and the page to read; `--approve` agrees."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl.batches.states import State
from etl.cli import talk
from etl.cli.live import (
    Told,
    Turn,
    by_option,
    client_of,
    desk_of,
    for_companies,
    ledger_of,
    live_options,
)
from etl.cli.outcomes import REVIEW, counts_lines, say_wrapped, who
from etl.cli.reviewing import REPEATED, answer_options, give_answers, read_said
from etl.cli.standing import batch_document, say_standing, wrapped
from etl.errors import EXIT_GOOD, EtlError, Problem, UserMustFix
from etl.files import shown_path

if TYPE_CHECKING:
    from etl.batches.ledger import Batch, Ledger
    from etl.live.desk import Desk

REJECTIONS = "rejections.csv"
#: Causes of rejections and notes on screen; the page has them all.
SHOWN = 8


@click.command("review")
@click.option("--approve", "approves", is_flag=True, help="Approve what is staged, unasked.")
@answer_options
@by_option
@live_options
def command(
    *, company: str | None, every: bool, as_json: bool, approves: bool, by: str | None, **given: Any
) -> int:
    """Show what is staged, and the page to read.

    Read review.html before you release: every voucher stands beside its source. To approve is to
    say that exactly these files may be released: if anything changes, it has to be looked at again.

    \b
    pleo-etl review
    pleo-etl review --reject 4114001 --reason "private, please repay"
    pleo-etl review --already-booked 7c1e55d0
    pleo-etl review --approve --by "A. Patel"

    An ITEM is its id, the first six characters of it or more, or the reference in the file;
    "all" stands for all that were booked before.
    """
    said = read_said(given)
    if by and not approves and not said:
        raise click.UsageError("--by says who approves or answers; it needs --approve or an answer")
    if said and (approves or every):
        raise click.UsageError("answers are given for one company, and approved when they are seen")

    def act(turn: Turn) -> Told:
        if said:
            return give_answers(turn, said, by=who(by))
        if approves:
            return approve_staged(turn, by=who(by))
        return show_staged(turn, give=talk.say if as_json else talk.give)

    return for_companies(act, company=company, every=every, as_json=as_json)


def show_staged(turn: Turn, *, give: Callable[[str], None]) -> Told:
    """Show what is staged, with its page and the minutes left."""
    with ledger_of(turn) as ledger:
        batch = ledger.unsettled(turn.workspace.companies[turn.name].id) if ledger else None
        known = reviewed_before(ledger, batch) if ledger and batch else 0
    if batch is None or not batch.revision or batch.content is None:
        return _nothing_to_review(turn, batch)
    folder = staged_folder(turn, batch)
    left, remark = _minutes_left(turn, batch)
    for line in summary_lines(turn, batch, folder, known=known):
        give(line)
    if left is not None:
        give(f"  {talk.counted(left, 'minute')} left until Pleo ends the export")
    if remark:
        say_wrapped(remark)
    say_standing(batch, option=turn.option)
    document: dict[str, Any] = {
        "batch": batch_document(batch, option=turn.option),
        "minutes_left": left,
        "folder": str(folder),
        "review": str(folder / REVIEW),
    }
    return Told(str(batch.state), EXIT_GOOD, document)


def _nothing_to_review(turn: Turn, batch: Batch | None) -> Told:
    """Say why there is no page to read: nothing is staged, or it can only be refused."""
    if batch is None:
        talk.say("nothing is staged")
        say_wrapped(f"next: `pleo-etl run{turn.option}` fetches the export that waits in Pleo")
        return Told("nothing", document={"batch": None})
    say_standing(batch, option=turn.option)
    return Told(str(batch.state), document={"batch": batch_document(batch, option=turn.option)})


def approve_staged(turn: Turn, *, by: str) -> Told:
    from etl.live.approving import approve

    with turn.telling.during("approve"), desk_of(turn, what="review --approve") as desk:
        batch = desk.unsettled()
        if batch is None or batch.state not in (State.STAGED, State.APPROVED):
            raise UserMustFix(nothing_staged(turn))
        approved = approve(desk, note_reviewed(desk, batch, by=by), by=by, content=batch.content)
    say_standing(approved, option=turn.option)
    document = {"batch": batch_document(approved, option=turn.option)}
    return Told(str(approved.state), EXIT_GOOD, document)


def nothing_staged(turn: Turn) -> Problem:
    """Say that there is nothing to approve or to release."""
    fix = f"fetch the export that waits in Pleo with `pleo-etl run{turn.option}`"
    return Problem("CLI-5", "nothing is staged", f"company {turn.name}", fix)


def staged_folder(turn: Turn, batch: Batch) -> Path:
    """Give the folder of the staged revision."""
    from etl.live.desk import folders_of
    from etl.live.stored import StoredBatch

    stored = StoredBatch(folders_of(turn.workspace, turn.name).stored(batch.id))
    return stored.revision_folder(batch.revision)


def _minutes_left(turn: Turn, batch: Batch) -> tuple[int | None, str]:
    """Give the minutes left, or why they cannot be told: reviewing needs no network."""
    from etl.cli.jobs import minutes_left

    if batch.job_id is None:
        return None, ""
    try:
        with client_of(turn) as pleo:
            job = pleo.get_job(batch.job_id)
            left = minutes_left(job, pleo.time())
    except EtlError as error:
        return None, f"the minutes left are not known: {error.problems[0].what}"
    return left, "" if left is not None else "Pleo has ended the export: it cannot be released"


def note_reviewed(desk: Desk, batch: Batch, *, by: str) -> Batch:
    """Remember that somebody has looked at the items of a batch, for when they come again."""
    from etl.live.reviewing import review

    if batch.state is not State.STAGED or batch.content is None:
        return batch
    entries = [str(item["id"]) for item in desk.ledger.items(batch) if item["id"]]
    return review(desk, batch, by=by, entries=entries) if entries else batch


def reviewed_before(ledger: Ledger, batch: Batch) -> int:
    """Count the items that were reviewed in an earlier batch, and book the same as then."""
    seen = set()
    for earlier in ledger.batches(batch.company_id):
        looked_at = {entry.casefold() for entry in earlier.facts.get("reviewed") or ()}
        if earlier.id != batch.id and looked_at:
            seen |= {_printed(item) for item in ledger.items(earlier)}
    return sum(item["fingerprint"] is not None and _printed(item) in seen
               for item in ledger.items(batch))  # fmt: skip


def _printed(item: Mapping[str, Any]) -> tuple[str, Any]:
    return str(item["id"]).casefold(), item["fingerprint"]


def summary_lines(turn: Turn, batch: Batch, folder: Path, *, known: int = 0) -> list[str]:
    """Give what a reviewer looks at first, at most 80 columns wide.

    Needs: known, how many items were reviewed before and book the same.
    """
    head = f"{turn.name}: batch {batch.number}, revision {batch.revision} ({batch.id})"
    return [
        head,
        *counts_lines(batch),
        *([f"  {known} of them reviewed before, and the same as then"] if known else []),
        *_file_lines(folder),
        *_rejected_lines(folder),
        *_note_lines(folder),
        "  read before you release:",
        f"    {shown_path(folder / REVIEW)}",
    ]


def _file_lines(folder: Path) -> list[str]:
    from etl.batches.reading import read_manifest

    files = read_manifest(folder).head["files"]
    return [
        f"  file {file['name']}"
        + (f" ({talk.counted(int(file['rows']), 'row')})" if file["totals"] else "")
        for file in files
    ]


def _rejected_lines(folder: Path) -> list[str]:
    """Give the causes of rejections, the one that stops most items first."""
    if not (folder / REJECTIONS).is_file():
        return []
    with (folder / REJECTIONS).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    causes = Counter((row["code"], row["message"]) for row in rows)
    lines = [
        line
        for (code, message), count in causes.most_common(SHOWN)
        for line in wrapped(f"  rejected[{code}], {count}x: {message}")
    ]
    repeated = list(dict.fromkeys(row["item_id"] for row in rows if row["code"] == REPEATED))
    lines += [f"    pleo-etl review --already-booked {item}" for item in repeated[:SHOWN]]
    if len(repeated) > 1:
        lines.append("    pleo-etl review --already-booked all")
    if repeated:
        lines.append("      says that it stays as it is; --again instead books it once more")
    more = len(causes) - SHOWN
    return [*lines, *([f"  and {more} more causes in {REJECTIONS}"] if more > 0 else [])]


def _note_lines(folder: Path) -> list[str]:
    from etl.batches.reading import read_manifest
    from etl.codes import CODES

    notes = read_manifest(folder).head["notes"]
    lines = [
        line
        for note in notes[:SHOWN]
        for line in wrapped(
            f"  note {note['code']}, {note['count']}x: {CODES[note['code']].meaning}"
        )
    ]
    more = len(notes) - SHOWN
    return [*lines, *([f"  and {more} more notes on the page"] if more > 0 else [])]
