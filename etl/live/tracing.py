"""Follow a value of a staged or released file back to its item and its receipts.

file, line, column ─> evidence of the folder ─> item ─> expression, rule, table row ─> receipts
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from etl.batches.evidence import EVIDENCE, Evidence, read_evidence
from etl.batches.explanation import RowReason, explain_between
from etl.batches.ledger import Batch
from etl.batches.reading import read_manifest
from etl.errors import Problem, UserMustFix
from etl.files import sha256
from etl.live.folders import Folders
from etl.live.stored import StoredBatch, StoredFile, changed
from etl.live.viewing import Viewed
from etl.review.cells import TracedRow
from etl.review.file_pages import FileBook
from etl.review.model import FileRows
from etl.review.tracing import Receipt, Refusal, StoredReceipt, Trace
from etl.showing import traced_row
from etl.verification import Explained, explain_in_folder

REVIEW = "review.html"
#: Lines of a file that are named beside a voucher.
MAX_ROWS = 12
#: What a browser may show by itself, by the first bytes of the file, whatever it was called.
_SHOWN = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)
_HEAD = 16
_NOT_HERE = "it may have been put away; `pleo-etl history` says what became of the batch"


def evidence_of(folder: Path) -> Evidence:
    """Open the evidence of a revision.

    Raises: UserMustFix VER-3 where it is not there.
    """
    path = folder / EVIDENCE
    if not path.is_file():
        raise UserMustFix(Problem("VER-3", f"{EVIDENCE} is missing", str(path), _NOT_HERE))
    return read_evidence(path)


def item_at(viewed: Viewed, *, file: str, row: int) -> str | None:
    """Give the item that a line of a file is of; None for a heading of the file, or a sum."""
    at = (pl.col("file") == file) & (pl.col("row") == row) & pl.col("item.id").is_not_null()
    found = evidence_of(viewed.folder).table.filter(at).select("item.id").collect()
    if not found.is_empty():
        return str(found["item.id"][0])
    beside = _beside_postings(viewed, file, row)
    return None if beside is None else beside[0]


def _beside_postings(viewed: Viewed, file: str, row: int) -> tuple[str, RowReason] | None:
    """Explain a line without a posting of its own, such as the head of a voucher."""
    content = file_of(viewed, file)
    return explain_between(evidence_of(viewed.folder), file, row=row, content=content)


def rows_of(folder: Path, items: Sequence[str]) -> dict[str, tuple[FileRows, ...]]:
    """Give the lines of files where the postings of some items stand."""
    table = evidence_of(folder).table
    found = (
        table.filter(pl.col("item.id").is_in(list(items)))
        .select("item.id", "file", "row")
        .unique()
        .sort("item.id", "file", "row")
        .group_by("item.id", "file", maintain_order=True)
        .agg(pl.col("row").head(MAX_ROWS))
        .collect()
    )
    rows: dict[str, tuple[FileRows, ...]] = {}
    for entry, file, numbers in found.iter_rows():
        part = FileRows(file, tuple((number, None) for number in numbers))
        rows[entry] = (*rows.get(entry, ()), part)
    return rows


def trace(
    viewed: Viewed,
    folders: Folders,
    item: str,
    *,
    file: str = "",
    row: int = 0,
    column: int | None = None,
) -> Trace:
    """Explain an item of a revision; `file`, `row`, `column` (from 0) say what was asked about.

    Raises: UserMustFix VER-1 to VER-3 where the folder is not as it was written, VER-5.
    """
    explained = explain_in_folder(viewed.folder, item)
    entry = str(explained.item["id"])
    name = _column_name(viewed.folder, file, column) if file and column is not None else None
    drawer = viewed.drawer
    keys = drawer.of_item(entry) if drawer else []
    rows = list(explained.rows)
    if file and (file, row) not in {(one.file, one.row) for one in rows}:
        beside = _beside_postings(viewed, file, row)
        rows = [*([beside[1]] if beside else []), *rows]
    return Trace(
        item_id=entry,
        verdict=str(explained.item["verdict"]),
        item=drawer.items([entry]).get(entry) if drawer else None,
        vouchers=drawer.vouchers(keys) if drawer and keys else (),
        rows=tuple(_row(one, at=(file, row), column=name) for one in rows),
        receipts=tuple(_receipts(viewed.batch, folders, entry)),
        refusals=tuple(_refusals(explained)),
        remarks=tuple(explained.remarks),
    )


def _column_name(folder: Path, file: str, column: int) -> frozenset[str]:
    facts = evidence_of(folder).facts
    key = facts.files.get(file)
    return frozenset(
        cell.name for cell in facts.cells if cell.file == key and cell.number == column
    )


def _row(reason: RowReason, *, at: tuple[str, int], column: frozenset[str] | None) -> TracedRow:
    is_asked = (reason.file, reason.row) == at
    return traced_row(reason, is_asked=is_asked, asked=(column or frozenset()) if is_asked else (
        frozenset()
    ))  # fmt: skip


def _refusals(explained: Explained) -> list[Refusal]:
    if explained.rejections:
        return [
            Refusal(one["code"], one["message"], one["fix"], one["where"])
            for one in explained.rejections
        ]
    reason = explained.item.get("failure_reason")
    return [Refusal("", str(reason), "", str(explained.item["where"]))] if reason else []


# ── receipts ────────────────────────────────────────────────────────────────────────────────


def _receipts(batch: Batch, folders: Folders, entry: str) -> list[Receipt]:
    stored = StoredBatch(folders.stored(batch.id))
    if not stored.has_input():
        return []
    places = stored.contents()
    found = []
    for one in stored.read_attachments():
        if one.entry_id.casefold() == entry.casefold():
            path = places.get((one.entry_id, one.number))
            found.append(Receipt(one.number, one.name, one.bytes, _form(path), one.problem or ""))
    return found


def _form(path: Path | None) -> str:
    if path is None or not path.is_file():
        return ""
    media_type = _media_type(path) or ""
    return "pdf" if media_type.endswith("pdf") else "image" if media_type else "other"


def _media_type(path: Path) -> str | None:
    with path.open("rb") as handle:
        head = handle.read(_HEAD)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for beginning, kind in _SHOWN if head.startswith(beginning)), None)


def receipt_of(batch: Batch, folders: Folders, *, entry: str, number: int) -> StoredReceipt:
    """Give a receipt of an item as it was fetched.

    Raises: UserMustFix LINE-2 where it is not what was fetched, VER-3 where there is none.
    """
    stored = StoredBatch(folders.stored(batch.id))
    places: Mapping[tuple[str, int], Path] = stored.contents()
    one = next((file for file in stored.read_attachments() if _is(file, entry, number)), None)
    path = None if one is None else places.get((one.entry_id, one.number))
    if one is None or path is None or not path.is_file():
        what = f"there is no receipt {number} of item {entry}"
        raise UserMustFix(Problem("VER-3", what, f"batch {batch.number}", _NOT_HERE))
    content = path.read_bytes()
    if sha256(content) != one.sha256:
        raise changed(path)
    return StoredReceipt(content, one.name, _media_type(path))


def _is(file: StoredFile, entry: str, number: int) -> bool:
    return file.entry_id.casefold() == entry.casefold() and file.number == number


# ── files ───────────────────────────────────────────────────────────────────────────────────


def file_of(viewed: Viewed, name: str) -> bytes:
    """Give the bytes of an output file of a revision.

    Raises: UserMustFix VER-3 where there is none of that name, or it was changed.
    """
    known = {file.name: file.sha256 for file in viewed.view.files}
    path = viewed.folder / name
    if name not in known or not path.is_file():
        raise UserMustFix(Problem("VER-3", f"{name} is not here", str(viewed.folder), _NOT_HERE))
    content = path.read_bytes()
    if sha256(content) != known[name]:
        raise UserMustFix(Problem("VER-3", f"{name} has been changed", str(path), _NOT_HERE))
    return content


def book_of(viewed: Viewed, name: str) -> FileBook:
    """Take an output file apart, so that its lines can be turned.

    Raises: UserMustFix VER-3.
    """
    content = file_of(viewed, name)
    facts = evidence_of(viewed.folder).facts
    written = facts.written.get(facts.files.get(name, ""))
    encoding = written.encoding if written else "utf-8"
    delimiter = written.delimiter if written and written.kind == "csv" else None
    return FileBook(content, encoding=encoding, delimiter=delimiter)


def page_in(folder: Path) -> bytes:
    """Give review.html of a folder as it was written.

    Raises: UserMustFix VER-1 to VER-3.
    """
    path = folder / REVIEW
    expected = read_manifest(folder).hashes.get(REVIEW)
    content = path.read_bytes() if path.is_file() else b""
    if sha256(content) != expected:
        what = f"{REVIEW} is missing or has been changed"
        raise UserMustFix(Problem("VER-3", what, str(path), _NOT_HERE))
    return content
