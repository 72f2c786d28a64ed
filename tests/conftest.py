"""Settings that every test shares."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from etl.log import LOGGER

# Nothing here may read or write the keyring of whoever runs the tests.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"

# On a change the examples are the same every time, so that a failure is the change's own;
# anywhere else they are new with every run, and hypothesis prints how to make one again.
settings.register_profile("change", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("change" if os.environ.get("CI") else "search")


def pytest_xdist_auto_num_workers() -> int:
    """Give one worker more than processors: many tests wait for a browser or another process."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def _as_talkative_as_before() -> Iterator[None]:
    """Undo what a command in this process said about how much is said: the next test hears all."""
    level, handlers = LOGGER.level, LOGGER.handlers[:]
    yield
    LOGGER.setLevel(level)
    LOGGER.handlers[:] = handlers
