"""What a reviewer sees of a stored revision: no network, no lock.

stored view ───────────────────────────────────────> view    its hash must be the ledger's; else
ledger ─> what was decided until then ─┐
stored items, receipts, recipe ────────┴─> line ─> view      its content must be the ledger's
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from etl.batches.identity import check_identity, read_identity
from etl.batches.ledger import Batch, Event, Ledger, open_ledger
from etl.batches.ledger.opening import ledger_path
from etl.batches.states import Kind
from etl.clock import Clock
from etl.errors import Problem, UserMustFix
from etl.live.deciding import Material, facts_of, render
from etl.live.desk import folders_of
from etl.live.folders import Folders
from etl.live.history import earlier_of
from etl.live.line import BatchFacts, Line, Reversed, Revision
from etl.live.outcomes import name_of
from etl.live.recipes import check_stored_recipe
from etl.live.rendering import CompanyLine
from etl.live.staging import job_created
from etl.live.stored import StoredBatch
from etl.live.stored_views import StoredView, read_view
from etl.review import ReviewView
from etl.review.drawer import Drawer
from etl.workspace import Workspace

#: Views that are kept: the one that is looked at, and those it is compared with.
KEPT = 4
_AGAIN = "discard the batch and run again: the items are fetched from Pleo anew"
_AS_RELEASED = "its page lies beside its files, as it was released; `pleo-etl verify` proves them"


class Shelf(Protocol):
    """Where the batches of a company are read from; a desk is one too."""

    @property
    def ledger(self) -> Ledger: ...
    @property
    def line(self) -> Line: ...
    @property
    def folders(self) -> Folders: ...
    @property
    def company_id(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingDesk:
    """A shelf that is opened for reading alone: without lock, credential or client."""

    workspace: Workspace
    name: str
    company_id: str
    ledger: Ledger
    line: Line
    folders: Folders


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewed:
    """A revision of a batch as its reviewer sees it.

    batch     as it stands now
    revision  which revision the view shows, and its content and outcomes of items
    folder    where its files lie: staged, in the outbox, or withdrawn
    drawer    every voucher of it, laid out when it is asked for
    blocking  code of a note that must be answered -> the items concerned
    minutes_left  of Pleo's hour, where it was asked
    """

    view: ReviewView
    batch: Batch
    revision: int
    content: str
    folder: Path
    drawer: Drawer | None = field(repr=False, default=None)
    items: Sequence[Mapping[str, Any]] = field(repr=False, default=())
    blocking: Mapping[str, Sequence[str]] = field(default_factory=dict)
    minutes_left: int | None = None


@contextmanager
def open_shelf(workspace: Workspace, name: str, *, clock: Clock) -> Iterator[ReadingDesk | None]:
    """Open what is stored of a company for reading; None where nothing was ever run.

    Raises: UserMustFix LED-* where the ledger cannot be trusted, or is another one's.
    """
    folders = folders_of(workspace, name)
    url, root = workspace.settings.ledger, workspace.root
    if not ledger_path(url, root=root).exists() and read_identity(folders.outbox) is None:
        yield None
        return
    company_id = workspace.companies[name].id
    with open_ledger(url, root=root, clock=clock, create=False) as ledger:
        check_identity(folders.outbox, ledger=ledger, company_id=company_id, is_writing=False)
        yield ReadingDesk(
            workspace=workspace, name=name, company_id=company_id, ledger=ledger,
            line=CompanyLine(workspace, name), folders=folders,
        )  # fmt: skip


def view_of(shelf: Shelf, batch: Batch, *, revision: int | None = None) -> Viewed:
    """Give the view of a revision of a batch (of its newest one by default).

    Raises: UserMustFix REL-1 where it has no such revision. Where its view is not stored: LINE-1
    where another pleo-etl made it, LINE-2 where what is stored does not give the content that the
    ledger has. Both of what waits, too: an act would make it again.
    """
    events = shelf.ledger.events(shelf.company_id, batch.id)
    staged = _staged(batch, events, revision=revision)
    body = staged.body
    key = (str(shelf.folders.stored(batch.id)), body["revision"], body["content"])
    kept = _KEPT.find(key)
    if kept is None:
        stored = _read(shelf, batch, staged) or _made_again(shelf, batch, events, staged=staged)
        kept = stored.view, Drawer(stored.frames, stored.rules)
        _KEPT.keep(key, kept)
    view, drawer = kept
    return Viewed(
        view=view, drawer=drawer, batch=batch, revision=body["revision"], content=body["content"],
        folder=folder_of(shelf.folders, batch, body["revision"]),
        items=tuple(body.get("items") or ()),
        blocking=dict(body.get("blocking_items") or {}),
    )  # fmt: skip


def render_again(shelf: Shelf, batch: Batch) -> Revision:
    """Render the newest revision of a batch with the line of the shelf, whatever comes of it."""
    events = shelf.ledger.events(shelf.company_id, batch.id)
    return _make(shelf, batch, events, staged=_staged(batch, events, revision=None))


def folder_of(folders: Folders, batch: Batch, revision: int) -> Path:
    """Give where the files of a revision lie; the released one is in the outbox, or withdrawn.

    What was released lies there also where the folder of the revision was made again here.
    """
    staged = StoredBatch(folders.stored(batch.id)).revision_folder(revision)
    places = (folders.released(batch), folders.withdrawn(batch))
    if revision != batch.revision or not batch.facts.get("publish_folder"):
        return staged
    return next((place for place in places if place.is_dir()), staged)


def revisions(shelf: Shelf, batch: Batch) -> list[Event]:
    """Give the events that staged what can be looked at of a batch, oldest first."""
    events = shelf.ledger.events(shelf.company_id, batch.id)
    return [event for event in events if event.kind is Kind.STAGED and _is_visible(event)]


def _staged(batch: Batch, events: Sequence[Event], *, revision: int | None) -> Event:
    wanted = batch.revision if revision is None else revision
    found = [
        event for event in events
        if event.kind is Kind.STAGED and event.body["revision"] == wanted
    ]  # fmt: skip
    if not found or not _is_visible(found[-1]):
        what = f"{name_of(batch)} has no revision {wanted} to look at"
        fix = f"it has the revisions 1 to {batch.revision}" if batch.revision else "run it first"
        raise UserMustFix(Problem("REL-1", what, f"revision {wanted}", fix))
    return found[-1]


def _is_visible(staged: Event) -> bool:
    """Say whether a revision has files: a refused job has none; of a lost one nothing is known."""
    return bool(staged.body["content"]) and not staged.body.get("refusal")


def _read(shelf: Shelf, batch: Batch, staged: Event) -> StoredView | None:
    """Read the view as it was stored with the revision, where it is as the ledger knows it.

    What waits must still be there to be made again.
    """
    stored, number = StoredBatch(shelf.folders.stored(batch.id)), staged.body["revision"]
    if batch.is_unsettled and not batch.facts.get("reverses"):
        stored.check_input()
        check_stored_recipe(stored.recipe_folder(number))
    return read_view(stored.view_file(number), staged.body.get("view") or "")


def _made_again(
    shelf: Shelf, batch: Batch, events: Sequence[Event], *, staged: Event
) -> StoredView:
    try:
        made = _make(shelf, batch, events, staged=staged)
    except UserMustFix as error:
        raise error if batch.is_unsettled else _left_as_released(batch, error) from None
    if made.content != staged.body["content"]:
        raise _differs(batch, staged.body["revision"])
    return StoredView(made.conversion.view, made.frames, made.rules)


def _make(shelf: Shelf, batch: Batch, events: Sequence[Event], *, staged: Event) -> Revision:
    stored, number = StoredBatch(shelf.folders.stored(batch.id)), staged.body["revision"]
    if batch.facts.get("reverses"):
        return _make_reversal(shelf, batch)
    reserved = events[0].body
    material = Material(
        recipe=stored.recipe_folder(number),
        items=stored.read_items(),
        files=stored.read_attachments(),
        contents=stored.contents(),
        skipped=frozenset(reserved.get("skipped") or ()),
        unattended=bool(staged.body.get("unattended")),
        earlier=earlier_of(staged.body),
        asked=frozenset(staged.body.get("asked") or ()),
    )
    then = _as_it_was(batch, events, until=staged)
    return render(shelf, then, material, facts=facts_of(then, job_created(batch))).revision


def _as_it_was(batch: Batch, events: Sequence[Event], *, until: Event) -> Batch:
    """Give a batch with what had been said of its items when a revision was staged."""
    decisions: dict[str, Any] = {}
    for event in events:
        if event.seq < until.seq and event.kind is Kind.ANSWERED:
            decisions |= event.body.get("decisions") or {}
    return replace(batch, facts={**batch.facts, "decisions": decisions})


def _make_reversal(shelf: Shelf, reversal: Batch) -> Revision:
    batch = shelf.ledger.find(shelf.company_id, str(reversal.facts["reverses"]))
    # What the ERP refused later is no part of it either way: the claims name what was booked.
    refused = {entry.casefold() for entry in batch.facts.get("refused") or ()}
    booked = {
        one.entry_id: one.fingerprint or ""
        for one in shelf.ledger.verdicts(batch.id)
        if one.vouchers and one.entry_id.casefold() not in refused
    }
    stored = StoredBatch(shelf.folders.stored(batch.id))
    first = reversal.first_vouchers
    facts = BatchFacts(reversal.id, reversal.number, None, job_created(batch), first)
    return shelf.line.reverse(
        stored.recipe_folder(batch.revision),
        items=stored.read_items(),
        facts=facts,
        of=Reversed(batch.id, batch.number, booked),
    )


def _left_as_released(batch: Batch, error: UserMustFix) -> UserMustFix:
    """Say what there is still of a batch that is over, and cannot be made again."""
    first = error.problems[0]
    if first.code != "LINE-2":
        return error
    what = f"what {name_of(batch)} was made of is not stored here any more, or was changed"
    return UserMustFix(Problem(first.code, what, first.where, _AS_RELEASED))


def _differs(batch: Batch, revision: int) -> UserMustFix:
    what = f"what is stored of {name_of(batch)} is not what revision {revision} was made of"
    fix = _AGAIN if batch.is_unsettled else _AS_RELEASED
    return UserMustFix(Problem("LINE-2", what, f"revision {revision}", fix))


#: Folder of the batch, revision, content.
_Key = tuple[str, int, str]
_Kept = tuple[ReviewView, Drawer | None]


class _Views:
    """The views that were made last. Pages ask for the same one again and again."""

    def __init__(self) -> None:
        self._views: OrderedDict[_Key, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: _Key) -> _Kept | None:
        with self._lock:
            if key in self._views:
                self._views.move_to_end(key)
            return self._views.get(key)

    def keep(self, key: _Key, view: _Kept) -> None:
        with self._lock:
            self._views[key] = view
            while len(self._views) > KEPT:
                self._views.popitem(last=False)


_KEPT = _Views()
