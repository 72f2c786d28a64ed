"""Asks Pleo one question until it is answered: throttle, attempts, waits, a renewed credential.

read   every loss, 429 and 5xx is tried again
write  tried again only where it certainly had no effect: no connection, 429, 401
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random, SystemRandom
from typing import TYPE_CHECKING

from etl.clock import Clock
from etl.errors import EtlError
from etl.pleo import refusing
from etl.pleo.exchange import Lost, Question, Reply, Wire
from etl.pleo.throttle import Throttle
from etl.pleo.waits import Patience, Waiting, asked_wait, read_date
from etl.secret import Secret

if TYPE_CHECKING:
    from etl.pleo.credentials import Credential

#: Statuses after which a question may be answered if it is asked again.
TOO_MANY = 429
PASSING = frozenset({408, 425, TOO_MANY, 500, 502, 503, 504})
#: Losses that the next attempt need not have.
BROKEN = frozenset({"cut", "slow"})


class Asking:
    """Asks questions with one credential, and knows what time it is at Pleo."""

    def __init__(
        self,
        wire: Wire,
        *,
        credential: Credential,
        clock: Clock,
        patience: Patience,
        chance: Random | None,
        throttle: Throttle | None,
    ) -> None:
        self._wire, self._credential, self._clock = wire, credential, clock
        self._patience = patience
        self._chance = chance or SystemRandom()
        self._throttle = throttle or Throttle(clock)
        self._sent = Secret("")
        self._read: tuple[datetime, float] | None = None

    def time(self) -> datetime:
        """Give Pleo's time now: that of its last answer, and what has passed since."""
        if self._read is None:
            return self._clock.now()
        moment, elapsed = self._read
        return moment + timedelta(seconds=max(0.0, self._clock.elapsed() - elapsed))

    def waiting(self) -> Waiting:
        """Give the waits of one call, which may ask several questions."""
        return Waiting(self._patience, self._chance)

    def ask(self, question: Question, waiting: Waiting) -> Reply:
        """Give the answer, whatever its status below 500; a 401 only after a new credential.

        Raises: EtlError of failures.py.
        """
        attempt, is_renewed = 0, False
        while True:
            attempt += 1
            began = self._clock.elapsed()
            given = self._once(question)
            if isinstance(given, Reply) and given.status == 401 and not is_renewed:
                is_renewed = True
                if self._credential.renew():
                    continue
            failure, asked = self._failure(given, question)
            if failure is None:
                assert isinstance(given, Reply)
                return given
            waiting.spend(self._clock.elapsed() - began)
            may = _may_be_repeated(given, question)
            pause = waiting.next(attempt, asked=asked) if may else None
            if pause is None:
                raise failure
            self._clock.sleep(pause)

    def refuse(self, reply: Reply, question: Question) -> EtlError:
        """Give what an answer without success means."""
        return refusing.refusal(reply, question, sent=self._sent)

    def _once(self, question: Question) -> Reply | Lost:
        self._sent = Secret(self._credential.authorize())
        self._throttle.let_through()
        given = self._wire.send(question, self._sent)
        date = read_date(given.date)
        if date is not None:
            self._read = date, self._clock.elapsed()
        return given

    def _failure(
        self, given: Reply | Lost, question: Question
    ) -> tuple[EtlError | None, float | None]:
        """Give why an attempt failed, and how long Pleo asks to wait; None if it is answered."""
        if isinstance(given, Lost):
            if question.is_write and not given.is_without_effect:
                return refusing.unknown(question), None
            return refusing.lost(given, question), None
        if given.status not in PASSING and given.status < 500:
            return None, None
        asked = asked_wait(given.retry_after, at=self.time())
        if given.status == TOO_MANY:
            until = refusing.end_of(self.time(), asked)
            return refusing.limited(question, until=until), asked
        if question.is_write:
            return refusing.unknown(question), None
        return self.refuse(given, question), asked


def _may_be_repeated(given: Reply | Lost, question: Question) -> bool:
    """Say whether the same question may be asked again, and may be answered then."""
    if isinstance(given, Lost):
        return given.is_without_effect or (not question.is_write and given.why in BROKEN)
    return given.status == TOO_MANY or (not question.is_write and given.status in PASSING)
