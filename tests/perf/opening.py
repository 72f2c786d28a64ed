"""How soon a review of ten thousand items is open: the stored view, and the whole command.

    uv run python -m tests.perf.opening [--items 10000]

Prints what, ours, theirs, ratio, target, in seconds of processor time from one run. Nothing is
asserted here.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from etl.live import viewing
from tests.fakes.local_page import Reviewed, make_reviewed
from tests.perf.generate import write_items

COMMAND = [sys.executable, "-c", "from etl.cli import main; main()", "review"]
#: What a review cannot do without.
IMPORTS = [sys.executable, "-c", "import httpx, jinja2, polars, rich, sqlalchemy"]
RUNS = 3


def opening(folder: Path, count: int) -> list[tuple[str, float, float, str]]:
    """Give what, ours, theirs, target."""
    with pytest.MonkeyPatch.context() as patch:
        reviewed = _staged(folder, count, patch)
        command = min(_child(COMMAND) for _ in range(RUNS))
        imports = min(_child(IMPORTS) for _ in range(RUNS))
        stored = min(_spent(lambda: _seen(reviewed)) for _ in range(RUNS))
        for path in folder.rglob("view-*.msgpack"):
            path.unlink()
        again = min(_spent(lambda: _seen(reviewed)) for _ in range(RUNS))
    return [
        (f"view of {count:,} items (CPU s) / made again", stored, again, ">= 4"),
        (f"review of {count:,} items (CPU s) / imports x 5", command, imports * 5, ">= 1"),
    ]


def _staged(folder: Path, count: int, patch: pytest.MonkeyPatch) -> Reviewed:
    """Stage items without receipts: to write ten thousand files is another matter."""
    source = folder / "items.ndjson"
    write_items(source, count)
    lines = source.read_text(encoding="utf-8").splitlines()
    return make_reviewed(
        folder / "work", patch, [{**json.loads(line), "files": []} for line in lines]
    )


def _seen(reviewed: Reviewed) -> None:
    viewing._KEPT = viewing._Views()
    assert reviewed.another().view() is not None


def _spent(act: Callable[[], object]) -> float:
    begun = time.process_time()
    act()
    return time.process_time() - begun


def _child(command: list[str]) -> float:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command}: exit {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    count = parser.parse_args().items
    with tempfile.TemporaryDirectory() as folder:
        for what, ours, theirs, target in opening(Path(folder), count):
            print(f"{what:<52}{ours:>10.2f}{theirs:>10.2f}{theirs / ours:>8.2f}  {target}")


if __name__ == "__main__":
    main()
