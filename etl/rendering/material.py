"""What the cells of one file read: the frames of a batch, joined where a context needs them.

files ──< vouchers ──< postings        each row knows the row above it by its number, so
             └──< attachments          what was made above is carried down without a search
"""

from __future__ import annotations

from collections.abc import Iterable
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
    _known: dict[tuple[str, ...], pl.DataFrame] = field(default_factory=dict, repr=False)

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
        frame = self._with_above(frame, context, names=names - mine)
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
        self, frame: pl.DataFrame, context: Context, *, names: frozenset[str]
    ) -> pl.DataFrame:
        """Add columns of the frames above, and of items and lines."""
        above: list[pl.DataFrame] = [frame]
        of_file = sorted(name for name in names if name.startswith("file."))
        of_item = sorted(name for name in names if name.startswith("item."))
        of_voucher = sorted(name for name in names if name.startswith("voucher."))
        of_line = sorted(name for name in names if name.startswith("line."))
        if context is Context.VOUCHER and of_item:
            above.append(self._items_of_vouchers(of_item))
        elif of_item or of_voucher:
            vouchers = pl.concat(
                [_choose(self.vouchers, of_voucher), self._items_of_vouchers(of_item)],
                how="horizontal",
            )
            above.append(vouchers[frame[VOUCHER_ROW]])
        if of_file:
            above.append(_choose(self.files, of_file)[self._file_rows(frame)])
        if of_line:
            rows = frame.select(LINE_KEY).join(
                self._lines(of_line), on=LINE_KEY, how="left", validate="m:1",
                maintain_order="left",
            )  # fmt: skip
            above.append(rows.drop(LINE_KEY))
        return pl.concat(above, how="horizontal") if len(above) > 1 else frame

    def _items_of_vouchers(self, names: list[str]) -> pl.DataFrame:
        """Give columns of the items, one row per voucher; found once per set of names."""
        key = ("item", *names)
        if key not in self._known:
            chosen = pl.concat(
                [self.items.select(ITEM_KEY), _choose(self.items, names)], how="horizontal"
            )
            found = self.vouchers.select(ITEM_KEY).join(
                chosen, on=ITEM_KEY, how="left", validate="m:1", maintain_order="left"
            )
            self._known[key] = found.drop(ITEM_KEY)
        return self._known[key]

    def _lines(self, names: list[str]) -> pl.DataFrame:
        return pl.concat(
            [self.lines.select(LINE_KEY), _choose(self.lines, names)], how="horizontal"
        )

    def _file_rows(self, frame: pl.DataFrame) -> pl.Series:
        if FILE_ROW in frame.columns:
            return frame[FILE_ROW]
        return self.vouchers[FILE_ROW].gather(frame[VOUCHER_ROW])

    def above(self, texts: pl.DataFrame, source: Context, *, frame: pl.DataFrame) -> pl.DataFrame:
        """Carry finished texts of a context down to the rows of another one."""
        if source is Context.FILE:
            return texts[self._file_rows(frame)]
        assert source is Context.VOUCHER
        return texts[frame[VOUCHER_ROW]]


def _choose(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    return frame.select(pl.col(name) if name in frame.columns else _missing(name) for name in names)


_DTYPES = {column.name: column.dtype for column in (*ITEM, *LINE, *VOUCHER, *POSTING, *ATTACHMENT)}


def _missing(name: str) -> pl.Expr:
    """Stand in for a column that the run does not give, such as a dimension nobody mapped."""
    return pl.lit(None, _DTYPES.get(name, DTYPES[Type.TEXT])).alias(name)
