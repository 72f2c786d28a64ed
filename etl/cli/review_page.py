"""`pleo-etl review --web`: the review as a page in the browser of this machine."""

from __future__ import annotations

import html
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from etl import files
from etl.cli import talk
from etl.cli.interrupting import INTERRUPTIONS
from etl.cli.live import Told, Turn
from etl.cli.outcomes import say_wrapped
from etl.errors import EtlError, UserMustFix

#: Leads the browser to the page. It holds the address, which only its owner may read: on the
#: command line of a browser every user of the machine could.
LEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={address}"><title>Review</title>
<p><a href="{address}">Open the review</a></p></html>
"""


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
    with turn.telling.during("review"), suppress(EtlError):  # the page says what is wrong
        turn.telling("making the view")
        session.view()  # a large batch takes a moment, the first time
    page = LocalPage(session, by=by, patience=Patience(around.clock), bug=_show_bug)
    say_wrapped(
        "the review is served to one browser of this machine; Ctrl-C ends it, and whatever is"
        " being released then is finished first"
    )
    talk.give(page.address)
    with _led_to(page.address, turn.workspace.root, opens=opens):
        try:
            page.serve(waits=_say_that_it_waits)
            say_wrapped("the review has ended: nobody looked at it for a long time")
        except INTERRUPTIONS:
            talk.say("the review has ended; what was said is kept")
    return Told("ended")


@contextmanager
def _led_to(address: str, folder: Path, *, opens: bool) -> Iterator[None]:
    """Open the person's browser; what led it here is gone when the review ends."""
    import webbrowser

    if not opens:
        yield
        return
    # A name without a dot in front: browsers that run in a box of their own may read no other.
    lead = folder / f"open-review-{secrets.token_hex(4)}.html"
    try:
        files.write_private(lead, LEAD.format(address=html.escape(address)).encode())
        if not webbrowser.open(lead.absolute().as_uri()):
            talk.say("no browser could be opened here: open the address above")
    except (webbrowser.Error, OSError, UserMustFix):
        talk.say("no browser could be opened here: open the address above")
    try:
        yield
    finally:
        files.remove_file(lead)


def _say_that_it_waits() -> None:
    talk.say("a release is going on: it is finished first")


def _show_bug(error: BaseException) -> None:
    if isinstance(error, Exception):
        talk.show_bug(error)
