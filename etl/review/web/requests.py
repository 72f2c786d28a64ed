"""Read what stands in a request, or refuse it: no page of ours sends anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from etl.documents import read_json
from etl.review.web.acting import Wrong

MAX_NUMBER = 10**7


def read_parts(body: bytes) -> Mapping[str, Any]:
    """Read the JSON of an act.

    Raises: Wrong.
    """
    try:
        found = read_json(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Wrong("this is no JSON object")
    return found


def read_number(text: str | None) -> int:
    """Read a number of an address.

    Raises: Wrong.
    """
    if text is None or not text.isascii() or not text.isdigit() or int(text[:9]) > MAX_NUMBER:
        if text is None:
            return 0
        raise Wrong("this is no number")
    return int(text)
