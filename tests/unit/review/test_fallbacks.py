"""Fallbacks of the mapping that were used: one remark for each, with what it gave and to whom.

item 1  30.00  category 6670, which accounts.csv lacks   account 4980, no tax: T9
item 2  50.00  category 6640 -> 4650                     tax VSt19
item 3  70.00  6670: 20.00, 6640 with VSt19: 50.00       4980 and 4650, T9 for the first
item 4  rejected: its lines do not add up                nothing of it counts
"""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from lxml import html

from etl.findings import note
from etl.frames import ITEM_KEY
from etl.pipeline import Request, convert
from etl.review import ReviewView, make_view, render_report, render_summary
from etl.review.model import NoteGroup
from etl.review.terminal import Shown, remarks
from etl.review.vouchers import MAX_FULL_OF_LONG, MAX_WHOLE, choose
from etl.review.workbook import render_workbook
from tests.fakes.items import item, page
from tests.unit.cli.workspaces import ACCOUNTS, MAPPING, TEMPLATE
from tests.unit.review import batches
from tests.unit.review.test_terminal import SITUATION, whole

ITEMS = [
    item(n=1, wallet="30.00 EUR", merchant="Taxi Berlin", lines=[{"account": "6670 Reise"}]),
    item(n=2, wallet="50.00 EUR",
         lines=[{"account": "6640 Bewirtung", "tax": "VSt19 0.19 inclusive 7.98"}]),
    item(n=3, wallet="70.00 EUR", merchant="Hotel Adlon",
         lines=[{"account": "6670 Reise", "gross": "20.00"},
                {"account": "6640 Bewirtung", "gross": "50.00",
                 "tax": "VSt19 0.19 inclusive 7.98"}]),
    item(n=4, wallet="10.00 EUR", lines=[{"account": "6670 Reise", "gross": "9.00"}]),
]  # fmt: skip
FIXED = MAPPING.replace(
    """    - {use: "{{ line.account.code }}"}\n""", """    - {use: "4980"}\n"""
).replace("{use: none}]", "{use: T9}]")
#: Items 1 and 3, in the order of a batch: by id.
BOTH = sorted(ITEMS[at]["accountingEntryId"] for at in (0, 2))
ACCOUNT = "expense account from the fallback 4980 at mapping.yaml:11:7, as accounts.csv gave none"
TAX = "tax code from the fallback T9 at mapping.yaml:13:44"


