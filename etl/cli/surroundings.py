"""What a command takes from the machine it runs on: clock, way to Pleo, folder, a person to ask.

Tests and the demo hand in others as the context's object: main(words, obj=Surroundings(...)).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from etl.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a command takes from the machine.

    transport  how requests travel; None: over the network
    folder     where the workspace is looked for; None: the current folder
    attended   whether a person can be asked; None: where input and talk are a terminal
    """

    clock: Clock = field(default_factory=SystemClock)
    transport: Any = None
    folder: Path | None = None
    attended: bool | None = None

    @property
    def is_attended(self) -> bool:
        """Say whether a person can be asked."""
        if self.attended is not None:
            return self.attended
        return sys.stdin.isatty() and sys.stderr.isatty()


def surroundings() -> Surroundings:
    """Give those of the command that runs."""
    given = click.get_current_context().find_root().obj
    return given if isinstance(given, Surroundings) else Surroundings()
