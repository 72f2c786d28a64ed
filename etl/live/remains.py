"""What is left of released batches where the ledger is lost: their folders, and Pleo's jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from etl import files
from etl.batches.manifest import MANIFEST
from etl.batches.reading import ReadManifest, read_manifest
from etl.batches.verdicts import EXPORTED, SKIPPED
from etl.errors import EtlError, Problem, UserMustFix
from etl.live.folders import Folders
from etl.live.stored import StoredBatch
from etl.live.stored_views import known_view
from etl.pleo.client import PleoClient
from etl.pleo.failures import JobNotFound
from etl.pleo.shapes import FAILED, SUCCESSFUL, Job, JobItem

ENDED_WELL = frozenset({"completed", "completed_with_errors"})
#: How the folders of batches are named, in the outbox and among the withdrawn ones.
_BATCH = re.compile(r"([0-9]{4,}-)?[0-9a-f]{4,}")
_MOVE = "move the folder out of the outbox, or put it back as it was from a copy"


@dataclass(frozen=True, slots=True)
class Remains:
    """A batch of which there is a folder, or only a job of Pleo with items that were exported.

    number    None: nobody knows
    items     id -> what became of it, as the manifest says it
    job       None where Pleo does not know it any more, or where there was none
    """

    id: str | None
    number: int | None
    job_id: str | None
    head: Mapping[str, Any]
    items: Mapping[str, Mapping[str, Any]]
    folder: Path | None = None
    is_withdrawn: bool = False
    job: Job | None = None
    shown: Mapping[str, JobItem] | None = None

    @property
    def vouchers(self) -> Mapping[str, tuple[int, int]]:
        """Give the first and last voucher number of each scope that the batch used."""
        numbers = self.head.get("numbers") or {}
        if "last_vouchers" in numbers:
            first, last = numbers["first_vouchers"], numbers["last_vouchers"]
            return {scope: (first[scope], last[scope]) for scope in last}
        if numbers.get("last_voucher") is None:
            return {}
        return {"": (numbers["first_voucher"], numbers["last_voucher"])}

    @property
    def reverses(self) -> str | None:
        """Give the batch that this one takes back."""
        batch: Mapping[str, Any] = self.head.get("batch") or {}
        return batch.get("reverses")

    def told(self, entry: str) -> JobItem | None:
        """Give how Pleo shows an item."""
        return (self.shown or {}).get(entry.casefold())

    def is_as_told(self, entry: str) -> bool:
        """Say whether Pleo shows an item as the manifest has it."""
        item, told = self.items[entry], self.told(entry)
        if told is None:
            return False
        if item["verdict"] == EXPORTED:
            same = (told.external_id or None) == (item["external_id"] or None)
            return told.status == SUCCESSFUL and same
        return told.status == FAILED

    @property
    def is_exported(self) -> bool:
        """Say whether Pleo has ended the job as the batch meant it."""
        if self.job_id is None:
            return True
        is_well = self.job is not None and self.job.status in ENDED_WELL
        return is_well and all(self.is_as_told(entry) for entry in self.items)


@dataclass(frozen=True, slots=True)
class Left:
    """A revision of a batch, as far as something is left of it.

    remains  what its manifest says; None where nobody knows any more
    view     hash of its stored view, if there is one
    """

    number: int
    remains: Remains | None
    view: str | None = None


def revisions_left(one: Remains, stored: StoredBatch) -> list[Left]:
    """Give the revisions of a batch, the released one last; its private folder may be gone."""
    content = str(one.head.get("content"))
    made = stored.revisions()
    views = {number: known_view(stored.view_file(number), content=content) for number in made}
    # The released one was renamed into the outbox: of the others there is a folder here.
    away = [number for number in made if not stored.revision_folder(number).exists()]
    last = max([number for number in made if views[number]] or away, default=1)
    return [
        *(_left(one, stored, number) for number in range(1, last)), Left(last, one, views.get(last))
    ]  # fmt: skip


def _left(one: Remains, stored: StoredBatch, number: int) -> Left:
    try:
        manifest = read_manifest(stored.revision_folder(number))
    except UserMustFix:
        return Left(number, None)
    if manifest.head["batch"]["id"] != one.id:
        return Left(number, None)
    view = known_view(stored.view_file(number), content=manifest.head["content"])
    return Left(number, replace(one, head=manifest.head, items=_items(manifest)), view)


def read_folders(folders: Folders, *, company_id: str) -> list[Remains]:
    """Read every batch folder of a company, the withdrawn ones too, by number.

    Raises: UserMustFix ANS-8 for each that cannot be read, or is not the company's.
    """
    found: list[Remains] = []
    problems: list[Problem] = []
    for place, is_withdrawn in ((folders.outbox, False), (folders.outbox / "withdrawn", True)):
        for folder in sorted(place.iterdir()) if place.is_dir() else []:
            is_ours = _BATCH.fullmatch(folder.name) or (folder / MANIFEST).is_file()
            if not folder.is_dir() or not is_ours or files.is_temporary(folder.name):
                continue
            try:
                found.append(_read(folder, is_withdrawn=is_withdrawn, company_id=company_id))
            except EtlError as error:
                shown = folders.shown(folder)
                problems += [Problem("ANS-8", one.what, shown, _MOVE) for one in error.problems]
    problems += _doubles(found, folders)
    if problems:
        raise UserMustFix(problems)
    return sorted(found, key=lambda one: (one.number or 0, not one.is_withdrawn))


def _read(folder: Path, *, is_withdrawn: bool, company_id: str) -> Remains:
    manifest = read_manifest(folder)
    batch = manifest.head["batch"]
    if str(batch["company"]).casefold() not in (company_id.casefold(), ""):
        raise _wrong("its manifest.json is of another company")
    number, name = batch["number"], str(batch["id"])
    expected = name if is_withdrawn else f"{number:04d}-{name}"
    if folder.name != expected:
        raise _wrong(f"it holds batch {number} ({name}), and would be named {expected}")
    return Remains(
        name, number, batch["job"], manifest.head, _items(manifest), folder, is_withdrawn
    )


def _wrong(what: str) -> UserMustFix:
    return UserMustFix(Problem("ANS-8", what, "", _MOVE))


def _items(manifest: ReadManifest) -> dict[str, Mapping[str, Any]]:
    """Give the items that were the batch's to decide; of a repeated one what was exported."""
    kept: dict[str, Mapping[str, Any]] = {}
    for item in manifest.items().sort("verdict", "id").iter_rows(named=True):
        if item["id"] is not None and item["verdict"] != SKIPPED:
            kept.setdefault(item["id"], item)
    return kept


