"""`pleo-etl logout`: forget what opens a company in Pleo."""

from __future__ import annotations

import click

from etl.cli import talk
from etl.cli.live import Told, Turn, for_companies, live_options


@click.command("logout")
@live_options
def command(*, company: str | None, every: bool, as_json: bool) -> int:
    """Forget the credential of a company on this computer.

    It stays valid in Pleo until it ends or is revoked there. Batches and files are not touched.

    \b
    pleo-etl logout
    pleo-etl logout --all
    """
    return for_companies(_forget, company=company, every=every, as_json=as_json)


def _forget(turn: Turn) -> Told:
    from etl.pleo.addresses import address_of
    from etl.pleo.login import forget, variable_in_the_way

    base_url = address_of(turn.workspace.settings.pleo).base_url
    gone = forget(base_url=base_url, company_id=turn.workspace.companies[turn.name].id)
    for place in gone:
        talk.say(f"{turn.name}: removed from {place}")
    if gone:
        talk.say("the credential stays valid in Pleo; revoke it there if nobody else uses it")
    else:
        talk.say(f"{turn.name}: nothing was kept for {base_url}")
    variable = variable_in_the_way(turn.name)
    if variable is not None:
        talk.say(f"{variable} is set in this shell and still opens the company")
    return Told("logged out", document={"base_url": base_url, "removed_from": gone})
