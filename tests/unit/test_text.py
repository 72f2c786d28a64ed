"""Text policy: one spelling, no character that steers a program, and nothing else changed."""

from __future__ import annotations

import json
import unicodedata

import polars as pl
import pytest

from etl.text import blank_to_null, clean, has_steering, is_plain


def cleaned(text: str) -> str | None:
    value = pl.DataFrame({"a": [text]}, schema={"a": pl.String}).select(clean(pl.col("a"))).item()
    assert value is None or isinstance(value, str)
    return value


def as_json(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


STEERING = [
    "\0", "\t", "\n", "\r", "\x1b", "\x1f", "\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\u061c",
    "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069", "\ufeff", "\ufffe", "\uffff",
    "\ufdd0",
]  # fmt: skip
KEPT = [
    "-",
    "a-b",
    "Äpfel & Söhne",
    "ř",
    "日本",
    "😀",
    "=1+1",
    "a\u00a0b",
    "\u200d",
    "’",
    "a  b",
    " x ",
]


@pytest.mark.parametrize("character", STEERING)
def test_a_steering_character_becomes_one_blank(character: str) -> None:
    assert cleaned(f"a{character}b") == "a b"
    assert cleaned(f"a{character}{character}b") == "a b"
    assert cleaned(character) is None
    assert not is_plain(as_json(character))


def test_a_line_end_becomes_one_blank() -> None:
    assert cleaned("a\r\nb") == "a b"


@pytest.mark.parametrize("text", KEPT)
def test_other_text_stays(text: str) -> None:
    assert cleaned(text) == text


def test_decomposed_letters_are_composed() -> None:
    for text in ("Mu\u0308ller", "A\u030arhus", "\u1100\u1161\u11a8"):
        assert cleaned(text) == unicodedata.normalize("NFC", text)
        assert not is_plain(as_json(text))


def test_letters_beyond_ascii_are_plain() -> None:
    for text in ("Müller", "Łódź", "日本", "👍", "naïve – “quoted” …"):
        assert is_plain(f'{{"note":"{text}"}}'.encode())


def test_what_may_need_the_policy_is_never_called_plain() -> None:
    """Every character: plain only if the policy leaves it alone."""
    characters = [chr(n) for n in range(0x11000) if not 0xD800 <= n < 0xE000]
    changed = pl.DataFrame({"a": [f"a{c}b" for c in characters]}).select(
        (clean(pl.col("a")) != pl.col("a")).alias("changed")
    )["changed"]
    for character, is_changed in zip(characters, changed, strict=True):
        if is_changed:
            assert not is_plain(as_json(f"a{character}b")), hex(ord(character))


@pytest.mark.parametrize("raw", [b'"\\n"', b'"a\\u0000"', b'"\xff"', b'"\\""'])
def test_escapes_and_broken_bytes_are_not_plain(raw: bytes) -> None:
    assert not is_plain(raw)


def test_blanks_alone_are_nothing() -> None:
    frame = pl.DataFrame({"a": [" ", "", None, " a", "\u3000"]}, schema={"a": pl.String})
    assert frame.select(blank_to_null(pl.col("a")))["a"].to_list() == [None, None, None, " a", None]
    assert frame.select(has_steering(pl.col("a")))["a"].to_list() == [
        False,
        False,
        None,
        False,
        False,
    ]
