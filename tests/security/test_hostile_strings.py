"""S-02: texts of strangers in every text field, for every shipped template."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from etl.cli.talk import printable
from etl.codes import CODES
from etl.conversion import Conversion
from tests.security.hostile_strings import EVALUATED, FORMULAS, HOSTILE
from tests.security.lines import LINES, SCALE, Line, files_of, write_items
from tests.security.rich import FREE, Maker, rich_item, text_paths

#: Every text stands in one of so many fields (and in all free ones), with every template in
#: others; nightly runs take all.
STRIDE = max(1, int(24 / SCALE))
#: What separates the cells of formats that a spreadsheet opens; every other format has no cells.
DELIMITERS = {
    "datev-extf": ";",
    "fec": "\t",
    "generic": ",",
    "netsuite-journal": ",",
    "quickbooks-iif": "\t",
    "sage-50-uk": ",",
    "xero-bills": ",",
}
TRIGGERS = tuple("=+-@\t\r＝＋－＠")
NUMBER = re.compile(r"[-+]?[0-9]+([.,][0-9]+)*\Z")
#: Columns with `formulas: {off: ...}` hold none of what a formula needs to call or point.
HARMLESS = re.compile(r"[-+$&%*/_A-Za-z0-9]*\Z")
STEERING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
every_line = pytest.mark.parametrize("line", LINES, ids=lambda line: line.template)


def hostile_items(line: Line) -> Iterator[dict[str, Any]]:
    """Give one item per text with it in all free fields, and more with it in one field each."""
    item = rich_item(line)
    maker = Maker(item)
    paths = list(text_paths(item))
    for at, text in enumerate(HOSTILE, LINES.index(line)):
        yield maker.make(*((path, text) for path in FREE))
        for number, path in enumerate(paths):
            if (at + number) % STRIDE == 0:
                yield maker.make((path, text))


def cells_of(line: Line, content: bytes) -> Iterator[str]:
    """Give the cells of a file for spreadsheets, read without the product."""
    encoding = "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252")
    delimiter = DELIMITERS[line.template]
    if delimiter == "\t":
        yield from (cell for row in text.splitlines() for cell in row.split("\t"))
    else:
        csv.field_size_limit(10**7)
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            yield from row


def is_triggering(cell: str) -> bool:
    return cell.startswith(TRIGGERS) and not NUMBER.match(cell) and not HARMLESS.match(cell)


def assert_rejections_hold(content: bytes) -> None:
    for row in csv.reader(io.StringIO(content.decode(), newline="")):
        for cell in row:
            assert not cell.lstrip().startswith(TRIGGERS), cell[:80]
            assert not re.search("[\x00-\x1f\x7f]", cell), cell[:80]


@every_line
def test_texts_of_strangers_end_as_text_or_as_rejections(line: Line, tmp_path: Path) -> None:
    items = list(hostile_items(line))
    before = Maker(rich_item(line)).make()
    gross = Decimal(before["amount"]["inWalletCurrency"]["value"]) / 100
    conversion = line.convert(write_items(tmp_path / "items.ndjson", items))
    counts = conversion.counts
    assert counts.items == len(items) == counts.rendered + counts.rejected
    assert counts.rendered >= len(items) // 8
    (total,) = conversion.head["totals"]
    assert Decimal(total["debit"]) == Decimal(total["credit"]) == gross * counts.rendered
    files = files_of(conversion)
    for file in conversion.files:
        if line.template in DELIMITERS and not file.name.endswith(".xlsx"):
            bad = [cell for cell in cells_of(line, file.content) if is_triggering(cell)]
            assert bad == []
        for mark in EVALUATED:
            assert mark.encode() not in file.content
    assert_rejections_hold(files["rejections.csv"])
    of_template = {check["code"] for check in line.document.get("checks", ())}
    assert set(conversion.rejections["code"]) <= CODES.keys() | of_template


def test_every_table_for_spreadsheets_is_looked_at() -> None:
    for line in LINES:
        kinds = {file["kind"] for file in line.document["files"].values()}
        if any(kind == "csv" or "parameters" in kind for kind in kinds):
            assert line.template in DELIMITERS


def test_guards_are_needed() -> None:
    """The texts would do harm: without a guard, this test's own reader would find them."""
    assert len(HOSTILE) >= 500
    assert sum(map(is_triggering, FORMULAS)) > 100


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: dict[str, int] = {}
        self.odd: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        for name, value in attrs:
            link = name in ("href", "src", "action", "formaction", "srcdoc", "data")
            if name.startswith("on") or (
                link and not str(value).startswith(("#", "https://app.pleo.io/"))
            ):
                self.odd.append(f"{tag} {name}={str(value)[:60]}")


def page_of(conversion: Conversion) -> tuple[_Page, str]:
    text = files_of(conversion)["review.html"].decode()
    page = _Page()
    page.feed(text)
    return page, text


@pytest.mark.parametrize("line", LINES[:1] + LINES[-1:], ids=lambda line: line.template)
def test_the_review_shows_texts_as_texts(line: Line, tmp_path: Path) -> None:
    maker = Maker(rich_item(line))
    plain = write_items(tmp_path / "plain.ndjson", [maker.make(), maker.make((("note",), None))])
    texts = HOSTILE[:: max(1, int(4 / SCALE))]
    items = [maker.make(*((path, text) for path in FREE)) for text in texts]
    items += [maker.make((("type",), text)) for text in texts[::3]]
    expected, _ = page_of(line.convert(plain))
    found, text = page_of(line.convert(write_items(tmp_path / "items.ndjson", items)))
    assert found.odd == []
    assert found.tags.keys() <= expected.tags.keys() | {
        "b",
        "strong",
        "em",
        "mark",
        "small",
        "ul",
        "ol",
        "li",
        "del",
        "ins",
        "abbr",
        "bdi",
        "i",
        "blockquote",
        "h4",
        "td",
        "p",
    }
    for tag in ("script", "style", "meta", "link", "body", "form", "iframe"):
        assert found.tags.get(tag) == expected.tags.get(tag)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    for mark in EVALUATED:
        assert mark not in text


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["for people", "for programs"])
def test_nothing_steers_the_terminal(tmp_path: Path, more: list[str]) -> None:
    line = LINES[0]
    maker = Maker(rich_item(line))
    steering = [text for text in HOSTILE if STEERING.search(text)]
    paths = [("type",), ("accountingEntryId",), ("date",), ("companyId",)]
    items = [maker.make((path, text)) for text in steering for path in paths]
    size = 300 if more else 60
    for part in range(0, len(items), size):
        source = write_items(tmp_path / "items.ndjson", items[part : part + size])
        result = line.run(source, out=tmp_path / f"out{part}", more=more)
        assert result.exit_code == 1
        for stream in (result.stdout, result.stderr):
            assert not STEERING.search(stream), STEERING.search(stream)
        if more:
            json.loads(result.stdout)


def test_printable_takes_out_what_steers() -> None:
    for text in HOSTILE:
        assert not STEERING.search(printable(text).replace("\t", ""))


def test_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = LINES[0]
    maker = Maker(rich_item(line))
    items = [maker.make(*((path, text) for path in FREE)) for text in HOSTILE]
    assert line.run(write_items(tmp_path / "i.ndjson", items), out=tmp_path / "out").exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["i.ndjson", "out"]
