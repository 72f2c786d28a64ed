"""`pleo-etl review --web`: the review as a page in the browser of this machine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

import click

from etl.cli import talk
from etl.cli.interrupting import INTERRUPTIONS
from etl.cli.leading import led_to
from etl.cli.live import Told, Turn
from etl.cli.outcomes import say_wrapped
from etl.errors import EtlError


def web_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --web and --no-browser."""
    for option in (
        click.option("--no-browser", is_flag=True, help="With --web: only say the address."),
        click.option("--web", is_flag=True, help="As a page in the browser of this machine."),
    ):
        function = option(function)
    return function


def show_page(turn: Turn, *, by: str, opens: bool) -> Told:
    """Serve the page of a company's review until it is ended, or nobody comes for long."""
    from etl.live.session import ReviewSession
    from etl.review.web import LocalPage, Patience

    around = turn.surroundings
    session = ReviewSession(
        turn.workspace, turn.name, clock=around.clock, transport=around.transport,
        remark=turn.remark,
    )  # fmt: skip
    page = LocalPage(session, by=by, patience=Patience(around.clock), bug=_show_bug)
    say_wrapped(
        "the review is served to one browser of this machine; Ctrl-C ends it, and whatever is"
        " being released then is finished first"
    )
    talk.give(page.address)
    lead = led_to(page.address, turn.workspace.root, what="review") if opens else nullcontext()
    try:
        with lead:
            # The browser begins meanwhile; what it asks for waits until the page is served.
            with turn.telling.during("review"), suppress(EtlError):  # the page says what is wrong
                turn.telling("making the view")
                session.view()
                page.prepare()
            page.serve(waits=_say_that_it_waits)
        say_wrapped("the review has ended: nobody looked at it for a long time")
    except INTERRUPTIONS:
        talk.say("the review has ended; what was said is kept")
    return Told("ended")


def _say_that_it_waits() -> None:
    talk.say("a release is going on: it is finished first")


def _show_bug(error: BaseException) -> None:
    if isinstance(error, Exception):
        talk.show_bug(error)
