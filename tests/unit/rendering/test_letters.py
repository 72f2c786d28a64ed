"""The reviewed replacements, and tables that a foreign reader takes back to the same texts."""

from __future__ import annotations

import csv
import io
import tempfile
import unicodedata
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.rendering.charsets import (
    TABLE_FILE,
    characters_of,
    encode,
    outside,
    replacing,
    reviewed_replacements,
)
from etl.rendering.document import ENCODINGS
from tests.unit.rendering.books import Books, rendered


def test_the_reviewed_table_names_every_character_and_gives_ascii() -> None:
    for line in TABLE_FILE.read_text("utf-8").splitlines():
        code, text, name = line.split("\t")
        char = chr(int(code.removeprefix("U+"), 16))
        assert unicodedata.name(char) == name
        assert text.isascii()
        assert not char.isascii()
        assert text.isprintable()
    codes = [ord(char) for char in reviewed_replacements()]
    assert codes == sorted(set(codes))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_pattern_finds_exactly_what_the_codec_refuses(encoding: str) -> None:
    chars = [chr(code) for code in (*range(0x2500), 0x20AC, 0x2028, 0xFEFF, 0x6F22, 0x1F600)
             if not 0xD800 <= code <= 0xDFFF]  # fmt: skip
    found = pl.Series(chars).str.contains(outside(encoding)).to_list()
    for char, is_outside in zip(chars, found, strict=True):
        held = _codec_takes(char, encoding) and unicodedata.category(char) not in ("Cc", "Zl", "Zp")
        assert is_outside == (not held or char == "\ufeff"), f"U+{ord(char):04X}"


def _codec_takes(char: str, encoding: str) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_replacement_ends_in_the_encoding(encoding: str) -> None:
    chars = pl.Series(list(reviewed_replacements()))
    replaced = replacing(encoding, {}).texts(chars)
    assert not replaced.str.contains(outside(encoding)).any()
    held = characters_of(encoding)
    for char, text in zip(chars, replaced, strict=True):
        if held is not None and char in held:
            assert text == char


@pytest.mark.parametrize("text", ["abc", "äöü", "Š€", "łż", ""])
@pytest.mark.parametrize("encoding", ["cp1252", "iso8859-1", "utf-8"])
def test_the_fast_way_gives_the_codecs_bytes(text: str, encoding: str) -> None:
    try:
        expected = text.encode(encoding)
    except UnicodeEncodeError:
        with pytest.raises(UnicodeEncodeError):
            encode(text.encode(), encoding, bom=False)
    else:
        assert encode(text.encode(), encoding, bom=False) == expected


TABLE = """
rows: [{{shape: pair, tax: by_code}}]
files:
  out:
    name: "out.csv"
    kind: csv
    newline: crlf
    formulas: {{off: "read by a program only"}}
    csv: {{delimiter: "{delimiter}", quoting: {quoting}}}
    columns:
      - {{name: T, value: "{{{{ posting.text }}}}"}}
      - {{name: A, value: "{{{{ posting.signed }}}}", type: amount}}
"""
#: Text as the ingest lets it through: NFC, no control characters.
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp"),
                  exclude_characters="\ufeff"),
    max_size=30,
).map(lambda text: unicodedata.normalize("NFC", text))  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(TEXTS | st.text("\";, '=ab", max_size=8), min_size=1, max_size=5),
    st.sampled_from([";", ",", "|"]),
    st.sampled_from(["minimal", "all", "text"]),
)
def test_a_foreign_reader_gets_the_texts_back(
    texts: list[str], delimiter: str, quoting: str
) -> None:
    books = Books()
    for number, text in enumerate(texts):
        books.add(f"i-{number}", text=text)
    body = TABLE.format(delimiter=delimiter, quoting=quoting)
    with tempfile.TemporaryDirectory() as folder:
        content = rendered(Path(folder), body, books).files[0].content
    rows = list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))
    assert rows == [[text, "119.00"] for text in texts]
