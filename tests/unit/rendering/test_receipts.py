"""Receipts: named, filtered, placed beside the files or packed with one."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from etl.errors import UserMustFix
from tests.unit.rendering.books import Books, rendered

TABLE = """
rows: [{{shape: pair, tax: by_code}}]
attachments: {{{attachments}}}
files:
  out:
    name: out.csv
    kind: csv
    columns:
      - {{name: Account, value: "{{{{ posting.account }}}}"}}
      - {{name: First, value: "{{{{ item.attachments | first }}}}"}}
      - {{name: Guid, value: "{{{{ item.attachment.guid }}}}"}}
"""
PACKED = (
    TABLE
    + """
  receipts:
    name: document.xml
    kind: xml
    companion: true
    split: {{max: {{bytes: 100}}}}
    pack: {{zip: "Belege_{{{{ file.number }}}}.zip", with: attachments}}
    records:
      doc:
        - {{name: guid, value: "{{{{ attachment.guid }}}}"}}
        - {{name: ref, value: "{{{{ voucher.reference }}}}"}}
        - {{name: file, value: "{{{{ attachment.name }}}}"}}
    layout: |
      {{% for attachment in attachments %}}
      <d g="{{{{ doc.guid }}}}" r="{{{{ doc.ref }}}}">{{{{ doc.file }}}}</d>
      {{% endfor %}}
"""
)


def receipt(key: int, number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "item.key": key, "attachment.number": number, "attachment.extension": "pdf",
        "attachment.name": f"R{key}_{number:02}.pdf", "attachment.type": "application/pdf",
        "attachment.bytes": 60, "attachment.guid": f"guid-{key}-{number}",
    } | {f"attachment.{name}": value for name, value in more.items()}  # fmt: skip


def books_with(*attachments: dict[str, Any], items: int = 2) -> Books:
    books = Books(attachments=list(attachments))
    for number in range(items):
        books.add(f"i-{number}", date=dt.date(2026, 3, 9))
    return books


def test_receipts_are_named_and_placed(tmp_path: Path) -> None:
    name = 'name: "{{ attachment.file_number }}_{{ attachment.guid }}.{{ attachment.extension }}"'
    books = books_with(receipt(1, 1), receipt(1, 2), receipt(0, 1))
    result = rendered(tmp_path, TABLE.format(attachments=name), books)
    assert result.files[0].content == (
        b"4930,1_guid-0-1.pdf,guid-0-1\n4930,2_guid-1-1.pdf,guid-1-1\n"
    )
    assert result.receipts.rows() == [
        (0, 1, "1_guid-0-1.pdf", "attachments/1_guid-0-1.pdf"),
        (1, 1, "2_guid-1-1.pdf", "attachments/2_guid-1-1.pdf"),
        (1, 2, "3_guid-1-2.pdf", "attachments/3_guid-1-2.pdf"),
    ]


def test_receipts_beside_the_files_share_their_names(tmp_path: Path) -> None:
    books = books_with(receipt(0, name="out.csv"))
    with pytest.raises(UserMustFix) as error:
        rendered(tmp_path, TABLE.format(attachments="place: beside"), books)
    assert [problem.code for problem in error.value.problems] == ["FILE-2"]


@pytest.mark.parametrize(
    ("policy", "attachments", "code"),
    [
        ("max_bytes: 59", [receipt(0)], "CELL-19"),
        ("per_item: 1", [receipt(0, 1), receipt(0, 2)], "CELL-20"),
        ("required: true", [receipt(1)], "CELL-21"),
        ("required: true", [receipt(0, problem="404"), receipt(1)], "CELL-21"),
        ('name: "a/b"', [receipt(0)], "CELL-22"),
        ('name: "SAME.pdf"', [receipt(1), receipt(0)], "CELL-22"),
    ],
)
def test_receipts_that_do_not_fit_reject_their_item(
    tmp_path: Path, policy: str, attachments: list[dict[str, Any]], code: str
) -> None:
    books = books_with(*attachments)
    result = rendered(tmp_path, TABLE.format(attachments=policy), books)
    item = "i-1" if "SAME" in policy else "i-0"
    assert result.rejections.select("item_id", "code").rows() == [(item, code)]


@pytest.mark.parametrize(
    ("policy", "attachment", "code"),
    [
        ("types: [jpg, png]", receipt(0), "RECEIPT-LEFT-OUT"),
        ("per_item: 1, more: leave_out", receipt(0, 2), "RECEIPT-LEFT-OUT"),
        ("per_item: 9", receipt(0, 2, problem="gone"), "RECEIPT-MISSING"),
    ],
)
def test_receipts_left_out_are_noted(
    tmp_path: Path, policy: str, attachment: dict[str, Any], code: str
) -> None:
    first = [] if "types" in policy else [receipt(0, 1)]
    books = books_with(*first, attachment)
    result = rendered(tmp_path, TABLE.format(attachments=policy), books)
    assert result.notes.select("item_id", "code").rows() == [("i-0", code)]
    assert result.receipts.height == len(first)


def test_receipts_are_packed_with_the_file_that_lists_them(tmp_path: Path) -> None:
    books = books_with(receipt(0), receipt(1))
    contents = {(0, 1): b"first", (1, 1): b"second"}
    body = PACKED.format(attachments="place: pack")
    result = rendered(tmp_path, body, books, receipts=contents)
    main, *packs = result.files
    assert [file.name for file in packs] == ["Belege_1.zip", "Belege_2.zip"]  # 60 + 60 > 100
    archive = zipfile.ZipFile(io.BytesIO(packs[1].content))
    assert archive.namelist() == ["document.xml", "R1_01.pdf"]
    assert archive.read("R1_01.pdf") == b"second"
    assert archive.read("document.xml").decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<d g="guid-1-1" r="R-i-1">R1_01.pdf</d>\n'
    )
    assert packs[0].inner == packs[0].members[0][1]
    assert (main.companion, main.rows, packs[0].companion, packs[0].rows) == (False, 2, True, 0)
    again = rendered(tmp_path, body, books, receipts=contents)
    assert [file.content for file in again.files] == [file.content for file in result.files]


def test_without_their_bytes_no_receipts_are_packed(tmp_path: Path) -> None:
    body = PACKED.format(attachments="place: pack")
    result = rendered(tmp_path, body, books_with(receipt(0)))
    assert [file.name for file in result.files] == ["out.csv"]
    assert result.notes["code"].to_list() == ["RECEIPT-MISSING"]
    assert result.files[0].content == b"4930,,\n4930,,\n"


def test_a_template_that_delivers_none_leaves_names_alone(tmp_path: Path) -> None:
    body = TABLE.format(attachments="x").replace("attachments: {x}\n", "")
    books = books_with(receipt(0))
    books.items[0]["item.attachments"] = ["R0_01.pdf"]
    result = rendered(tmp_path, body, books)
    assert result.files[0].content == b"4930,R0_01.pdf,\n4930,,\n"
    assert result.receipts.is_empty()
