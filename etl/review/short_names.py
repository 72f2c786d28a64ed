"""How items are named on a screen: by as much of their id as tells them from all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

#: Characters of an id that are enough, where no other item's id begins with them.
SHOWN, END = 8, 4
#: Stands for what is left out of the middle.
CUT = "…"


def short_names(ids: Iterable[str]) -> dict[str, str]:
    """Give for each id its beginning; where another one begins so too, its end as well."""
    names = {entry: entry[:SHOWN] for entry in ids if entry}
    for longer in (_with_end, str):
        times = Counter(name.casefold() for name in names.values())
        names = {
            entry: name if times[name.casefold()] == 1 else longer(entry)
            for entry, name in names.items()
        }
    return names


def _with_end(entry: str) -> str:
    return f"{entry[:SHOWN]}{CUT}{entry[-END:]}" if len(entry) > SHOWN + END else entry


def is_short_for(name: str, entry: str) -> bool:
    """Say whether a name with a cut in its middle is one of this id."""
    head, cut, end = name.casefold().partition(CUT)
    whole = entry.casefold()
    return bool(cut and head and end) and whole.startswith(head) and whole.endswith(end)


def short_name(entry: str, names: Mapping[str, str]) -> str:
    """Give the name of an item; of one that is not in the batch, the whole id."""
    return names.get(entry, entry)
