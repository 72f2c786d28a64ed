"""Rejections grouped by cure, and notes with the items concerned."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from lxml import html

from etl.codes import CODES
from etl.frames import REJECTIONS, schema
from etl.pipeline import Request, convert
from etl.review import ReviewView, make_view, render_report
from etl.review.causes import MAX_CONCERNED
from etl.review.report import told
from etl.review.situation import Situation
from etl.review.summary import told as on_a_terminal
from etl.review.terminal import Shown, rejections
from etl.review.words import CURED_BY, grouped, pleo_link, with_gaps
from etl.review.workbook import sheets_of
from tests.golden.cases import ROOT as GOLDEN
from tests.golden.cases import Case
from tests.unit.review import batches


def test_one_cure_is_one_cause_and_the_largest_comes_first(view: ReviewView) -> None:
    first, second = view.causes
    assert (first.items, first.fix) == (2, "add account 4999 to mappings/accounts.csv")
    assert (second.items, second.fix) == (1, "open the expense in Pleo and correct its lines")


def test_a_cause_says_what_pleo_shows(view: ReviewView) -> None:
    cause = view.causes[0]
    assert cause.messages == ("account 4999 is not known",)
    assert cause.pleo_words == (
        "account 4999 is not known – add account 4999 to mappings/accounts.csv"
    )
    assert cause.failure_type == "account_unknown"
    assert cause.failure_words == "the account is not known in the accounting system"


def test_rejected_items_are_named_as_a_person_would(view: ReviewView) -> None:
    kiosk = view.causes[0].concerned[0]
    assert (kiosk.title, kiosk.amount, kiosk.currency) == ("Kiosk", Decimal("12.00"), "EUR")
    assert (kiosk.line, kiosk.where, kiosk.detail) == (1, "items.json, item 8", "")
    assert (str(kiosk.date), kiosk.person) == ("2026-09-05", "")
    # Item 9 has no supplier, so that its employee is its title; item 4 has both.
    unnamed = view.causes[1].concerned[0]
    assert (unnamed.title, unnamed.person, str(unnamed.date)) == ("Ole Dahl", "", "2026-09-05")
    taxi = next(group for group in view.notes if group.code == "DATE-SHIFTED").concerned[0]
    assert (taxi.title, taxi.person, str(taxi.date)) == ("Taxi Berlin", "Ada Berg", "2026-09-30")


def test_every_face_names_a_rejected_item_by_more_than_its_id() -> None:
    frames = batches.frames()
    named = pl.when(pl.col("item.key") == 7).then(pl.lit("Ada Berg")).otherwise("item.user.name")
    items = frames.items.with_columns(named.alias("item.user.name"))
    view = make_view(batches.manifest(), replace(frames, items=items), files=batches.files())
    page = html.document_fromstring(render_report(view))
    row = page.xpath("string(//section[@id='rejected']//tbody/tr[contains(., '00000007')])")
    told = " ".join(str(row).split())
    assert told.startswith("Kiosk Pleo2026-09-05 · Ada Berg · 00000007-aaaa")
    assert "EUR 12.00" in told
    lines = rejections(view.cures, Shown(situation=Situation(company="acme")), few=3)
    said = "  ".join((items["item.id"][7], "EUR 12.00", "Kiosk", "2026-09-05"))
    assert said in [line.text.strip()[: len(said)] for line in lines]
    rejected = next(sheet for sheet in sheets_of(view) if sheet.name == "Rejected")
    kiosk = next(row for row in rejected.rows if row[-1] == items["item.id"][7])
    cells = dict(zip(rejected.heads, kiosk, strict=True))
    assert [str(cells[head]) for head in ("Item", "Date", "Employee", "Amount")] == [
        "Kiosk", "2026-09-05", "Ada Berg", "12.00",
    ]  # fmt: skip


def test_different_messages_of_one_cure_stand_beside_their_items() -> None:
    frames = batches.frames()
    message = pl.format("line {} has no account", pl.int_range(pl.len()))
    changed = replace(frames, rejections=frames.rejections.with_columns(message.alias("message")))
    cause = make_view(batches.manifest(), changed, files=batches.files()).causes[0]
    assert [item.detail for item in cause.concerned] == [
        "line 0 has no account",
        "line 1 has no account",
    ]


def test_an_item_that_could_not_be_read_is_still_named() -> None:
    unreadable = pl.DataFrame(
        [(11, None, None, "JSON-1", "line 12 is cut", "export again", "items.json:12", None)],
        schema=schema(REJECTIONS),
        orient="row",
    )
    frames = replace(batches.frames(), rejections=unreadable)
    cause = make_view(batches.manifest(), frames, files=batches.files()).causes[0]
    assert (cause.items, cause.failure_words) == (1, "")
    assert (cause.concerned[0].item_id, cause.concerned[0].where) == ("", "items.json:12")


def test_forty_items_of_one_account_are_one_line_and_a_thousand_are_capped() -> None:
    view = make_view(batches.repeated_manifest(100), batches.repeated(100), files={})
    cause = view.causes[0]
    assert (len(view.causes), cause.items) == (2, 200)
    assert (len(cause.concerned), cause.left_out) == (MAX_CONCERNED, 200 - MAX_CONCERNED)


def test_notes_lead_to_the_voucher(view: ReviewView) -> None:
    moved = next(group for group in view.notes if group.code == "DATE-SHIFTED")
    taxi = next(v for v in view.vouchers.full if v.source.title == "Taxi Berlin")
    assert moved.concerned[0].anchor == taxi.anchor
    assert moved.meaning.startswith("the posting date was in a closed period")
    assert taxi.note_codes == ("DATE-SHIFTED",)


def test_what_a_note_says_of_all_is_not_repeated_beside_each(view: ReviewView) -> None:
    details = {group.code: group.concerned[0].detail for group in view.notes}
    assert details == {
        "REV-1": "",
        "DATE-SHIFTED": "2026-09-30 lies in a closed period, posted on 2026-10-01",
    }


def test_remarks_without_more_to_say_have_no_empty_column(view: ReviewView) -> None:
    page = html.document_fromstring(render_report(view))
    places = {group.code: place for place, group in enumerate(view.notes)}

    def heads(code: str) -> list[str]:
        return [str(head) for head in page.xpath(f"//*[@id='note-{places[code]}']//th/text()")][:3]

    assert heads("REV-1")[:2] == ["Item", "Amount"]
    assert "What" not in heads("REV-1")
    assert heads("DATE-SHIFTED") == ["Item", "Amount", "What"]


def test_one_item_with_two_remarks_of_a_kind_counts_once() -> None:
    frames = batches.frames()
    twice = pl.concat([frames.notes, frames.notes.with_columns(pl.lit("again").alias("detail"))])
    view = make_view(batches.manifest(), replace(frames, notes=twice), files={})
    assert next(group for group in view.notes if group.code == "DATE-SHIFTED").count == 1


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://app.pleo.io/expenses/1",
        "https://pleo.io.example.org/",
        "https://app.pleo.io@example.org/",
        "https://user:secret@app.pleo.io/",
        "https://notpleo.io/",
        "//app.pleo.io/",
        "data:text/html,x",
        "https://[::1",
        "",
        None,
    ],
)
def test_only_links_to_pleo_are_offered(url: str | None) -> None:
    assert pleo_link(url) is None


def test_a_link_to_pleo_is_kept() -> None:
    assert pleo_link("https://app.pleo.io/expenses/1") == "https://app.pleo.io/expenses/1"


def test_causes_stand_by_who_can_cure_them_and_none_is_lost(view: ReviewView) -> None:
    assert [(group.cured_by, group.title) for group in view.cures] == [
        ("employee", "In Pleo, by the employee or whoever codes the expense"),
        ("bookkeeper", "In your lists and tables, by the bookkeeper"),
    ]
    assert sorted(cause.code for group in view.cures for cause in group.causes) == sorted(
        cause.code for cause in view.causes
    )


def test_every_rejection_says_who_can_cure_it() -> None:
    rejections = {name: code for name, code in CODES.items() if code.kind == "rejection"}
    assert {code.cured_by for code in rejections.values()} <= set(CURED_BY)
    assert CODES["MAP-21"].cured_by == "employee"  # no category in Pleo
    assert CODES["MAP-30"].cured_by == "bookkeeper"  # not in the chart of accounts
    assert CODES["POST-4"].cured_by == "integrator"  # a posting rule that nobody accepted


def test_each_reason_of_the_reviewer_leads_as_a_cause_of_its_own() -> None:
    fix = "change it in Pleo as the reviewer asks, then export it again"
    said = [
        (7, "item-7", None, "REVIEW-1", "rejected by the reviewer: private", fix, "",
         "validation_failure"),
        (8, "item-8", None, "REVIEW-1", "rejected by the reviewer: wrong month", fix, "",
         "validation_failure"),
    ]  # fmt: skip
    rejections = pl.DataFrame(said, schema=schema(REJECTIONS), orient="row")
    frames = replace(batches.frames(), rejections=rejections)
    private, month = make_view(batches.manifest(), frames, files=batches.files()).causes
    assert private.title == "rejected by the reviewer: private"
    assert private.details == (fix,)
    assert month.pleo_words == f"rejected by the reviewer: wrong month – {fix}"
    # The type is not told as if the expense were at fault.
    assert month.failure_words == "sent to Pleo as validation failure"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("EUR 1190.00 on each side", "EUR 1<i>190</i>.00 on each side"),
        ("net -12345678.90, tax 2.00", "net -12<i>345</i><i>678</i>.90, tax 2.00"),
        ("<b> 1190.00", "&lt;b&gt; 1<i>190</i>.00"),
        ("invoice RE-1190.00, 2026.1190.00, 1190.00.3", None),
        ("account 1190, 119.00 or 1190.000", None),
    ],
)
def test_amounts_in_sentences_are_written_as_everywhere(text: str, written: str | None) -> None:
    assert told(text) == (text if written is None else written)
    plain = text if written is None else with_gaps(text, grouped)
    assert on_a_terminal(text).replace("\u00a0", " ") == plain


def test_a_check_of_a_template_says_who_can_cure_it(tmp_path: Path) -> None:
    """IIF knows no payment of a bill: the bookkeeper pays it by hand, no rule of ours does."""
    folder = GOLDEN / "quickbooks-iif"
    Case(folder / "payables").convert(tmp_path / "out")
    request = Request(
        sources=[str(tmp_path / "items.json")],
        template="quickbooks-iif",
        mapping=folder / "mapping.yaml",
    )
    (cures,) = convert(request).view.cures
    assert (cures.cured_by, cures.title) == (
        "bookkeeper", "In your lists and tables, by the bookkeeper",
    )  # fmt: skip
    assert [cause.code for cause in cures.causes] == ["IIF-1"]
