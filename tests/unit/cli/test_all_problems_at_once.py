"""All problems of an item in one run, also those of stages behind the one that refused it first."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.fakes.items import item
from tests.unit.cli.workspaces import MAPPING, Workspace

RECEIPT = {"id": "f1", "type": "application/pdf", "url": "https://files.example/1"}


def _problems(workspace: Workspace, *items: dict[str, Any]) -> list[tuple[str, str]]:
    workspace.convert(workspace.items(*items))
    text = workspace.files()["rejections.csv"].decode("utf-8-sig")
    return sorted((r["code"], r["failure_type"]) for r in csv.DictReader(io.StringIO(text)))


def _codes(workspace: Workspace, *items: dict[str, Any]) -> list[str]:
    return [code for code, _ in _problems(workspace, *items)]


def _with_setting(workspace: Workspace, setting: str) -> None:
    (workspace.root / "acme.yaml").write_text(MAPPING + setting, encoding="utf-8")


def test_sum_posting_rule_and_account_are_told_in_one_run(workspace: Workspace) -> None:
    wrong = item(n=1, type="refund", lines=[{"account": None, "gross": "9.00"}])
    assert _problems(workspace, wrong) == [
        ("ITEM-13", "validation_failure"),
        ("MAP-21", "missing_configuration"),
        ("POST-4", "missing_configuration"),
    ]
    manifest = workspace.manifest()
    assert manifest["counts"]["rejected"] == manifest["counts"]["items"] == 1
    assert "(and 2 more)" in manifest["items"][0]["failure_reason"]
    assert manifest["totals"] == []


def test_a_method_that_the_template_does_not_support_is_told_with_a_wrong_sum(
    workspace: Workspace,
) -> None:
    template = workspace.root / "plain" / "template.yaml"
    text = template.read_text(encoding="utf-8")
    template.write_text(text.replace("[journal, accounts_payable]", "[accounts_payable]"), "utf-8")
    wrong = item(n=1, lines=[{"account": "6640 Bewirtung", "gross": "9.00"}])
    assert _codes(workspace, wrong) == ["CELL-1", "ITEM-13"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"type": "lottery"}, "ITEM-4"),
        ({"method": "barter"}, "ITEM-7"),
        ({"company": "99999999-0000-4000-8000-000000000000"}, "ITEM-12"),
        ({"date": "2126-03-09T10:00:00Z"}, "ITEM-9"),
    ],
)
def test_nothing_is_said_that_only_follows(
    workspace: Workspace, given: dict[str, Any], code: str
) -> None:
    assert _codes(workspace, item(n=1, lines=[{"account": None}], **given)) == [code]


def test_a_refused_item_does_not_touch_the_others(workspace: Workspace) -> None:
    good = item(n=1)
    workspace.convert(workspace.items(good), out="alone")
    wrong = item(n=2, type="refund", lines=[{"account": None, "gross": "9.00"}])
    workspace.convert(workspace.items(good, wrong), out="beside")
    name = "plain_1_1.csv"
    assert workspace.files("alone")[name] == workspace.files("beside")[name]


def test_a_mapping_that_requires_receipts_refuses_an_item_without(workspace: Workspace) -> None:
    bare, mileage = item(n=1), item(n=2, type="wallet_topup", lines=[{"account": "6640 B"}])
    with_receipt = item(n=3, files=[RECEIPT])
    workspace.convert(workspace.items(bare, with_receipt), out="lenient")
    assert workspace.manifest("lenient")["counts"]["rejected"] == 0
    _with_setting(workspace, "receipts: required\n")
    found = _problems(workspace, bare, mileage, with_receipt)
    assert [each for each in found if each[0] == "ITEM-20"] == [("ITEM-20", "validation_failure")]
    exported = [each["id"] for each in workspace.manifest()["items"] if each["rows"]]
    assert with_receipt["accountingEntryId"] in exported
    assert bare["accountingEntryId"] not in exported


def test_a_mapping_says_which_currencies_come_in_hundredths(workspace: Workspace) -> None:
    yen = item(n=1, wallet="1000.00 JPY")
    assert _codes(workspace, yen) == ["ITEM-16"]
    _with_setting(workspace, "amounts_in_hundredths: [JPY]\n")
    workspace.convert(workspace.items(yen), out="told")
    assert workspace.manifest("told")["totals"][0] == {
        "currency": "JPY", "debit": "1000.00", "credit": "1000.00",
    }  # fmt: skip


def test_the_remarks_of_the_review_stand_in_the_manifest_and_once_on_the_page(
    workspace: Workspace,
) -> None:
    workspace.convert(workspace.items(item(n=1), item(n=2, files=[RECEIPT])))
    notes = {note["code"]: note["count"] for note in workspace.manifest()["notes"]}
    assert notes["REV-1"] == 1
    page = workspace.files()["review.html"].decode()
    assert page.count("<h3>No receipt in Pleo</h3>") == 1


def test_what_the_mapping_ignores_is_a_remark(workspace: Workspace) -> None:
    _with_setting(workspace, "reference: lists\n")
    (workspace.root / "lists").mkdir()
    header = "tax_code,name,rate_percent,type,ingoing_tax_account,outgoing_tax_account,active"
    row = "VSt19,19 %,19,inclusive,1576,,yes,red"
    (workspace.root / "lists" / "tax_codes.csv").write_text(f"{header},colour\n{row}\n", "utf-8")
    result = workspace.convert(workspace.items(item(n=1)))
    assert "1 remark  a column of a reference list is ignored (MAP-46)" in result.stderr
    (note,) = [n for n in workspace.manifest()["notes"] if n["code"] == "MAP-46"]
    assert (note["count"], note["items"]) == (1, [])
    assert "column &#34;colour&#34; is not known" in workspace.files()["review.html"].decode()
