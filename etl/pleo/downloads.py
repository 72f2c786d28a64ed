"""Download attachments from the links of export items."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of one link.

    path is None if there is no file; then `problem` says why. A file may be there and have a
    problem: it is whole, but not what Pleo announced. is_expired: only a new link can help.
    """

    entry_id: str
    number: int
    path: Path | None
    bytes: int
    sha256: str | None
    type: str
    problem: str | None = None
    is_expired: bool = False
