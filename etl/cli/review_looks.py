"""What a review on the terminal looks at: a revision, how it stands, and single items of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl.batches.standing import REPEATED
from etl.cli import screens
from etl.cli.explain import explanation_lines
from etl.cli.live import Turn
from etl.cli.outcomes import REVIEW, who
from etl.cli.review_changes import words_of_change
from etl.errors import EtlError, Problem, UserMustFix
from etl.files import shown_path

if TYPE_CHECKING:
    from etl.batches.ledger import Batch
    from etl.live.desk import Desk
    from etl.live.outcomes import Outcome
    from etl.live.session import ReviewSession
    from etl.live.viewing import Viewed
    from etl.review.drawer import ItemLine
    from etl.review.model import Concerned, Voucher
    from etl.review.opening import Opening
    from etl.review.situation import Situation
    from etl.review.terminal import Line, Shown
    from etl.verification import Explained

#: Characters of an item's id that are enough to name it.
MIN_PREFIX = 6
#: The word for all items that were booked before.
ALL = "all"


@dataclass(frozen=True, slots=True)
class Looked:
    """A batch as it was looked at: what an act is decided on.

    changed  says what is otherwise than when this person looked last; empty where nothing is
    """

    situation: Situation
    viewed: Viewed
    changed: Callable[[], str] = str

    @property
    def content(self) -> str:
        return self.viewed.content

    @property
    def booked(self) -> list[str]:
        """Give the items that are booked as they stand now."""
        return [str(item["id"]) for item in self.viewed.items if item.get("vouchers")]

    @property
    def opening(self) -> Opening:
        """Give the first words: what was found, or what became of it."""
        from etl.review.opening import opening

        is_newest = self.viewed.revision == self.situation.revision
        return opening(self.viewed.view, self.situation if is_newest else None)

    @property
    def waiting(self) -> frozenset[str]:
        """Give the items that wait for an answer: an earlier batch has booked them."""
        return frozenset(self.viewed.blocking.get(REPEATED, ()))

    @property
    def names(self) -> dict[str, str]:
        """Give for each item as much of its id as tells it from all others."""
        from etl.review.short_names import short_names

        return short_names(str(item["id"] or "") for item in self.viewed.items)

    @property
    def is_known(self) -> bool:
        """Say whether all that is booked was reviewed before and has not changed."""
        return bool(self.booked) and set(self.booked) <= self.situation.reviewed_entries

    def known(self, entries: Iterable[str]) -> dict[str, ItemLine]:
        """Give what is known of some items, in one line each."""
        drawer = self.viewed.drawer
        return {} if drawer is None else drawer.items(list(entries))


def session_of(turn: Turn, heard: list[Outcome]) -> ReviewSession:
    """Give the review of a company; `heard` gets what an act finishes first."""
    from etl.live.session import ReviewSession

    around = turn.surroundings
    return ReviewSession(
        turn.workspace, turn.name, clock=around.clock, transport=around.transport,
        tell=turn.telling, remark=turn.remark, hear=heard.append,
    )  # fmt: skip


def look(
    session: ReviewSession, batch: str | None = None, *, revision: int | None = None, by: str = ""
) -> tuple[Situation, Looked | None]:
    """Look at a batch, by default at the one that waits; nothing is locked.

    Needs: who looks, to say what changed since then; by default the name of the login.
    Gives: how it stands, and what is to be seen of it; None where there is nothing to be seen.
    """
    situation = session.state(batch)
    viewed = session.view(batch, revision=revision) if situation.batch_id else None
    if viewed is None:
        return situation, None
    told = partial(words_of_change, session, situation, revision=viewed.revision, by=who(by))
    return situation, Looked(situation, viewed, told)


def looked_from(desk: Desk, batch: Batch) -> Looked:
    """Look at a batch from an open desk; whoever has opened it tells the minutes left."""
    from etl.live.situations import Hour, situation_of
    from etl.live.viewing import view_of

    situation = situation_of(desk, batch, name=desk.name, hour=Hour(), needed=desk.approvals)
    return Looked(situation, view_of(desk, batch))


def staged_folder(turn: Turn, batch: Batch) -> Path:
    """Give the folder of the staged revision."""
    from etl.live.desk import folders_of
    from etl.live.stored import StoredBatch

    stored = StoredBatch(folders_of(turn.workspace, turn.name).stored(batch.id))
    return stored.revision_folder(batch.revision)


def shown_of(turn: Turn, looked: Looked, *, has_keys: bool = False, changed: str = "") -> Shown:
    """Give what a screen needs besides the view."""
    from etl.review.terminal import Shown

    page = looked.viewed.folder / REVIEW
    asked = [entry for question in looked.situation.questions for entry in question.items]
    asked += [repeat.entry for repeat in looked.situation.repeats]
    return Shown(
        situation=looked.situation,
        option=turn.option,
        page=shown_path(page) if page.is_file() else "",
        names=looked.names,
        titles={entry: _titled(one) for entry, one in looked.known(asked).items()},
        revision=looked.viewed.revision,
        width=screens.width(),
        has_keys=has_keys,
        changed=changed,
    )


def _titled(one: ItemLine) -> str:
    from etl.review.words import grouped

    money = "" if one.amount is None else f"{one.currency} {grouped(one.amount)}"
    return "  ".join(part for part in (money, one.title) if part)


def overview_lines(turn: Turn, looked: Looked, *, has_keys: bool = False) -> list[Line]:
    """Give the whole review of a batch."""
    from etl.review.terminal import overview

    shown = shown_of(turn, looked, has_keys=has_keys, changed=looked.changed())
    return overview(looked.viewed.view, shown)


def first_lines(turn: Turn, looked: Looked, *, has_keys: bool = False) -> list[Line]:
    """Give what decides, as it fits on the terminal."""
    from etl.review.terminal_summary import first_screen

    shown = shown_of(turn, looked, has_keys=has_keys, changed=looked.changed())
    return first_screen(looked.viewed.view, shown, height=screens.height())


def where_items_are(looked: Looked) -> list[Line]:
    """Say in short what a batch has come to: the headline, and where its items are."""
    from etl.review.summary import counts_of
    from etl.review.terminal import Line

    lines = [looked.opening.headline, *counts_of(looked.viewed.view, screens.width())]
    return [Line(line) for line in lines]


# ── items ───────────────────────────────────────────────────────────────────────────────────


def entry_of(looked: Looked, name: str) -> str:
    """Give the id of the item that a name means.

    A name is the id or its first characters, the reference in the file, or Pleo's
    reconciliation id.

    Raises: UserMustFix ANS-4.
    """
    from etl.review.short_names import CUT, is_short_for

    word = name.strip().casefold()
    known = [one for one in looked.viewed.items if one["id"]]
    meant = [
        str(one["id"])
        for one in known
        if word and word in (one["id"].casefold(), (one.get("external_id") or "").casefold())
    ]
    if CUT in word:
        meant = [str(one["id"]) for one in known if is_short_for(word, one["id"])]
    if not meant and word and looked.viewed.drawer is not None:
        meant = looked.viewed.drawer.referred_to_as(word)
    if not meant and len(word) >= MIN_PREFIX:
        meant = [str(one["id"]) for one in known if one["id"].casefold().startswith(word)]
    if not meant and word and (explained := explained_of(looked, name.strip())) is not None:
        meant = [str(explained.item["id"])]  # rejected before anything was read of it
    meant = list(dict.fromkeys(meant))
    if len(meant) == 1:
        return meant[0]
    what = f'"{name}" means {len(meant)} items' if meant else f'"{name}" is no item of the batch'
    fix = "give the item's id or six or more of its first characters, or its reference"
    where = f"company {looked.situation.company}, batch {looked.situation.number}"
    call = f"`pleo-etl review --items` lists them with their ids; {fix}"
    raise UserMustFix(Problem("ANS-4", what, where, call))


def item_lines(looked: Looked) -> list[Line]:
    """Give every item of the batch in one line."""
    from etl.review.terminal_vouchers import item_list

    items = looked.viewed.items
    known = looked.known(str(item["id"]) for item in items if item["id"])
    return item_list(
        items, known, waiting=looked.waiting, situation=looked.situation, width=screens.width()
    )


def vouchers_of(looked: Looked, entry: str) -> tuple[Voucher, ...]:
    """Give the vouchers of an item in full."""
    drawer = looked.viewed.drawer
    if drawer is None:
        listed = looked.viewed.view.vouchers.full
        return tuple(one for one in listed if one.source.item_id == entry)
    return drawer.vouchers(drawer.of_item(entry))


def item_screen(looked: Looked, entry: str) -> list[Line]:
    """Give an item with its postings, and why each cell is what it is."""
    from etl.review.marks import mark
    from etl.review.summary import fit
    from etl.review.terminal import Line
    from etl.review.terminal_vouchers import voucher_screen

    lines: list[Line] = []
    for voucher in vouchers_of(looked, entry):
        lines += [*voucher_screen(voucher, place="", width=screens.width()), Line("")]
    if not lines and (one := looked.known([entry]).get(entry)) is not None:
        lines.append(Line(fit(f"{_titled(one)}  {one.type}", screens.width()), "title"))
        lines += [Line(f"  {mark(one.url)}", "whole")] if one.url else []
    return lines + why_lines(looked, entry)


def why_lines(looked: Looked, entry: str) -> list[Line]:
    """Say why each cell of an item's rows is what it is, from the evidence of the batch."""
    from etl.review.summary import fit, wrapped
    from etl.review.terminal import Line

    explained = explained_of(looked, entry)
    if explained is None:
        return [Line("why each cell is what it is, is not stored of this batch", "faint")]
    lines = []
    for text in explanation_lines(explained):
        lead = " " * (len(text) - len(text.lstrip()))
        broken = wrapped(lead, text.strip(), width=screens.width()) if text.strip() else [""]
        lines += [Line(fit(one, screens.width())) for one in broken]
    return lines


