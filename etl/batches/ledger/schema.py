"""The tables of the ledger, as the newest migration leaves them.

ledger     one row: the ledger's own id
migration  what was done to the tables, in order
event      what happened to batches; appended to, never changed
batch, verdict, claim     what follows from the events, kept in the same transaction

Each row carries a digest of its own values, as SQLite does not notice a changed bit in a text.
"""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, String, Table

METADATA = MetaData()

LEDGER = Table(
    "ledger", METADATA,
    Column("id", String, primary_key=True),
    Column("created_at", String),
    Column("digest", String),
)  # fmt: skip

MIGRATION = Table(
    "migration", METADATA,
    Column("number", Integer, primary_key=True),
    Column("name", String),
    Column("at", String),
    Column("tables", String),
    Column("digest", String),
)  # fmt: skip

EVENT = Table(
    "event", METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("company_id", String),
    Column("batch_id", String),
    Column("seq", Integer),
    Column("kind", String),
    Column("at", String),
    Column("body", String),
    Column("previous", String),
    Column("digest", String),
)  # fmt: skip

BATCH = Table(
    "batch", METADATA,
    Column("id", String, primary_key=True),
    Column("company_id", String),
    Column("number", Integer),
    Column("seq", Integer),
    Column("state", String),
    Column("unsettled", Integer),
    Column("holds_numbers", Integer),
    Column("record", String),
    Column("head", String),
    Column("digest", String),
)  # fmt: skip

VERDICT = Table(
    "verdict", METADATA,
    Column("batch_id", String, primary_key=True),
    Column("entry_key", String, primary_key=True),
    Column("entry_id", String),
    Column("verdict", String),
    Column("body", String),
    Column("external_id", String),
    Column("failure_type", String),
    Column("failure_reason", String),
    Column("fingerprint", String),
    Column("vouchers", String),
    Column("acknowledged", Integer),
    Column("digest", String),
)  # fmt: skip

CLAIM = Table(
    "claim", METADATA,
    Column("batch_id", String, primary_key=True),
    Column("entry_key", String, primary_key=True),
    Column("company_id", String),
    Column("became", String),
    Column("live", Integer),
    Column("took_from", String),
    Column("digest", String),
)  # fmt: skip
