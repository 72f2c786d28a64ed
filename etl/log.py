"""Talk for the operator, on stderr: silent by default, `-v` and `-vv` say more."""

from __future__ import annotations

import logging

LOGGER = logging.getLogger("pleo-etl")


def set_verbosity(level: int) -> None:
    """Set how much is said: 0 nothing, 1 the stages, 2 their details."""
    LOGGER.setLevel((logging.WARNING, logging.INFO, logging.DEBUG)[min(level, 2)])
    if not LOGGER.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        LOGGER.addHandler(handler)
