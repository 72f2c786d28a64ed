"""The ways in which the program stops, by what the reader can do about it.

EtlError                 a problem with code, what, where and fix
├── UserMustFix          exit 2: usage, configuration, template, mapping, credentials
├── TryLater             exit 3: network, Pleo unavailable, rate limit exhausted
├── HeldElsewhere        exit 4: lock, foreign job, unsettled batch
├── BatchInvalid         exit 5: a frame of ours breaks its contract; nothing was written
└── (anything else)      exit 5: our bug; always shown with a traceback
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EXIT_GOOD = 0
EXIT_SOME_REJECTED = 1
EXIT_USER = 2
EXIT_LATER = 3
EXIT_HELD = 4
EXIT_BUG = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, in the four parts every message has."""

    code: str
    what: str
    where: str
    fix: str

    def __str__(self) -> str:
        place = f"\n  at {self.where}" if self.where else ""
        return f"error[{self.code}]: {self.what}{place}\n  fix: {self.fix}"


class EtlError(Exception):
    """Stops the command. Carries every problem found, never only the first."""

    exit_code = EXIT_BUG

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UserMustFix(EtlError):
    """Something the user wrote or gave is wrong; nothing was written."""

    exit_code = EXIT_USER


class TryLater(EtlError):
    """Something outside did not answer; the same command may work later."""

    exit_code = EXIT_LATER


class HeldElsewhere(EtlError):
    """Someone or something else holds what the command needs."""

    exit_code = EXIT_HELD


class BatchInvalid(EtlError):
    """A frame of ours is wrong as a whole, or cannot be checked; nothing was written."""

    exit_code = EXIT_BUG
