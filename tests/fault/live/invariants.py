"""What must hold whatever was stopped: read from the files and from Pleo, with nothing of etl.

INV1  every listed item is in exactly one place
INV2  no item is in two released files, and none is imported twice
INV3  what Pleo was told = what the ledger holds = what stands in the files
INV4  vouchers balance, on the bytes of the files
INV5  no temporary files, no locks
INV6  a further run changes nothing (snapshot)
"""

from __future__ import annotations

import csv
import fcntl
import json
import os
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

DO_NOT_IMPORT = "DO-NOT-IMPORT.txt"
BATCH_FOLDER = re.compile(r"[0-9]{4,}-[0-9a-z-]+\Z")
LEFT_OVER = re.compile(r"\.pleo-etl\..+\.(part|old)\Z")
REPORTS = frozenset({"manifest.json", "rejections.csv", "review.html", DO_NOT_IMPORT})
#: What another integration tells Pleo of the items that it has exported.
ELSEWHERE = "elsewhere"
FINAL = frozenset({"successful", "failed"})
ENDED_WELL = frozenset({"completed", "completed_with_errors"})


@dataclass(frozen=True)
class Row:
    """One row of a released file: a voucher's number, its item, an account, a signed amount."""

    voucher: str
    entry: str
    account: str
    amount: Decimal
    currency: str


@dataclass
class Released:
    """A batch folder in the outbox, as somebody who opens it sees it."""

    folder: Path
    manifest: dict[str, Any]
    rows: list[Row]
    is_withdrawn: bool
    is_quarantined: bool
    is_answered: bool = False
    #: Pleo does not know its job any more.
    is_forgotten: bool = False
    #: Whose outbox it lies in, where there are two machines.
    machine: str = ""

    @property
    def job_id(self) -> str | None:
        job: str | None = self.manifest["batch"]["job"]
        return job

    @property
    def id(self) -> str:
        batch: str = self.manifest["batch"]["id"]
        return batch

    @property
    def reverses(self) -> str | None:
        """Give the batch that this one takes back."""
        batch: str | None = self.manifest["batch"].get("reverses")
        return batch

    @property
    def counts(self) -> bool:
        """Say whether a person may import it."""
        return not (self.is_withdrawn or self.is_quarantined)

    @property
    def entries(self) -> set[str]:
        return {row.entry for row in self.rows}

    @property
    def items(self) -> dict[str, dict[str, Any]]:
        return {item["id"]: item for item in self.manifest["items"]}


@dataclass
class Found:
    """What breaks an invariant, each in one sentence."""

    violations: list[str] = field(default_factory=list)

    def hold(self, is_true: bool, what: str) -> None:
        if not is_true:
            self.violations.append(what)


def read_outbox(outbox: Path) -> list[Released]:
    """Read every batch folder of a company, the withdrawn ones too."""
    found = []
    places = [(outbox, False), (outbox / "withdrawn", True)]
    for place, is_withdrawn in places:
        if place.is_dir():
            found += [
                _read_folder(folder, is_withdrawn=is_withdrawn)
                for folder in sorted(place.iterdir())
                if folder.is_dir() and folder.name != "withdrawn"
            ]
    return found


def _read_folder(folder: Path, *, is_withdrawn: bool) -> Released:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    rows: list[Row] = []
    for listed in manifest["files"]:
        content = (folder / listed["name"]).read_bytes()
        assert sha256(content).hexdigest() == listed["sha256"], f"{folder.name}: other bytes"
        rows += read_rows(content.decode())
    return Released(
        folder, manifest, rows, is_withdrawn, (folder / DO_NOT_IMPORT).exists()
    )  # fmt: skip


def read_rows(text: str) -> list[Row]:
    """Read the file of the quick line: voucher, item, account, debit, credit, currency."""
    rows = []
    for line in csv.DictReader(text.splitlines()):
        debit, credit = Decimal(line["debit"] or "0"), Decimal(line["credit"] or "0")
        rows.append(
            Row(line["voucher"], line["item"], line["account"], debit - credit, line["currency"])
        )
    return rows


def check_vouchers(released: Iterable[Released], found: Found) -> None:
    """INV4, and: a voucher number stands in one batch and names one item."""
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for batch in released:
        sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for row in batch.rows:
            sums[row.voucher, row.currency] += row.amount
            if batch.counts:
                year = batch.manifest["batch"].get("fiscal_year") or ""
                owners[year, row.voucher].add(f"{batch.folder.name} {row.entry}")
        for (voucher, currency), total in sums.items():
            found.hold(total == 0, f"INV4 {batch.folder.name}: voucher {voucher} is off by "
                                   f"{total} {currency}")  # fmt: skip
    for (_year, voucher), names in owners.items():
        found.hold(len(names) == 1, f"INV2 voucher {voucher} is used by {sorted(names)}")


