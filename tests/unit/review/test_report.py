"""The page as text: self-contained, deterministic, well-formed for those who cannot see it."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import polars as pl
import pytest
from lxml import html

from etl.review import ReviewView, RuleText, make_view, render_report, render_summary
from etl.review.report import count, money, raw, shown, size
from etl.review.workbook import sheets_of
from tests.browser.hostile import HOSTILE
from tests.unit.review import batches


def _hostile_page(text: str) -> html.HtmlElement:
    manifest = batches.manifest()
    manifest["batch"] = dict.fromkeys(("id", "number", "company", "job", "created"), text)
    manifest["parameters"] = {text: text}
    manifest["files"][0]["name"] = text
    rules = (RuleText(text, text, text),) * len(batches.RULES)
    view = make_view(
        manifest, batches.with_text(text), files={text: text.encode()}, rules=rules,
        steps=(text,),
    )  # fmt: skip
    return html.document_fromstring(render_report(view))


def _words(element: html.HtmlElement) -> str:
    """Give the text of an element; cells and terms are words of their own, digits are not."""
    parts = html.tostring(element, encoding="unicode")
    apart = re.sub(r"</(td|th|dt|dd|p|h[1-6]|tr|li)>", " ", parts)
    return re.sub(r"\s+", " ", html.fromstring(apart).text_content())


def test_a_parameter_that_was_left_out_is_not_given() -> None:
    manifest = batches.manifest()
    manifest["parameters"] = {"chart": None, "account_length": 4}
    page = render_report(make_view(manifest, batches.frames(), files=batches.files()))
    words = _words(html.document_fromstring(page))
    assert "Parameter account_length 4" in words
    assert "Parameter chart not given" in words


def test_the_same_batch_gives_the_same_bytes(view: ReviewView) -> None:
    again = make_view(
        batches.manifest(), batches.frames(), files=batches.files(), rules=batches.RULES,
        steps=("Choose the file", "Post the batch"),
    )  # fmt: skip
    shuffled = replace(
        batches.frames(), rejections=batches.rejections().reverse(), lines=batches.frames().lines
    )
    first = render_report(again)
    assert first == render_report(again)
    other = make_view(
        batches.manifest(), shuffled, files=batches.files(), rules=batches.RULES,
        steps=("Choose the file", "Post the batch"),
    )  # fmt: skip
    assert first == render_report(other)


def test_the_policy_allows_the_one_style_by_its_hash_and_nothing_else(view: ReviewView) -> None:
    page = render_report(view)
    (style,) = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = html.document_fromstring(page).xpath(
        "//meta[@http-equiv='Content-Security-Policy']/@content"
    )
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def test_the_page_needs_nothing_from_outside(view: ReviewView) -> None:
    page = html.document_fromstring(render_report(view))
    assert page.xpath("//script | //link | //img | //iframe | //object | //form | //base") == []
    assert page.xpath("//@style | //@src | //@*[starts-with(name(), 'on')]") == []
    assert "url(" not in page.xpath("string(//style)")
    for link in page.xpath("//a/@href"):
        assert link.startswith(("#", "https://app.pleo.io/"))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_an_element_or_an_attribute(text: str) -> None:
    plain = _hostile_page("harmless")
    hostile = _hostile_page(text)

    def shape(page: html.HtmlElement) -> Counter[tuple[str, tuple[str, ...]]]:
        # The file holds the text itself and may have other cells.
        for part in page.xpath("//section[@id='files']"):
            part.getparent().remove(part)
        return Counter(
            (str(element.tag), tuple(sorted(element.attrib)))
            for element in page.iter()
            if element.tag not in ("span", "bdi")
        )

    assert shape(hostile) == shape(plain)


def test_anchors_lead_somewhere_and_ids_are_single(view: ReviewView) -> None:
    page = html.document_fromstring(render_report(view))
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    named = [link[1:] for link in page.xpath("//a/@href") if link.startswith("#")]
    labels = [name for text in page.xpath("//@aria-labelledby") for name in text.split()]
    assert set(named + labels) <= set(ids)


def test_landmarks_headings_and_tables_are_there_for_a_screen_reader(view: ReviewView) -> None:
    page = html.document_fromstring(render_report(view))
    assert page.get("lang") == "en"
    for landmark in ("header", "nav", "main"):
        assert len(page.xpath(f"/html/body/{landmark}")) == 1
    levels = [int(element.tag[1]) for element in page.xpath("//h1 | //h2 | //h3 | //h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    for table in page.xpath("//table"):
        assert table.xpath("./thead//th[@scope='col']")
        is_named = table.xpath("./caption") or table.xpath(
            "./ancestor::*[@role='region'][@aria-label or @aria-labelledby]"
        )
        assert is_named
    for region in page.xpath("//*[@role='region']"):
        assert region.get("tabindex") == "0"
    for picture in page.xpath("//svg"):
        assert picture.get("aria-hidden") == "true" or picture.get("aria-label")


def test_a_reader_finds_what_a_bookkeeper_needs_on_the_first_screen(view: ReviewView) -> None:
    page = html.document_fromstring(render_report(view))
    head = _words(page.xpath("/html/body/header")[0])
    assert "7 of 11 items are in the file" in head
    assert "3 items were rejected, for 2 causes" in head
    glance = _words(page.xpath("//section[@id='glance']")[0])
    assert "Listed by Pleo 11 In the file 7 Rejected 3" in glance
    assert "1360 Pleo Wallet EUR EUR 5023.80 425.50 4598.30" in glance


def test_what_to_do_next_depends_on_the_state() -> None:
    def steps(view: ReviewView) -> list[str]:
        page = html.document_fromstring(render_report(view))
        return [step.text_content() for step in page.xpath("//section[@id='next']//li")]

    good = make_view(batches.manifest(), batches.frames(), files=batches.files(), steps=("Post",))
    assert steps(good)[-1] == "Post"
    assert steps(good)[0].startswith("Cure what is listed under Rejected")
    manifest = {**batches.manifest(), "read_back": {"ok": False, "rows": 0}}
    stopped = make_view(manifest, batches.frames(), files=batches.files(), steps=("Post",))
    assert len(steps(stopped)) == 1
    assert steps(stopped)[0].startswith("Do not import these files")
    untold = make_view(batches.manifest(), batches.frames(), files=batches.files())
    assert steps(untold)[-1].startswith("Import EXTF_Pleo_1_1.csv as the README")


def test_a_text_that_all_postings_of_a_voucher_share_stands_once() -> None:
    frames = batches.frames()
    texts = frames.postings.with_columns(pl.lit("Paper for the office").alias("posting.text"))
    view = make_view(
        batches.manifest(), replace(frames, postings=texts), files=batches.files(),
        company="Acme Office GmbH",
    )  # fmt: skip
    page = html.document_fromstring(render_report(view))
    assert page.text_content().count("Paper for the office") == len(view.vouchers.full)
    assert "Acme Office GmbH" in page.xpath("string(/html/body/header)")
    assert page.xpath("string(//title)") == "Review of batch 1, Acme Office GmbH"


def test_an_empty_batch_has_a_page() -> None:
    view = make_view({"read_back": {"ok": True}}, batches.nothing(), files={})
    text = html.document_fromstring(render_report(view)).text_content()
    assert "Nothing to import" in text
    assert "There is no voucher in this batch" in text
    assert "No file was written" in text


# ── how values are written ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0.00", "0.00"),
        ("999.99", "999.99"),
        ("-1234.50", "-1<i>234</i>.50"),
        ("1234567.89", "1<i>234</i><i>567</i>.89"),
        ("100000000.00", "100<i>000</i><i>000</i>.00"),
        ("1E+3", "1<i>000</i>"),
    ],
)
def test_an_amount_has_its_gaps_in_the_style_so_that_a_copy_is_plain(
    amount: str, written: str
) -> None:
    assert money(Decimal(amount)) == written
    assert money(None) == ""


def test_counts_and_sizes() -> None:
    assert count(12345) == "12<i>345</i>"
    sizes = [size(number) for number in (999, 1000, 2310, 1_500_000, 5_000_000_000)]
    assert sizes == ["999 bytes", "1.0 kB", "2.3 kB", "1.5 MB", "5000.0 MB"]


def test_invisible_characters_are_marked_with_name_and_number() -> None:
    assert shown("a\u202eb") == (
        'a<span class="inv" title="U+202E right-to-left override">U+202E</span>b'
    )
    assert shown("a\nb") == 'a<span class="inv" title="U+000A line feed">LF</span>b'


def test_blanks_of_odd_width_are_marked_in_a_file_and_not_in_a_text() -> None:
    assert shown("1\xa0000") == "1\xa0000"
    assert raw("1\xa0000\r\n") == (
        '1<span class="inv" title="U+00A0 no-break space">NBSP</span>000'
        '<span class="inv" title="U+000D carriage return">CR</span>'
        '<span class="inv" title="U+000A line feed">LF</span>'
    )


def test_a_text_of_ten_thousand_characters_is_cut_and_says_so() -> None:
    written = shown("<" * 10_000)
    assert written.startswith("&lt;" * 600 + "<span")
    assert written.endswith('<span class="more">… 9400 more characters</span>')


def test_text_from_right_to_left_is_kept_apart() -> None:
    assert shown("עברית") == "<bdi>עברית</bdi>"


def test_a_file_of_receipts_counts_its_files_and_no_postings() -> None:
    """The zip of DATEV: the manifest counts the three postings whose receipts it packs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as members:
        for name in ("document.xml", "rec-0000_01.pdf", "rec-0001_01.jpg"):
            members.writestr(name, "x")
    manifest = batches.manifest()
    manifest["files"].append({"name": "Belege_1.zip", "sha256": "ab", "rows": 3, "totals": []})
    files = {**batches.files(), "Belege_1.zip": packed.getvalue()}
    view = make_view(manifest, batches.frames(), files=files)
    table = html.document_fromstring(render_report(view)).xpath(
        "//table[../@aria-labelledby='by-file-title']"
    )[0]
    last = table.xpath(".//tr")[-1]
    assert [cell.text_content() for cell in last] == ["Belege_1.zip", "", "3 files"]
    assert re.search(r"Belege_1\.zip +3 files$", render_summary(view), re.MULTILINE)
    listed = next(sheet for sheet in sheets_of(view) if sheet.name == "Files").rows[-1]
    assert (listed[0], listed[1], listed[3:6]) == ("Belege_1.zip", None, (None, None, None))
