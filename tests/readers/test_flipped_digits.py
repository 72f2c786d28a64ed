"""One flipped digit in what a shipped text format says of a posting is caught by the proof.

The digits are found by patterns written here from the formats' manuals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from etl import pipeline
from etl.rendering import Rendered
from etl.rendering.proof import Proof, prove
from tests.golden.cases import ROOT, Case

#: By template: encoding, a case with every kind of value, and what its digits stand in.
FORMATS = {
    "sie4": (
        "cp437",
        "foreign-currency",
        r'^#TRANS ([0-9]+) \{[^}]*\} (\S+) |^#VER "P" "" ([0-9]{8}) ',
    ),
    "hledger": (
        "utf-8",
        "foreign-currency",
        r"^([0-9-]{10}) ! \(([0-9]+)\)|^    ([^\s;][^;]*?)  [A-Z]{3} (\S+)(?: @@ [A-Z]{3} (\S+))?"
        r"(?:  ; tax:(\S+))?$",
    ),
}


def flipped(text: str, pattern: str) -> Iterator[str]:
    """Give the text with each digit of every group flipped, one at a time."""
    for match in re.finditer(pattern, text, re.MULTILINE):
        for group in range(1, len(match.groups()) + 1):
            start, end = match.span(group)
            for at in range(max(start, 0), end):
                if text[at].isdigit():
                    yield text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]


@pytest.mark.parametrize("template", FORMATS)
def test_a_single_flipped_digit_is_caught(
    template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoding, case, pattern = FORMATS[template]
    seen: list[tuple[Rendered, pl.DataFrame]] = []

    def remember(rendered: Rendered, postings: pl.DataFrame) -> Proof:
        seen.append((rendered, postings))
        return prove(rendered, postings)

    monkeypatch.setattr(pipeline, "prove", remember)
    Case(ROOT / template / case).convert(tmp_path / "out")
    ((rendered, postings),) = seen
    (file,) = rendered.files
    text = file.content.decode(encoding).replace("\r\n", "\n")
    newline = "\r\n" if b"\r\n" in file.content else "\n"
    texts = list(flipped(text, pattern))
    assert len(texts) > 80
    missed = []
    for changed in texts:
        content = changed.replace("\n", newline).encode(encoding)
        other = replace(rendered, files=(replace(file, content=content),))
        if prove(other, postings).ok:
            missed.append(changed)
    assert missed == []
