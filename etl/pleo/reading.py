"""Reads what Pleo answers: its envelopes, jobs, job items and outcomes of reports.

Lenient where Pleo's description leaves things open: unknown fields are passed over, null stands
for absent where a field is optional, states and reasons are any text. Strict where a wrong
reading could book something wrong: no key may stand twice, what must be there must be there.
Elements of the data layer are cut out of the page byte by byte and never written again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from etl.pleo.shapes import ItemError, Job, JobItem, Reported

UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z"
#: A year: longer than any job lives, and short enough to reckon with.
MAX_LIFE = 366 * 24 * 3600
MAX_COUNT = 10**9

Id = Annotated[str, Meta(pattern=UUID)]
Word = Annotated[str, Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
ShapeT = TypeVar("ShapeT")

_BLANKS = re.compile(r"[ \t\r\n]*")


class Unreadable(Exception):
    """The answer is not JSON, or not of the shape that it must have; the text says why."""


class _Job(Struct, rename="camel"):
    id: Id
    company_id: Id
    status: Word
    created_at: Moment
    expires_in: Annotated[int, Meta(ge=0, le=MAX_LIFE)]
    is_interactive: bool
    number_of_items: Count
    vendor_based_bookkeeping: bool
    started_at: Moment | None = None
    completed_at: Moment | None = None
    expired_at: Moment | None = None
    last_updated_at: Moment | None = None
    failure_reason: str | None = None
    failure_reason_type: str | None = None


class _JobItem(Struct, rename="camel"):
    accounting_entry_id: Id
    export_job_id: Id
    status: Word
    exported_at: str | None = None
    external_id: str | None = None
    external_url: str | None = None
    failure_reason: str | None = None
    failure_reason_type: str | None = None


class _ItemError(Struct, rename="camel"):
    accounting_entry_id: Id
    type: Word
    message: str | None = None


class _Client(Struct):
    subject: str = msgspec.field(name="subjectURN", default="")


class _Pagination(Struct, rename="camel"):
    has_next_page: bool
    end_cursor: str | None = None
    total: Count | None = None


class _Error(Struct):
    type: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its elements as bytes, and what it says of the others."""

    elements: tuple[bytes, ...] = field(repr=False)
    has_next: bool
    end_cursor: str | None
    total: int | None


def read_page(body: bytes) -> Page:
    """Read a page of any list.

    Raises: Unreadable.
    """
    fields = _fields(body)
    elements = fields.get("data")
    if not isinstance(elements, list):
        raise Unreadable('"data" is not a list')
    found = _read(_text(fields, "pagination"), _Pagination)
    return Page(tuple(elements), found.has_next_page, found.end_cursor, found.total)


def read_subject(body: bytes) -> str:
    """Read for whom a credential was made; empty where Pleo does not say.

    Raises: Unreadable.
    """
    return _read(_text(_fields(body), "data"), _Client).subject


def read_one_job(body: bytes, *, at: datetime) -> Job:
    """Read the answer that holds one job.

    Raises: Unreadable.
    """
    return read_job(_text(_fields(body), "data"), at=at)


def read_job(element: bytes, *, at: datetime) -> Job:
    """Read a job.

    Raises: Unreadable.
    """
    found = _read(element, _Job)
    job = Job(
        id=found.id, company_id=found.company_id, status=found.status,
        created_at=found.created_at, started_at=found.started_at,
        completed_at=found.completed_at, expired_at=found.expired_at,
        last_updated_at=found.last_updated_at, expires_in=found.expires_in,
        is_interactive=found.is_interactive, number_of_items=found.number_of_items,
        failure_reason=found.failure_reason, failure_type=found.failure_reason_type,
        is_vendor_based=found.vendor_based_bookkeeping, read_at=at,
    )  # fmt: skip
    try:
        job.seconds_left(at)
    except OverflowError:
        raise Unreadable("a job ends after the end of all calendars") from None
    return job


def read_item(element: bytes) -> JobItem:
    """Read how far an entry of a job has come.

    Raises: Unreadable.
    """
    found = _read(element, _JobItem)
    return JobItem(
        found.accounting_entry_id, found.export_job_id, found.status, found.external_id,
        found.external_url, found.failure_reason, found.failure_reason_type, found.exported_at,
    )  # fmt: skip


