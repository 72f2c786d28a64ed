"""Attachments: safe names in upload order, guids that stay, links that stay in memory."""

from __future__ import annotations

import uuid

import pytest

from etl.files import is_safe_name
from etl.frames import ATTACHMENT, ATTACHMENT_WIRE, schema
from etl.items import attach
from etl.items.attachments import GUID_SPACE
from tests.unit.items.elements import SAMPLE, SPLIT, checked, numbered, read, sample


def file(kind: str | None, **more: object) -> dict[str, object]:
    return {"url": "https://files.example.com/x", "type": kind, **more}


def test_names_keep_the_order_of_upload() -> None:
    item = sample(
        files=[file("image/jpeg", size=5), file("application/pdf"), None, file("text/plain")]
    )
    frame = read(item).attachments
    assert frame.columns == list(schema(ATTACHMENT_WIRE, ATTACHMENT))
    assert frame.select("attachment.number", "attachment.name", "attachment.bytes").rows() == [
        (1, "4114001_01.jpg", 5), (2, "4114001_02.pdf", None), (3, "4114001_03.txt", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "extension"),
    [
        ("application/pdf", "pdf"), ("IMAGE/PNG", "png"), ("text/plain; charset=utf-8", "txt"),
        ("application/x-msdownload", "bin"), ("../../etc", "bin"), ("", "bin"), (None, "bin"),
    ],
)  # fmt: skip
def test_the_extension_comes_from_the_media_type(kind: str | None, extension: str) -> None:
    assert read(sample(files=[file(kind)])).attachments["attachment.extension"].item() == extension


@pytest.mark.parametrize(
    "reference",
    ["../../etc/passwd", "..", "C:\\x", "a/b", "Ä Ö", "con", "x" * 500, "-rf", ".hidden", "a\tb"],
)
def test_a_name_is_safe_whatever_the_reference(reference: str) -> None:
    item = sample(
        additionalInformation__reconciliationId=reference, files=[file("application/pdf")]
    )
    name = read(item).attachments["attachment.name"].item()
    assert is_safe_name(name), name
    assert "/" not in name
    assert ".." not in name


def test_items_of_one_reference_do_not_share_a_name() -> None:
    pair = numbered([sample(files=[file("image/png")])] * 2)
    pair[1]["accountingEntryId"] = "1" + pair[1]["accountingEntryId"][1:]
    pair[1]["additionalInformation"] = {"reconciliationId": "4114001"}
    names = read(*pair).attachments["attachment.name"].to_list()
    assert names == ["4114001_00000000_01.png", "4114001_10000000_01.png"]


def test_the_guid_is_a_uuid_of_company_entry_and_number() -> None:
    item = sample(files=[file("image/png"), file("image/png")])
    guids = read(item).attachments["attachment.guid"].to_list()
    key = f"{item['companyId']}/{item['accountingEntryId']}"
    assert guids == [str(uuid.uuid5(GUID_SPACE, f"{key}/{number}")) for number in (1, 2)]


def test_attach_gives_each_item_its_names() -> None:
    result = checked(SAMPLE[SPLIT], SAMPLE[7])
    items = attach(result.items, result.attachments).sort("item.type")
    assert items["item.attachments"].to_list() == [["4114002_01.jpg", "4114002_02.pdf"], None]
    assert items["item.attachment.name"].to_list() == ["4114002_01.jpg", None]
    assert items["item.attachment.extension"].to_list() == ["jpg", None]
    assert attach(items, result.attachments).equals(items)


def test_attachments_of_rejected_items_are_gone() -> None:
    assert checked(sample(companyId="other"), SAMPLE[7]).attachments.is_empty()
