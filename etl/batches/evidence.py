"""explain.parquet: why every value stands where it stands, kept beside the files.

It makes `explain` and `verify` work from the output folder alone, years later, without the
items, the mapping or the template. One row per posting with the values that its cells read and,
for each mapping target, the rule and the table row that gave it; one row per line of a text file
with its check sum, so that a changed line can be named.
"""

from __future__ import annotations

import io
import itertools
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from etl.documents import read_json
from etl.frames import ITEM_KEY, LINE_KEY, POSTING_KEY, VOUCHER_KEY
from etl.money import AMOUNT

EVIDENCE = "explain.parquet"
_META = "pleo-etl"
_ROWS_PER_GROUP = 100_000
#: Columns that explanations need whatever the template prints.
_ALWAYS = (
    "posting.role", "posting.account", "posting.contra_account", "posting.currency",
    "posting.shape", "posting.signed", "voucher.contra_role",
)  # fmt: skip
#: What rejected items are found by, and the columns of items that it is taken from.
_REFUSED = {"refused.id": "item.id", "refused.number": "item.reconciliation_id"}
#: Columns with what the files say, by meaning.
READ = "read."
#: Columns with the texts of cells that a layout arranges: file, record and number of the cell.
TEXT = "text."


@dataclass(frozen=True, slots=True)
class RuleFact:
    """A rule of the mapping, in words, and where it stands."""

    target: str
    text: str
    place: str
    table: str | None


@dataclass(frozen=True, slots=True)
class CellFact:
    """A column of a file: its expression, where that stands, and the names it reads.

    number     its place among the columns of its record, from 0
    means      what is read back from it; None where it is not
    at, width  where it stands in a line of fixed length, from 1
    """

    file: str
    record: str
    number: int
    name: str
    expression: str
    place: str
    reads: Sequence[str]
    means: str | None
    is_number: bool
    at: int | None
    width: int | None


@dataclass(frozen=True, slots=True)
class RecordFact:
    """A record of a file: what it stands once for, and the names of all of its columns."""

    context: str
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class FileFact:
    """How a file of the template was written, so that its lines can be taken apart again."""

    kind: str
    encoding: str
    delimiter: str | None
    is_quoted: bool
    has_names: bool
    counts_bytes: bool
    sheet: str | None
    records: Mapping[str, RecordFact]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is the same for all rows.

    candidates   target -> numbers of the rules that may give it, in the order of trying
    postings     posting rule id -> where it stands
    files        name of a file -> key of the template's file
    written      key of the template's file -> how it is written
    packed       names of files that are zips around the file
    constants    names that are the same for the whole run, as text
    """

    rules: Sequence[RuleFact]
    candidates: Mapping[str, Sequence[int]]
    cells: Sequence[CellFact]
    postings: Mapping[str, str]
    files: Mapping[str, str]
    written: Mapping[str, FileFact]
    packed: Sequence[str]
    constants: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames that evidence is taken from, and where each posting stands.

    `places` has posting.key, file and row; `read` has posting.key and what was read back of it,
    a column per meaning; `texts` has posting.key and the text of each cell that a layout arranges,
    `<file>.<record>.<number>`; `refused` are the rejected items that could be read.
    """

    items: pl.DataFrame
    lines: pl.DataFrame
    vouchers: pl.DataFrame
    postings: pl.DataFrame
    places: pl.DataFrame
    read: pl.DataFrame
    texts: pl.DataFrame
    refused: pl.DataFrame


def write_evidence(frames: Frames, facts: Facts, *, files: Mapping[str, bytes]) -> bytes:
    """Give the bytes of explain.parquet.

    Needs: files, the text files among the output by name.
    """
    groups = _groups(frames, facts, files=files)
    first = next(groups)
    out = io.BytesIO()
    options: Any = {
        "compression": "zstd",
        "compression_level": 1,
        "statistics": False,
        "row_group_size": _ROWS_PER_GROUP,
        "metadata": {_META: json.dumps(asdict(facts), sort_keys=True, ensure_ascii=False)},
    }
    if frames.postings.height <= _ROWS_PER_GROUP:
        table = pl.concat([first, *groups], how="diagonal").rechunk()
        table.write_parquet(out, **options)
    else:
        source = _one_by_one(itertools.chain([first], groups), first.schema)
        source.sink_parquet(out, maintain_order=True, **options)
    return out.getvalue()


