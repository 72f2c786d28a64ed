"""What the commands of the live flow share: choose companies, keep them apart, tell outcomes.

    --company, --all ──> names ──> each one alone: act, or its problems ──> one document, one code

One company's failure never stops another one; the exit code is the highest of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from etl.cli import talk
from etl.cli.completing import complete_company
from etl.cli.interrupting import EXIT_INTERRUPTED, INTERRUPTIONS, exit_code_of
from etl.cli.standing import say_standing
from etl.cli.surroundings import Surroundings, surroundings
from etl.errors import EXIT_BUG, EXIT_GOOD, EtlError, Problem, UserMustFix

if TYPE_CHECKING:
    from etl.batches.ledger import Ledger
    from etl.live.desk import Desk
    from etl.pleo.client import PleoClient
    from etl.workspace import Workspace

Function = TypeVar("Function", bound=Callable[..., Any])

company_option = click.option(
    "--company", metavar="NAME", shell_complete=complete_company,
    help="The company; not needed where the workspace has one.",
)  # fmt: skip
all_option = click.option("--all", "every", is_flag=True, help="Every company of the workspace.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
by_option = click.option("--by", metavar="NAME", help="Who says so; default: your login name.")


@dataclass(frozen=True, slots=True)
class Turn:
    """One company's turn in a call: the workspace, its name in it, the clock, the way to Pleo."""

    workspace: Workspace
    name: str
    surroundings: Surroundings
    telling: talk.Telling = field(default_factory=talk.Telling)
    remarks: list[str] = field(default_factory=list)

    @property
    def option(self) -> str:
        """Give the option that names the company in calls, where it is needed."""
        return self.workspace.option(self.name)

    def remark(self, text: str) -> None:
        """Say what a person has to know besides the outcome; --json lists it as a notice."""
        told = self.workspace.named_in(text, self.name)
        self.remarks.append(told)
        with self.telling.paused():
            talk.say(talk.printable(told))

    def named(self, problem: Problem) -> Problem:
        """Put the option that names the company into the calls that a problem proposes."""
        return self.workspace.named(problem, self.name)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one company, for --json; a person was told while it happened.

    word      what happened, in one word or two
    document  what --json says of it besides
    """

    word: str
    exit_code: int = EXIT_GOOD
    document: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Problem] = ()


#: What --json says of one company.
Report = dict[str, Any]
Act = Callable[[Turn], Told]
#: Told what became of all companies, gives the seconds until the next round, or None for none.
Again = Callable[[Sequence[Report]], float | None]


def live_options(function: Function) -> Function:
    """Give a command --company, --all and --json."""
    for option in (talk.json_option, all_option, company_option):
        function = option(function)
    return function


def one_company_options(function: Function) -> Function:
    """Give a command --company and --json."""
    for option in (talk.json_option, company_option):
        function = option(function)
    return function


def here() -> Workspace:
    """Read the workspace of the current folder, or of one above it."""
    from etl.workspace import find_workspace, load_workspace

    return load_workspace(find_workspace(surroundings().folder or Path.cwd()))


def chosen(workspace: Workspace, *, company: str | None, every: bool = False) -> list[str]:
    """Give the names of the companies that a call means.

    Raises: UserMustFix CLI-3.
    """
    names = list(workspace.companies)
    if every and company:
        raise click.UsageError("--company and --all exclude each other")
    if company is not None:
        if company not in names:
            raise UserMustFix(_unknown(company, names))
        return [company]
    if every or len(names) == 1:
        return names
    takes_all = any(one.name == "every" for one in click.get_current_context().command.params)
    fix = f"add --company NAME (the workspace has {', '.join(names)})"
    fix += ", or --all" if takes_all else ""
    what = "the workspace has several companies, and none is named"
    raise UserMustFix(Problem("CLI-3", what, workspace.document.name, fix))


def _unknown(company: str, names: Sequence[str]) -> Problem:
    from etl.documents import near_match

    near = near_match(company, list(names))
    hint = f'did you mean "{near}"? ' if near else ""
    what = f'the workspace has no company "{company}"'
    return Problem("CLI-3", what, "--company", f"{hint}the workspace has {', '.join(names)}")


def for_companies(
    act: Act,
    *,
    company: str | None,
    every: bool = False,
    as_json: bool = False,
    again: Again | None = None,
) -> int:
    """Let every chosen company have its turn, and give the highest exit code.

    `again` is asked after each round whether there is another one, and after how many seconds.
    """
    workspace = here()
    names = chosen(workspace, company=company, every=every)
    turn = Turn(workspace, names[0], surroundings())
    told: dict[str, Report] = {}
    done: list[str] = []
    try:
        while True:
            done = []
            for name in names:
                turn = replace(turn, name=name, remarks=[])
                told[name] = _take_turn(act, turn, before=told.get(name), has_others=len(names) > 1)
                done.append(name)
            seconds = again(list(told.values())) if again else None
            if seconds is None:
                break
            turn.surroundings.clock.sleep(seconds)
    except INTERRUPTIONS as interruption:
        code = exit_code_of(interruption)
        talk.say("interrupted" if code == EXIT_INTERRUPTED else "ended, as the system asked for it")
        _say_what_stays(turn, names)
        if turn.name not in done:
            told[turn.name] = _report(turn, Told("interrupted", code))
        if as_json:
            talk.give_json(_document(list(told.values()), code))
        raise click.exceptions.Exit(code) from None
    code = max(int(one["exit_code"]) for one in told.values())
    if as_json:
        talk.give_json(_document(list(told.values()), code))
    return code


def _say_what_stays(turn: Turn, names: Sequence[str]) -> None:
    """Say what an interruption left, and what the next command will do about it."""
    left = []
    with suppress(EtlError), ledger_of(turn) as ledger:  # what is wrong with it says the next one
        for name in names if ledger else ():
            batch = ledger.unsettled(turn.workspace.companies[name].id) if ledger else None
            if batch is not None:
                left.append((name, batch))
    for name, batch in left:
        if len(names) > 1:
            talk.say(f"{name}:")
        say_standing(batch, option=replace(turn, name=name).option)
    if not left:
        talk.say("nothing is left in between; the same command begins anew")


def _take_turn(act: Act, turn: Turn, *, before: Report | None, has_others: bool) -> Report:
    """Let one company have its turn; whatever stops it stops no other one.

    What stopped it in the round before is not said again.
    """
    if has_others and before is None:
        talk.say(f"{turn.name}:")
    try:
        with turn.workspace.naming(turn.name):
            told = act(turn)
    except EtlError as error:
        told = Told("stopped", error.exit_code, problems=error.problems)
        if before is None or _report(turn, told) != before:
            talk.show_problems(error.problems)
    except (click.ClickException, BrokenPipeError):
        raise
    except Exception as error:
        told = Told("failed", EXIT_BUG, problems=[talk.show_bug(error)])
    return _report(turn, told)


def _report(turn: Turn, told: Told) -> Report:
    return {
        **told.document,
        "company": turn.name,
        "outcome": told.word,
        "exit_code": told.exit_code,
        "notices": list(turn.remarks),
        "errors": [talk.as_dict(problem) for problem in told.problems],
    }


def _document(told: Sequence[Report], code: int) -> dict[str, Any]:
    errors = [dict(error) | {"company": one["company"]} for one in told for error in one["errors"]]
    return {"exit_code": code, "errors": errors, "companies": list(told)}


@contextmanager
def client_of(turn: Turn) -> Iterator[PleoClient]:
    """Give the way to Pleo of a company, for commands that only read there."""
    from etl.pleo.addresses import address_of
    from etl.pleo.client import PleoClient
    from etl.pleo.credentials import find_credential

    clock = turn.surroundings.clock
    address = address_of(turn.workspace.settings.pleo)
    credential = find_credential(turn.workspace, turn.name, address=address, clock=clock)
    transport = turn.surroundings.transport
    with PleoClient(address, credential=credential, clock=clock, transport=transport) as pleo:
        yield pleo


@contextmanager
def desk_of(turn: Turn, *, what: str) -> Iterator[Desk]:
    """Open the desk of a company; nobody else writes for it meanwhile."""
    from etl.live.desk import open_desk

    around = turn.surroundings
    with open_desk(
        turn.workspace, turn.name,
        what=f"pleo-etl {what}", clock=around.clock, transport=around.transport, tell=turn.telling,
    ) as desk:  # fmt: skip
        yield replace(desk, remark=turn.remark)


@contextmanager
def ledger_of(turn: Turn) -> Iterator[Ledger | None]:
    """Open the ledger for reading; None where nothing was ever run.

    Raises: UserMustFix LED-* also where the outbox is another ledger's, or the ledger is lost.
    """
    from etl.batches.identity import check_identity, read_identity
    from etl.batches.ledger import open_ledger
    from etl.batches.ledger.opening import ledger_path
    from etl.live.desk import folders_of

    url, root = turn.workspace.settings.ledger, turn.workspace.root
    outbox = folders_of(turn.workspace, turn.name).outbox
    if not ledger_path(url, root=root).exists() and read_identity(outbox) is None:
        yield None
        return
    company_id = turn.workspace.companies[turn.name].id
    with open_ledger(url, root=root, clock=turn.surroundings.clock, create=False) as ledger:
        check_identity(outbox, ledger=ledger, company_id=company_id, is_writing=False)
        yield ledger


def without_all(batch: str | None, *, every: bool) -> None:
    """Refuse --all where one batch is named, which is of one company."""
    if batch is not None and every:
        raise click.UsageError("--all and a BATCH exclude each other; name its company")
