"""What the reviewer sees, as plain values: the one view model behind every face of a review."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from etl.review.cells import RowTrace
from etl.review.figures import AccountTotal as AccountTotal
from etl.review.figures import Check as Check
from etl.review.figures import Control as Control
from etl.review.figures import CurrencyTotal as CurrencyTotal
from etl.review.figures import DayTotal as DayTotal
from etl.review.figures import GroupTotal as GroupTotal
from etl.review.figures import RuleUse as RuleUse
from etl.review.figures import TaxTotal as TaxTotal
from etl.review.figures import WalletMovement as WalletMovement
from etl.sentences import counted

State = Literal["good", "look", "stop"]

#: The code of an item that the reviewer has rejected.
REJECTED_BY_REVIEWER = "REVIEW-1"


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the listed items are; the six parts add up to the items listed.

    waiting   booked before, until a person says what becomes of them; no part of the rejected
    """

    listed: int
    rendered: int
    rejected: int
    already_booked: int
    nothing_to_book: int
    skipped: int
    vouchers: int
    postings: int
    waiting: int = 0

    @property
    def accounted(self) -> int:
        elsewhere = self.waiting + self.already_booked + self.nothing_to_book + self.skipped
        return self.rendered + self.rejected + elsewhere

    @property
    def adds_up(self) -> bool:
        return self.listed == self.accounted


# ── remarks and rejections ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Concerned:
    """An item that a note or a rejection is about; `anchor` leads to its voucher."""

    item_id: str
    title: str
    amount: Decimal | None
    currency: str
    detail: str
    where: str
    line: int | None
    anchor: str | None
    url: str | None
    date: dt.date | None = None
    person: str = ""  # the employee, unless the title is the same


@dataclass(frozen=True, slots=True)
class NoteGroup:
    """One kind of remark, with the items concerned (the first ones).

    name    the code, and what the remark is about where there are several of the code
    before  what was answered to it in an earlier batch, and whether that still holds, in words
    """

    code: str
    name: str
    meaning: str
    is_blocking: bool
    count: int
    concerned: tuple[Concerned, ...]
    before: str = ""

    @property
    def left_out(self) -> int:
        return self.count - len(self.concerned)

    @property
    def noun(self) -> str:
        """Name what is counted: items, or remarks about the mapping as a whole."""
        return "item" if any(one.item_id for one in self.concerned) else "remark"


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause of rejections. `messages` differ only where one cure serves several problems.

    failure_words  what the type that Pleo is sent means there, or that it is only sent
    """

    code: str
    fix: str
    messages: tuple[str, ...]
    cured_by: str  # employee | bookkeeper | integrator | pleo
    failure_type: str
    pleo_words: str
    failure_words: str
    items: int
    problems: int
    concerned: tuple[Concerned, ...]

    @property
    def left_out(self) -> int:
        return self.problems - len(self.concerned)

    @property
    def is_said(self) -> bool:
        """Say whether the reviewer has stopped the items: then the reason leads, not the cure."""
        return self.code == REJECTED_BY_REVIEWER

    @property
    def title(self) -> str:
        """Give what leads: the cure, or else what is wrong."""
        return self.messages[0] if self.is_said or not self.fix else self.fix

    @property
    def details(self) -> tuple[str, ...]:
        """Give what stands below the title."""
        return (self.fix,) if self.is_said else self.messages


@dataclass(frozen=True, slots=True)
class AsideGroup:
    """Listed items that are not in the file though nothing is wrong with them, and why."""

    title: str
    why: str
    count: int
    concerned: tuple[Concerned, ...]

    @property
    def left_out(self) -> int:
        return self.count - len(self.concerned)


@dataclass(frozen=True, slots=True)
class LookedThrough:
    """How many released batches were looked through for the same invoices, and could not be."""

    batches: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class CureGroup:
    """The causes that one kind of person can cure, and where."""

    cured_by: str
    title: str
    causes: tuple[Cause, ...]


# ── vouchers ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a value is what it is: the value, the rule in words, its place, the table row."""

    target: str
    value: str
    rule: str
    place: str