def _one_by_one(groups: Iterator[pl.DataFrame], schema: pl.Schema) -> pl.LazyFrame:
    """Hand groups of rows to the writer one after the other: all at once they are large."""

    def give(
        columns: list[str] | None, _where: object, _rows: object, _size: object
    ) -> Iterator[pl.DataFrame]:
        empty = pl.DataFrame(schema=schema)
        for group in groups:
            yield pl.concat([empty, group], how="diagonal").select(columns or list(schema))

    return register_io_source(give, schema=schema)


def _groups(frames: Frames, facts: Facts, *, files: Mapping[str, bytes]) -> Iterator[pl.DataFrame]:
    """Give the rows of postings, some at a time, and then the sums of each file."""
    reads = sorted({name for cell in facts.cells for name in cell.reads} | set(_ALWAYS))
    targets = sorted(facts.candidates)
    others = (
        pl.lit(None, pl.UInt32).alias("sum"),
        *(pl.lit(None, pl.String).alias(name) for name in _REFUSED),
    )
    for start in range(0, max(frames.postings.height, 1), _ROWS_PER_GROUP):
        part = _part(frames, frames.postings.slice(start, _ROWS_PER_GROUP))
        yield _posting_rows(part, reads=reads, targets=targets).with_columns(others)
    yield frames.refused.select(pl.col(old).alias(new) for new, old in _REFUSED.items())
    for name, content in sorted(files.items()):
        yield _line_sums(name, content)


def _part(frames: Frames, postings: pl.DataFrame) -> Frames:
    """Keep what belongs to some postings."""
    if postings.height == frames.postings.height:
        return frames

    def of(frame: pl.DataFrame, key: str) -> pl.DataFrame:
        return frame.filter(pl.col(key).is_between(postings[key].min(), postings[key].max()))

    return Frames(
        items=of(frames.items, ITEM_KEY),
        lines=of(frames.lines, ITEM_KEY),
        vouchers=of(frames.vouchers, VOUCHER_KEY),
        postings=postings,
        places=of(frames.places, POSTING_KEY),
        read=of(frames.read, POSTING_KEY),
        texts=of(frames.texts, POSTING_KEY),
        refused=frames.refused,
    )


def _posting_rows(frames: Frames, *, reads: list[str], targets: list[str]) -> pl.DataFrame:
    """Join what the cells of each posting read; a posting without a line shows the first one."""
    first_lines = frames.lines.group_by(ITEM_KEY, maintain_order=True).agg(
        pl.col(LINE_KEY).first().alias("first")
    )
    postings = frames.postings.join(first_lines, on=ITEM_KEY, how="left", validate="m:1")
    mapped = [name for t in targets for name in (t, f"rule.{t}", f"row.{t}")]
    table = postings.select(
        POSTING_KEY,
        VOUCHER_KEY,
        ITEM_KEY,
        pl.coalesce(LINE_KEY, "first").alias(LINE_KEY),
        *(name for name in reads if name in postings.columns),
    )
    table = _add(table, frames.places, key=POSTING_KEY, names=("file", "row"))
    said = frames.read.select(
        POSTING_KEY,
        *(
            _as_said(name, kind).alias(f"{READ}{name}")
            for name, kind in frames.read.schema.items()
            if name not in (POSTING_KEY, "file", "line")
        ),
    )
    table = _add(table, said, key=POSTING_KEY, names=said.columns)
    texts = frames.texts.rename(lambda name: name if name == POSTING_KEY else f"{TEXT}{name}")
    table = _add(table, texts, key=POSTING_KEY, names=texts.columns)
    table = _add(table, frames.vouchers, key=VOUCHER_KEY, names=(*reads, "voucher.id"))
    table = _add(table, frames.items, key=ITEM_KEY, names=(*reads, "item.id", "rule.id"))
    table = _add(table, frames.lines, key=LINE_KEY, names=(*reads, *mapped, "line.number"))
    return table.sort(POSTING_KEY).drop(POSTING_KEY, VOUCHER_KEY, ITEM_KEY, LINE_KEY)


