"""Parts of sentences that many messages need: counts with their nouns, lists cut short."""

from __future__ import annotations

from collections.abc import Sequence

#: Names of settings in a fix, as in "let the mapping … (`on_closed: next_open`)": they are for who
#: writes the mapping, and left out of what Pleo's users read.
SETTINGS = r" \(`[^)]*\)"


def counted(count: int, noun: str) -> str:
    """Write a count with its noun: 1 item, 2 items, 3 batches."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}es" if noun.endswith("ch") else f"{count} {noun}s"


def some_of(names: Sequence[str], most: int) -> str:
    """List names up to a number, and say how many are left out."""
    left_out = len(names) - most
    return ", ".join(names[:most]) + (f" and {left_out} more" if left_out > 0 else "")
