"""Small receipts that any viewer opens, made here: PDF, PNG and JPEG.

Source: ISO 32000-1 section 7.5 (PDF), ISO/IEC 15948 (PNG), ITU-T T.81 (JPEG, baseline).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping

_SIZE = 8  # pixels on each side: one block of JPEG


def make_receipt(media_type: str, text: str) -> bytes:
    """Make a receipt that carries a text, so that two receipts differ."""
    plain = "".join(letter if letter.isalnum() or letter in " .-/:" else " " for letter in text)
    ascii_text = plain.encode("ascii", "replace")
    return MAKERS.get(media_type, _text)(ascii_text)


def _text(text: bytes) -> bytes:
    return b"Receipt\n" + text + b"\n"


def _pdf(text: bytes) -> bytes:
    drawn = b"BT /F1 12 Tf 20 100 Td (Receipt " + text + b") Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(objects) + 1
    return (
        out
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table)
        + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(out))
    )


def _png(text: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", _SIZE, _SIZE, 8, 0, 0, 0, 0)  # 8 bit grey
    rows = (b"\x00" + b"\xc0" * _SIZE) * _SIZE
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"tEXt", b"Comment\x00" + text)
        # stored, not compressed: the same bytes under every zlib
        + _chunk(b"IDAT", zlib.compress(rows, 0))
        + _chunk(b"IEND", b"")
    )


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _jpeg(text: bytes) -> bytes:
    frame = struct.pack(">BHHBBBB", 8, _SIZE, _SIZE, 1, 1, 0x11, 0)
    # one code of one bit in each Huffman table: "no difference" and "end of block"
    one_code = b"\x01" + b"\x00" * 15 + b"\x00"
    return (
        b"\xff\xd8"
        + _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
        + _segment(0xFE, text)
        + _segment(0xDB, b"\x00" + b"\x01" * 64)
        + _segment(0xC0, frame)
        + _segment(0xC4, b"\x00" + one_code)
        + _segment(0xC4, b"\x10" + one_code)
        + _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
        + b"\x3f"  # both codes are 0; the rest of the byte is filled with ones
        + b"\xff\xd9"
    )


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


MAKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "application/pdf": _pdf,
    "image/png": _png,
    "image/jpeg": _jpeg,
}
