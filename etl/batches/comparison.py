"""Two batches side by side: items, money by account, and every cell that differs.

evidence, files ─┬─> items only in one, other verdicts
                 ├─> balance of every account, and what moved
                 └─> rows of an item, pair by pair ─> cells that differ, and mere renumbering
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from etl.batches.evidence import CellFact, Evidence
from etl.batches.printed import PrintedFile

#: What a cell is called where a line cannot be taken apart into columns.
WHOLE_LINE = "the whole line"
#: Names that say where something stands, not what it is: they move when another item comes or goes.
_NUMBERING = ("voucher.number", "voucher.index", "posting.index", "batch.", "job.", "file.")


@dataclass(frozen=True, slots=True)
class AccountMove:
    """The balance of an account in both batches (debit positive), in one currency."""

    account: str
    currency: str | None
    before: Decimal
    after: Decimal

    @property
    def moved(self) -> Decimal:
        return self.after - self.before


#: How a person is told where an item is; what is kept out is rejected, or waits for an answer.
_PLACES: Mapping[str | None, str] = {
    "exported": "in the files", "no_row": "not booked here (booked already, or nothing to book)",
    "failed": "kept out of the files", "skipped": "skipped", None: "not listed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ItemChange:
    """An item that is in one batch only, or came to another place.

    before, after  "exported", "no_row" (exported, though no row of a file is its own), "failed",
                   "skipped"; None where it is not listed
    external_id    how the ERP file calls it, where one of the two has it
    """

    item_id: str
    external_id: str | None
    before: str | None
    after: str | None
    reason: str | None

    @property
    def left(self) -> str:
        """Say to a person where it was."""
        return _PLACES[self.before]

    @property
    def went(self) -> str:
        """Say to a person where it is now."""
        return _PLACES[self.after]


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell of an item's row that differs; None where the row is not there."""

    item_id: str
    external_id: str | None
    file: str
    row_before: int | None
    row_after: int | None
    column: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two batches: its items (manifest), its evidence, and the bytes of its files."""

    items: pl.DataFrame
    evidence: Evidence
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs. `renumbered` counts items that only got other numbers."""

    items: tuple[ItemChange, ...]
    accounts: tuple[AccountMove, ...]
    cells: tuple[CellChange, ...]
    renumbered: int
    same: int

    @property
    def is_same(self) -> bool:
        return not (self.items or self.accounts or self.cells or self.renumbered)


def compare(before: Side, after: Side) -> Comparison:
    """Compare two batches.

    Gives: items by id; accounts by number; cells by item, in the order of the rows.
    Units: amounts in their currency, debit positive.
    """
    rows_before, rows_after = _rows_by_item(before), _rows_by_item(after)
    old, new = _by_id(before.items, rows_before), _by_id(after.items, rows_after)
    cells: list[CellChange] = []
    renumbered = same = 0
    both = sorted(old.keys() & new.keys())
    for item_id in both:
        if old[item_id].place != new[item_id].place:
            continue  # told as an item: all of its cells came or went
        found, only_numbers = _compare_rows(
            rows_before.get(item_id, []), rows_after.get(item_id, []), of=new[item_id]
        )
        cells += found
        renumbered += bool(not found and only_numbers)
        same += not found and not only_numbers
    return Comparison(
        tuple(_item_changes(old, new)),
        tuple(_account_moves(before.evidence, after.evidence)),
        tuple(cells),
        renumbered,
        same,
    )


# ── items ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Listed:
    item_id: str
    place: str
    external_id: str | None
    reason: str | None


def _by_id(items: pl.DataFrame, rows_of: Container[str]) -> dict[str, _Listed]:
    """Give the items by their id; of a repeated item what was exported counts."""
    rows = items.sort("verdict", descending=True)
    wanted = rows.select(pl.col("id").fill_null(""), "verdict", "external_id", "failure_reason")
    listed: dict[str, _Listed] = {}
    for item_id, verdict, external_id, reason in wanted.iter_rows():
        has_row = verdict != "exported" or item_id in rows_of
        listed[item_id] = _Listed(item_id, verdict if has_row else "no_row", external_id, reason)
    return listed


def _item_changes(old: Mapping[str, _Listed], new: Mapping[str, _Listed]) -> Iterator[ItemChange]:
    for item_id in sorted(old.keys() | new.keys()):
        was, becomes = old.get(item_id), new.get(item_id)
        before = was.place if was else None
        after = becomes.place if becomes else None
        if before == after:
            continue
        sides = [side for side in (becomes, was) if side is not None]
        number = next((side.external_id for side in sides if side.external_id), None)
        reason = next((side.reason for side in sides if side.reason), None)
        yield ItemChange(item_id, number, before, after, reason)


# ── money ───────────────────────────────────────────────────────────────────────────────────


def _account_moves(before: Evidence, after: Evidence) -> Iterator[AccountMove]:
    old, new = _balances(before), _balances(after)
    zero = Decimal("0.00")
    for account, currency in sorted(old.keys() | new.keys(), key=lambda key: (key[0], key[1])):
        move = AccountMove(
            account,
            currency or None,
            old.get((account, currency), zero),
            new.get((account, currency), zero),
        )
        if move.moved:
            yield move


