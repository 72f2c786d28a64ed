"""The page for everybody: contrast, headings, tables, names of pictures, and links that arrive."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
from lxml import etree, html

from etl.review import make_view, render_report
from tests.unit.review import batches
from tests.unit.review.test_golden_views import convert_first

#: WCAG AA: text against what is behind it, and parts of pictures.
TEXT, PICTURE = 4.5, 3.0
INKS = ("ink", "soft", "accent", "good", "look", "stop")
BEHIND = ("paper", "sheet", "wash")
SCHEMES = ("light", "dark", "paper")


def colours() -> dict[str, dict[str, str]]:
    """Give the colours by name, of each scheme; what a scheme does not say is as in the first."""
    css = files("etl.review").joinpath("report.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    said = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", block)) for block in blocks]
    assert len(said) == len(SCHEMES)
    return {name: said[0] | one for name, one in zip(SCHEMES, said, strict=True)}


def light_of(colour: str) -> float:
    """Give the relative luminance of a colour (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lights = sorted((light_of(one), light_of(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def test_the_measure_is_the_one_of_the_standard() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#fff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_ink_can_be_read_on_every_ground(scheme: str) -> None:
    known = colours()[scheme]
    poor = {
        (ink, ground): round(contrast(known[ink], known[ground]), 2)
        for ink in INKS
        for ground in BEHIND
        if contrast(known[ink], known[ground]) < TEXT
    }
    assert poor == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_bars_can_be_told_from_the_ground(scheme: str) -> None:
    known = colours()[scheme]
    poor = {
        bar: round(contrast(known[bar], known["paper"]), 2)
        for bar in ("bar", "bar-minus")
        if contrast(known[bar], known["paper"]) < PICTURE
    }
    assert poor == {}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[html.HtmlElement]:
    """Give the page with all its sections, and one whose cells are traced."""
    folder: Path = tmp_path_factory.mktemp("first")
    made = make_view(
        batches.manifest(), batches.frames(), files=batches.files(), rules=batches.RULES,
        steps=("Choose the file",),
    )  # fmt: skip
    long = make_view(batches.repeated_manifest(200), batches.repeated(200), files={})
    views = (made, convert_first(folder), long)
    return [html.document_fromstring(render_report(view)) for view in views]


def test_headings_follow_each_other_without_a_gap(pages: list[html.HtmlElement]) -> None:
    for page in pages:
        levels = [int(heading.tag[1]) for heading in page.iter("h1", "h2", "h3", "h4", "h5")]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert [pair for pair in pairwise(levels) if pair[1] > pair[0] + 1] == []


def test_every_table_has_a_name_and_every_head_a_scope(pages: list[html.HtmlElement]) -> None:
    for page in pages:
        assert [head for head in page.iter("th") if head.get("scope") not in ("col", "row")] == []
        for table in page.iter("table"):
            region = table.getparent()
            names = [region.get("aria-label"), region.get("aria-labelledby")]
            captions = [caption.text_content().strip() for caption in table.iter("caption")]
            assert any(names) or any(captions), etree.tostring(table)[:300]
            assert table.find("thead") is not None


def test_what_scrolls_can_be_reached_and_has_a_name(pages: list[html.HtmlElement]) -> None:
    for page in pages:
        for region in page.find_class("scroll"):
            assert region.get("tabindex") == "0"
            assert region.get("role") == "region"
            label = region.get("aria-labelledby")
            assert region.get("aria-label") or page.get_element_by_id(label).text_content()


def test_pictures_have_a_name_or_repeat_what_stands_beside(pages: list[html.HtmlElement]) -> None:
    for page in pages:
        for picture in page.iter("svg"):
            is_named = picture.get("role") == "img" and bool(picture.get("aria-label"))
            assert is_named or picture.get("aria-hidden") == "true"


def test_ids_are_unique_and_every_link_inside_arrives(pages: list[html.HtmlElement]) -> None:
    for page in pages:
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids))
        assert {link[1:] for link in page.xpath("//@href") if link.startswith("#")} <= set(ids)


def test_sections_stand_in_the_order_of_the_navigation(pages: list[html.HtmlElement]) -> None:
    for page in pages:
        named = [link[1:] for link in page.xpath("//nav//a/@href")]
        assert named == page.xpath("//main/section/@id")
        assert page.xpath("//html/@lang") == ["en"]
        assert page.xpath("//body/a[1]/@href") == ["#main"]


def test_a_value_that_only_a_pointer_reaches_is_reached_by_its_line_too(
    pages: list[html.HtmlElement],
) -> None:
    for row in pages[1].xpath("//div[contains(@class, 'sheet')]//tbody/tr"):
        places = {link.rpartition("-")[0] for link in row.xpath("./td/a/@href")}
        assert places <= set(row.xpath("./th/a[not(@tabindex)]/@href"))
