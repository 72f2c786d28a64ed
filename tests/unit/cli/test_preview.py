"""`pleo-etl templates preview`: readable on a terminal, whatever the file is made of."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from etl.authoring import first_lines
from etl.cli import main
from etl.review.model import FileRow, FileView


def _preview(*words: str) -> Result:
    return CliRunner().invoke(main, ["templates", "preview", *words])


@pytest.mark.parametrize(
    ("words", "form", "text"),
    [
        (["datev-extf", "-p", "consultant_number=1001", "-p", "client_number=42"],
         "Windows-1252", "Café Äpfel & Söhne"),
        (["sie4", "-p", "organisation_number=555555-5555"], "code page 437", "Wirtschaftsgüter"),
    ],
)  # fmt: skip
def test_letters_are_letters_in_every_encoding(words: list[str], form: str, text: str) -> None:
    result = _preview(*words)
    assert result.exit_code == 0, result.stderr
    assert text in result.stdout
    assert form in result.stderr
    (file,) = json.loads(_preview(*words, "--json").stdout)["files"]
    assert any(text in line for line in file["lines"])
    assert form in file["form"]


def test_a_spreadsheet_is_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = _preview("generic", "-p", "format=xlsx", "--lines", "4")
    assert result.exit_code == 0, result.stderr
    header, *rows = result.stdout.splitlines()
    assert len(rows) == 3
    # The first column is a number: it ends where the header's second word begins, in every row.
    place = header.index(re.split("  +", header)[1])
    assert {row[place - 2 : place] for row in rows} == {"  "}
    assert not list(tmp_path.iterdir())


def test_the_rest_is_counted() -> None:
    result = _preview("hledger", "--lines", "2")
    assert len(result.stdout.splitlines()) == 2
    assert "more lines" in result.stderr


def test_what_has_no_shape_is_named() -> None:
    raw = "a\tb\xa0c\u200bd\x1b\r\n"
    row = FileRow(1, (), raw, "")
    file = FileView(
        name="x", sha256="", size=1, postings=1, totals=(), form="", columns=(),
        columns_left_out=0, header=None, rows=(row,), lines=1, is_raw_shown=True,
    )  # fmt: skip
    assert first_lines(file, 5) == ["a\tb<NBSP>c<U+200B>d<U+001B>"]
