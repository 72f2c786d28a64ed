"""What the commands of a world have in common because they are not processes of their own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from etl.batches.ledger import store
from etl.clock import Clock


class JumpingClock:
    """A machine's clock that somebody sets while a command is at work; Pleo's is right."""

    JUMPS = (0, 0, 3600, -3600, 86_400, -86_400, 1, -1, 31_536_000)

    def __init__(self, real: Clock, chance: random.Random) -> None:
        self._real, self._chance = real, chance

    def now(self) -> datetime:
        return self._real.now() + timedelta(seconds=self._chance.choice(self.JUMPS))

    def elapsed(self) -> float:
        return self._real.elapsed()

    def sleep(self, seconds: float) -> None:
        self._real.sleep(seconds)


#: Statements that SQLAlchemy has compiled; a process would compile them anew each time.
_COMPILED: dict[str, Any] = {}


@contextmanager
def statements_kept() -> Iterator[None]:
    """Let all ledgers of this process share what SQLAlchemy has compiled: most of its time."""

    def create(*args: Any, **named: Any) -> Engine:
        engine = create_engine(*args, **named)
        _COMPILED.setdefault("dialect", engine.dialect)
        _COMPILED.setdefault("cache", engine._compiled_cache)
        engine.dialect, engine._compiled_cache = _COMPILED["dialect"], _COMPILED["cache"]
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "create_engine", create)
        yield
