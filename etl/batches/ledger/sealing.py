"""Digests of rows: a bit that the disk changed is noticed when the row is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from etl.batches.ledger.failures import damaged

DIGEST = "digest"


def write_json(value: Any) -> str:
    """Give a value as JSON that is the same text each time."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def seal(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row with its digest."""
    return {**row, DIGEST: _digest(row)}


def check_seal(row: Mapping[str, Any], *, table: str) -> Mapping[str, Any]:
    """Give a row that was read, if it is as it was written.

    Raises: UserMustFix LED-3.
    """
    if not is_sealed(row):
        raise damaged(f'a row of the table "{table}" is not as it was written')
    return row


def is_sealed(row: Mapping[str, Any]) -> bool:
    """Say whether a row that was read is as it was written."""
    return bool(row[DIGEST] == _digest(row))


def _digest(row: Mapping[str, Any]) -> str:
    # What a damaged file gives instead of a text or number is not to stop the comparison.
    values = [(name, repr(row[name])) for name in sorted(row) if name != DIGEST]
    return hashlib.sha256(write_json(values).encode()).hexdigest()