def check_once(
    released: Iterable[Released], *, again: Mapping[str, int], imported: Counter[str], found: Found
) -> None:
    """INV2. `again`: how often a person wanted an item once more."""
    times = in_the_books(released)
    for entry in times | imported:
        allowed = 1 + again.get(entry, 0)
        found.hold(times[entry] <= allowed, f"INV2 {entry} is in {times[entry]} released files")
        found.hold(imported[entry] <= allowed, f"INV2 {entry} was imported {imported[entry]} times")


def in_the_books(released: Iterable[Released]) -> Counter[str]:
    """Count how often an item is booked by files that count; a reversal takes one away."""
    times: Counter[str] = Counter()
    for batch in released:
        if batch.counts:
            (times.subtract if batch.reverses else times.update)(batch.entries)
    return times


def check_mirrors(
    released: Iterable[Released], *, refused: Mapping[str, set[str]], found: Found
) -> None:
    """INV2: a reversal holds the exact mirror of its batch, without what the ERP refused of it."""
    released = list(released)
    mirrors = [batch for batch in released if batch.reverses]
    for batch_id, count in Counter(mirror.reverses for mirror in mirrors).items():
        found.hold(count == 1, f"INV2 batch {batch_id} is reversed {count} times")
    for mirror in mirrors:
        first = next((one for one in released if one.id == mirror.reverses), None)
        if first is None or not first.counts:
            found.hold(False, f"INV2 {mirror.folder.name} reverses what is not released")
            continue
        name, gone = f"{mirror.folder.name} of {first.folder.name}", refused.get(first.id, set())
        booked = Counter((row.entry, row.account, -row.amount, row.currency)
                         for row in first.rows if row.entry not in gone)  # fmt: skip
        mirrored = Counter((row.entry, row.account, row.amount, row.currency)
                           for row in mirror.rows)  # fmt: skip
        found.hold(booked == mirrored, f"INV2 {name} is no mirror: {booked - mirrored} is missing,"
                                       f" {mirrored - booked} is too much")  # fmt: skip
        found.hold(mirror.job_id is None, f"INV2 {name} has a job")


def check_listed(released: Iterable[Released], jobs: Mapping[str, Any], found: Found) -> None:
    """INV1: a folder lists what its job lists, each item in one place."""
    by_job: Counter[str] = Counter()
    for batch in released:
        name, listed = batch.folder.name, Counter(i["id"] for i in batch.manifest["items"])
        found.hold(max(listed.values(), default=1) == 1, f"INV1 {name} lists an item twice")
        failed = {i for i, item in batch.items.items() if item["verdict"] == "failed"}
        found.hold(not failed & batch.entries, f"INV1 {name}: a failed item has rows")
        found.hold(batch.entries <= listed.keys(), f"INV1 {name}: rows of an unlisted item")
        if batch.job_id is None:
            continue
        if batch.counts:
            by_job[batch.job_id] += 1
        job = jobs.get(batch.job_id)
        if job is None:
            found.hold(False, f"INV1 {name} is of a job that Pleo does not know")
        else:
            found.hold(
                listed.keys() == set(job.items), f"INV1 {name} does not list its job's items"
            )
        counts = batch.manifest["counts"]
        found.hold(counts["items"] == len(listed), f"INV1 {name}: counts do not add up")
    for job_id, count in by_job.items():
        found.hold(count == 1, f"INV1 job {job_id} has {count} released folders")


def check_told(
    released: Iterable[Released], jobs: Mapping[str, Any], *, is_settled: bool, found: Found
) -> None:
    """INV3, between files and Pleo. While a batch is under way its items may still be open."""
    released = list(released)
    by_job = {batch.job_id: batch for batch in released if batch.job_id in jobs}
    for batch in released:
        if batch.counts and batch.job_id in jobs:
            _check_batch(batch, jobs[batch.job_id], is_settled=is_settled, found=found)
    for job in jobs.values():
        for entry, told in job.items.items():
            is_ours = told.external_id != ELSEWHERE
            if told.status == "successful" and job.id not in by_job and is_ours:
                found.hold(
                    told.external_id in _known_ids(released, entry),
                    f"INV3 {entry} is successful in Pleo and in no file",
                )


def _check_batch(batch: Released, job: Any, *, is_settled: bool, found: Found) -> None:
    name = batch.folder.name
    # A person said that it was imported although Pleo had ended the job: Pleo knows nothing of it.
    is_known = job.status in ENDED_WELL or job.is_running or not is_settled
    found.hold(job.status != "pending", f"INV3 {name} is out, and its job was never started")
    found.hold(is_known or batch.is_answered, f"INV3 {name} is released, its job is {job.status}")
    for entry, item in batch.items.items():
        told = job.items.get(entry)
        if told is None or batch.is_answered:
            continue
        if told.status in FINAL:
            _compare(batch, entry, item, told, found=found)
        else:
            found.hold(not is_settled, f"INV3 {name}: {entry} is {told.status} in Pleo")


def _known_ids(released: Iterable[Released], entry: str) -> set[str | None]:
    return {
        batch.items[entry].get("external_id") for batch in released if entry in batch.items
    }  # fmt: skip


