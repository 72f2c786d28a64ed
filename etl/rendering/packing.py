"""Zip files with the same bytes on every machine: fixed times, fixed order, no extra fields."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

#: The first moment that a zip can name.
MOMENT = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = 0o644


def zip_members(members: Sequence[tuple[str, bytes]], *, compress: bool = False) -> bytes:
    """Put members into a zip, in the order given.

    Receipts are compressed already; stored, they give the same bytes under every zlib.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, MOMENT)
            info.create_system = _UNIX
            info.external_attr = _MODE << 16
            info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
            archive.writestr(info, content)
    return buffer.getvalue()


def read_members(content: bytes) -> tuple[tuple[str, bytes], ...]:
    """Give the members of a zip, in their order."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return tuple((name, archive.read(name)) for name in archive.namelist())