def explained_of(looked: Looked, entry: str) -> Explained | None:
    """Explain an item from what lies in the batch's folder; None where that is not there."""
    from etl.verification import explain_in_folder

    try:
        return explain_in_folder(looked.viewed.folder, entry)
    except EtlError:
        return None


def write_workbook(looked: Looked, path: Path) -> None:
    """Write the control sheet as a workbook.

    Raises: UserMustFix OUT-2 when the disk or the folder refuses.
    """
    from etl.files import write_atomic
    from etl.review.workbook import render_workbook

    write_atomic(path, render_workbook(looked.viewed.view))


# ── for programs ────────────────────────────────────────────────────────────────────────────


def document_of(looked: Looked) -> dict[str, Any]:
    """Give what a review shows, for --json."""
    view, situation = looked.viewed.view, looked.situation
    page = looked.viewed.folder / REVIEW
    return {
        "revision": looked.viewed.revision,
        "content": looked.content,
        "minutes_left": situation.minutes_left,
        "is_lapsed": situation.is_lapsed,
        "approvals_needed": situation.needed,
        "may": sorted(str(act) for act in situation.allowed),
        "folder": str(looked.viewed.folder),
        "review": str(page) if page.is_file() else None,
        "headline": looked.opening.headline,
        "state": view.state,
        "counts": asdict(view.counts),
        "checks": [asdict(check) for check in view.control.checks],
        "totals": [_texts(asdict(one)) for one in view.control.totals],
        "wallets": [
            _texts(asdict(one)) | {"movement": str(one.movement)} for one in view.control.wallets
        ],
        "waiting": None if view.waiting is None else {
            "why": view.waiting.why, "count": view.waiting.count,
            "items": _items(view.waiting.concerned),
        },
        "questions": [asdict(one) for one in situation.questions],
        "booked_before": [asdict(one) for one in situation.repeats],
        "said": [asdict(one) for one in situation.decisions],
        "reviewed_before": {
            "items": situation.reviewed_before, "on": situation.reviewed_on or None,
        },
        "remarks": [
            {"code": one.code, "meaning": one.meaning, "is_blocking": one.is_blocking,
             "before": one.before, "count": one.count, "items": _items(one.concerned)}
            for one in view.notes
        ],
        "rejections": [
            {"code": one.code, "cured_by": one.cured_by, "fix": one.fix, "count": one.items,
             "messages": list(one.messages), "pleo_shows": one.pleo_words,
             "items": _items(one.concerned)}
            for one in view.causes
        ],
    }  # fmt: skip


