"""What a review is made from, beside the manifest and the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from etl.frames import ITEM_KEY, KEY


@dataclass(frozen=True, slots=True)
class BatchFrames:
    """The frames of a batch, as the stages leave them.

    `items` may hold rejected items as well: their facts then stand beside the rejection.
    `lines` are mapped lines, with the rule that decided each target beside it.
    `settled` are listed items that are not booked here: verdict, external_id, and item facts.
    """

    items: pl.DataFrame
    lines: pl.DataFrame
    vouchers: pl.DataFrame
    postings: pl.DataFrame
    rejections: pl.DataFrame
    notes: pl.DataFrame
    settled: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={ITEM_KEY: KEY}))


@dataclass(frozen=True, slots=True)
class Sighting:
    """That an item was seen before (REV-5) or held back (REV-6), or its invoice number (REV-4)."""

    code: str
    item_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class AnswerBefore:
    """What a person has said to the same question, in an earlier batch or before this one changed.

    where    that batch, as a page calls it; empty where it is this one
    changed  why it must be said anew, in words; empty where it still holds and is taken over
    items    that are concerned now, where it still holds
    prints   item, in lower case -> hash of what was asked of it
    """

    code: str
    text: str
    by: str
    on: str
    where: str
    changed: str = ""
    items: tuple[str, ...] = ()
    prints: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Say what was answered, where, when and by whom, and whether that still holds."""
        if not (self.where or self.changed):
            return ""
        place = f", in {self.where}" if self.where else ""
        said = f'answered before{place} on {self.on} by {self.by}: "{self.text}"'
        return f"{said} – asked again: {self.changed}" if self.changed else said


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier batches say of the items of this one.

    looked_through  released batches whose invoice numbers were compared
    unreadable      released batches whose items are not stored any more
    answers         what was said there to what is asked here
    held            item -> in words, what was said of it there, where it is not booked here
    """

    sightings: tuple[Sighting, ...] = ()
    looked_through: int = 0
    unreadable: int = 0
    answers: tuple[AnswerBefore, ...] = ()
    held: Mapping[str, str] = field(default_factory=dict)

    @property
    def answered(self) -> frozenset[str]:
        """Give the codes of notes to which an earlier answer still holds."""
        return frozenset(one.code for one in self.answers if not one.changed)


#: Of an offline batch nothing earlier is known.
NOTHING_EARLIER = Earlier()


@dataclass(frozen=True, slots=True)
class RuleText:
    """A mapping rule in words, and where it stands (file and line).

    fallback_of   the target, if the rule gives it for all that the rules before leave
    after         files of the tables in which these rules look
    """

    text: str
    place: str
    table: str | None = None
    fallback_of: str = ""
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How an output file is to be read: its encoding, and its delimiter where it has one."""

    encoding: str
    delimiter: str | None = None
