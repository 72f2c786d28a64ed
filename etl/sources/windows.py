"""Elements of a JSON list, cut out of a stream one window at a time.

    window  {…},{…},{…},{…},{… | more to come
                           ^ cut here: `[` + window so far + `]` is a valid list

The state of a JSON text after some bytes depends on those bytes only. So a cut that makes a
valid list is a true border between two elements, wherever it was guessed. Where no guess works
(an element is broken, or nested without end) the window is walked token by token instead, and
only the broken element is rejected later on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from etl.errors import Problem, UserMustFix
from etl.sources.raw import Limits

BLANKS = b" \t\r\n"
MAX_GUESSES = 16
#: Keys by which an object is taken for an export item.
_ITEM_KEYS = {"accountingEntryId", "accountingEntryLines", "additionalInformation"}
_as_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_as_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_DATA = re.compile(rb'"data"[ \t\r\n]*:[ \t\r\n]*\[')
_FIRST_KEY = re.compile(rb'\{[ \t\r\n]*"[^"]*"')
#: A quote alone opens a text that the window does not end.
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|["\[\]{},]', re.DOTALL)

#: Positions (from 1) and bytes of some elements; None is an element over the limit.
Batch = tuple[Sequence[int], Sequence[bytes | None]]


def list_batches(
    head: bytes, blocks: Iterator[bytes], *, name: str, limits: Limits
) -> Iterator[Batch]:
    """Give the elements of a list; `head` starts with its bracket."""
    return _batches(head[1:], blocks, opening=b"[", name=name, limits=limits)


def object_batches(
    head: bytes, blocks: Iterator[bytes], *, name: str, limits: Limits
) -> Iterator[Batch]:
    """Give the elements of a page `{"data": […], …}`, or the one item that the object is."""
    for found in list(_DATA.finditer(head))[:MAX_GUESSES]:
        opening = head[: found.end()]
        try:
            keys = _as_object(opening + b"]}").keys()
        except _REFUSALS:
            continue
        if not keys & _ITEM_KEYS:
            rest = head[found.end() :]
            yield from _batches(rest, blocks, opening=opening, name=name, limits=limits)
            return
    yield _one_item(head, blocks, name=name, limits=limits)


def _one_item(head: bytes, blocks: Iterator[bytes], *, name: str, limits: Limits) -> Batch:
    parts = [head]
    for block in blocks:
        parts.append(block)
        if sum(map(len, parts)) > limits.item + limits.block:
            raise _too_long(1, name, limits)
    whole = b"".join(parts).strip(BLANKS)
    try:
        if not _as_object(whole).keys() & _ITEM_KEYS:
            what = f'{name} is neither a page with a list under "data" nor an export item'
            fix = "give a page of Pleo, a JSON list, one item, or one item per line"
            raise UserMustFix(Problem("IN-2", what, name, fix))
    except _REFUSALS:
        walked = _walk(whole + b"]")
        if walked.end != len(whole) or len(walked.elements) != 1:
            raise _broken(1, name) from None
    return [1], [_within(whole, limits)]


def _batches(
    head: bytes, blocks: Iterator[bytes], *, opening: bytes, name: str, limits: Limits
) -> Iterator[Batch]:
    """Give the elements of a list after its bracket; `opening` is all that stood before them."""
    window, count, enough = head, 0, limits.block
    for block in blocks:
        if len(window) >= enough:
            elements, window = _cut(window)
            enough = limits.block
            if elements:
                yield range(count + 1, count + 1 + len(elements)), _all_within(elements, limits)
                count += len(elements)
            elif len(window) > 2 * limits.item:
                raise _too_long(count + 1, name, limits)
            else:  # twice as much before the next look: a long element is not walked at each block
                enough = min(2 * len(window), 2 * limits.item + 1)
        window += block
    elements = _last_elements(window, opening, count, name)
    yield range(count + 1, count + 1 + len(elements)), _all_within(elements, limits)


def _cut(window: bytes) -> tuple[list[bytes], bytes]:
    """Give the whole elements of a window, and what stands after the comma behind them."""
    start = _FIRST_KEY.match(window.lstrip(BLANKS))
    place = len(window)
    for _ in range(MAX_GUESSES if start else 0):
        assert start is not None
        place = window.rfind(start[0], 0, place)
        before = window[:place].rstrip(BLANKS) if place > 0 else b""
        if not before.endswith(b","):
            continue
        try:
            return _elements(before[:-1]), window[place:]
        except _REFUSALS:
            continue
    walked = _walk(window)
    if walked.end is not None or not walked.elements:
        return [], window
    return walked.elements, window[walked.last_comma + 1 :]


def _last_elements(window: bytes, opening: bytes, count: int, name: str) -> list[bytes]:
    """Give the elements up to the list's closing bracket, and check all that stands after it."""
    place = len(window)
    for _ in range(MAX_GUESSES):
        place = window.rfind(b"]", 0, max(place, 0))
        if place < 0:
            break
        try:
            elements = _elements(window[:place])
        except _REFUSALS:
            continue
        _check_tail(opening, window[place:], count + len(elements), name)
        return elements
    walked = _walk(window)
    if walked.end is None:
        raise _broken(count + len(walked.elements) + 1, name)
    _check_tail(opening, window[walked.end :], count + len(walked.elements), name)
    return walked.elements


