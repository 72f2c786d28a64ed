"""Letters that have an ASCII spelling but no decomposition, for the filter `ascii`."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

SPELLINGS: Mapping[str, str] = {
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O",
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ł": "l", "Ł": "L",
    "ħ": "h", "Ħ": "H", "ı": "i", "ĸ": "k", "ŋ": "n", "Ŋ": "N", "ŧ": "t", "Ŧ": "T",
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "→": "->", "€": "EUR", "£": "GBP",
    "×": "x", "·": ".", "•": "*",
}  # fmt: skip


def to_ascii(text: pl.Expr) -> pl.Expr:
    """Spell a text in ASCII: accents fall away, and so does what has no ASCII spelling."""
    spelled = text.str.replace_many(list(SPELLINGS), list(SPELLINGS.values()))
    return spelled.str.normalize("NFKD").str.replace_all(r"[^\x00-\x7F]", "")
