"""C-05 and C-01 for the output folder: every effect fails once, or is the last one before a kill.

Faults are put under the operating system's functions, so that nothing of the writer knows them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from etl.batches.output import plan_output, write_output
from etl.errors import UserMustFix
from tests.fakes.items import item
from tests.unit.batches.folders import OWNER, conversion_files
from tests.unit.cli.workspaces import make_workspace

EFFECTS = ("open", "fdopen", "fsync", "replace", "mkdir", "unlink", "rmdir")
FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
MAX_EFFECTS = 60


class Killed(BaseException):
    """The process is gone: no effect happens any more."""


@contextmanager
def trouble(
    monkeypatch: pytest.MonkeyPatch, stop: Callable[[int], BaseException | None]
) -> Iterator[list[int]]:
    """Ask before the n-th effect whether it fails; give how many there were."""
    count = [0]

    def guarded(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def effect(*args: Any, **named: Any) -> Any:
            count[0] += 1
            if failure := stop(count[0]):
                if name == "fdopen":
                    os.close(args[0])
                raise failure
            return real(*args, **named)

        return effect

    with monkeypatch.context() as patch:
        for name in EFFECTS:
            patch.setattr(os, name, guarded(name))
        yield count


def snapshot(folder: Path) -> dict[str, bytes] | None:
    if not folder.exists():
        return None
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write(folder: Path, text: str, name: str) -> None:
    write_output(plan_output(folder, conversion_files(text, name=name), owner=OWNER))


def prepare(folder: Path, *, earlier: bool) -> None:
    if earlier:
        write(folder, "1;2\n", "old.csv")


def once(at: int, fault: int) -> Callable[[int], BaseException | None]:
    return lambda count: OSError(fault, os.strerror(fault)) if count == at else None


def from_then_on(at: int) -> Callable[[int], BaseException | None]:
    return lambda count: Killed() if count >= at else None


@pytest.mark.parametrize("earlier", [False, True], ids=["new folder", "earlier run there"])
@pytest.mark.parametrize("fault", FAULTS, ids=errno.errorcode.__getitem__)
def test_a_failing_effect_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int, earlier: bool
) -> None:
    refused = 0
    for at in range(1, MAX_EFFECTS):
        folder = tmp_path / str(at) / "out"
        folder.parent.mkdir()
        prepare(folder, earlier=earlier)
        before = snapshot(folder)
        codes = []
        with trouble(monkeypatch, once(at, fault)) as count:
            try:
                write(folder, "3;4\n", "new.csv")
            except UserMustFix as error:
                codes = [problem.code for problem in error.problems]
        if codes:
            refused += 1
            assert codes == ["OUT-2"]
            assert snapshot(folder) == before
        if count[0] < at:
            break
        write(folder, "3;4\n", "new.csv")
        assert sorted(os.listdir(folder)) == ["manifest.json", "new.csv"]
    else:
        pytest.fail("the writer has more effects than this test looks at")
    assert refused >= 8


@pytest.mark.parametrize("earlier", [False, True], ids=["new folder", "earlier run there"])
def test_after_a_kill_the_same_command_finishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool
) -> None:
    for at in range(1, MAX_EFFECTS):
        folder = tmp_path / str(at) / "out"
        folder.parent.mkdir()
        prepare(folder, earlier=earlier)
        with trouble(monkeypatch, from_then_on(at)) as count, suppress(Killed):
            write(folder, "3;4\n", "new.csv")
        left = snapshot(folder) or {}
        if "manifest.json" in left:
            listed = [
                name for name in ("old.csv", "new.csv") if name.encode() in left["manifest.json"]
            ]
            assert set(listed) <= left.keys(), "a folder with a manifest is whole"
        write(folder, "3;4\n", "new.csv")
        assert sorted(os.listdir(folder)) == ["manifest.json", "new.csv"]
        if count[0] < at:
            break
    else:
        pytest.fail("the writer has more effects than this test looks at")


@pytest.mark.parametrize("fault", FAULTS, ids=errno.errorcode.__getitem__)
def test_convert_tells_a_full_disk_in_four_parts_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    workspace = make_workspace(tmp_path)
    items = workspace.items(item(n=1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", raising(OSError(fault, os.strerror(fault))))
        result = workspace.convert(items)
    assert result.exit_code == 2
    assert result.stderr.startswith("error[OUT-2]: cannot write ")
    assert os.strerror(fault) in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()
    assert workspace.convert(items).exit_code == 0


def raising(error: OSError) -> Callable[..., None]:
    def effect(*_: Any) -> None:
        raise error

    return effect
