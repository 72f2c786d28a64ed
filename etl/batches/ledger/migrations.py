"""Numbered changes of the tables; each and the record of it share one transaction.

A migration that was released never changes: a ledger that went through it must be like one that
is made today. What only one kind of database understands stands apart (`only`).

Every column that rows are looked for by is in an index: SQLite compares indexes with their tables,
so a damaged row cannot hide from a search.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, insert, select

from etl.batches.ledger.instants import write_instant
from etl.batches.ledger.schema import MIGRATION
from etl.batches.ledger.sealing import seal
from etl.clock import Clock


@dataclass(frozen=True, slots=True)
class Migration:
    """One change of the tables.

    only  kind of database -> statements that it alone needs
    """

    number: int
    name: str
    statements: Sequence[str]
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)


_FIRST = Migration(
    number=1,
    name="events, and what follows from them",
    statements=(
        """CREATE TABLE ledger (
            id TEXT NOT NULL PRIMARY KEY, created_at TEXT NOT NULL, digest TEXT NOT NULL)""",
        """CREATE TABLE migration (
            number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, at TEXT NOT NULL,
            tables TEXT NOT NULL, digest TEXT NOT NULL)""",
        """CREATE TABLE event (
            number INTEGER NOT NULL PRIMARY KEY, company_id TEXT NOT NULL, batch_id TEXT NOT NULL,
            seq INTEGER NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL,
            previous TEXT NOT NULL, digest TEXT NOT NULL)""",
        "CREATE UNIQUE INDEX event_once ON event (batch_id, seq)",
        "CREATE INDEX event_company ON event (company_id)",
        """CREATE TABLE batch (
            id TEXT NOT NULL PRIMARY KEY, company_id TEXT NOT NULL, number INTEGER NOT NULL,
            seq INTEGER NOT NULL, state TEXT NOT NULL, unsettled INTEGER NOT NULL,
            holds_numbers INTEGER NOT NULL, record TEXT NOT NULL, head TEXT NOT NULL,
            digest TEXT NOT NULL)""",
        "CREATE INDEX batch_company ON batch (company_id)",
        "CREATE UNIQUE INDEX batch_unsettled ON batch (company_id) WHERE unsettled = 1",
        "CREATE UNIQUE INDEX batch_number ON batch (company_id, number) WHERE holds_numbers = 1",
        """CREATE TABLE verdict (
            batch_id TEXT NOT NULL REFERENCES batch (id), entry_key TEXT NOT NULL,
            entry_id TEXT NOT NULL, verdict TEXT NOT NULL, body TEXT NOT NULL, external_id TEXT,
            failure_type TEXT, failure_reason TEXT, fingerprint TEXT, vouchers TEXT NOT NULL,
            acknowledged INTEGER NOT NULL, digest TEXT NOT NULL,
            PRIMARY KEY (batch_id, entry_key))""",
        """CREATE TABLE claim (
            batch_id TEXT NOT NULL REFERENCES batch (id), entry_key TEXT NOT NULL,
            company_id TEXT NOT NULL, became TEXT NOT NULL, live INTEGER NOT NULL,
            took_from TEXT, digest TEXT NOT NULL, PRIMARY KEY (batch_id, entry_key))""",
        "CREATE UNIQUE INDEX claim_live ON claim (company_id, entry_key) WHERE live = 1",
        "CREATE INDEX claim_entry ON claim (company_id, entry_key)",
    ),
    only={
        "sqlite": (
            """CREATE TRIGGER event_unchanged BEFORE UPDATE ON event
                BEGIN SELECT RAISE(ABORT, 'events are never changed'); END""",
            """CREATE TRIGGER event_kept BEFORE DELETE ON event
                BEGIN SELECT RAISE(ABORT, 'events are never removed'); END""",
        ),
    },
)

MIGRATIONS: Sequence[Migration] = (_FIRST,)


def newest(connection: Connection) -> int:
    """Give the number of the last migration that was done; 0 in an empty database."""
    if not connection.dialect.has_table(connection, MIGRATION.name):
        return 0
    return connection.execute(select(func.max(MIGRATION.c.number))).scalar() or 0


def migrate(connection: Connection, migration: Migration, *, clock: Clock) -> None:
    """Do one migration and record it. Needs: a transaction, which the caller commits."""
    for statement in (*migration.statements, *migration.only.get(connection.dialect.name, ())):
        connection.exec_driver_sql(statement)
    row = {
        "number": migration.number,
        "name": migration.name,
        "at": write_instant(clock.now()),
        "tables": describe_tables(connection),
    }
    connection.execute(insert(MIGRATION), seal(row))


def describe_tables(connection: Connection) -> str:
    """Hash what the database says its tables, indexes and triggers are."""
    rows = connection.exec_driver_sql(
        "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    )
    text = "\n".join("|".join(str(value) for value in row) for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()
