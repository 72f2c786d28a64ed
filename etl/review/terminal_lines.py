"""What a screen of the terminal is made of: lines with a style, and what they need to be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from etl.review.marks import mark
from etl.review.short_names import short_name
from etl.review.situation import Situation

WIDTH = 80


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the screen.

    style   title | good | look | stop | ask | faint | whole (never broken or cut), or none
    """

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a screen is made of besides the view.

    option    the option that names the company in calls, where it is needed
    page      the page to read, as a person would name it; empty where it is not there
    titles    what an item is called, by its id: for those that no remark names
    names     as much of an item's id as tells it from all others
    has_keys  whether a person acts by keys, so that no calls need to be told
    changed   what is otherwise than when this person looked last; empty where nothing is known
    """

    situation: Situation
    option: str = ""
    page: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    revision: int = 0
    width: int = WIDTH
    has_keys: bool = False
    changed: str = ""

    def name(self, entry: str) -> str:
        """Name an item by as much of its id as is needed."""
        return mark(short_name(entry, self.names))

    def call(self, words: str) -> str:
        """Write a call of the review."""
        return f"pleo-etl review{self.option}{f' {words}' if words else ''}"

    @property
    def is_old(self) -> bool:
        """Say whether this is not what waits, but what was."""
        waits = self.situation.state in ("staged", "approved", "started")
        return not waits or self.revision != self.situation.revision