def convert_with(folder: Path, mapping: str) -> Path:
    (folder / "templates" / "plain").mkdir(parents=True)
    (folder / "templates" / "plain" / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
    (folder / "mapping.yaml").write_text(mapping, encoding="utf-8")
    (folder / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    (folder / "items.json").write_text(json.dumps(page(*ITEMS)), encoding="utf-8")
    return folder


def view_with(folder: Path, mapping: str = FIXED) -> ReviewView:
    convert_with(folder, mapping)
    template = str(folder / "templates" / "plain")
    source = [str(folder / "items.json")]
    return convert(Request(sources=source, template=template, mapping=folder / "mapping.yaml")).view


def fallbacks(view: ReviewView) -> dict[str, NoteGroup]:
    return {note.meaning: note for note in view.notes if note.code == "MAP-FALLBACK"}


def told(group: NoteGroup) -> list[tuple[str, str]]:
    return [(one.item_id, one.detail) for one in group.concerned]


def test_each_fallback_is_a_remark_of_its_own_with_its_items(tmp_path: Path) -> None:
    found = fallbacks(view_with(tmp_path))
    assert list(found) == [ACCOUNT, TAX]
    for group in found.values():
        assert (group.count, told(group)) == (2, [(entry, "") for entry in BOTH])
        assert not group.is_blocking


def test_what_is_worked_out_for_each_line_stands_beside_the_item(tmp_path: Path) -> None:
    ((meaning, group),) = fallbacks(view_with(tmp_path, MAPPING)).items()
    code = "{{ line.account.code }}"
    assert meaning == ACCOUNT.replace("4980", code)
    assert told(group) == [(entry, "taken: 6670") for entry in BOTH]


@pytest.mark.parametrize(
    ("rules", "is_fallback"),
    [
        ("""{when: "{{ item.note }}", use: "1"}, {use: "2"}""", True),
        ("""{use: "{{ item.note }}"}, {use: "{{ line.account.code }}"}""", True),
        # The other case, not what is left when a rule gave nothing.
        ("""{when: "{{ item.note }}", use: "1"}, {use: "{{ line.account.code }}"}""", False),
        ("""{use: "2"}""", False),
        ("""{use: "{{ item.note }}"}, {when: "{{ item.type }}", use: "2"}""", False),
    ],
)
def test_what_is_a_fallback(tmp_path: Path, rules: str, is_fallback: bool) -> None:
    start, end = MAPPING.index("  account.expense:"), MAPPING.index("  account.wallet:")
    mapping = f"{MAPPING[:start]}  account.expense: [{rules}]\n{MAPPING[end:]}"
    assert bool(fallbacks(view_with(tmp_path, mapping))) is is_fallback


def test_an_account_of_tax_that_nobody_posts_is_not_remarked(tmp_path: Path) -> None:
    tax = """  account.tax_in: [{use: "{{ line.tax.in_account }}"}, {use: "1576"}]\n"""
    assert list(fallbacks(view_with(tmp_path, FIXED + tax))) == [ACCOUNT, TAX]


def test_the_page_links_the_remark_and_the_voucher_both_ways(tmp_path: Path) -> None:
    view = view_with(tmp_path)
    tree = html.fromstring(render_report(view))
    for place, meaning in enumerate(group.meaning for group in view.notes):
        if meaning not in (ACCOUNT, TAX):
            continue
        group = tree.get_element_by_id(f"note-{place}")
        links = [link.get("href")[1:] for link in group.xpath(".//th/a[starts-with(@href, '#')]")]
        assert len(links) == 2
        for link in links:
            voucher = tree.get_element_by_id(link)
            assert voucher.xpath(f".//a[@href='#note-{place}']")


def test_the_terminal_tells_each_in_80_columns(tmp_path: Path) -> None:
    view = view_with(tmp_path)
    few = remarks(view.notes, Shown(situation=SITUATION), few=50)
    for lines in (few, whole(SITUATION, view)):
        text = " ".join(" ".join(line.text.split()) for line in lines)
        assert f"2 items {ACCOUNT} (MAP-FALLBACK)" in text
        assert f"2 items {TAX} (MAP-FALLBACK)" in text
        assert all(len(line.text) <= 80 for line in lines if line.style != "whole")
    assert "2 items" in render_summary(view)
    assert "expense account from the fallback 4980" in render_summary(view)


def test_the_control_sheet_lists_the_items_under_each(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(render_workbook(view_with(tmp_path))))
    head, *rows = book["To look at"].iter_rows(values_only=True)
    at = {name: place for place, name in enumerate(head)}
    listed = [(row[at["Meaning"]], row[at["Item id"]]) for row in rows if row[0] == "MAP-FALLBACK"]
    assert listed == [(meaning, entry) for meaning in (ACCOUNT, TAX) for entry in BOTH]


def test_a_remark_of_a_few_is_shown_in_full_before_one_of_all() -> None:
    """In a long batch: 1,200 items used a fallback, and the last one is unusually large."""
    count = MAX_WHOLE + 200
    keys = pl.Series(ITEM_KEY, range(count), pl.UInt32)
    vouchers = pl.DataFrame([keys, keys.alias("voucher.key")])
    items = pl.DataFrame([keys, keys.cast(pl.String).alias("item.id")])
    noted = pl.concat(
        [note(items, "MAP-FALLBACK", "x", about="x"), note(items.tail(1), "REV-2", "large")]
    )
    chosen = choose(replace(batches.frames(), vouchers=vouchers, notes=noted))
    shown_keys = chosen.full[ITEM_KEY].to_list()
    assert shown_keys == [*range(MAX_FULL_OF_LONG - 1), count - 1]


def test_the_same_fallback_in_the_frames_by_hand_stands_once() -> None:
    frames = batches.frames()
    of_items = frames.items.filter(pl.col(ITEM_KEY) < 2).select(ITEM_KEY, "item.id")
    noted = [note(of_items, "MAP-FALLBACK", "taken: 1", about=about) for about in ("a", "b", "a")]
    view = make_view(
        batches.manifest(), replace(frames, notes=pl.concat([frames.notes, *noted])),
        files=batches.files(),
    )  # fmt: skip
    assert [(group.meaning, group.count) for group in fallbacks(view).values()] == [
        ("a", 2), ("b", 2),
    ]  # fmt: skip