@dataclass(frozen=True, slots=True)
class PostingRow:
    """One posting as the file has it."""

    account: str
    name: str
    contra_account: str
    contra_name: str
    role: str
    currency: str
    debit: Decimal | None
    credit: Decimal | None
    net: Decimal | None  # with its tax, where the file splits the amount
    tax: Decimal | None
    tax_code: str
    text: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of the export item, as Pleo has it."""

    account: str
    tax: str
    gross: Decimal | None
    tags: str


@dataclass(frozen=True, slots=True)
class Source:
    """The export item behind a voucher."""

    item_id: str
    type: str
    title: str
    person: str
    note: str
    date: dt.date | None
    amount: Decimal | None
    currency: str
    original_amount: Decimal | None
    original_currency: str
    receipts: tuple[str, ...]
    url: str | None
    facts: tuple[tuple[str, str], ...]
    lines: tuple[SourceLine, ...]
    lines_left_out: int


@dataclass(frozen=True, slots=True)
class FileRows:
    """The lines of a file where the item's postings stand; `anchors` where the page has them."""

    file: str
    rows: tuple[tuple[int, str | None], ...]


@dataclass(frozen=True, slots=True)
class Voucher:
    """A voucher: its postings, the export item beside them, and why each account."""

    anchor: str
    number: int | None
    kind: str
    date: dt.date | None
    moved_from: dt.date | None
    reference: str
    currency: str
    total: Decimal | None
    postings: tuple[PostingRow, ...]
    postings_left_out: int
    source: Source
    reasons: tuple[Reason, ...]
    rule_id: str
    rule_confirmed: bool
    rows: tuple[FileRows, ...]
    note_codes: tuple[str, ...]  # as NoteGroup.name


@dataclass(frozen=True, slots=True)
class VoucherLine:
    """A voucher in one line, for batches too long to show each in full."""

    number: int | None
    date: dt.date | None
    title: str
    account: str
    currency: str
    total: Decimal | None
    item_id: str


@dataclass(frozen=True, slots=True)
class VoucherList:
    """The vouchers that the page shows in full, in one line, and not at all."""

    full: tuple[Voucher, ...]
    brief: tuple[VoucherLine, ...]
    left_out: int


# ── files and the whole ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FileRow:
    """A line of a file: its number, its cells where it is delimited, and its raw text."""

    number: int
    cells: tuple[str, ...]
    raw: str
    anchor: str


@dataclass(frozen=True, slots=True)
class FileView:
    """An output file as it is: the first lines as a table and raw."""

    name: str
    sha256: str
    size: int
    postings: int
    totals: tuple[CurrencyTotal, ...]
    form: str
    columns: tuple[str, ...]
    columns_left_out: int
    header: FileRow | None
    rows: tuple[FileRow, ...]
    lines: int
    is_raw_shown: bool
    traces: tuple[RowTrace, ...] = ()

    @property
    def is_archive(self) -> bool:
        """Say whether it packs files, as receipts are packed; no posting stands in it."""
        return self.form.startswith("zip")

    @property
    def holds(self) -> str:
        """Say how much is in it."""
        return counted(self.lines, "file") if self.is_archive else counted(self.postings, "posting")

    @property
    def traced(self) -> Mapping[int, RowTrace]:
        """Give what is known of a line by its number."""
        return {trace.row.row: trace for trace in self.traces}


@dataclass(frozen=True, slots=True)
class Identity:
    """Which batch this is, and what it was made with."""

    batch_id: str
    batch_number: str
    company: str
    job: str
    created: str
    template: str
    mapping: str
    content: str
    parameters: tuple[tuple[str, str], ...]
    first_voucher: str
    last_voucher: str
    hashes: tuple[tuple[str, str], ...]
    lines: int
    reverses: int | None = None  # the number of the batch that this one takes back


@dataclass(frozen=True, slots=True)
class ReviewView:
    """Everything a review shows, whatever its face."""

    identity: Identity
    state: State
    headline: str
    sentences: tuple[str, ...]
    counts: Counts
    control: Control
    notes: tuple[NoteGroup, ...]
    causes: tuple[Cause, ...]
    cures: tuple[CureGroup, ...]  # the causes again, by who can cure them
    vouchers: VoucherList
    files: tuple[FileView, ...]
    proof_holds: bool
    proof_rows: int
    import_steps: tuple[str, ...]
    aside: tuple[AsideGroup, ...] = ()  # already booked, nothing to book, skipped
    waiting: AsideGroup | None = None  # in no file until a person says what becomes of them
    looked_through: LookedThrough | None = None
    rules_used: tuple[RuleUse, ...] = ()  # for accounts, in the order in which they are tried
