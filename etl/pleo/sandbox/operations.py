"""What each operation of the Export API does, version 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from etl.pleo.sandbox.access import Credential, check_company
from etl.pleo.sandbox.answers import Answer, Call, Refused, bad_request, give
from etl.pleo.sandbox.clocks import stamp
from etl.pleo.sandbox.jobs import OPEN, Job, JobItem
from etl.pleo.sandbox.paging import Listing, read_page_request, take_page
from etl.pleo.sandbox.pleo import Pleo
from etl.pleo.sandbox.requests import Event, ItemReport, NewJob, read_body, read_id
from etl.pleo.sandbox.samples import Company

MAX_REPORTS = 100
JOB_STATES = ("pending", "in_progress", "failed", "completed", "completed_with_errors")
ITEM_STATES = ("pending", "in_progress", "failed", "successful", "abandoned")
JOB_KEYS = ("id", "createdAt", "lastUpdatedAt", "startedAt", "completedAt", "status",
            "numberOfItems")  # fmt: skip
ITEM_KEYS = ("accountingEntryId", "status", "exportedAt")
ENTRY_KEYS = ("accountingEntryId", "date", "type")

Handler = Callable[[Pleo, Call, Credential], Answer]


@dataclass(frozen=True, slots=True)
class Operation:
    """How an operation is called, what it needs, and what it does."""

    name: str
    method: str
    path: str
    scope: str
    handler: Handler


def list_jobs(pleo: Pleo, call: Call, credential: Credential) -> Answer:
    """GET /v3/export-jobs."""
    company_id = _company_wanted(call, credential)
    states = call.query.get("statuses", ())
    if not set(states) <= set(JOB_STATES):
        raise bad_request("statuses has a state that jobs do not have")
    records = [job.document() for job in pleo.jobs.values() if job.company_id == company_id]
    listing = Listing(records, "id", JOB_KEYS, lambda job: not states or job["status"] in states)
    return give(_page(pleo, call, listing))


def _company_wanted(call: Call, credential: Credential) -> str:
    given = call.query.get("company_id", ())
    if given:
        company_id = read_id(given[0], "company_id")
        check_company(credential, company_id)
        return company_id
    if len(credential.companies) != 1:
        raise Refused(
            400, "required_parameter_missing", "company_id is needed: this key opens several."
        )
    return next(iter(credential.companies))


def _page(pleo: Pleo, call: Call, listing: Listing) -> dict[str, Any]:
    largest = pleo.manners.largest_page
    return take_page(listing, read_page_request(call.query, listing.sortable, largest=largest))


def create_job(pleo: Pleo, call: Call, credential: Credential) -> Answer:
    """POST /v3/export-jobs."""
    wanted = read_body(call.body, NewJob)
    company_id = str(wanted.company_id)
    check_company(credential, company_id)
    company = pleo.companies[company_id]
    if any(job.is_running for job in pleo.jobs.values() if job.company_id == company_id):
        raise Refused(
            409, "EXPORT_ALREADY_IN_PROGRESS", "Export Job already in progress for this company."
        )
    _check_contra_accounts(company)
    entries = [str(entry) for entry in wanted.accounting_entry_ids]
    if not set(entries) <= company.entries.keys():
        raise Refused(400, "export_entry_not_found", "An accounting entry does not exist.")
    job = pleo.add_job(
        company,
        entries,
        is_vendor_based=bool(wanted.options and wanted.options.vendor_based_bookkeeping),
        is_interactive=wanted.is_interactive is not False,
        created_by=str(wanted.employee_id) if wanted.employee_id else None,
    )
    return give({"data": job.document()}, status=201)


def _check_contra_accounts(company: Company) -> None:
    if not company.has_contra_accounts:
        raise Refused(
            400, "MISSING_CONTRA_ACCOUNTS",
            "Contra accounts are not fully configured."
            " Please map contra accounts in the Accounting settings.",
        )  # fmt: skip


def get_job(pleo: Pleo, call: Call, credential: Credential) -> Answer:
    """GET /v3/export-jobs/{jobId}."""
    return give({"data": _job_in_path(pleo, call, credential).document()})


def _job_in_path(pleo: Pleo, call: Call, credential: Credential) -> Job:
    return pleo.job_of(read_id(call.names["job"], "jobId"), credential)


def send_event(pleo: Pleo, call: Call, credential: Credential) -> Answer:
    """POST /v3/export-job-events."""
    sent = read_body(call.body, Event)
    has_reason = sent.failure_reason is not UNSET or sent.failure_reason_type is not UNSET
    if has_reason and sent.event != "failed":
        raise bad_request("failureReason and failureReasonType belong to the event failed")
    job = pleo.job_of(str(sent.job_id), credential)
    is_blocked = sent.event == "started" and any(
        other.status == "in_progress" and other.company_id == job.company_id
        for other in pleo.jobs.values()
    )
    if is_blocked or not job.apply(sent.event, at=pleo.clock.read()):
        raise Refused(422, "INVALID_EXPORT_JOB_STATUS_CHANGE", "Export Job status change failed")
    if isinstance(sent.failure_reason, str):
        job.failure_reason = sent.failure_reason
    if isinstance(sent.failure_reason_type, str):
        job.failure_type = sent.failure_reason_type
    return Answer(202, content_type=None)


def list_items(pleo: Pleo, call: Call, credential: Credential) -> Answer:
    """GET /v3/export-jobs/{jobId}/items."""
    job = _job_in_path(pleo, call, credential)
    states = call.query.get("status", ())
    if len(states) > 1 or not set(states) <= set(ITEM_STATES):
        raise bad_request("status is not one state that items have")
    records = [item.document() for item in job.items.values()]
    listing = Listing(
        records, "accountingEntryId", ITEM_KEYS,
        lambda item: not states or item["status"] in states,
    )  # fmt: skip
    return give(_page(pleo, call, listing))


def report_items(pleo: Pleo, call: Call, credential: Credential) -> Answer:
    """PUT /v3/export-jobs/{jobId}/items: each item on its own, errors beside what went well."""
    job = _job_in_path(pleo, call, credential)
    reports = read_body(call.body, list[ItemReport])
    if len(reports) > MAX_REPORTS:
        raise Refused(
            413, "EXPORT_JOB_ITEMS_UPDATE_LIMIT", "Number of items to update is more than 100."
        )
    if not job.is_running:
        raise Refused(422, "EXPORT_JOB_STATUS_UNPROCESSABLE", "Export job is finished.")
    stored: dict[str, dict[str, Any]] = {}
    errors = []
    for report in reports:
        entry_id = str(report.accounting_entry_id)
        error = _update(pleo, job.items.get(entry_id), report)
        if error:
            errors.append({"accountingEntryId": entry_id, **error})
        else:
            stored[entry_id] = job.items[entry_id].document()
    if stored and pleo.manners.reports_prolong:
        job.updated_at = pleo.clock.read()
    return give({"data": list(stored.values()), "errors": errors})


def _update(pleo: Pleo, item: JobItem | None, report: ItemReport) -> dict[str, str] | None:
    if item is None:
        return _error("ACCOUNTING_ENTRY_DOES_NOT_EXIST", "Accounting entry does not exist")
    planned = pleo.item_errors.get(item.entry_id)
    if planned:
        return _error(planned.pop(0), "Entry could not be updated")
    # whether a final state may change is not stated; here the same may be sent again, no other
    if item.status not in OPEN and item.status != report.status:
        return _error("EXPORT_ENTRY_STATUS_UPDATE_FAILED", f"Entry is {item.status} already")
    item.status = report.status
    if report.exported_at is not UNSET:
        item.exported_at = stamp(report.exported_at)
    if report.external_id is not UNSET:
        item.external_id = report.external_id
    if report.external_url is not UNSET:
        item.external_url = report.external_url
    if report.failure_reason is not UNSET:
        item.failure_reason = report.failure_reason
    if report.failure_reason_type is not UNSET:
        item.failure_type = report.failure_reason_type
    return None


def _error(kind: str, message: str) -> dict[str, str]:
    return {"type": kind, "message": message}


def export_items(pleo: Pleo, call: Call, credential: Credential) -> Answer:
    """GET /v3/export-items: the entries in full, with new links to their attachments."""
    given = call.query.get("job_id", ())
    if not given:
        raise Refused(400, "required_parameter_missing", "job_id is needed.")
    job = pleo.job_of(read_id(given[0], "job_id"), credential)
    if not job.is_running:
        raise Refused(
            422, "EXPORT_JOB_STATUS_UNPROCESSABLE",
            "Export Job is finished and can no longer be processed.",
        )  # fmt: skip
    company = pleo.companies[job.company_id]
    _check_contra_accounts(company)
    records = [
        {"accountingEntryId": entry, **{key: company.entries[entry][key] for key in ENTRY_KEYS}}
        for entry in job.items
    ]
    page = _page(pleo, call, Listing(records, "accountingEntryId", ENTRY_KEYS))
    page["data"] = [
        _in_full(pleo, company, record["accountingEntryId"], job=job, base_url=call.base_url)
        for record in page["data"]
    ]
    return give(page)


def _in_full(
    pleo: Pleo, company: Company, entry_id: str, *, job: Job, base_url: str
) -> dict[str, Any]:
    at = pleo.clock.read()
    files = [
        {
            "url": pleo.links.make(file, ids=pleo.ids, at=at, base_url=base_url),
            "type": file.media_type,
            "size": len(file.content),
        }
        for file in company.files[entry_id]
    ]
    entry = company.entries[entry_id] | {"files": files}
    return entry if job.is_vendor_based else entry | {"vendor": None, "bookkeeping": None}


OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("list-jobs", "GET", "/v3/export-jobs", "export-jobs:read", list_jobs),
        Operation("create-job", "POST", "/v3/export-jobs", "export-jobs:write", create_job),
        Operation("get-job", "GET", "/v3/export-jobs/{job}", "export-jobs:read", get_job),
        Operation("send-event", "POST", "/v3/export-job-events", "export-jobs:write", send_event),
        Operation("list-items", "GET", "/v3/export-jobs/{job}/items", "export-jobs:read",
                  list_items),
        Operation("report-items", "PUT", "/v3/export-jobs/{job}/items", "export-jobs:write",
                  report_items),
        Operation("export-items", "GET", "/v3/export-items", "export-items:read", export_items),
    )
}  # fmt: skip
