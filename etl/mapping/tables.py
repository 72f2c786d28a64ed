"""Tables that a bookkeeper edits: found by key, and by date where they carry validity.

key columns ──> one row            two rows of one key are refused with both lines
valid_from, valid_to columns ──>   one row per key and day; overlaps are refused
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from etl.documents import near_match
from etl.errors import Problem, UserMustFix
from etl.mapping.cells import MAX_PROBLEMS, ROW_COLUMN, Cells, read_bytes, read_csv
from etl.mapping.document import TableFile
from etl.mapping.spreadsheet import read_xlsx

VALID_FROM = "valid_from"
VALID_TO = "valid_to"
FROM_COLUMN = "~from"
TO_COLUMN = "~to"
FIRST_DAY = date(1, 1, 1)
LAST_DAY = date(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class Table:
    """A table that rules look values up in.

    frame: the cells, ROW_COLUMN, the key as `~key.0`, `~key.1`, … (casefolded where the table
    says so) and, if dated, FROM_COLUMN and TO_COLUMN.
    file: as places in messages name it, from here on
    written: as the mapping names it, the same from every folder: what a rejection says
    """

    name: str
    file: str
    written: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    frame: pl.DataFrame
    casefold: bool
    dated: bool
    sha256: str

    def key_columns(self) -> list[str]:
        """Give the names of the joining columns."""
        return [f"~key.{index}" for index in range(len(self.key))]

    def find(self, keys: pl.DataFrame, *, take: Sequence[str], on: pl.Series) -> pl.DataFrame:
        """Look up one row per row of keys.

        Needs: keys has one text column per key column, in order; `on` is the day of each row.
        Gives: ROW_COLUMN and the columns to take, null where no row is found; same height.
        """
        names = self.key_columns()
        trimmed = keys.select(pl.all().str.strip_chars())
        asked = pl.DataFrame(
            [
                (casefolded(series) if self.casefold else series).alias(name)
                for name, series in zip(names, trimmed.get_columns(), strict=True)
            ]
        )
        wanted = [ROW_COLUMN, *dict.fromkeys(take)]
        if not self.dated:
            found = asked.join(
                self.frame.select(*names, *wanted),
                on=names, how="left", validate="m:1", maintain_order="left",
            )  # fmt: skip
        else:
            found = self._find_dated(asked.with_columns(on.alias("~on")), wanted)
        assert found.height == keys.height
        return found.select(wanted)

    def _find_dated(self, asked: pl.DataFrame, wanted: list[str]) -> pl.DataFrame:
        """Find the row that began last, if it has not ended (ranges of a key never overlap)."""
        names = self.key_columns()
        rows = self.frame.select(*names, FROM_COLUMN, TO_COLUMN, *wanted).sort(FROM_COLUMN)
        found = (
            asked.with_row_index("~place")
            .sort("~on")
            .join_asof(
                rows, left_on="~on", right_on=FROM_COLUMN, by=names, strategy="backward",
                check_sortedness=False,
            )
            .sort("~place")
        )  # fmt: skip
        is_valid = pl.col("~on") <= pl.col(TO_COLUMN)
        return found.with_columns(
            pl.when(is_valid).then(pl.col(name)).alias(name) for name in wanted
        )

    def lookup_values(self, column: str) -> Mapping[str, str]:
        """Give key to cell, for the filter `lookup` (one key column, no validity)."""
        pairs = self.frame.select("~key.0", column).drop_nulls()
        return dict(pairs.iter_rows())


def load_table(
    file: Path, *, name: str, spec: TableFile, shown: str, named_at: str, key_at: str
) -> Table:
    """Read and check one table; the last two are where the mapping names its file and its key.

    Raises: UserMustFix DOC-4, MAP-1 to MAP-9, each with file and line.
    """
    content = read_bytes(file, shown, named_at)
    if file.suffix.lower() == ".xlsx":
        cells = read_xlsx(content, name=shown, sheet=spec.sheet, key=spec.key)
    else:
        cells = read_csv(content, name=shown, encoding=spec.encoding, delimiter=spec.delimiter)
    problems = list(_missing_columns(cells, spec.key, key_at))
    if problems:
        raise UserMustFix(problems)
    return make_table(cells, name=name, spec=spec)


def make_table(cells: Cells, *, name: str, spec: TableFile) -> Table:
    """Check keys and validity of cells that were read.

    Raises: UserMustFix MAP-5 (key twice), MAP-6 (no key), MAP-8 (validity).
    """
    keys = [
        (casefolded(cells.frame[column]) if spec.match == "casefold" else cells.frame[column])
        .alias(f"~key.{index}")
        for index, column in enumerate(spec.key)
    ]  # fmt: skip
    frame = cells.frame.with_columns(keys)
    problems = list(_without_key(frame, cells, spec.key))
    dated = VALID_FROM in cells.header or VALID_TO in cells.header
    if dated:
        frame, wrong = with_validity(frame, cells)
        problems.extend(wrong)
    problems.extend(_twice(frame, cells, spec, dated=dated))
    if problems:
        raise UserMustFix(problems[:MAX_PROBLEMS])
    return Table(
        name, cells.name, spec.file, spec.key, cells.header, frame, spec.match == "casefold",
        dated, cells.sha256,
    )  # fmt: skip


def casefolded(texts: pl.Series) -> pl.Series:
    """Casefold texts as Unicode says (ß is ss); each distinct text once."""
    different = texts.unique().drop_nulls()
    lower = different.str.to_lowercase()
    if different.str.contains(r"[^\x00-\x7f]").any():
        lower = pl.Series([text.casefold() for text in different], dtype=pl.String)
    if (lower == different).all():
        return texts
    return texts.replace(different, lower)


def with_validity(frame: pl.DataFrame, cells: Cells) -> tuple[pl.DataFrame, list[Problem]]:
    """Read valid_from and valid_to; an empty one is open."""
    problems: list[Problem] = []
    for column, target, default in (
        (VALID_FROM, FROM_COLUMN, FIRST_DAY),
        (VALID_TO, TO_COLUMN, LAST_DAY),
    ):
        text = pl.col(column) if column in cells.header else pl.lit(None, dtype=pl.String)
        day = text.str.to_date("%Y-%m-%d", strict=False)
        is_date = text.str.contains("^[0-9]{4}-[0-9]{2}-[0-9]{2}$") & day.is_not_null()
        for row in frame.filter(text.is_not_null() & ~is_date).iter_rows(named=True):
            what = f'"{row[column]}" in {column} is no date'
            where = cells.where(row[ROW_COLUMN])
            problems.append(Problem("MAP-8", what, where, "write it as 2026-09-30"))
        frame = frame.with_columns(day.fill_null(default).alias(target))
    for (row,) in frame.filter(pl.col(FROM_COLUMN) > pl.col(TO_COLUMN)).select(ROW_COLUMN).rows():
        what = "valid_from is later than valid_to"
        problems.append(Problem("MAP-8", what, cells.where(row), "swap the two"))
    return frame, problems


def _missing_columns(cells: Cells, key: Sequence[str], named_at: str) -> Iterator[Problem]:
    for column in key:
        if column not in cells.header:
            near = near_match(column, list(cells.header))
            known = f"columns are {', '.join(cells.header)}"
            yield Problem(
                "MAP-11", f'{cells.name} has no column "{column}"', named_at,
                f'did you mean "{near}"?' if near else known,
            )  # fmt: skip


def _without_key(frame: pl.DataFrame, cells: Cells, key: Sequence[str]) -> Iterator[Problem]:
    for index, column in enumerate(key):
        for (row,) in frame.filter(pl.col(f"~key.{index}").is_null()).select(ROW_COLUMN).rows():
            yield Problem(
                "MAP-6", f'the row has nothing in key column "{column}", so it is never found',
                cells.where(row), "fill the cell, or remove the row",
            )  # fmt: skip


def _twice(frame: pl.DataFrame, cells: Cells, spec: TableFile, *, dated: bool) -> Iterator[Problem]:
    """Find rows of the same key, or of the same key and a common day."""
    keys = [f"~key.{index}" for index in range(len(spec.key))]
    order = [*keys, FROM_COLUMN, ROW_COLUMN] if dated else [*keys, ROW_COLUMN]
    before = frame.drop_nulls(keys).sort(order).with_columns(
        pl.col(ROW_COLUMN).shift(1).over(keys).alias("~first"),
        *([pl.col(TO_COLUMN).cum_max().shift(1).over(keys).alias("~until")] if dated else []),
    )  # fmt: skip
    clash = pl.col("~first").is_not_null()
    if dated:
        clash = clash & (pl.col("~until") >= pl.col(FROM_COLUMN))
    for row in before.filter(clash).sort(ROW_COLUMN).iter_rows(named=True):
        shown = " / ".join(row[column] for column in spec.key)
        if dated:
            yield Problem(
                "MAP-8", f'the validity of key "{shown}" overlaps with line {row["~first"]}',
                cells.where(row[ROW_COLUMN]), "end the earlier row before the later one begins",
            )  # fmt: skip
        else:
            yield Problem(
                "MAP-5", f'key "{shown}" stands twice, first in line {row["~first"]}',
                cells.where(row[ROW_COLUMN]), "keep one of the two rows",
            )  # fmt: skip
