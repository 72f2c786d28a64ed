"""Deliberately broken variants of the protocol. Each must be caught by the stories; a fault model
that lets one live proves nothing (reliability.md, section 6).
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import filelock

from etl import files
from etl.batches.ledger import Ledger, applying, claiming, conditions
from etl.batches.states import Kind
from etl.live import (
    answers,
    ending,
    finishing,
    jobs,
    publishing,
    reporting,
    staging,
    starting,
    withdrawing,
)  # fmt: skip
from etl.live.stored import StoredBatch
from etl.pleo.client import PleoClient
from etl.pleo.failures import OutcomeUnknown
from tests.fault.live import variants_of_answers
from tests.fault.live.breaking import VARIANTS, Patch, anything_goes, broken, everywhere, variant
from tests.fault.live.disk import Disk

__all__ = ["VARIANTS", "broken", "variants_of_answers"]


@variant("the files are in the outbox before anything is approved")
def file_before_reserve(patch: Patch) -> None:
    def folder(stored: StoredBatch, number: int) -> Path:
        company = stored.folder.parent.name
        outbox = stored.folder.parents[3] / "outbox" / company
        return outbox / f"0001-{stored.folder.name}-{number}"

    patch.setattr(StoredBatch, "revision_folder", folder)


@variant("items are acknowledged before they are sent", first=2)
def acknowledge_before_send(patch: Patch) -> None:
    real = reporting._send

    def send(desk: Any, batch: Any, left: Any, **more: Any) -> Any:
        batch = reporting._acknowledge(desk, batch, left)
        return real(desk, batch, left, **more)

    anything_goes(patch)
    patch.setattr(reporting, "_send", send)


@variant("a start whose answer was lost is sent again without a look")
def start_not_read_back(patch: Patch) -> None:
    real = PleoClient.send_event

    def send(client: Any, job_id: str, event: str, **more: Any) -> None:
        try:
            real(client, job_id, event, **more)
        except OutcomeUnknown:
            real(client, job_id, event, **more)

    patch.setattr(PleoClient, "send_event", send)


@variant("a report whose answer was lost is sent again without a look", first=2)
def blind_retry_of_a_verdict(patch: Patch) -> None:
    patch.setattr(reporting, "_look", lambda _desk, batch: batch)


@variant("what is published is not compared with what Pleo lists now", first=19)
def no_compare_at_publish(patch: Patch) -> None:
    real = publishing._render_again

    def again(desk: Any, batch: Any, fetched: Any) -> Any:
        rendered = real(desk, batch, fetched)
        if rendered is None or batch.renders_nothing:
            return rendered
        return replace(rendered, revision=replace(rendered.revision, content=batch.content))

    patch.setattr(publishing, "_render_again", again)


@variant("what is published is not fetched again")
def no_fetch_at_publish(patch: Patch) -> None:
    patch.setattr(publishing, "check_again", lambda _desk, batch, **_more: batch)


@variant("the final event is sent before every item is acknowledged", first=2)
def final_event_too_early(patch: Patch) -> None:
    def report(desk: Any, batch: Any) -> Any:
        left = reporting._left(desk, batch)
        try:
            if left:
                reporting._send(desk, batch, left, size=reporting.MAX_REPORTS)
        except Exception:  # noqa: S110
            pass
        batch = desk.ledger.find(desk.company_id, batch.id)
        return desk.ledger.append(batch, Kind.REPORTED, {})

    anything_goes(patch)
    patch.setattr(reporting, "report", report)


@variant("verdicts are made anew each time they are sent", first=2)
def verdict_recomputed(patch: Patch) -> None:
    real = PleoClient.report_items

    def report(client: Any, job_id: str, reports: Any) -> Any:
        now = client.time().strftime("%Y-%m-%dT%H:%M:%SZ")
        made = []
        for body in reports:
            document = json.loads(body)
            if "exportedAt" in document:
                document["exportedAt"] = now
            made.append(json.dumps(document).encode())
        return real(client, job_id, made)

    patch.setattr(PleoClient, "report_items", report)


@variant("errors of single items are taken for success", first=6)
def partial_success_is_success(patch: Patch) -> None:
    real = PleoClient.report_items

    def report(client: Any, job_id: str, reports: Any) -> Any:
        given = real(client, job_id, reports)
        told = [json.loads(body) for body in reports]
        kinds = {one["accountingEntryId"]: one for one in told}
        shown = {item.entry_id: item for item in client.list_items(job_id)}
        items = tuple(
            replace(shown[entry], status=one["status"], external_id=one.get("externalId"))
            for entry, one in kinds.items() if entry in shown
        )  # fmt: skip
        return replace(given, items=items, errors=())

    patch.setattr(PleoClient, "report_items", report)


@variant("nothing keeps a second command out", first=2)
def lock_removed(patch: Patch) -> None:
    patch.setattr(filelock.BaseFileLock, "acquire", lambda _lock, *_args, **_named: None)


@variant("an item may be claimed twice, and nobody looks whether it was")
def claims_without_unique_key(patch: Patch) -> None:
    def hold(claims: Any, batch: Any, keys: Any) -> Any:
        return dict(claims)

    patch.setattr(applying, "hold", hold)
    everywhere(patch, "find_repeats", lambda _desk, _entries, **_more: {})


@variant("jobs are chosen by date: what was created before the last one is passed over", first=13)
def watermark_by_date(patch: Patch) -> None:
    real = jobs.running_jobs

    def running(desk: Any) -> Any:
        done = [b.facts.get("job_created_at") or "" for b in desk.ledger.batches(desk.company_id)]
        mark = max(done, default="")
        return [job for job in real(desk) if staging.instant(job.created_at) >= mark]

    everywhere(patch, "running_jobs", running)


@variant("a released batch whose job has ended is not marked", first=4)
def quarantine_skipped(patch: Patch) -> None:
    patch.setattr(ending, "_mark", lambda _desk, _batch: None)


@variant("a released batch whose job has ended is closed as if all were well", first=4)
def quarantine_is_closing(patch: Patch) -> None:
    def quarantine(desk: Any, batch: Any, _why: str) -> Any:
        return desk.ledger.append(batch, Kind.CLOSED, {"event": "completed"})

    anything_goes(patch)
    everywhere(patch, "quarantine", quarantine)


@variant("the folder is renamed into the outbox and not synced", only="power", first=10)
def rename_without_sync(patch: Patch) -> None:
    def move(source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(source, target)

    patch.setattr(files, "move_folder", move)


@variant("files are written and not synced", only="power", first=1)
def files_without_sync(patch: Patch) -> None:
    patch.setattr(Disk, "heeds_syncs", False)


@variant("a batch that was stopped is made again under a new id")
def retry_with_new_batch_id(patch: Patch) -> None:
    def finish(desk: Any) -> list[Any]:
        batch = desk.unsettled()
        if batch is not None and staging.is_begun(batch):
            desk.ledger.append(batch, Kind.VOIDED, {"why": "replaced", "by": None, "how": ""})
        return []

    anything_goes(patch)
    patch.setattr(finishing, "finish", finish)


@variant("voucher numbers begin anew with every batch")
def numbers_used_twice(patch: Patch) -> None:
    real = Ledger.next_numbers

    def numbers(ledger: Any, company_id: str, **more: Any) -> Any:
        return replace(real(ledger, company_id, **more), vouchers={})

    anything_goes(patch)
    patch.setattr(Ledger, "next_numbers", numbers)


@variant("a job that somebody else has started is taken for ours", only="answers", first=183)
def foreign_job_is_ours(patch: Patch) -> None:
    patch.setattr(starting, "_is_ours", lambda _batch, _job: True)
    patch.setattr(conditions, "_CONDITIONS", {})


@variant(
    "items of a batch that was imported without Pleo's knowledge are free", only="hasty", first=6
)
def imported_items_are_free(patch: Patch) -> None:
    def settle(desk: Any, batch: Any = None, *, imported: bool, by: str) -> Any:
        batch = desk.unsettled()
        note = desk.folders.released(batch) / "DO-NOT-IMPORT.txt"
        answer = real(desk, batch, imported=False, by=by) if not imported else None
        if imported:
            desk.ledger.append(batch, Kind.SETTLED, {"imported": False, "by": by})
            note.unlink(missing_ok=True)
        return answer

    real = answers.settle
    patch.setattr(answers, "settle", settle)


@variant("items are free before the files are out of reach", first=23)
def free_before_taken_back(patch: Patch) -> None:
    def carry_out(desk: Any, batch: Any, *, by: str) -> Any:
        return desk.ledger.append(batch, Kind.WITHDRAWN, {"by": by})

    patch.setattr(withdrawing, "_carry_out", carry_out)


@variant("the items of a closed batch are free again", first=1)
def claims_of_a_closed_batch_are_freed(patch: Patch) -> None:
    patch.setattr(applying, "book", lambda claims, batch_id, _exported: claiming.free(
        claims, batch_id, None))  # fmt: skip
