"""Elements of the sources become frames: items, lines, attachments, and what is wrong with them.

    elements ─> decode ─> columns, chunk by chunk ─> one frame ─> text ─> order and keys ─> values
                   └─> faults of elements that cannot be laid out ──────────┘

The order of items is that of their ids, whatever the order of the input. Items that are rejected
stay in the frames until the checks are done, so that all their problems are found at once.
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from etl.codes import CODES
from etl.findings import join_findings, note
from etl.frames import ITEM_KEY, ITEM_WHERE, REJECTIONS, schema
from etl.items import careful, columns, wire
from etl.items.attachments import name_attachments
from etl.items.columns import ROW
from etl.items.repeats import reject_repeats
from etl.items.tolerant import read_tolerantly
from etl.items.values import apply_text_policy, make_values, split_lists
from etl.text import is_plain

#: Chunks that are laid together at a time; before that, a column without a value costs memory.
_CHUNKS_TOGETHER = 32


class Elements(Protocol):
    """A chunk of a source: the bytes of each element, and where each stands."""

    @property
    def name(self) -> str: ...
    @property
    def word(self) -> str: ...
    @property
    def positions(self) -> Sequence[int]: ...
    @property
    def elements(self) -> Sequence[bytes | None]: ...
    @property
    def item_bytes(self) -> int: ...


@dataclass(frozen=True)
class Ingested:
    """What was read. Items, lines and attachments still hold rejected items that have columns.

    `listed` counts all elements.
    """

    items: pl.DataFrame
    lines: pl.DataFrame
    attachments: pl.DataFrame
    rejections: pl.DataFrame
    notes: pl.DataFrame
    listed: int


@dataclass
class _Collected:
    """Frames and faults by row, in the order of reading: chunks, and chunks laid together."""

    whole: list[columns.Rows] = field(default_factory=list)
    rows: list[columns.Rows] = field(default_factory=list)
    places: dict[str, array[int]] = field(default_factory=dict)
    faults: list[tuple[int, str | None, careful.Fault]] = field(default_factory=list)
    unreadable: dict[int, str | None] = field(default_factory=dict)
    unknown: dict[int, list[str]] = field(default_factory=dict)
    listed: int = 0


def ingest(sources: Iterable[Elements]) -> Ingested:
    """Read all elements into frames.

    Gives: items (INGESTED_ITEMS, ordered by item.key), lines (INGESTED_LINES, ordered by
    item.key and number), attachments (ATTACHMENT_WIRE, ATTACHMENT), rejections and notes.
    Units: amounts exact, made from hundredths.
    """
    collected = _Collected()
    with _no_collector():
        for chunk in sources:
            _take(chunk, collected)
    return _finish(collected)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Hold the garbage collector: decoding makes millions of objects and not one circle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _take(chunk: Elements, to: _Collected) -> None:
    elements, first = chunk.elements, to.listed
    decoded = wire.decode_fast(elements)
    items, places = decoded.items, decoded.places
    slow: list[tuple[int, wire.Item]] = []
    for place in decoded.failed:
        found = read_singly(elements[place], item_bytes=chunk.item_bytes)
        if found.unknown:
            to.unknown[first + place] = found.unknown
        if found.item is not None:
            slow.append((place, found.item))
        else:
            to.unreadable[first + place] = found.item_id
            to.faults += [(first + place, found.item_id, fault) for fault in found.faults]
    if slow:
        merged = sorted([*zip(places, items, strict=True), *slow], key=lambda pair: pair[0])
        places, items = [place for place, _ in merged], [item for _, item in merged]
    doubtful = [not is_plain(elements[place] or b"") for place in places]
    to.rows.append(columns.lay_out(items, [first + place for place in places], doubtful))
    if len(to.rows) >= _CHUNKS_TOGETHER:
        to.whole.append(columns.lay_together(to.rows))
        to.rows.clear()
    joint = ":" if chunk.word == "line" else f", {chunk.word} "
    to.places.setdefault(chunk.name + joint, array("Q")).extend(chunk.positions)
    to.listed += len(elements)


def read_singly(element: bytes | None, *, item_bytes: int) -> careful.Careful:
    """Read an element that typed decoding refused: the tolerant way, else the careful way."""
    tolerated = read_tolerantly(element) if element is not None else None
    if tolerated is None:
        return careful.read_carefully(element, item_bytes=item_bytes)
    item, unknown = tolerated
    return careful.Careful(item, item.accounting_entry_id, unknown=unknown)


def _where(collected: _Collected) -> pl.Series:
    """Say where each element stands: items.ndjson:12, or items.json, item 12."""
    if not collected.places:
        return pl.Series(ITEM_WHERE, [], pl.String)
    places = pl.concat(
        pl.DataFrame([pl.Series("number", numbers, pl.UInt64)]).with_columns(
            pl.lit(beginning).alias("beginning")
        )
        for beginning, numbers in collected.places.items()
    )
    return places.select(pl.col("beginning") + pl.col("number").cast(pl.String)).to_series()


def _finish(collected: _Collected) -> Ingested:
    chunks = [*collected.whole, *collected.rows] or [columns.lay_out([], [], [])]
    read = columns.lay_together(chunks)
    for used in (chunks, collected.whole, collected.rows):
        used.clear()
    items, lines, files = split_lists(read.items), split_lists(read.lines), read.files
    del read
    items, changed_items = apply_text_policy(items)
    lines, changed_lines = apply_text_policy(lines)
    files, changed_files = apply_text_policy(files)
    order = _order(items, collected)
    items = _keyed(items, order).join(
        order.select(ITEM_KEY, ITEM_WHERE),
        on=ITEM_KEY,
        how="left",
        validate="1:1",
        maintain_order="left",
    )
    lines = _keyed(lines, order, "line.number").with_row_index("line.key")
    files = _keyed(files, order, "attachment.number")
    valued = make_values(items, lines)
    attachments = name_attachments(files, valued.items)
    changed = pl.concat([changed_items, changed_lines, changed_files]).unique()
    return Ingested(
        valued.items,
        valued.lines,
        attachments,
        join_findings(
            [
                _faults(collected, order),
                valued.rejections,
                reject_repeats(valued.items, valued.lines, attachments, order),
            ]
        ).sort(ITEM_KEY, "line", "code", "message", nulls_last=False),
        join_findings([_text_notes(changed, order), _field_notes(collected, order)]).sort(ITEM_KEY),
        collected.listed,
    )


def _order(items: pl.DataFrame, collected: _Collected) -> pl.DataFrame:
    """Give every element its key: the rank of its id, elements without one at the end.

    Gives: row, item.key, item.id, item.where and is_readable; ordered by key.
    """
    where = _where(collected)
    readable = items.select(ROW, "item.id", pl.lit(True).alias("is_readable"))
    unreadable = pl.DataFrame(
        [(row, item_id, False) for row, item_id in collected.unreadable.items()],
        schema=readable.schema,
        orient="row",
    )
    everything = pl.concat([readable, unreadable])
    assert everything.height == collected.listed == where.len()
    return (
        everything.with_columns(where.gather(everything[ROW]).alias(ITEM_WHERE))
        .with_columns(pl.col("item.id").str.to_lowercase().alias("rank"))
        .sort("rank", "is_readable", ITEM_WHERE, nulls_last=True)
        .drop("rank")
        .with_row_index(ITEM_KEY)
    )


def _keyed(frame: pl.DataFrame, order: pl.DataFrame, *then: str) -> pl.DataFrame:
    """Replace the row of a frame by the item's key, and sort by it."""
    key_of_row = order.sort(ROW)[ITEM_KEY]
    keyed = frame.with_columns(key_of_row.gather(frame[ROW]).alias(ITEM_KEY)).drop(ROW)
    return keyed.sort(ITEM_KEY, *then)


