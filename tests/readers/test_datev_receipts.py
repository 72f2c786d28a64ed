"""The package of receipts: what a reader of document.xml finds, and what the bookings link to."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path

from lxml import etree

from etl.conversion import Origin, constants_of
from etl.items import ingest
from etl.pipeline import Request, book, load_recipe
from etl.postings import number_vouchers
from etl.rendering import Rendered, render
from etl.sources import read_sources
from tests.fakes.items import COMPANY, NAMESPACE, item, page, vendor
from tests.readers.datev import read_batch

MAPPING = Path(__file__).parent.parent / "golden" / "datev-extf" / "mapping.yaml"
#: Name space of the guids of attachments, and how they are named: company/entry/number.
GUIDS = uuid.UUID("6f1f0b7c-7a0e-5d0e-9a53-4d5b8a4b7c11")
NS = {"d": "http://xml.datev.de/bedi/tps/document/v06.0"}
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
PDF = {"url": "https://files.example.com/1", "type": "application/pdf", "size": 4}
JPG = {"url": "https://files.example.com/2", "type": "image/jpeg", "size": 5}

#: Receipts of three items; the third has none.
ITEMS = (
    item(n=1, files=[PDF, JPG], merchant="Müller & Söhne"),
    item(
        n=2, method="accounts_payable", vendor=vendor("70045", "Nordhost GmbH"), files=[PDF],
        lines=[{"account": "4925 Internet"}],
    ),
    item(n=3),
)  # fmt: skip


def guid(n: int, number: int) -> str:
    entry = uuid.uuid5(NAMESPACE, f"item {n}")
    return str(uuid.uuid5(GUIDS, f"{COMPANY}/{entry}/{number}".lower())).upper()


def convert(folder: Path, receipts: Mapping[tuple[int, int], bytes]) -> Rendered:
    """Render the items with receipts by n of the item and number of the file."""
    path = folder / "items.json"
    path.write_text(json.dumps(page(*ITEMS)), encoding="utf-8")
    parameters = {"consultant_number": "482915", "client_number": "10742"}
    request = Request(
        sources=[str(path)], template="datev-extf", mapping=MAPPING, parameters=parameters
    )
    recipe = load_recipe(request)
    ingested = ingest(read_sources([str(path)]))
    created = dt.datetime(2026, 4, 1, 9, 30, 15, tzinfo=dt.UTC)
    origin = Origin(batch_id="b", input_sha256="", items=3, lines=3, created=created)
    booked = book(ingested, recipe, origin=origin)
    keys = dict(booked.items.select("item.id", "item.key").iter_rows())
    order = recipe.template.document.order
    vouchers = number_vouchers(booked.vouchers, order=order, first=1, per_fiscal_year=False)
    return render(
        recipe.template,
        items=booked.items,
        lines=booked.lines,
        vouchers=vouchers,
        postings=booked.postings,
        attachments=booked.attachments,
        constants=constants_of(recipe, origin),
        receipts={
            (keys[str(uuid.uuid5(NAMESPACE, f"item {n}"))], number): content
            for (n, number), content in receipts.items()
        },
    )


def links(rendered: Rendered) -> dict[str, list[str]]:
    """Give the links of the bookings, by Pleo's number."""
    bookings = rendered.files[0]
    batch = read_batch(bookings.name, bookings.content)
    assert batch.faults == []
    found: dict[str, list[str]] = {}
    for booking in batch.bookings:
        link = booking.cells["Beleglink"]
        found.setdefault(booking.cells["Beleginfo - Inhalt 1"], []).append(link)
    return found


def documents(package: bytes) -> dict[str, list[str]]:
    """Read a package as DATEV describes it: documents and the files that lie beside them."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        root = etree.fromstring(archive.read("document.xml"))
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,255}", name) for name in names), "no folders"
    assert (root.tag, root.get("version")) == (f"{{{NS['d']}}}archive", "6.0")
    assert 0 < len(root.get("generatingSystem") or "") <= 40
    assert [etree.QName(one).localname for one in root] == ["header", "content"]
    header, content = root
    assert {etree.QName(one).localname: one.text for one in header} == {
        "date": "2026-04-01T09:30:15", "description": "Pleo 1", "consultantNumber": "482915",
        "clientNumber": "10742", "clientName": "Musterfirma GmbH",
    }  # fmt: skip
    found = {}
    for document in content:
        order = [etree.QName(one).localname for one in document]
        kinds = "".join(f"{name} " for name in order)
        assert re.fullmatch("description (keywords )?(extension ){1,50}", kinds), order
        assert len(document.findtext("d:description", namespaces=NS) or "") <= 40
        assert len(document.findtext("d:keywords", namespaces=NS) or "") <= 255
        files = document.findall("d:extension", NS)
        assert {one.get(TYPE) for one in files} == {"File"}
        guid = str(document.get("guid"))
        assert guid not in found, "a guid stands twice"
        found[guid] = [str(one.get("name")) for one in files]
    listed = [name for files in found.values() for name in files]
    assert names == ["document.xml", *listed], "what is listed is there, and nothing else"
    return found


def test_receipts_at_hand_are_packed_and_linked(tmp_path: Path) -> None:
    contents = {(1, 1): b"%PDF", (1, 2): b"jpeg!", (2, 1): b"%PDF"}
    rendered = convert(tmp_path, contents)
    assert [file.name for file in rendered.files] == [
        "EXTF_Pleo_1_1.csv", "Belege_Pleo_1_1.zip",
    ]  # fmt: skip
    assert documents(rendered.files[1].content) == {
        guid(1, 1): ["4113001_01.pdf", "4113001_02.jpg"],
        guid(2, 1): ["4113002_01.pdf"],
    }
    assert dict(rendered.files[1].members)["4113001_02.jpg"] == b"jpeg!"
    assert links(rendered) == {
        "4113001": [f'BEDI "{guid(1, 1)}"'],
        "4113002": [f'BEDI "{guid(2, 1)}"'] * 2,  # invoice and payment open the same receipt
        "4113003": [""],
    }


def test_without_receipts_there_is_neither_package_nor_link(tmp_path: Path) -> None:
    rendered = convert(tmp_path, {})
    assert [file.name for file in rendered.files] == ["EXTF_Pleo_1_1.csv"]
    assert {link for found in links(rendered).values() for link in found} == {""}
    assert sorted(rendered.notes["detail"]) == [
        "4113001_01.pdf is not at hand",
        "4113001_02.jpg is not at hand",
        "4113002_01.pdf is not at hand",
    ]


def test_a_link_names_a_document_that_was_really_received(tmp_path: Path) -> None:
    rendered = convert(tmp_path, {(1, 2): b"jpeg!"})
    assert documents(rendered.files[1].content) == {guid(1, 2): ["4113001_02.jpg"]}
    assert links(rendered) == {
        "4113001": [f'BEDI "{guid(1, 2)}"'], "4113002": ["", ""], "4113003": [""],
    }  # fmt: skip
    assert rendered.notes["code"].unique().to_list() == ["RECEIPT-MISSING"]
