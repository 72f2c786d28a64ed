"""The bodies of requests, read as strictly as the description states them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from etl.pleo.sandbox.answers import bad_request

BodyT = TypeVar("BodyT")

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
JobFailure = Literal[
    "invalid_configuration", "missing_configuration", "authentication_failure",
    "accounting_system_authentication_failure", "pleo_rate_limit", "accounting_system_rate_limit",
    "service_unreachable", "accounting_system_unreachable", "validation_failure",
    "authorization_failure", "integration_unusable", "job_expired", "service_timeout",
    "accounting_system_timeout", "canceled_by_user",
]  # fmt: skip
ItemFailure = Literal[
    "receipt_upload_failure", "receipt_download_failure", "receipt_file_size_limit_exceeded",
    "receipt_conversion_failure", "unexpected_failure", "invalid_configuration",
    "missing_configuration", "accounting_system_authentication_failure",
    "accounting_system_rate_limit", "accounting_system_unreachable", "validation_failure",
    "accounting_system_validation_failure", "authorization_failure", "accounting_system_timeout",
    "vendor_unknown", "account_unknown", "tax_code_unknown", "tag_unknown",
]  # fmt: skip


class Event(msgspec.Struct, rename="camel"):
    """CreateExportJobEvent."""

    event: Literal["started", "failed", "completed", "completed_with_errors"]
    job_id: UUID
    failure_reason: str | UnsetType = UNSET
    failure_reason_type: JobFailure | UnsetType = UNSET


class ItemReport(msgspec.Struct, rename="camel"):
    """UpdateExportJobItemV3: what is absent stays as it is, and null is not allowed."""

    accounting_entry_id: UUID
    status: Literal["pending", "in_progress", "failed", "successful", "abandoned"]
    exported_at: Moment | UnsetType = UNSET
    external_id: str | UnsetType = UNSET
    external_url: str | UnsetType = UNSET
    failure_reason: str | UnsetType = UNSET
    failure_reason_type: ItemFailure | UnsetType = UNSET


class Options(msgspec.Struct, rename="camel"):
    """Options of a new job."""

    vendor_based_bookkeeping: bool | None = False


class NewJob(msgspec.Struct, rename="camel"):
    """CreateExportJob."""

    accounting_entry_ids: list[UUID]
    company_id: UUID
    employee_id: UUID | None = None
    is_interactive: bool | None = True
    options: Options | None = None


def read_body(body: bytes, kind: type[BodyT]) -> BodyT:
    """Read a body.

    Raises: Refused (400) saying where it is wrong.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(str(error)) from None


def read_id(text: str, name: str) -> str:
    """Read an id from the query or path.

    Raises: Refused (400).
    """
    try:
        return str(UUID(text))
    except ValueError:
        raise bad_request(f"{name} is not a UUID") from None
