"""What an encoding can hold, and what stands in for the rest.

A character outside the encoding is first looked up in the template's own replacements, then in
the reviewed table (replacements.tsv); what neither knows rejects the item. Nothing becomes `?`.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

TABLE_FILE = Path(__file__).with_name("replacements.tsv")

#: Characters that are never text, in any encoding: line and paragraph ends, marks that readers
#: take for something else, and what XML forbids.
NEVER = "\u2028\u2029\ufeff\ufffe\uffff"
_PRINTABLE_ASCII = " -~"
#: Latin letters up to here are composed already, so that texts of them are NFC.
BEYOND_LATIN = r"[^\x00-\x{02ff}]"


@lru_cache(maxsize=1)
def reviewed_replacements() -> Mapping[str, str]:
    """Give the reviewed table: character to its ASCII replacement."""
    rows = (line.split("\t") for line in TABLE_FILE.read_text("utf-8").splitlines())
    return {chr(int(code.removeprefix("U+"), 16)): text for code, text, _name in rows}


@lru_cache(maxsize=16)
def characters_of(encoding: str) -> frozenset[str] | None:
    """Give the printable characters of an encoding; None for UTF-8, which has all."""
    if encoding == "utf-8":
        return None
    codec = codecs.lookup(encoding)
    found: set[str] = set()
    for byte in range(128 if encoding == "ascii" else 256):
        try:
            char, _length = codec.decode(bytes([byte]), "strict")
        except UnicodeDecodeError:
            continue
        if unicodedata.category(char) != "Cc":
            found.add(char)
    return frozenset(found)


@lru_cache(maxsize=16)
def outside(encoding: str) -> str:
    """Give a pattern (for Polars and Python) that finds a character the encoding cannot hold."""
    characters = characters_of(encoding)
    if characters is None:
        return r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
    beyond = "".join(sorted(re.escape(char) for char in characters if char > "~"))
    return f"[^{_PRINTABLE_ASCII}{beyond}]"


def replacements_for(encoding: str, template: Mapping[str, str] | str) -> Mapping[str, str]:
    """Give what is replaced in a file: the template's own first, then the reviewed table.

    The reviewed table replaces only what the encoding lacks; `replace: ascii` all of it.
    """
    reviewed = reviewed_replacements()
    if template == "ascii":
        return reviewed
    assert not isinstance(template, str)
    characters = characters_of(encoding)
    if characters is None:
        lacking = {char: reviewed[char] for char in NEVER if char in reviewed}
    else:
        lacking = {char: text for char, text in reviewed.items() if char not in characters}
    return {**lacking, **template}


@dataclass(frozen=True)
class Replacing:
    """Replaces characters; `needed` finds the texts in which there is something to replace."""

    replacements: Mapping[str, str]
    needed: str

    def texts(self, texts: pl.Series) -> pl.Series:
        """Give texts in NFC with characters replaced; most texts need neither."""
        texts = _where(texts, BEYOND_LATIN, change=lambda some: some.str.normalize("NFC"))
        if not self.replacements:
            return texts
        keys, values = list(self.replacements), list(self.replacements.values())
        return _where(
            texts,
            self.needed,
            change=lambda some: some.str.replace_many(keys, values, leftmost=True).str.normalize(
                "NFC"
            ),
        )


def replacing(encoding: str, template: Mapping[str, str] | str) -> Replacing:
    """Give how a file replaces characters."""
    replacements = replacements_for(encoding, template)
    firsts = {key[0] for key in replacements}
    if template == "ascii":
        return Replacing(replacements, f"[^{_PRINTABLE_ASCII}]")
    held = "".join(
        f"\\x{{{ord(char):x}}}" for char in sorted(firsts) if not _is_outside(char, encoding)
    )
    needed = outside(encoding) + (f"|[{held}]" if held else "")
    return Replacing(replacements, needed)


def _is_outside(char: str, encoding: str) -> bool:
    return re.search(outside(encoding), char) is not None


def _where(
    texts: pl.Series, pattern: str, *, change: Callable[[pl.Series], pl.Series]
) -> pl.Series:
    """Change the texts in which a pattern is found."""
    found = texts.str.contains(pattern)
    if not found.any():
        return texts
    rows = found.arg_true()
    return texts.clone().scatter(rows, change(texts.gather(rows)))


def shown(char: str) -> str:
    """Show a character and its number; a control character is shown by its number only."""
    number = f"U+{ord(char):04X}"
    return number if unicodedata.category(char)[0] in "CZ" else f'"{char}" ({number})'


def encode(content: bytes, encoding: str, *, bom: bool) -> bytes:
    """Encode UTF-8 bytes whose cells were checked.

    ASCII needs nothing; Latin-1 is tried first because its codec is many times faster than the
    table driven ones, and where all characters lie from U+00A0 to U+00FF the bytes are the same.
    Raises: UnicodeEncodeError if a text escaped the check (a bug).
    """
    mark = codecs.BOM_UTF8 if bom and encoding == "utf-8" else b""
    if encoding == "utf-8" or content.isascii():
        return mark + content if mark else content
    text = content.decode("utf-8")
    if encoding in ("cp1252", "iso8859-1"):
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            return text.encode(encoding)
    return text.encode(encoding)