def _as_said(name: str, kind: pl.DataType) -> pl.Expr:
    """Give amounts in their one scale; everything else is text already."""
    return pl.col(name).cast(AMOUNT) if kind.is_numeric() else pl.col(name)


def _add(
    table: pl.DataFrame, other: pl.DataFrame, *, key: str, names: Iterable[str]
) -> pl.DataFrame:
    """Join those of some columns that the other frame has and the table lacks."""
    new = [n for n in dict.fromkeys(names) if n in other.columns and n not in table.columns]
    joined = table.join(other.select(key, *new), on=key, how="left", validate="m:1")
    assert joined.height == table.height
    return joined


def line_sums(content: bytes) -> list[int]:
    """Give the check sum of every line of a text."""
    sums = [zlib.crc32(line.removesuffix(b"\n")) for line in io.BytesIO(content)]
    if not content or content.endswith(b"\n"):
        sums.append(zlib.crc32(b""))
    return sums


def _line_sums(name: str, content: bytes) -> pl.DataFrame:
    sums = line_sums(content)
    return pl.DataFrame(
        {"file": pl.repeat(name, len(sums), eager=True), "sum": pl.Series(sums, dtype=pl.UInt32)}
    ).with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("row"))


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of a folder, not read yet but for its facts."""

    table: pl.LazyFrame
    facts: Facts

    def of_item(self, item_id: str) -> pl.DataFrame:
        """Give the rows of one item."""
        return self.table.filter(pl.col("item.id") == item_id).collect()

    def refused_with(self, reconciliation_id: str) -> list[str]:
        """Give the ids of rejected items that Pleo numbers so; no file and no manifest does."""
        rows = self.table.filter(pl.col("refused.number") == reconciliation_id)
        return rows.select("refused.id").collect()["refused.id"].to_list()

    def of_file(self, file: str) -> pl.DataFrame:
        """Give the postings of one file, in the order of its lines, with what it said of them."""
        rows = self.table.filter((pl.col("file") == file) & pl.col("item.id").is_not_null())
        wanted = ("row", "posting.currency", "posting.shape", "posting.signed")
        said = [name for name in self.table.collect_schema() if name.startswith(READ)]
        return rows.select(*wanted, *said).sort("row").collect()

    def beginning(self, file: str, *, until: int) -> pl.DataFrame:
        """Give the postings in the first lines of a file, in the order of its lines."""
        is_there = (pl.col("file") == file) & (pl.col("row") <= until)
        rows = self.table.filter(is_there & pl.col("item.id").is_not_null())
        return rows.sort("row", maintain_order=True).collect()

    def around(self, file: str, *, row: int) -> pl.DataFrame:
        """Give the last posting before a line of a file, and the first one after it."""
        rows = self.table.filter((pl.col("file") == file) & pl.col("item.id").is_not_null())
        before = rows.filter(pl.col("row") < row).sort("row", maintain_order=True).tail(1)
        after = rows.filter(pl.col("row") > row).sort("row", maintain_order=True).head(1)
        return pl.concat([before, after]).collect()

    def sums_of(self, file: str) -> list[int]:
        """Give the check sums of a file's lines, none where it is no text."""
        lines = self.table.filter((pl.col("file") == file) & pl.col("sum").is_not_null())
        return lines.sort("row").select("sum").collect()["sum"].to_list()


def read_evidence(source: Path | bytes) -> Evidence:
    """Open explain.parquet (the caller has compared its hash with the manifest)."""
    opened = io.BytesIO(source) if isinstance(source, bytes) else source
    meta: Any = read_json(pl.read_parquet_metadata(opened)[_META])
    facts = Facts(
        rules=[RuleFact(**rule) for rule in meta["rules"]],
        candidates=meta["candidates"],
        cells=[CellFact(**cell) for cell in meta["cells"]],
        postings=meta["postings"],
        files=meta["files"],
        written={key: _file_fact(fact) for key, fact in meta["written"].items()},
        packed=meta["packed"],
        constants=meta["constants"],
    )
    return Evidence(pl.scan_parquet(source), facts)


def _file_fact(fact: dict[str, Any]) -> FileFact:
    records = {name: RecordFact(**record) for name, record in fact.pop("records").items()}
    return FileFact(**fact, records=records)
