"""A checker of FEC files, written after the rules of the tax office's test program.

It knows nothing of pleo-etl: it reads bytes and says what is wrong, as that program does, in the
classes structure and content; balance and numbering, which that program leaves to importers, are
checked here too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from tests.readers.samples import WITHOUT_ACCOUNT, convert_samples

GOLDEN = Path(__file__).parent.parent / "golden" / "fec"
FILES = sorted(GOLDEN.glob("*/expected/*.txt"))
NAMES = [
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib",
    "CompAuxNum", "CompAuxLib", "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit",
    "EcritureLet", "DateLet", "ValidDate", "Montantdevise", "Idevise",
]  # fmt: skip
FILLED = [
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib",
    "PieceRef", "PieceDate", "EcritureLib", "ValidDate",
]  # fmt: skip
DATES = ("EcritureDate", "PieceDate", "DateLet", "ValidDate")
NUMBERS = ("Debit", "Credit", "Montantdevise")
TOGETHER = (
    ("CompAuxNum", "CompAuxLib"),
    ("EcritureLet", "DateLet"),
    ("Montantdevise", "Idevise"),
)
_DATE = re.compile(r"(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])\Z")
_NUMBER = re.compile(r"[+-]?[0-9]+(,[0-9]+)?\Z|[0-9]+(,[0-9]+)?[+-]\Z")


def amount(text: str) -> Decimal:
    """Read a number: decimal comma, the sign first or last, empty is 0."""
    sign = -1 if "-" in text else 1
    return sign * Decimal(text.strip("+-").replace(",", ".") or "0")


def rows_of(content: bytes, encoding: str) -> list[dict[str, str]]:
    lines = re.split("\r\n|\n|\r", content.decode(encoding))
    return [dict(zip(NAMES, line.split("\t"), strict=True)) for line in lines[1:] if line]


def faults(name: str, content: bytes, encoding: str = "utf-8") -> Iterator[str]:
    """Say everything that is wrong with a FEC."""
    if not re.fullmatch(r"[0-9]{9}FEC(19|20)[0-9]{6}\.txt", name):
        yield "structure: name"
    text = content.decode(encoding)
    if text.startswith("\ufeff"):
        yield "structure: byte order mark"
    lines = re.split("\r\n|\n|\r", text)
    if lines[0].split("\t") != NAMES:
        yield "structure: header"
        return
    if any(line and len(line.split("\t")) != len(NAMES) for line in lines[1:]):
        yield "structure: number of fields"
        return
    rows = rows_of(content, encoding)
    for number, row in enumerate(rows, 2):
        yield from (f"{fault} in line {number}" for fault in faults_of_row(row))
    if not any(faults_of_row(row) for row in rows):
        yield from faults_of_entries(rows)


def faults_of_row(row: dict[str, str]) -> list[str]:
    found = [f"content: {name} is empty" for name in FILLED if not row[name].strip()]
    found += [f"content: {n} is no date" for n in DATES if row[n] and not _DATE.match(row[n])]
    found += [f"content: {n} is no number" for n in NUMBERS if row[n] and not _NUMBER.match(row[n])]
    found += [
        f"content: {one} with {other}"
        for one, other in TOGETHER
        if bool(row[one]) != bool(row[other])
    ]
    if not re.match("[0-9]{3}", row["CompteNum"]):
        found.append("content: three digits begin CompteNum")
    if not found:
        debit, credit, other = (amount(row[name]) for name in NUMBERS)
        if bool(debit) == bool(credit):
            found.append("content: one of Debit and Credit")
        if other and (other > 0) != (debit - credit > 0):
            found.append("content: sign of Montantdevise")
    return found


def faults_of_entries(rows: list[dict[str, str]]) -> Iterator[str]:
    entries: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        entries.setdefault(row["EcritureNum"], []).append(row)
    for number, entry in entries.items():
        if sum(amount(row["Debit"]) - amount(row["Credit"]) for row in entry):
            yield f"balance: {number}"
        if len({(row["JournalCode"], row["EcritureDate"]) for row in entry}) > 1:
            yield f"entry: {number} has several journals or dates"
    order = [row["EcritureNum"] for row in rows]
    if any(
        one != next_ and next_ in order[:at] for at, (one, next_) in enumerate(pairwise(order), 1)
    ):
        yield "entry: torn apart"
    dates = [row["EcritureDate"] for row in rows]
    if dates != sorted(dates):
        yield "order: not chronological"
    counted = [int(number[-6:]) for number in entries]
    if counted != list(range(counted[0], counted[0] + len(counted))):
        yield "numbering: gap"


def encoding_of(path: Path) -> str:
    return "iso8859-15" if "iso8859-15" in path.parent.parent.name else "utf-8"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_the_tax_offices_rules_find_no_fault(path: Path) -> None:
    assert list(faults(path.name, path.read_bytes(), encoding_of(path))) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_totals_and_entries_are_those_of_the_manifest(path: Path) -> None:
    manifest = json.loads((path.parent / "manifest.json").read_text("utf-8"))
    (stated,) = [file for file in manifest["files"] if file["name"] == path.name]
    rows = rows_of(path.read_bytes(), encoding_of(path))
    assert len(rows) == stated["rows"]
    assert stated["bytes"] == len(path.read_bytes())
    assert [
        (str(sum(amount(r["Debit"]) for r in rows)), str(sum(amount(r["Credit"]) for r in rows)))
    ] == [(total["debit"], total["credit"]) for total in stated["totals"]]
    assert {total["currency"] for total in stated["totals"]} == {"EUR"}


def test_every_case_with_entries_has_a_file() -> None:
    cases = {path.parent.name for path in GOLDEN.glob("*/case.yaml")}
    assert cases - {path.parent.parent.name for path in FILES} == {"empty-batch", "not-in-euros"}


def test_every_type_of_item_can_be_written(tmp_path: Path) -> None:
    rejected = convert_samples("fec", tmp_path / "out", parameters={"siren": "552081317"})
    assert rejected == [WITHOUT_ACCOUNT]
    (file,) = (tmp_path / "out").glob("*.txt")
    assert list(faults(file.name, file.read_bytes())) == []
    assert len(rows_of(file.read_bytes(), "utf-8")) == 84


# ── the checker finds what it is for ──

GOOD = (GOLDEN / "reference" / "expected" / "552081317FEC20261231.txt").read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("EcritureLib", "Ecriturelib", "structure: header"),
        ("Missions\t\t\t", "Missions\t\t", "structure: number of fields"),
        ("118,18", "118.18", "content: Debit is no number in line 2"),
        ("118,18", "1 118,18", "content: Debit is no number in line 2"),
        ("20260311\t625600", "2026-03-11\t625600", "content: EcritureDate is no date in line 2"),
        ("\tMissions\t", "\t \t", "content: CompteLib is empty in line 2"),
        ("\t625600\t", "\t62A600\t", "content: three digits begin CompteNum in line 2"),
        ("118,18\t0,00", "118,18\t118,18", "content: one of Debit and Credit in line 2"),
        ("118,18\t0,00", "0,00\t", "content: one of Debit and Credit in line 2"),
        ("\t100,00\tUSD", "\t100,00\t", "content: Montantdevise with Idevise in line 5"),
        ("\t-100,00\tUSD", "\t100,00\tUSD", "content: sign of Montantdevise in line 6"),
        ("F00042\tACME CLOUD", "F00042\t", "content: CompAuxNum with CompAuxLib in line 6"),
        ("118,18", "118,19", "balance: PL000001"),
        ("PL000002", "PL000003", "numbering: gap"),
        ("PL000001\t20260311", "PL000001\t20260313", "order: not chronological"),
    ],
)  # fmt: skip
def test_the_checker_finds(old: str, new: str, found: str) -> None:
    broken = GOOD.decode().replace(old, new)
    assert broken != GOOD.decode()
    assert found in list(faults("552081317FEC20261231.txt", broken.encode()))


def test_the_checker_finds_what_concerns_the_whole_file() -> None:
    assert "structure: name" in list(faults("FEC20261231.txt", GOOD))
    assert "structure: byte order mark" in list(
        faults("552081317FEC20261231.txt", b"\xef\xbb\xbf" + GOOD)
    )
    lines = GOOD.decode().splitlines()
    torn = "\r\n".join([lines[0], lines[1], *lines[4:], *lines[2:4]])
    assert "entry: torn apart" in list(faults("552081317FEC20261231.txt", torn.encode()))
    mixed = GOOD.decode().replace("PL000001\t20260311\t5", "PL000001\t20260312\t5")
    assert "entry: PL000001 has several journals or dates" in list(
        faults("552081317FEC20261231.txt", mixed.encode())
    )
