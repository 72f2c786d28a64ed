"""`pleo-etl ledger`: check the record of all batches, and make it again when it is lost."""

from __future__ import annotations

import click

from etl.cli import talk
from etl.cli.live import Told, Turn, for_companies, ledger_of, live_options
from etl.errors import EXIT_GOOD, EXIT_USER


@click.group("ledger")
def command() -> None:
    """Check the record of all batches, or make it again."""


@command.command("verify")
@live_options
def verify(*, company: str | None, every: bool, as_json: bool) -> int:
    """Prove the ledger: play all events again, and compare.

    The ledger is one for all companies of a workspace. Names everything that is stored otherwise
    than the events say. This only reads.

    \b
    pleo-etl ledger verify
    """

    def act(turn: Turn) -> Told:
        with ledger_of(turn) as ledger:
            if ledger is None:
                talk.say("there is no ledger yet")
                return Told("nothing")
            problems = ledger.verify()
            batches = ledger.batches(turn.workspace.companies[turn.name].id)
        talk.show_problems(problems)
        if not problems:
            number = "1 batch" if len(batches) == 1 else f"{len(batches)} batches"
            talk.say(f"nothing is wrong; {turn.name} has {number}")
        return Told("verified", EXIT_USER if problems else EXIT_GOOD, problems=problems)

    return for_companies(act, company=company, every=every, as_json=as_json)
