"""Every golden case of every template: one flipped digit is caught when the file is proved again.

What `verify` reads by the meaning of columns notices most; the proof of a conversion also compares
numbers and dates that mean nothing of their own. Hashes are left out here, so that only the reading
of the file can notice. Which cells hold amounts, accounts, dates and tax stands here by the names
of the formats' manuals.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
import pytest

from etl.rendering import Template, read_back_file
from etl.rendering.proof import prove
from tests.golden.cases import Case, converted, together
from tests.security.lines import SCALE, TEMPLATES, scaled


@dataclass(frozen=True)
class Format:
    """Where values stand: columns of a table with a line of names, or groups of a pattern."""

    delimiter: str = ","
    columns: tuple[str, ...] = ()
    pattern: str = ""
    encoding: str = "utf-8"


FORMATS = {
    "datev-extf": Format(
        ";", ("Umsatz (ohne Soll/Haben-Kz)", "Konto", "Gegenkonto (ohne BU-Schlüssel)",
              "BU-Schlüssel", "Belegdatum", "Basis-Umsatz"), encoding="cp1252",
    ),
    "fec": Format("\t", ("EcritureDate", "CompteNum", "Debit", "Credit", "Montantdevise",
                         "PieceDate")),
    "generic": Format(
        ",", ("Date", "Account number", "Contra account", "Debit", "Credit", "Amount", "Tax code",
              "Net amount", "Tax amount", "Original amount", "Company amount"),
    ),
    "hledger": Format(
        pattern=r"^([0-9-]{10}) ! |^    ([^\s;][^;]*?)  [A-Z]{3} (\S+)(?: @@ [A-Z]{3} (\S+))?"
                r"(?:  ; tax:(\S+))?$",
    ),
    "netsuite-journal": Format(",", ("Date", "Account", "Debit", "Credit", "Exchange Rate")),
    "quadratus": Format(
        pattern=r"^M(.{8}).{5}(.{6}).{22}.{1}(.{12})", encoding="cp1252",
    ),
    "quickbooks-iif": Format("\t", ("DATE", "ACCNT", "AMOUNT"), encoding="cp1252"),
    "sage-50-uk": Format(
        ",", ("Account Reference", "Nominal A/C Ref", "Date", "Net Amount", "Tax Code",
              "Tax Amount"),
        encoding="cp1252",
    ),
    "sie4": Format(
        pattern=r'^#TRANS ([0-9]+) \{[^}]*\} (\S+) |^#VER "P" "" ([0-9]{8}) ', encoding="cp437"
    ),
    "unit4-business-world": Format(
        pattern=r"<agr:VoucherDate>([^<]*)<|<agrlib:(?:Curr)?Amount>([^<]*)<|<agrlib:Account>([^<]*)<"
                r"|<agrlib:TaxCode>([^<]*)<",
    ),
    "xero-bills": Format(
        ",", ("*InvoiceDate", "*UnitAmount", "*AccountCode", "*TaxType", "TaxAmount"),
    ),
}  # fmt: skip


def test_every_template_has_a_format() -> None:
    assert FORMATS.keys() == {path.parent.name for path in TEMPLATES.glob("*/template.yaml")}


def cells(text: str, form: Format) -> Iterator[tuple[int, int]]:
    """Give the places of values in a text."""
    if form.pattern:
        for match in re.finditer(form.pattern, text, re.MULTILINE):
            yield from (match.span(n) for n in range(1, len(match.groups()) + 1))
        return
    names: list[str] = []
    start = 0
    cell = re.compile(
        rf'("(?:[^"]|"")*"|[^{re.escape(form.delimiter)}\r\n]*)({re.escape(form.delimiter)}|\r?\n|\Z)'
    )
    row: list[tuple[int, int]] = []
    while start < len(text):
        match = cell.match(text, start)
        assert match, text[start : start + 80]
        row.append(match.span(1))
        start = match.end()
        if match[2] != form.delimiter:
            found = [text[a:b].strip('"').removeprefix("!") for a, b in row]
            if set(form.columns[:2]) <= set(found):
                names = found
            elif names:
                yield from (
                    span for name, span in zip(names, row, strict=False) if name in form.columns
                )
            row = []


def flips(text: str, form: Format) -> Iterator[str]:
    for start, end in cells(text, form):
        for at in range(max(start, 0), end):
            if text[at] in "0123456789":
                yield text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]


def said(template: Template, key: str, content: bytes) -> Any:
    frame, differences = read_back_file(template, key, content=content)
    return frame.cast(pl.String).rows(), [(one.line, one.what) for one in differences]


@pytest.mark.parametrize("case", together())
def test_a_flipped_digit_is_caught(case: Case) -> None:
    made = converted(case)
    ((rendered, postings),), (recipe,) = made.proved, made.recipes
    form = FORMATS[case.template]
    missed, count = [], 0
    for file in rendered.files:
        if file.companion or file.kind == "xlsx" or file.packed:
            continue
        encoding = form.encoding
        if case.template in ("fec", "generic") and case.name.endswith(("cp1252", "iso8859-15")):
            encoding = case.name.rpartition("letters-")[2]
        text = file.content.decode(encoding)
        if case.template == "generic":
            mark = next(mark for mark in ",;\t|" if f"Voucher{mark}Voucher kind" in text)
            form = replace(form, delimiter=mark)
        before = said(recipe.template, file.file, file.content)
        assert before[1] == []
        changed = list(flips(text, form))
        count += len(changed)
        if SCALE < 10:
            rng = random.Random(case.name)
            changed = rng.sample(changed, min(len(changed), scaled(6)))
        for other in changed:
            content = other.encode(encoding)
            if said(recipe.template, file.file, content) != before:
                continue
            files = [
                replace(one, content=content) if one is file else one for one in rendered.files
            ]
            if prove(replace(rendered, files=tuple(files)), postings).ok:
                at = next(n for n, (a, b) in enumerate(zip(text, other, strict=True)) if a != b)
                missed.append(text[max(0, at - 40) : at + 20])
    assert missed == []
    tables = [file for file in rendered.files if file.kind not in ("xlsx",) and not file.packed]
    assert count > 4 or not any(file.rows for file in tables)
