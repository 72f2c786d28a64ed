"""The output folder is whole or as it was, and what is not ours is never touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from etl.batches.manifest import MANIFEST, Made
from etl.batches.output import Owner, plan_output, write_output
from etl.errors import Problem, UserMustFix
from tests.unit.batches.folders import OWNER, conversion_files


def write(folder: Path, text: str = "1;2\n", **given: str) -> None:
    write_output(plan_output(folder, conversion_files(text, **given), owner=OWNER))


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def codes(error: UserMustFix) -> list[str]:
    return [problem.code for problem in error.problems]


def test_a_new_folder_and_its_parents_are_made(tmp_path: Path) -> None:
    write(tmp_path / "a" / "out")
    assert names(tmp_path / "a" / "out") == ["journal.csv", MANIFEST]
    assert (tmp_path / "a" / "out" / "journal.csv").read_bytes() == b"1;2\n"


def test_the_same_conversion_replaces_its_own_files_and_leaves_a_note_alone(tmp_path: Path) -> None:
    write(tmp_path, name="old.csv")
    (tmp_path / "remember.txt").write_text("ask Ana")
    write(tmp_path, "3;4\n", name="new.csv")
    assert names(tmp_path) == [MANIFEST, "new.csv", "remember.txt"]
    assert (tmp_path / "new.csv").read_bytes() == b"3;4\n"


@pytest.mark.parametrize("present", ["journal.csv", "other.txt", MANIFEST])
def test_a_folder_with_foreign_files_is_refused(tmp_path: Path, present: str) -> None:
    (tmp_path / present).write_text("mine")
    with pytest.raises(UserMustFix) as caught:
        write(tmp_path)
    assert codes(caught.value) == ["OUT-1"]
    assert names(tmp_path) == [present]
    assert (tmp_path / present).read_text() == "mine"


def test_a_file_that_somebody_changed_is_not_replaced(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "journal.csv").write_text("mended by hand")
    with pytest.raises(UserMustFix) as caught:
        write(tmp_path, "3;4\n")
    assert codes(caught.value) == ["OUT-1"]
    assert (tmp_path / "journal.csv").read_text() == "mended by hand"


def test_a_folder_of_another_batch_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    other = Owner(OWNER.company, OWNER.template, OWNER.number + 1)
    with pytest.raises(UserMustFix) as caught:
        plan_output(tmp_path, conversion_files("3;4\n"), owner=other)
    assert codes(caught.value) == ["OUT-1"]


def test_a_link_is_neither_followed_nor_replaced(tmp_path: Path) -> None:
    target = tmp_path / "precious.csv"
    target.write_text("1;2\n")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "journal.csv").symlink_to(target)
    with pytest.raises(UserMustFix) as caught:
        write(folder)
    assert codes(caught.value) == ["OUT-1"]
    assert target.read_text() == "1;2\n"


def test_a_link_to_nothing_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UserMustFix):
        write(tmp_path / "out")
    assert names(tmp_path) == ["out"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UserMustFix) as caught:
        write(tmp_path / "out")
    assert codes(caught.value) == ["OUT-1"]


@pytest.mark.parametrize("name", ["../x.csv", "a/b.csv", "CON.csv", "x.csv.", "tab\t.csv", ""])
def test_a_name_that_no_file_may_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        write(tmp_path / "out", name=name)
    assert codes(caught.value) == ["OUT-3"]
    assert not (tmp_path / "out").exists()


def test_two_names_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    files = [Made("A.csv", b"1"), Made("a.csv", b"2"), *conversion_files("x")]
    with pytest.raises(UserMustFix) as caught:
        plan_output(tmp_path / "out", files, owner=OWNER)
    assert caught.value.problems == (
        Problem(
            "OUT-3",
            'two files would be named "a.csv"',
            "files: name",
            "change the file name in the template, or the parameters that it prints",
        ),
    )


def test_what_a_killed_run_left_is_finished_by_the_same_command(tmp_path: Path) -> None:
    write(tmp_path / "whole")
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    folder = tmp_path / "torn"
    folder.mkdir()
    (folder / "journal.csv").write_bytes(whole["journal.csv"])
    (folder / f".pleo-etl.{MANIFEST}.0a1b2c3d.part").write_bytes(whole[MANIFEST][:20])
    write(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole


def test_a_kill_between_old_and_new_files_is_finished_too(tmp_path: Path) -> None:
    write(tmp_path, name="old.csv")
    os.replace(tmp_path / MANIFEST, tmp_path / f".pleo-etl.{MANIFEST}.00000000.old")
    os.replace(tmp_path / "old.csv", tmp_path / ".pleo-etl.old.csv.00000000.old")
    (tmp_path / "journal.csv").write_text("3;4\n")
    write(tmp_path, "3;4\n")
    assert names(tmp_path) == ["journal.csv", MANIFEST]
