"""Who may see the page: the one who has the address that the terminal printed, and opened it.

http://127.0.0.1:PORT/<path>/#<token>    the token never leaves the browser in an address
  ─> POST enter (token, once) ─> cookie (HttpOnly, SameSite=Strict, only for <path>)
  ─> every page carries a second secret, which every act sends back
"""

from __future__ import annotations

import hmac
import secrets
import threading

#: The cookie's name. Cookies are shared by all ports of a machine, but not by all paths.
COOKIE = "pleo-etl-review"
#: Wrong tokens after which nobody is let in any more.
MAX_WRONG = 10


class Door:
    """The secrets of one server: made when it begins, gone when it ends."""

    def __init__(self) -> None:
        self.path = secrets.token_urlsafe(12)
        self.token = secrets.token_urlsafe(32)
        self._cookie = secrets.token_urlsafe(32)
        self.act_token = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._wrong = 0
        self._is_used = False

    def enter(self, token: object) -> str | None:
        """Exchange the token for the cookie, once; None for a wrong or a used one."""
        with self._lock:
            if self._is_used or self._wrong >= MAX_WRONG:
                return None
            if not _same(token, self.token):
                self._wrong += 1
                return None
            self._is_used = True
            return self._cookie

    @property
    def is_used(self) -> bool:
        return self._is_used

    def knows(self, cookie: object) -> bool:
        """Say whether this is the cookie of the browser that came in."""
        return self._is_used and _same(cookie, self._cookie)

    def may_act(self, token: object) -> bool:
        """Say whether an act comes from a page of ours."""
        return _same(token, self.act_token)


def _same(given: object, secret: str) -> bool:
    text = given if isinstance(given, str) else ""
    return hmac.compare_digest(text.encode("utf-8", "replace"), secret.encode())
