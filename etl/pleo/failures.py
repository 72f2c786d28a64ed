"""The ways in which a call to Pleo fails, by what the caller can do about it.

TryLater        PleoUnavailable, RateLimited, OutcomeUnknown, BadAnswer
                (ListsDisagree and AnswerTooLarge are kinds of BadAnswer)
UserMustFix     CredentialRefused, MissingContraAccounts
HeldElsewhere   JobNotFound, JobOver, StatusChangeRefused
EtlError        PleoRefused (exit 2): a refusal that this version does not know

Certain to have had no effect on a write: all but OutcomeUnknown.
"""

from __future__ import annotations

from etl.errors import EXIT_USER, EtlError, HeldElsewhere, Problem, TryLater, UserMustFix


class PleoUnavailable(TryLater):
    """Pleo could not be reached, did not answer, or answered that it cannot now."""


class RateLimited(TryLater):
    """Pleo asks for a longer pause than a command may take."""


class OutcomeUnknown(TryLater):
    """A write was sent and no answer says whether it took effect: read back before deciding."""


class BadAnswer(TryLater):
    """The answer is not what Pleo's description says, so that nothing may be made from it."""


class ListsDisagree(BadAnswer):
    """The pages of a list do not fit together: one came twice, or something is missing."""


class AnswerTooLarge(BadAnswer):
    """The answer has more bytes than are read; a smaller page may do."""


class CredentialRefused(UserMustFix):
    """The key or token is missing, over, or does not open this."""


class MissingContraAccounts(UserMustFix):
    """The company has not mapped its contra accounts in Pleo's settings."""


class JobNotFound(HeldElsewhere):
    """Pleo does not know the job, or not for this credential."""


class JobOver(HeldElsewhere):
    """The job has ended: its items can be neither read nor reported."""


class StatusChangeRefused(HeldElsewhere):
    """The job is not in a state in which the event is allowed."""


class PleoRefused(EtlError):
    """Pleo refuses the request for a reason that this version does not know."""

    exit_code = EXIT_USER

    def __init__(self, problem: Problem, *, status: int) -> None:
        super().__init__(problem)
        self.status = status
