"""How a batch stands with its reviewer, as plain values: what the faces show beyond the view."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

#: Below so many minutes a face warns.
FEW_MINUTES = 10


class Act(StrEnum):
    """What a reviewer may do with a batch."""

    REJECT = "reject"
    UNDO = "undo"
    ALREADY_BOOKED = "already_booked"
    AGAIN = "again"
    ANSWER = "answer"
    SEEN = "seen"
    APPROVE = "approve"
    RELEASE = "release"
    DISCARD = "discard"
    FETCH = "fetch"
    IMPORTED = "imported"
    WITHDRAW = "withdraw"
    REISSUE = "reissue"
    REVERSE = "reverse"
    SETTLE_IMPORTED = "settle_imported"
    SETTLE_NOT_IMPORTED = "settle_not_imported"


def name_of(batch_id: str, number: int, *, is_void: bool) -> str:
    """Name a batch as a page does: another one may have the number of a void one."""
    return f"void batch {batch_id[:6]}" if is_void else f"batch {number}"


@dataclass(frozen=True, slots=True)
class Approved:
    """Who approved the content, and when (UTC, to the minute)."""

    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Question:
    """A note that a person must answer.

    answer  what was said to it, empty where nothing
    before  what was said to it in an earlier batch, and whether that still holds, in words
    """

    code: str
    meaning: str
    items: tuple[str, ...]
    answer: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was said of an item: reject (with the reason), already_booked or again."""

    entry: str
    does: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Repeat:
    """An item that an earlier batch has booked; `earlier` says where, in words."""

    entry: str
    earlier: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Where a batch stands, what was said of it, and what may be done now.

    word, sentence  how it stands: one word for lists, and what that means
    next_step       what to do now
    minutes_left    of Pleo's hour, by Pleo's clock; None where no hour runs or it is not known
    seconds_left    the same in seconds, for a clock that counts down
    time_words      why the minutes left are not known, or that the export has ended
    reviewed_*      how many items, which, and when last: seen before, and booked the same as then
    refused         items that the ERP did not take when it was imported
    is_lapsed       Pleo has ended the export: the batch can never be released
    reverses        the number of the batch that this one takes back
    """

    company: str
    batch_id: str = ""
    number: int = 0
    job: str = ""
    revision: int = 0
    content: str = ""
    state: str = "none"
    word: str = "nothing"
    sentence: str = "nothing is staged"
    next_step: str = ""
    approvals: tuple[Approved, ...] = ()
    needed: int = 1
    minutes_left: int | None = None
    seconds_left: int | None = None
    time_words: str = ""
    is_lapsed: bool = False
    questions: tuple[Question, ...] = ()
    decisions: tuple[Decision, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    reviewed_before: int = 0
    reviewed_on: str = ""
    reviewed_entries: frozenset[str] = frozenset()
    allowed: frozenset[Act] = frozenset()
    folder: str = ""
    is_refused: bool = False
    refused: tuple[str, ...] = ()
    reverses: int | None = None

    @property
    def is_urgent(self) -> bool:
        return self.minutes_left is not None and self.minutes_left < FEW_MINUTES

    @property
    def open_questions(self) -> tuple[Question, ...]:
        return tuple(question for question in self.questions if not question.answer)

    @property
    def open_repeats(self) -> tuple[Repeat, ...]:
        """Give the items that were booked before and wait until a person says what they are."""
        return tuple(repeat for repeat in self.repeats if repeat.is_open)

    @property
    def twice(self) -> tuple[str, ...]:
        """Give the items that are booked a second time: a person said so."""
        said = {one.entry for one in self.decisions if one.does == Act.AGAIN}
        return tuple(repeat.entry for repeat in self.repeats if repeat.entry in said)

    def may(self, act: str) -> bool:
        """Say whether an act is possible now."""
        return act in self.allowed

    def said_of(self, entry: str) -> Decision | None:
        """Give what was said of an item; None where nothing was, or it was undone."""
        key = entry.casefold()
        return next((one for one in self.decisions if one.entry.casefold() == key), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """A batch in one line of the history; `relation`: which one it takes back, or takes it back."""

    batch_id: str
    number: int
    revision: int
    word: str
    when: str
    approved_by: str
    items: int | None
    rendered: int | None
    rejected: int | None
    content: str
    imported: str = ""
    relation: str = ""

    @property
    def name(self) -> str:
        return name_of(self.batch_id, self.number, is_void=self.word == "void")


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to a batch: when (UTC, to the minute), what, by whom."""

    at: str
    what: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an act came to; `is_done` False says why it was not done, and nothing was changed."""

    is_done: bool
    says: str
    next_step: str = ""
    code: str = ""
    batch_id: str = ""
    word: str = ""
    problems: tuple[str, ...] = field(default=())
