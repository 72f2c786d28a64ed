"""`ledger rebuild`: make a lost ledger again from the outbox and Pleo.

locks of all companies ─> read every folder, ask Pleo ─> a new ledger beside the old place
  ─> the outboxes say that they are its ─> the old file is moved aside ─> the new one in its place

stopped in between   nothing was lost: the same command begins anew
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from etl import files
from etl.batches.identity import check_identity, write_identity
from etl.batches.ledger import open_ledger, sweep_parts
from etl.batches.ledger.opening import ledger_path
from etl.batches.lock import company_lock
from etl.clock import Clock, SystemClock
from etl.errors import EtlError, Problem, UserMustFix
from etl.live.desk import Tell, folders_of, silent
from etl.live.folders import Folders
from etl.live.line import BatchFacts, Decisions, Line
from etl.live.remains import Left, Remains, ask_pleo, read_folders, revisions_left
from etl.live.rendering import CompanyLine
from etl.live.retelling import Telling, Then
from etl.live.stored import StoredBatch
from etl.pleo.addresses import address_of
from etl.pleo.client import PleoClient
from etl.pleo.credentials import find_credential
from etl.pleo.travel import Transport
from etl.sentences import counted
from etl.workspace import Workspace

#: Told apart by these, when the ledger is made again more than once in a second.
_MORE = tuple(f"-{number}" for number in range(2, 100))
#: What is never left behind by a batch, so that nobody can know it again.
NEVER_KNOWN = (
    "who reviewed and approved each batch, and which of them your ERP has: all count as released",
    "items that your ERP refused: they count as booked; if one comes again, answer `again`",
    "batches that were discarded, refused or had nothing to import",
)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a ledger was made of, and what it could not know.

    batches  company -> how many batches it has now
    unknown  sentences for the person who goes on with it
    old      where the old file was moved; None if there was none
    """

    batches: Mapping[str, int]
    unknown: tuple[str, ...]
    old: Path | None

    @property
    def says(self) -> str:
        """Say what was done."""
        counts = ", ".join(f"{name}: {counted(n, 'batch')}" for name, n in self.batches.items())
        return f"the ledger was made again ({counts})"


def rebuild(
    workspace: Workspace,
    *,
    clock: Clock | None = None,
    transport: Transport | None = None,
    is_forced: bool = False,
    tell: Tell = silent,
    line_of: Callable[[Workspace, str], Line] = CompanyLine,
) -> Rebuilt:
    """Make the ledger of a workspace again, for all its companies.

    Raises: UserMustFix ANS-7 if the ledger is good and this was not forced; ANS-8 for folders that
    cannot be used; what Pleo and the credentials raise. Nothing was changed then.
    """
    clock = clock or SystemClock()
    path = ledger_path(workspace.settings.ledger, root=workspace.root)
    names = list(workspace.companies)
    with ExitStack() as stack:
        for name in names:
            lock = company_lock(workspace.root, name, clock=clock, what="pleo-etl ledger rebuild")
            stack.enter_context(lock)
        if not is_forced and _is_good(workspace, clock=clock):
            raise _refuse_good()
        remains = {}
        for name in names:
            with workspace.naming(name):
                remains[name] = _remains(
                    workspace, name, clock=clock, transport=transport, tell=tell
                )
        part = _fill(workspace, remains, clock=clock, line_of=line_of, path=path)
        old = _swap(part, path, clock=clock)
    unknown = [*NEVER_KNOWN, *_unknown(workspace, remains)]
    return Rebuilt({name: len(remains[name]) for name in names}, tuple(unknown), old)


def _is_good(workspace: Workspace, *, clock: Clock) -> bool:
    """Say whether the ledger is whole, and the one that released what is in the outboxes."""
    try:
        with open_ledger(
            workspace.settings.ledger, root=workspace.root, clock=clock, create=False
        ) as ledger:
            for name, company in workspace.companies.items():
                outbox = folders_of(workspace, name).outbox
                check_identity(outbox, ledger=ledger, company_id=company.id, is_writing=False)
            return not ledger.verify()
    except EtlError:
        return False


def _refuse_good() -> UserMustFix:
    return UserMustFix(
        Problem(
            "ANS-7",
            "the ledger is good: to make it again would lose what only it knows",
            "the ledger",
            "use it as it is; if you must, `pleo-etl ledger rebuild --force` (the old file is kept"
            " beside the new one)",
        )
    )


def _remains(
    workspace: Workspace,
    name: str,
    *,
    clock: Clock,
    transport: Transport | None,
    tell: Tell,
) -> list[Remains]:
    company = workspace.companies[name]
    found = read_folders(folders_of(workspace, name), company_id=company.id)
    tell(f"{name}: {counted(len(found), 'batch')} in the outbox; asking Pleo for its jobs")
    address = address_of(workspace.settings.pleo)
    credential = find_credential(workspace, name, address=address, clock=clock)
    with PleoClient(address, credential=credential, clock=clock, transport=transport) as pleo:
        return ask_pleo(found, pleo, company_id=company.id)


