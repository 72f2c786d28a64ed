"""`pleo-etl discard`: forget what is staged; Pleo was told nothing of it."""

from __future__ import annotations

from etl.cli.answering import Answer, answer_command


@answer_command("discard")
def command(by: str) -> Answer:
    """Forget what is staged, before it is released.

    Nothing of it is out, and Pleo was told nothing. Items and numbers are free again; while the
    export waits in Pleo, `pleo-etl run` makes it anew.

    \b
    pleo-etl discard
    pleo-etl discard 7 --company acme --yes
    """
    from etl.live.answers import discard

    return Answer(
        "discard",
        lambda one: one.is_unsettled,
        lambda chosen: f"Forget batch {chosen.number}?",
        lambda desk, chosen: discard(desk, chosen, by=by),
    )
