"""`pleo-etl imported`: note that your ERP has taken a released batch."""

from __future__ import annotations

import click

from etl.cli.answering import Answer, answer_command

_refused = click.option(
    "--refused", "refused", multiple=True, metavar="ITEM",
    help="An item that your ERP did not take: its id, or the reference in the file; may be"
    " repeated.",
)  # fmt: skip


@answer_command("imported", _refused)
def command(by: str, *, refused: tuple[str, ...]) -> Answer:
    """Note that your ERP has taken a released batch.

    Notes who says so, and when. Items that the ERP refused are free again: correct them, then
    export them again in Pleo.

    \b
    pleo-etl imported
    pleo-etl imported 7 --refused 4114001 --company acme --yes
    """
    return import_noted(by, refused=refused)


def import_noted(by: str, *, refused: tuple[str, ...] = ()) -> Answer:
    """Give the answer that a batch was imported, but for what the ERP refused."""
    from etl.live.answering import is_released
    from etl.live.answers import mark_imported

    but = f", but for {', '.join(refused)}" if refused else ""
    return Answer(
        "imported",
        is_released,
        lambda chosen: f"Your ERP has batch {chosen.number}{but}?",
        lambda desk, chosen: mark_imported(desk, chosen, by=by, refused=refused),
    )
