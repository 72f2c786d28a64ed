"""What a person sees of a revision, stored as it was made: a large batch need not be made again.

The ledger has the hash of the file. One that is missing, was changed, or is of a pleo-etl that
laid it out differently is not read: the view is made again then. It is only looked at; whatever
is done makes the batch again from its input. Values alone are in it, nothing that can run.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import msgspec
import polars as pl

from etl import files
from etl.review import BatchFrames, ReviewView, RuleText


@dataclass(frozen=True, slots=True)
class StoredView:
    """A view, and what every voucher of it is laid out from."""

    view: ReviewView
    frames: BatchFrames
    rules: Sequence[RuleText]


class _Kept(msgspec.Struct, frozen=True):
    view: ReviewView
    rules: tuple[RuleText, ...]
    frames: dict[str, bytes]


def write_view(path: Path, stored: StoredView) -> str:
    """Store a view for its owner alone; give the hash by which it is known again.

    Raises: UserMustFix OUT-2 when the disk or the folder refuses.
    """
    frames = {one.name: _written(getattr(stored.frames, one.name)) for one in fields(BatchFrames)}
    content = msgspec.msgpack.encode(_Kept(stored.view, tuple(stored.rules), frames))
    files.write_private(path, content)
    return files.sha256(content)


def read_view(path: Path, sha256: str) -> StoredView | None:
    """Read the view that has a hash; None where there is no such file that can be used."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if files.sha256(content) != sha256:
        return None
    try:
        kept = msgspec.msgpack.decode(content, type=_Kept)
        frames = {name: pl.read_ipc(written) for name, written in kept.frames.items()}
        return StoredView(kept.view, BatchFrames(**frames), kept.rules)
    except (msgspec.MsgspecError, pl.exceptions.PolarsError, TypeError):
        return None  # another pleo-etl has laid it out


def known_view(path: Path, *, content: str) -> str | None:
    """Give the hash of the stored view of a content, where no ledger knows it any more."""
    try:
        written = path.read_bytes()
        kept = msgspec.msgpack.decode(written, type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return None
    return files.sha256(written) if kept.view.identity.content == content else None


def _written(frame: pl.DataFrame) -> bytes:
    place = io.BytesIO()
    frame.write_ipc(place, compression="zstd")
    return place.getvalue()
