"""Keyrings in memory, in place of the one of whoever runs the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError, PasswordSetError


class Memory(KeyringBackend):
    """Keeps what it is given."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


class Locked(Memory):
    """Gives nothing: nobody is there to unlock it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("locked")


class Full(Memory):
    """Takes nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise PasswordSetError(f"no room for {password}")


class Forgetful(Memory):
    """Takes all and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class PlainText(Memory):
    """Keeps it where anyone can read it, and says so by its priority."""

    priority = 0.5


@contextmanager
def in_place(backend: KeyringBackend) -> Iterator[None]:
    """Use a keyring for the time of a `with` block."""
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield
    finally:
        keyring.set_keyring(before)
