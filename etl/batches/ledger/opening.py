"""Open the ledger, or make a new one; refuse a file that is damaged, foreign or newer."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from sqlalchemy import Connection, insert, select

from etl import files
from etl.batches.ledger import failures, migrations
from etl.batches.ledger.instants import write_instant
from etl.batches.ledger.ledger import Ledger
from etl.batches.ledger.migrations import Migration, describe_tables, migrate, newest
from etl.batches.ledger.schema import LEDGER, MIGRATION
from etl.batches.ledger.sealing import check_seal, seal
from etl.batches.ledger.store import DATABASE_ERRORS, Store
from etl.clock import Clock
from etl.errors import EtlError

#: "PLEO": tells our files from those of other programs (PRAGMA application_id).
APPLICATION_ID = 0x504C454F
_MAGIC = b"SQLite format 3\0"
#: Up to this size every index is compared with its table at each start.
CHECK_WHOLE_BYTES = 8 * 1024 * 1024
ID_BYTES = 16


def open_ledger(url: str, *, root: Path, clock: Clock, create: bool = True) -> Ledger:
    """Open the ledger of a workspace; a context manager closes it.

    Needs: url, `ledger` of pleo-etl.yaml; root, the folder of pleo-etl.yaml.
    Raises: UserMustFix LED-1 to LED-5, LED-10, LED-11; HeldElsewhere LED-9.
    """
    path = ledger_path(url, root=root)
    if not path.exists():
        if not create:
            raise failures.absent(path.name)
        _make(path, clock=clock)
    _check_head(path)
    try:
        return _opened(path, clock=clock)
    except DATABASE_ERRORS as error:
        raise failures.damaged(str(error).partition("\n")[0]) from error


def _opened(path: Path, *, clock: Clock) -> Ledger:
    store = Store(path)
    try:
        _check_whole(store, size=path.stat().st_size)
        _bring_up_to_date(store, clock=clock)
        return Ledger(store, ledger_id=_read_id(store), clock=clock)
    except BaseException:
        store.close()
        raise


def ledger_path(url: str, *, root: Path) -> Path:
    """Give the file that the ledger's address names; it may not leave the workspace.

    Raises: UserMustFix LED-1, LED-5.
    """
    scheme, _, rest = url.partition("://")
    if scheme != "sqlite":
        raise failures.unknown_kind(scheme)
    relative = unquote(rest.removeprefix("/"))
    named = PurePosixPath(relative)
    climbs = not rest.startswith("/") or ".." in named.parts or set(relative) & set("\0?#\\:")
    if climbs or not named.name:
        raise failures.outside(relative)
    path = root / named
    if not path.resolve().is_relative_to(root.resolve()):
        raise failures.outside(relative)
    return path


def _make(path: Path, *, clock: Clock) -> None:
    """Make a new ledger beside its place and put it there whole; who comes second takes it."""
    files.make_private_folder(path.parent)
    part = files.write_part(path, b"", mode=0o600)
    try:
        _fill(part, clock=clock)
        files.place_new(part, path)
    except EtlError:
        if not path.exists():  # else another command was first, and has swept our part away
            raise
    finally:
        for end in ("", "-wal", "-shm"):
            with suppress(OSError):  # what cannot be removed now is swept by a later command
                part.with_name(part.name + end).unlink(missing_ok=True)


def sweep_parts(url: str, *, root: Path) -> None:
    """Remove what a killed command has left of a ledger that it was making, and of its parts.

    Needs: a lock that keeps `ledger rebuild` out.
    """
    path = ledger_path(url, root=root)
    for left in path.parent.glob(f".pleo-etl.*{path.name}.*.part*"):
        files.remove_file(left)


def _fill(part: Path, *, clock: Clock) -> None:
    store = Store(part)
    try:
        with store.writing() as connection:
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
            for migration in migrations.MIGRATIONS:
                migrate(connection, migration, clock=clock)
            new = {"id": secrets.token_hex(ID_BYTES), "created_at": write_instant(clock.now())}
            connection.execute(insert(LEDGER), seal(new))
        store.empty_log()  # only the file itself is put into its place
    finally:
        store.close()


def _check_head(path: Path) -> None:
    """Refuse what is no database before SQLite takes an empty file for a new one."""
    try:
        with path.open("rb") as handle:
            head = handle.read(100)
    except OSError as error:
        raise failures.cannot_store(error.strerror or type(error).__name__) from error
    if not head.startswith(_MAGIC[: len(head)]):
        raise failures.not_ours(path.name)
    if len(head) < 100:
        raise failures.damaged("its file is cut off")
    if int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        raise failures.not_ours(path.name)


def _check_whole(store: Store, *, size: int) -> None:
    """Let SQLite check its pages; in a large file without comparing each index."""
    check = "integrity_check" if size <= CHECK_WHOLE_BYTES else "quick_check"
    with store.reading() as connection:
        found = connection.exec_driver_sql(f"PRAGMA {check}(1)").scalar()
    if found != "ok":
        raise failures.damaged(str(found))


def _bring_up_to_date(store: Store, *, clock: Clock) -> None:
    """Do the migrations that are missing; each is done wholly or not at all."""
    known: Sequence[Migration] = migrations.MIGRATIONS
    with store.reading() as connection:
        found = _check_tables(connection, known=known[-1].number)
    for migration in known:
        if migration.number > found:
            _do(store, migration, clock=clock)


def _check_tables(connection: Connection, *, known: int) -> int:
    """Give the number of the last migration, if the tables are as it left them."""
    if newest(connection) == 0:
        raise failures.damaged("its tables are missing")
    rows = connection.execute(select(MIGRATION).order_by(MIGRATION.c.number)).mappings().all()
    last = [check_seal(dict(row), table="migration") for row in rows][-1]
    number = int(last["number"])
    if number > known:
        raise failures.newer(number, known)
    if last["tables"] != describe_tables(connection):
        raise failures.damaged("its tables are not as they were made")
    return number


def _do(store: Store, migration: Migration, *, clock: Clock) -> None:
    with store.writing() as connection:
        # Another process may have done it while this one waited.
        if newest(connection) < migration.number:
            migrate(connection, migration, clock=clock)


def _read_id(store: Store) -> str:
    with store.reading() as connection:
        rows = connection.execute(select(LEDGER)).mappings().all()
    if len(rows) != 1:
        raise failures.damaged("it has lost its id")
    return str(check_seal(dict(rows[0]), table="ledger")["id"])
