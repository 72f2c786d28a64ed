"""Text policy: one spelling of every letter (NFC), and no character that steers a program.

Line breaks, tabs, NUL and other control characters, line and paragraph separators, direction
marks, byte order marks and noncharacters become one blank per run. Nothing else changes.
"""

from __future__ import annotations

import functools
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


_ASCII = bytes(range(128))
STEERING = f"[{_escaped(_STEERING)}]"

#: What makes a spreadsheet run a cell, also in full width (some turn those into the plain signs)
#: and behind blanks or signs that nobody sees (some drop those).
FORMULA = r"^[\s\p{Cf}]*[=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}]"


def is_plain(raw: bytes) -> bool:
    """Say whether JSON bytes surely hold no text that the policy would change (quick, cautious)."""
    if b"\\" in raw or b"\x7f" in raw:
        return False
    return raw.isascii() or _is_plain_beyond_ascii(raw.translate(None, _ASCII))


@functools.lru_cache(maxsize=4096)
def _is_plain_beyond_ascii(letters: bytes) -> bool:
    """Judge the letters of a text without those of ASCII; the same few come again and again."""
    try:
        text = letters.decode()
    except UnicodeDecodeError:
        return False
    return (
        text.isprintable()
        and unicodedata.is_normalized("NFC", text)
        and not any(map(unicodedata.combining, text))  # it may join a letter that was left out
    )


def has_steering(text: pl.Expr) -> pl.Expr:
    """Say whether a text holds a character that the policy replaces."""
    return text.str.contains(STEERING)


def blank_to_null(text: pl.Expr) -> pl.Expr:
    """Make null of a text that has nothing but blanks."""
    return pl.when(text.str.strip_chars() != "").then(text)


def clean(text: pl.Expr) -> pl.Expr:
    """Apply the policy; text that has nothing but blanks afterwards becomes null."""
    return blank_to_null(text.str.normalize("NFC").str.replace_all(f"{STEERING}+", " "))