def items_document(looked: Looked) -> list[dict[str, Any]]:
    """Give every item in short, for --json."""
    from etl.review.terminal_vouchers import outcome_of

    known = looked.known(str(item["id"]) for item in looked.viewed.items if item["id"])
    return [
        {
            "id": item["id"],
            "outcome": outcome_of(item, looked.waiting),
            "external_id": item.get("external_id"),
            "vouchers": [str(number) for number in item.get("vouchers") or ()],
            "failure_reason": None if item["id"] in looked.waiting else item.get("failure_reason"),
            **_known_document(known.get(str(item["id"]))),
        }
        for item in looked.viewed.items
    ]


def _known_document(one: ItemLine | None) -> dict[str, Any]:
    if one is None:
        return {}
    amount = None if one.amount is None else str(one.amount)
    return {"title": one.title, "amount": amount, "currency": one.currency, "url": one.url}


def item_document(looked: Looked, entry: str) -> dict[str, Any]:
    """Give an item with its vouchers and why each cell is what it is, for --json."""
    explained = explained_of(looked, entry)
    return {
        "id": entry,
        "vouchers": [_texts(asdict(voucher)) for voucher in vouchers_of(looked, entry)],
        "rows": [asdict(row) for row in explained.rows] if explained else None,
        "rejections": explained.rejections if explained else None,
    }


def _items(concerned: Sequence[Concerned]) -> list[dict[str, Any]]:
    return [
        {"id": one.item_id, "title": one.title, "detail": one.detail, "url": one.url,
         "date": None if one.date is None else str(one.date), "employee": one.person or None,
         "amount": None if one.amount is None else str(one.amount), "currency": one.currency}
        for one in concerned
    ]  # fmt: skip


def _texts(value: Any) -> Any:
    """Write amounts and dates as text, as everywhere in JSON."""
    if isinstance(value, Mapping):
        return {name: _texts(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(one) for one in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
