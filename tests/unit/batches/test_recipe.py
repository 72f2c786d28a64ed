"""Hashes follow values: not chunks, not order of columns, not where something came from."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from etl.batches.recipe import (
    FileMembers,
    batch_id,
    content_hash,
    hash_frames,
    make_recipe,
)
from etl.batches.verdicts import ATTACHED, VERDICTS

ITEMS = pl.DataFrame(
    {
        "item.id": ["a", "b"],
        "item.date": [date(2026, 3, 9), None],
        "item.amount": [Decimal("10.00"), Decimal("-0.05")],
        "item.attendees": [["Ana", "Bo"], []],
        "item.where": ["items.json:1", "items.json:2"],
        "attachment.url": ["https://x/1?token=a", None],
    }
)


def digest(frame: pl.DataFrame) -> str:
    return hash_frames({"items": frame})


def test_chunks_columns_order_place_and_links_do_not_matter() -> None:
    chunked = pl.concat([ITEMS[:1], ITEMS[1:]], rechunk=False)
    assert digest(chunked) == digest(ITEMS)
    assert digest(ITEMS.select(reversed(ITEMS.columns))) == digest(ITEMS)
    moved = ITEMS.with_columns(
        pl.lit("-:1").alias("item.where"), pl.lit("https://y").alias("attachment.url")
    )
    assert digest(moved) == digest(ITEMS)


@pytest.mark.parametrize(
    "change",
    [
        pl.lit("c").alias("item.id"),
        pl.lit(date(2026, 3, 10)).alias("item.date"),
        pl.col("item.amount") + Decimal("0.01"),
        pl.lit(["Ana", "Bo", ""]).alias("item.attendees"),
        pl.col("item.attendees").list.reverse(),
        pl.when(pl.col("item.id") == "a").then("item.id").alias("item.id"),
    ],
)
def test_any_value_matters(change: pl.Expr) -> None:
    assert digest(ITEMS.with_columns(change)) != digest(ITEMS)


def test_a_null_is_not_an_empty_text_and_an_empty_list_is_not_a_null() -> None:
    texts = [pl.DataFrame({"a": [value, "x"]}) for value in (None, "")]
    assert digest(texts[0]) != digest(texts[1])
    lists = [
        pl.DataFrame({"a": [value, ["x"]]}, schema={"a": pl.List(pl.String)})
        for value in (None, [], [""], [None])
    ]
    assert len({digest(frame) for frame in lists}) == 4


def test_a_recipe_changes_with_each_of_its_parts() -> None:
    base = {"template": {"template.yaml": "1"}, "mapping": {"acme.yaml": "2"}}
    recipe = make_recipe(**base, settings={"clock": "2026"}, versions={"engine": "1"})
    assert recipe.parts["template/template.yaml"] == "1"
    assert recipe.parts["version/engine"] == "1"
    assert recipe.parts["clock"] != "2026"
    others = [
        make_recipe(**base, settings={"clock": "2027"}, versions={"engine": "1"}),
        make_recipe(**base, settings={"clock": "2026"}, versions={"engine": "2"}),
        make_recipe(
            **(base | {"mapping": {"acme.yaml": "3"}}),
            settings={"clock": "2026"}, versions={"engine": "1"},
        ),
    ]  # fmt: skip
    assert len({recipe.sha256, *(other.sha256 for other in others)}) == 4


def test_a_batch_id_is_short_and_follows_what_went_in() -> None:
    first = batch_id("input", company="a", template="t", number=1)
    assert re.fullmatch("[0-9a-f]{12}", first)
    assert batch_id("input", company="a", template="t", number=1) == first
    assert batch_id("input", company="a", template="t", number=2) != first


VERDICT = pl.DataFrame([("a", "exported", "4113001", None, None)], schema=VERDICTS, orient="row")
NO_ATTACHMENTS = pl.DataFrame(schema=ATTACHED)


def content(files: list[FileMembers], verdicts: pl.DataFrame = VERDICT) -> str:
    return content_hash(files, verdicts=verdicts, attachments=NO_ATTACHMENTS)


def test_content_follows_members_names_and_verdicts_but_not_their_order() -> None:
    one, two = FileMembers("a.csv", [("a.csv", b"1")]), FileMembers("b.csv", [("b.csv", b"2")])
    assert content([one, two]) == content([two, one])
    assert content([one]) != content([FileMembers("a.csv", [("a.csv", b"2")])])
    assert content([one]) != content([FileMembers("c.csv", [("a.csv", b"1")])])
    failed = VERDICT.with_columns(verdict=pl.lit("failed"))
    assert content([one], failed) != content([one])
