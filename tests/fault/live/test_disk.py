"""C-05: the disk is full or refuses, at every change of it.

The command says so with a code and leaves nothing half; the same commands succeed afterwards.
"""

from __future__ import annotations

import errno
import random

import pytest

from tests.fault.live.amounts import IS_FULL, SHARDS
from tests.fault.live.story import plain

FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
SAMPLE = 48
SEED = 1


def _cases() -> list[tuple[int, int]]:
    count = len(plain(()).effects)
    cases = [(place, fault) for place in range(1, count + 1) for fault in FAULTS]
    return cases if IS_FULL else random.Random(SEED).sample(cases, SAMPLE)


@pytest.mark.parametrize("number", range(SHARDS))
def test_a_change_that_is_refused(number: int) -> None:
    refused = 0
    for place, fault in _cases()[number::SHARDS]:
        told = plain((), fails=(place, fault))
        story = f"change {place}, {errno.errorcode[fault]}\n{told}"
        assert not told.violations, story
        codes = [line for line in told.log if " -> 2 (" in line]
        refused += bool(codes)
        assert all("'OUT-2'" in line or "'LED-" in line for line in codes), story
    print(f"{len(_cases()[number::SHARDS])} changes of the disk refused, {refused} with a code")
    assert refused
