"""A file is whole or absent, and its name stays in its folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from etl.errors import UserMustFix
from etl.files import is_safe_name, move_folder, sha256, write_atomic


@pytest.mark.parametrize(
    "name",
    ["EXTF_Pleo_1_1.csv", "a", "Belege 1.zip", "732829320FEC20261231_1.txt", "x-(2)+y.csv"],
)
def test_ordinary_names_are_safe(name: str) -> None:
    assert is_safe_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", ".hidden", "a/b", "a\\b", "C:a", "CON", "con.csv", "nul .txt", "COM1.csv",
        "a.", "a ", "a\n", "a\0", "ä.csv", "x" * 201, "-rf", "a|b", "a?b", "\u202ecsv.exe",
    ],
)  # fmt: skip
def test_odd_names_are_not(name: str) -> None:
    assert not is_safe_name(name)


def test_the_content_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_old_file_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "a.csv"
    write_atomic(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"etl.files.os.{call}", fail)
    with pytest.raises(UserMustFix, match=r"OUT-2.*No space left"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_a_full_disk_is_named_where_a_folder_is_moved_to_another_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "a.csv").write_bytes(b"all of it")

    def other_disk(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def full(source: str, target: str, **_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", source, None, target)

    monkeypatch.setattr("etl.files.os.rename", other_disk)
    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(UserMustFix, match="OUT-2") as caught:
        move_folder(old, tmp_path / "new")
    assert caught.value.problems[0].what == "cannot write new: No space left on device"
    assert os.listdir(tmp_path) == ["old"]
    assert (old / "a.csv").read_bytes() == b"all of it"


def test_a_link_in_the_place_of_the_target_is_replaced_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"keep")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a.csv").symlink_to(outside)
    write_atomic(folder / "a.csv", b"new")
    assert outside.read_bytes() == b"keep"
    assert not (folder / "a.csv").is_symlink()


def test_sha256_of_nothing_is_the_published_one() -> None:
    assert sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