def _balances(evidence: Evidence) -> dict[tuple[str, str], Decimal]:
    """Add up every account by currency; a pair counts on both of its accounts."""
    signed = pl.col("posting.signed")
    rows = evidence.table.filter(pl.col("item.id").is_not_null())
    own = rows.select("posting.account", "posting.currency", signed)
    contra = rows.filter(pl.col("posting.shape") == "pair").select(
        pl.col("posting.contra_account").alias("posting.account"), "posting.currency", -signed
    )
    sums = (
        pl.concat([own, contra])
        .group_by("posting.account", "posting.currency")
        .agg(signed.sum())
        .collect()
    )
    return {
        (account or "", currency or ""): amount for account, currency, amount in sums.iter_rows()
    }


# ── cells ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Row:
    file: str
    key: str  # the template's file, which has the same key in both batches
    number: int
    texts: Mapping[str, str]
    numbering: frozenset[str]


def _rows_by_item(side: Side) -> dict[str, list[_Row]]:
    facts = side.evidence.facts
    printed = {
        name: PrintedFile(content, facts.written[key], _cells_of(key, facts.cells))
        for name, content in side.files.items()
        if (key := facts.files.get(name)) is not None
    }
    standing = (
        side.evidence.table.filter(pl.col("item.id").is_not_null() & pl.col("row").is_not_null())
        .select("item.id", "file", "row")
        .unique()
        .sort("file", "row")
        .collect()
    )
    found: dict[str, list[_Row]] = {}
    for item_id, file, number in standing.iter_rows():
        if file in printed:
            row = _take_row(file, number, printed=printed[file], key=facts.files[file])
            found.setdefault(item_id, []).append(row)
    return found


def _cells_of(key: str, cells: Sequence[CellFact]) -> list[CellFact]:
    return [cell for cell in cells if cell.file == key]


def _take_row(file: str, number: int, *, printed: PrintedFile, key: str) -> _Row:
    row = printed.row(number)
    if row.record is None:
        return _Row(file, key, number, {WHOLE_LINE: row.line or ""}, frozenset())
    names = printed.written.records[row.record].columns
    only_numbers = frozenset(
        cell.name
        for cell in printed.cells
        if cell.record == row.record
        and cell.reads
        and all(name.startswith(_NUMBERING) for name in cell.reads)
    )
    texts = {names[place]: text for place, text in row.texts.items()}
    return _Row(file, key, number, texts, only_numbers)


def _compare_rows(
    before: Sequence[_Row], after: Sequence[_Row], *, of: _Listed
) -> tuple[list[CellChange], bool]:
    """Compare an item's rows one by one; rows more on a side are whole rows of changes."""
    changes: list[CellChange] = []
    only_numbers = False
    for old, new in _paired(before, after):
        columns = dict.fromkeys([*(old.texts if old else ()), *(new.texts if new else ())])
        for column in columns:
            was = old.texts.get(column, "") if old else None
            becomes = new.texts.get(column, "") if new else None
            if was == becomes or not (was or becomes):
                continue
            if old and new and column in old.numbering & new.numbering:
                only_numbers = True
                continue
            changes.append(
                CellChange(
                    item_id=of.item_id,
                    external_id=of.external_id,
                    file=new.file if new else old.file if old else "",
                    row_before=old.number if old else None,
                    row_after=new.number if new else None,
                    column=column,
                    before=was,
                    after=becomes,
                )
            )
    return changes, only_numbers


def _paired(
    before: Sequence[_Row], after: Sequence[_Row]
) -> Iterator[tuple[_Row | None, _Row | None]]:
    """Pair the rows of the same file of the template, in their order."""
    keys = dict.fromkeys([*(row.key for row in before), *(row.key for row in after)])
    for key in keys:
        old = [row for row in before if row.key == key]
        new = [row for row in after if row.key == key]
        for place in range(max(len(old), len(new))):
            yield (
                old[place] if place < len(old) else None,
                new[place] if place < len(new) else None,
            )


def changed_facts(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[tuple[str, str | None, str | None]]:
    """Give what the two were made with and differs: name, before, after.

    Needs: the heads of two manifests.
    """
    old, new = _made_with(before), _made_with(after)
    return [
        (name, old.get(name), new.get(name))
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


def _made_with(head: Mapping[str, Any]) -> dict[str, str | None]:
    template = head["template"]
    facts: dict[str, str | None] = {
        "company": head["batch"]["company"],
        "template": f"{template['id']} {template['version']}",
        "mapping": head["mapping"]["name"],
        "clock": head["batch"]["created"],
        "first voucher": str(head["numbers"]["first_voucher"]),
    }
    facts |= {f"parameter {name}": value for name, value in sorted(head["parameters"].items())}
    parts = head["recipe"]["parts"]
    told = ("parameters", "numbers", "clock")
    facts |= {name: value[:12] for name, value in sorted(parts.items()) if name not in told}
    facts["items"] = head["input"]["sha256"][:12]
    return facts
