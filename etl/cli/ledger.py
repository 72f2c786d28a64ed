"""`pleo-etl ledger`: check the record of all batches, and make it again when it is lost."""

from __future__ import annotations

import click

from etl.cli import talk
from etl.cli.asking import ask, must_be_attended
from etl.cli.live import (
    Told,
    Turn,
    client_of,
    for_companies,
    here,
    ledger_of,
    live_options,
    yes_option,
)
from etl.cli.outcomes import say_wrapped
from etl.cli.surroundings import surroundings
from etl.errors import EXIT_GOOD, EXIT_USER
from etl.files import shown_path
from etl.sentences import counted


@click.group("ledger")
def command() -> None:
    """Check the record of all batches, or make it again."""


@command.command("verify")
@click.option("--online", is_flag=True, help="Also compare with what Pleo shows.")
@live_options
def verify(*, company: str | None, every: bool, as_json: bool, online: bool) -> int:
    """Prove the ledger and the outbox.

    Names everything that is stored otherwise than the events say, and every released folder that
    is missing or was changed. Without --company: of all companies. This only reads.

    \b
    pleo-etl ledger verify
    pleo-etl ledger verify --company acme --online
    """

    def act(turn: Turn) -> Told:
        return _verify(turn, online=online)

    every = every or company is None
    return for_companies(act, company=company, every=every, as_json=as_json)


def _verify(turn: Turn, *, online: bool) -> Told:
    from etl.live.desk import folders_of
    from etl.live.verifying import verify_company

    company_id = turn.workspace.companies[turn.name].id
    folders = folders_of(turn.workspace, turn.name)
    with ledger_of(turn) as ledger:
        if ledger is None:
            talk.say("there is no ledger yet")
            return Told("nothing")
        problems = ledger.verify()
        if online:
            with client_of(turn) as pleo:
                problems += verify_company(ledger, folders, company_id=company_id, pleo=pleo)
        else:
            problems += verify_company(ledger, folders, company_id=company_id)
        problems = [turn.named(problem) for problem in problems]
        count = len(ledger.batches(company_id))
    talk.show_problems(problems)
    if not problems:
        talk.say(f"nothing is wrong; {turn.name} has {counted(count, 'batch')}")
    return Told("verified", EXIT_USER if problems else EXIT_GOOD, problems=problems)


@command.command("rebuild")
@click.option("--force", is_flag=True, help="Also when nothing is wrong with the ledger.")
@yes_option
@talk.json_option
def rebuild(*, force: bool, yes: bool, as_json: bool) -> int:
    """Make a lost or damaged ledger again.

    From the outbox and from Pleo, for all companies of the workspace. The old file is moved aside,
    not removed. Says what cannot be known any more.

    \b
    pleo-etl ledger rebuild
    pleo-etl ledger rebuild --yes --json
    """
    from etl.live.rebuilding import rebuild as make_again

    workspace, around = here(), surroundings()
    if not yes:
        must_be_attended(around, what="pleo-etl ledger rebuild")
        names = ", ".join(workspace.companies)
        if not ask(f"Make the ledger of {names} again?"):
            talk.say("nothing was done")
            if as_json:
                talk.give_json({"exit_code": EXIT_GOOD, "errors": [], "batches": {}})
            return EXIT_GOOD
    telling = talk.Telling()
    with telling.during("rebuild"):
        rebuilt = make_again(
            workspace,
            clock=around.clock, transport=around.transport, is_forced=force, tell=telling,
        )  # fmt: skip
    say_wrapped(rebuilt.says)
    if rebuilt.old is not None:
        talk.say(f"  the old one: {shown_path(rebuilt.old)}")
    talk.say("what cannot be known any more:")
    for sentence in rebuilt.unknown:
        say_wrapped(f"  - {sentence}")
    talk.say("next: pleo-etl ledger verify")
    if as_json:
        talk.give_json({
            "exit_code": EXIT_GOOD, "errors": [],
            "batches": dict(rebuilt.batches), "unknown": list(rebuilt.unknown),
            "old": None if rebuilt.old is None else str(rebuilt.old),
        })  # fmt: skip
    return EXIT_GOOD
