"""`pleo-etl withdraw`: take released files back that nobody has imported."""

from __future__ import annotations

from etl.cli.answering import Answer, answer_command


@answer_command("withdraw")
def command(by: str) -> Answer:
    """Take released files back that nobody has imported.

    The files go to outbox/<company>/withdrawn/; the items are free, and can be exported again in
    Pleo. To reissue a batch is just that: withdraw it, export its items again in Pleo, then
    `pleo-etl run`. Imported already? Then `pleo-etl reverse`.

    \b
    pleo-etl withdraw
    pleo-etl withdraw 7 --company acme --yes
    """
    from etl.live.answering import is_released
    from etl.live.answers import withdraw

    return Answer(
        "withdraw",
        is_released,
        lambda chosen: f"Take batch {chosen.number} back? Nobody may import its files then.",
        lambda desk, chosen: withdraw(desk, chosen, by=by),
    )
