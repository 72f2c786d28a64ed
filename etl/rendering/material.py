"""What the cells of one file read: the frames of a batch, joined where a context needs them.

files ──< vouchers ──< postings        each row knows the row above it by its number, so
             └──< attachments          what was made above is carried down without a search
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import polars as pl

from etl.frames import (
    ATTACHMENT,
    DTYPES,
    FILE_KEY,
    ITEM,
    ITEM_KEY,
    LINE,
    LINE_KEY,
    POSTING,
    VOUCHER,
    VOUCHER_KEY,
    Type,
)
from etl.rendering.columns import Lets
from etl.rendering.contexts import LIST_CONTEXTS, Context
from etl.rendering.lists import Lists

#: The number of the row above: of the file for vouchers, of the voucher for postings.
FILE_ROW = "#file"
VOUCHER_ROW = "#voucher"
IS_FIRST = "#first"
_KEPT = (FILE_KEY, ITEM_KEY, VOUCHER_KEY, LINE_KEY, "posting.key", FILE_ROW, VOUCHER_ROW, IS_FIRST)


@dataclass(frozen=True)
class Material:
    """The frames of one file of the template, in output order.

    files        one row per part, with FILE columns and file.key
    vouchers     those of the file, sorted by part; with file.key, voucher.index and FILE_ROW
    postings     sorted by voucher; with file.key, VOUCHER_ROW and IS_FIRST
    attachments  sorted by voucher, with voucher.key, file.key and VOUCHER_ROW
    lists        elements of the lists used in the file, each with file.key and FILE_ROW
    """

    files: pl.DataFrame
    items: pl.DataFrame
    lines: pl.DataFrame
    vouchers: pl.DataFrame
    postings: pl.DataFrame
    attachments: pl.DataFrame
    lists: Lists | None
    lets: Lets
    _known: dict[str, pl.Series] = field(default_factory=dict, repr=False)

    def rows(self, context: Context) -> int:
        """Count the rows of a context."""
        return 1 if context is Context.CONSTANT else self._own(context).height

    def frame(
        self,
        context: Context,
        compiled_reads: Iterable[str],
        *,
        start: int = 0,
        end: int | None = None,
    ) -> pl.DataFrame:
        """Give the rows of a context with every column that some expressions name.

        Needs: compiled_reads, names as expressions write them (`let` values too); start and end
        choose rows.
        """
        if context is Context.CONSTANT:
            return pl.DataFrame({"#": [None]})
        reads = frozenset(compiled_reads)
        names = self.lets.names_read(reads)
        own = self._own(context).slice(start, None if end is None else end - start)
        mine = {name for name in names if self._context_of(name, context) is context}
        kept = [name for name in _KEPT if name in own.columns]
        frame = own.select(
            *kept,
            *(
                pl.col(name) if name in own.columns else _missing(name)
                for name in sorted(mine - set(kept))
            ),
        )
        frame = self._with_above(frame, context, names=names - mine, start=start)
        for name in self.lets.needed(reads):
            frame = frame.with_columns(self.lets.compiled[name].expr.alias(name))
        return frame

    def _own(self, context: Context) -> pl.DataFrame:
        if context in LIST_CONTEXTS:
            assert self.lists is not None
            return self.lists.frame(context.value)
        frames = {
            Context.FILE: self.files,
            Context.VOUCHER: self.vouchers,
            Context.POSTING: self.postings,
            Context.ATTACHMENT: self.attachments,
        }
        return frames[context]

    def _context_of(self, name: str, context: Context) -> Context:
        """Say which frame holds a name, seen from a context (`item.*` and `line.*` are joined)."""
        if context in LIST_CONTEXTS:
            return Context.FILE if name.startswith("file.") else context
        group = name.split(".", 1)[0]
        return {
            "voucher": Context.VOUCHER,
            "posting": Context.POSTING,
            "target": Context.POSTING,
            "attachment": Context.ATTACHMENT,
            "file": Context.FILE,
        }.get(group, Context.CONSTANT)

    def _with_above(
        self, frame: pl.DataFrame, context: Context, *, names: frozenset[str], start: int
    ) -> pl.DataFrame:
        """Add columns of the frames above, and of items and lines."""
        above: list[pl.DataFrame] = [frame]
        of_file = sorted(name for name in names if name.startswith("file."))
        of_item = sorted(name for name in names if name.startswith("item."))
        of_voucher = sorted(name for name in names if name.startswith("voucher."))
        of_line = sorted(name for name in names if name.startswith("line."))
        if of_item:
            items = self._item_rows
            if context is Context.VOUCHER:
                above.append(
                    gathered(_choose(self.items, of_item), items.slice(start, frame.height))
                )
            else:
                rows = items.gather(frame[VOUCHER_ROW])
                above.append(gathered(_choose(self.items, of_item), rows))
        if of_voucher and context is not Context.VOUCHER:
            above.append(gathered(_choose(self.vouchers, of_voucher), frame[VOUCHER_ROW]))
        if of_file:
            above.append(gathered(_choose(self.files, of_file), self._file_rows(frame)))
        if of_line:
            rows = self._line_rows.gather(frame[LINE_KEY])
            above.append(gathered(_choose(self.lines, of_line), rows))
        return pl.concat(above, how="horizontal") if len(above) > 1 else frame

    @property
    def _item_rows(self) -> pl.Series:
        """Give the row of every voucher's item; found once."""
        if "items" not in self._known:
            self._known["items"] = rows_of(self.items[ITEM_KEY], self.vouchers[ITEM_KEY])
        return self._known["items"]

    @property
    def _line_rows(self) -> pl.Series:
        """Give the row of every line by its key; found once."""
        if "lines" not in self._known:
            keys = self.postings[LINE_KEY]
            highest = max(highest_key(keys), highest_key(self.lines[LINE_KEY]))
            wanted = pl.int_range(highest + 1, dtype=pl.UInt32, eager=True)
            self._known["lines"] = rows_of(self.lines[LINE_KEY], wanted)
        return self._known["lines"]

    def _file_rows(self, frame: pl.DataFrame) -> pl.Series:
        if FILE_ROW in frame.columns:
            return frame[FILE_ROW]
        return self.vouchers[FILE_ROW].gather(frame[VOUCHER_ROW])

    def above(
        self, texts: pl.DataFrame, source: Context, *, frame: pl.DataFrame, first: int = 0
    ) -> pl.DataFrame:
        """Carry finished texts of a context down to the rows of another one.

        Needs: first, the row of the voucher that the texts begin with.
        """
        if source is Context.FILE:
            return texts[self._file_rows(frame)]
        assert source is Context.VOUCHER
        rows = frame[VOUCHER_ROW]
        return texts[rows - first if first else rows]

    def slices(self, context: Context, size: int) -> Iterator[tuple[int, int]]:
        """Divide the rows of a context into slices of about a size: start and end of each.

        A voucher lies in one slice, so that what is wrong with it is found once.
        """
        total = self.rows(context)
        rows = self.postings[VOUCHER_ROW] if context is Context.POSTING else None
        start = 0
        while start < total:
            end = min(start + size, total)
            if rows is not None and end < total:
                end = int(rows.search_sorted(rows[end - 1], side="right"))
            yield start, end
            start = end


