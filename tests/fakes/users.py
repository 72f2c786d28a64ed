"""What the commands of users do not have, so that those of tests do not load it either."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: pandera loads hypothesis, and httpcore trio, where they are installed: a quarter of a command.
MISSING = str(Path(__file__).parent / "missing")
#: For PYTHONPATH of commands that take pleo-etl from here.
SEARCHED = os.pathsep.join((MISSING, str(ROOT)))
