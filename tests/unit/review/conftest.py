"""The views of the batch worked out by hand."""

from __future__ import annotations

import pytest

from etl.review import ReviewView, make_view
from tests.unit.review import batches


@pytest.fixture(params=["legs", "pair"])
def view(request: pytest.FixtureRequest) -> ReviewView:
    """Give the view of the batch, in both shapes of postings."""
    frames = batches.frames(request.param)
    return make_view(
        batches.manifest(), frames, files=batches.files(), rules=batches.RULES,
        steps=("Choose the file", "Post the batch"),
    )  # fmt: skip
