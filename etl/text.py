"""Text policy: one spelling of every letter (NFC), and no character that steers a program.

Line breaks, tabs, NUL and other control characters, line and paragraph separators, direction
marks, byte order marks and noncharacters become one blank per run. Nothing else changes.
"""

from __future__ import annotations

import unicodedata

import polars as pl

# Controls (C0, DEL, C1) · line and paragraph separator · direction marks, embeddings, isolates
# (CVE-2021-42574: text that reads differently from what it is) · byte order mark · noncharacters.
_STEERING = (
    "\u0000-\u001f\u007f-\u009f"
    "\u2028\u2029"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ufeff"
    "\ufdd0-\ufdef\ufffe\uffff"
)


def _escaped(characters: str) -> str:
    return "".join(c if c == "-" else f"\\x{{{ord(c):04x}}}" for c in characters)


STEERING = f"[{_escaped(_STEERING)}]"


def is_plain(raw: bytes) -> bool:
    """Say whether JSON bytes surely hold no text that the policy would change (quick, cautious)."""
    if b'" ' in raw:  # perhaps a text of blanks only
        return False
    if raw.isascii():
        return b"\\" not in raw and b"\x7f" not in raw
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return False
    return "\\" not in text and text.isprintable() and unicodedata.is_normalized("NFC", text)


def has_steering(text: pl.Expr) -> pl.Expr:
    """Say whether a text holds a character that the policy replaces."""
    return text.str.contains(STEERING)


def clean(text: pl.Expr) -> pl.Expr:
    """Apply the policy; text that has nothing but blanks afterwards becomes null."""
    plain = text.str.normalize("NFC").str.replace_all(f"{STEERING}+", " ")
    return pl.when(plain.str.strip_chars() != "").then(plain)
