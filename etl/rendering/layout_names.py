"""The names that a layout may use, and the lists that it may loop over.

file ──< vouchers ──< postings ──< objects
  │         └──< attachments
  └──< postings, accounts, vendors, currencies, dimensions, objects, attachments
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from etl.frames import FILE_KEY, POSTING, POSTING_KEY, VOUCHER, VOUCHER_KEY, Type

#: The context outside of all loops: one row per file.
FILE_LIST = "file"


@dataclass(frozen=True, slots=True)
class Child:
    """A list of the rows that belong to one row of another list, or to a file."""

    frame: str
    key: str


#: Lists of the file: all stand in a frame of their own name and join by file.key.
FILE_CHILDREN: Mapping[str, Child] = {
    name: Child(name, FILE_KEY)
    for name in (
        "vouchers", "postings", "accounts", "vendors", "currencies", "dimensions", "objects",
        "attachments",
    )
}  # fmt: skip

#: Lists of one row: frame of the parent -> name in the layout -> where its rows are.
CHILDREN: Mapping[str, Mapping[str, Child]] = {
    FILE_LIST: FILE_CHILDREN,
    "vouchers": {
        "postings": Child("postings", VOUCHER_KEY),
        "attachments": Child("attachments", VOUCHER_KEY),
    },
    "postings": {"objects": Child("posting.objects", POSTING_KEY)},
}

#: What a row of each frame is called in conditions on its booleans.
SINGULAR: Mapping[str, str] = {
    "vouchers": "voucher", "postings": "posting", "accounts": "account", "vendors": "vendor",
    "currencies": "currency", "dimensions": "dimension", "objects": "object",
    "posting.objects": "object", "attachments": "attachment",
}  # fmt: skip

#: Booleans of each frame that a condition may name.
FLAGS: Mapping[str, tuple[str, ...]] = {
    "vouchers": tuple(column.name for column in VOUCHER if column.type is Type.BOOLEAN),
    "postings": tuple(column.name for column in POSTING if column.type is Type.BOOLEAN),
}

#: The cell that is not a cell: the names of a record's columns, joined like the record.
NAMES = "names"

LOOP = "loop"
LOOP_COUNTERS = ("index", "index0", "length")
LOOP_FLAGS = ("first", "last")


@dataclass(frozen=True, slots=True)
class LayoutNames:
    """What a template offers to its layout.

    `records` gives the names of the cells of every record, as far as they can be written in a
    layout. `carried` says in which lists (frames, see CHILDREN) a record can be evaluated: all
    in which every name of its columns is known. Where two nested lists carry a record, its text
    is the same in both.
    """

    records: Mapping[str, tuple[str, ...]]
    carried: Mapping[str, frozenset[str]]
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: FLAGS)

    def carriers(self, record: str) -> tuple[str, ...]:
        """Give the lists in which a record can be evaluated."""
        return tuple(frame for frame, records in self.carried.items() if record in records)


def clashing_names(names: LayoutNames) -> list[str]:
    """Give the columns of cells that lists need for something else."""
    taken = {FILE_KEY, VOUCHER_KEY, POSTING_KEY}.union(*names.flags.values())
    columns = {cell_column(record, cell) for record, cells in names.records.items()
               for cell in cells}  # fmt: skip
    named_names = {cell_column(record, NAMES) for record in names.records}
    return sorted(columns & (taken | named_names))


def cell_column(record: str, cell: str | None) -> str:
    """Give the column of a cell, or of the whole record."""
    return record if cell is None else f"{record}.{cell}"
