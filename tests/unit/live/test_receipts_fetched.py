"""Receipts are downloaded while a batch is staged; none is dropped without a word (R93, R98)."""

from __future__ import annotations

import pytest

from etl.live.stored import StoredFile
from tests.fakes.items import COMPANY, item
from tests.unit.live.scene import Scene

FILES = [{"url": "x", "type": "application/pdf", "size": 1}]


@pytest.fixture
def with_receipt(scene: Scene) -> Scene:
    scene.company.entries.clear()
    scene.company.add(item(n=1, files=FILES))
    scene.company.add(item(n=2, files=[*FILES, {"url": "y", "type": "image/png", "size": 1}]))
    return scene


def stored(scene: Scene) -> list[StoredFile]:
    with scene.desk() as desk:
        (batch,) = desk.ledger.batches(COMPANY)
        folder = desk.stored(batch)
        found = folder.read_attachments()
        for (entry, number), path in folder.contents().items():
            kept = scene.company.files[entry][number - 1]
            assert path.read_bytes() == kept.content
        return found


def test_every_receipt_is_kept_in_the_order_of_upload(with_receipt: Scene) -> None:
    with_receipt.export()
    with_receipt.run()
    found = stored(with_receipt)
    assert sorted((one.entry_id, one.number) for one in found) == sorted(
        [(item(n=1)["accountingEntryId"], 1), (item(n=2)["accountingEntryId"], 1),
         (item(n=2)["accountingEntryId"], 2)]
    )  # fmt: skip
    assert [one.problem for one in found] == [None] * 3


def test_check_16_a_download_that_fails_twice_is_there(with_receipt: Scene) -> None:
    with_receipt.export()
    with_receipt.pleo.faults.add("error=503@download:1-2")
    with_receipt.run()
    assert [one.problem for one in stored(with_receipt)] == [None] * 3
    assert any("trying again" in said for said in with_receipt.said)


def test_check_16_a_download_that_always_fails_is_logged_and_kept_as_a_problem(
    with_receipt: Scene,
) -> None:
    with_receipt.export()
    with_receipt.pleo.faults.add("error=503@download:1-4")
    assert with_receipt.run().word == "staged"
    found = stored(with_receipt)
    assert [one.sha256 is None for one in found] == [True, False, False]
    assert found[0].problem
    assert any(found[0].problem in said for said in with_receipt.said)


@pytest.mark.parametrize("status", [403, 404])
def test_an_expired_link_is_fetched_again_once(with_receipt: Scene, status: int) -> None:
    with_receipt.export()
    with_receipt.pleo.faults.add(f"error={status}@download:2")
    with_receipt.run()
    assert [one.problem for one in stored(with_receipt)] == [None] * 3
    assert len(with_receipt.requests("export-items")) == 2
    assert len(with_receipt.requests("download")) == 4


def test_a_link_that_stays_expired_is_a_problem(with_receipt: Scene) -> None:
    with_receipt.export()
    with_receipt.pleo.faults.add("error=403@download:1-")
    with_receipt.run()
    assert [one.sha256 for one in stored(with_receipt)] == [None] * 3
    assert len(with_receipt.requests("export-items")) == 2


def test_receipts_that_are_there_are_not_downloaded_again(with_receipt: Scene) -> None:
    with_receipt.export()
    with_receipt.run()
    with_receipt.run()
    with_receipt.release()
    assert len(with_receipt.requests("download")) == 3


def test_no_link_is_on_disk(with_receipt: Scene) -> None:
    with_receipt.export()
    with_receipt.run()
    assert [one.problem for one in stored(with_receipt)] == [None] * 3  # by links with a token
    assert with_receipt.release().word == "closed"
    kept = {path: path.read_bytes() for path in with_receipt.root.rglob("*") if path.is_file()}
    assert {path.name for path in kept} >= {"ledger.db", "manifest.json"}
    assert [path for path, content in kept.items() if b"token=" in content] == []


def test_stopped_while_receipts_are_stored_they_are_all_there_in_the_end(
    with_receipt: Scene,
) -> None:
    with_receipt.export()
    with_receipt.stopped(with_receipt.run, "before", "write_private")
    with_receipt.run()
    assert [one.problem for one in stored(with_receipt)] == [None] * 3
    assert with_receipt.release().word == "closed"
