"""Claims on items: held while a batch is unsettled, booked when it closed, else given back.

          hold            close, exported
(none) ─────────> held ───────────────────> booked ──── again, by a later batch ───> superseded
                   │                          │ ^                                        │
                   └──────> freed <───────────┘ └──── the later batch gives it back ─────┘
                            <──────────────────────────────────────────────────────────  ┘
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from etl.batches.ledger.records import Batch, Became, Holding

#: (batch id, key of the item) -> what the batch's claim on it became.
Claims = Mapping[tuple[str, str], Holding]


def _live(claims: Claims) -> dict[str, Holding]:
    return {key: one for (_, key), one in claims.items() if one.is_live}


def hold(claims: Claims, batch: Batch, keys: Sequence[str]) -> Claims:
    """Claim every item that nobody has a live claim on."""
    live = _live(claims)
    new = {
        (batch.id, key): Holding(batch.company_id, key, batch.id, Became.HELD)
        for key in keys if key not in live
    }  # fmt: skip
    return {**claims, **new}


def hold_again(claims: Claims, batch: Batch, keys: Sequence[str]) -> Claims:
    """Claim items although an earlier batch has booked them: that claim is superseded."""
    live, changed = _live(claims), dict(claims)
    for key in keys:
        earlier = live.get(key)
        if earlier is None:
            changed[batch.id, key] = Holding(batch.company_id, key, batch.id, Became.HELD)
        elif earlier.batch_id != batch.id:
            changed[earlier.batch_id, key] = replace(earlier, became=Became.SUPERSEDED)
            changed[batch.id, key] = Holding(
                batch.company_id, key, batch.id, Became.HELD, earlier.batch_id
            )
    return changed


def book(claims: Claims, batch_id: str, exported: Collection[str]) -> Claims:
    """Keep the claims on exported items for good, and give back the others."""
    held = [key for (owner, key), one in claims.items() if owner == batch_id and one.is_live]
    booked = {
        (batch_id, key): replace(claims[batch_id, key], became=Became.BOOKED)
        for key in held if key in exported
    }  # fmt: skip
    return free({**claims, **booked}, batch_id, [key for key in held if key not in exported])


def free(claims: Claims, batch_id: str, keys: Collection[str] | None) -> Claims:
    """Give back a batch's claims (all when keys is None).

    An item that was taken from an earlier batch is that batch's again: its rows are in the books.
    """
    changed = dict(claims)
    for (owner, key), one in claims.items():
        if owner != batch_id or (keys is not None and key not in keys):
            continue
        changed[owner, key] = replace(one, became=Became.FREED)
        if one.is_live:
            _give_back(changed, one)
    return changed


def _give_back(changed: dict[tuple[str, str], Holding], freed: Holding) -> None:
    """Make the nearest earlier batch that still has the item in the books its owner again."""
    earlier = freed.took_from
    while earlier is not None:
        one = changed[earlier, freed.entry_id]
        if one.became is Became.SUPERSEDED:
            changed[earlier, freed.entry_id] = replace(one, became=Became.BOOKED)
            return
        earlier = one.took_from
