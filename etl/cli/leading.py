"""Lead the person's browser to an address that is nobody else's business.

With what a browser is called every user of the machine can see: it is called with a file that only
its owner may read, and the file sends it on.
"""

from __future__ import annotations

import html
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl import files
from etl.cli import talk
from etl.errors import UserMustFix

#: The file; `what` is one word for what is opened.
LEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={address}"><title>pleo-etl {what}</title>
<p><a href="{address}">Open the {what}</a></p></html>
"""
#: Seconds in which a browser is there, or it is one that comes back only when it ends.
SECONDS = 2.0


@contextmanager
def led_to(address: str, folder: Path, *, what: str) -> Iterator[None]:
    """Open the person's browser; what led it there is gone at the end of the `with` block.

    Needs: address, said to the person before; what stands behind it may begin to answer in the
    block.
    """
    # A name without a dot in front: browsers that run in a box of their own may read no other.
    lead = folder / f"open-{what}-{secrets.token_hex(4)}.html"
    text = LEAD.format(address=html.escape(address), what=what)
    try:
        files.write_private(lead, text.encode())
    except UserMustFix:
        _say_that_there_is_none()
        yield
        return
    try:
        opening = threading.Thread(target=_open, args=[lead.absolute().as_uri()], daemon=True)
        opening.start()
        opening.join(SECONDS)
        yield
    finally:
        files.remove_file(lead)


def _open(address: str) -> None:
    import webbrowser

    try:
        if webbrowser.open(address):
            return
    except (webbrowser.Error, OSError):
        pass
    _say_that_there_is_none()


def _say_that_there_is_none() -> None:
    talk.say("no browser could be opened here: open the address above")
