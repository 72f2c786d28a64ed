"""The database under the ledger: one connection, whole transactions, errors in our words.

Python's sqlite3 begins transactions by itself, late and only before some statements. That is
switched off: each of ours begins as it says, a writing one with BEGIN IMMEDIATE, so that what it
reads before it writes cannot be changed in between by another process.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from etl.batches.ledger import failures
from etl.errors import EtlError

#: How long a transaction waits for one of another process.
BUSY_SECONDS = 5
#: What every connection asks of SQLite, and what it must answer when asked again.
PRAGMAS = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("foreign_keys", "ON", 1),
    # macOS: a sync that reaches the disk, not only its cache.
    ("fullfsync", "ON", 1),
    ("checkpoint_fullfsync", "ON", 1),
)
#: What the database raises where nothing of ours says more.
#: (sqlite3 cannot even decode some messages about a damaged file.)
DATABASE_ERRORS = (DBAPIError, sqlite3.Error, UnicodeDecodeError)
_CORRUPT = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT", "SQLITE_SCHEMA")
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")
_REFUSED = (
    "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM",
    "SQLITE_AUTH", "SQLITE_NOMEM", "SQLITE_NOLFS", "SQLITE_TOOBIG",
)  # fmt: skip
#: Under this name a connection says how its next transaction begins.
_BEGIN = "begin"
_opening: ContextVar[Path] = ContextVar("_opening")


@functools.cache
def _engine() -> Engine:
    """Give the engine of all files: what it has compiled for one, it need not for the next."""

    def open_file() -> sqlite3.Connection:
        # mode=rw: a file that is gone is never made again by looking for it.
        address = f"{_opening.get().absolute().as_uri()}?mode=rw"
        return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)

    engine = create_engine("sqlite://", creator=open_file, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.info[_BEGIN])

    return engine


def _connect(path: Path) -> Connection:
    token = _opening.set(path)
    try:
        return _engine().connect()
    finally:
        _opening.reset(token)


class Store:
    """An open database file."""

    def __init__(self, path: Path) -> None:
        """Open the file, which must be there.

        Raises: UserMustFix LED-3, LED-10, LED-11; HeldElsewhere LED-9.
        """
        with _in_our_words():
            self._connection = _connect(path)
        try:
            with _in_our_words():
                self._ask_for_durability()
        except BaseException:
            self.close()
            raise

    def _ask_for_durability(self) -> None:
        raw: Any = self._connection.connection.driver_connection
        for name, wanted, answer in PRAGMAS:
            if raw.execute(f"PRAGMA {name}").fetchone()[0] != answer:
                raw.execute(f"PRAGMA {name} = {wanted}")
            found = raw.execute(f"PRAGMA {name}").fetchone()[0]
            if found != answer:
                raise failures.not_durable(f"{name} is {found}, not {wanted}")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read, all from one moment."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Read and write, as the only one; all of it is stored, or nothing."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with _in_our_words():
            self._connection.info[_BEGIN] = begin
            with self._connection.begin():
                yield self._connection

    def empty_log(self) -> None:
        """Bring what stands in the log into the file: from then on the file alone is all there is.

        Closing does that too, but says nothing where the disk refuses it, and keeps the log.
        Raises: UserMustFix LED-10; HeldElsewhere LED-9.
        """
        raw: Any = self._connection.connection.driver_connection
        with _in_our_words():
            is_busy = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if is_busy:
            raise failures.busy(BUSY_SECONDS)

    def close(self) -> None:
        """Close the file; what stands in its log goes into it."""
        with _in_our_words():
            self._connection.close()


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except DATABASE_ERRORS as error:
        raise explain(error) from error


def explain(error: Exception) -> Exception:
    """Give the error that tells a person what the database's error means."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    name = str(getattr(cause, "sqlite_errorname", ""))
    found: EtlError | None = None
    if isinstance(cause, UnicodeDecodeError) or "decode to UTF-8" in str(cause):
        found = failures.damaged("a text cannot be read")
    elif name.startswith(_BUSY):
        found = failures.busy(BUSY_SECONDS)
    elif name.startswith(_CORRUPT):
        found = failures.damaged(str(cause))
    elif name.startswith(_REFUSED):
        found = failures.cannot_store(str(cause))
    return found or error
