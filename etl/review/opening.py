"""What a review says first: of what waits, what was found; of what is done with, what became of it.

The view alone knows only the former: it is made before anybody has decided anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from etl.review.model import ReviewView, State
from etl.review.situation import Situation
from etl.sentences import counted

#: What a sign means, where nothing more is known.
STATE_WORDS: dict[State, str] = {
    "good": "All checks hold",
    "look": "Checks hold, some things to look at",
    "stop": "Do not import",
}


@dataclass(frozen=True, slots=True)
class Opening:
    """The first words: a sign with its meaning, the headline, and what stands below.

    words   what the sign means; empty where the headline says it
    """

    state: State
    words: str
    headline: str
    sentences: tuple[str, ...]


def opening(view: ReviewView, situation: Situation | None = None) -> Opening:
    """Give the first words of a revision; without a situation, as if it waited.

    Needs: the situation of the batch, if the revision is its newest one.
    """
    ended = None if situation is None else _ended(view, situation)
    if ended is None or situation is None:
        return Opening(view.state, STATE_WORDS[view.state], view.headline, view.sentences)
    state, headline = ended
    sentences = [view.headline]
    if view.counts.rejected:
        sentences.append(f"{counted(view.counts.rejected, 'item')} rejected")
    return Opening(state, "", headline, tuple(sentences))


def _ended(view: ReviewView, situation: Situation) -> tuple[State, str] | None:
    """Say of a batch that nobody reviews any more what became of it."""
    name = f"batch {situation.number}"
    if (reverses := view.identity.reverses) is not None:
        name += f" (reversal of batch {reverses})"
    told: dict[str, tuple[State, str]] = {
        "lapsed": ("stop", f"{name} has lapsed: nothing of it went out"),
        "published": ("stop", f"Do not import {name} yet"),
        "reported": ("stop", f"Do not import {name} yet"),
        "quarantined": ("stop", f"Do not import {name}"),
        "closed": ("good", f"{name} is done: there was nothing to import"),
        "released": ("good", f"{name} is released: import {_files(view)}"),
        "imported": ("good", f"{name} is imported"),
        "withdrawn": ("stop", f"Do not import {name}: it was withdrawn"),
        "reversed": ("look", f"{name} is reversed: another batch takes it back"),
        "void": ("stop", f"Do not import {name}: it is void"),
    }
    found = told.get(situation.word)
    return found and (found[0], found[1][:1].upper() + found[1][1:])


def _files(view: ReviewView) -> str:
    names = [file.name for file in view.files]
    return names[0] if len(names) == 1 else f"its {counted(len(names), 'file')}"
