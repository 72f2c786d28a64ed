"""OAuth 2.0: tokens that are renewed in turn, one refresh at a time over threads and processes.

lock -> read what is kept -> keep "begun" -> ask for the next pair -> keep the pair -> use it

Stopped after "begun": the next one asks again with the same refresh token; if Pleo has given out
the next pair already, it refuses, and a person logs in again. Stopped after "keep the pair":
nothing is lost, the pair is used when it is next needed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from etl import files
from etl.clock import Clock
from etl.errors import EtlError, Problem, TryLater, UserMustFix
from etl.pleo.keeping import KeptTokens, Place
from etl.pleo.tokens import GrantRefused, NeverAsked, TokenEndpoint
from etl.secret import Secret

#: Seconds to wait for another process that renews the same tokens: longer than any request.
MAX_WAIT = 120


class OAuthTokens:
    """The tokens of a company. One object may be shared by threads, one place by processes."""

    def __init__(
        self, kept: KeptTokens, *, place: Place, lock: Path, endpoint: TokenEndpoint, clock: Clock
    ) -> None:
        self._pair = kept
        self._place, self._lock, self._endpoint, self._clock = place, lock, endpoint, clock
        self._one_at_a_time = threading.Lock()
        self._sent = threading.local()
        #: Where the tokens were found, for a person.
        self.where = place.name

    @property
    def scopes(self) -> tuple[str, ...]:
        """Give the scopes that Pleo granted, as far as it said."""
        return self._pair.scopes

    def authorize(self) -> str:
        """Give the header with an access token that still has time left.

        Raises: UserMustFix AUTH-5, AUTH-7, TryLater AUTH-6 when it had to be renewed and could
        not; OUT-2 or AUTH-4 when the next pair could not be kept.
        """
        with self._one_at_a_time:
            if self._is_due(self._pair):
                self._turn(refused=None)
            self._sent.token = self._pair.access
            return f"Bearer {self._pair.access.reveal()}"

    def renew(self) -> bool:
        """Get another access token, unless another thread or process has done so already.

        Raises: as authorize.
        """
        with self._one_at_a_time:
            refused: Secret | None = getattr(self._sent, "token", None)
            if refused == self._pair.access:
                self._turn(refused=refused)
            return True

    def __repr__(self) -> str:
        return f"OAuthTokens(where={self.where!r})"

    def _is_due(self, pair: KeptTokens) -> bool:
        """Say whether a pair is to be renewed before it is used."""
        if pair.is_turning or pair.ends_at is None:
            return pair.is_turning
        return self._clock.now() >= pair.ends_at - timedelta(seconds=pair.lead)

    def _turn(self, *, refused: Secret | None) -> None:
        """Take the pair that another process has kept meanwhile, or make the next one."""
        with locked(self._lock):
            kept = self._place.read()
            if not isinstance(kept, KeptTokens):
                raise log_in_again("the tokens are no longer kept", self.where)
            if kept.access == refused or self._is_due(kept):
                kept = self._next(kept, refused=refused)
            self._pair = kept

    def _next(self, kept: KeptTokens, *, refused: Secret | None) -> KeptTokens:
        """Ask for the next pair and keep it.

        The note that it was begun also shows, before the old pair is void, that the place takes
        what is written to it.
        """
        self._place.write(replace(kept, is_turning=True))
        at = self._clock.now()
        try:
            granted = self._endpoint.refresh(kept.refresh)
        except GrantRefused as error:
            self._place.remove()
            lost = " after a refresh whose answer was lost" if kept.is_turning else ""
            raise log_in_again(f"Pleo refused to renew the login{lost}", self.where) from error
        except NeverAsked as error:
            self._place.write(kept)
            if refused is None and self._has_time(kept, at):
                return kept
            raise error.problem from error
        pair = granted.pair(at, turn=kept.turn + 1, refresh=kept.refresh, scopes=kept.scopes)
        try:
            self._place.write(pair)
        except EtlError as error:
            again = log_in_again("the renewed login could not be kept", self.where)
            raise UserMustFix([*error.problems, *again.problems]) from error
        return pair

    def _has_time(self, pair: KeptTokens, at: datetime) -> bool:
        return not pair.is_turning and pair.ends_at is not None and at < pair.ends_at


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the credential of a company, against other threads and processes.

    Raises: TryLater AUTH-6 when another one holds it for too long; UserMustFix OUT-2.
    """
    files.make_private_folder(path.parent)
    lock = FileLock(path, timeout=MAX_WAIT, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        what = "another pleo-etl is renewing this login and does not end"
        fix = "wait for it or end it, then run this again"
        raise TryLater(Problem("AUTH-6", what, path.name, fix)) from None
    except OSError as error:
        raise files.cannot_write(path, error) from error
    try:
        yield
    finally:
        lock.release()


def log_in_again(what: str, where: str) -> UserMustFix:
    """Say that only a person can open the company again."""
    fix = "log in again with `pleo-etl login --oauth`; nothing else is lost"
    return UserMustFix(Problem("AUTH-7", what, where, fix))
