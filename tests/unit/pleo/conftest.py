"""A sandbox for one test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from etl.pleo.sandbox import Pleo
from tests.fakes.pleo_client import Scene, scene_of


@pytest.fixture
def scene() -> Iterator[Scene]:
    with scene_of(Pleo()) as found:
        yield found
