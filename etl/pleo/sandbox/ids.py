"""Ids and secrets that look random and are the same again for the same seed."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter


class Ids:
    """Give the next id or secret of a kind."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._given: Counter[str] = Counter()

    def _digest(self, kind: str) -> bytes:
        self._given[kind] += 1
        return hashlib.sha256(f"{self._seed}/{kind}/{self._given[kind]}".encode()).digest()

    def uuid(self, kind: str) -> str:
        """Give an id in the form of Pleo's."""
        return str(uuid.UUID(bytes=self._digest(kind)[:16], version=4))

    def secret(self, kind: str) -> str:
        """Give a secret of 64 hexadecimal digits."""
        return self._digest(kind).hex()
