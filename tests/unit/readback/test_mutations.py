"""A single flipped digit in any amount, account, date or tax cell is caught, in every kind of file.

The cells are found here by hand-made readers (csv, slices, regular expressions, ElementTree, zip),
none of which is ours.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.readback.kinds import Case, case, flipped, flips

Mutants = Callable[[bytes], Iterator[bytes]]


def by_columns(
    encoding: str, delimiter: str, columns: dict[int, set[int]]
) -> Callable[[bytes], Iterator[bytes]]:
    """Flip digits in columns of delimited lines; columns by the number of cells of a line."""

    def mutants(content: bytes) -> Iterator[bytes]:
        lines = content.decode(encoding).splitlines(keepends=True)
        for at, line in enumerate(lines):
            cells = next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter))
            if not re.search("[0-9]{3}", line):
                continue
            start = 0
            for number, cell in enumerate(cells):
                start = line.find(cell, start)
                if start < 0:
                    break  # a text with quotes in it; no number stands behind it
                if number in columns.get(len(cells), ()):
                    for changed in flips(line, start, start + len(cell)):
                        yield "".join([*lines[:at], changed, *lines[at + 1 :]]).encode(encoding)
                start += len(cell)

    return mutants


def by_slices(places: list[tuple[int, int]]) -> Mutants:
    def mutants(content: bytes) -> Iterator[bytes]:
        lines = content.decode().splitlines(keepends=True)
        for at, line in enumerate(lines):
            for start, end in places:
                for changed in flips(line, start - 1, end):
                    yield "".join([*lines[:at], changed, *lines[at + 1 :]]).encode()

    return mutants


def by_pattern(encoding: str, pattern: str) -> Mutants:
    """Flip digits in every group of every match."""

    def mutants(content: bytes) -> Iterator[bytes]:
        text = content.decode(encoding)
        for match in re.finditer(pattern, text, re.MULTILINE):
            for group in range(1, len(match.groups()) + 1):
                if match.group(group) is not None:
                    for changed in flips(text, *match.span(group)):
                        yield changed.encode(encoding)

    return mutants


def in_sheet(content: bytes) -> Iterator[bytes]:
    """Flip digits of numbers and dates in the sheet, and of the texts that are not free."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    sheet, strings = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
    for name, pattern in (
        (sheet, r'<c r="[A-Z]+[0-9]+" s="[0-9]+"><v>([0-9.]+)</v>'),
        (strings, r"<t>([0-9V]+)</t>"),  # accounts and tax codes
    ):
        for match in re.finditer(pattern, members[name]):
            for changed in flips(members[name], *match.span(1)):
                buffer = io.BytesIO()
                with zipfile.ZipFile(buffer, "w") as archive:
                    for member, text in members.items():
                        archive.writestr(member, changed if member == name else text)
                yield buffer.getvalue()


MUTANTS: dict[str, tuple[Mutants, int]] = {
    "csv": (by_columns("utf-8", ",", {9: {0, 2, 3, 4, 5, 6, 7}}), 80),
    "extf": (by_columns("cp1252", ";", {8: {0, 2, 3, 4, 5}, 5: {1, 2, 3, 4}}), 60),
    "iif": (by_columns("utf-8", "\t", {4: {1, 2, 3}}), 90),
    "fixed": (by_slices([(2, 9), (10, 15), (17, 28), (40, 43)]), 100),
    "sie": (
        by_pattern(
            "cp437",
            r'^#TRANS ([0-9]+) \{\} (\S+) "([^"]*)"|^#VER "P" "[^"]*" ([0-9]{8})',
        ),
        80,
    ),
    "xml": (
        by_pattern(
            "utf-8",
            r"<b:Account>([^<]*)<|<b:Amount>([^<]*)<|<b:Date>([^<]*)<|<b:Tax>([^<]*)<",
        ),
        80,
    ),
    "xlsx": (in_sheet, 40),
}  # fmt: skip


@pytest.mark.parametrize("kind", MUTANTS)
def test_a_single_flipped_digit_is_caught(kind: str, tmp_path: Path) -> None:
    made = case(kind, tmp_path)
    assert made.prove().problems == ()
    mutants, at_least = MUTANTS[kind]
    contents = list(mutants(made.content))
    assert len(contents) >= at_least
    missed = [content for content in contents if made.prove_changed(content).ok]
    assert missed == []


def lines_of(made: Case) -> list[bytes]:
    return made.content.splitlines(keepends=True)


