"""What a batch has otherwise than when a person looked at it last, in a line or two."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from etl.errors import EtlError
from etl.sentences import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.batches.comparison import AccountMove, Comparison
    from etl.live.looking import Changed
    from etl.live.session import ReviewSession
    from etl.review.situation import Situation

#: Accounts whose movement is told; of more it is said how many they are.
MOST = 2


def words_of_change(session: ReviewSession, situation: Situation, *, revision: int, by: str) -> str:
    """Say what changed since somebody looked at an earlier revision of what waits.

    Needs: the revision that is shown, and to whom.
    Gives: nothing where nobody has, or where it is not the one that waits.
    """
    waits = situation.state == "staged" and not situation.is_refused
    if not waits or revision != situation.revision or revision == 1:
        return ""
    try:
        changed = session.changed(situation.batch_id, by=by)
    except EtlError as error:
        return (
            f"what changed since it was looked at could not be made out: {error.problems[0].what}"
        )
    if changed is None or not changed.by:
        return ""
    return f"{_since(changed, by=by)}: {', '.join(_parts(changed.compared.found))}"


def _since(changed: Changed, *, by: str) -> str:
    is_own = changed.by.strip().casefold() == by.strip().casefold()
    return (
        f"since revision {changed.before}, which {'you' if is_own else changed.by} {changed.does}"
    )


def _parts(found: Comparison) -> list[str]:
    if found.is_same:
        return ["nothing differs, to the cent and to the cell"]
    places = Counter(one.went for one in found.items)
    parts = [f"{counted(count, 'item')} now {place}" for place, count in places.items()]
    if found.cells:
        parts.append(f"{counted(len(found.cells), 'cell')} changed")
    parts.append(_money(found.accounts))
    if found.renumbered:
        parts.append(f"{counted(found.renumbered, 'item')} with another number")
    return parts


def _money(moves: Sequence[AccountMove]) -> str:
    from etl.review.words import grouped

    if not moves:
        return "no money moved between accounts"
    if len(moves) > MOST:
        return f"money moved on {counted(len(moves), 'account')}"
    signs = ("+" if one.moved > 0 else "" for one in moves)
    named = [
        f"{one.account} {one.currency or ''} {sign}{grouped(one.moved)}"
        for one, sign in zip(moves, signs, strict=True)
    ]
    return f"moved {' and '.join(named)}"
