"""How a variant is registered, and how the protocol is broken for the time of a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from etl.batches.ledger import conditions, writing
from etl.live import (
    answers,
    closing,
    deciding,
    ending,
    finishing,
    jobs,
    publishing,
    releasing,
    reporting,
    reversing,
    staging,
    starting,
    withdrawing,
)  # fmt: skip

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Variant:
    """What is broken, in which kind of stories to look for it, and where to begin."""

    says: str
    breaks: Callable[[Patch], None]
    only: str = ""
    first: int = 0


VARIANTS: dict[str, Variant] = {}


def variant(
    says: str, *, only: str = "", first: int = 0
) -> Callable[[Callable[[Patch], None]], None]:
    """Register a variant under the name of its function; `first`: the story to begin with."""

    def register(breaks: Callable[[Patch], None]) -> None:
        VARIANTS[breaks.__name__] = Variant(says, breaks, only, first)

    return register


@contextmanager
def broken(name: str) -> Iterator[None]:
    """Break the protocol for the time of a block."""
    with pytest.MonkeyPatch.context() as patch:
        VARIANTS[name].breaks(patch)
        yield


def anything_goes(patch: Patch) -> None:
    """Take the ledger's own guards away: what is broken above them must be seen from outside."""
    patch.setattr(conditions, "_CONDITIONS", {})
    patch.setattr(conditions, "_CHECKS", {})


def everywhere(patch: Patch, name: str, replacement: Callable[..., Any]) -> None:
    """Replace a function in every module of the flow that has taken it in."""
    found: Mapping[str, Any] = {
        module.__name__: module
        for module in (answers, closing, deciding, ending, finishing, jobs, publishing, releasing,
                       reporting, reversing, staging, starting, withdrawing, writing)
        if hasattr(module, name)
    }  # fmt: skip
    assert found, name
    for module in found.values():
        patch.setattr(module, name, replacement)
