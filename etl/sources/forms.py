"""The forms of an input: a page of Pleo, a list, one item, or one item per line.

    first character [   list
    first character {   one item per line, if a second line starts a second object;
                        else a page, or one item

What is none of these, or is cut off, stops the command: nobody can say what is missing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import msgspec

from etl.errors import Problem, UserMustFix
from etl.sources.raw import Limits, RawItems
from etl.sources.windows import BLANKS, Batch, list_batches, object_batches

#: Elements handed on at a time; few enough that they stay in the processor's cache.
CHUNK = 500
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_LINE_NAMES = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
_as_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def split(blocks: Iterator[bytes], *, name: str, limits: Limits) -> Iterator[RawItems]:
    """Cut an input into elements.

    Raises: UserMustFix IN-2 (no form we read), IN-3 (cut off, or not valid JSON), IN-4.
    """
    is_lines = name.casefold().endswith(_LINE_NAMES)
    head = _first(blocks)
    if not is_lines:
        _refuse_unless_json(head, name)
        if head.lstrip(BLANKS).startswith(b"{"):
            head = _up_to_second_line(head, blocks, limits)
            is_lines = _is_one_per_line(head, name)
    if is_lines:
        yield from _chunks(_line_batches(head, blocks, limits), name, "line", limits)
        return
    head = head.lstrip(BLANKS)
    cut = list_batches if head.startswith(b"[") else object_batches
    yield from _chunks(cut(head, blocks, name=name, limits=limits), name, "item", limits)


def _chunks(batches: Iterator[Batch], name: str, word: str, limits: Limits) -> Iterator[RawItems]:
    for positions, elements in batches:
        for start in range(0, len(elements), CHUNK):
            end = start + CHUNK
            yield RawItems(name, word, positions[start:end], elements[start:end], limits.item)


def _first(blocks: Iterator[bytes]) -> bytes:
    """Give the beginning up to the first character that is not blank, without byte order mark."""
    head = b""
    for block in blocks:
        # Only line breaks are kept of blank blocks: they count in line numbers.
        head = block if not head else b"\n" * head.count(b"\n") + block
        if head.removeprefix(_BOM).strip(BLANKS):
            break
    return head.removeprefix(_BOM)


def _refuse_unless_json(head: bytes, name: str) -> None:
    start = head.lstrip(BLANKS)[:1]
    if start in (b"{", b"["):
        return
    what = f"{name} is not JSON: it starts with neither [ nor {{"
    fix = "give a page of Pleo, a JSON list, one item, or one item per line"
    if not start:
        what = f"{name} is empty"
    elif head.startswith(_WIDE):
        what, fix = f"{name} is UTF-16, not UTF-8", "save it as UTF-8"
    elif start == b"<":
        what, fix = f"{name} is a web page, not JSON", "fetch the items again"
    raise UserMustFix(Problem("IN-2", what, name, fix))


def _up_to_second_line(head: bytes, blocks: Iterator[bytes], limits: Limits) -> bytes:
    """Read on until the second line that is not blank stands there whole, or a window is full."""
    while len(head) <= limits.block and not _two_lines(head)[1].endswith(b"\n"):
        block = next(blocks, b"")
        if not block:
            break
        head += block
    return head


def _two_lines(head: bytes) -> tuple[bytes, bytes]:
    """Give the first two lines that are not blank, with their ends as far as they are there."""
    start = len(head) - len(head.lstrip(BLANKS))
    first_end = head.find(b"\n", start) + 1
    if not first_end:
        return head[start:], b""
    rest = head[first_end:].lstrip(b"\r\n")
    return head[start:first_end], rest[: rest.find(b"\n") + 1] or rest


def _is_one_per_line(head: bytes, name: str) -> bool:
    first, second = _two_lines(head)
    if not second.strip(BLANKS):
        return False
    try:
        whole = _as_object(first)
    except _REFUSALS:
        # A broken first line, unless the line break stands inside one object.
        goes_on = first.rstrip(BLANKS).endswith((b"[", b"{", b",", b":"))
        return second.startswith(b"{") and not goes_on
    if bytes(whole.get("data", b"")).startswith(b"["):
        raise UserMustFix(
            Problem("IN-2", f"{name} holds more after a page", f"{name}:2",
                    "give each page as a file of its own")
        )  # fmt: skip
    return True


def _line_batches(head: bytes, blocks: Iterator[bytes], limits: Limits) -> Iterator[Batch]:
    """Give the lines of a stream that are not blank; a line over the limit is not kept."""
    pending, number, dropping = b"", 1, False
    for block in itertools.chain([head], blocks):
        lines: list[bytes] = block.split(b"\n")
        lines[0] = pending + lines[0]
        pending = lines.pop()
        if dropping and lines:
            yield [number], [None]
            lines, number, dropping = lines[1:], number + 1, False
        if lines:
            yield _kept(lines, number, limits)
            number += len(lines)
        if len(pending) > limits.item:
            dropping, pending = True, b""
    if dropping or pending.strip(BLANKS):
        yield [number], [None if dropping else pending]


def _kept(lines: list[bytes], first: int, limits: Limits) -> Batch:
    """Give numbers and content of lines that are not blank."""
    if max(map(len, lines)) > limits.item or not all(map(bytes.strip, lines)):
        places = [place for place, line in enumerate(lines) if line.strip()]
        kept = [lines[p] if len(lines[p]) <= limits.item else None for p in places]
        return [first + place for place in places], kept
    return range(first, first + len(lines)), lines
