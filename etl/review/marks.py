"""Make invisible characters visible, in text that came from outside.

Two strengths: in a text that people read, blanks of odd width and emoji selectors stay as they
are; in the raw lines of a file everything that has no shape of its own is marked.
"""

from __future__ import annotations

import re
import unicodedata

_ALWAYS = (
    "\\x00-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f"
    "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff0-\\uffff"
    "\\ud800-\\udfff\\ue000-\\uf8ff\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a"
    "\\U000e0000-\\U0010ffff"
)
_BLANKS = "\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000\\ufe00-\\ufe0f"

IN_TEXT = re.compile(f"[{_ALWAYS}]")
IN_FILE = re.compile(f"[{_ALWAYS}{_BLANKS}]")

#: Letters, because few fonts have pictures for control characters.
_SIGNS = {"\t": "TAB", "\n": "LF", "\r": "CR", "\x00": "NUL", "\x7f": "DEL", "\xa0": "NBSP"}
_NAMES = {"\t": "tab", "\n": "line feed", "\r": "carriage return", "\x7f": "delete"}


def sign_of(character: str) -> str:
    """Give what stands for an invisible character: its short name, or its number."""
    return _SIGNS.get(character) or f"U+{ord(character):04X}"


def name_of(character: str) -> str:
    """Give the name of a character, with its number."""
    number = f"U+{ord(character):04X}"
    name = _NAMES.get(character) or unicodedata.name(character, "").lower()
    return f"{number} {name}".rstrip()


def mark(text: str) -> str:
    """Write every invisible character as its number in angle brackets, for a terminal."""
    return IN_TEXT.sub(lambda hit: f"<U+{ord(hit.group()):04X}>", text)
