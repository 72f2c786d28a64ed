"""A batch comes out the same whether it is worked on at once or in small parts."""

from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl
import pytest

import etl.items.reading
import etl.parts
import etl.rendering.proof
import etl.rendering.readback
import etl.rendering.sheets
from etl.conversion import Conversion
from etl.errors import UserMustFix
from etl.pipeline import Request, convert
from tests.perf.generate import write_items

MAPPING = Path(__file__).parents[2] / "perf" / "mapping.yaml"


def converted(source: Path) -> Conversion:
    return convert(Request(sources=[str(source)], template="generic", mapping=MAPPING))


@pytest.fixture
def items(tmp_path: Path) -> Path:
    """Sixty items, one of them of another company and one that cannot be read at all."""
    source = tmp_path / "items.ndjson"
    write_items(source, 60)
    lines = source.read_text(encoding="utf-8").splitlines()
    foreign = json.loads(lines[7])
    foreign["companyId"] = "00000000-0000-4000-8000-000000000000"
    lines[7] = json.dumps(foreign)
    lines[31] = '{"accountingEntryId": 5}'
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return source


def in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etl.items.reading, "_CHUNKS_TOGETHER", 1)
    monkeypatch.setattr(etl.parts, "ITEMS_AT_ONCE", 7)
    monkeypatch.setattr(etl.rendering.sheets, "SLICE", 5)
    for module in (etl.rendering.proof, etl.rendering.readback):
        monkeypatch.setattr(module, "WINDOW_BYTES", 3000)


def test_parts_change_nothing(items: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = converted(items)
    in_small_parts(monkeypatch)
    parted = converted(items)
    assert parted.counts == whole.counts
    assert parted.counts.rejected == 2
    assert [file.content for file in parted.files] == [file.content for file in whole.files]
    assert parted.rejections.equals(whole.rejections)
    assert dict(parted.head) == dict(whole.head)
    for mine, theirs in zip(parted.reports, whole.reports, strict=True):
        if mine.name.endswith(".parquet"):
            frames = [pl.read_parquet(io.BytesIO(made.content)) for made in (mine, theirs)]
            assert frames[0].equals(frames[1])
        else:
            assert mine.content == theirs.content


@pytest.mark.parametrize("at", [0.02, 0.5, 0.99])
def test_a_changed_digit_is_found_in_every_window(
    items: Path, monkeypatch: pytest.MonkeyPatch, at: float
) -> None:
    in_small_parts(monkeypatch)
    compare = etl.rendering.readback.read_in_windows
    seen = []

    def changed(content: bytes, *rest: object) -> object:
        seen.append(len(content))
        place = content.index(b".", content.index(b"\n", int(at * len(content)) - 400))
        digit = b"8" if content[place + 1 : place + 2] != b"8" else b"7"
        return compare(content[: place + 1] + digit + content[place + 2 :], *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(etl.rendering.proof, "read_in_windows", changed)
    with pytest.raises(UserMustFix) as caught:
        converted(items)
    assert seen
    assert caught.value.problems[0].code == "PROOF-2"


def test_the_line_that_differs_is_named_in_the_last_window(
    items: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_parts(monkeypatch)
    compare = etl.rendering.readback.read_in_windows
    lines = []

    def changed(content: bytes, *rest: object) -> object:
        lines.append(content.count(b"\n"))
        head, last, _ = content.rsplit(b"\r\n", 2)
        number, comma, others = last.partition(b",")
        return compare(head + b"\r\n9" + number + comma + others + b"\r\n", *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(etl.rendering.proof, "read_in_windows", changed)
    with pytest.raises(UserMustFix) as caught:
        converted(items)
    assert caught.value.problems[0].where.endswith(f":{lines[0]}")
