"""What a command takes from the machine it runs on: the clock, and the way to Pleo.

Tests and the demo hand in others as the context's object: main(words, obj=Surroundings(...)).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import click

from etl.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The clock of the machine, and how requests travel (None: over the network)."""

    clock: Clock = field(default_factory=SystemClock)
    transport: Any = None


def surroundings() -> Surroundings:
    """Give those of the command that runs."""
    given = click.get_current_context().find_root().obj
    return given if isinstance(given, Surroundings) else Surroundings()
