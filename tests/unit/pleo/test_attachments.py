"""Attachments: real small files, behind links that carry a token and end after a day."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from etl.pleo.sandbox import Pleo
from etl.pleo.sandbox.receipts import make_receipt
from tests.fakes.items import item
from tests.fakes.pleo_client import Scene


def links(scene: Scene) -> dict[str, list[dict[str, Any]]]:
    data = scene.client.entries(scene.job).json()["data"]
    return {entry["accountingEntryId"]: entry["files"] for entry in data if entry["files"]}


def test_every_receipt_of_the_sample_data_can_be_had(scene: Scene) -> None:
    stranger = scene.open("")
    types = set()
    for files in links(scene).values():
        for file in files:
            got = stranger.get(file["url"])
            assert got.status_code == 200
            assert len(got.content) == file["size"]
            assert got.headers["content-type"] == file["type"]
            types.add(file["type"])
    assert types == {"application/pdf", "image/png", "image/jpeg"}


def test_a_link_ends_a_day_after_the_fetch_and_a_new_fetch_gives_a_new_one(scene: Scene) -> None:
    stranger = scene.open("")
    entry, (file, *_) = next(iter(links(scene).items()))
    scene.pleo.advance(24 * 3600 - 1)
    assert stranger.get(file["url"]).status_code == 200
    scene.pleo.advance(1)
    assert stranger.get(file["url"]).status_code == 403
    scene.job = scene.pleo.add_job(scene.company, [entry])
    again = links(scene)[entry][0]
    assert again["url"] != file["url"]
    assert stranger.get(again["url"]).status_code == 200


def test_a_link_is_secret_and_whole(scene: Scene) -> None:
    stranger = scene.open("")
    file = next(iter(links(scene).values()))[0]
    path, token = file["url"].split("?token=")
    assert re.fullmatch("[0-9a-f]{64}", token)
    assert path.startswith(scene.base_url + "/files/")
    assert stranger.get(path).status_code == 403
    assert stranger.get(path, token=token[:-1]).status_code == 403
    assert stranger.get(path[:-1], token=token).status_code == 404


def test_credentials_of_pleo_are_not_to_be_sent_to_the_store_of_files(scene: Scene) -> None:
    file = next(iter(links(scene).values()))[0]
    assert scene.client.get(file["url"]).status_code == 400


def test_downloads_do_not_count_as_calls_of_the_api(scene: Scene) -> None:
    file = next(iter(links(scene).values()))[0]
    scene.open("").get(file["url"])
    assert [seen.call.operation for seen in scene.pleo.seen] == ["export-items", "download"]


def test_a_type_that_cannot_be_made_comes_as_text() -> None:
    files = [{"url": "https://files.example.com/1", "type": "application/msword", "size": 1}]
    company = Pleo().add_company("own", [item(n=1, files=files)])
    ((stored,),) = company.files.values()
    assert stored.media_type == "text/plain"
    assert stored.content.startswith(b"Receipt\n")


def test_two_receipts_differ() -> None:
    for kind in ("application/pdf", "image/png", "image/jpeg", "text/plain"):
        assert make_receipt(kind, "a 1") != make_receipt(kind, "a 2")


@pytest.mark.parametrize("text", ["a 1", "(", "é)", "x" * 200])
def test_a_pdf_has_every_object_where_its_table_says(text: str) -> None:
    pdf = make_receipt("application/pdf", text)
    start = int(re.findall(rb"startxref\n([0-9]+)\n%%EOF\n$", pdf)[0])
    rows = pdf[start:].splitlines()
    assert rows[:3] == [b"xref", b"0 6", b"0000000000 65535 f "]
    for number, row in enumerate(rows[3:8], 1):
        assert pdf[int(row[:10]) :].startswith(b"%d 0 obj\n" % number)
    length, stream = re.findall(rb"/Length ([0-9]+) >>\nstream\n(.*)\nendstream", pdf)[0]
    assert int(length) == len(stream)
    assert stream.count(b"(") == stream.count(b")") == 1


def test_a_png_has_true_checksums_and_all_its_pixels() -> None:
    png = make_receipt("image/png", "a 1")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    place, names, pixels = 8, [], b""
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        name, body = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack(">I", png[place + 8 + length : place + 12 + length])
        assert checksum == zlib.crc32(name + body)
        names.append(name)
        pixels += zlib.decompress(body) if name == b"IDAT" else b""
        place += 12 + length
    assert names == [b"IHDR", b"tEXt", b"IDAT", b"IEND"]
    assert len(pixels) == 8 * (8 + 1)


def segments(jpeg: bytes) -> Iterator[int]:
    place = 2
    while jpeg[place + 1] != 0xDA:
        assert jpeg[place] == 0xFF
        yield jpeg[place + 1]
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    yield 0xDA


def test_a_jpeg_has_all_that_a_baseline_image_needs() -> None:
    jpeg = make_receipt("image/jpeg", "a 1")
    assert (jpeg[:2], jpeg[-2:]) == (b"\xff\xd8", b"\xff\xd9")
    assert list(segments(jpeg)) == [0xE0, 0xFE, 0xDB, 0xC0, 0xC4, 0xC4, 0xDA]
