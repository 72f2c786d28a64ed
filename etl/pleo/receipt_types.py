"""What kind of file an attachment is: by its first bytes, by what its server says, by Pleo."""

from __future__ import annotations

from collections.abc import Mapping

HEAD = 1024  # bytes of a file that are looked at

HTML = "a web page"
_PDF, _PNG, _JPEG, _GIF = "a PDF", "a PNG image", "a JPEG image", "a GIF image"
_TIFF, _WEBP, _TEXT = "a TIFF image", "a WebP image", "plain text"
_NEW_OFFICE, _OLD_OFFICE = "an Office document or ZIP", "an Office document of before 2007"

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", _PDF),
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"\xff\xd8\xff", _JPEG),
    (b"GIF8", _GIF),
    (b"II*\x00", _TIFF),
    (b"MM\x00*", _TIFF),
    (b"PK\x03\x04", _NEW_OFFICE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLD_OFFICE),
)
#: The kinds that Pleo takes (export-rules R101), and a few that image types are mixed up with.
_TYPES: Mapping[str, str] = {
    "application/pdf": _PDF,
    "image/png": _PNG,
    "image/jpeg": _JPEG,
    "image/jpg": _JPEG,
    "image/gif": _GIF,
    "image/tiff": _TIFF,
    "image/webp": _WEBP,
    "text/plain": _TEXT,
    "text/html": HTML,
    "application/zip": _NEW_OFFICE,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": _NEW_OFFICE,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _NEW_OFFICE,
    "application/msword": _OLD_OFFICE,
    "application/vnd.ms-excel": _OLD_OFFICE,
}


def kind_of_type(media_type: str) -> str | None:
    """Give the kind that a media type names; None for one that says nothing."""
    return _TYPES.get(media_type.partition(";")[0].strip().casefold())


def kind_of_content(head: bytes) -> str | None:
    """Give the kind of a file by its first bytes; None where they do not tell."""
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _WEBP
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:14].lower()
    return HTML if text.startswith((b"<!doctype html", b"<html")) else None


def difference(announced: str, *, said: str, head: bytes) -> str | None:
    """Say how a file differs from the type that Pleo announced; None if it does not, or who knows.

    The first bytes are believed before what the server says: stores often say nothing of use.
    """
    wanted = kind_of_type(announced)
    found = kind_of_content(head) or kind_of_type(said)
    if wanted is None or found is None or wanted == found:
        return None
    return f"Pleo announced {wanted}, and the file is {found}"
