"""C-05 once more, with a real disk that is really full: a file system in memory of a few kilobytes.

Where this machine lets nobody mount one, files are kept small by the system's own limit instead.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fault.live import invariants
from tests.fault.live.machine import COMMAND, Machine, machine

#: Kilobytes: for less than a lock, than the ledger, than the batch, than its release.
SIZES = (32, 96, 128, 192)
ROOM = 8192
OUT_OF_SPACE = 2

#: Says the exit code of each command, with little space, and then with enough.
MOUNTED = """
mount -t tmpfs -o size={size}k none work && cp -r kept/. work && cd work || exit 9
for words in "run" "release --yes"; do {command} $words; echo "code $?"; done
mount -o remount,size={room}k work 2>/dev/null || mount -o remount,size={room}k "$PWD" || exit 9
for words in "run" "release --yes" "run"; do {command} $words; echo "code $?"; done
cp -r . ../kept
"""
LIMITED = """
cp -r kept/. work && cd work || exit 9
(ulimit -f {size}; trap '' XFSZ; for words in "run" "release --yes"
 do {command} $words; echo "code $?"; done)
for words in "run" "release --yes" "run"; do {command} $words; echo "code $?"; done
cp -r . ../kept
"""


def _can_mount(folder: Path) -> bool:
    probe = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", str(folder)]
    try:
        return subprocess.run(probe, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def _day(place: Machine, size: int) -> tuple[list[int], str]:
    """Let the commands of a day run; give their exit codes, and all that was said."""
    above = place.root.parent
    can_mount = _can_mount(place.root)
    script = (MOUNTED if can_mount else LIMITED).format(size=size, room=ROOM, command=COMMAND)
    shell = ["unshare", "--map-root-user", "--mount", "sh", "-c", script]
    done = subprocess.run(
        shell if can_mount else shell[3:], cwd=above, env=place.environment,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    codes = [int(line[5:]) for line in done.stdout.splitlines() if line.startswith("code ")]
    return codes, f"{size} KB, exit {done.returncode}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("size", SIZES)
def test_a_disk_that_is_full(size: int) -> None:
    with machine() as place:
        company = place.add_company("acme", 9)
        place.pleo.add_job(company, is_vendor_based=False)
        kept = place.root.parent / "kept"
        place.root.rename(kept)
        place.root.mkdir()
        codes, said = _day(place, size)
        assert len(codes) == 5, said
        assert "Traceback" not in said
        assert set(codes) <= {0, 1, OUT_OF_SPACE}, said
        assert OUT_OF_SPACE in codes[:2] or size == max(SIZES), said
        (job,) = place.pleo.jobs.values()
        assert job.status == "completed_with_errors", said
        (released,) = invariants.read_outbox(kept / "outbox" / "acme")
        assert len(released.entries) == 8
        assert not list(invariants.left_over(kept)), said