def read_reported(body: bytes) -> Reported:
    """Read the answer to a report.

    Raises: Unreadable.
    """
    fields = _fields(body)
    items, errors = fields.get("data"), fields.get("errors")
    if not isinstance(items, list) or not isinstance(errors, list):
        raise Unreadable('"data" and "errors" are not both lists')
    refused = [_read(element, _ItemError) for element in errors]
    return Reported(
        tuple(read_item(element) for element in items),
        tuple(ItemError(one.accounting_entry_id, one.type, one.message or "") for one in refused),
    )


def read_error(body: bytes) -> tuple[str, str]:
    """Give type and message of an error; empty where the body has another form, or none."""
    try:
        found = msgspec.json.decode(body, type=_Error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", ""
    return found.type, found.message or ""


def entry_id_of(element: bytes) -> str:
    """Give the id of an export item; empty where it has none, or several."""
    found = _ONE_ID.decode(element.decode("latin-1"))
    return found[0] if isinstance(found, tuple) and len(found) == 1 else ""


def _read(element: bytes, shape: type[ShapeT]) -> ShapeT:
    try:
        _STRICT.decode(element.decode("latin-1"))
        return msgspec.json.decode(element, type=shape)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        why = str(error)
    raise Unreadable(_without_values(why))


def _without_values(why: str) -> str:
    return " ".join(why.split())[:200]


def _text(fields: Mapping[str, bytes | list[bytes]], name: str) -> bytes:
    found = fields.get(name)
    if not isinstance(found, bytes):
        raise Unreadable(f'"{name}" is not there, or is a list')
    return found


def _no_key_twice(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _value in pairs}) < len(pairs):
        raise ValueError("a key stands twice")


def _ids(pairs: list[tuple[str, Any]]) -> tuple[str, ...]:
    return tuple(one for key, one in pairs if key == "accountingEntryId" and isinstance(one, str))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _nothing(_value: Any) -> None:
    """Make nothing of a number or an object: only where it ends is wanted."""


#: Read latin-1, so that a place in the text is a place in the bytes; structure is ASCII anyway.
_SKIP = json.JSONDecoder(
    object_pairs_hook=_nothing, parse_int=_nothing, parse_float=_nothing, parse_constant=_refuse
)
_STRICT = json.JSONDecoder(
    object_pairs_hook=_no_key_twice, parse_int=_nothing, parse_float=_nothing,
    parse_constant=_refuse,
)  # fmt: skip
_ONE_ID = json.JSONDecoder(
    object_pairs_hook=_ids, parse_int=_nothing, parse_float=_nothing, parse_constant=_refuse
)


def _fields(body: bytes) -> dict[str, bytes | list[bytes]]:
    """Cut an object into its fields: the bytes of each value, of a list those of its elements.

    Raises: Unreadable if it is not JSON, not an object, or has a key twice.
    """
    try:
        return _Cutting(body).object()
    except (ValueError, RecursionError) as error:
        why = str(error)
    raise Unreadable(_without_values(why))


class _Cutting:
    """Walks over JSON and notes where values begin and end."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._text = body.decode("latin-1")
        self._at = 0

    def object(self) -> dict[str, bytes | list[bytes]]:
        """Cut the whole."""
        fields: dict[str, bytes | list[bytes]] = {}
        self._expect("{")
        while not self._is_next("}", first=not fields):
            self._peek()
            key, self._at = _SKIP.raw_decode(self._text, self._at)
            if not isinstance(key, str) or key in fields:
                raise ValueError("a key stands twice, or is no text")
            self._expect(":")
            fields[key] = self._list() if self._peek() == "[" else self._value()
        if self._peek():
            raise ValueError("something follows the end")
        return fields

    def _list(self) -> list[bytes]:
        elements: list[bytes] = []
        self._expect("[")
        while not self._is_next("]", first=not elements):
            elements.append(self._value())
        return elements

    def _value(self) -> bytes:
        self._peek()
        begin = self._at
        _value, self._at = _SKIP.raw_decode(self._text, begin)
        return self._body[begin : self._at]

    def _peek(self) -> str:
        found = _BLANKS.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise ValueError(f"expected {sign} at byte {self._at}")
        self._at += 1

    def _is_next(self, end: str, *, first: bool) -> bool:
        """Pass over the end, or over the comma before the next element."""
        sign = self._peek()
        if sign == end:
            self._at += 1
            return True
        if not first:
            self._expect(",")
        return False
