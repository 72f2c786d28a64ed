"""`pleo-etl jobs`: the exports that wait or run in Pleo. Nothing is changed anywhere."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from etl.cli import talk
from etl.cli.live import Told, Turn, client_of, for_companies, live_options
from etl.cli.standing import written

if TYPE_CHECKING:
    from etl.pleo.shapes import Job

#: The states that matter before the next run; the others are history.
CURRENT = ("pending", "in_progress")
WORDS = {"pending": "waits", "in_progress": "running", "completed_with_errors": "partly"}
SECONDS_OF_MINUTE = 60


@click.command("jobs")
@click.option("--ended", is_flag=True, help="Also the exports that have ended.")
@live_options
def command(*, company: str | None, every: bool, ended: bool, as_json: bool) -> int:
    """List the exports that wait or run in Pleo.

    An export is made by a click on Export in Pleo, and ends one hour after its last update. The
    oldest that waits is the one that `pleo-etl run` takes. This only reads.

    \b
    pleo-etl jobs
    pleo-etl jobs --all --ended --json
    """

    def act(turn: Turn) -> Told:
        with client_of(turn) as pleo:
            found = pleo.list_jobs(
                turn.workspace.companies[turn.name].id, statuses=() if ended else CURRENT
            )
            at = pleo.time()
        _show(found, at, option=turn.option, as_json=as_json)
        return Told("read", document={"jobs": [_document(job, at) for job in found]})

    return for_companies(act, company=company, every=every, as_json=as_json)


def _show(jobs: list[Job], at: datetime, *, option: str, as_json: bool) -> None:
    if not jobs:
        talk.say("no export waits or runs in Pleo; a click on Export there makes one")
        return
    if not as_json:
        talk.give(f"{'Export':<8} {'Items':>6} {'Minutes':>7}  {'Made (UTC)':<16}  Job")
        for job in jobs:
            word = WORDS.get(job.status, job.status)
            left = minutes_left(job, at)
            talk.give(
                f"{word:<8.9} {job.number_of_items:>6} {'' if left is None else left:>7}"
                f"  {job.created_at:%Y-%m-%d %H:%M}  {job.id}"
            )
    if any(job.is_pending for job in jobs):
        talk.say(f"next: pleo-etl run{option}")


def minutes_left(job: Job, at: datetime) -> int | None:
    """Give the whole minutes until a job expires; None when it has ended."""
    if job.is_over:
        return None
    return max(0, int(job.seconds_left(at) // SECONDS_OF_MINUTE))


def _document(job: Job, at: datetime) -> dict[str, Any]:
    return {
        "id": job.id,
        "status": job.status,
        "items": job.number_of_items,
        "created_at": written(job.created_at),
        "started_at": written(job.started_at),
        "ends_at": written(job.ends_at),
        "minutes_left": minutes_left(job, at),
        "failure_reason": job.failure_reason,
    }
