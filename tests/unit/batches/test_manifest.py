"""The manifest is readable JSON, sorted, the same bytes every time, and shows any change."""

from __future__ import annotations

import json

import polars as pl
import pytest

from etl.batches.manifest import Made, summarise_notes
from etl.batches.reading import parse_manifest
from etl.batches.verdicts import SETTLED, Counts, decide_verdicts, list_items
from etl.errors import UserMustFix
from etl.findings import no_notes, no_rejections
from etl.frames import NOTES, REJECTIONS, schema
from tests.unit.batches.folders import small_manifest

ERP = Made("journal.csv", "Größe\n".encode(), rows=1)


def test_it_is_sorted_json_and_reads_back() -> None:
    raw = small_manifest([ERP]).write([Made("review.html", b"<p>")])
    document = parse_manifest(raw, where="manifest.json").head
    assert list(json.loads(raw)) == sorted(json.loads(raw))
    assert document["files"][0]["bytes"] == 8
    assert document["files"][0]["totals"] == []
    assert document["reports"][0].keys() == {"name", "sha256", "bytes"}
    items = parse_manifest(raw, where="manifest.json").items()
    assert items.select("id", "verdict").rows() == [("a", "exported")]
    assert raw == small_manifest([ERP]).write([Made("review.html", b"<p>")])


def test_any_changed_byte_breaks_the_seal() -> None:
    raw = small_manifest([ERP]).write([])
    for at in range(0, len(raw), 7):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        with pytest.raises(UserMustFix) as caught:
            parse_manifest(changed, where="out/manifest.json")
        assert caught.value.problems[0].code == "VER-2"
        assert caught.value.problems[0].where == "out/manifest.json"


def test_a_blank_more_or_a_cut_end_breaks_the_seal() -> None:
    raw = small_manifest([ERP]).write([])
    for changed in (raw + b"\n", raw[:-3], raw.replace(b"[]", b"[ ]", 1), b"", b"{}"):
        with pytest.raises(UserMustFix):
            parse_manifest(changed, where="manifest.json")


def test_counts_that_do_not_add_up_are_our_bug() -> None:
    with pytest.raises(AssertionError):
        Counts(12, 10, 1, 0, 0, 0, 10, 20)


ITEMS = pl.DataFrame(
    [(0, "a", "x.json:1"), (1, "b", "x.json:2"), (2, None, "x.json:3")],
    schema={"item.key": pl.UInt32, "item.id": pl.String, "item.where": pl.String},
    orient="row",
)


def items_of(rejections: pl.DataFrame) -> list[dict[str, object]]:
    ids = pl.DataFrame(
        [(0, "4113001"), (1, "4113002")],
        schema={"item.key": pl.UInt32, "external_id": pl.String}, orient="row",
    )  # fmt: skip
    vouchers = pl.DataFrame(
        [(0, "a/invoice"), (0, "a/payment")],
        schema={"item.key": pl.UInt32, "voucher.id": pl.String}, orient="row",
    )  # fmt: skip
    rows = pl.DataFrame(
        [(0, "j.csv", 4), (0, "j.csv", 3)],
        schema={"item.key": pl.UInt32, "file": pl.String, "row": pl.Int64}, orient="row",
    )  # fmt: skip
    verdicts = decide_verdicts(ITEMS, rejections=rejections, external_ids=ids)
    lines = list_items(verdicts, items=ITEMS, vouchers=vouchers, rows=rows)
    return [json.loads(line) for line in lines]


def test_an_item_says_where_it_went() -> None:
    assert items_of(no_rejections())[0] == {
        "id": "a",
        "verdict": "exported",
        "external_id": "4113001",
        "vouchers": ["a/invoice", "a/payment"],
        "rows": [{"file": "j.csv", "rows": [3, 4]}],
    }


