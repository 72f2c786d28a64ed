"""The ledger that the tests of batches write, and that is found in order when they end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.batches.ledger import Ledger
from tests.fakes.ledgers import open_in


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_in(tmp_path) as opened:
        yield opened
        assert opened.verify() == []
