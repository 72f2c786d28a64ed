"""The keys of a review: what each does, which of them work now, and how they are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from etl.cli.review_looks import Looked
from etl.cli.review_vouchers import Leaf
from etl.review.situation import Act
from etl.review.summary import columns_of

_BETWEEN = "  "


@dataclass(frozen=True, slots=True)
class Key:
    """A key: one word for it, and what it does, as ? tells it."""

    word: str
    does: str


KEYS: Mapping[str, Key] = {
    "v": Key("voucher", "the next voucher; those that you have not reviewed before come first"),
    "p": Key("previous", "the voucher before"),
    "w": Key("why", "why each cell of this item is what it is"),
    "/": Key("find", "find vouchers by words: a name, an amount, a number"),
    "i": Key("items", "all items, one line each"),
    "n": Key("notes", "notes and questions, and to answer them, also for all items at once"),
    "x": Key("rejected", "rejections, with what Pleo's users read"),
    "s": Key("summary", "the first screen again"),
    "m": Key("more", "the whole review, as long as it is"),
    "r": Key("reject", "reject an item; Pleo shows the reason"),
    "u": Key("undo", "undo what was said of an item"),
    "a": Key("approve", "approve: exactly this may be released"),
    "l": Key("release", "approve and release"),
    "d": Key("discard", "discard the batch; nothing of it is out"),
    "q": Key("quit", "leave; nothing is lost"),
    "?": Key("help", "what each key does"),
}
#: Keys that act, and what must be allowed for it.
_ACTS = {"r": Act.REJECT, "a": Act.APPROVE, "l": Act.RELEASE, "d": Act.DISCARD}


def working(looked: Looked, leaf: Leaf) -> list[str]:
    """Give the keys that do something now, in the order in which they are told."""
    view, situation = looked.viewed.view, looked.situation
    has_vouchers, was_booked = bool(view.counts.vouchers), bool(situation.repeats)
    is_there = {
        "v": leaf.has_next,
        "p": leaf.has_previous,
        "w": bool(leaf.entry),
        "/": has_vouchers,
        "n": bool(view.notes) or was_booked or bool(situation.open_questions),
        "x": bool(view.causes),
        "u": bool(situation.decisions) and situation.may(Act.UNDO),
        **{key: situation.may(act) for key, act in _ACTS.items()},
    }
    return [key for key in KEYS if is_there.get(key, True)]


def key_lines(looked: Looked, leaf: Leaf, *, width: int) -> Iterator[str]:
    """Tell the keys that do something now, each with a word, in lines of the terminal."""
    is_asked = bool(looked.situation.open_repeats or looked.situation.open_questions)
    line = ""
    for key in working(looked, leaf):
        told = f"{key} {'answer' if key == 'n' and is_asked else KEYS[key].word}"
        if line and columns_of(line + _BETWEEN + told) > width:
            yield line
            line = ""
        line += f"{_BETWEEN}{told}" if line else told
    yield line
