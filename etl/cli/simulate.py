"""`pleo-etl simulate`: what a mapping would have changed in the batches that were released."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl.cli import talk
from etl.cli.completing import complete_file
from etl.cli.diff import as_document, show, show_amount
from etl.cli.live import Told, Turn, for_companies, one_company_options
from etl.errors import EXIT_GOOD, EXIT_SOME_REJECTED, EXIT_USER

if TYPE_CHECKING:
    from etl.live.simulating import Simulated

LAST = 3


@click.command("simulate")
@click.option(
    "-m", "--mapping", required=True, type=click.Path(path_type=Path), shell_complete=complete_file,
    help="The mapping to try.",
)  # fmt: skip
@click.option(
    "--last", type=click.IntRange(1, 1000), default=LAST, show_default=True, metavar="N",
    help="How many of the last released batches.",
)  # fmt: skip
@one_company_options
def command(mapping: Path, *, last: int, company: str | None, as_json: bool) -> int:
    """Try a mapping on the batches that were released last.

    Each is rendered again from its stored items, with its own template, parameters and numbers,
    and compared with the files as they were released: items, money per account, and every cell.
    Nothing is kept, and nothing is sent.

    Exit code 1 means that an item that stands in the books would be rejected now.

    \b
    pleo-etl simulate --mapping mappings/next-year.yaml --last 6
    """

    def act(turn: Turn) -> Told:
        from etl.batches.ledger.failures import no_batch
        from etl.live.simulating import simulate
        from etl.live.viewing import open_shelf

        clock = turn.surroundings.clock
        with open_shelf(turn.workspace, turn.name, clock=clock) as shelf:
            if shelf is None:
                raise no_batch("1")
            with talk.progress("simulating") as tell:
                done = simulate(shelf, mapping, last=last, tell=tell)
        if not as_json:
            _show(done)
        return _told(done)

    return for_companies(act, company=company, as_json=as_json)


def _told(done: Sequence[Simulated]) -> Told:
    problems = [problem for one in done for problem in one.problems]
    talk.show_problems(problems)
    code = EXIT_SOME_REJECTED if any(one.newly_rejected for one in done) else EXIT_GOOD
    return Told(
        "simulated",
        EXIT_USER if problems else code,
        {"batches": [_document(one) for one in done], "accounts": _accounts(done)},
        problems,
    )


def _document(one: Simulated) -> dict[str, Any]:
    named = {"id": one.batch.id, "number": one.batch.number, "rejected_now": one.newly_rejected}
    return named | {"difference": as_document(one.compared) if one.compared else None}


def _accounts(done: Sequence[Simulated]) -> list[dict[str, str | None]]:
    return [
        {"account": account, "currency": currency, "moved": f"{moved:f}"}
        for (account, currency), moved in sorted(_moved(done).items())
    ]


def _moved(done: Sequence[Simulated]) -> dict[tuple[str, str], Decimal]:
    """Add up what would have moved per account over all batches."""
    moved: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for one in done:
        for move in one.compared.found.accounts if one.compared else ():
            moved[move.account, move.currency or ""] += move.moved
    return {key: amount for key, amount in moved.items() if amount}


def _show(done: Sequence[Simulated]) -> None:
    for one in done:
        if one.compared is None:
            continue
        talk.give(f"== batch {one.batch.number} ({one.batch.id})")
        show(one.compared, names=("released", "now"))
        talk.give("")
    compared = [one for one in done if one.compared is not None]
    if not compared:
        return  # the problems say why
    same = sum(one.compared.found.is_same for one in compared if one.compared)
    talk.give(f"batches that would have come out the same: {same} of {len(compared)}")
    _show_moved(_moved(done))


def _show_moved(moved: Mapping[tuple[str, str], Decimal]) -> None:
    if moved:
        talk.give("money that would have moved in all of them (debit positive)")
    for (account, currency), amount in sorted(moved.items()):
        talk.give(f"  {account or '(none)':16} {currency:3}{show_amount(amount)}")
