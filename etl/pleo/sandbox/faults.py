"""Faults that the sandbox makes on purpose: which requests they hit, and what they do to them.

KIND[=VALUE][@OPERATION][:FIRST[-[LAST]]]

lost-answer@report-items:2      the second report takes effect, its answer is lost
error=503@list-jobs:1-3         the first three lists of jobs are answered with 503
slow=2:1-                       every request waits two seconds
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: Kind -> what it does, and its value where none is given (None: it takes none).
KINDS: Mapping[str, tuple[str, float | None]] = {
    "lost-request": ("the connection breaks before the request takes effect", None),
    "lost-answer": ("the request takes effect, the connection breaks before the answer", None),
    "late": ("the connection breaks; the request takes effect after VALUE further requests", 1),
    "error": ("answered with status VALUE, without effect", 500),
    "error-after": ("takes effect, and is answered with status VALUE", 500),
    "limited": ("answered with 429 and Retry-After VALUE, without effect", 5),
    "truncated": ("the connection breaks in the middle of the answer's body", None),
    "drip": ("the answer comes in pieces of a few bytes, VALUE seconds apart", 0.05),
    "slow": ("the answer comes after VALUE seconds", 1),
    "wrong-type": ("the answer says that it is text/html", None),
    "html": ("a page of HTML comes instead of the answer, with status 200", None),
    "page-loop": ("a page says that it is followed by itself", None),
    "page-repeat": ("a page has its last record twice", None),
    "page-gap": ("a page lacks its first record", None),
    "page-no-cursor": ("a page says that more follow, without a cursor", None),
}
OPERATIONS = (
    "list-jobs", "create-job", "get-job", "send-event", "list-items", "report-items",
    "export-items", "download", "authorize", "token",
)  # fmt: skip
_FAULT = re.compile(
    r"(?P<kind>[a-z-]+)(?:=(?P<value>[0-9]{1,6}(?:\.[0-9]{1,3})?))?(?:@(?P<operation>[a-z-]+))?"
    r"(?::(?P<first>[0-9]{1,9})(?P<upto>-(?P<last>[0-9]{1,9})?)?)?"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, and which of the matching requests it hits, counted from 1; last None: no end."""

    kind: str
    value: float = 0
    operation: str | None = None
    first: int = 1
    last: int | None = 1


def parse_fault(text: str) -> Fault:
    """Read a fault as it is written on the command line.

    Raises: ValueError that says what is wrong.
    """
    found = _FAULT.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is not KIND[=VALUE][@OPERATION][:FIRST[-[LAST]]]')
    kind, operation = found["kind"], found["operation"]
    if kind not in KINDS:
        raise ValueError(f'there is no fault "{kind}"; there are {", ".join(KINDS)}')
    if operation is not None and operation not in OPERATIONS:
        raise ValueError(f'there is no operation "{operation}"; there are {", ".join(OPERATIONS)}')
    default = KINDS[kind][1]
    if default is None and found["value"]:
        raise ValueError(f'the fault "{kind}" takes no value')
    value = float(found["value"] or default or 0)
    if kind in ("error", "error-after") and not (value.is_integer() and 400 <= value <= 599):
        raise ValueError(f'the value of "{kind}" is a status from 400 to 599')
    first = int(found["first"] or 1)
    last = int(found["last"]) if found["last"] else (None if found["upto"] else first)
    if first < 1 or (last is not None and last < first):
        raise ValueError("requests are counted from 1, and the last is not before the first")
    return Fault(kind, value, operation, first, last)


class FaultPlan:
    """The faults to come."""

    def __init__(self) -> None:
        self._plan: list[tuple[Fault, int]] = []

    def add(self, fault: Fault | str) -> None:
        """Plan a fault; requests are counted from now on."""
        self._plan.append((parse_fault(fault) if isinstance(fault, str) else fault, 0))

    def clear(self) -> None:
        """Make no more faults."""
        self._plan.clear()

    def take(self, operation: str) -> dict[str, Fault]:
        """Count a request, and give the faults that hit it by their kind."""
        hits: dict[str, Fault] = {}
        for place, (fault, count) in enumerate(self._plan):
            if fault.operation not in (None, operation):
                continue
            self._plan[place] = (fault, count + 1)
            if fault.first <= count + 1 and (fault.last is None or count + 1 <= fault.last):
                hits[fault.kind] = fault
        return hits