def _faults(collected: _Collected, order: pl.DataFrame) -> pl.DataFrame:
    """Make rejections of the faults of elements that could not be laid out."""
    rows = [
        (row, item_id, fault.line, fault.code, fault.message, fault.fix,
         CODES[fault.code].failure_type)
        for row, item_id, fault in collected.faults
    ]  # fmt: skip
    names = ("item_id", "line", "code", "message", "fix", "failure_type")
    shape = {ROW: pl.UInt32(), **{name: schema(REJECTIONS)[name] for name in names}}
    found = pl.DataFrame(rows, schema=shape, orient="row")
    return found.join(
        order.select(ROW, ITEM_KEY, pl.col(ITEM_WHERE).alias("where")),
        on=ROW, how="left", validate="m:1",
    ).select(list(schema(REJECTIONS)))  # fmt: skip


def _text_notes(changed: pl.DataFrame, order: pl.DataFrame) -> pl.DataFrame:
    rows = order.join(changed, on=ROW, how="semi")
    return note(rows, "TEXT-CONTROL", "control characters or line breaks became blanks")


def _field_notes(collected: _Collected, order: pl.DataFrame) -> pl.DataFrame:
    named = [(row, ", ".join(sorted(set(f)))) for row, f in collected.unknown.items()]
    fields = pl.DataFrame(named, schema={ROW: pl.UInt32(), "fields": pl.String()}, orient="row")
    rows = order.join(fields, on=ROW, how="inner", validate="1:1", maintain_order="left")
    return note(rows, "ITEM-FIELDS", pl.format("unknown fields: {}", "fields"))
