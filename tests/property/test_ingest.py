"""What holds for any input: nothing lost, nothing raised, both ways to read agree."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.codes import CODES
from etl.frames import CHECKED_LINES, schema
from etl.items import CompanyFacts, check, ingest, wire
from etl.items.careful import read_carefully
from etl.items.tolerant import read_tolerantly
from etl.sources import Limits
from etl.sources.raw import RawItems
from etl.sources.windows import list_batches, object_batches
from tests.property.mutations import SAMPLE, mutate, paths
from tests.security.lines import scaled

COMPANY = CompanyFacts("5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10", "Europe/Berlin", "EUR")
LIMIT = 1_000_000


def chunk(elements: list[bytes]) -> RawItems:
    return RawItems("items.json", "item", range(1, len(elements) + 1), elements, LIMIT)


def assert_accounted_for(elements: list[bytes]) -> tuple[int, int]:
    """Read and check; every element is accepted or rejected, and accepted ones hold together."""
    ingested = ingest([chunk(elements)])
    result = check(ingested, COMPANY)
    rejections = pl.concat([ingested.rejections, result.rejections])
    rejected = set(rejections["item.key"])
    accepted = set(result.items["item.key"])
    assert accepted | rejected == set(range(len(elements)))
    assert not accepted & rejected
    assert ingested.listed == len(elements)
    assert set(result.lines["item.key"]) == accepted
    assert set(rejections["code"]) <= set(CODES)
    assert (
        rejections.select(pl.col("message", "fix", "where", "failure_type").null_count())
        .sum_horizontal()
        .item()
        == 0
    )
    is_part = pl.col("line.tax.type").is_in(["inclusive", "exclusive"]).fill_null(False)
    part = pl.when(is_part).then(pl.col("line.tax")).otherwise(pl.lit(Decimal("0.00")))
    assert result.lines.filter(pl.col("line.base") + part != pl.col("line.gross")).is_empty()
    sums = result.lines.group_by("item.key").agg(pl.col("line.gross").sum().alias("sum"))
    joined = result.items.join(sums, on="item.key", validate="1:1")
    assert joined.filter(pl.col("sum") != pl.col("item.amount")).is_empty()
    assert result.lines.columns == list(schema(CHECKED_LINES))
    return len(accepted), len(rejected)


def test_two_thousand_broken_items_are_all_accounted_for() -> None:
    rng = random.Random(20260314)
    accepted = rejected = 0
    for start in range(0, 2000, 100):
        both = assert_accounted_for([mutate(rng, number=n) for n in range(start, start + 100)])
        accepted, rejected = accepted + both[0], rejected + both[1]
    assert accepted + rejected == 2000
    assert min(accepted, rejected) > 200  # the mutations reach both sides


@settings(max_examples=scaled(25), deadline=None)
@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(seed: int, shuffler: random.Random) -> None:
    rng = random.Random(seed)
    elements = [mutate(rng, number=n) for n in range(12)] + [mutate(rng, number=3)]
    mixed = elements.copy()
    shuffler.shuffle(mixed)
    first, second = (check(ingest([chunk(e)]), COMPANY) for e in (elements, mixed))
    assert first.items.drop("item.where").equals(second.items.drop("item.where"))
    assert first.lines.equals(second.lines)
    assert first.attachments.drop("attachment.url").equals(
        second.attachments.drop("attachment.url")
    )
    # which of several elements with one id comes first is a matter of place, and so is its key
    told = [each.rejections.drop("item.key", "where").sort(pl.all()) for each in (first, second)]
    assert told[0].equals(told[1])


@settings(max_examples=scaled(100), deadline=None)
@given(st.integers(0, 2**32))
def test_the_fast_and_the_careful_way_agree(seed: int) -> None:
    element = mutate(random.Random(seed), number=1)
    fast = wire.decode_fast([element])
    careful = read_carefully(element, item_bytes=LIMIT)
    assert careful.item is not None or careful.faults
    if fast.items:
        assert careful.item == fast.items[0] or _same(careful.item, fast.items[0])
        assert careful.unknown == []
    elif careful.item is not None:
        # Refused for unknown fields, or for a spelling that could hide a key.
        assert careful.unknown or b"\\u00" in element


@settings(max_examples=scaled(100), deadline=None)
@given(st.data())
def test_the_tolerant_and_the_careful_way_agree(data: st.DataObject) -> None:
    item = json.loads(json.dumps(data.draw(st.sampled_from(SAMPLE))))
    for name in data.draw(st.lists(st.sampled_from(["mood", "ä", 'q":', "x y", ""]), min_size=1)):
        objects = [(), *(path for path in paths(item) if isinstance(_at(item, path), dict))]
        _at(item, data.draw(st.sampled_from(objects)))[name] = data.draw(JSON)
    if data.draw(st.booleans()):
        path = data.draw(st.sampled_from(sorted(paths(item), key=str)))
        _at(item, path[:-1])[path[-1]] = data.draw(JSON)
    element = json.dumps(item, ensure_ascii=data.draw(st.booleans())).encode(errors="surrogatepass")
    careful, tolerated = read_carefully(element, item_bytes=LIMIT), read_tolerantly(element)
    if tolerated is not None:
        assert _same(careful.item, tolerated[0])
        assert sorted(careful.unknown) == sorted(tolerated[1])


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _same(one: wire.Item | None, other: wire.Item) -> bool:
    return msgspec.json.encode(one) == msgspec.json.encode(other)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=scaled(60), deadline=None)
@given(st.data())
def test_any_value_at_any_place_is_read_alike_both_ways(data: st.DataObject) -> None:
    item = json.loads(json.dumps(data.draw(st.sampled_from(SAMPLE))))
    path = data.draw(st.sampled_from(sorted(paths(item), key=str)))
    holder: Any = item
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = data.draw(JSON)
    element = json.dumps(item, ensure_ascii=data.draw(st.booleans())).encode(errors="surrogatepass")
    fast, careful = wire.decode_fast([element]), read_carefully(element, item_bytes=LIMIT)
    if fast.items:
        assert _same(careful.item, fast.items[0])
    assert_accounted_for([element])


@settings(max_examples=scaled(100), deadline=None)
@given(st.data())
def test_a_key_that_stands_twice_never_passes(data: st.DataObject) -> None:
    """Whatever the spelling, the double is found, also when it says the same or is null."""
    item = data.draw(st.sampled_from(SAMPLE))
    blanks = data.draw(st.sampled_from(["", " ", "\n\t"]))
    text = json.dumps(item, separators=(f"{blanks},", f"{blanks}:{blanks}"),
                      ensure_ascii=data.draw(st.booleans()))  # fmt: skip
    keys = sorted({step for path in paths(item) for step in path if isinstance(step, str)})
    key = data.draw(st.sampled_from(keys))
    place = text.index(f'"{key}"')
    value = data.draw(st.sampled_from(["null", '""', '"\\u0020:"', "1", "[]", "{}", '"a\\":b"']))
    spelled = key if data.draw(st.booleans()) else f"\\u{ord(key[0]):04x}{key[1:]}"
    doubled = f'{text[:place]}"{spelled}"{blanks}:{value},{text[place:]}'.encode()
    assert wire.decode_fast([doubled]).items == []
    assert read_tolerantly(doubled[:-1] + b',"mood":1}') is None


@settings(max_examples=scaled(100), deadline=None)
@given(st.lists(JSON, max_size=6), st.integers(1, 60), st.sampled_from([None, 0, 2]), st.booleans())
def test_a_list_is_cut_into_its_elements_whatever_the_window(
    values: list[Any], block: int, indent: int | None, is_page: bool
) -> None:
    document = {"data": values, "pagination": {"x": [1]}} if is_page else values
    content = json.dumps(document, indent=indent).encode()
    limits = Limits(block=block, item=100_000)
    cut = object_batches if is_page else list_batches
    # The opening of a page must stand in the first window, as it does at full size.
    first = max(block, content.index(b"[") + 1)
    rest = [content[n : n + block] for n in range(first, len(content), block)]
    batches = cut(content[:first], iter(rest), name="x", limits=limits)
    elements = [element for _, batch in batches for element in batch]
    assert [json.loads(element or b"") for element in elements] == values


@pytest.mark.parametrize("item", SAMPLE[::6])
def test_an_item_cut_off_anywhere_is_one_rejected_item(item: dict[str, Any]) -> None:
    content = json.dumps(item, ensure_ascii=False).encode()
    assert_accounted_for([content[:end] for end in range(len(content))])
