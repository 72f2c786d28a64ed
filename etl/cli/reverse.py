"""`pleo-etl reverse`: make a batch that takes back the bookings of an imported one."""

from __future__ import annotations

from etl.cli.answering import Answer, answer_command


@answer_command("reverse")
def command(by: str) -> Answer:
    """Make a batch that takes an imported one back.

    It has the opposite postings; import it like any other. Pleo is told nothing; the items are
    free, and can be exported again. Not imported yet? Then `pleo-etl withdraw`.

    \b
    pleo-etl reverse 7
    pleo-etl reverse 7 --company acme --yes
    """
    from etl.live.answering import is_in_the_books
    from etl.live.answers import reverse

    return Answer(
        "reverse",
        lambda one: is_in_the_books(one) and not one.facts.get("reverses"),
        lambda chosen: f"Make a batch that takes back the bookings of batch {chosen.number}?",
        lambda desk, chosen: reverse(desk, chosen, by=by),
    )
