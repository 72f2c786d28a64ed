"""Whatever the books say, every file is read back to exactly what was posted.

What must be found is worked out here from the drawn books alone; csv files are read a second time
by Python's csv module, XML by ElementTree.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from etl.rendering import Rendered, prove, read_back_file, render
from tests.unit.readback.kinds import KINDS
from tests.unit.rendering.books import CONSTANTS, Books, load

#: Signs that some format writes in a way of its own.
TEXT = st.text(alphabet=" ;,\t\"'\\{}<>&|/#%.:aZ09éßÖ", max_size=12).map(lambda text: f"t{text}")
CODE = st.text(alphabet="ABCdef0123456789", max_size=4)
ITEM = st.tuples(
    st.decimals("-99999999.99", "99999999.99", places=2).filter(lambda amount: amount != 0),
    TEXT,
    st.dates(dt.date(2020, 1, 1), dt.date(2049, 12, 31)),
    st.integers(1000, 99999).map(str),
    st.integers(1000, 99999).map(str),
    CODE,
)
COMMON = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def template_of(kind: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return load(Path(folder), KINDS[kind])


def books_of(items: list[tuple[Any, ...]], kind: str) -> Books:
    shape = "pair" if "shape: pair" in KINDS[kind] else "legs"
    books = Books()
    for number, (amount, text, date, account, contra, code) in enumerate(items):
        books.add(
            f"i-{number}", amount=str(amount), text=text, date=date, accounts=(account, contra),
            shape=shape, **{"posting.tax_code": code or None, "voucher.reference": f"R{number}"},
        )  # fmt: skip
    return books


def rendering(template: Any, books: Books) -> tuple[Rendered, pl.DataFrame]:
    frames = books.frames()
    batch = render(template, **frames, constants={**CONSTANTS})
    assume(batch.rejections.is_empty())
    return batch, frames["postings"]


def expected(items: list[tuple[Any, ...]], kind: str) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    is_pair = "shape: pair" in KINDS[kind]
    for amount, _text, _date, account, contra, _code in items:
        if is_pair:
            found[(account, contra, abs(amount))] += 1
        elif kind == "fixed":
            found[(account, abs(amount))] += 1
            found[(contra, abs(amount))] += 1
        else:
            found[(account, amount)] += 1
            found[(contra, -amount)] += 1
    return found


@pytest.mark.parametrize("kind", KINDS)
@given(items=st.lists(ITEM, min_size=1, max_size=6))
@COMMON
def test_every_file_is_read_back_to_what_was_posted(
    kind: str, items: list[tuple[Any, ...]]
) -> None:
    batch, postings = rendering(template_of(kind), books_of(items, kind))
    proof = prove(batch, postings)
    assert (proof.problems, proof.rows) == ((), postings.height)
    (file,) = batch.files
    rows, differences = read_back_file(template_of(kind), file.file, content=file.content)
    assert differences == []
    is_pair = "shape: pair" in KINDS[kind]
    money = "amount" if is_pair or kind == "fixed" else "signed"
    columns = ["account", "contra_account", money] if is_pair else ["account", money]
    assert Counter(rows.select(columns).rows()) == expected(items, kind)


@given(items=st.lists(ITEM, min_size=1, max_size=6))
@COMMON
def test_other_readers_see_the_same_cells(items: list[tuple[Any, ...]]) -> None:
    batch, _postings = rendering(template_of("csv"), books_of(items, "csv"))
    text = batch.files[0].content.decode()
    seen = [
        (row["Account"], row["Contra"], Decimal(row["Amount"]), row["Text"])
        for row in csv.DictReader(io.StringIO(text, newline=""))
    ]
    assert seen == [
        (account, contra, abs(amount), text)
        for amount, text, _date, account, contra, _code in items
    ]
    batch, _postings = rendering(template_of("xml"), books_of(items, "xml"))
    names = {"a": "urn:a", "b": "urn:b"}
    root = ET.fromstring(batch.files[0].content)
    texts = [row.findtext("b:Text", "", names) for row in root.iterfind(".//a:Row", names)]
    assert texts == [text for _amount, text, *_rest in items for _leg in range(2)]