def _fill(
    workspace: Workspace,
    remains: Mapping[str, Sequence[Remains]],
    *,
    clock: Clock,
    line_of: Callable[[Workspace, str], Line],
    path: Path,
) -> Path:
    """Make the new ledger under a temporary name, and put its name into the outboxes."""
    files.make_private_folder(path.parent)
    sweep_parts(workspace.settings.ledger, root=workspace.root)
    part = files.temporary_name(path, "part")
    url = "sqlite:///" + part.relative_to(workspace.root).as_posix()
    then = Then(clock)
    with open_ledger(url, root=workspace.root, clock=then) as ledger:
        for name, found in remains.items():
            folders = folders_of(workspace, name)
            revisions = {one.id: revisions_left(one, StoredBatch(folders.stored(one.id)))
                         for one in found if one.id is not None}  # fmt: skip
            prints = _fingerprints(found, revisions, folders=folders, line=line_of(workspace, name))
            company_id = workspace.companies[name].id
            _tell_all(Telling(ledger, then, folders, company_id, prints, revisions), found)
        for name, company in workspace.companies.items():
            outbox = folders_of(workspace, name).outbox
            write_identity(outbox, ledger_id=ledger.id, company_id=company.id)
        ledger.empty_log()
    return part


def _tell_all(telling: Telling, found: Sequence[Remains]) -> None:
    """Tell of all batches; the last one that has a folder comes last, as it may be unsettled."""
    taken = {one.number for one in found}
    free = (number for number in range(1, len(found) + max(_numbers(found), default=0) + 1)
            if number not in taken)  # fmt: skip
    last = _last(found)
    for one in [*(one for one in found if one is not last), *([last] if last else [])]:
        number = next(free) if one.number is None else one.number
        telling.tell(one, number=number, is_last=one is last)


def _last(found: Sequence[Remains]) -> Remains | None:
    """Give the last batch that has a folder: the only one that may be unsettled."""
    with_folder = [one for one in found if one.folder is not None]
    return with_folder[-1] if with_folder else None


def _numbers(found: Iterable[Remains]) -> list[int]:
    return [one.number for one in found if one.number is not None]


def _fingerprints(
    found: Sequence[Remains],
    revisions: Mapping[str, Sequence[Left]],
    *,
    folders: Folders,
    line: Line,
) -> dict[str, dict[str, str | None]]:
    """Make out what each item booked, where the private folder of its batch is still there."""
    prints = {}
    for one in found:
        if one.id is None or one.job_id is None:
            continue
        stored = StoredBatch(folders.stored(one.id))
        recipe = stored.recipe_folder(revisions[one.id][-1].number)
        first = {scope: first for scope, (first, _) in one.vouchers.items()} or {"": 1}
        created = None if one.job is None else one.job.created_at
        facts = BatchFacts(one.id, one.number or 1, one.job_id, created, first)
        try:
            if not recipe.is_dir() or not stored.has_input():
                continue
            revision = line.render(
                recipe, items=stored.read_items(), files=stored.read_attachments(),
                contents=stored.contents(), facts=facts, decisions=Decisions(),
            )  # fmt: skip
        except EtlError:
            continue  # made by another version: what it booked is compared by nobody then
        prints[one.id] = {item.id or "": item.fingerprint for item in revision.items}
    return prints


def _swap(part: Path, path: Path, *, clock: Clock) -> Path | None:
    """Move the old file aside, its log before it, and put the new one in its place.

    The outboxes name the new ledger by now: an old one that is left here is refused as foreign.
    """
    stamp = clock.now().strftime("%Y%m%d-%H%M%S")
    names = (f"{path.stem}-before-{stamp}{more}{path.suffix}" for more in ("", *_MORE))
    old = next(place for name in names if not (place := path.with_name(name)).exists())
    for end in ("-wal", "-shm", ""):
        beside = path.with_name(path.name + end)
        if beside.exists():
            files.move_file(beside, old.with_name(old.name + end))
    files.place_new(part, path)
    return old if old.exists() else None


def _unknown(workspace: Workspace, remains: Mapping[str, Sequence[Remains]]) -> list[str]:
    """Name what the remains of these companies do not say."""
    unknown = []
    for name, found in remains.items():
        lone = [one for one in found if one.folder is None]
        if lone:
            jobs = ", ".join(str(one.job_id) for one in lone)
            unknown.append(
                f"{name}: {len(lone)} export jobs have exported items and no folder in the outbox"
                f" ({jobs}); their items are kept from being booked again, under numbers of their"
                " own"
            )
        gone = [one for one in found if one.job_id is not None and one.job is None]
        if gone:
            numbers = ", ".join(str(one.number) for one in gone)
            unknown.append(f"{name}: Pleo does not know the export jobs of batches {numbers}")
        last = _last(found)
        is_running = last is not None and last.job is not None and last.job.is_running
        if last is not None and not (last.is_exported or last.is_withdrawn or is_running):
            settle = f"pleo-etl settle {last.number}"
            sentence = (
                f"{name}: whether your ERP has batch {last.number}, which Pleo does not count as"
                f" exported; say so with `{settle} --imported` or `{settle} --not-imported`"
            )
            unknown.append(workspace.named_in(sentence, name))
    return unknown