@pytest.mark.parametrize("kind", ["csv", "extf", "iif", "fixed", "sie"])
@pytest.mark.parametrize("change", ["lost", "twice", "cut", "longer", "swapped"])
def test_a_lost_repeated_cut_or_moved_line_is_caught(
    kind: str, change: str, tmp_path: Path
) -> None:
    made = case(kind, tmp_path)
    lines = lines_of(made)
    at = next(number for number, line in enumerate(lines) if b"4670" in line)
    row = lines[at]
    end = row[len(row.rstrip()) :]
    new = {
        "lost": [],
        "twice": [row, row],
        "cut": [row.rstrip()[:-2] + end],
        "longer": [row.rstrip(b"\r\n") + b";1\t1,1" + row[len(row.rstrip(b"\r\n")) :]],
        "swapped": [lines[at + 1], row],
    }[change]
    skip = 2 if change == "swapped" else 1
    if change == "cut" and kind == "csv":
        new = [row.replace(b",Taxi", b"")]
    if change == "swapped" and kind in ("iif",):
        new = [lines[at + 2], lines[at + 1], row]
        skip = 3
    content = b"".join([*lines[:at], *new, *lines[at + skip :]])
    proof = made.prove_changed(content)
    assert not proof.ok
    assert proof.problems[0].code == "PROOF-2"


def test_a_difference_names_file_line_and_column(tmp_path: Path) -> None:
    made = case("csv", tmp_path)
    proof = made.prove_changed(made.content.replace(b"45.50", b"45.51"))
    (problem,) = proof.problems
    assert problem.code == "PROOF-2"
    assert problem.where == "b_1.csv:3"
    assert problem.what == 'column "Amount": "45.51" is not what was rendered'


@pytest.mark.parametrize(
    ("kind", "old", "new", "what"),
    [
        ("csv", b"Amount,Side", b"Side,Amount", "column names"),
        ("csv", b"45.50,C", b'45.50,"C', "quotes"),
        ("csv", b"45.50", b"45,50", "10 columns"),
        ("csv", b"45.50", b"\xff", "not utf-8"),
        ("csv", b"45.50", b"4\r5.50", "line end of another kind"),
        ("csv", b"Amount", b"\xef\xbb\xbfAmount", "byte order mark"),
        ("csv", b"45.50", "٤٥.50".encode(), '"٤٥.50" is not what was rendered'),
        ("csv", b"45.50", b"45.5", '"45.5" is not what was rendered'),
        ("csv", b"45.50", b"45.500", '"45.500" is not what was rendered'),
        ("csv", b"45.50", b"+45.50", '"+45.50" is not what was rendered'),
        ("csv", b"45.50", b"", '"" is not what was rendered'),
        ("extf", b"\r\n", b"\n", "line end"),
        ("extf", b"Caf\xe9", b"Caf\x81", "not cp1252"),
        ("extf", b'"EXTF"', b'"EXTG"', '"EXTG" is not what was rendered'),
        ("extf", b'"EXTF";', b"", "the line of record head is missing"),
        ("extf", b"1126,00", b"1126,01", "column 5 of record head"),
        ("fixed", b"Taxi ", b"Taxi", "59 places, not 60"),
        ("xml", b"</a:Batch>", b"", "not well-formed"),
        ("xml", b"<a:Batch", b"<!DOCTYPE x><a:Batch", "document type"),
        ("xml", b"</a:Voucher>\n<a:Voucher>", b"", None),
        ("xlsx", b"PK\x05\x06", b"XX", "workbook"),
    ],
)
def test_other_damage_is_named(
    kind: str, old: bytes, new: bytes, what: str | None, tmp_path: Path
) -> None:
    made = case(kind, tmp_path)
    assert old in made.content or what is None
    changed = made.content.replace(old, new, 1 if old != b"\r\n" else -1)
    if kind == "xml" and what is None:
        changed = re.sub(
            rb"</a:Voucher>\s*<a:Voucher><b:Date>[^<]*</b:Date>", b"", changed, count=1
        )
    proof = made.prove_changed(changed)
    assert not proof.ok
    if what is not None:
        assert what in " ".join(problem.what for problem in proof.problems)


def test_a_row_in_the_wrong_voucher_is_caught(tmp_path: Path) -> None:
    made = case("sie", tmp_path)
    text = made.content.decode("cp437")
    row = '#TRANS 1280 {} -119.00 "V19"\r\n'
    moved = text.replace(f"{row}}}\r\n", "}\r\n").replace(
        '"Taxi"\r\n{\r\n', f'"Taxi"\r\n{{\r\n{row}'
    )
    proof = made.prove_changed(moved.encode("cp437"))
    assert "another voucher" in " ".join(problem.what for problem in proof.problems)


def test_flipped_changes_every_digit() -> None:
    assert [flipped(digit) for digit in "0123456789"] == list("1234567890")