def _doubles(found: Sequence[Remains], folders: Folders) -> list[Problem]:
    """Name folders of one batch, and of different batches under one number."""
    problems = []
    seen: dict[object, Remains] = {}
    for one in found:
        assert one.folder is not None
        keys: list[object] = [one.id] if one.is_withdrawn else [one.id, one.number]
        for key in keys:
            other = seen.setdefault(key, one)
            if other is not one and other.folder is not None:
                what = f"it is batch {one.number} ({one.id}), and so is {other.folder.name}"
                problems.append(Problem("ANS-8", what, folders.shown(one.folder), _MOVE))
                break
    return problems


def ask_pleo(remains: Sequence[Remains], pleo: PleoClient, *, company_id: str) -> list[Remains]:
    """Add what Pleo says of the jobs, and the jobs with exported items that have no folder."""
    jobs = {job.id.casefold(): job for job in pleo.list_jobs(company_id)}
    told = []
    for one in remains:
        if one.job_id is None:
            told.append(one)
            continue
        job = jobs.pop(one.job_id.casefold(), None) or _job(pleo, one.job_id)
        told.append(replace(one, job=job, shown=_shown(pleo, job)))
    lone = [(job, _shown(pleo, job)) for job in jobs.values() if job.status in ENDED_WELL]
    found = [_without_folder(job, shown) for job, shown in lone]
    return _merge(told, [one for one in found if one is not None])


def _job(pleo: PleoClient, job_id: str) -> Job | None:
    try:
        return pleo.get_job(job_id)
    except JobNotFound:
        return None


def _shown(pleo: PleoClient, job: Job | None) -> dict[str, JobItem]:
    if job is None:
        return {}
    try:
        return {item.entry_id.casefold(): item for item in pleo.list_items(job.id)}
    except JobNotFound:
        return {}


def _without_folder(job: Job, shown: Mapping[str, JobItem]) -> Remains | None:
    exported: dict[str, Mapping[str, Any]] = {
        item.entry_id: {"verdict": EXPORTED, "external_id": item.external_id, "vouchers": []}
        for item in shown.values()
        if item.status == SUCCESSFUL
    }
    if not exported:
        return None
    return Remains(None, None, job.id, {}, exported, None, job=job, shown=shown)


def _merge(folders: Sequence[Remains], lone: Sequence[Remains]) -> list[Remains]:
    """Put jobs without a folder where they belong in time; folders stay in their order."""
    waiting = sorted(lone, key=_created)
    merged: list[Remains] = []
    for one in folders:
        while waiting and one.job is not None and _created(waiting[0]) < _created(one):
            merged.append(waiting.pop(0))
        merged.append(one)
    return [*merged, *waiting]


def _created(one: Remains) -> tuple[str, str]:
    assert one.job is not None
    return one.job.created_at.isoformat(), one.job.id