def rows_of(keys: pl.Series, wanted: pl.Series) -> pl.Series:
    """Give the row of each key; keys are small numbers, so a table of all of them is quickest."""
    assert keys.is_unique().all()
    table = pl.repeat(
        None, max(highest_key(keys), highest_key(wanted)) + 1, dtype=pl.UInt32, eager=True
    )
    if keys.len():
        table = table.scatter(keys, pl.int_range(keys.len(), dtype=pl.UInt32, eager=True))
    return table.gather(wanted)


def highest_key(keys: pl.Series) -> int:
    """Give the highest of some keys."""
    highest = keys.max()
    return int(highest) if isinstance(highest, int) else 0


def gathered(frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """Give some rows of a frame; a row that is null gives nulls."""
    return frame.select(pl.all().gather(pl.lit(rows)))


def _choose(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    return frame.select(pl.col(name) if name in frame.columns else _missing(name) for name in names)


_DTYPES = {column.name: column.dtype for column in (*ITEM, *LINE, *VOUCHER, *POSTING, *ATTACHMENT)}


def _missing(name: str) -> pl.Expr:
    """Stand in for a column that the run does not give, such as a dimension nobody mapped."""
    return pl.lit(None, _DTYPES.get(name, DTYPES[Type.TEXT])).alias(name)
