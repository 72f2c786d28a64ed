"""Forms: the first that fits, or a rejection that names what there is."""

from __future__ import annotations

from pathlib import Path

from etl.rendering import assign_forms
from tests.unit.rendering.books import Books, load

BODY = """
supports: {methods: [journal]}
parameters: {refunds: {type: flag, default: yes}}
rows:
  - {name: B, when: "{{ voucher.contra_side == 'credit' }}", shape: pair, tax: by_code}
  - name: R
    when: "{{ voucher.contra_side == 'debit' and parameters.refunds }}"
    shape: pair
    tax: by_code
files:
  out: {name: out.csv, kind: csv, columns: [{name: A, value: "{{ voucher.form }}"}]}
"""


def books() -> Books:
    found = Books()
    found.add("spent")
    found.add("back", amount="-1.00")
    return found


def test_the_first_form_that_fits(tmp_path: Path) -> None:
    frames = books().frames()
    template = load(tmp_path, BODY)
    formed, rejections = assign_forms(frames["vouchers"], frames["items"], template)
    assert formed["voucher.form"].to_list() == ["B", "R"]
    assert rejections.is_empty()


def test_no_form_rejects_the_item_and_names_the_forms(tmp_path: Path) -> None:
    frames = books().frames()
    template = load(tmp_path, BODY, given={"refunds": "no"})
    formed, rejections = assign_forms(frames["vouchers"], frames["items"], template)
    assert formed["voucher.form"].to_list() == ["B"]
    (row,) = rejections.to_dicts()
    assert (row["item_id"], row["code"]) == ("back", "CELL-1")
    assert row["message"] == (
        "no form of the template fits a voucher of kind entry whose wallet stands on the debit "
        "side (its forms: B, R)"
    )
    assert row["failure_type"] == "invalid_configuration"


def test_an_unsupported_method_rejects_the_item(tmp_path: Path) -> None:
    found = books()
    found.items[0]["item.method"] = "accounts_payable"
    frames = found.frames()
    _formed, rejections = assign_forms(frames["vouchers"], frames["items"], load(tmp_path, BODY))
    (row,) = rejections.to_dicts()
    assert (row["item_id"], row["code"]) == ("spent", "CELL-1")
    assert "accounts_payable" in row["message"]


def test_an_item_of_two_vouchers_goes_as_a_whole(tmp_path: Path) -> None:
    found = books()
    found.vouchers[1]["item.key"] = 0
    frames = found.frames()
    template = load(tmp_path, BODY, given={"refunds": "no"})
    formed, _rejections = assign_forms(frames["vouchers"], frames["items"], template)
    assert formed.is_empty()