def _elements(inside: bytes) -> list[bytes]:
    return [bytes(element) for element in _as_list(b"[" + inside + b"]")]


def _check_tail(opening: bytes, tail: bytes, count: int, name: str) -> None:
    """Check what stands around the elements: valid JSON, with one list under "data" only."""
    frame = opening + tail
    try:
        if opening == b"[":
            _as_list(frame)
            return
        page = _as_object(frame)
    except _REFUSALS:
        raise _broken(count + 1, name) from None
    if len(_DATA.findall(frame)) > 1 and bytes(page["data"]).strip(BLANKS) != b"[]":
        raise UserMustFix(
            Problem("IN-3", f'{name} has "data" twice', name, "fetch the items again")
        )


class _Walk:
    """What a walk over a window found: whole elements, the last comma, the closing bracket."""

    def __init__(self) -> None:
        self.elements: list[bytes] = []
        self.last_comma = -1
        self.end: int | None = None


def _walk(window: bytes) -> _Walk:
    walk, depth, start = _Walk(), 0, 0
    for token in _TOKENS.finditer(window):
        kind, place = token[0], token.start()
        if kind in (b"{", b"["):
            depth += 1
        elif kind == b'"':
            return walk
        elif kind in (b"}", b"]"):
            depth -= 1
        elif kind != b"," or depth:
            continue
        if depth < 0 or (depth == 0 and kind == b","):
            element = window[start:place].strip(BLANKS)
            start = place + 1
            if kind == b",":
                walk.last_comma = place
            elif kind == b"}":
                return walk
            else:
                walk.end = place
            if element or walk.elements or kind == b",":
                walk.elements.append(element)
            if walk.end is not None:
                return walk
    return walk


def _within(element: bytes, limits: Limits) -> bytes | None:
    return element if len(element) <= limits.item else None


def _all_within(elements: list[bytes], limits: Limits) -> Sequence[bytes | None]:
    if not elements or max(map(len, elements)) <= limits.item:
        return elements
    return [_within(element, limits) for element in elements]


def _broken(position: int, name: str) -> UserMustFix:
    what = f"{name} is cut off, or is not valid JSON, at item {position}"
    return UserMustFix(Problem("IN-3", what, f"{name}, item {position}", "fetch the items again"))


def _too_long(position: int, name: str, limits: Limits) -> UserMustFix:
    what = f"item {position} of {name} is far longer than {limits.item} bytes"
    return UserMustFix(Problem("IN-4", what, name, "remove that item, and ask Pleo about it"))
