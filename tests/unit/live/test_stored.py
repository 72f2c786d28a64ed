"""The private folder of a batch: written as a whole, and known to be unchanged when it is read."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from etl import files
from etl.errors import UserMustFix
from etl.live.stored import StoredBatch, StoredFile

FILE = StoredFile("e-1", 1, "4113001_01.pdf", "application/pdf", 3, files.sha256(b"abc"), None)
GONE = StoredFile("e-1", 2, "4113001_02.pdf", "application/pdf", 9, None, "gone (404)")
ITEMS = [b'{"a": 1}', '{"note": "Grüße\u2028"}'.encode()]


def stored(folder: Path) -> StoredBatch:
    batch = StoredBatch(folder / "acme" / "b-1")
    batch.make()
    (batch.attachments_folder / "1").write_bytes(b"abc")
    batch.write_input({"id": "j-1"}, items=ITEMS, attachments=[FILE, GONE])
    return batch


def test_what_was_written_is_read(tmp_path: Path) -> None:
    batch = stored(tmp_path)
    assert batch.has_input()
    assert batch.read_job() == {"id": "j-1"}
    assert batch.read_items() == ITEMS
    assert batch.read_attachments() == [FILE, GONE]
    assert batch.contents() == {("e-1", 1): batch.attachments_folder / "1"}


def test_only_its_owner_may_look_into_it(tmp_path: Path) -> None:
    batch = stored(tmp_path)
    assert stat.S_IMODE(batch.folder.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in batch.folder.glob("*.*json")}
    assert modes == {0o600}


@pytest.mark.parametrize("stop_at", ["items.ndjson", "attachments.json", "job.json"])
def test_a_stop_halfway_leaves_no_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: str
) -> None:
    write = files.write_private

    def stopping(path: Path, content: bytes) -> None:
        if path.name == stop_at:
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr(files, "write_private", stopping)
    with pytest.raises(KeyboardInterrupt):
        stored(tmp_path)
    assert not StoredBatch(tmp_path / "acme" / "b-1").has_input()


@pytest.mark.parametrize("name", ["items.ndjson", "attachments.json", "job.json"])
@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_input_that_is_no_longer_what_was_written_is_refused(
    tmp_path: Path, name: str, harm: str
) -> None:
    batch = stored(tmp_path)
    path = batch.folder / name
    content = path.read_bytes()
    path.unlink()
    if harm == "changed":
        path.write_bytes(content[:-3] + b"!\n")
    read = batch.read_items if name == "items.ndjson" else batch.read_attachments
    with pytest.raises(UserMustFix) as refused:
        read()
    (problem,) = refused.value.problems
    assert problem.code == "LINE-2"
    assert problem.what == f"{name} of a stored batch is missing or has been changed"
    assert problem.fix == "discard the batch and run again: the items are fetched from Pleo anew"


def test_an_item_on_several_lines_is_stored_on_one(tmp_path: Path) -> None:
    batch = StoredBatch(tmp_path / "b")
    batch.write_input({}, items=[b'{\r\n "a": 1\n}', b'{"note": "a\nb"}', b""])
    pretty, broken, nothing = batch.read_items()
    assert json.loads(pretty) == {"a": 1}
    for item in (broken, nothing):  # neither was JSON, and neither is
        with pytest.raises(ValueError, match=r"."):
            json.loads(item)


def test_input_is_replaced_as_a_whole(tmp_path: Path) -> None:
    batch = stored(tmp_path)
    batch.write_input({"id": "j-2"}, items=[b"{}"])
    assert (batch.read_job(), batch.read_items(), batch.contents()) == ({"id": "j-2"}, [b"{}"], {})
