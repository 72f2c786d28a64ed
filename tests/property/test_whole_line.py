"""Whole conversions of generated items, for every shipped template.

The items are those of the template's golden cases with other amounts, days, texts and ids, some of
them broken. Files are read by readers that share nothing with the product.
"""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from etl.conversion import Conversion
from etl.files import sha256
from etl.pipeline import write
from etl.verification import verify_folder
from tests.golden.cases import _item
from tests.property.mutations import DROP
from tests.readers import iif, quadratus, sage50, sie, xero
from tests.readers.datev import read_batch
from tests.readers.test_fec import faults as fec_faults
from tests.readers.test_generic import amount as generic_amount
from tests.readers.test_hledger import hledger
from tests.readers.test_netsuite import faults as netsuite_faults
from tests.readers.test_netsuite import rows_of as netsuite_rows
from tests.readers.test_unit4 import faults as unit4_faults
from tests.security.lines import LINES, TEMPLATES, Case, Line, files_of, scaled, write_items

every_line = pytest.mark.parametrize("line", LINES, ids=lambda line: line.template)
ROOT = Path(__file__).parents[2]


# ── generated items ─────────────────────────────────────────────────────────────────────────


@cache
def pool_of(line: Line) -> list[dict[str, Any]]:
    """Give the items of all golden cases of a template."""
    found = []
    for path in sorted(line.folder.glob("*/case.yaml")):
        settings_of_case = Case(path.parent).settings
        found += [_item(short) for short in settings_of_case.get("items", [])]
    return found


TEXTS = st.text(st.characters(codec="utf-8", max_codepoint=0x2FFF), max_size=60)
BREAKS = st.sampled_from(
    [("amount", DROP), ("accountingEntryLines", []), ("type", "mood"), ("date", "today"),
     ("companyId", "00000000-0000-4000-8000-000000000000"), ("contraAccount", None),
     ("additionalInformation", None), ("supplier", {"name": 7}), ("bookkeeping", {"method": "x"})]
)  # fmt: skip
CHOICES = st.tuples(
    st.integers(0, 10_000),
    st.integers(1, 99),
    st.integers(1, 28),
    st.none() | TEXTS,
    st.sampled_from([False] * 6 + [True]),
    BREAKS,
)


def scale_money(value: Any, factor: int) -> None:
    if isinstance(value, dict):
        if value.keys() == {"currency", "value"}:
            value["value"] *= factor
            return
        value = list(value.values())
    if isinstance(value, list):
        for child in value:
            scale_money(child, factor)


