"""`pleo-etl status`: how things stand, for how long, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from etl.batches.standing import standing_of
from etl.batches.states import State
from etl.cli import talk
from etl.cli.jobs import CURRENT, minutes_left
from etl.cli.live import Told, Turn, client_of, for_companies, ledger_of, live_options
from etl.cli.standing import Hindrance, batch_document, standing_lines
from etl.errors import EXIT_GOOD, EtlError
from etl.sentences import counted

if TYPE_CHECKING:
    from datetime import datetime

    from etl.batches.ledger import Batch
    from etl.pleo.shapes import Job

#: Released batches that wait for the word that they were imported; older ones are only counted.
SHOWN = 5


@click.command("status")
@live_options
def command(*, company: str | None, every: bool, as_json: bool) -> int:
    """Say how things stand, and what to do next.

    Shows the batch that is under way or quarantined with the minutes left, what was released and
    not imported yet, and the exports that wait in Pleo. This only reads.

    \b
    pleo-etl status
    pleo-etl status --all --json
    """

    def act(turn: Turn) -> Told:
        return _look(turn, as_json=as_json)

    return for_companies(act, company=company, every=every, as_json=as_json)


def _look(turn: Turn, *, as_json: bool) -> Told:
    company_id = turn.workspace.companies[turn.name].id
    with ledger_of(turn) as ledger:
        batches = ledger.batches(company_id) if ledger else []
    current = [batch for batch in batches if batch.is_unsettled]
    released = [
        batch
        for batch in batches
        if batch.state is State.CLOSED and standing_of(batch).word == "released"
    ]
    error, jobs, at = _ask_pleo(turn)
    problems = [] if error is None else [turn.named(problem) for problem in error.problems]
    left = {job.id: minutes_left(job, at) for job in jobs if at}
    hindrance = _hindrance(turn, current[0], jobs, at=at) if current and at else None
    lines = [
        line
        for batch in [*current, *released[-SHOWN:]]
        for line in standing_lines(
            batch,
            option=turn.option,
            left=_left(batch, left),
            hindrance=hindrance if batch.is_unsettled else None,
        )
    ]
    if len(released) > SHOWN:
        lines.append(f"and {len(released) - SHOWN} older ones that were released and not imported")
    lines += _waiting_lines(turn, jobs, current)
    if not as_json:
        nothing = "nothing is under way" + (", and nothing waits in Pleo" if error is None else "")
        talk.give_prose(*(lines or [nothing]))
    talk.show_problems(problems)
    batch = batch_document(current[0], option=turn.option) if current else None
    if batch is not None and hindrance is not None:
        batch["next"] = [hindrance.call[0]]
    document: dict[str, Any] = {
        "batch": batch,
        "minutes_left": _left(current[0], left) if current else None,
        "released": [batch_document(batch, option=turn.option) for batch in released],
        "waiting": [job.id for job in jobs if job.is_pending],
    }
    if error is not None:
        return Told("stopped", error.exit_code, document, problems)
    return Told(standing_of(current[0]).word if current else "nothing", EXIT_GOOD, document)


def _ask_pleo(turn: Turn) -> tuple[EtlError | None, list[Job], datetime | None]:
    """Give the exports of now; that Pleo cannot be asked hides nothing else."""
    try:
        with client_of(turn) as pleo:
            jobs = pleo.list_jobs(turn.workspace.companies[turn.name].id, statuses=CURRENT)
            return None, jobs, pleo.time()
    except EtlError as error:
        return error, [], None


def _left(batch: Batch, left: dict[str, int | None]) -> int | None:
    return left.get(batch.job_id or "")


def _hindrance(turn: Turn, batch: Batch, jobs: list[Job], *, at: datetime) -> Hindrance | None:
    """Say of a batch whose files are not out that its time is over, or too short."""
    from etl.live.hours import too_late

    is_waiting = batch.state in (State.STAGED, State.APPROVED, State.STARTED)
    if not is_waiting or batch.job_id is None or batch.publish_intended_at is not None:
        return None
    job = next((job for job in jobs if job.id == batch.job_id), None)
    calls = {
        "run": (f"pleo-etl run{turn.option}", "gives the batch up, and fetches what waits then"),
        "release": (
            f"pleo-etl release{turn.option}", "ends the export in Pleo; nothing is released"
        ),
    }  # fmt: skip
    if job is None:
        what = "Pleo has ended its export, so it cannot be released"
        again = "export the items again; what was reviewed is remembered"
        return Hindrance(f"{what}: {again}", calls["run"])
    is_ours = batch.is_started or batch.start_intended_at or batch.facts.get("adopted")
    if (job.is_running and not is_ours) or batch.facts.get("refusal"):
        return None
    margin = turn.workspace.companies[turn.name].margin_minutes * 60.0
    late = too_late(job, at=at, margin=margin)
    return None if late is None else Hindrance(late.says, calls[late.command])


def _waiting_lines(turn: Turn, jobs: list[Job], current: list[Batch]) -> list[str]:
    """Say what waits in Pleo besides the batch that is under way."""
    ours = {batch.job_id for batch in current}
    others = [job for job in jobs if job.id not in ours]
    waiting = sum(job.is_pending for job in others)
    lines = [
        f"export {job.id} is run by somebody else (see `pleo-etl jobs{turn.option}`)"
        for job in others
        if job.is_running
    ]
    if waiting:
        verb = "waits" if waiting == 1 else "wait"
        lines.append(f"{counted(waiting, 'export')} {verb} in Pleo")
        if not current:
            lines.append(f"    pleo-etl run{turn.option}  fetches the oldest")
    return lines