def _compare(
    batch: Released, entry: str, item: Mapping[str, Any], told: Any, *, found: Found
) -> None:
    meant = {"exported": "successful", "failed": "failed"}.get(item["verdict"])
    name = batch.folder.name
    if meant is None:
        return  # skipped: it was final before we came
    found.hold(told.status == meant, f"INV3 {name}: {entry} is {told.status} in Pleo, "
                                     f"{item['verdict']} in the file")  # fmt: skip
    if meant == "successful" and told.status == "successful":
        found.hold(told.external_id == item.get("external_id"),
                   f"INV3 {name}: {entry} has another external id in Pleo")  # fmt: skip
    if meant == "failed" and told.status == "failed":
        found.hold(bool(told.failure_reason and told.failure_type),
                   f"INV3 {name}: {entry} failed without a reason")  # fmt: skip


def check_ledger(
    path: Path,
    released: Iterable[Released],
    jobs: Mapping[str, Any],
    *,
    company_id: str,
    others: Iterable[Released] = (),
    found: Found,
) -> None:
    """INV3, between the ledger and both others, when nothing is under way.

    `others`: what lies in the outbox of another machine; a ledger that was made again knows of it.
    """
    others = list(others)
    question = "select id, state, unsettled from batch where company_id = ?"
    states = {row[0]: (row[1], row[2]) for row in ledger_rows(path, question, company_id)}
    for batch_id, (state, unsettled) in states.items():
        found.hold(not unsettled, f"INV3 batch {batch_id} is still {state}")
    folders = {batch.id: batch for batch in released}
    for batch_id, batch in folders.items():
        state = states.get(batch_id, ("unknown", 0))[0]
        found.hold(not batch.counts or state == "closed",
                   f"INV3 {batch.folder.name} is released, the ledger says {state}")  # fmt: skip
    question = (
        "select v.batch_id, v.entry_id, v.verdict, v.external_id, v.failure_type, v.acknowledged"
        " from verdict v join batch b on b.id = v.batch_id where b.company_id = ?"
        " and b.state = 'closed'"
    )
    for batch_id, entry, verdict, external_id, failure, is_told in ledger_rows(
        path, question, company_id
    ):
        folder = folders.get(batch_id)
        if folder is None:
            known = {*_known_ids([*folders.values(), *others], entry), ELSEWHERE}
            found.hold(verdict == "failed" or external_id in known,
                       f"INV3 {entry} is exported in the ledger, and there is no file")  # fmt: skip
            continue
        if folder.is_answered or folder.is_withdrawn:
            continue
        listed = folder.items.get(entry, {})
        found.hold(listed.get("verdict") == verdict and listed.get("external_id") == external_id
                   and listed.get("failure_type") == failure,
                   f"INV3 {entry} of {folder.folder.name}: ledger and file differ")  # fmt: skip
        found.hold(
            is_told or folder.is_forgotten,
            f"INV3 {entry} of {folder.folder.name} was never acknowledged",
        )
        job = jobs.get(folder.job_id or "")
        if job is not None:
            meant = {"exported": "successful", "failed": "failed"}[verdict]
            found.hold(job.items[entry].status == meant,
                       f"INV3 {entry}: ledger and Pleo differ")  # fmt: skip


def check_nothing_lost(
    released: Iterable[Released],
    jobs: Mapping[str, Any],
    *,
    entries: Iterable[str],
    found: Found,
) -> None:
    """INV1 at the very end: each entry stands in an import, or its last job says why not."""
    booked = in_the_books(released)
    for entry in entries:
        told = [job.items[entry] for job in jobs.values() if entry in job.items]
        is_refused = any(one.status == "failed" and one.failure_reason for one in told[-1:])
        is_elsewhere = any(one.external_id == ELSEWHERE for one in told)
        found.hold(booked[entry] > 0 or is_refused or is_elsewhere or not told,
                   f"INV1 {entry} is in no import, and Pleo does not say why")  # fmt: skip


def left_over(root: Path) -> Iterator[str]:
    """INV5: temporary files."""
    for folder, _folders, names in os.walk(root):
        for name in [*names, *_folders]:
            if LEFT_OVER.match(name):
                yield os.path.relpath(os.path.join(folder, name), root)


def held(root: Path) -> Iterator[str]:
    """INV5: locks that somebody holds, asked of the operating system."""
    for path in root.rglob("*.lock"):
        with path.open("rb") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield path.name


def snapshot(root: Path, jobs: Mapping[str, Any]) -> dict[str, str]:
    """INV6: everything that a person or Pleo could see, and how long the ledger is."""
    seen = {
        str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.parent.name != "locks" and ".db" not in path.name
    }
    seen |= {f"job {job.id}": json.dumps(job.document(), sort_keys=True) for job in jobs.values()}
    for job in jobs.values():
        for entry, item in job.items.items():
            seen[f"{job.id} {entry}"] = json.dumps(item.document(), sort_keys=True)
    return seen


def ledger_rows(path: Path, question: str, *values: str) -> list[tuple[Any, ...]]:
    """Ask the ledger's file without the program."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(question, values).fetchall()
