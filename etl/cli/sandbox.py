"""`pleo-etl sandbox`: a Pleo on this machine to try things on, with the sample data in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from etl.cli import talk
from etl.errors import EXIT_GOOD

if TYPE_CHECKING:
    from etl.pleo.sandbox import Pleo, RunningSandbox

PORT = 8585


@click.command("sandbox")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, metavar="N",
    help="The port to listen on; 0 takes a free one.",
)  # fmt: skip
@click.option(
    "--company", "names", multiple=True, metavar="NAME",
    help="A company of the sample data; may be repeated; default: all.",
)  # fmt: skip
@click.option(
    "--fault", "faults", multiple=True, metavar="FAULT",
    help="A fault to make, as error=503@list-jobs; may be repeated.",
)  # fmt: skip
@click.option(
    "--seed", type=int, default=1, show_default=True, metavar="N",
    help="Same seed, same keys and ids.",
)  # fmt: skip
@talk.json_option
def command(
    port: int, names: tuple[str, ...], faults: tuple[str, ...], seed: int, as_json: bool
) -> int:
    """Run a Pleo of your own on this machine.

    It answers as Pleo's Export API v3 does, with the sample data, and forgets all when it ends.
    Only this machine reaches it. Each company (example, example-uk, example-se) has an API key
    and an export job that waits.

    \b
    pleo-etl sandbox --company example
    pleo-etl sandbox --fault error=503@list-jobs:1-3 --fault lost-answer@report-items:2

    A fault is KIND[=VALUE][@OPERATION][:FIRST[-[LAST]]]: it hits the requests of that number,
    counted from 1 (default: the first one; 1- hits all).

    \b
    Kinds: lost-request, lost-answer, late, error, error-after, limited, truncated, drip, slow,
      wrong-type, html, page-loop, page-repeat, page-gap, page-no-cursor
    Operations: list-jobs, create-job, get-job, send-event, list-items, report-items,
      export-items, download, authorize, token
    """
    from etl.pleo.loopback import DEFAULT_PORT, redirect_uri
    from etl.pleo.sandbox import RunningSandbox

    pleo = _make_pleo(names, faults, seed=seed)
    companies: list[dict[str, Any]] = [
        {"name": company.name, "id": company.id, "api_key": pleo.add_key([company]),
         "client": pleo.add_client([company], [redirect_uri(DEFAULT_PORT)]),
         "job": pleo.add_job(company).id, "items": len(company.entries)}
        for company in pleo.companies.values()
    ]  # fmt: skip
    for company in companies:
        client = company.pop("client")
        company |= {"client_id": client.id, "client_secret": client.secret}
    try:
        running = RunningSandbox(pleo, port=port)
    except OSError:
        raise click.UsageError(
            f"port {port} is not free: something else listens there, or may not; --port 0 takes"
            " a free one"
        ) from None
    with running:
        if as_json:
            talk.give_json({"exit_code": EXIT_GOOD, "errors": [], "base_url": running.base_url,
                            "companies": companies})  # fmt: skip
        else:
            _say_what_to_try(running, companies)
        try:
            running.wait()
        except KeyboardInterrupt:
            talk.say("the sandbox is closed, and has forgotten all")
    return EXIT_GOOD


def _make_pleo(names: tuple[str, ...], faults: tuple[str, ...], *, seed: int) -> Pleo:
    from etl.clock import now
    from etl.pleo.sandbox import SAMPLES, Pleo, SandboxClock

    pleo = Pleo(seed=seed, clock=SandboxClock(now(), is_running=True))
    for name in dict.fromkeys(names) or SAMPLES:
        if name not in SAMPLES:
            raise click.UsageError(f'there is no company "{name}"; there are {", ".join(SAMPLES)}')
        pleo.add_sample(name)
    for fault in faults:
        try:
            pleo.faults.add(fault)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    return pleo


def _say_what_to_try(running: RunningSandbox, companies: list[dict[str, Any]]) -> None:
    url = running.base_url
    talk.give(f"base URL: {url}")
    for company in companies:
        talk.give("")
        talk.give(f"company {company['name']}: {company['id']}")
        talk.give(f"  API key: {company['api_key']}")
        talk.give(f"  OAuth client: {company['client_id']}, secret {company['client_secret']}")
        talk.give(f"  export job with {company['items']} items, pending: {company['job']}")
    first = companies[0]
    curl = f"curl -u {first['api_key']}:"
    event = f'{{"event": "started", "jobId": "{first["job"]}"}}'
    talk.say("")
    talk.say("Try, in another terminal:")
    talk.say(f"  {curl} '{url}/v3/export-jobs?statuses=pending'")
    talk.say(f"  {curl} '{url}/v3/export-items?job_id={first['job']}&limit=2'")
    talk.say(f"  {curl} {url}/v3/export-job-events -d '{event}'")
    talk.say(f"  {curl} {url}/v3/export-jobs/{first['job']}/items")
    talk.say("")
    talk.say("A job ends one hour after its last update, as in Pleo. Ctrl-C closes the sandbox.")
