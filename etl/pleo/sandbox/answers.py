"""What comes in and what goes out, before it is HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

JSON = "application/json;charset=UTF-8"

_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: which operation it means, and what it carries."""

    operation: str
    method: str
    path: str
    names: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: status, body and headers."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str | None = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """A call that reached the sandbox, and the status it was answered with."""

    call: Call
    status: int


class Refused(Exception):
    """The call is answered with an error in Pleo's form: type and message."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.answer = give({"type": kind, "message": message}, status=status, headers=headers)


def bad_request(message: str) -> Refused:
    """Refuse what the description does not allow; the code is from Pleo's older error page."""
    return Refused(400, "bad_request", message)


def give(
    document: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    """Answer with a JSON document."""
    return Answer(status, _ENCODER.encode(document), headers=headers or {})
