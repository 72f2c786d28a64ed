"""U-04: the ways to put something right by hand, as README.md has them, lead where it says."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import Result

from tests.docs.guide import ROOT
from tests.unit.cli.live import Live, make_live

README = (ROOT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(title: str) -> list[list[list[str]]]:
    """Give the calls of each block of a recipe, as words."""
    by_hand = README.partition("### By hand\n")[2].partition("\nChanges: ")[0]
    recipe = by_hand.partition(f"**{title}.**")[2].partition("\n**")[0]
    found = [
        [shlex.split(line)[1:] for line in block.splitlines()] for block in _BLOCK.findall(recipe)
    ]
    assert found, title
    return found


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    root = tmp_path / "books"
    root.mkdir()
    monkeypatch.chdir(root)
    return make_live(root)


def follow(live: Live, calls: list[list[str]], **words: str) -> Result:
    """Do what a block says; everything in it must go well."""
    for call in calls:
        told = " ".join(call)
        for name, word in words.items():
            told = told.replace(name, word)
        result = live.run(*told.split())
        assert result.exit_code in (0, 1), (told, result.stderr)
    return result


def export(live: Live) -> None:
    live.job()
    assert live.run("run").exit_code == 1


def release(live: Live) -> str:
    """Release all items once; give the id of the batch."""
    export(live)
    assert live.run("release", "--yes").exit_code == 1
    (folder,) = (live.root / "outbox" / "acme").glob("0*")
    return folder.name.partition("-")[2]


def booked(live: Live) -> dict[str, int]:
    """Give how many rows each released folder has."""
    found = sorted((live.root / "outbox" / "acme").glob("0*/plain_*.csv"))
    return {path.parent.name[:4]: len(path.read_bytes().splitlines()) for path in found}


def test_a_batch_is_given_up_before_it_is_out(live: Live) -> None:
    export(live)
    before, _after = blocks("Give a batch up")
    follow(live, before)
    assert booked(live) == {}
    assert live.run("run").exit_code == 1  # the same export, staged again
    assert live.run("release", "--yes").exit_code == 1
    assert len(booked(live)) == 1


def test_a_batch_is_given_up_after_it_is_out(live: Live) -> None:
    batch = release(live)
    _before, after = blocks("Give a batch up")
    follow(live, after)
    assert booked(live) == {}
    assert (live.root / "outbox" / "acme" / "withdrawn" / batch / "manifest.json").is_file()
    export(live)
    live.run("release", "--yes")
    assert list(booked(live)) == ["0002"]


def test_what_was_not_reported_is_reported(live: Live) -> None:
    job = live.job()
    live.run("run")
    live.pleo.faults.add("error=503@report-items:1-")
    assert live.run("release", "--yes").exit_code == 3
    assert job.status == "in_progress"
    live.pleo.faults.clear()
    follow(live, blocks("Report again")[0])
    assert job.status == "completed_with_errors"
    assert len(booked(live)) == 1


def test_what_pleo_has_ended_is_put_away_and_exported_again(live: Live) -> None:
    job = live.job()
    live.run("run")
    live.pleo.faults.add("error=503@report-items:1-")
    live.run("release", "--yes")
    live.pleo.faults.clear()
    live.pleo.cancel_job(job)
    again, put_away = blocks("Report again")
    assert live.run(*again[0]).exit_code == 4
    follow(live, put_away)
    assert booked(live) == {}
    assert live.run("status").exit_code == 0
    release(live)
    assert len(booked(live)) == 1


def test_a_released_file_is_made_again(live: Live) -> None:
    batch = release(live)
    (file,) = (live.root / "outbox" / "acme").glob("0001-*/plain_*.csv")
    content = file.read_bytes()
    file.write_bytes(b"damaged")
    ((make, verify),) = blocks("Make the files again")
    assert live.run(*verify).exit_code == 2
    follow(live, [make], BATCH=batch, TEMPLATE="plain")
    made = live.root / "again" / file.name
    assert made.read_bytes() == content
    shutil.copy(made, file)
    follow(live, [verify])


def test_a_workspace_goes_back_to_an_older_copy(live: Live, tmp_path: Path) -> None:
    first, second, _third = live.companies["acme"].entries
    live.job("acme", [first])
    live.run("run")
    live.run("release", "--yes")
    shutil.copytree(live.root, tmp_path / "copy")
    live.job("acme", [second])
    live.run("run")
    assert live.run("release", "--yes").exit_code == 0
    for path in (".pleo-etl", "outbox"):
        shutil.rmtree(live.root / path)
        shutil.copytree(tmp_path / "copy" / path, live.root / path)
    (calls,) = blocks("Go back to a copy of the workspace")
    follow(live, calls)
    live.job("acme", [first, second])
    live.run("run", "--release")
    assert list(booked(live)) == ["0001"]