def test_a_rejected_item_is_listed_once_with_the_first_of_its_reasons() -> None:
    rejections = pl.DataFrame(
        [
            (1, "b", 2, "X-2", "tax is off", "correct it", "x.json:2", "validation_failure"),
            (1, "b", None, "X-1", 'sum is "off"', "add up", "x.json:2", "missing_configuration"),
            (2, None, None, "X-3", "no id", "send it", "x.json:3", "validation_failure"),
        ],
        schema=schema(REJECTIONS),
        orient="row",
    )
    items = items_of(rejections)
    assert [item["verdict"] for item in items] == ["exported", "failed", "failed"]
    assert items[1] == {
        "id": "b",
        "verdict": "failed",
        "failure_type": "missing_configuration",
        "failure_reason": 'sum is "off" – add up (and 1 more)',
        "vouchers": [],
        "rows": [],
        "where": "x.json:2",
    }
    assert items[2]["id"] is None


def test_notes_are_one_entry_per_kind() -> None:
    code = "OUT-1"  # any code does: the table of codes gives meaning and weight
    notes = pl.DataFrame(
        [(1, "b", code, "x", None), (0, "a", code, "y", None), (0, "a", code, "z", None)],
        schema=schema(NOTES),
        orient="row",
    )
    entry = summarise_notes(notes)[0]
    assert (entry["code"], entry["count"], entry["items"]) == (code, 3, ["a", "b"])
    assert entry["blocking"] is False
    assert summarise_notes(no_notes()) == []


def settled_items() -> list[dict[str, object]]:
    """Give the items of a batch of which one was booked before and one skipped."""
    settled = pl.DataFrame(
        [(1, "exported", "V-7"), (2, "skipped", None)], schema=SETTLED, orient="row"
    )
    ids = pl.DataFrame([(0, "4113001")], schema={"item.key": pl.UInt32, "external_id": pl.String},
                       orient="row")  # fmt: skip
    verdicts = decide_verdicts(ITEMS, rejections=no_rejections(), external_ids=ids, settled=settled)
    vouchers = pl.DataFrame(schema={"item.key": pl.UInt32, "voucher.id": pl.String})
    rows = pl.DataFrame(schema={"item.key": pl.UInt32, "file": pl.String, "row": pl.Int64})
    return [
        json.loads(line) for line in list_items(verdicts, items=ITEMS, vouchers=vouchers, rows=rows)
    ]


def test_an_item_that_was_booked_before_keeps_its_external_id_and_has_no_row() -> None:
    assert settled_items()[1] == {
        "id": "b", "verdict": "exported", "external_id": "V-7", "vouchers": [], "rows": [],
    }  # fmt: skip


def test_a_skipped_item_is_neither_exported_nor_failed() -> None:
    assert settled_items()[2] == {"id": None, "verdict": "skipped", "vouchers": [], "rows": []}


RECEIPT = '{"bytes": 1, "item": "a", "name": "n.pdf", "path": %s, "sha256": "%s", "type": "t"}'


@pytest.mark.parametrize("path", ["n.pdf", "attachments/n.pdf"])
def test_receipts_are_listed_with_path_and_hash(path: str) -> None:
    listed = [RECEIPT % (json.dumps(path), "1" * 64), RECEIPT % ("null", "2" * 64)]
    raw = small_manifest([ERP], attachments=pl.Series(listed)).write([])
    read = parse_manifest(raw, where="manifest.json")
    assert read.receipts() == {path: "1" * 64}
    assert read.attachments().columns == ["bytes", "item", "name", "sha256", "type"]


@pytest.mark.parametrize(
    "path", ["../n.pdf", "/n.pdf", "attachments/../n.pdf", "attachments/x/n.pdf", "x/n.pdf", ""]
)
def test_a_receipt_never_lies_elsewhere(path: str) -> None:
    listed = pl.Series([RECEIPT % (json.dumps(path), "1" * 64)])
    raw = small_manifest([ERP], attachments=listed).write([])
    with pytest.raises(UserMustFix, match="VER-2"):
        parse_manifest(raw, where="manifest.json").receipts()