def generated(line: Line, choices: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    pool, items = pool_of(line), []
    for number, (pick, factor, day, text, is_broken, (field, change)) in enumerate(choices, 1):
        item = copy.deepcopy(pool[pick % len(pool)])
        item["accountingEntryId"] = f"00000000-0000-4000-8000-{number:012}"
        for at, row in enumerate(item["accountingEntryLines"]):
            row["accountingEntryLineId"] = f"00000000-0000-4000-{8001 + at}-{number:012}"
        item["additionalInformation"]["reconciliationId"] = str(5_000_000 + number)
        item["date"] = f"2026-03-{day:02}T10:00:00Z"
        scale_money(item, factor)
        if text is not None:
            item["note"] = text
        if is_broken and change is DROP:
            del item[field]
        elif is_broken:
            item[field] = change
        items.append(item)
    return items


# ── what the readers say ────────────────────────────────────────────────────────────────────


def _datev(name: str, content: bytes) -> list[str]:
    return read_batch(name, content).faults


def _fec(name: str, content: bytes) -> list[str]:
    return list(fec_faults(name, content))


def _generic(_name: str, content: bytes) -> list[str]:
    rows = netsuite_rows(content)  # any CSV with names in the first line
    odd = [row for row in rows if bool(row["Debit"]) == bool(row["Credit"])]
    signed = [generic_amount(row["Debit"]) - generic_amount(row["Credit"]) for row in rows]
    is_same = [
        abs(generic_amount(r["Amount"])) == abs(s) for r, s in zip(rows, signed, strict=True)
    ]
    return [str(row) for row in odd] + ["amounts"] * (not all(is_same))


def _hledger(_name: str, content: bytes) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "batch.journal"
        journal.write_bytes(content)
        checked = hledger(journal, "check", "--strict", "ordereddates")
    return [] if checked.returncode == 0 else [checked.stderr]


def _sie(_name: str, content: bytes) -> list[str]:
    for voucher in sie.read_sie(content).vouchers:
        if sum((row.amount for row in voucher.rows), Decimal(0)):
            return [f"{voucher} does not balance"]
    return []


def _iif(_name: str, content: bytes) -> list[str]:
    return [
        f"{one} does not balance"
        for one in iif.read_iif(content)
        if sum((row.amount for row in one.rows), Decimal(0))
    ]


#: By template: a reader that gives all faults, or raises; sums of entries are among them.
READERS: dict[str, Callable[[str, bytes], list[str]]] = {
    "datev-extf": _datev,
    "fec": _fec,
    "generic": _generic,
    "hledger": _hledger,
    "netsuite-journal": lambda _name, content: netsuite_faults(content),
    "quadratus": lambda _name, content: quadratus.read_entries(content)[1],
    "quickbooks-iif": _iif,
    "sage-50-uk": lambda _name, content: [] if sage50.read_sage(content) else ["nothing"],
    "sie4": _sie,
    "unit4-business-world": lambda _name, content: unit4_faults(content),
    "xero-bills": lambda _name, content: [] if xero.read_xero(content, inclusive=True) else ["no"],
}


def test_every_template_has_a_reader() -> None:
    shipped = {path.parent.name for path in TEMPLATES.glob("*/template.yaml")}
    assert shipped == READERS.keys() == {line.template for line in LINES}


def hashes(conversion: Conversion) -> dict[str, Any]:
    """Give all that may not depend on order, form or place of the input."""
    files = files_of(conversion)
    for name in ("rejections.csv", "manifest.json", "review.html", "explain.parquet"):
        files.pop(name, None)
    head = {
        k: conversion.head[k] for k in ("content", "recipe", "input", "batch", "counts", "totals")
    }
    rejections = conversion.rejections.drop("where", "item.key").sort("item_id", "line", "code")
    return head | {"files": files, "rejections": rejections.rows()}


COMMON = settings(
    max_examples=scaled(2),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes, and says little more
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@every_line
@COMMON
@given(choices=st.lists(CHOICES, min_size=12, max_size=24), seed=st.integers(0, 99))
def test_generated_items(
    line: Line, choices: list[tuple[Any, ...]], seed: int, tmp_path_factory: Any
) -> None:
    folder: Path = tmp_path_factory.mktemp("line")
    items = generated(line, choices)
    conversion = line.convert(write_items(folder / "items.ndjson", items))
    counts = conversion.counts
    assert counts.items == len(items)
    assert counts.rendered + counts.rejected + counts.nothing_to_book == len(items)
    told = {row["id"] for row in json.loads(conversion.manifest)["items"]}
    assert told == {item["accountingEntryId"] for item in items}
    for file in conversion.files:
        assert READERS[line.template](file.name, file.content) == []

    # The same items in another order, in another form, from another place.
    shuffled = items.copy()
    random.Random(seed).shuffle(shuffled)
    (folder / "elsewhere").mkdir()
    page = folder / "elsewhere" / "page.json"
    page.write_text(json.dumps({"data": shuffled}, indent=1), encoding="utf-8")
    assert hashes(line.convert(page)) == hashes(conversion)

    # Written, it is proved again; written again, nothing changes.
    out = folder / "out"
    write(conversion, out)
    proof = verify_folder(out)
    assert proof.problems == []
    assert proof.remarks == []
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    write(line.convert(folder / "items.ndjson"), out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


# ── the same bytes everywhere ───────────────────────────────────────────────────────────────

_PROGRAM = """\
import json, sys
from pathlib import Path
from tests.property.test_whole_line import all_hashes
print(json.dumps(all_hashes(Path(sys.argv[1]))))
"""


def all_hashes(folder: Path) -> dict[str, dict[str, str]]:
    """Convert the golden items of every template, and hash every file with all reports."""
    return {
        line.template: {
            name: sha256(content)
            for name, content in files_of(line.convert(folder / f"{line.template}.ndjson")).items()
        }
        for line in LINES
    }


PLACES: list[dict[str, str]] = [
    {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "1", "POLARS_MAX_THREADS": "1"},
    {"TZ": "America/Los_Angeles", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "4294967295",
     "POLARS_MAX_THREADS": "7", "PYTHONUTF8": "0"},
]  # fmt: skip


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("items")
    for line in LINES:
        write_items(folder / f"{line.template}.ndjson", generated(line, [
            (n, 1 + n % 9, 1 + n % 28, None, n % 11 == 0, ("type", "mood")) for n in range(30)
        ]))  # fmt: skip
    return folder, all_hashes(folder)


@pytest.mark.xdist_group("places")
@pytest.mark.parametrize("place", PLACES, ids=["line islands", "west coast"])
def test_the_same_bytes_in_any_zone_locale_and_number_of_threads(
    place: dict[str, str], converted: tuple[Path, dict[str, dict[str, str]]]
) -> None:
    folder, expected = converted
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(folder)],
        capture_output=True,
        env={**os.environ, **place},
        cwd=ROOT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == expected
